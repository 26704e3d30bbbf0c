"""Sections: stretches whose sounds belong together.

The recording is first cut into sounds (onsets, and at least one cut a second); every sound is
described; boundaries are then sought among the beginnings of sounds, which makes them as precise
as the onsets are. Three methods give candidates of the same kind: change points (the
default), checkerboard novelty, and recurrence. Main names: :func:`find_boundaries`,
:data:`METHODS`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..progress import Progress, Watch
from .change_points import DEFAULT_PRICE, boundary_salience
from .describe import SOUND_CHAIN, describe, discriminate, standardise
from .frames import Frames
from .kernels import kernel_map
from .novelty import checkerboard, peaks, recurrence_map
from .onsets import otsu_threshold

MIN_SECONDS = 2.0
"Shortest section that is proposed of its own accord."
_GRID_SECONDS = 0.25


@dataclass(frozen=True, eq=False)
class Boundaries:
    """Candidates for boundaries between sections, in order of time.

    Attributes
    ----------
    positions : np.ndarray [shape=(n,), dtype=int64]
        Samples.
    salience : np.ndarray [shape=(n,), dtype=float64]
        A boundary is what reaches the threshold.
    threshold : float
        Proposed threshold.
    unit : str
        What salience is measured in, in words.
    """

    positions: np.ndarray
    salience: np.ndarray
    threshold: float
    unit: str


def cut_into_sounds(onsets: np.ndarray, n_samples: int, longest: int) -> np.ndarray:
    """Edges of sounds: the onsets, and even cuts where a sound is longer than ``longest``.

    Parameters
    ----------
    onsets : np.ndarray [shape=(n,), dtype=int64]
        Samples in ascending order.
    n_samples : int > 0
        Length of the recording.
    longest : int > 0
        Longest sound in samples.

    Returns
    -------
    np.ndarray [shape=(n_sounds + 1,), dtype=int64]
        From 0 to ``n_samples``.
    """
    edges = np.unique(np.concatenate([[0], onsets, [n_samples]])).astype(np.int64)
    parts = [
        np.linspace(a, b, int(np.ceil((b - a) / longest)), endpoint=False)
        for a, b in itertools.pairwise(edges)
    ]
    return np.append(np.round(np.concatenate(parts)).astype(np.int64), n_samples)


def find_boundaries(
    y: np.ndarray,
    frames: Frames,
    onsets: np.ndarray,
    method: str = "change_points",
    min_seconds: float = MIN_SECONDS,
    progress: Watch | None = None,
) -> Boundaries:
    """Find candidates for boundaries between sections.

    Parameters
    ----------
    y : np.ndarray [shape=(N,)]
        Mono recording.
    frames : Frames
        Its analysis.
    onsets : np.ndarray [shape=(n,), dtype=int64]
        Samples where its sounds begin.
    method : {"change_points", "checkerboard", "recurrence"}
        Where the distribution of sounds changes; where a sliding window sounds unlike the one
        after it; or where another family of returning sounds begins.
    min_seconds : float > 0, default 2
        Shortest section to propose.
    progress : Progress or callable, optional
        Told how far it is.
    """
    progress = Progress.of(progress)
    longest = max(1, round(min(1.0, min_seconds / 2) * frames.sample_rate))
    edges = cut_into_sounds(onsets, frames.n_samples, longest)
    part = progress.part(0.0, 0.5)
    features = standardise(describe(y, frames, edges[:-1], edges[1:], SOUND_CHAIN, part))
    times, part = edges / frames.sample_rate, progress.part(0.5, 1.0)
    salience, threshold, unit = METHODS[method](features, times, min_seconds, part)
    part.tell(1.0)
    return Boundaries(edges[1:-1], salience, threshold, unit)


def _change_points(
    features: np.ndarray, times: np.ndarray, min_seconds: float, progress: Progress
) -> tuple[np.ndarray, float, str]:
    """Change points, found twice: the first sections tell which features matter."""
    phi = kernel_map(features)
    price, part = np.array([DEFAULT_PRICE]), progress.part(0.0, 0.2)
    salience = boundary_salience(phi, times, min_seconds, price, part)
    group = np.cumsum(np.concatenate([[0], salience >= DEFAULT_PRICE])).astype(int)
    if 1 < group[-1] + 1 < len(features) // 2:
        phi = kernel_map(discriminate(features, group))
    part = progress.part(0.2, 1.0)
    salience = boundary_salience(phi, times, min_seconds, progress=part)
    return salience, DEFAULT_PRICE, "price of a boundary"


def _checkerboard(
    features: np.ndarray, times: np.ndarray, min_seconds: float, progress: Progress
) -> tuple[np.ndarray, float, str]:
    """Checkerboard novelty on an even grid, read at the beginnings of sounds."""
    return _windowed(kernel_map(features), times, min_seconds)


def _recurrence(
    features: np.ndarray, times: np.ndarray, min_seconds: float, progress: Progress
) -> tuple[np.ndarray, float, str]:
    """The same novelty in the coordinates of the recurrence graph."""
    return _windowed(recurrence_map(features), times, min_seconds)


def _windowed(
    phi: np.ndarray, times: np.ndarray, min_seconds: float
) -> tuple[np.ndarray, float, str]:
    step = min(_GRID_SECONDS, min_seconds / 8, times[-1] / 8)
    grid = np.arange(0, times[-1], step)
    rows = np.searchsorted(times, grid, side="right") - 1
    kernels = tuple(min_seconds * k for k in (1.0, 2.0, 4.0))
    novelty = checkerboard(phi[np.clip(rows, 0, len(phi) - 1)], step, kernels)
    curve = np.interp(times[1:-1], grid[1:], novelty)
    salience = peaks(curve, times[1:-1], min_seconds)
    found = salience[salience > 0]
    threshold = otsu_threshold(found, 1e-6) if len(found) else 1.0
    rest = salience == 0
    if rest.any() and len(found):  # what is no maximum comes last, in its order
        salience[rest] = found.min() / 2 * np.clip(curve[rest] / curve.max(), 1e-6, 1)
    return salience, threshold, "novelty"


Method = Callable[[np.ndarray, np.ndarray, float, Progress], tuple[np.ndarray, float, str]]

METHODS: dict[str, Method] = {
    "change_points": _change_points,
    "checkerboard": _checkerboard,
    "recurrence": _recurrence,
}
"Methods by name."
