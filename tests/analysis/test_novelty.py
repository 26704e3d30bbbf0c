from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimikit_nb.analysis.novelty import checkerboard, peaks, recurrence_map


def _by_definition(phi: np.ndarray, size: int) -> np.ndarray:
    padded = np.pad(phi, ((size, 2 * size), (0, 0)), mode="symmetric")
    alike = padded @ padded.T
    signs = np.sign(np.arange(2 * size) - size + 0.5)
    kernel = np.outer(signs, signs) / size**2
    return np.array(
        [(alike[i : i + 2 * size, i : i + 2 * size] * kernel).sum() for i in range(1, len(phi))]
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(4, 30), st.integers(1, 6), st.integers(0, 1000))
def test_diagonals_give_what_the_whole_matrix_gives(n: int, size: int, seed: int) -> None:
    phi = np.random.default_rng(seed).standard_normal((n, 3))
    size = min(size, n // 2)
    assert checkerboard(phi, 1.0, (float(size),)) == pytest.approx(_by_definition(phi, size))


def test_several_sizes_are_averaged() -> None:
    phi = np.random.default_rng(0).standard_normal((40, 4))
    both = checkerboard(phi, 0.5, (2.0, 4.0))
    alone = [checkerboard(phi, 0.5, (s,)) for s in (2.0, 4.0)]
    # the padding at the ends follows the largest kernel
    assert both[8:-8] == pytest.approx(np.mean(alone, axis=0)[8:-8])


def test_what_returns_is_near_in_the_recurrence_map() -> None:
    rng = np.random.default_rng(0)
    families = np.repeat([0, 1, 0, 2, 1], 12)
    x = np.array([[0, 0], [9, 0], [0, 9]])[families] + rng.standard_normal((60, 2))
    places = recurrence_map(x, n_dims=3)
    alike = places @ places.T
    same = families[:, None] == families
    assert alike[same].mean() > alike[~same].mean() + 0.5
    assert np.array_equal(places, recurrence_map(x, n_dims=3))


def test_peaks_keep_their_distance() -> None:
    curve = np.array([0, 3, 1, 4, 0, 2, 0], float)
    assert list(np.flatnonzero(peaks(curve, np.arange(7.0), 3.0))) == [3]
    assert list(np.flatnonzero(peaks(curve, np.arange(7.0), 2.0))) == [1, 3, 5]
