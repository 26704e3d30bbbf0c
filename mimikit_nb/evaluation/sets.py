"""How far all sounds of a checkpoint together lie from a corpus, with bootstrap intervals.

One sound of ten seconds can't have all timbres of a corpus, thirty can. Sounds that are pooled
lie nearer than each alone, the more so the more they are: what real audio scores depends on
their number, so it is drawn anew for it (:func:`real_set_distances`).

The interval comes from drawing the *sounds* again and again with replacement, for the frames of
one sound belong together. A drawn set has less variety than the set and lies further on the
average; the interval is moved back by that.

Main names: :func:`set_distances`, :func:`real_set_distances`, :class:`Interval`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from .distances import SPECTRA, Moments, SpectralStatistics, frechet_of_moments, moments
from .kernel import Kernel, mean_of_pairs

SET_DISTANCES = tuple(f"{kind}_{on}" for kind in ("frechet", "kernel") for on in SPECTRA)
"Names: frechet_mfcc, frechet_log_mel, kernel_mfcc, kernel_log_mel."

CONFIDENCE = 0.9
_N_RESAMPLES, _N_DRAWS = 200, 10


class Interval(NamedTuple):
    """A value with its bootstrap interval of 90 %."""

    value: float
    low: float
    high: float


OfWeights = Callable[[np.ndarray], float]
"A distance of the set in which each sound stands as often as its weight says."


def set_distances(
    sounds: Sequence[SpectralStatistics], corpus: SpectralStatistics, seed: int = 0
) -> dict[str, Interval]:
    """Distances of a set of sounds from a corpus, with intervals.

    Fréchet's (dB, from 0) compares one Gaussian of all frames of the set with one of the
    corpus, as :func:`~.distances.frechet_distance` does. The kernel distance (0 to 1.42) is
    :func:`~.kernel.kernel_distance` with pairs of half-seconds from *different* sounds only: two
    of one sound are alike because they follow each other. Both are made of MFCC and of log-mel
    bands. Read them beside :func:`real_set_distances` of as many sounds.

    Parameters
    ----------
    sounds : sequence of SpectralStatistics
        At least one; an interval needs two.
    corpus : SpectralStatistics
        What to compare with.
    seed : int, default 0
        Draws the sounds.

    Returns
    -------
    dict of str to Interval
        By :data:`SET_DISTANCES`.
    """
    rng = np.random.default_rng(seed)
    n = len(sounds)
    drawn = [np.bincount(rng.integers(n, size=n), minlength=n) for _ in range(_N_RESAMPLES)]
    return {name: _interval(of, n, drawn) for name, of in _distances_of(sounds, corpus).items()}


def real_set_distances(
    excerpts: Sequence[SpectralStatistics],
    places_seconds: Sequence[tuple[float, float]],
    corpus: SpectralStatistics,
    n: int,
    seed: int = 0,
) -> dict[str, list[float]]:
    """What ``n`` real excerpts together score against the rest of their corpus.

    Parameters
    ----------
    excerpts : sequence of SpectralStatistics
        Of the corpus, as long as the sounds to judge.
    places_seconds : sequence of (start, stop)
        Where they stand in it.
    corpus : SpectralStatistics
        The corpus.
    n : int > 0
        Sounds of a checkpoint. No more excerpts are drawn than half of the corpus has.
    seed : int, default 0
        Draws them.

    Returns
    -------
    dict of str to list of float
        Ten values by :data:`SET_DISTANCES`.
    """
    rng = np.random.default_rng(seed)
    longest = max(stop - start for start, stop in places_seconds)
    half = len(corpus.bands) / corpus.frame_rate / 2
    n = int(np.clip(half // longest, 1, min(n, len(excerpts))))
    found: dict[str, list[float]] = {name: [] for name in SET_DISTANCES}
    for _ in range(_N_DRAWS):
        chosen = rng.choice(len(excerpts), n, replace=False)
        rest = corpus.without(*(places_seconds[i] for i in chosen))
        of = _distances_of([excerpts[i] for i in chosen], rest)
        for name, distance in of.items():
            found[name].append(distance(np.ones(n, int)))
    return found


def _distances_of(
    sounds: Sequence[SpectralStatistics], corpus: SpectralStatistics
) -> dict[str, OfWeights]:
    made: list[OfWeights] = [_frechet(sounds, corpus, on) for on in SPECTRA]
    made += [_kernel(sounds, corpus, on) for on in SPECTRA]
    return dict(zip(SET_DISTANCES, made, strict=True))


def _frechet(
    sounds: Sequence[SpectralStatistics], corpus: SpectralStatistics, on: str
) -> OfWeights:
    """Fréchet's distance; the sums over each sound's frames are made once."""
    frames = [s.frames(on).astype(np.float64) for s in sounds]
    counts = np.array([len(x) for x in frames])
    sums = np.stack([x.sum(axis=0) for x in frames])
    squares = np.stack([x.T @ x for x in frames])
    real = moments(corpus.frames(on))

    def pooled(weights: np.ndarray) -> Moments:
        n = weights @ counts
        mean = weights @ sums / n
        return mean, np.tensordot(weights, squares, 1) / n - np.outer(mean, mean)

    return lambda weights: frechet_of_moments(pooled(weights), real)


def _kernel(sounds: Sequence[SpectralStatistics], corpus: SpectralStatistics, on: str) -> OfWeights:
    """Kernel distance; the sums over each pair of sounds are made once."""
    kernel = Kernel.of(corpus, on)
    parts = [kernel.scaled(s, on) for s in sounds]
    counts = np.array([len(x) for x in parts])
    across = np.array([kernel.similarity(x, kernel.corpus).mean(axis=1).sum() for x in parts])
    pairs = np.array([[kernel.similarity(x, z).sum() for z in parts] for x in parts])

    def distance(weights: np.ndarray) -> float:
        weighted = np.outer(weights, weights)
        if (weights > 0).sum() > 1:
            np.fill_diagonal(weighted, 0)
            within = (weighted * pairs).sum() / (weighted * np.outer(counts, counts)).sum()
        else:  # one sound has only itself to be compared with
            one = int(weights.argmax())
            within = mean_of_pairs(pairs[one, one], int(counts[one]))
        return kernel.distance(float(within), float(weights @ across / (weights @ counts)))

    return distance


def _interval(of: OfWeights, n: int, drawn: list[np.ndarray]) -> Interval:
    value = of(np.ones(n, int))
    if n < 2:
        return Interval(value, float("nan"), float("nan"))
    found = np.array([of(weights) for weights in drawn if (weights > 0).sum() > 1])
    moved = np.maximum(0, found - found.mean() + value)
    low, high = np.quantile(moved, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(value, float(low), float(high))
