"""The levels of one analysis, one under the other: to see and hear what lies within what.

Main names: :class:`LevelStrip`, :func:`draw_levels`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets
from matplotlib.figure import Figure

from ...analysis import Segmentation
from ..canvas import esm
from ..pictures import Picture
from ..player.still import LABEL_SIZE

SHADES = ("#0072b2", "#56b4e9")


class LevelStrip(anywidget.AnyWidget):
    """A row for each level, coarse above fine; a click on a part chooses it.

    Parameters
    ----------
    on_choose : callable
        Gets start and stop of the part, in seconds.

    Attributes
    ----------
    range : list of float
        Start and stop of the passage that is shown, in seconds; everything if empty.
    current : int
        Row of the level that is edited, -1 for none.
    """

    _esm = esm(Path(__file__).with_suffix(".js"))
    names: traitlets.List[Any] = traitlets.List().tag(sync=True)
    counts: traitlets.List[Any] = traitlets.List().tag(sync=True)
    edges = traitlets.Bytes(b"").tag(sync=True)
    duration = traitlets.Float(1.0).tag(sync=True)
    current = traitlets.Int(-1).tag(sync=True)
    range: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(self, on_choose: Callable[[float, float], None], **traits: Any) -> None:
        super().__init__(**traits)
        self._on_choose = on_choose
        self._levels: Sequence[Segmentation] = ()
        self.on_msg(self._on_message)

    def show(self, levels: Sequence[Segmentation], current: int) -> None:
        """Show levels of one recording, from the coarsest to the finest."""
        self._levels = levels
        times = [np.stack([level.starts, level.stops], 1) / level.sample_rate for level in levels]
        with self.hold_sync():
            self.names = [name_of(level) for level in levels]
            self.counts = [len(level) for level in levels]
            self.duration = levels[0].duration_seconds if levels else 1.0
            self.current = current
            self.edges = np.concatenate([np.zeros((0, 2)), *times]).astype(np.float32).tobytes()

    def _on_message(self, _: Any, message: dict[str, Any], __: Any) -> None:
        row, index = message.get("row", -1), message.get("index", -1)
        if 0 <= row < len(self._levels) and 0 <= index < len(self._levels[row]):
            self._on_choose(*self._levels[row].segments[index])


def name_of(level: Segmentation) -> str:
    """What the parts of a level are called."""
    return level.level if isinstance(level.level, str) else f"parts of about {level.level:g} s"


def draw_levels(levels: Sequence[Segmentation]) -> Picture:
    """Draw levels of one recording as rows of blocks, coarse above fine.

    Parameters
    ----------
    levels : sequence of Segmentation
        From :func:`mimikit_nb.segment` and its ``at_level``.

    Returns
    -------
    Picture
        Neighbours differ in shade.
    """
    figure = Figure(figsize=(10, 0.7 + 0.35 * len(levels)), layout="constrained")
    axis = figure.subplots()
    for row, level in enumerate(levels):
        bars = [(start, stop - start) for start, stop in level.segments]
        colours = [SHADES[i % 2] for i in np.arange(len(bars))]
        axis.broken_barh(bars, (-row - 0.4, 0.8), facecolors=colours)
    if levels:
        axis.set_xlim(0, levels[0].duration_seconds)
    axis.set_yticks(-np.arange(len(levels)), [f"{len(x)} {name_of(x)}" for x in levels])
    axis.set_xlabel("seconds", fontsize=LABEL_SIZE)
    axis.tick_params(labelsize=LABEL_SIZE - 1, left=False)
    axis.spines[["top", "right", "left"]].set_visible(False)
    return Picture(figure, ", ".join(f"{len(x)} {name_of(x)}" for x in levels))
