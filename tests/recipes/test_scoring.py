"""Scoring one sound by the public name."""

import numpy as np
import pytest

import mimikit_nb as mnb


def test_a_passage_of_the_corpus_is_a_copy_with_its_place(tiny_corpus):
    y = np.array(tiny_corpus.signal[:, 22050 : 4 * 22050])
    found = mnb.score(y, 22050, tiny_corpus)
    assert found.longest_copy_seconds == pytest.approx(3, abs=0.3)
    assert found.copy_position_seconds == pytest.approx(1, abs=0.2)
    assert found.novelty < 0.2 and found.fidelity > 0.5
    assert mnb.score(y, 22050, tiny_corpus.path).to_row() == found.to_row()


def test_failures_are_flagged(tiny_corpus):
    noise = np.random.default_rng(0).normal(0, 0.1, 3 * 22050).astype(np.float32)
    assert "noise" in mnb.score(noise, 22050, tiny_corpus).flags
    assert mnb.score(np.zeros(3 * 22050, np.float32), 22050, tiny_corpus).flags == {"silent"}


def test_what_cannot_be_scored_is_refused(tiny_corpus):
    with pytest.raises(mnb.MimikitError, match="at least one sample"):
        mnb.score(np.zeros(0, np.float32), 22050, tiny_corpus)
    with pytest.raises(mnb.MimikitError, match="sr must be a whole number from"):
        mnb.score(np.zeros(22050, np.float32), 0, tiny_corpus)
    with pytest.raises(mnb.MimikitError):
        mnb.score(np.zeros(22050, np.float32), 22050, "nowhere.h5")
