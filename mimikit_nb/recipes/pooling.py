"""Sounds together: distances with intervals, coverage of the corpus, families of near copies.

Main names: :func:`pooled`, :func:`real_pooled`, :func:`families`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..evaluation.distances import SpectralStatistics
from ..evaluation.index import CorpusIndex
from ..evaluation.novelty import coverage
from ..evaluation.ranking import near_duplicates
from ..evaluation.sets import real_set_distances, set_distances
from .scored import load_neighbours, new_part


def by_name(rows: Iterable[dict[str, Any]]) -> dict[str, list[str]]:
    """Paths of sounds by the name of their checkpoint."""
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["checkpoint"], []).append(row["path"])
    return found


def families(paths: list[str], sample_rate: int) -> dict[str, int]:
    """Number of each sound's family, by path: sounds that nearly repeat one another share it."""
    sounds = (new_part(path, sample_rate) for path in paths)
    return dict(zip(paths, near_duplicates(sounds, sample_rate), strict=True))


def pooled(paths: list[str], index: CorpusIndex) -> dict[str, list[float]]:
    """Measure sound files of one checkpoint as a set.

    Parameters
    ----------
    paths : list of path
        Files that have been scored.
    index : CorpusIndex
        What to compare with.

    Returns
    -------
    dict of str to list
        Value, low and high of the 90 % interval by
        :data:`~mimikit_nb.evaluation.sets.SET_DISTANCES`; and of the ``coverage``, which has no
        interval: more sounds cover more.
    """
    references = index.references
    rate = references.sample_rate
    spectra = [SpectralStatistics.of(new_part(path, rate), rate) for path in paths]
    found = {k: [*v] for k, v in set_distances(spectra, references.spectra).items()}
    visits = [load_neighbours(path).get("position_seconds", np.zeros(0)) for path in paths]
    covered = _coverage([v[np.isfinite(v)] for v in visits], index)
    return found | {"coverage": [covered, np.nan, np.nan]}


def real_pooled(index: CorpusIndex, n: int, seed: int = 0) -> dict[str, list[float]]:
    """What ``n`` real excerpts score as a set, several times drawn.

    Parameters
    ----------
    index : CorpusIndex
        With the excerpts of its calibration.
    n : int > 0
        Sounds of a checkpoint.
    seed : int, default 0
        Draws them.

    Returns
    -------
    dict of str to list of float
        By the names that :func:`pooled` gives.
    """
    references, calibration = index.references, index.calibration
    signal, rate = references.signal, references.sample_rate
    if signal is None:
        return {}
    places = calibration.places_seconds
    bounds = [(round(start * rate), round(stop * rate)) for start, stop in places]
    excerpts = [SpectralStatistics.of(signal[:, a:b], rate) for a, b in bounds]
    found = real_set_distances(excerpts, places, references.spectra, n, seed)
    rng = np.random.default_rng(seed)
    visits = [np.array(v) for v in calibration.visited_seconds]
    draws = [rng.choice(len(visits), min(n, len(visits)), replace=False) for _ in range(10)]
    return found | {"coverage": [_coverage([visits[i] for i in d], index) for d in draws]}


def _coverage(visits: list[np.ndarray], index: CorpusIndex) -> float:
    return coverage(visits, index.references.look_seconds, index.references.seconds)
