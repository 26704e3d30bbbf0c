"""The loss while it falls: drawn on a canvas in the browser, as a picture without one.

Main name: :class:`LossPlot`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets as W
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy.signal import lfilter

from ..canvas import DRAWING
from ..pictures import HELD_OUT_COLOUR, LOSS_COLOUR
from ..player.still import LABEL_SIZE, png
from .losses import Losses

WIDTH, HEIGHT = 820, 260
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 26, 34
MOST_POINTS = 800  # drawn of a curve; more can't be told apart
GRID_COLOUR, TEXT_COLOUR, CHECKPOINT_COLOUR = "#d8d8d8", "#555555", "#009e73"
FONT = "12px sans-serif"
NOTHING = "The curve of the loss begins with the first steps."


class LossPlot:
    """Curves of the losses, redrawn as often as one likes.

    Parameters
    ----------
    use_canvas : bool, optional
        Whether to draw on a canvas; if None, wherever ipycanvas is installed.

    Attributes
    ----------
    is_log : bool
        Whether the axis of the loss is logarithmic, where all losses are positive.
    smoothing : float in [0, 1)
        Share of the past in each point of the smooth curve.
    widget : ipywidgets.Widget
        What to show.
    """

    def __init__(self, use_canvas: bool | None = None) -> None:
        self.is_log, self.smoothing = True, 0.9
        self._canvas = _make_canvas() if use_canvas in (None, True) else None
        self.widget = self._canvas if self._canvas is not None else W.Image(format="png")
        self.widget.layout.width = f"{WIDTH}px"
        self.widget.layout.max_width = "100%"
        self._drawn = Losses()
        if self._canvas is not None:
            self._canvas.on_client_ready(lambda: self.draw(self._drawn))

    def draw(self, losses: Losses) -> None:
        """Draw the losses as they are now."""
        self._drawn = losses
        curves = Curves.of(losses, self.is_log, self.smoothing)
        if self._canvas is None:
            self.widget.value = png(_draw_figure(curves))
            return
        from ipycanvas import hold_canvas

        commands = _commands(curves)  # all that can fail comes before the canvas is held
        with DRAWING, hold_canvas():
            # a page that was opened since doesn't know which canvas the last drawing was on
            self._canvas._canvas_manager._current_canvas = None
            for name, *arguments in commands:
                if name == "set":
                    setattr(self._canvas, *arguments)
                else:
                    getattr(self._canvas, name)(*arguments)

    def figure(self, losses: Losses) -> Figure:
        """The same as a matplotlib figure."""
        return _draw_figure(Curves.of(losses, self.is_log, self.smoothing))


@dataclass(frozen=True)
class Curves:
    """Curves with as many points as can be told apart; arrays have the shape ``(points, 2)``."""

    raw: np.ndarray
    smooth: np.ndarray
    held_out: np.ndarray
    checkpoints: list[int]
    is_log: bool

    @classmethod
    def of(cls, losses: Losses, is_log: bool, smoothing: float) -> Curves:
        """Curves of what there is to draw."""
        n = min(len(losses.steps), len(losses.losses))  # a thread may be adding to them
        raw = _finite(losses.steps[:n], losses.losses[:n])
        held_out = _finite(*zip(*losses.held_out, strict=True)) if losses.held_out else _NONE
        values = np.concatenate([raw[:, 1], held_out[:, 1]])
        smooth = raw.copy()
        if len(raw):
            weights = lfilter([1 - smoothing], [1, -smoothing], np.ones(len(raw)))
            smooth[:, 1] = lfilter([1 - smoothing], [1, -smoothing], raw[:, 1]) / weights
        return cls(
            _thinned(raw),
            _thinned(smooth),
            held_out,
            list(losses.checkpoints),
            is_log and bool(len(values)) and bool((values > 0).all()),
        )

    @property
    def limits(self) -> tuple[float, float, float, float]:
        """First and last step, lowest and highest loss to show."""
        points = np.concatenate([self.raw, self.held_out])
        if not len(points):
            return 0.0, 1.0, 1.0, 10.0
        first, last = points[:, 0].min(), points[:, 0].max()
        # a single wild loss mustn't flatten everything else
        low = (
            min(points[:, 1].min(), self.smooth[:, 1].min())
            if len(self.smooth)
            else points[:, 1].min()
        )
        high = max(np.quantile(points[:, 1], 0.995), *self.held_out[:, 1], low + 1e-9)
        if self.is_log:
            margin = (high / low) ** 0.05
            return first, max(last, first + 1), low / margin, high * margin
        margin = 0.05 * (high - low)
        return first, max(last, first + 1), low - margin, high + margin


_NONE = np.zeros((0, 2))


def _finite(steps: Sequence[Any], values: Sequence[Any]) -> np.ndarray:
    points = np.array([steps, values], dtype=float).T.reshape(-1, 2)
    return points[np.isfinite(points[:, 1])]


def _thinned(points: np.ndarray) -> np.ndarray:
    """At most so many points, each the mean of its neighbours."""
    step = -(-len(points) // MOST_POINTS)
    if step <= 1:
        return points
    starts = np.arange(0, len(points), step)
    counts = np.diff([*starts, len(points)])[:, None]
    return np.add.reduceat(points, starts, axis=0) / counts


def _ticks(low: float, high: float, is_log: bool) -> list[float]:
    """Round numbers along an axis."""
    if not is_log or high / low < 4:
        found = MaxNLocator(5).tick_values(low, high)
        return [float(tick) for tick in found if low <= tick <= high]
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = [digit * 10.0**decade for decade in decades for digit in (1, 2, 5)]
    return [tick for tick in found if low <= tick <= high]


def _commands(curves: Curves) -> list[tuple[Any, ...]]:
    """What to tell the canvas, in order."""
    first, last, low, high = curves.limits
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def x(step: Any) -> Any:
        return LEFT + (np.asarray(step, dtype=float) - first) / (last - first) * width

    def y(loss: Any) -> Any:
        loss = np.asarray(loss, dtype=float)
        if curves.is_log:
            share = (np.log(loss) - math.log(low)) / (math.log(high) - math.log(low))
        else:
            share = (loss - low) / (high - low)
        return TOP + (1 - np.clip(share, 0, 1)) * height

    commands: list[tuple[Any, ...]] = [
        ("clear",),
        ("set", "fill_style", "white"),
        ("fill_rect", 0, 0, WIDTH, HEIGHT),
        ("set", "font", FONT),
        ("set", "line_width", 1),
    ]
    if not len(curves.raw) and not len(curves.held_out):
        return commands + _text(NOTHING, WIDTH / 2, HEIGHT / 2, "center") + _legend()
    for tick in _ticks(low, high, curves.is_log):
        place = float(y(tick))
        commands += [
            ("set", "stroke_style", GRID_COLOUR),
            ("stroke_line", LEFT, place, WIDTH - RIGHT, place),
            *_text(f"{tick:g}", LEFT - 8, place + 4, "right"),
        ]
    for tick in _ticks(first, last, False):
        commands += _text(f"{tick:g}", float(x(tick)), HEIGHT - BOTTOM + 16, "center")
    commands += _text("step", WIDTH - RIGHT, HEIGHT - 4, "right")
    commands += _text("loss" + (" (logarithmic)" if curves.is_log else ""), 6, 14, "left")
    commands += [("set", "stroke_style", CHECKPOINT_COLOUR), ("set", "line_width", 2)]
    for step in curves.checkpoints:
        if first <= step <= last:
            commands.append(
                ("stroke_line", float(x(step)), TOP + height - 7, float(x(step)), TOP + height)
            )
    commands += _curve(curves.raw, x, y, LOSS_COLOUR, 1, 0.3)
    commands += _curve(curves.smooth, x, y, LOSS_COLOUR, 2, 1.0)
    commands += _curve(curves.held_out, x, y, HELD_OUT_COLOUR, 2, 1.0)
    for step, loss in curves.held_out:
        commands += [
            ("set", "fill_style", HELD_OUT_COLOUR),
            ("fill_circle", float(x(step)), float(y(loss)), 3.5),
        ]
    return commands + _legend()


def _legend() -> list[tuple[Any, ...]]:
    commands: list[tuple[Any, ...]] = []
    place = LEFT + 150
    for colour, text in (
        (LOSS_COLOUR, "learned from"),
        (HELD_OUT_COLOUR, "held out"),
        (CHECKPOINT_COLOUR, "checkpoint"),
    ):
        commands += [
            ("set", "fill_style", colour),
            ("fill_rect", place, 5, 14, 9),
            *_text(text, place + 20, 14, "left"),
        ]
        place += 130
    return commands


def _text(text: str, x: float, y: float, align: str) -> list[tuple[Any, ...]]:
    return [
        ("set", "fill_style", TEXT_COLOUR),
        ("set", "text_align", align),
        ("fill_text", text, x, y),
    ]


def _curve(
    points: np.ndarray, x: Any, y: Any, colour: str, width: float, alpha: float
) -> list[tuple[Any, ...]]:
    if len(points) < 2:
        return []
    return [
        ("set", "global_alpha", alpha),
        ("set", "stroke_style", colour),
        ("set", "line_width", width),
        ("stroke_lines", np.stack([x(points[:, 0]), y(points[:, 1])], axis=1)),
        ("set", "global_alpha", 1.0),
    ]


def _draw_figure(curves: Curves) -> Figure:
    figure = Figure(figsize=(WIDTH / 96, HEIGHT / 96), layout="constrained")
    axis = figure.subplots()
    axis.plot(*curves.raw.T, color=LOSS_COLOUR, lw=1, alpha=0.3)
    axis.plot(*curves.smooth.T, color=LOSS_COLOUR, lw=1.8, label="learned from")
    axis.plot(*curves.held_out.T, "o-", color=HELD_OUT_COLOUR, ms=4, label="held out")
    first, last, low, high = curves.limits
    axis.set(xlim=(first, last), ylim=(low, high), yscale="log" if curves.is_log else "linear")
    marks = [step for step in curves.checkpoints if first <= step <= last]
    axis.plot(marks, [low] * len(marks), "|", color=CHECKPOINT_COLOUR, ms=14, label="checkpoint")
    axis.set_xlabel("step", fontsize=LABEL_SIZE)
    axis.set_ylabel("loss", fontsize=LABEL_SIZE)
    axis.tick_params(labelsize=LABEL_SIZE - 1, which="both")
    axis.grid(alpha=0.25, which="both")
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(fontsize=LABEL_SIZE, frameon=False, ncols=3)
    return figure


def _make_canvas() -> Any:
    """A canvas; None where ipycanvas can't be used."""
    try:
        from ipycanvas import Canvas

        return Canvas(width=WIDTH, height=HEIGHT)
    except Exception:  # its compiled front end is missing, or doesn't fit: a picture will do
        return None
