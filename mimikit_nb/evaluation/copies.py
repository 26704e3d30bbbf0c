"""Where, and for how long, a sound follows the corpus note for note.

A copy is a diagonal in the plane of time in the sound and time in the corpus: one patch after the
other is alike (:mod:`.fingerprints`) to the next one of the same passage. :func:`search` looks
at every eighth patch of the sound everywhere in the corpus: this gives the nearest neighbours
in time, and votes for diagonals. It then follows the diagonals with most votes patch by patch,
to both sides too, for a copy may be a little faster or slower. Memory: some 5 kB for each second
of corpus, whatever the length of the sound.

Main names: :func:`search`, :func:`neighbours`, :class:`Search`, :class:`CopiedRun`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .fingerprints import N_PHASES, Fingerprint, patch_similarity, similarity_along

COPY_SIMILARITY = 0.85
"""Correlation from which a patch counts as copied. Copies 6 dB quieter and 20 cents higher have
0.9 and more; unrelated patches of one style reach it now and then, but not one after another."""

DRIFT_PENALTY = 3.0
"Patches that a diagonal loses when it moves aside by one: 20 cents faster is one in 4 s."

GAP_PENALTY = 2.0
"Patches that a diagonal loses for each patch that isn't alike."

LOOK_EVERY = 8
"Patches (of 50 ms) from one that is looked for everywhere to the next."

_PATCHES_PER_BLOCK = 64  # bounds the memory
_VOTES_PER_PATCH = 16
_VOTE_SIMILARITY = 0.75
_N_DIAGONALS = 24
_HALF_WIDTH = 12  # 0.6 s: a copy of 10 s may be 6 % faster or slower
_EXCLUDED = -2.0


@dataclass(frozen=True)
class CopiedRun:
    """Longest stretch of a sound that follows the corpus.

    Attributes
    ----------
    seconds : float
        How long; 0 if no patch is alike.
    start_seconds : float
        Where it begins in the sound.
    position_seconds : float
        Where its original begins in the corpus.
    """

    seconds: float = 0.0
    start_seconds: float = 0.0
    position_seconds: float = 0.0


@dataclass(frozen=True)
class Search:
    """What was found of one sound in a corpus.

    Attributes
    ----------
    times_seconds : np.ndarray [shape=(n,)]
        Where the patches that were looked for begin in the sound.
    similarity : np.ndarray [shape=(n,)]
        To the nearest neighbour, -1 to 1; NaN where the sound hardly moves.
    position_seconds : np.ndarray [shape=(n,)]
        Where the nearest neighbour lies in the corpus.
    runs : tuple of CopiedRun
        Longest near-verbatim run, and others half as long and more at other places of the
        corpus, longest first; a piece that repeats its parts has several.
    """

    times_seconds: np.ndarray
    similarity: np.ndarray
    position_seconds: np.ndarray
    runs: tuple[CopiedRun, ...] = ()

    @property
    def copied(self) -> CopiedRun:
        """Longest near-verbatim run."""
        return self.runs[0] if self.runs else CopiedRun()


def search(
    query: list[Fingerprint], corpus: Fingerprint, is_excluded: np.ndarray | None = None
) -> Search:
    """Find the nearest neighbours and the longest copied run of a sound.

    Parameters
    ----------
    query : list of Fingerprint
        Of the sound, from :func:`~.fingerprints.fingerprints`.
    corpus : Fingerprint
        Of the corpus.
    is_excluded : np.ndarray [shape=(corpus.n_patches,)], bool, optional
        Patches of the corpus not to find: what was held out, or an excerpt's own place.

    Returns
    -------
    Search
        Empty for a sound, or a corpus, too short for one patch.
    """
    found, votes = _look(query, corpus, is_excluded)
    if not len(found.times_seconds):
        return found
    if is_excluded is None:
        is_excluded = np.zeros(corpus.n_patches, bool)
    return replace(found, runs=_longest_runs(query, corpus, is_excluded, _diagonals(votes)))


def neighbours(
    query: list[Fingerprint], corpus: Fingerprint, is_excluded: np.ndarray | None = None
) -> Search:
    """Find the nearest neighbours of a sound, and no runs; for the rest see :func:`search`."""
    return _look(query, corpus, is_excluded)[0]


def _look(
    query: list[Fingerprint], corpus: Fingerprint, is_excluded: np.ndarray | None
) -> tuple[Search, np.ndarray]:
    """Nearest neighbours, and votes for diagonals ``[n, 2]``."""
    if not query or not corpus.n_patches:
        return Search(np.zeros(0), np.zeros(0), np.zeros(0)), np.zeros((0, 2))
    looked = np.arange(0, query[0].n_patches, LOOK_EVERY)
    similarity, nearest, votes = np.zeros(len(looked)), np.zeros(len(looked)), []
    for start in range(0, len(looked), _PATCHES_PER_BLOCK):
        part = slice(start, start + _PATCHES_PER_BLOCK)
        found = patch_similarity(query[0], corpus, looked[part])
        for other in query[1:]:
            np.maximum(found, patch_similarity(other, corpus, looked[part]), out=found)
        if is_excluded is not None:
            found[:, is_excluded] = _EXCLUDED
        nearest[part] = found.argmax(axis=1)
        similarity[part] = found.max(axis=1)
        votes.append(_votes(found, looked[part]))
    moves = np.any([f.is_moving for f in query], axis=0)[looked]
    hop = corpus.hop_seconds
    seen = Search(looked * hop, np.where(moves, similarity, np.nan), nearest * hop)
    return seen, np.concatenate(votes)


def _votes(similarity: np.ndarray, looked: np.ndarray) -> np.ndarray:
    """Diagonals and the weights of their votes ``[n, 2]``: the likest places of each patch."""
    n_votes = min(_VOTES_PER_PATCH, similarity.shape[1])
    columns = np.argpartition(similarity, -n_votes, axis=1)[:, -n_votes:]
    weights = np.take_along_axis(similarity, columns, axis=1) - _VOTE_SIMILARITY
    votes = np.stack([columns - looked[:, None], weights], axis=2).reshape(-1, 2)
    return votes[votes[:, 1] > 0]


def _diagonals(votes: np.ndarray) -> np.ndarray:
    """Diagonals with the highest sums of votes, no two of them nearer than half a band."""
    chosen: list[int] = []
    bins = np.round(votes[:, 0] / (_HALF_WIDTH / 2)).astype(int)
    places, where = np.unique(bins, return_inverse=True)
    weights = np.bincount(where, votes[:, 1], minlength=len(places))
    for place in places[np.argsort(-weights)[:_N_DIAGONALS]]:
        chosen.append(round(place * _HALF_WIDTH / 2))
    return np.array(chosen, int)


def _longest_runs(
    query: list[Fingerprint], corpus: Fingerprint, is_excluded: np.ndarray, diagonals: np.ndarray
) -> tuple[CopiedRun, ...]:
    """Follow the diagonals through the sound; the runs that stay alike longest.

    Every place keeps the length of the diagonal that ends there and where that began. The next
    patch adds its similarity if it is alike (of two passages the one that is more so wins) and
    takes :data:`GAP_PENALTY` if not; where neither sound nor corpus moves it does nothing.
    Moving aside costs :data:`DRIFT_PENALTY`.
    """
    if not len(diagonals):
        return ()
    similarity = np.max([similarity_along(f, corpus, diagonals, _HALF_WIDTH) for f in query], 0)
    n_patches, sides = query[0].n_patches, np.arange(-_HALF_WIDTH, _HALF_WIDTH + 1)
    columns = np.arange(n_patches)[None, :, None] + diagonals[:, None, None] + sides
    at = np.clip(columns, 0, corpus.n_patches - 1)
    is_alike = (similarity >= COPY_SIMILARITY) & ~is_excluded[at]
    moves = np.any([f.is_moving for f in query], axis=0)[None, :, None]
    gap = np.where(moves | corpus.is_moving[at], -GAP_PENALTY, 0.0)
    change = np.where(is_alike, similarity, gap)

    length = np.zeros((len(diagonals), len(sides)))
    begin = np.zeros((*length.shape, 2), int)  # patch of the sound, patch of the corpus
    best = np.zeros((len(diagonals), 3), int)  # last patch, first patch, patch of the corpus
    best_length = np.zeros(len(diagonals))
    every = np.arange(len(diagonals))
    for row in range(n_patches):
        length, begin = _stay_or_move_aside(length, begin)
        is_new = length <= 0
        begin[is_new, 0] = row
        begin[is_new, 1] = columns[:, row][is_new]
        length = np.maximum(length + change[:, row], 0)
        side = length.argmax(axis=1)
        is_longer = length[every, side] > best_length
        best_length[is_longer] = length[every, side][is_longer]
        best[is_longer, 0], best[is_longer, 1:] = row, begin[every, side][is_longer]
    return _distinct_runs(best, best_length, corpus)


def _distinct_runs(
    best: np.ndarray, length: np.ndarray, corpus: Fingerprint
) -> tuple[CopiedRun, ...]:
    """Runs from their patches, longest first, one for each place."""
    hop, chosen = corpus.hop_seconds, list[tuple[int, int]]()
    runs = []
    shift = hop / N_PHASES / 2  # between the phases that were tried
    for k in np.argsort(-length, kind="stable"):
        last, first, position = (int(value) for value in best[k])
        offset = position - first
        is_known = any(abs(offset - o) <= 2 * _HALF_WIDTH and first == f for o, f in chosen)
        if length[k] <= 0 or length[k] < length.max() / 2 or is_known:
            continue
        chosen.append((offset, first))
        seconds = (last - first) * hop + corpus.patch_seconds
        runs.append(CopiedRun(seconds, first * hop + shift, max(0, position) * hop))
    return tuple(runs)


def _stay_or_move_aside(length: np.ndarray, begin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Longest diagonal that leads to each place, and where it began."""
    padded = np.pad(length, ((0, 0), (1, 1)))
    options = np.stack([length, padded[:, :-2] - DRIFT_PENALTY, padded[:, 2:] - DRIFT_PENALTY])
    begins = np.pad(begin, ((0, 0), (1, 1), (0, 0)))
    begins = np.stack([begin, begins[:, :-2], begins[:, 2:]])
    chosen = options.argmax(axis=0)
    longest = np.take_along_axis(options, chosen[None], axis=0)[0]
    return longest, np.take_along_axis(begins, chosen[None, ..., None], axis=0)[0]
