"""What the segmentation view looks like: settings, novelty curve, levels, waveform, edits, exports.

Main name: :class:`SegmentPanel`.
"""

from __future__ import annotations

from pathlib import Path

import ipywidgets as W

from ...analysis import Segmentation
from ...analysis.analysis import LEVELS
from ...analysis.editing import merge, split
from ...analysis.label_files import READERS
from ...analysis.sections import METHODS
from ...errors import ParameterError
from ..forms.controls import explain
from ..forms.drop import DropZone
from ..forms.quiet import Quiet
from .base_panel import WRAPPED, AnalysisPanel
from .levels import LevelStrip
from .novelty_curve import NoveltyCurve
from .parts import MOST_DRAWN, player_of
from .segment_model import SegmentModel, SegmentSettings, as_marks, in_words

SECONDS = "parts of seconds"
OWN_METHOD = "the level's own"
DROP = "Drop labels edited elsewhere here, or choose them: Audacity, CSV, JSON, WAV with cue points"


class SegmentPanel(AnalysisPanel[SegmentModel, Segmentation]):
    """All widgets of a segmentation view.

    Parameters
    ----------
    model : SegmentModel
        Whose segments are shown.
    """

    nothing = "There are no segments yet; press Analyse."

    def __init__(self, model: SegmentModel) -> None:
        super().__init__(model, player_of(model, spectrogram=True), 0.3, "segments")
        self._shown: Segmentation | None = None  # in the curve
        self._drawn: Segmentation | None = None  # in the player
        self._quiet = Quiet()
        self.player.observe(lambda _: self._marks_changed(), names=["segments"])
        self.curve = NoveltyCurve()
        self.curve.observe(lambda _: self._threshold_moved(), names=["threshold"])
        self.levels = LevelStrip(self._choose)
        self._links = [
            W.jslink((self.player.widget, "range"), (follower, "range"))
            for follower in (self.curve, self.levels)
        ]
        self._make_settings()
        self._make_edits()
        self._begin(self._parts())

    # -- parts --------------------------------------------------------------------------------

    def _parts(self) -> list[W.Widget]:
        note = '<span class="mnb-note">{}</span>'.format
        return [
            W.HBox([self.level, self.seconds, self.about, self.method], layout=WRAPPED),
            W.HBox([self.analyse, self.stop], layout=WRAPPED),
            self.status,
            self.bar,
            W.HTML(note("Drag the line: what reaches it is a boundary.")),
            self.curve,
            self.player.widget,
            W.HTML(note("All levels, coarse above fine. Click a part: it is heard and selected.")),
            self.levels,
            W.HBox(list(self.edits.values()), layout=WRAPPED),
            W.HBox([self.play_all, self.be_silent, self.gap], layout=WRAPPED),
            W.HTML("<h3>Export and import</h3>"),
            self.exports.widget,
            self.drop,
            W.HBox([self.label_file, self.read], layout=WRAPPED),
        ]

    def _make_settings(self) -> None:
        settings = self.session.settings or self.model.settings
        is_named = settings.level in LEVELS
        self.level = W.Dropdown(
            options=[*LEVELS, SECONDS],
            value=settings.level if is_named else SECONDS,
            description="level",
            layout=W.Layout(width="240px"),
        )
        self.seconds = W.BoundedFloatText(
            value=4.0 if is_named else float(settings.level),
            min=0.05,
            max=3600.0,
            description="seconds",
            layout=W.Layout(width="170px"),
        )
        self.about = W.BoundedIntText(
            value=settings.n_segments or 0,
            min=0,
            max=100_000,
            description="how many",
            layout=W.Layout(width="170px"),
        )
        self.method = W.Dropdown(
            options=[OWN_METHOD, *METHODS],
            value=settings.method if settings.method in METHODS else OWN_METHOD,
            description="method",
            layout=W.Layout(width="250px"),
        )
        explain(self.level, "Events are sounds; sections change where the sounds do.")
        explain(self.seconds, "Typical length of the parts.")
        explain(self.about, "About so many segments; 0: as many as the recording suggests.")
        explain(self.method, "How boundaries of sections are found.")
        self.level.observe(lambda _: self._show_settings(), names="value")
        self.analyse = self._button(
            "Analyse",
            "Find segments with these settings.",
            lambda: self.model.analyse(self.settings()),
            "success",
        )
        self._show_settings()

    def _make_edits(self) -> None:
        joins = "Join the segments that the selection touches; without one, that at the playhead "
        self.edits = {
            "Split": self._button("Split", "Split the segment at the playhead.", self._split),
            "Merge": self._button("Merge", joins + "and the next.", self._merge),
            "Undo": self.undo,
            "Redo": self.redo,
        }
        self.play_all = self._button(
            "Play all in turn", "Hear the segments one after the other.", self._play_all
        )
        self.label_file = W.Text(
            placeholder=f"or its path: {', '.join(READERS)}", description="file",
            layout=W.Layout(width="420px"),
        )  # fmt: skip
        self.read = self._button(
            "Import",
            "Take over labels or cue points that were edited elsewhere.",
            lambda: self.model.read(self.label_file.value),
        )
        self.drop = DropZone(
            self.model.out / "labels", self._dropped, label=DROP, accept=",".join(READERS)
        )

    # -- doing --------------------------------------------------------------------------------

    def settings(self) -> SegmentSettings:
        """What stands in the fields."""
        level = float(self.seconds.value) if self.level.value == SECONDS else self.level.value
        own = level == "events" or self.method.value == OWN_METHOD
        return SegmentSettings(
            level, int(self.about.value) or None, None, None if own else self.method.value
        )

    def _split(self) -> None:
        self.session.edit(split(self.result(), self.player.time))

    def _merge(self) -> None:
        found = self.result()
        selection = self.player.selection or self._with_next(found)
        self.session.edit(merge(found, *selection))
        self.player.selection = None

    def _with_next(self, found: Segmentation) -> tuple[float, float]:
        """Passage that touches the segment at the playhead and the one after it."""
        now = [i for i, (a, b) in enumerate(found.segments) if a <= self.player.time < b]
        if not now or now[-1] + 1 == len(found):
            raise ParameterError(
                "There is no segment at the playhead with another one after it; click into one, "
                "or select a passage."
            )
        (a, b), (c, d) = found.segments[now[-1]], found.segments[now[-1] + 1]
        return (a + b) / 2, (c + d) / 2

    def _play_all(self) -> None:
        start = self.player.time
        times = self.result().segments
        following = [part for part in times if part[1] > start + 0.01]
        self.turns.play(following or times, float(self.gap.value))

    def _choose(self, start: float, stop: float) -> None:
        """A part of a level was clicked."""
        self.turns.stop()
        self.player.selection = (start, stop)
        self.player.play(start, stop)

    def _dropped(self, paths: list[Path]) -> None:
        self._do(lambda: self.model.read(paths[-1]))

    # -- what the browser changed -------------------------------------------------------------

    def _marks_changed(self) -> None:
        """A segment was moved, made, named or deleted in the player."""
        now = self.session.history.now
        if self._quiet or self._drawn is not now or now is None:
            return
        if self.session.is_busy or len(now) > MOST_DRAWN:  # nothing that could be edited there
            self._drawn = None
            return self.refresh()
        marks = [mark for mark in self.player.segments if mark["stop"] > mark["start"]]
        times = [(mark["start"], mark["stop"]) for mark in marks]
        edited = now.with_segments(times, [mark["label"] for mark in marks])
        self._drawn = edited  # the player shows it already
        self._do(lambda: self.session.edit(edited))

    def _threshold_moved(self) -> None:
        if not self._quiet and not self.session.is_busy:
            self._do(lambda: self.model.with_threshold(self.curve.threshold))

    # -- showing ------------------------------------------------------------------------------

    def _enable(self, is_busy: bool, is_nothing: bool) -> None:
        self.analyse.disabled = is_busy
        for name in ("Split", "Merge"):
            self.edits[name].disabled = is_busy or is_nothing
        self.play_all.disabled = is_nothing

    def _draw(self, now: Segmentation) -> None:
        with self._quiet:
            if now is not self._shown:
                self.curve.show(now)
            if now is not self._drawn:
                self.player.segments = as_marks(now) if len(now) <= MOST_DRAWN else []
            if now is not self._shown:
                levels = self.model.levels_around(now)
                self.levels.show(levels, levels.index(now))
            self._shown = self._drawn = now

    def _show_settings(self) -> None:
        self.seconds.layout.display = "" if self.level.value == SECONDS else "none"
        self.method.layout.display = "none" if self.level.value == "events" else ""

    def _facts(self) -> list[str]:
        now = self.session.history.now
        if now is None:
            return []
        crowd = f"too many to draw (at most {MOST_DRAWN}); raise the threshold"
        return [in_words(now), *([crowd] if len(now) > MOST_DRAWN else [])]
