"""An analysis that a view looks at: begun, stopped, edited, undone; it outlives its views.

It lives in the kernel and not in a page: a cell that is run again finds its session, with every
edit that was made, and shows it. It makes no widgets. Main name: :class:`Session`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from ...errors import ParameterError
from ...progress import Progress
from ...runtime import is_colab
from ..history import History
from ..job import Job
from ..watched import Watched

R = TypeVar("R")
DRAG_SECONDS = 1.0  # between the moves of one drag, at most


class Session(Watched, Generic[R]):
    """One analysis, its edits, and whether it is at work.

    Attributes
    ----------
    job : Job
        The work: its state, how far it is, time left, error.
    found : result or None
        What the analysis found, before any edit.
    history : History
        The found result and everything that was made of it by hand; an analysis begins it anew.
    store : callable
        Keeps what was edited, and is given None when nothing is.
    stored_where : str
        How or where it is kept, in words.
    settings, asked
        What the analysis was begun with, and what the cell asked for that was run last.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: R | None = None
        self.history: History[R] = History()
        self.settings: Any = None
        self.store: Callable[[R | None], None] = lambda edited: None
        self.stored_where = "until the kernel ends"
        self._kept: R | None = None
        self.asked: Any = None
        self._dragged = 0.0
        self._work: Callable[[Progress], R] | None = None
        self._edits: Callable[[R], R | None] = lambda found: None
        self.job = Job(self._do, self.tell, name="analysis")

    @property
    def is_busy(self) -> bool:
        """Whether the analysis is at work."""
        return self.job.is_alive

    @property
    def is_edited(self) -> bool:
        """Whether there are edits that were neither exported nor written."""
        now = self.history.now
        return now is not None and now is not self.found and now is not self._kept

    @property
    def message(self) -> str:
        """What there is to say about how it ended."""
        if self.job.state == "stopped":
            return "What was found before is unchanged."
        return str(self.job.error) if self.job.state == "failed" else ""

    def start(
        self,
        work: Callable[[Progress], R],
        settings: Any,
        foreground: bool | None = None,
        edits: Callable[[R], R | None] = lambda found: None,
    ) -> None:
        """Begin an analysis; ``work`` is given the progress that it tells.

        ``edits`` gives what was made by hand of that result earlier, if anything was.
        """
        if self.is_busy:
            raise ParameterError("The analysis is at work already; stop it first.")
        self._work, self._edits, self.settings = work, edits, settings
        self.job.start(is_colab() if foreground is None else foreground)

    def stop(self) -> None:
        """End the analysis within a moment; what was found before stays."""
        self.job.stop()

    def edit(self, result: R, is_drag: bool = False) -> None:
        """Take over a result that was changed by hand; the moves of a drag are one change."""
        now = time.monotonic()
        self.history.add(result, instead=is_drag and now < self._dragged + DRAG_SECONDS)
        self._dragged = now if is_drag else 0.0
        self._store()

    def undo(self) -> None:
        """Take back the last edit."""
        self.history.undo()
        self._store()

    def redo(self) -> None:
        """Make the edit again that was taken back."""
        self.history.redo()
        self._store()

    def _store(self) -> None:
        now = self.history.now
        self.store(None if now is self.found else now)

    def keep(self) -> None:
        """Remember that what is looked at was written somewhere."""
        self._kept = self.history.now

    def wait(self) -> R:
        """The result as it is now, edits included; waits for an analysis at work.

        Raises
        ------
        ParameterError
            If there is none, because the analysis was stopped or never begun.
        """
        self.job.wait()
        now = self.history.now
        if now is None and self.job.state == "failed" and self.job.error is not None:
            raise self.job.error
        if now is None:
            raise ParameterError("There is no result yet: the analysis was stopped or not begun.")
        return now

    def _do(self, progress: Progress) -> None:
        assert self._work is not None
        self.found = self._work(progress)
        self.history.restart(self.found)  # what was edited is gone from it
        edited = self._edits(self.found)
        if edited is not None:
            self.edit(edited)
