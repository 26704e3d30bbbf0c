"""Candidates that keep their distance: the more important one of two neighbours stays."""

from __future__ import annotations

import bisect

import numpy as np


class Spaced:
    """A growing set of positions, none nearer to another than ``gap``.

    Parameters
    ----------
    gap : float >= 0
        Least distance.
    """

    def __init__(self, gap: float) -> None:
        self.gap = gap
        self._taken: list[float] = []

    def add(self, position: float) -> bool:
        """Take a position if it is free; say whether it was."""
        place = bisect.bisect(self._taken, position)
        if place and position - self._taken[place - 1] < self.gap:
            return False
        if place < len(self._taken) and self._taken[place] - position < self.gap:
            return False
        self._taken.insert(place, position)
        return True


def strongest_spaced(positions: np.ndarray, strength: np.ndarray, gap: float) -> np.ndarray:
    """Indices, in order of position, of the strongest that are at least ``gap`` apart.

    Parameters
    ----------
    positions : np.ndarray [shape=(n,)]
        Where the candidates are.
    strength : np.ndarray [shape=(n,)]
        How strong they are; of equal ones the first stays.
    gap : float >= 0
        Least distance, in the unit of ``positions``.
    """
    spaced = Spaced(gap)
    order = np.argsort(-strength, kind="stable")
    kept = np.array([i for i in order if spaced.add(float(positions[i]))], np.int64)
    return kept[np.argsort(positions[kept], kind="stable")]
