from __future__ import annotations

import numpy as np
import pytest

from mimikit_nb.errors import ParameterError
from mimikit_nb.evaluation.scoring import score

from .sounds import SR, noise, plucked, raised_20_cents


def test_new_music_of_the_same_kind_is_new_near_and_healthy(index):
    scores = [score(plucked(10, seed), SR, index) for seed in range(40, 43)]
    for s in scores:
        assert s.flags == set()
        assert s.longest_copy_seconds < 2.5
    assert np.mean([s.novelty for s in scores]) > 0.7
    assert np.mean([s.fidelity for s in scores]) > 0.8


def test_a_verbatim_excerpt_is_found(corpus, index):
    s = score(corpus.signal[:, 15 * SR : 25 * SR], SR, index)
    assert s.flags == {"copy"}
    assert s.novelty < 0.2
    assert s.longest_copy_seconds == pytest.approx(10, abs=0.3)
    assert s.copy_position_seconds == pytest.approx(15, abs=0.1)


def test_a_copy_quieter_and_higher_is_found(corpus, index):
    s = score(raised_20_cents(0.5 * corpus.signal[0, 15 * SR : 25 * SR]), SR, index)
    assert "copy" in s.flags
    assert s.novelty < 0.4
    assert s.longest_copy_seconds > 9
    assert s.copy_position_seconds == pytest.approx(15, abs=0.2)


def test_a_splice_in_a_novel_output_is_found(corpus, index):
    y = plucked(10, seed=50)
    y[2 * SR : 7 * SR] = corpus.signal[0, 33 * SR : 38 * SR]
    s = score(y, SR, index)
    assert s.flags == {"copy"}
    assert s.longest_copy_seconds == pytest.approx(5, abs=0.6)
    assert s.copy_start_seconds == pytest.approx(2, abs=0.4)
    assert s.copy_position_seconds == pytest.approx(33, abs=0.4)


def test_failures_are_flagged_and_far(corpus, index):
    loop = np.tile(corpus.signal[0, 20 * SR : 21 * SR], 10)
    clipped = np.clip(8 * plucked(10, seed=51), -1, 1)
    for y, flag in [
        (noise(10), "noise"),
        (np.zeros(10 * SR), "silent"),
        (loop, "stuck"),
        (clipped, "clipped"),
    ]:
        s = score(y, SR, index)
        assert flag in s.flags
        assert s.fidelity < 0.85
    assert score(noise(10), SR, index).fidelity < 0.05


def test_another_rate_and_more_channels_score_the_same(index):
    from librosa import resample

    y = plucked(6, seed=52)
    here = score(y, SR, index)
    twice = resample(np.stack([y, y]), orig_sr=SR, target_sr=2 * SR)
    there = score(twice, 2 * SR, index)
    assert there.flags == here.flags == set()
    assert there.novelty == pytest.approx(here.novelty, abs=0.05)
    assert there.fidelity == pytest.approx(here.fidelity, abs=0.1)


def test_a_row_is_plain(index):
    row = score(np.zeros(5 * SR, np.float32), SR, index).to_row()
    assert row["flags"] == "silent"
    assert all(isinstance(value, (float, str)) for value in row.values())


def test_broken_samples_are_flagged_at_any_rate(index, music):
    broken = music.copy()
    broken[100:200] = np.nan
    assert "nonfinite" in score(broken, SR, index).flags
    assert "nonfinite" in score(broken[::2], SR // 2, index).flags


def test_no_samples_are_refused(index):
    with pytest.raises(ParameterError, match="at least one sample"):
        score(np.zeros(0, np.float32), SR, index)


def test_a_real_corpus_is_scored(tiny_corpus):
    excerpt = np.asarray(tiny_corpus.signal[:, SR : 4 * SR])
    s = score(excerpt, tiny_corpus.sample_rate, tiny_corpus)
    assert s.copy_position_seconds == pytest.approx(1, abs=0.2)
    assert s.longest_copy_seconds == pytest.approx(3, abs=0.3)
