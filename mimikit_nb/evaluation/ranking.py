"""Choosing from many scored sounds: weighted rank, Pareto front, no two alike, intervals.

The table has one row for each sound, as :meth:`~.scoring.Score.to_row` gives them, and whatever
columns the caller adds (checkpoint, prompt, temperature, path).

Main names: :func:`rank`, :func:`pareto_front`, :func:`near_duplicates`,
:func:`bootstrap_interval`, :func:`rank_correlation`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

from ..errors import ParameterError
from .copies import COPY_SIMILARITY, LOOK_EVERY, search
from .fingerprints import Fingerprint, fingerprints, patch_similarity
from .spectra import as_channels

DEFAULT_WEIGHTS: Mapping[str, float] = {"novelty": 1.0, "fidelity": 1.0}
"Weights of the columns; a negative one makes less better."

FLAG_PENALTY = 1.0
"What each flag takes from the rank score: as much as the worst of all against the best."

DUPLICATE_SHARE = 0.5
"Share of a sound that must follow another one for the two to count as the same."

_LIKELY_SIMILARITY = COPY_SIMILARITY - 0.1  # at one phase only
_LIKELY_SHARE = 0.6


def rank(
    table: pd.DataFrame, weights: Mapping[str, float] | None = None, penalise_flags: bool = True
) -> pd.DataFrame:
    """Sort sounds by a weighted mean of their scores, best first.

    Each column is put on 0 ... 1 by its rank among the rows (ties share the mean rank, missing
    values count as the worst), so that scores of different spread weigh as the weights say. The
    flags are taken off after that: a flagged sound stands below every unflagged one of the same
    scores.

    Parameters
    ----------
    table : pandas.DataFrame
        One row for each sound.
    weights : mapping of str to float, optional
        Columns and their weights; novelty and fidelity in equal parts by default.
    penalise_flags : bool, default True
        Whether each flag in the column "flags" takes :data:`FLAG_PENALTY` off.

    Returns
    -------
    pandas.DataFrame
        The rows sorted, with the column "rank_score", 1 at most.

    Raises
    ------
    ParameterError
        If a column doesn't exist, or all weights are 0.
    """
    weights = dict(DEFAULT_WEIGHTS if weights is None else weights)
    if unknown := sorted(set(weights) - set(table.columns)):
        raise ParameterError(
            f"The table has no column {', '.join(map(repr, unknown))} to rank by; it has "
            f"{', '.join(map(str, table.columns))}."
        )
    total = sum(abs(weight) for weight in weights.values())
    if total == 0:
        raise ParameterError("All weights are 0; at least one must count.")
    rank_score = pd.Series(0.0, index=table.index)
    for column, weight in weights.items():
        rank_score += abs(weight) / total * _relative(table[column], is_better_high=weight > 0)
    if penalise_flags and "flags" in table:
        rank_score -= FLAG_PENALTY * table["flags"].map(_n_flags)
    ranked = table.assign(rank_score=rank_score)
    return ranked.sort_values("rank_score", ascending=False, kind="stable")


def _relative(values: pd.Series, is_better_high: bool) -> pd.Series:
    """Ranks on 0 (worst) to 1 (best)."""
    ranks = values.rank(ascending=is_better_high, na_option="top")
    spread = ranks.max() - ranks.min()
    return (ranks - ranks.min()) / spread if spread > 0 else ranks * 0 + 0.5


def _n_flags(flags: str | set[str]) -> int:
    return len(flags.split()) if isinstance(flags, str) else len(flags)


def pareto_front(
    table: pd.DataFrame, columns: Sequence[str] = ("novelty", "fidelity")
) -> pd.Series:
    """Say which sounds nothing beats in all columns at once.

    Parameters
    ----------
    table : pandas.DataFrame
        One row for each sound.
    columns : sequence of str
        Scores; more is better in each.

    Returns
    -------
    pandas.Series of bool
        True for a row that no other one equals or exceeds in every column and exceeds in one;
        False where a score is missing.
    """
    values = table[list(columns)].to_numpy(float)
    on_front = np.isfinite(values).all(axis=1)
    for i in np.flatnonzero(on_front):
        no_worse = (values >= values[i]).all(axis=1)
        on_front[i] = not (no_worse & (values > values[i]).any(axis=1)).any()
    return pd.Series(on_front, index=table.index, name="pareto")


def near_duplicates(sounds: Iterable[np.ndarray], sample_rate: int) -> list[int]:
    """Find sounds that nearly repeat one another.

    A sound is a duplicate if a run of at least half its length (the shorter of both) follows
    another one note for note, as in :mod:`.copies`: an offset, another level or 20 cents don't
    hide it. Two sounds in which nothing moves aren't told apart, and count as different.

    Parameters
    ----------
    sounds : iterable of np.ndarray [shape=(N,) or (C, N)]
        Read one after the other; only fingerprints are kept.
    sample_rate : int > 0
        Of all, in Hz.

    Returns
    -------
    list of int
        For each sound the place of the first one of its family; its own if it has none.
    """
    prints = [fingerprints(as_channels(y), sample_rate) for y in sounds]
    family = list(range(len(prints)))
    made = [place for place, one in enumerate(prints) if one]
    for number, place in enumerate(made):
        others = made[:number]
        alike = _alike(prints[place][0], [prints[other][0] for other in others])
        for other in (others[i] for i in np.argsort(-alike, kind="stable") if alike[i]):
            if family[other] != family[place] and _follows(prints[place], prints[other]):
                first, last = sorted((family[other], family[place]))
                family = [first if member == last else member for member in family]
    return family


def _alike(sound: Fingerprint, others: list[Fingerprint]) -> np.ndarray:
    """Patches of a sound that are like some patch of each other one; 0 for too few of them.

    A look at all of them at once, that spares :func:`_follows` most of its work.
    """
    looked = np.arange(0, sound.n_patches, LOOK_EVERY)
    n_alike = np.zeros(len(others), int)
    if not others:
        return n_alike
    whole = Fingerprint.of_movement(
        np.concatenate([other.movement for other in others]), sound.hop_seconds
    )
    is_alike = patch_similarity(sound, whole, looked) >= _LIKELY_SIMILARITY
    ends = np.cumsum([len(other.movement) for other in others])
    for i, (other, end) in enumerate(zip(others, ends.tolist(), strict=True)):
        begin = end - len(other.movement)
        n = int(is_alike[:, begin : begin + other.n_patches].any(axis=1).sum())
        shorter = min(len(looked), -(-other.n_patches // LOOK_EVERY))
        n_alike[i] = n if n >= _LIKELY_SHARE * DUPLICATE_SHARE * shorter else 0
    return n_alike


def _follows(a: list[Fingerprint], b: list[Fingerprint]) -> bool:
    """Whether half of the shorter of two fingerprinted sounds follows the other."""
    if not a or not b:
        return False
    shorter, longer = sorted((a, b), key=lambda prints: prints[0].n_patches)
    seconds = len(shorter[0].movement) * shorter[0].hop_seconds
    return search(shorter, longer[0]).copied.seconds >= DUPLICATE_SHARE * seconds


def bootstrap_interval(
    values: Sequence[float] | np.ndarray,
    confidence: float = 0.9,
    n_resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Interval of a mean, from drawing the values again and again with replacement.

    Parameters
    ----------
    values : sequence of float
        Scores of several sounds of one checkpoint; missing ones are left out.
    confidence : float in (0, 1), default 0.9
        Share of the resampled means inside.
    n_resamples : int > 0
        How often.
    seed : int
        Draws the values.

    Returns
    -------
    low, high : float
        NaN for no values.
    """
    if not 0 < confidence < 1:
        raise ParameterError(f"confidence is {confidence}; it must lie between 0 and 1.")
    finite = np.asarray(values, float)
    finite = finite[np.isfinite(finite)]
    if not len(finite):
        return float("nan"), float("nan")
    drawn = np.random.default_rng(seed).choice(finite, (n_resamples, len(finite)))
    low, high = np.quantile(drawn.mean(axis=1), [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def rank_correlation(a: Sequence[float], b: Sequence[float]) -> float:
    """Kendall's tau-b of two scorings of the same things: 1 the same order, -1 the reverse."""
    if len(a) != len(b):
        raise ParameterError(f"The scorings have {len(a)} and {len(b)} values; they must match.")
    return float(kendalltau(a, b).statistic)
