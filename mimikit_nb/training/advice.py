"""What a run's losses say, in plain words: still learning, flat, over-fitting, unstable.

Pure arithmetic on the numbers of a run, so that a view, a log and a batch can say it. Main
names: :func:`advise`, :func:`advise_run`, :class:`Advice`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.ndimage import median_filter

from ..checkpoint.run import Run

Verdict = Literal["too early", "still learning", "flat", "over-fitting", "unstable"]

FEWEST_STEPS = 40  # losses of fewer steps say nothing
FEWEST_MEANS = 20  # nor do fewer means over several steps
RECENT_SHARE = 0.4  # of the steps; the two halves of it are compared
SURE = 2.5  # standard errors that a change must exceed to be one
SPIKE = 6.0  # times the usual scatter that a loss must jump to be a spike
NEIGHBOURS = 5  # losses that one is compared with to be a spike, itself among them
SPIKES = 0.03  # share of recent steps that may be spikes
RISE = 0.25  # share of all that was learned whose loss means trouble
FORGOTTEN = 0.03  # share of all that was learned by which the held-out loss may rise


@dataclass(frozen=True)
class Advice:
    """A verdict, what it is based on, and what to do.

    Attributes
    ----------
    verdict : str
        "too early", "still learning", "flat", "over-fitting" or "unstable".
    reason : str
        The numbers behind it, in words.
    remedy : str
        What one may do.
    """

    verdict: Verdict
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.verdict.capitalize()}: {self.reason} {self.remedy}".strip()


def advise(
    losses: Sequence[float] | np.ndarray,
    held_out: Sequence[tuple[int, float]] = (),
    skipped: int = 0,
    steps: Sequence[int] | np.ndarray | None = None,
) -> Advice:
    """Say in words how a training goes, and why.

    Parameters
    ----------
    losses : sequence of float
        Losses in order, NaN where a step was skipped.
    held_out : sequence of (int, float)
        Steps and losses on the held-out part, in order.
    skipped : int, default 0
        Steps that were skipped because their loss wasn't finite.
    steps : sequence of int, optional
        Steps of the losses, which may be means over several; 1, 2, 3 ... if not given.

    Returns
    -------
    Advice
    """
    y = np.asarray(losses, dtype=float)
    x = np.arange(1, len(y) + 1) if steps is None else np.asarray(steps)
    is_each = len(x) == 0 or len(x) == np.ptp(x) + 1
    fewest = FEWEST_STEPS if is_each else FEWEST_MEANS
    is_finite = np.isfinite(y)
    y, x = y[is_finite], x[is_finite]
    if len(y) < fewest:
        reason = f"{len(y)} losses so far; {fewest} are needed to see a direction."
        return Advice("too early", reason, "")
    return (
        _unstable(y, skipped, int(x[-1]))
        or _over_fitting([(step, loss) for step, loss in held_out if np.isfinite(loss)])
        or _direction(y, x, fewest)
    )


def advise_run(run: Run) -> Advice:
    """Say in words how a run went, or goes, from what it has written.

    Parameters
    ----------
    run : Run
        One that may be at work.

    Returns
    -------
    Advice
    """
    table = run.metrics.dropna(subset=["step"])  # a row may be cut off
    held_out = table[["step", "held_out_loss"]].dropna() if "held_out_loss" in table else table[:0]
    skipped = int(table["skipped"].fillna(0).max()) if "skipped" in table and len(table) else 0
    return advise(
        table["loss"].to_numpy(float),
        [(int(step), float(loss)) for step, loss in held_out.to_numpy()],
        skipped,
        table["step"].to_numpy(int),
    )


def _unstable(y: np.ndarray, skipped: int, n_steps: int) -> Advice | None:
    """Steps that were skipped, losses that jump, or a loss that has lost what it had."""
    remedy = "Take a third of the learning rate; if it goes on, look for clicks in the recordings."
    if skipped > max(2, 0.01 * n_steps):
        return Advice(
            "unstable", f"{skipped} steps were skipped: their loss wasn't finite.", remedy
        )
    recent = y[-max(FEWEST_STEPS, int(RECENT_SHARE * len(y))) :]
    scatter = np.median(np.abs(np.diff(recent))) + 1e-12
    around = median_filter(recent, NEIGHBOURS, mode="nearest")  # a steep fall is no spike
    n_spikes = int(np.sum(recent - around > SPIKE * scatter + 0.1 * _learned(y)))
    if n_spikes > max(2, SPIKES * len(recent)):
        reason = f"{n_spikes} of the last {len(recent)} losses jump far above the others."
        return Advice("unstable", reason, remedy)
    smooth = np.convolve(y, np.full(20, 1 / 20), "valid")
    rise = smooth[-1] - smooth.min()
    if rise > RISE * _learned(y) and rise > SURE * 4 * scatter:
        reason = f"the loss rose from {smooth.min():.3g} at its best to {smooth[-1]:.3g}."
        return Advice("unstable", reason, remedy)
    return None


def _over_fitting(held_out: list[tuple[int, float]]) -> Advice | None:
    """The held-out loss has been rising for a while."""
    if len(held_out) < 4:
        return None
    losses = np.array([loss for _, loss in held_out])
    best = int(losses.argmin())
    rise, learned = losses[-1] - losses[best], losses[0] - losses[best]
    if best > len(losses) - 3 or rise <= FORGOTTEN * max(learned, 1e-12):
        return None
    if not (losses[-2:] > losses[best] + 0.3 * rise).all():
        return None  # a single bad value
    reason = (
        f"the held-out loss was lowest at step {held_out[best][0]} ({losses[best]:.3g}) and is "
        f"{losses[-1]:.3g} now: it learns the recordings by heart."
    )
    remedy = "Stop and listen to the checkpoints around that step, or give it more recordings."
    return Advice("over-fitting", reason, remedy)


def _direction(y: np.ndarray, x: np.ndarray, fewest: int) -> Advice:
    """Compare the older half of the recent losses with the newer one."""
    n = max(fewest // 2, int(RECENT_SHARE * len(y) / 2))
    before, after = y[-2 * n : -n], y[-n:]
    drop = before.mean() - after.mean()
    error = np.sqrt((before.var() + after.var()) / n)
    n_steps = int(x[-1] - x[-2 * n])
    if drop > SURE * error and drop > 0.002 * _learned(y):
        reason = f"the loss fell by {drop:.2g} within the last {n_steps} steps."
        return Advice("still learning", reason, "Let it go on.")
    reason = f"the loss hasn't moved by more than its scatter within the last {n_steps} steps."
    remedy = "Listen: if it isn't good yet, try a third of the learning rate, or a larger network."
    return Advice("flat", reason, remedy)


def _learned(y: np.ndarray) -> float:
    """How far the loss has come down since the beginning."""
    first = y[: max(5, len(y) // 50)].max()
    return float(max(first - np.quantile(y, 0.1), 1e-12))
