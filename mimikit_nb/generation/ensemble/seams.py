"""Seams: how one sound takes over from another without a click.

Two sounds of equal power fade into each other without a change of level when
``a² + b² + 2rab = 1``, where ``a`` and ``b`` are their gains and ``r`` is what they have in
common (their correlation): sine and cosine for ``r = 0``, straight lines for ``r = 1``
(Fink, Holters and Zölzer, 2016).
"""

from __future__ import annotations

from typing import Literal

import numpy as np

ALIGNMENT_SECONDS = 0.01
"How long a new sound may wait for its phase to match."

Shape = Literal["aligned", "equal_power", "linear"]


def fades(n: int, correlation: float) -> tuple[np.ndarray, np.ndarray]:
    """Gains ``[n]`` of the old and the new sound that keep the level.

    Parameters
    ----------
    n : int
        Samples.
    correlation : float in [0, 1]
        What the sounds have in common.
    """
    angle = (np.arange(n) + 0.5) / n * np.pi / 2
    if correlation > 0.999:  # alike: their sum mustn't be changed at all
        b = np.sin(angle) ** 2
        return (1 - b).astype(np.float32), b.astype(np.float32)
    a, b = np.cos(angle), np.sin(angle)
    norm = np.sqrt(1 + 2 * correlation * a * b)
    return (a / norm).astype(np.float32), (b / norm).astype(np.float32)


def align(old: np.ndarray, new: np.ndarray, patience: float = 1e-3) -> tuple[int, float]:
    """How many samples to skip in ``new [C, n + more]`` to match ``old [C, n]``, and how well.

    Of two places that fit alike the earlier one is taken, since nothing should be skipped
    without a reason: the last place must fit better by ``patience`` than the first.

    Returns
    -------
    lag : int
        From 0 to ``more``.
    correlation : float in [0, 1]
        Of the two from there on; 0 if either is silent.
    """
    x, y = old.mean(0, dtype=np.float64), new.mean(0, dtype=np.float64)
    n = len(x)
    size = 1 << (len(y) + n).bit_length()
    spectrum = np.fft.rfft(y, size) * np.fft.rfft(x, size).conj()
    products = np.fft.irfft(spectrum, size)[: len(y) - n + 1]
    power = np.concatenate([[0.0], np.cumsum(y**2)])
    energies = (power[n:] - power[:-n]) * np.sum(x**2)
    correlation = np.where(energies > 1e-12, products / np.sqrt(np.maximum(energies, 1e-12)), 0.0)
    lag = int(np.argmax(correlation - np.linspace(0, patience, len(correlation))))
    return lag, float(np.clip(correlation[lag], 0.0, 1.0))


def match(old: np.ndarray, new: np.ndarray, shape: Shape) -> tuple[int, float]:
    """Samples to skip in ``new``, and the correlation for :func:`fades`, by a seam's shape."""
    if shape == "aligned":
        return align(old, new)
    return 0, 1.0 if shape == "linear" else 0.0
