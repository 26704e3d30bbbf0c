"""Labels as data: training told what a track says, generation steered by a curve."""

import numpy as np
import pytest

import mimikit_nb as mnb
from mimikit_nb.audio.write import write
from mimikit_nb.errors import ConfigError, CorpusError, ParameterError, PromptError
from mimikit_nb.recipes.conditioning import conditioned

SR = 8000
TINY = {"n_fft": 256, "hop_length": 128, "residual_channels": 24, "n_layers": 3, "groups": 1}
TRAINING = {"batch_size": 16, "chunk_steps": 16, "learning_rate": 5e-3, "preview_every_steps": 0}
TRAINING |= {"held_out": 0.0, "device": "cpu", "ema_decay": 0.0}


def dull_and_bright(n_parts: int = 24, part_seconds: float = 0.5) -> tuple[np.ndarray, list[str]]:
    """Noise that is dull or bright by turns that nobody can foresee."""
    rng = np.random.default_rng(0)
    kinds = [("dull", "bright")[k] for k in rng.integers(0, 2, n_parts)]
    noise = rng.standard_normal(round(n_parts * part_seconds * SR))
    dull = np.convolve(noise, np.ones(32) / 8, "same") * 0.2
    bright = np.diff(noise, prepend=0) * 0.1
    which = np.repeat([kind == "dull" for kind in kinds], round(part_seconds * SR))
    return np.where(which, dull, bright).astype(np.float32).clip(-1, 1), kinds


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("steered")
    y, kinds = dull_and_bright()
    write(folder / "y.wav", y, SR)
    corpus = mnb.build_corpus(folder / "y.wav", folder / "c.h5", sample_rate=SR)
    starts = np.arange(len(kinds)) * SR // 2
    corpus.write_labels("families", starts, starts + SR // 2, kinds)
    return corpus


@pytest.fixture(scope="module")
def run(corpus, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "run"
    settings = {**TINY, **TRAINING, "max_steps": 120}
    return mnb.train(corpus, "freqnet", folder, condition_on="families", **settings)


def brightness(y: np.ndarray) -> float:
    """Share of the energy above 1 kHz."""
    power = np.abs(np.fft.rfft(y)) ** 2
    return float(power[np.fft.rfftfreq(len(y), 1 / SR) > 1000].sum() / power.sum())


def test_the_sound_follows_a_label_curve(run, corpus):
    curve = [(0.0, "dull"), (1.0, "bright"), (2.0, "dull")]
    made = mnb.generate(
        *(run.folder, corpus, [0.5, 3.0], 0.3, 3.0), fixtures={"families": curve}, temperature=0.5
    )
    for sound in made.continuation[:, 0]:
        first, second, third = (
            brightness(sound[round((i + 0.25) * SR) : round((i + 1) * SR)]) for i in range(3)
        )
        assert second > first + 0.3 and second > third + 0.3
    assert made.recall[0]["fixtures"] == {"families": curve}


@pytest.mark.parametrize("kind", ["dull", "bright"])
def test_a_label_may_be_constant_or_a_function(run, corpus, kind):
    constant = mnb.generate(run.folder, corpus, 1.0, 0.3, 0.5, fixtures={"families": kind})
    asked = mnb.generate(
        run.folder, corpus, 1.0, 0.3, 0.5, fixtures={"families": lambda seconds: kind}
    )
    np.testing.assert_array_equal(constant.audio, asked.audio)


def test_a_curve_needs_neither_corpus_nor_an_end(run):
    silence = np.zeros(SR // 2, np.float32)
    stream = mnb.stream(
        run.folder, prompt=silence, fixtures={"families": [(0, "dull"), (0.2, "bright")]}
    )
    for _ in range(40):  # 4 s
        block = next(stream)
    assert np.isfinite(block).all()
    with pytest.raises(PromptError, match="families"):
        mnb.generate(run.folder, prompt=silence, seconds=0.1)


def test_without_a_curve_the_corpus_is_followed(run, corpus):
    followed = mnb.generate(run.folder, corpus, 1.0, 0.3, 1.0)
    track = corpus.tracks["families"]
    there = [
        (float(s / SR - 1.3), label) for s, label in zip(track.start, track.label, strict=True)
    ]
    steered = mnb.generate(run.folder, corpus, 1.0, 0.3, 1.0, fixtures={"families": there})
    n = followed.continuation.shape[-1]
    np.testing.assert_allclose(steered.continuation, followed.continuation[..., :n], atol=1e-5)


@pytest.mark.parametrize(
    ("fixtures", "message"),
    [
        ({"familie": "dull"}, "Did you mean 'families'"),
        ({"families": "loud"}, "loud"),
        ({"families": [(0, "dull"), (1, "loud")]}, "loud"),
    ],
)
def test_what_cannot_be_followed_is_refused(run, corpus, fixtures, message):
    with pytest.raises(ParameterError, match=message):
        mnb.generate(run.folder, corpus, 1.0, 0.3, 0.1, fixtures=fixtures)


def test_a_network_without_fixtures_cannot_be_steered(corpus, tmp_path):
    settings = {**TINY, **TRAINING, "max_steps": 1}
    run = mnb.train(corpus, "freqnet", tmp_path / "run", **settings)
    with pytest.raises(ParameterError, match="no fixtures"):
        mnb.generate(run.folder, corpus, 1.0, 0.3, 0.1, fixtures={"families": "dull"})


def test_values_of_a_track_are_followed_between_their_points(corpus, tmp_path):
    corpus.write_feature("level", np.linspace(0, 1, 12 * 50, dtype=np.float32), SR // 50)
    settings = {**TINY, **TRAINING, "max_steps": 2}
    run = mnb.train(corpus, "freqnet", tmp_path / "run", condition_on="level", **settings)
    made = mnb.generate(run.folder, corpus, 1.0, 0.3, 0.3, fixtures={"level": [(0, 0.0), (1, 1.0)]})
    assert np.isfinite(made.audio).all()


def test_tracks_become_fixtures_of_their_kind(corpus):
    io = mnb.plan("freqnet", SR).io
    starts = np.arange(4) * 1000
    corpus.write_labels("form", starts, starts + 1000, ["intro", "verse", "coda", "end"])
    features = conditioned(io, corpus, ["families", "form"]).variables
    assert features["families"].feature.kind == "cluster_label"
    assert set(features["families"].feature.names) == {"none", "dull", "bright"}
    assert features["form"].feature.kind == "segment_label"
    assert features["form"].feature.names == ("none", "intro", "verse", "coda", "end")
    with pytest.raises(CorpusError, match="families"):
        conditioned(io, corpus, "familie")
    corpus.write_labels("signal", starts, starts + 1000, ["a"] * 4)
    with pytest.raises(ConfigError, match="another name"):
        conditioned(io, corpus, "signal")
