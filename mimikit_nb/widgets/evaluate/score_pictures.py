"""Pictures of scores: novelty against fidelity, by training step, neighbours in time.

Main names: :func:`scatter_picture`, :func:`curves_picture`, :func:`neighbours_picture`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from ...recipes.scored import load_neighbours
from ...recipes.summaries import by_checkpoint
from ..pictures import HELD_OUT_COLOUR, LOSS_COLOUR, Picture

if TYPE_CHECKING:
    import pandas

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#666666", "#117733")
FLAGGED = "#c62828"
SCORES = {"novelty": "#009e73", "fidelity": "#0072b2"}
SETS = {"frechet_mfcc": "#0072b2", "kernel_mfcc": "#d55e00"}
LOSSES = {"loss": LOSS_COLOUR, "held_out_loss": HELD_OUT_COLOUR}
SHARES = {"flagged": FLAGGED, "coverage": "#666666"}


def colours_of(table: pandas.DataFrame) -> dict[str, str]:
    """A colour for each checkpoint, in the order of their steps."""
    names = table.sort_values("step", kind="stable")["checkpoint"].drop_duplicates()
    return {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}


def scatter_picture(table: pandas.DataFrame) -> Picture:
    """Novelty against fidelity, each checkpoint in its colour, flags ringed, the front joined."""
    figure = Figure(figsize=(10, 5.5), layout="constrained")
    axis = figure.subplots()
    for name, colour in (colours_of(table) if len(table) else {}).items():
        rows = table[table["checkpoint"] == name]
        axis.scatter(rows.novelty, rows.fidelity, s=40, color=colour, label=name)
    if len(table):
        flagged = table[table["flags"] != ""]
        ring: dict[str, Any] = {"facecolors": "none", "edgecolors": FLAGGED, "label": "flagged"}
        if len(flagged):
            axis.scatter(flagged.novelty, flagged.fidelity, s=110, **ring)
        front = table[table["pareto"]].sort_values("novelty")
        axis.plot(front.novelty, front.fidelity, ":", color="#666666", lw=1.2, label="front")
        axis.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    axis.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
    axis.set_xlabel("novelty: 0 copies the corpus")
    axis.set_ylabel("fidelity: 1 as near as real audio")
    axis.grid(alpha=0.25)
    axis.spines[["top", "right"]].set_visible(False)
    return Picture(figure, "novelty against fidelity of each sound")


def curves_picture(table: pandas.DataFrame) -> Picture:
    """Scores of each checkpoint against training steps, with intervals, the losses below.

    Distances of all sounds together are drawn relative to what as many real excerpts score.
    """
    means = by_checkpoint(table)
    figure = Figure(figsize=(10, 7.5), layout="constrained")
    scores, sets, losses = figure.subplots(3, sharex=True, height_ratios=(3, 2, 2))
    for column, colour in SCORES.items():
        _band(scores, means, column, colour)
    for column, colour in SHARES.items():
        label = "share flagged" if column == "flagged" else column
        scores.plot(means.step, means[column], "x--", ms=5, lw=1, color=colour, label=label)
    scores.set(ylim=(-0.03, 1.03), ylabel="score (band: 90 %)")
    real = table.attrs.get("real_sets", {})
    for column, colour in SETS.items():
        if column in real and means[column].notna().any():
            _band(sets, means, column, colour, 1 / max(np.median(real[column]), 1e-6))
    sets.axhline(1, color="#666666", lw=1, ls=":", label="real audio")
    sets.set(ylabel="distance / real audio's")
    sets.set_ylim(bottom=0)
    for column, colour in LOSSES.items():
        if means[column].astype(float).notna().any():
            losses.plot(means.step, means[column], "o-", ms=4, color=colour, label=column)
    losses.set(xlabel="training steps", ylabel="loss")
    for axis in (scores, sets, losses):
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
        if axis.get_legend_handles_labels()[0]:
            axis.legend(fontsize=8, frameon=False, ncols=4)
    return Picture(figure, "scores, distances and losses of the checkpoints")


def _band(axis: Any, means: pandas.DataFrame, column: str, colour: str, scale: float = 1) -> None:
    """One measure by step, with its interval."""
    if not len(means):
        return
    label = column.replace("_", " ")
    axis.plot(means.step, scale * means[column], "o-", ms=4, color=colour, label=label)
    low, high = (scale * means[f"{column}_{end}"].astype(float) for end in ("low", "high"))
    axis.fill_between(means.step, low, high, color=colour, alpha=0.15, lw=0)


def neighbours_picture(path: str | Path, corpus_seconds: float = 0.0) -> Picture | None:
    """What of the corpus a scored sound follows, in time; None if it wasn't scored.

    Parameters
    ----------
    path : str or Path
        Of the sound.
    corpus_seconds : float
        Length of the corpus; up to the last neighbour if not given.

    Returns
    -------
    Picture or None
        Above the distance to the nearest neighbour and the entropy of the places visited, below
        where they lie: a line that rises is a copy, a level one a trap, a cloud new music.
    """
    found = load_neighbours(path)
    if not len(found.get("times_seconds", ())):
        return None
    times = found["times_seconds"]
    figure = Figure(figsize=(10, 2.8), layout="constrained")
    distance, place = figure.subplots(2, sharex=True, height_ratios=(2, 3))
    distance.plot(times, found["distance"], "-", lw=1.5, color="#0072b2", label="distance")
    distance.plot(times, found["entropy"], "--", lw=1.2, color="#009e73", label="entropy so far")
    distance.set(ylim=(-0.03, 1.15))
    distance.legend(fontsize=8, frameon=False, ncols=2, loc="lower right")
    place.plot(times, found["position_seconds"], ".", ms=5, color="#d55e00")
    highest = max(corpus_seconds, float(np.nanmax([*found["position_seconds"], 1.0])))
    place.set(ylim=(0, highest), ylabel="corpus (s)", xlabel="seconds of new sound")
    for axis in (distance, place):
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
    return Picture(figure, "nearest neighbours in the corpus, in time")
