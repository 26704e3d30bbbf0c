"""Novelty against fidelity of many sounds: a canvas on which a click plays, or a picture.

Main names: :class:`Scatter`, :func:`scatter_picture`, :func:`curves_picture`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets as W
import numpy as np
from matplotlib.figure import Figure

from ..recipes.summaries import by_checkpoint
from .picture import png
from .pictures import HELD_OUT_COLOUR, LOSS_COLOUR, Picture
from .plot import DRAWING

if TYPE_CHECKING:
    import pandas

WIDTH, HEIGHT = 560, 340
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 26, 40
RADIUS, NEAR = 6, 16  # pixels
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#666666", "#117733")
FLAGGED = "#c62828"


def colours_of(table: pandas.DataFrame) -> dict[str, str]:
    """A colour for each checkpoint, in the order of their steps."""
    names = table.sort_values("step", kind="stable")["checkpoint"].drop_duplicates()
    return {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}


def position(novelty: float, fidelity: float) -> tuple[float, float]:
    """Place on the canvas, in pixels; both scores are from 0 to 1."""
    x = LEFT + novelty * (WIDTH - LEFT - RIGHT)
    return x, TOP + (1 - fidelity) * (HEIGHT - TOP - BOTTOM)


class Scatter:
    """Points that can be clicked.

    Parameters
    ----------
    on_pick : callable
        Called with the path of the sound nearest to a click.

    Attributes
    ----------
    widget : ipywidgets.Widget
        Canvas, or a still picture where there is no canvas.
    """

    def __init__(self, on_pick: Callable[[str], None]) -> None:
        self._on_pick = on_pick
        self._places = np.zeros((0, 2))
        self._paths: list[str] = []
        self._canvas = _make_canvas()
        self._image = W.Image(format="png", layout=W.Layout(max_width="100%"))
        self.widget = self._canvas if self._canvas is not None else self._image
        if self._canvas is not None:
            self._canvas.layout.width = f"{WIDTH}px"
            self._canvas.on_mouse_down(self.click)

    def show(self, table: pandas.DataFrame, chosen: str = "", is_blind: bool = False) -> None:
        """Draw the sounds of a table; ``chosen`` is the path of the one that is heard."""
        rows = table[table[["novelty", "fidelity"]].notna().all(axis=1)] if len(table) else table
        self._paths = rows["path"].tolist() if len(rows) else []
        pairs = rows[["novelty", "fidelity"]].to_numpy(float) if len(rows) else np.zeros((0, 2))
        self._places = np.array([position(*pair) for pair in pairs]).reshape(-1, 2)
        if self._canvas is None:
            self._image.value = png(scatter_picture(rows).figure) if len(rows) else b""
            return
        colours = colours_of(rows) if len(rows) else {}
        marks = [
            (x, y, "#666666" if is_blind else colours[row.checkpoint], bool(row.flags), row.path)
            for (x, y), row in zip(self._places, rows.itertuples(), strict=True)
        ]
        from ipycanvas import hold_canvas

        with DRAWING, hold_canvas():
            self._draw(marks, {} if is_blind else colours, chosen)

    def click(self, x: float, y: float) -> None:
        """Pick the sound under the mouse."""
        if not len(self._places):
            return
        distance = np.hypot(*(self._places - (x, y)).T)
        nearest = int(distance.argmin())
        if distance[nearest] <= NEAR:
            self._on_pick(self._paths[nearest])

    def _draw(self, marks: list[Any], colours: dict[str, str], chosen: str) -> None:
        c = self._canvas
        c.clear()
        c.fill_style = "white"
        c.fill_rect(0, 0, WIDTH, HEIGHT)
        c.font = "12px sans-serif"
        c.stroke_style, c.fill_style, c.line_width = "#dddddd", "#333333", 1
        for tick in np.linspace(0, 1, 6):
            (x, bottom), (left, y) = position(tick, 0), position(0, tick)
            c.stroke_line(x, TOP, x, bottom)
            c.stroke_line(left, y, WIDTH - RIGHT, y)
            c.text_align = "center"
            c.fill_text(f"{tick:.1f}", x, bottom + 15)
            c.text_align = "right"
            c.fill_text(f"{tick:.1f}", left - 6, y + 4)
        c.text_align = "center"
        c.fill_text("novelty: 0 copies the corpus", (LEFT + WIDTH) / 2, HEIGHT - 8)
        c.text_align = "left"
        c.fill_text("fidelity: 1 as near as real audio", 4, 15)
        for x, y, colour, is_flagged, path in marks:
            c.fill_style = colour
            c.fill_circle(x, y, RADIUS)
            if is_flagged or path == chosen:
                c.stroke_style, c.line_width = FLAGGED if is_flagged else "#000000", 2
                c.stroke_circle(x, y, RADIUS + (4 if path == chosen else 0))
            if is_flagged and path == chosen:
                c.stroke_circle(x, y, RADIUS)
        place = LEFT + 200
        for name, colour in list(colours.items())[: (WIDTH - place) // 110]:
            c.fill_style = colour
            c.fill_circle(place, 11, 5)
            c.fill_style = "#333333"
            c.fill_text(_short(name), place + 9, 15)
            place += 110


def _short(name: str) -> str:
    return name.removeprefix("step_").lstrip("0")[:14] or name[:14]


def _make_canvas() -> Any:
    """A canvas; None where ipycanvas can't be used."""
    try:
        from ipycanvas import Canvas

        return Canvas(width=WIDTH, height=HEIGHT)
    except Exception:  # its compiled front end is missing, or doesn't fit: a picture will do
        return None


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
    """Scores of each checkpoint against training steps, with intervals, the losses below."""
    means = by_checkpoint(table)
    figure = Figure(figsize=(10, 5.5), layout="constrained")
    scores, losses = figure.subplots(2, sharex=True, height_ratios=(3, 2))
    numbers = means.drop(columns="checkpoint").astype(float)
    for column, colour in (("novelty", "#009e73"), ("fidelity", "#0072b2")):
        if not len(means):
            break
        scores.plot(means.step, means[column], "o-", ms=4, color=colour, label=column)
        low, high = means[f"{column}_low"], means[f"{column}_high"]
        scores.fill_between(means.step, low, high, color=colour, alpha=0.15, lw=0)
    scores.plot(means.step, means.flagged, "x--", color=FLAGGED, ms=5, label="share flagged")
    scores.set(ylim=(-0.03, 1.03), ylabel="score (band: 90 %)")
    for column, colour in (("loss", LOSS_COLOUR), ("held_out_loss", HELD_OUT_COLOUR)):
        if numbers[column].notna().any():
            losses.plot(means.step, means[column], "o-", ms=4, color=colour, label=column)
    losses.set(xlabel="training steps", ylabel="loss")
    for axis in (scores, losses):
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
        if axis.get_legend_handles_labels()[0]:
            axis.legend(fontsize=8, frameon=False, ncols=3)
    return Picture(figure, "scores and losses of the checkpoints")
