from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import save_file
from scipy.signal import lfilter

from mimikit_nb.errors import CorpusError, ParameterError
from mimikit_nb.evaluation.index import CorpusIndex, index_of
from mimikit_nb.evaluation.scoring import score

from .sounds import SR, plucked


@pytest.fixture(scope="module")
def small() -> SimpleNamespace:
    return SimpleNamespace(signal=plucked(12, seed=3)[None], sample_rate=SR)


def test_an_index_says_what_real_audio_and_planted_cases_score(index):
    calibration = index.calibration
    assert len(calibration.real["log_mel_distance"]) == 20
    assert max(calibration.real["longest_copy_seconds"]) < 2.5
    assert calibration.planted["copy"]["longest_copy_seconds"] > 9
    assert calibration.planted["noise"]["log_mel_distance"] > 3 * np.median(
        calibration.real["log_mel_distance"]
    )
    assert calibration.real_distance > 0.15


def test_an_index_is_kept_in_a_file_only_if_told(small, tmp_path, music):
    path = tmp_path / "corpus.index"
    built = CorpusIndex.build(small, cache=path)
    assert [p.name for p in tmp_path.iterdir()] == ["corpus.index"]
    loaded = CorpusIndex.load(path)
    a, b = score(music, SR, built), score(music, SR, loaded)
    assert a.flags == b.flags
    assert a.to_row() == pytest.approx(b.to_row(), nan_ok=True)
    again = CorpusIndex.build(small, cache=path).calibration.to_dict()
    assert json.dumps(again) == json.dumps(built.calibration.to_dict())


def test_an_index_of_another_corpus_is_made_anew(small, tmp_path):
    path = tmp_path / "corpus.index"
    CorpusIndex.build(small, cache=path)
    other = SimpleNamespace(signal=small.signal[:, : 8 * SR], sample_rate=SR)
    assert CorpusIndex.build(other, cache=path).references.seconds == 8


def test_a_foreign_or_truncated_file_is_refused_and_kept(small, tmp_path):
    path = tmp_path / "corpus.index"
    CorpusIndex.build(small, cache=path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(CorpusError, match="Can't read the index"):
        CorpusIndex.build(small, cache=path)
    save_file({"x": np.zeros(3)}, path)
    with pytest.raises(CorpusError, match="isn't an index"):
        CorpusIndex.build(small, cache=path)
    with pytest.raises(CorpusError, match="Can't read the index"):
        CorpusIndex.load(tmp_path / "missing.index")


def test_nothing_is_copied_from_what_was_held_out(corpus):
    held_out = [(20 * SR, 32 * SR)]
    index = CorpusIndex.build(corpus, held_out=held_out)
    inside = corpus.signal[0, 21 * SR : 31 * SR]
    assert score(inside, SR, index).longest_copy_seconds < 2.5
    assert score(corpus.signal[0, 40 * SR : 50 * SR], SR, index).longest_copy_seconds > 9


def test_an_index_is_made_once(tiny_corpus):
    index = index_of(tiny_corpus)
    assert index_of(tiny_corpus) is index and index_of(index) is index


@pytest.mark.parametrize("feature", ["timbre", "tones"])
def test_neighbours_are_near_in_what_was_chosen(small, tmp_path, music, feature):
    path = tmp_path / "corpus.index"
    index = CorpusIndex.build(small, feature=feature, cache=path)
    copy = small.signal[0, 2 * SR : 8 * SR]
    found, usual = score(copy, SR, index), score(copy, SR, CorpusIndex.build(small))
    assert found.novelty < 0.1 and found.flags == usual.flags == {"copy"}
    assert found.longest_copy_seconds == usual.longest_copy_seconds
    new = score(music, SR, index)
    assert new.novelty > 0.4
    assert new.novelty != score(music, SR, CorpusIndex.build(small)).novelty
    loaded = CorpusIndex.load(path, small.signal)
    assert score(music, SR, loaded).to_row() == pytest.approx(new.to_row(), nan_ok=True)


def test_tones_are_heard_whatever_plays_them():
    y = plucked(12, seed=3)
    dull = lfilter([0.15], [1, -0.85], y).astype(np.float32)  # another timbre, the same tones
    corpus = SimpleNamespace(signal=y[None], sample_rate=SR)
    tones, timbre = (
        score(dull[2 * SR : 8 * SR], SR, CorpusIndex.build(corpus, feature=feature))
        for feature in ("tones", "timbre")
    )
    assert np.nanmean(tones.details.distance) < np.nanmean(timbre.details.distance)
    with pytest.raises(ParameterError, match="'tones'"):
        CorpusIndex.build(corpus, feature="taste")


def test_a_corpus_too_short_to_compare_with_is_refused():
    short = SimpleNamespace(signal=np.ones((1, SR), np.float32), sample_rate=SR)
    with pytest.raises(CorpusError, match=r"1\.00 s; at least 2 s"):
        CorpusIndex.build(short)
    with pytest.raises(ParameterError, match="excerpt_seconds"):
        CorpusIndex.build(short, excerpt_seconds=0)
