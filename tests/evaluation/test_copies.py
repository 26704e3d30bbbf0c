from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimikit_nb.evaluation.copies import search
from mimikit_nb.evaluation.fingerprints import Fingerprint, fingerprints

from .sounds import SR, noise, plucked, raised_20_cents

CORPUS = plucked(60, seed=1)
PRINT = Fingerprint.of(CORPUS[None], SR)


def find(y: np.ndarray, is_excluded: np.ndarray | None = None):
    return search(fingerprints(y[None].astype(np.float32), SR), PRINT, is_excluded)


@settings(max_examples=6, deadline=None)
@given(
    position=st.floats(0, 49),
    seconds=st.floats(3, 8),
    start=st.floats(0.5, 4),
    gain_db=st.floats(-12, 6),
    is_raised=st.booleans(),
)
def test_a_splice_is_found_with_its_length_and_places(position, seconds, start, gain_db, is_raised):
    original = CORPUS[round(position * SR) : round((position + seconds) * SR)]
    part = 10 ** (gain_db / 20) * (raised_20_cents(original) if is_raised else original)
    y = plucked(14, seed=9)
    begin = round(start * SR)
    y[begin : begin + len(part)] = part
    copied = find(y).copied
    assert copied.seconds == pytest.approx(len(part) / SR, abs=0.7)
    assert copied.start_seconds == pytest.approx(start, abs=0.5)
    offset = copied.position_seconds - copied.start_seconds
    assert offset == pytest.approx(position - start, abs=0.15)


def test_an_excerpt_is_a_copy_from_end_to_end():
    copied = find(CORPUS[12 * SR : 22 * SR]).copied
    assert copied.seconds == pytest.approx(10, abs=0.2)
    assert copied.position_seconds == pytest.approx(12, abs=0.1)


def test_other_music_and_noise_are_not_copied():
    for y in (plucked(10, seed=5), noise(10), np.zeros(10 * SR)):
        assert find(y).copied.seconds < 1.5


def test_a_copy_survives_a_short_gap():
    y = CORPUS[12 * SR : 22 * SR].copy()
    y[5 * SR : 5 * SR + SR // 10] = 0.3
    assert find(y).copied.seconds > 9


def test_what_is_excluded_is_not_found():
    is_excluded = np.zeros(PRINT.n_patches, bool)
    is_excluded[: PRINT.n_patches // 2] = True
    found = find(CORPUS[5 * SR : 12 * SR], is_excluded)
    assert found.copied.seconds < 1.5
    assert found.position_seconds.min() > 29


def test_neighbours_follow_the_copy():
    found = find(CORPUS[30 * SR : 36 * SR])
    assert np.allclose(found.position_seconds - found.times_seconds, 30, atol=0.1)
    assert (found.similarity > 0.9).all()


def test_sounds_too_short_to_compare_are_found_nowhere():
    assert find(np.ones(100)).copied.seconds == 0
    empty = Fingerprint.of(np.ones((1, 100), np.float32), SR)
    assert len(search(fingerprints(CORPUS[None, : 5 * SR], SR), empty).similarity) == 0
