"""Batches: what is read is what the features of the whole corpus say, at any rate."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mimikit_nb.corpus.tracks import FeatureTrack, LabelTrack
from mimikit_nb.errors import CorpusError, ParameterError, PromptError
from mimikit_nb.features.augment import AugmentConfig
from mimikit_nb.features.labels import LabelConfig, ValuesConfig
from mimikit_nb.features.spectral import MagnitudeConfig, MelConfig, MFCCConfig
from mimikit_nb.features.waveform import MuLawConfig, SamplesConfig
from mimikit_nb.io.align import align
from mimikit_nb.io.read import (
    MIX,
    Batch,
    Origin,
    Reader,
    gather,
    read_batch,
    read_prompt,
    span_samples,
)
from mimikit_nb.io.variable import IOSpec, VariableConfig

RATE = 8000
N = 30_000
SIGNAL = (0.5 * np.random.default_rng(0).standard_normal((2, N))).astype(np.float32)

SAMPLES = VariableConfig(feature=SamplesConfig())
MAGNITUDE = VariableConfig(feature=MagnitudeConfig(n_fft=64, hop_length=16))


def variable(feature, role="fixture", **options) -> VariableConfig:
    return VariableConfig(feature=feature, role=role, **options)


def spec(**variables: VariableConfig) -> IOSpec:
    return IOSpec(sample_rate=RATE, variables=variables)


@pytest.fixture(scope="module")
def corpus():
    tracks = {
        "notes": LabelTrack.of([0, 1000, 5000], [1000, 4000, N], [1, 2, 3], N),
        "loudness": FeatureTrack.of(np.arange(300), 100, 1, False),
    }
    return SimpleNamespace(signal=SIGNAL, sample_rate=RATE, tracks=tracks)


def assert_equal(a: Batch, b: Batch, atol: float = 1e-4) -> None:
    for found, expected in zip(a, b, strict=True):
        assert found.keys() == expected.keys()
        for name in found:
            torch.testing.assert_close(found[name], expected[name], atol=atol, rtol=1e-4)


def joined(batches: list[Batch]) -> Batch:
    return Batch(
        *({n: torch.cat([b[i][n] for b in batches], 1) for n in batches[0][i]} for i in (0, 1))
    )


@st.composite
def specs(draw) -> IOSpec:
    """A signal and variables of other rates, hops and frames beside it."""
    spectrum = {
        "n_fft": st.integers(16, 80),
        "hop_length": st.integers(1, 50),
        "center": st.booleans(),
    }
    signal = draw(
        st.sampled_from([SamplesConfig(), MuLawConfig(), MagnitudeConfig(n_fft=64, hop_length=16)])
    )
    rates = st.sampled_from([None, 8000, 5000, 11025, 7919])
    others = {
        f"other_{i}": variable(
            draw(st.builds(MagnitudeConfig, **spectrum)),
            draw(st.sampled_from(["fixture", "auxiliary"])),
            sample_rate=draw(rates),
        )
        for i in range(draw(st.integers(0, 2)))
    }
    rate = (
        draw(rates) if not isinstance(signal, MuLawConfig) else None
    )  # classes may tip over by rounding
    return spec(signal=VariableConfig(feature=signal, sample_rate=rate), **others)


@settings(max_examples=30, deadline=None)
@given(specs(), st.lists(st.integers(1, 30), min_size=1, max_size=4), st.integers(0, 40))
def test_chunks_one_after_the_other_are_one_long_window(io, lengths, start_step):
    corpus = SimpleNamespace(signal=SIGNAL, sample_rate=RATE, tracks={})
    origins = [Origin(2000, 0), Origin(4567, 1), Origin(12_000, MIX)]
    whole = read_batch(io, corpus, origins, start_step, sum(lengths))
    parts, start = [], start_step
    for length in lengths:
        parts.append(read_batch(io, corpus, origins, start, length))
        start += length
    assert_equal(joined(parts), whole)


@settings(max_examples=30, deadline=None)
@given(specs(), st.integers(1, 40))
def test_every_tensor_has_one_item_per_step(io, n_steps):
    corpus = SimpleNamespace(signal=SIGNAL, sample_rate=RATE, tracks={})
    batch = read_batch(io, corpus, [Origin(1000, 0), Origin(3000, 1)], 0, n_steps)
    assert batch.inputs.keys() == io.inputs.keys()
    assert batch.targets.keys() == io.targets.keys()
    for name, x in [*batch.inputs.items(), *batch.targets.items()]:
        dim = getattr(io.kind(name), "dim", None)
        assert x.shape == ((2, n_steps) if dim is None else (2, n_steps, dim))
        assert x.dtype == (torch.int64 if dim is None else torch.float32)
    torch.testing.assert_close(batch.inputs["signal"][:, 1:], batch.targets["signal"][:, :-1])


@settings(max_examples=30, deadline=None)
@given(specs(), st.integers(0, 30), st.integers(1, 30))
def test_items_are_those_of_the_whole_corpus(io, start_step, n_steps):
    """From the first sample on, a window's items are items of ``forward`` of everything."""
    io = spec(**{n: v.model_copy(update={"sample_rate": None}) for n, v in io.variables.items()})
    corpus = SimpleNamespace(signal=SIGNAL, sample_rate=RATE, tracks={})
    batch = read_batch(io, corpus, [Origin(0, 1)], start_step, n_steps)
    for name, span in align(io, start_step, n_steps).items():
        whole = io.features[name].forward(torch.from_numpy(SIGNAL[1]))
        expected = whole[torch.from_numpy(span.frames)]
        if io.variables[name].role == "autoregressive":
            expected = expected[1:]
            found = batch.targets[name][0]
        else:
            found = {**batch.inputs, **batch.targets}[name][0]
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@settings(max_examples=20, deadline=None)
@given(specs(), st.integers(1, 30))
def test_a_span_is_what_a_sequence_needs(io, n_steps):
    corpus = SimpleNamespace(signal=SIGNAL, sample_rate=RATE, tracks={})
    n = span_samples(io, n_steps, RATE)
    read_batch(io, corpus, [Origin(N - n, 0)], 0, n_steps)
    if not any(feature.axis.center for feature in io.features.values()):
        with pytest.raises(ParameterError, match="of the corpus, which has 0 to 29999"):
            read_batch(io, corpus, [Origin(N - n + 1, 0)], 0, n_steps)


def test_rows_are_independent(corpus):
    io = spec(
        signal=MAGNITUDE, mel=variable(MelConfig(n_fft=64, hop_length=16, n_mels=4), "auxiliary")
    )
    origins = [Origin(100, 0), Origin(9000, MIX), Origin(20_000, 1)]
    together = read_batch(io, corpus, origins, 3, 20)
    for row, origin in enumerate(origins):
        alone = read_batch(io, corpus, [origin], 3, 20)
        assert_equal(
            alone, Batch(*({n: x[row : row + 1] for n, x in part.items()} for part in together))
        )


def test_the_mix_is_the_mean_of_the_channels(corpus):
    x = read_batch(spec(signal=SAMPLES), corpus, [Origin(50)], 0, 100).inputs["signal"]
    np.testing.assert_allclose(x[0, :, 0], SIGNAL[:, 50:150].mean(0), atol=1e-6)


def test_a_sound_at_another_rate_is_the_same_sound():
    t = np.arange(N) / RATE
    corpus = SimpleNamespace(
        signal=np.sin(2 * np.pi * 440 * t)[None].astype(np.float32), sample_rate=RATE, tracks={}
    )
    io = IOSpec(sample_rate=11025, variables={"signal": SAMPLES})
    x = read_batch(io, corpus, [Origin(1000, 0)], 5, 500).inputs["signal"][0, :, 0]
    expected = np.sin(2 * np.pi * 440 * (1000 / RATE + np.arange(5, 505) / 11025))
    np.testing.assert_allclose(x, expected, atol=1e-3)


def test_what_is_computed_follows_the_items_it_is_computed_from(corpus):
    frames = {"n_fft": 64, "hop_length": 16}
    io = spec(
        signal=VariableConfig(feature=MagnitudeConfig(**frames, scale="log1p")),
        mel=variable(MelConfig(**frames, n_mels=4), source="computed:signal"),
        mfcc=variable(
            MFCCConfig(**frames, n_mels=6, n_mfcc=4), "auxiliary", source="computed:signal"
        ),
    )
    batch = read_batch(io, corpus, [Origin(0, 0)], 2, 5)
    y = torch.from_numpy(SIGNAL[0])
    torch.testing.assert_close(
        batch.inputs["mel"][0], io.features["mel"].forward(y)[2:7], atol=1e-3, rtol=1e-3
    )
    torch.testing.assert_close(
        batch.targets["mfcc"][0], io.features["mfcc"].forward(y)[3:8], atol=0.1, rtol=1e-2
    )


def test_tracks_are_read_at_the_time_of_what_is_predicted(corpus):
    io = spec(
        signal=MAGNITUDE,
        note=variable(LabelConfig(n_classes=4), source="track:notes"),
        loudness=variable(ValuesConfig(), "auxiliary", source="track:loudness"),
    )
    batch = read_batch(io, corpus, [Origin(950, 0), Origin(3980, 1), Origin(4990, MIX)], 0, 4)
    assert batch.inputs["note"].tolist() == [[1, 1, 1, 2], [2, 0, 0, 0], [3, 3, 3, 3]]
    positions = 950 + 16 * np.arange(1, 5)
    assert batch.targets["loudness"][0, :, 0].tolist() == (positions // 100).tolist()


def test_a_track_that_is_not_there_is_named(tiny_corpus):
    io = spec(signal=SAMPLES, note=variable(LabelConfig(n_classes=4), source="track:notes"))
    with pytest.raises(CorpusError, match="notes"):
        Reader(io, tiny_corpus)


def test_a_corpus_file_is_read_like_an_array(tiny_corpus):
    tiny_corpus.write_labels("notes", np.array([0]), np.array([5000]), np.array([3]))
    io = IOSpec(
        sample_rate=tiny_corpus.sample_rate,
        variables={
            "signal": SAMPLES,
            "note": variable(LabelConfig(n_classes=4), source="track:notes"),
        },
    )
    batch = Reader(io, tiny_corpus).read([Origin(4990, 0)], 0, 20)
    np.testing.assert_array_equal(batch.inputs["signal"][0, :, 0], tiny_corpus.signal[0, 4990:5010])
    assert batch.inputs["note"][0].tolist() == [3] * 9 + [0] * 11


def test_only_the_wanted_variables_are_read(corpus):
    io = spec(signal=SAMPLES, note=variable(LabelConfig(n_classes=4), source="track:notes"))
    batch = read_batch(io, corpus, [Origin(N - 5, 0)], 0, 4, names=["note"])
    assert set(batch.inputs) == {"note"}
    assert batch.targets == {}


@pytest.mark.parametrize("sample", [-1, N - 10])
def test_reading_outside_the_corpus_is_refused(corpus, sample):
    with pytest.raises(ParameterError, match="choose other origins or fewer steps"):
        read_batch(spec(signal=SAMPLES), corpus, [Origin(sample, 0)], 0, 10)


def test_a_centred_feature_finds_silence_outside(corpus):
    io = spec(signal=SAMPLES, mag=variable(MagnitudeConfig(n_fft=64, hop_length=16, center=True)))
    whole = io.features["mag"].forward(torch.from_numpy(SIGNAL[0]))
    first = read_batch(io, corpus, [Origin(0, 0)], 0, 20).inputs["mag"][0, 0]
    last = read_batch(io, corpus, [Origin(N - 21, 0)], 0, 20).inputs["mag"]
    torch.testing.assert_close(first, whole[0], atol=1e-4, rtol=1e-4)
    assert torch.isfinite(last).all()


@pytest.mark.parametrize("channel", [2, -2])
def test_a_channel_that_is_not_there_is_named(corpus, channel):
    with pytest.raises(ParameterError, match=f"Channel {channel} doesn't exist"):
        read_batch(spec(signal=SAMPLES), corpus, [Origin(0, channel)], 0, 10)


def test_gather_pads_with_zeros():
    found = gather(SIGNAL, [Origin(0, 0), Origin(N, 1), Origin(N + 50, MIX)], -3, 5)
    np.testing.assert_array_equal(found[0], [0, 0, 0, *SIGNAL[0, :5]])
    np.testing.assert_array_equal(found[1], [*SIGNAL[1, -3:], 0, 0, 0, 0, 0])
    assert (found[2] == 0).all()


def test_augmented_chunks_join_exactly(corpus):
    augmentation = AugmentConfig(speed=(0.8, 1.2), gain_db=(-6, 6)).draw(
        np.random.default_rng(0), 2
    )
    reader = Reader(spec(signal=SAMPLES), corpus)
    origins = [Origin(100, 0), Origin(9000, MIX)]
    whole = reader.read(origins, 0, 900, augmentation)
    parts = [reader.read(origins, i, 300, augmentation) for i in (0, 300, 600)]
    assert_equal(joined(parts), whole, atol=1e-6)


def test_tracks_follow_the_speed(corpus):
    augmentation = AugmentConfig(speed=(2.0, 2.0)).draw(np.random.default_rng(0), 1)
    io = spec(signal=SAMPLES, note=variable(LabelConfig(n_classes=4), source="track:notes"))
    batch = Reader(io, corpus).read([Origin(980, 0)], 0, 20, augmentation)
    assert batch.inputs["note"][0].tolist() == [1] * 9 + [2] * 11


def test_augmented_rows_stay_in_the_corpus(corpus):
    config = AugmentConfig(speed=(1.3, 1.3))
    reader, augmentation = (
        Reader(spec(signal=SAMPLES), corpus),
        config.draw(np.random.default_rng(0), 1),
    )
    n = config.span_samples(span_samples(reader.io, 100))
    reader.read([Origin(N - n, 0)], 0, 100, augmentation)
    with pytest.raises(ParameterError, match="fewer steps"):
        reader.read([Origin(N - n + 1, 0)], 0, 100, augmentation)


@pytest.mark.parametrize(
    "config", [SamplesConfig(), MuLawConfig(), MagnitudeConfig(n_fft=64, hop_length=16)]
)
def test_a_prompt_reads_as_the_corpus_does(corpus, config):
    io = spec(signal=VariableConfig(feature=config))
    prompt = read_prompt(io, SIGNAL[:, 500:1500], RATE)["signal"]
    batch = read_batch(io, corpus, [Origin(500, 0), Origin(500, 1)], 0, prompt.shape[1])
    torch.testing.assert_close(prompt, batch.inputs["signal"], atol=1e-4, rtol=1e-4)
    assert prompt.shape[1] == io.step_axis.n_frames(1000)


def test_a_prompt_at_another_rate_is_resampled():
    t = np.arange(4000) / RATE
    y = np.sin(2 * np.pi * 300 * t)[None].astype(np.float32)
    io = IOSpec(sample_rate=12_000, variables={"signal": SAMPLES})
    x = read_prompt(io, y, RATE)["signal"][0, :, 0]
    assert x.shape[0] == 6000
    expected = np.sin(2 * np.pi * 300 * np.arange(6000) / 12_000)
    np.testing.assert_allclose(x[200:-200], expected[200:-200], atol=1e-3)


def test_a_prompt_brings_what_is_computed_and_takes_what_is_given():
    frames = {"n_fft": 64, "hop_length": 16}
    io = spec(
        signal=MAGNITUDE,
        mel=variable(MelConfig(**frames, n_mels=4), source="computed:signal"),
        note=variable(LabelConfig(n_classes=4), source="track:notes"),
    )
    inputs = read_prompt(
        io, SIGNAL[:, :1000], RATE, {"note": torch.zeros(2, 100, dtype=torch.int64)}
    )
    assert {name: tuple(x.shape) for name, x in inputs.items()} == {
        "signal": (2, 59, 33),
        "mel": (2, 59, 4),
        "note": (2, 59),
    }
    with pytest.raises(PromptError, match="'note' has 10 steps, the prompt 59"):
        read_prompt(io, SIGNAL[:, :1000], RATE, {"note": torch.zeros(2, 10, dtype=torch.int64)})


def test_a_prompt_too_short_is_refused():
    with pytest.raises(PromptError, match="63 samples at 8000 Hz; this network reads at least 64"):
        read_prompt(spec(signal=MAGNITUDE), SIGNAL[:, :63], RATE)
