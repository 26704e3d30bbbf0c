"""A map of segments on which like ones lie near each other: to play, or as a picture.

Main names: :class:`SoundMap`, :func:`draw_map`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets
from matplotlib.figure import Figure

from ...analysis import Clustering
from ..canvas import esm
from ..pictures import Picture
from ..player.marks import PALETTE
from ..player.still import LABEL_SIZE

NO_CLUSTER = "#999999"


def colour_of_cluster(label: int) -> str:
    """Colour of a cluster; grey for what belongs to none."""
    return PALETTE[label % len(PALETTE)] if label >= 0 else NO_CLUSTER


class SoundMap(anywidget.AnyWidget):
    """Segments as points: hover or click plays, a drag draws a lasso.

    Parameters
    ----------
    on_play : callable
        Gets the number of the segment to be heard.

    Attributes
    ----------
    selection : list of int
        Segments within the lasso; may be set.
    hover_plays : bool
        Whether to play what the pointer touches.
    """

    _esm = esm(Path(__file__).with_suffix(".js"))
    points = traitlets.Bytes(b"").tag(sync=True)
    labels: traitlets.List[Any] = traitlets.List().tag(sync=True)
    titles: traitlets.List[Any] = traitlets.List().tag(sync=True)
    palette: traitlets.List[Any] = traitlets.List(list(PALETTE)).tag(sync=True)
    selection: traitlets.List[Any] = traitlets.List().tag(sync=True)
    hover_plays = traitlets.Bool(True).tag(sync=True)

    def __init__(self, on_play: Callable[[int], None], **traits: Any) -> None:
        super().__init__(**traits)
        self._on_play = on_play
        self.on_msg(self._on_message)

    def show(self, found: Clustering) -> None:
        """Show segments where they lie, in the colours of their clusters."""
        with self.hold_sync():
            self.points = np.ascontiguousarray(found.embedding, np.float32).tobytes()
            self.labels = [int(label) for label in found.labels]
            self.titles = [
                f"{name} · {start:.2f} s, {stop - start:.2f} s long"
                for name, (start, stop) in zip(found.named_labels, found.segments, strict=True)
            ]

    def _on_message(self, _: Any, message: dict[str, Any], __: Any) -> None:
        if message.get("type") == "play" and 0 <= message.get("index", -1) < len(self.labels):
            self._on_play(int(message["index"]))


def draw_map(found: Clustering) -> Picture:
    """Draw the map of segments, with the names of their clusters.

    Parameters
    ----------
    found : Clustering
        From :func:`mimikit_nb.cluster`.

    Returns
    -------
    Picture
        Like segments near each other; the axes mean nothing.
    """
    figure = Figure(figsize=(7, 5), layout="constrained")
    axis = figure.subplots()
    places = found.embedding
    for label in sorted(set(found.labels.tolist()), key=lambda k: (k < 0, k)):
        members = found.labels == label
        name = f"{found.names[label] if label >= 0 else 'none'} ({int(members.sum())})"
        colour = colour_of_cluster(label)
        points = axis.scatter(
            places[members, 0], places[members, 1], s=26, color=colour, alpha=0.85, lw=0
        )
        points.set_label(name)
    axis.set(xlim=(-1.08, 1.08), ylim=(-1.08, 1.08), xticks=[], yticks=[])
    title = f"{len(found)} segments in {found.n_clusters} clusters ({found.method})"
    axis.set_title(title, fontsize=LABEL_SIZE + 1, loc="left")
    if len(found):
        legend = axis.legend(
            fontsize=LABEL_SIZE, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False
        )
        for text in legend.get_texts():
            text.set_parse_math(False)  # names are what people typed
    return Picture(figure, title)
