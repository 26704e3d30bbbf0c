"""What the segmentation view looks like: settings, novelty curve, waveform, edits, exports.

It holds widgets and no analysis; everything it shows is read from the
:class:`~.session.Session`. Main name: :class:`SegmentPanel`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets as W

from ..analysis import Segmentation
from ..analysis.analysis import LEVELS
from ..analysis.editing import merge, split
from ..analysis.sections import METHODS
from ..errors import ParameterError
from .controls import STYLE, button, explain
from .exporting import ExportPanel
from .novelty import NoveltyCurve
from .segmenting import SegmentSettings, as_marks, in_words
from .session_parts import MOST_DRAWN, player_of, status_html
from .trainer import in_plain_words
from .turns import Turns

if TYPE_CHECKING:
    from .segmenting import SegmentView

SECONDS = "parts of seconds"
OWN_METHOD = "the level's own"


class SegmentPanel:
    """All widgets of a segmentation view.

    Parameters
    ----------
    view : SegmentView
        Whose segments are shown.
    """

    def __init__(self, view: SegmentView) -> None:
        self.view, self.session = view, view.session
        self._complaint, self._lock = "", threading.RLock()
        self._shown: Segmentation | None = None  # in the curve
        self._drawn: Segmentation | None = None  # in the player
        self._is_drawing = False
        self.player = player_of(view, spectrogram=True)
        self.player.observe(lambda _: self._marks_changed(), names=["segments"])
        self.curve = NoveltyCurve()
        self.curve.observe(lambda _: self._threshold_moved(), names=["threshold"])
        self.turns = Turns(lambda: self.player)
        self._make_settings()
        self._make_edits()
        self.exports = ExportPanel(self, view.out, view.corpus, "segments", self._do)
        self.status = W.HTML()
        self.bar = W.FloatProgress(min=0.0, max=1.0, layout=W.Layout(width="98%"))
        explain(self.bar, "Share of the analysis that is done.")
        self.widget = self._arrange()
        self.session.listen(self.refresh)
        self.refresh()

    # -- parts --------------------------------------------------------------------------------

    def _arrange(self) -> Any:
        wrapped = W.Layout(flex_flow="row wrap", align_items="center")
        parts = [
            W.HTML(STYLE),
            W.HBox([self.level, self.seconds, self.about, self.method], layout=wrapped),
            W.HBox([self.analyse, self.stop], layout=wrapped),
            self.status,
            self.bar,
            W.HTML('<span class="mnb-note">Drag the line: what reaches it is a boundary.</span>'),
            self.curve,
            self.player.widget,
            W.HBox(list(self.edits.values()), layout=wrapped),
            W.HBox([self.play_all, self.be_silent, self.gap], layout=wrapped),
            W.HTML("<h3>Export and import</h3>"),
            self.exports.widget,
            W.HBox([self.label_file, self.read], layout=wrapped),
        ]
        box = W.VBox(parts, layout=W.Layout(max_width="900px"))
        box.add_class("mnb-view")
        return box

    def _make_settings(self) -> None:
        settings = self.session.settings or self.view.settings
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
            description="about",
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
        self.analyse = button("Analyse", "Find segments with these settings.", "success")
        self.analyse.on_click(lambda _: self._do(self._analyse))
        self.stop = button("Stop", "End the analysis; what was found before stays.", "danger")
        self.stop.on_click(lambda _: self._do(self.session.stop))
        self._show_settings()

    def _make_edits(self) -> None:
        actions: dict[str, tuple[Callable[[], None], str]] = {
            "Split": (self._split, "Split the segment at the playhead."),
            "Merge": (
                self._merge,
                "Join the segments that the selection touches; without one, that at the playhead "
                "and the next.",
            ),
            "Undo": (self.session.history.undo, "Take back the last change."),
            "Redo": (self.session.history.redo, "Take it back again."),
        }
        self.edits = {}
        for name, (action, help_) in actions.items():
            made = button(name, help_)
            made.on_click(lambda _, action=action: self._do(action))
            self.edits[name] = made
        self.play_all = button("Play all in turn", "Hear the segments one after the other.")
        self.play_all.on_click(lambda _: self._do(self._play_all))
        self.be_silent = button("Be silent", "Stop playing.")
        self.be_silent.on_click(lambda _: self._do(self.turns.stop))
        self.gap = W.BoundedFloatText(
            value=0.3, min=0.0, max=10.0, step=0.1, description="gap, s",
            layout=W.Layout(width="160px"),
        )  # fmt: skip
        explain(self.gap, "Silence between two segments.")
        self.label_file = W.Text(
            placeholder="labels.txt, .csv or .json", description="file",
            layout=W.Layout(width="420px"),
        )  # fmt: skip
        self.read = button("Import", "Take over labels that were edited elsewhere.")
        self.read.on_click(lambda _: self._do(lambda: self.view.read(self.label_file.value)))

    # -- doing --------------------------------------------------------------------------------

    def _do(self, action: Callable[[], None]) -> None:
        """Do what a button says; what goes wrong is said in the view."""
        self._complaint = ""
        try:
            action()
        except Exception as error:
            self._complaint = in_plain_words(error)
        self.refresh()

    def settings(self) -> SegmentSettings:
        """What stands in the fields."""
        level = float(self.seconds.value) if self.level.value == SECONDS else self.level.value
        own = level == "events" or self.method.value == OWN_METHOD
        return SegmentSettings(
            level, int(self.about.value) or None, None, None if own else self.method.value
        )

    def _analyse(self) -> None:
        self.view.analyse(self.settings())

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

    def result(self) -> Segmentation:
        """The segments as they are now."""
        now = self.session.history.now
        if now is None:
            raise ParameterError("There are no segments yet; press Analyse.")
        return now

    def kept(self) -> None:
        """They were written."""
        self.session.keep()

    # -- what the browser changed -------------------------------------------------------------

    def _marks_changed(self) -> None:
        """A segment was moved, made, named or deleted in the player."""
        now = self.session.history.now
        if self._is_drawing or now is None or self._drawn is not now:
            return
        marks = [mark for mark in self.player.segments if mark["stop"] > mark["start"]]
        times = [(mark["start"], mark["stop"]) for mark in marks]
        edited = now.with_segments(times, [mark["label"] for mark in marks])
        self._drawn = edited  # the player shows it already
        self._do(lambda: self.session.edit(edited))

    def _threshold_moved(self) -> None:
        if not self._is_drawing and not self.session.is_busy:
            self._do(lambda: self.view.with_threshold(self.curve.threshold))

    # -- showing ------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show everything as it is now; the job's painter and a button may both ask."""
        with self._lock:
            self._show()

    def _show(self) -> None:
        session, history = self.session, self.session.history
        is_busy = session.is_busy
        self.analyse.disabled, self.stop.disabled = is_busy, not is_busy
        self.edits["Undo"].disabled = is_busy or not history.can_undo
        self.edits["Redo"].disabled = is_busy or not history.can_redo
        for name in ("Split", "Merge"):
            self.edits[name].disabled = is_busy or history.now is None
        self.exports.export.disabled = self.play_all.disabled = history.now is None
        self.bar.value = session.share
        self.bar.layout.display = "" if is_busy else "none"
        self.status.value = status_html(session, self._facts(), self._complaint)
        if history.now is not None and not is_busy:
            self._draw(history.now)

    def _draw(self, now: Segmentation) -> None:
        """Show segments, unless they are shown already."""
        self._is_drawing = True
        try:
            if now.threshold is not None and now is not self._shown:
                self.curve.show(now)
            if now is not self._drawn:
                self.player.segments = as_marks(now) if len(now) <= MOST_DRAWN else []
            self._shown = self._drawn = now
        finally:
            self._is_drawing = False

    def _show_settings(self) -> None:
        self.seconds.layout.display = "" if self.level.value == SECONDS else "none"
        self.method.layout.display = "none" if self.level.value == "events" else ""

    def _facts(self) -> list[str]:
        now = self.session.history.now
        if now is None:
            return []
        crowd = f"too many to draw (at most {MOST_DRAWN}); raise the threshold"
        return [in_words(now), *([crowd] if len(now) > MOST_DRAWN else [])]
