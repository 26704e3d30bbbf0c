"""How new a sound is to its corpus: distance, wandering, traps, coverage.

Reads what :mod:`.copies` found. All of it is *relative*: two bars of one dance resemble each
other more than two bird songs, so the distance to the nearest neighbour is divided by the
distance that real excerpts of this corpus have from the rest of it.

Main names: :class:`Novelty`, :func:`novelty_of`, :func:`coverage`, :func:`visited`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..errors import ParameterError
from .copies import CopiedRun, Search

BIN_SECONDS = 1.0
"Places of the corpus nearer than this count as the same when neighbours are counted."

_MEMORY_SECONDS = 2.0  # a neighbour seen a moment ago is the same passage going on, not a repeat


@dataclass(frozen=True)
class Novelty:
    """What a sound owes to its corpus.

    Attributes
    ----------
    score : float
        Mean over time of ``min(1, distance / real_distance)``: 0 for a copy, 1 where every
        passage lies as far from the corpus as real excerpts do (half of them: real excerpts
        score 0.8 or so). NaN if the sound hardly moves.
    distance : np.ndarray [shape=(n,)]
        To the nearest neighbour, 1 less the correlation of 0.8 s of sound, 0 to 2, in time.
    times_seconds, position_seconds : np.ndarray [shape=(n,)]
        When, and where in the corpus that neighbour lies.
    copied : CopiedRun
        Longest near-verbatim run.
    entropy : np.ndarray [shape=(n,)]
        Of the places visited up to each time: 0 if always the same second of the corpus, 1 if
        every second another one. A curve that stops rising shows a trap.
    repeat_rate : float in [0, 1]
        Share of the time spent in places first visited more than 2 s before.
    coverage : float in [0, 1]
        Seconds of the corpus visited, of those that could be (its length or the sound's).
    """

    score: float
    distance: np.ndarray
    times_seconds: np.ndarray
    position_seconds: np.ndarray
    copied: CopiedRun
    entropy: np.ndarray
    repeat_rate: float
    coverage: float


def novelty_of(found: Search, real_distance: float, corpus_seconds: float) -> Novelty:
    """Novelty of a sound from what was found of it in the corpus.

    Parameters
    ----------
    found : Search
        From :func:`~.copies.search`.
    real_distance : float > 0
        Median distance of real excerpts to their nearest neighbours elsewhere.
    corpus_seconds : float > 0
        Length of the corpus.

    Returns
    -------
    Novelty
        All measures.
    """
    if real_distance <= 0:
        raise ParameterError(f"real_distance is {real_distance}; it must be above 0.")
    distance = 1 - found.similarity
    has_moved = np.isfinite(distance)
    relative = np.minimum(1, np.maximum(0, distance[has_moved]) / real_distance)
    times, places = found.times_seconds[has_moved], _bins(visited(found))
    return Novelty(
        score=float(relative.mean()) if has_moved.any() else float("nan"),
        distance=distance,
        times_seconds=found.times_seconds,
        position_seconds=np.where(has_moved, found.position_seconds, np.nan),
        copied=found.copied,
        entropy=_cumulative_entropy(found, has_moved),
        repeat_rate=_repeat_rate(places, times),
        coverage=coverage([visited(found)], _step(found.times_seconds), corpus_seconds),
    )


def visited(found: Search) -> np.ndarray:
    """Where in the corpus the nearest neighbours lie, in seconds, of what moves ``[n]``."""
    places: np.ndarray = found.position_seconds[np.isfinite(found.similarity)]
    return places


def coverage(visits: Iterable[np.ndarray], step_seconds: float, corpus_seconds: float) -> float:
    """Share of the corpus that some sounds visit, of what they could visit in their time.

    Parameters
    ----------
    visits : iterable of np.ndarray [shape=(n,)]
        One for each sound, from :func:`visited`.
    step_seconds : float > 0
        From one to the next.
    corpus_seconds : float > 0
        Length of the corpus.

    Returns
    -------
    float in [0, 1]
        Distinct seconds visited, divided by the smaller of the corpus' and the sounds' seconds.
    """
    places, seconds = set[int](), 0.0
    for one in visits:
        places |= set(_bins(np.asarray(one)).tolist())
        seconds += len(one) * step_seconds
    possible = max(1, min(int(np.ceil(seconds)), int(np.ceil(corpus_seconds))))
    return min(1.0, len(places) / possible)


def _bins(position_seconds: np.ndarray) -> np.ndarray:
    return (position_seconds // BIN_SECONDS).astype(int)


def _step(times_seconds: np.ndarray) -> float:
    return float(times_seconds[1] - times_seconds[0]) if len(times_seconds) > 1 else 0.0


def _cumulative_entropy(found: Search, has_moved: np.ndarray) -> np.ndarray:
    """Entropy of the places up to each time, of what as many different seconds would have."""
    entropy, counts = np.full(len(has_moved), np.nan), dict[int, int]()
    places, step, n = _bins(found.position_seconds), _step(found.times_seconds), 0
    for i in np.flatnonzero(has_moved):
        counts[places[i]] = counts.get(places[i], 0) + 1
        n += 1
        share = np.array(list(counts.values())) / n
        highest = np.log2(max(2, int(np.ceil(n * step / BIN_SECONDS))))
        entropy[i] = min(1.0, abs(float((share * np.log2(share)).sum())) / highest)
    return entropy


def _repeat_rate(places: np.ndarray, times: np.ndarray) -> float:
    """Share of the patches whose place was first visited more than 2 s before."""
    first: dict[int, float] = {}
    n_repeats = 0
    for place, time in zip(places.tolist(), times.tolist(), strict=True):
        n_repeats += time - first.setdefault(place, time) > _MEMORY_SECONDS
    return n_repeats / max(1, len(places))
