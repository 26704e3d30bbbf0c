"""The novelty curve, with the threshold that cuts it: to drag, or as a picture.

Main names: :class:`NoveltyCurve`, :func:`draw_novelty`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets
from matplotlib.figure import Figure

from ...analysis import Novelty, Segmentation
from ..canvas import esm
from ..pictures import Picture
from ..player.still import LABEL_SIZE

COLUMNS = 1200
ABOVE_COLOUR, BELOW_COLOUR, LINE_COLOUR, CURVE_COLOUR = "#d55e00", "#999999", "#0072b2", "#b9c4cd"


class NoveltyCurve(anywidget.AnyWidget):
    """A curve, the places that could be boundaries, and a line to drag.

    Attributes
    ----------
    threshold : float
        Where the line is.
    range : list of float
        Start and stop of the passage that is shown, in seconds; everything if empty.
    """

    _esm = esm(Path(__file__).with_suffix(".js"))
    curve = traitlets.Bytes(b"").tag(sync=True)
    times = traitlets.Bytes(b"").tag(sync=True)
    salience = traitlets.Bytes(b"").tag(sync=True)
    duration = traitlets.Float(1.0).tag(sync=True)
    threshold = traitlets.Float(0.0).tag(sync=True)
    extra = traitlets.Int(0).tag(sync=True)
    by_hand = traitlets.Int(-1).tag(sync=True)
    "How many segments there are, if they weren't picked by the line; else -1."
    unit = traitlets.Unicode("").tag(sync=True)
    range: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._novelty: Novelty | None = None
        self._about: Any = None  # analysis and level that the novelty is of
        self.on_msg(self._on_ask)

    def show(self, found: Segmentation) -> None:
        """Show the curve that segments were picked from, or say that they were edited."""
        is_picked = found.method not in ("edited", "imported")
        self.by_hand = -1 if is_picked else len(found)
        if not is_picked and self._about == (found.analysis, found.level):
            return
        novelty, places = found.novelty, found.candidates
        if novelty is None or places is None:
            return
        self._novelty, self._about = novelty, (found.analysis, found.level)
        with self.hold_sync():
            self.duration = found.duration_seconds
            self.curve = _columns(novelty, 0.0, self.duration).tobytes()
            self.times = (places.positions / found.sample_rate).astype(np.float32).tobytes()
            self.salience = places.salience.astype(np.float32).tobytes()
            self.extra = 0 if found.level == "events" else 1
            self.unit = novelty.unit
            self.threshold = float(found.threshold or places.threshold)

    def _on_ask(self, _: Any, message: dict[str, Any], __: Any) -> None:
        """Send the curve of a passage, finer than that of the whole."""
        if message.get("ask") == "curve" and self._novelty is not None:
            start, stop = float(message["start"]), float(message["stop"])
            if start < stop:
                curve = _columns(self._novelty, start, stop)
                self.send({"start": start, "stop": stop}, [curve.tobytes()])


def draw_novelty(found: Segmentation) -> Picture:
    """Draw the novelty curve of segments, and what reached the threshold.

    Parameters
    ----------
    found : Segmentation
        From :func:`mimikit_nb.segment`; imported segments have no curve.

    Returns
    -------
    Picture
        Places above the threshold are coloured.
    """
    figure = Figure(figsize=(10, 1.7), layout="constrained")
    axis = figure.subplots()
    axis.set_xlim(0, found.duration_seconds)
    axis.set_xlabel("seconds", fontsize=LABEL_SIZE)
    axis.tick_params(labelsize=LABEL_SIZE - 1)
    axis.spines[["top", "right"]].set_visible(False)
    novelty, places = found.novelty, found.candidates
    if novelty is None or places is None:
        axis.set_title("edited or imported: no novelty", fontsize=LABEL_SIZE, loc="left")
        return Picture(figure, "no novelty")
    curve = _columns(novelty, 0.0, found.duration_seconds)
    seconds = (np.arange(len(curve)) + 0.5) * found.duration_seconds / len(curve)
    axis.fill_between(seconds, curve, color=CURVE_COLOUR, lw=0)
    threshold = found.threshold if found.threshold is not None else places.threshold
    times, above = places.positions / found.sample_rate, places.salience >= threshold
    axis.vlines(times[~above], 0, places.salience[~above], color=BELOW_COLOUR, lw=0.6, alpha=0.6)
    axis.vlines(times[above], 0, places.salience[above], color=ABOVE_COLOUR, lw=1.2)
    axis.axhline(threshold, color=LINE_COLOUR, lw=1.5)
    highest = np.quantile(places.salience, 0.995) if len(places.salience) else 1.0
    axis.set_ylim(0, max(1.15 * highest, 1.4 * threshold, 1e-9))
    title = f"novelty ({novelty.unit}); threshold {threshold:.3g}: {len(found)} segments"
    axis.set_title(title, fontsize=LABEL_SIZE, loc="left")
    return Picture(figure, title)


def _columns(novelty: Novelty, start: float, stop: float) -> np.ndarray:
    """Highest value in each of some columns of a passage [shape=(COLUMNS,)], float32."""
    columns = np.zeros(COLUMNS, np.float32)
    first, last = np.searchsorted(novelty.times, [start, stop])
    times = novelty.times[max(0, first - 1) : last + 1]
    values = novelty.values[max(0, first - 1) : last + 1]
    where = np.clip(((times - start) / (stop - start) * COLUMNS).astype(int), 0, COLUMNS - 1)
    inside = (times >= start) & (times <= stop)
    np.maximum.at(columns, where[inside], values[inside].astype(np.float32))
    if len(times) >= 4 * COLUMNS or not len(times):
        return columns
    centres = start + (np.arange(COLUMNS) + 0.5) * (stop - start) / COLUMNS
    between = np.interp(centres, times, values).astype(np.float32)
    return np.maximum(columns, between)
