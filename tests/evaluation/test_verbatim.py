"""Telling a copy of a recording from the same music played again."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from mimikit_nb.evaluation.copies import CopiedRun
from mimikit_nb.evaluation.index import CorpusIndex
from mimikit_nb.evaluation.scoring import score
from mimikit_nb.evaluation.verbatim import same_recording_seconds

from .sounds import SR, noise, plucked, raised_20_cents

PIECE = plucked(20, seed=1)
AGAIN = plucked(20, seed=1, take=99)


def test_a_cut_is_the_same_recording_at_any_gain_and_speed():
    cut = PIECE[5 * SR : 11 * SR]
    whole = CopiedRun(6.0, 0.0, 5.1)  # places are known roughly
    for y in (cut, 0.1 * cut, cut + noise(6, 1e-4)):
        assert same_recording_seconds(y[None], PIECE[None], SR, whole) == pytest.approx(6, abs=0.2)
    raised = raised_20_cents(cut)
    run = CopiedRun(len(raised) / SR, 0.0, 4.9)
    assert same_recording_seconds(raised[None], PIECE[None], SR, run) > 5.5


def test_the_same_notes_played_again_are_not_the_same_recording():
    run = CopiedRun(6.0, 0.0, 5.0)
    assert same_recording_seconds(AGAIN[None, 5 * SR : 11 * SR], PIECE[None], SR, run) < 1
    assert same_recording_seconds(noise(6)[None], PIECE[None], SR, run) == 0


def test_a_run_at_the_ends_of_the_corpus_is_compared():
    for start in (0, 16):
        cut = PIECE[None, start * SR : (start + 4) * SR]
        run = CopiedRun(4.0, 0.0, float(start))
        assert same_recording_seconds(cut, PIECE[None], SR, run) == pytest.approx(4, abs=0.2)


def test_in_a_piece_that_repeats_itself_a_copy_is_told_from_a_reprise():
    corpus = SimpleNamespace(signal=np.concatenate([PIECE, AGAIN])[None], sample_rate=SR)
    index = CorpusIndex.build(corpus)
    assert index.calibration.copy_limit_seconds > 10  # real excerpts follow their reprise
    copy = score(PIECE[4 * SR : 14 * SR], SR, index)
    assert copy.flags == {"copy"}
    assert copy.copy_position_seconds == pytest.approx(4, abs=0.1)
    splice = plucked(10, seed=7)
    splice[2 * SR : 7 * SR] = AGAIN[9 * SR : 14 * SR]
    found = score(splice, SR, index)
    assert found.flags == {"copy"}
    assert found.copy_position_seconds - found.copy_start_seconds == pytest.approx(27, abs=0.2)


def test_a_reprise_of_what_was_trained_on_is_not_flagged():
    corpus = SimpleNamespace(signal=np.concatenate([PIECE, AGAIN])[None], sample_rate=SR)
    index = CorpusIndex.build(corpus, held_out=[(20 * SR, 40 * SR)])
    reprise = score(AGAIN[4 * SR : 14 * SR], SR, index)
    assert reprise.longest_copy_seconds > 9
    assert reprise.flags == set()
