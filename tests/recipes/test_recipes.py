"""The public API from end to end, small."""

import numpy as np
import pytest

import mimikit_nb as mnb
from mimikit_nb.audio.files import load
from mimikit_nb.audio.write import write
from mimikit_nb.errors import ConfigError, FeatureError, ParameterError, PromptError, TrainingError
from mimikit_nb.features.spectral import MelConfig
from mimikit_nb.io.variable import VariableConfig
from tests.spectra import magnitude_io

SMALL = {
    "sample_rnn": {"frame_sizes": (8, 4, 4), "hidden_dim": 16, "chunk_steps": 64},
    "wavenet": {"n_layers": 3, "residual_channels": 8, "skip_channels": 8, "chunk_steps": 64},
    "freqnet": {
        "residual_channels": 16,
        "n_fft": 256,
        "hop_length": 128,
        "groups": 1,
        "chunk_steps": 8,
    },
    "latent_rnn": {"hidden_dim": 16, "n_fft": 256, "hop_length": 128, "chunk_steps": 8},
    "seq2seq": {"hop": 4, "hidden_dim": 16, "n_fft": 256, "hop_length": 128, "chunk_steps": 8},
    "sampler_transformer": {
        "frame_sizes": (8, 4),
        "hidden_dim": 16,
        "n_heads": 2,
        "context": {"frame_size": 64, "window": 4, "refresh": 2},
        "chunk_steps": 64,
    },
}
TRAINING = {"batch_size": 4, "max_steps": 6, "checkpoint_every_steps": 3, "preview_every_steps": 6}
TRAINING |= {"preview_seconds": 0.1, "held_out_every_steps": 3, "log_every_steps": 1}


def train(corpus, kind: str, folder, **more):
    return mnb.train(corpus, kind, folder, **SMALL[kind], **{**TRAINING, **more}, device="cpu")


@pytest.mark.parametrize("kind", SMALL)
def test_train_generate_and_recall(tiny_corpus, tmp_path, kind):
    run = train(tiny_corpus, kind, tmp_path / "run")
    assert list(run.metrics["step"]) == [1, 2, 3, 4, 5, 6]
    assert list(run.checkpoints) == [3, 6]
    assert len(list(run.samples_folder.glob("*.wav"))) == 1
    ck = mnb.load_checkpoint(tmp_path / "run")
    out = mnb.generate(ck, seconds=0.2, n=2, seed=5)
    assert out.audio.shape[:2] == (2, 1)
    assert out.continuation.shape[-1] == round(0.2 * 22050)
    again = mnb.generate(ck, tiny_corpus, seconds=0.2, n=2, seed=5)
    np.testing.assert_array_equal(out.audio, again.audio)
    paths = out.save(tmp_path / "sounds")
    recall = mnb.read_recall(paths[1])
    assert recall["seed"] == 6
    assert recall["checkpoint"]["hash"] == ck.hash
    assert recall["prompt_end_seconds"] == out.prompt_end_seconds
    np.testing.assert_allclose(load(paths[0]), np.clip(out.audio[0], -1, 1), atol=1e-6)
    assert out.save(tmp_path / "sounds")[0].name == "sound_003.wav"


def test_a_sound_can_be_made_again_from_its_recall_data(tiny_corpus, tmp_path):
    train(tiny_corpus, "sample_rnn", tmp_path / "run")
    out = mnb.generate(tmp_path / "run", tiny_corpus, seconds=0.1, n=3, seed=2, temperature=0.8)
    recall = mnb.read_recall(out.save(tmp_path / "sounds")[2])
    again = mnb.generate(
        recall["checkpoint"]["path"],
        tiny_corpus,
        prompt=recall["prompt"]["position_seconds"],
        seconds=0.1,
        seed=recall["seed"],
        **recall["controls"],
    )
    same = np.isclose(again.audio[0], out.audio[2], atol=1e-6)
    assert same.mean() > 0.999  # rounding may bring a draw to the other side of a boundary


def test_the_stream_is_what_generate_returns(tiny_corpus, tmp_path):
    train(tiny_corpus, "sample_rnn", tmp_path / "run")
    out = mnb.generate(tmp_path / "run", tiny_corpus, prompt=1.0, seconds=0.2, seed=3)
    stream = mnb.stream(tmp_path / "run", tiny_corpus, prompt=1.0, seed=3, block_seconds=0.05)
    blocks = np.concatenate([next(stream) for _ in range(4)], -1)
    n = out.continuation.shape[-1]
    np.testing.assert_allclose(
        blocks[..., :n], out.continuation[..., : blocks.shape[-1]], atol=1e-6
    )


def test_stereo_is_kept(tmp_path, music):
    (tmp_path / "takes").mkdir()
    write(tmp_path / "takes" / "a.wav", np.stack([music, -0.4 * music]), 22050)
    corpus = mnb.build_corpus(tmp_path / "takes", tmp_path / "c.h5")
    train(corpus, "freqnet", tmp_path / "run")
    out = mnb.generate(tmp_path / "run", seconds=0.1)
    assert out.audio.shape[:2] == (1, 2)
    mono = train(corpus, "freqnet", tmp_path / "mixed", channels="mix")
    assert mnb.generate(mono.folder, seconds=0.1).audio.shape[:2] == (1, 1)


def test_a_conditioned_network_reads_its_fixture_from_the_corpus(tiny_corpus, tmp_path):
    spec = mnb.plan("sample_rnn").io
    mel = VariableConfig(feature=MelConfig(n_fft=512, hop_length=256, n_mels=8), role="fixture")
    spec = spec.replace(variables={**spec.variables, "mel": mel})
    train(tiny_corpus, "sample_rnn", tmp_path / "run", io=spec)
    a = mnb.generate(tmp_path / "run", tiny_corpus, prompt=0.5, seconds=0.1)
    assert np.isfinite(a.audio).all()
    with pytest.raises(PromptError, match="mel"):
        mnb.generate(tmp_path / "run", tiny_corpus, prompt=np.zeros(22050, np.float32), seconds=0.1)


def test_prompts_may_be_positions_files_and_arrays_at_once(tiny_corpus, tmp_path, tone):
    write(tmp_path / "p.wav", tone, 22050)
    train(tiny_corpus, "sample_rnn", tmp_path / "run")
    prompts = [0.5, tmp_path / "p.wav", tone, (tone[::2], 11025)]
    out = mnb.generate(
        tmp_path / "run", tiny_corpus, prompts, prompt_seconds=0.5, seconds=0.05, n=2
    )
    assert out.audio.shape[0] == 8


def test_without_its_corpus_a_network_starts_from_silence(tiny_corpus, tmp_path):
    train(tiny_corpus, "sample_rnn", tmp_path / "run")
    moved = tiny_corpus.path.rename(tmp_path / tiny_corpus.path.name)
    made = mnb.generate(tmp_path / "run", seconds=0.1, prompt_seconds=0.2)
    assert made.recall[0]["prompt"]["kind"] == "corpus"  # it lay beside the run
    moved.unlink()
    with pytest.warns(UserWarning, match="the prompt is silence") as warned:
        out = mnb.generate(tmp_path / "run", seconds=0.1, prompt_seconds=0.2)
    assert warned[0].filename == __file__
    assert abs(out.audio[..., :1000]).max() < 0.01
    with pytest.raises(PromptError, match="needs a corpus"):
        mnb.generate(tmp_path / "run", prompt=1.0, seconds=0.1)


def test_a_run_is_never_overwritten_and_can_be_resumed(tiny_corpus, tmp_path):
    train(tiny_corpus, "sample_rnn", tmp_path / "run")
    with pytest.raises(TrainingError, match="holds a run"):
        train(tiny_corpus, "sample_rnn", tmp_path / "run")
    run = mnb.resume(tmp_path / "run", max_steps=9)
    assert list(run.metrics["step"]) == list(range(1, 10))


@pytest.mark.parametrize("name", ["hiden_dim", "kind", "q_level"])
def test_a_misspelt_setting_is_refused_with_the_nearest_names(name):
    with pytest.raises(ConfigError, match=r"Did you mean|Known"):
        mnb.plan("sample_rnn", **{name: 1})


def test_settings_find_their_config():
    plan = mnb.plan(
        "freqnet", hidden := 16000, residual_channels=64, n_fft=1024, batch_size=3, channels="mix"
    )
    assert plan.io.sample_rate == hidden
    assert plan.network.residual_channels == 64
    assert plan.io.variables["signal"].feature.n_fft == 1024
    assert plan.training.batch_size == 3
    assert plan.io.channels == "mix"


def test_a_budget_in_minutes_is_not_cut_short_by_steps():
    assert mnb.plan("freqnet", max_minutes=600).training.max_steps is None
    assert mnb.plan("freqnet", max_minutes=600, max_steps=50).training.max_steps == 50


def test_settings_that_could_never_sound_are_refused_before_training():
    with pytest.raises(ConfigError, match="hop_length"):
        mnb.plan("freqnet", n_fft=512, hop_length=4096)
    with pytest.raises(FeatureError, match="hop_length"):
        mnb.plan("freqnet", io=magnitude_io(22050), n_fft=512, hop_length=4096)


def test_a_pair_of_positions_is_two_prompts(tiny_corpus, tmp_path):
    train(tiny_corpus, "sample_rnn", tmp_path / "run")
    out = mnb.generate(tmp_path / "run", tiny_corpus, (0.5, np.float32(1.0)), 0.2, seconds=0.05)
    assert [r["prompt"]["position_seconds"] for r in out.recall] == [0.5, 1.0]


def test_a_list_of_temperatures_needs_one_for_each_sound(tiny_corpus, tmp_path):
    train(tiny_corpus, "sample_rnn", tmp_path / "run")
    with pytest.raises(ParameterError, match="2 values for 3 streams"):
        mnb.generate(tmp_path / "run", tiny_corpus, [0, 1, 2], 0.2, 0.05, temperature=[0.5, 1.0])


def test_training_on_a_full_disk_says_so_and_keeps_its_checkpoints(tiny_corpus, on_full_disk):
    code = f"""
import mimikit_nb as mnb
corpus = mnb.open_corpus({str(tiny_corpus.path)!r})
try:
    mnb.train(corpus, "sample_rnn", "run", hidden_dim=96, chunk_steps=64, batch_size=2,
              max_steps=40, checkpoint_every_steps=2, preview_every_steps=0, held_out=0.0)
except mnb.MimikitError as error:
    print(type(error).__name__, error)
"""
    printed = on_full_disk(code)
    assert "Traceback" not in printed.stderr, printed.stderr
    assert "TrainingError" in printed.stdout or "CheckpointError" in printed.stdout


def test_resuming_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(TrainingError, match="no run"):
        mnb.resume(tmp_path)


def test_each_sound_can_have_a_seed_of_its_own(tiny_corpus, tmp_path):
    train(tiny_corpus, "sample_rnn", tmp_path / "run")
    settings = {"prompt_seconds": 0.2, "seconds": 0.05}
    made = mnb.generate(tmp_path / "run", tiny_corpus, [1.0, 1.0, 1.0], **settings, seed=[4, 9, 4])
    assert [recall["seed"] for recall in made.recall] == [4, 9, 4]
    np.testing.assert_array_equal(made.audio[0], made.audio[2])
    assert (made.audio[0] != made.audio[1]).any()
    with pytest.raises(mnb.MimikitError, match="2 seeds for 1 sounds"):
        mnb.generate(tmp_path / "run", tiny_corpus, 1.0, **settings, seed=[4, 9])
