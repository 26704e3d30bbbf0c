"""Learned features and a corpus: fitted once, computed once, read anywhere."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mimikit_nb.features.augment import AugmentConfig
from mimikit_nb.features.latent import LatentConfig
from mimikit_nb.features.waveform import SamplesConfig
from mimikit_nb.io import learning
from mimikit_nb.io.learning import corpus_values, fit_features
from mimikit_nb.io.read import MIX, Origin, Reader, read_batch, span_samples
from mimikit_nb.io.variable import IOSpec, VariableConfig

RATE = 8000
N = 40_000
LATENT = LatentConfig(
    n_fft=64, hop_length=16, unit_frames=3, n_components=12, unit_components=20, floor_db=-40
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    signal = (0.3 * np.random.default_rng(0).standard_normal((2, N))).astype(np.float32)
    path = tmp_path_factory.mktemp("corpus") / "corpus.h5"
    return SimpleNamespace(
        signal=signal, sample_rate=RATE, tracks={}, path=path, hash="0123456789abcdef" * 4
    )


def spec(channels: str = "separate", **more: VariableConfig) -> IOSpec:
    variables = {"signal": VariableConfig(feature=LATENT), **more}
    return IOSpec(sample_rate=RATE, variables=variables, channels=channels)


@pytest.fixture(scope="module")
def io(corpus):
    return fit_features(spec(), corpus, [(0, N)])


def test_features_are_fitted_once(corpus, io):
    assert not spec().features["signal"].is_learned and io.features["signal"].is_learned
    assert fit_features(io, corpus, [(0, 100)]) is io
    plain = IOSpec(sample_rate=RATE, variables={"signal": VariableConfig(feature=SamplesConfig())})
    assert fit_features(plain, corpus, [(0, N)]) is plain
    tensors = {name: feature.tensors for name, feature in io.learned.items()}
    again = spec().with_tensors(tensors)
    assert torch.equal(
        again.features["signal"].tensors["unit_map"], io.features["signal"].tensors["unit_map"]
    )


def test_only_the_given_part_of_the_corpus_is_looked_at(corpus, io):
    def fit(**changes):
        signal = corpus.signal.copy()
        signal[:, N // 2 :] = 0.9
        other = SimpleNamespace(**{**vars(corpus), "signal": signal, **changes})
        return fit_features(spec(), other, [(0, N // 2)]).features["signal"].tensors

    expected = fit_features(spec(), corpus, [(0, N // 2)]).features["signal"].tensors
    assert all(torch.equal(value, expected[name]) for name, value in fit().items())


@pytest.mark.parametrize("channels", ["separate", "mix"])
def test_values_that_were_computed_before_are_those_of_the_samples(corpus, channels):
    io = fit_features(spec(channels), corpus, [(0, N)])
    values = {"signal": corpus_values(io.learned["signal"], io, corpus)}
    row = [Origin(s, MIX if channels == "mix" else s % 2) for s in (0, 16, 33, 20_001)]
    expected = Reader(io, corpus).read(row, 5, 30)
    found = Reader(io, corpus, values=values).read(row, 5, 30)
    for a, b in zip(found, expected, strict=True):
        assert a["signal"].dtype == torch.float32
        torch.testing.assert_close(a["signal"], b["signal"], atol=4e-3, rtol=2e-3)


@given(sample=st.integers(0, N - 8000), n_steps=st.integers(1, 100))
def test_rows_begin_at_the_next_place_of_the_grid_and_stay_within_their_span(
    corpus, io, sample, n_steps
):
    batch = read_batch(io, corpus, [Origin(sample, 0)], 0, n_steps)
    grid = io.learned["signal"].grid
    start = -(-sample // grid) * grid
    y = torch.from_numpy(corpus.signal[0, start:])
    expected = io.features["signal"].frames(y)[: n_steps + 1]
    torch.testing.assert_close(batch.inputs["signal"][0], expected[:-1], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(batch.targets["signal"][0], expected[1:], atol=1e-4, rtol=1e-4)
    assert start + io.step_axis.n_samples(n_steps + 1) <= sample + span_samples(io, n_steps)


def test_augmented_rows_are_computed_from_their_samples(corpus, io):
    values = {"signal": corpus_values(io.learned["signal"], io, corpus)}
    change = AugmentConfig(gain_db=(-6.0, 6.0)).draw(np.random.default_rng(1), 1)
    row = [Origin(160, 0)]
    found = Reader(io, corpus, values=values).read(row, 0, 10, change)
    expected = Reader(io, corpus).read(row, 0, 10, change)
    assert torch.equal(found.inputs["signal"], expected.inputs["signal"])


def test_values_of_a_long_corpus_are_kept_beside_it(corpus, io, monkeypatch):
    monkeypatch.setattr(learning, "_KEPT_FROM", 10)
    feature = io.learned["signal"]
    first = corpus_values(feature, io, corpus)
    (path,) = corpus.path.with_suffix(".values").iterdir()
    kept = path.stat().st_mtime_ns
    monkeypatch.setattr(learning, "_fill", None)  # nothing is computed again
    again = corpus_values(feature, io, corpus)
    assert path.stat().st_mtime_ns == kept
    assert np.array_equal(first.values, again.values) and isinstance(again.values, np.memmap)
    other = fit_features(spec(), corpus, [(0, N // 2)])
    monkeypatch.undo()
    monkeypatch.setattr(learning, "_KEPT_FROM", 10)
    corpus_values(other.learned["signal"], other, corpus)
    assert len(list(path.parent.iterdir())) == 2


def test_beside_a_corpus_only_the_values_used_last_are_kept(corpus, monkeypatch, tmp_path):
    monkeypatch.setattr(learning, "_KEPT_FROM", 10)
    mine = SimpleNamespace(**{**vars(corpus), "path": tmp_path / "corpus.h5"})
    folder = tmp_path / "corpus.values"
    folder.mkdir()
    theirs = [folder / name for name in ("notes.txt", "mine.npy", "0123-4567.npy")]
    for path in theirs:
        path.write_text("made by somebody")
    fitted = [fit_features(spec(), mine, [(0, N // 2 + 100 * i)]) for i in range(6)]

    def values_of(i: int) -> set[str]:
        before = set(folder.iterdir())
        corpus_values(fitted[i].learned["signal"], fitted[i], mine)
        return {path.name for path in set(folder.iterdir()) - before}

    made = [values_of(i) for i in range(4)]
    assert all(len(names) == 1 for names in made)
    assert not values_of(0)  # found again, and used last
    made += [values_of(4), values_of(5)]
    kept = {path.name for path in folder.iterdir()}
    assert kept == {path.name for path in theirs}.union(made[0], *made[3:])
    assert all(path.read_text() == "made by somebody" for path in theirs)


def test_a_damaged_file_of_values_is_made_anew(corpus, io, monkeypatch):
    monkeypatch.setattr(learning, "_KEPT_FROM", 10)
    expected = np.array(corpus_values(io.learned["signal"], io, corpus).values)
    for path in corpus.path.with_suffix(".values").iterdir():
        path.write_bytes(path.read_bytes()[:1000])
    assert np.array_equal(corpus_values(io.learned["signal"], io, corpus).values, expected)


def test_a_folder_that_cannot_be_written_to_is_not_needed(io, corpus, monkeypatch, tmp_path):
    monkeypatch.setattr(learning, "_KEPT_FROM", 10)
    (tmp_path / "corpus.values").write_text("in the way")
    other = SimpleNamespace(**{**vars(corpus), "path": tmp_path / "corpus.h5"})
    found = corpus_values(io.learned["signal"], io, other)
    expected = corpus_values(io.learned["signal"], io, corpus)
    assert np.array_equal(found.values, expected.values)
    assert (tmp_path / "corpus.values").read_text() == "in the way"


def test_stretches_hold_what_lies_within_each_segment(corpus, io):
    feature = io.learned["signal"]
    values = corpus_values(feature, io, corpus)
    length = feature.axis.frame_length
    segments = [(0, 1000), (1001, 1050), (2001, 3000)]
    found = list(values.stretches(segments, length))
    assert len(found) == 4  # two channels, and one segment too short
    assert len(found[0]) == (1000 - length) // 16 + 1
    torch.testing.assert_close(
        torch.from_numpy(found[3].astype(np.float32)),
        feature.grid_values(torch.from_numpy(corpus.signal[1, 2016:3000])),
        atol=4e-3,
        rtol=2e-3,
    )
