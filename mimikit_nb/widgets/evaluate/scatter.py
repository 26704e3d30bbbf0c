"""Novelty against fidelity of many sounds: a canvas on which a click plays, or a picture.

Main names: :class:`Scatter`, :func:`position`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets as W
import numpy as np

from ..canvas import DRAWING
from ..player.still import png
from .score_pictures import FLAGGED, colours_of, scatter_picture

if TYPE_CHECKING:
    import pandas

WIDTH, HEIGHT = 560, 340
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 26, 40
RADIUS, NEAR = 6, 16  # pixels


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

        front = rows[rows["pareto"]].sort_values("novelty") if len(rows) else rows
        line = [position(row.novelty, row.fidelity) for row in front.itertuples()]
        with DRAWING, hold_canvas():
            self._draw(marks, {} if is_blind else colours, chosen, line)

    def click(self, x: float, y: float) -> None:
        """Pick the sound under the mouse."""
        if not len(self._places):
            return
        distance = np.hypot(*(self._places - (x, y)).T)
        nearest = int(distance.argmin())
        if distance[nearest] <= NEAR:
            self._on_pick(self._paths[nearest])

    def _draw(
        self,
        marks: list[Any],
        colours: dict[str, str],
        chosen: str,
        front: list[tuple[float, float]],
    ) -> None:
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
        if len(front) > 1:
            c.stroke_style = "#666666"
            c.set_line_dash([2, 4])
            c.stroke_lines(front)
            c.set_line_dash([])
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
