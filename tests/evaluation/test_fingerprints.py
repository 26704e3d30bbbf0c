from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimikit_nb.evaluation.fingerprints import (
    Fingerprint,
    fingerprints,
    patch_similarity,
    similarity_along,
)

from .sounds import SR, noise, plucked, raised_20_cents


def likeness(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Similarity of the patches of one sound to the best of another, over all phases."""
    corpus = Fingerprint.of(b[None], SR)
    found = [
        patch_similarity(f, corpus, np.arange(f.n_patches)).max(axis=1)
        for f in fingerprints(a[None], SR)
    ]
    return np.max(found, axis=0)


@settings(max_examples=5, deadline=None)
@given(gain_db=st.floats(-20, 10), shift=st.integers(0, 2000), seed=st.integers(0, 50))
def test_gain_and_shift_leave_patches_alike(gain_db, shift, seed):
    y = plucked(5, seed)
    assert np.median(likeness(10 ** (gain_db / 20) * y[shift:], y)) > 0.93


def test_a_little_higher_and_faster_is_still_alike_and_other_music_is_not(music):
    assert np.median(likeness(0.5 * raised_20_cents(music), music)) > 0.9
    assert np.median(likeness(plucked(10, seed=7), music)) < 0.75
    assert np.median(likeness(noise(5), music)) < 0.5


def test_both_ways_to_compare_agree(music):
    query, corpus = fingerprints(music[None, SR : 4 * SR], SR)[0], Fingerprint.of(music[None], SR)
    everywhere = patch_similarity(query, corpus, np.arange(query.n_patches))
    along = similarity_along(query, corpus, np.array([20, -3, 900]), half_width=2)
    rows = np.arange(query.n_patches)
    assert np.allclose(along[0, :, 2], everywhere[rows, rows + 20], atol=1e-5)
    assert np.allclose(along[0, :, 3], everywhere[rows, rows + 21], atol=1e-5)
    assert (along[1, :3, 2] == -1).all()  # before the corpus begins
    assert (along[2] == -1).all()


def test_steady_sound_has_nothing_to_compare():
    tone = np.sin(np.arange(4 * SR) * 0.1).astype(np.float32)
    for y in (tone, np.zeros_like(tone)):
        made = Fingerprint.of(y[None], SR)
        assert not made.is_moving[20:-20].any()


@pytest.mark.parametrize("n_samples", [1, 500, 1103, 5000, 16000])
def test_short_sounds_have_no_patches_but_no_errors(n_samples):
    made = fingerprints(np.ones((1, n_samples), np.float32), SR)
    assert made == []
