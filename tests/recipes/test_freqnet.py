"""FreqNet: latent frames by default, and magnitudes for runs from before."""

import numpy as np
import pytest

import mimikit_nb as mnb
from mimikit_nb.checkpoint import Header
from mimikit_nb.networks.latent_rnn import LatentRNNConfig
from mimikit_nb.networks.wavenet import FreqNetConfig

OLD_NETWORK = {
    "kind": "freqnet",
    "n_layers": 3,
    "n_blocks": 1,
    "kernel_size": 2,
    "residual_channels": 512,
    "skip_channels": 0,
    "condition_channels": 32,
    "groups": 1,
    "residual_conv": False,
    "input_noise": 0.4,
    "dropout": 0.3,
}
OLD_FEATURE = {
    "kind": "magnitude",
    "n_fft": 2048,
    "hop_length": 512,
    "win_length": None,
    "center": False,
    "window": "hann",
    "scale": "log1p",
    "n_iter": 32,
}
OLD_VARIABLE = {
    "feature": OLD_FEATURE,
    "role": "autoregressive",
    "source": "signal",
    "sample_rate": None,
    "input": None,
    "head": {"kind": "magnitude_mixture", "codebook_size": 128},
    "losses": [{"kind": "nll", "weight": 1.0}],
}
OLD_IO = {
    "sample_rate": 22050,
    "variables": {"signal": OLD_VARIABLE},
    "channels": "separate",
}
TRAINING = {"batch_size": 2, "chunk_steps": 8, "max_steps": 2, "preview_every_steps": 0}


def test_it_reads_and_draws_what_latent_rnn_does():
    io = FreqNetConfig.default_io(16000)
    assert io == LatentRNNConfig.default_io(16000)
    assert io.variables["signal"].feature.kind == "latent"
    assert io.variables["signal"].head.kind == "flow"


@pytest.mark.parametrize("size", ["tiny", "laptop", "gpu"])
def test_every_size_looks_back_three_quarters_of_a_second_at_least(size):
    plan = mnb.plan(f"freqnet/{size}", 22050)
    feature = plan.io.variables["signal"].feature
    step_samples = feature.unit_frames * feature.hop_length
    seconds = plan.network.receptive_field * step_samples / 22050
    assert seconds > 0.7
    assert plan.training.chunk_steps >= plan.network.receptive_field


def test_a_config_written_before_is_read_as_it_was():
    header = Header(step=1, network=OLD_NETWORK, io=OLD_IO)
    assert header.network.to_dict() == OLD_NETWORK
    assert header.io.to_dict() == OLD_IO
    network = header.network.build(header.io)
    assert network.receptive_field == 8
    assert set(network.heads) == {"signal"}


def test_a_run_on_magnitudes_plays_and_goes_on(tiny_corpus, tmp_path):
    settings = {"io": OLD_IO, **TRAINING, "device": "cpu"}
    run = mnb.train(tiny_corpus, OLD_NETWORK, tmp_path / "run", **settings)
    ck = mnb.load_checkpoint(run.folder)
    assert ck.config.to_dict() == OLD_NETWORK
    assert ck.io.to_dict() == OLD_IO
    made = mnb.generate(ck, tiny_corpus, seconds=0.2)
    assert np.isfinite(made.audio).all()
    resumed = mnb.resume(run.folder, max_steps=3, device="cpu")
    assert list(resumed.metrics["step"])[-1] == 3
    assert mnb.load_checkpoint(run.folder).config.to_dict() == OLD_NETWORK
