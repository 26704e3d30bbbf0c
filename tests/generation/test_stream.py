"""Streams: sample-exact behind the prompt, whatever the blocks."""

import numpy as np
import pytest
import torch

import mimikit_nb as mnb
from mimikit_nb.engine.stages import EagerExecutor
from mimikit_nb.errors import AudioError, PromptError
from mimikit_nb.features.spectral import MagnitudeConfig
from mimikit_nb.features.waveform import MuLawConfig, SamplesConfig
from mimikit_nb.generation.controls import Controls
from mimikit_nb.generation.prompts import Prompt
from mimikit_nb.generation.sound import SoundStream, generate
from mimikit_nb.io.variable import IOSpec, VariableConfig
from mimikit_nb.networks.sample_rnn import SampleRNNConfig
from mimikit_nb.networks.wavenet import FreqNetConfig

RATE = 8000


def make_network(name: str):
    torch.manual_seed(0)
    if name == "samples":
        io = IOSpec(sample_rate=RATE, variables={"signal": VariableConfig(feature=MuLawConfig())})
        return SampleRNNConfig(frame_sizes=(8, 4, 4), hidden_dim=16).build(io)
    feature = MagnitudeConfig(n_fft=256, hop_length=64)
    io = IOSpec(sample_rate=RATE, variables={"signal": VariableConfig(feature=feature)})
    return FreqNetConfig(n_layers=2, residual_channels=16, groups=1).build(io)


@pytest.fixture(params=["samples", "frames"])
def network(request):
    return make_network(request.param)


def make_prompt(seconds: float = 0.25, n_channels: int = 1, seed: int = 0) -> Prompt:
    n = round(seconds * RATE)
    t = np.arange(n) / RATE
    y = np.stack([0.4 * np.sin(2 * np.pi * (220 + 50 * c + seed) * t) for c in range(n_channels)])
    return Prompt(y.astype(np.float32), {"kind": "test"})


def make_stream(network, prompts=None, n_channels: int = 1, seeds=(1, 2)) -> SoundStream:
    prompts = prompts or [make_prompt(seed=s) for s in seeds]
    return SoundStream.from_prompts(network, prompts, n_channels, seeds[: len(prompts)], Controls())


def take(stream: SoundStream, lengths) -> np.ndarray:
    blocks = []
    for length in lengths:
        blocks.append(stream.take(length))
        assert blocks[-1].shape[-1] == length
    return np.concatenate(blocks, -1)


def test_blocks_of_any_length_are_the_same_sound(network):
    whole = take(make_stream(network), [2000])
    parts = take(make_stream(network), [1, 777, 64, 500, 658])
    np.testing.assert_allclose(whole, parts, atol=1e-5)


def test_subnormal_numbers_count_as_zero_while_a_prompt_is_read_and_sound_is_drawn(monkeypatch):
    network, seen = make_network("samples"), []
    read = type(network).read

    def tiny_product() -> float:
        return float(torch.tensor([1e-39]) * 0.5)

    def spied_read(*args):
        seen.append(tiny_product())
        return read(*args)

    monkeypatch.setattr(type(network), "read", spied_read)
    stream = SoundStream.from_prompts(
        network,
        [make_prompt()],
        1,
        (1,),
        Controls(),
        hooks=[mnb.hooks.On("logits", lambda logits, step: seen.append(tiny_product()))],
        make_executor=lambda stages, state: EagerExecutor(stages),
    )
    stream.take(100)
    assert len(seen) > 100 and set(seen) == {0.0}
    assert tiny_product() > 0


def test_new_sound_is_exactly_as_long_as_asked(network):
    out = generate(make_stream(network), 0.3217)
    assert out.continuation.shape == (2, 1, round(0.3217 * RATE))
    assert out.audio.dtype == np.float32
    assert np.isfinite(out.audio).all()


def test_the_prompt_stays_as_it_was_up_to_the_seam(network):
    prompt = make_prompt()
    out = generate(make_stream(network, [prompt]), 0.1)
    n = round(out.prompt_end_seconds * RATE)
    faded = round(0.01 * RATE)
    np.testing.assert_array_equal(
        out.audio[0, :, : n - faded], prompt.audio[:, -n:][:, : n - faded]
    )


def test_channels_of_one_stream_share_their_randomness():
    network = make_network("samples")
    same = Prompt(np.repeat(make_prompt().audio, 2, axis=0), {})
    out = generate(make_stream(network, [same], n_channels=2), 0.1)
    np.testing.assert_array_equal(out.audio[0, 0], out.audio[0, 1])
    other = generate(make_stream(network, [make_prompt(n_channels=2)], n_channels=2), 0.1)
    assert not np.array_equal(other.audio[0, 0], other.audio[0, 1])


def test_a_prompt_shorter_than_a_frame_is_refused_with_the_limit():
    with pytest.raises(PromptError, match=r"0\.013 s.*0\.032 s"):
        make_stream(make_network("frames"), [make_prompt(0.0125)])


def test_longer_prompts_are_cut_at_their_front(network):
    prompts = [make_prompt(0.25), make_prompt(0.5)]
    out = generate(make_stream(network, prompts), 0.05)
    assert out.prompt_end_seconds <= 0.25
    n = out.audio.shape[-1] - out.continuation.shape[-1]
    np.testing.assert_array_equal(out.audio[1, :, : n // 2], prompts[1].audio[:, -n:][:, : n // 2])


def test_progress_ends_at_the_end(network):
    seen = []
    generate(make_stream(network), 0.2, lambda now: seen.append((now.done, now.total)))
    assert seen[-1] == (0.2, 0.2)
    assert seen == sorted(seen)


def test_auxiliary_values_come_with_the_sound_whatever_the_blocks():
    torch.manual_seed(0)
    values = VariableConfig(feature=SamplesConfig(), role="auxiliary")
    variables = {"signal": VariableConfig(feature=MuLawConfig()), "copy": values}
    io = IOSpec(sample_rate=RATE, variables=variables)
    network = SampleRNNConfig(frame_sizes=(8, 4, 4), hidden_dim=16).build(io)
    whole = generate(make_stream(network), 0.3).auxiliary["copy"]
    assert whole.shape[:2] == (2, 1)
    assert 0.3 <= whole.shape[2] / RATE <= 0.3 + 0.05
    assert whole.std() > 0
    stream = make_stream(network)
    stream.block_samples = 333
    np.testing.assert_array_equal(generate(stream, 0.3).auxiliary["copy"], whole)


def test_a_network_without_auxiliary_variables_collects_none(network):
    assert generate(make_stream(network), 0.1).auxiliary == {}


def test_a_folder_that_cannot_be_made_is_said_so(network, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(AudioError, match="can't be made"):
        generate(make_stream(network), 0.1).save(tmp_path / "file" / "sounds")
