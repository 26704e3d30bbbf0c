"""What the panels of segments and of clusters share: buttons, state, turns, edits, exports.

A panel holds widgets and no analysis; everything it shows is read from the
:class:`~.session.Session`. Main name: :class:`AnalysisPanel`.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import ipywidgets as W

from ...errors import ParameterError
from ..forms.controls import STYLE, button, explain
from ..player.passages import Turns
from ..player.waveform import Player
from ..words import in_plain_words
from .export_panel import ExportPanel, Result
from .model import AnalysisModel
from .parts import status_html

Model = TypeVar("Model", bound=AnalysisModel[Any, Any])
Found = TypeVar("Found", bound=Result)
WRAPPED = W.Layout(flex_flow="row wrap", align_items="center")


class AnalysisPanel(ABC, Generic[Model, Found]):
    """Widgets of a view onto an analysis.

    Parameters
    ----------
    model : AnalysisModel
        Whose result is shown.
    player : Player
        Of the recording.
    gap_seconds : float
        Silence between two passages that are played in turn, to begin with.
    track : str
        What labels are called if nobody says otherwise.
    """

    nothing = "There is no result yet."

    def __init__(self, model: Model, player: Player, gap_seconds: float, track: str) -> None:
        self.model, self.session, self.player = model, model.session, player
        self._complaint, self._note, self._lock = "", "", threading.RLock()
        self.turns = Turns(lambda: self.player)
        self.exports = ExportPanel(self, model.out, model.corpus, track, self._do)
        self.status = W.HTML()
        self.bar = W.FloatProgress(min=0.0, max=1.0, layout=W.Layout(width="98%"))
        explain(self.bar, "Share of the analysis that is done.")
        self.stop = self._button(
            "Stop", "End the analysis; what was found before stays.", self.session.stop, "danger"
        )
        self.be_silent = self._button("Be silent", "Stop playing.", self.turns.stop)
        self.gap = W.BoundedFloatText(
            value=gap_seconds, min=0.0, max=10.0, step=0.1, description="gap, s",
            layout=W.Layout(width="160px"),
        )  # fmt: skip
        explain(self.gap, "Silence between two segments.")
        self.undo = self._button("Undo", "Take back the last change.", self.session.undo)
        self.redo = self._button("Redo", "Take it back again.", self.session.redo)
        player.give_history(self.undo.click, self.redo.click)

    def _begin(self, parts: list[Any]) -> None:
        """Arrange the parts, and show how things are from now on."""
        self.widget = W.VBox([W.HTML(STYLE), *parts], layout=W.Layout(max_width="900px"))
        self.widget.add_class("mnb-view")
        self.session.listen(self.refresh)
        self.refresh()

    def _button(
        self, name: str, help_: str, action: Callable[[], str | None], style: str = ""
    ) -> Any:
        """Button that does something, and says in the view what went wrong."""
        made = button(name, help_, style)
        made.on_click(lambda _: self._do(action))
        return made

    def _do(self, action: Callable[[], str | None]) -> None:
        """Do what a button says; what it answers, or what goes wrong, is said in the view."""
        self._complaint = self._note = ""
        try:
            self._note = action() or ""
        except Exception as error:
            self._complaint = in_plain_words(error)
        self.refresh()

    def result(self) -> Found:
        """The result as it is now."""
        now: Found | None = self.session.history.now
        if now is None:
            raise ParameterError(self.nothing)
        return now

    def kept(self) -> None:
        """It was written."""
        self.session.keep()

    def refresh(self) -> None:
        """Show everything as it is now; the job's painter and a button may both ask."""
        with self._lock:
            self._show()

    def _show(self) -> None:
        session, history = self.session, self.session.history
        is_busy, is_nothing = session.is_busy, history.now is None
        self.stop.disabled = not is_busy or session.job.is_deaf
        self.undo.disabled = is_busy or not history.can_undo
        self.redo.disabled = is_busy or not history.can_redo
        self.player.show_history(not self.undo.disabled, not self.redo.disabled)
        self.exports.export.disabled = is_busy or is_nothing
        self._enable(is_busy, is_nothing)
        self.bar.value = session.job.share
        self.bar.layout.display = "" if is_busy else "none"
        self.status.value = status_html(session, self._facts(), self._complaint, self._note)
        if history.now is not None and not is_busy:
            self._draw(history.now)

    @abstractmethod
    def _enable(self, is_busy: bool, is_nothing: bool) -> None:
        """Enable the buttons that can be pressed."""

    @abstractmethod
    def _draw(self, now: Found) -> None:
        """Show a result, unless it is shown already."""

    @abstractmethod
    def _facts(self) -> list[str]:
        """What there is, in words."""
