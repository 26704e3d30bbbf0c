"""Long work beside the notebook: a task whose view is painted at most eight times a second.

The callback of a button only starts a thread and returns, so that the next button is heard; one
thread works, another one paints, and an exception is kept to be shown. Nothing here depends on
which thread the kernel runs callbacks in. Where updates from threads don't reach the page (Colab)
the same work runs in the foreground, paints itself, and ends on the kernel's interrupt. Main
name: :class:`Job`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from ..progress import Progress, Task
from ..runtime import is_colab

HZ = 8.0
HOW_TO_STOP = "It keeps its cell busy: Interrupt execution stops it, buttons wait for its end."
PAINTING_SHARE = 0.2  # of the time that painting may take, if it takes long


class Job(Task[Any, Any]):
    """Work that runs beside the notebook, and the view that is kept up to date.

    Parameters
    ----------
    work : callable
        What to do, given the progress that it tells; called once by each :meth:`start`.
    paint : callable, optional
        Brings the view up to date; called ``hz`` times a second at most, never by two threads at
        once, and once more when the work is over.
    name : str, default "job"
        Name of the thread.
    hz : float > 0, default 8
        Most paintings in a second.
    kind : callable, default Progress
        Makes the progress of each start.
    """

    def __init__(
        self,
        work: Callable[[Any], Any],
        paint: Callable[[], None] | None = None,
        *,
        name: str = "job",
        hz: float = HZ,
        kind: Callable[[Callable[[Progress], None]], Any] = Progress,
    ) -> None:
        super().__init__(work, name, kind)
        self._interval = 1 / hz
        self._dirty, self._painting = threading.Event(), threading.RLock()
        self._painted = self._cost = 0.0
        if paint is not None:
            self.listen(paint)

    @property
    def is_deaf(self) -> bool:
        """Whether it works where no button is heard before its end: in the foreground of Colab."""
        return self.is_foreground and is_colab()

    def start(self, foreground: bool = False) -> bool:
        """Begin the work; False if it is under way already."""
        if not super().start(foreground):
            return False
        if not foreground:
            threading.Thread(
                target=self._keep_painting, daemon=True, name=f"{self.name} view"
            ).start()
        return True

    def touch(self) -> None:
        """Say that there is something new to paint; costs next to nothing."""
        self._dirty.set()
        if self._is_foreground and (not self.is_alive or self._is_due):
            self.paint_now()

    def paint_now(self) -> None:
        """Bring the view up to date; a view that can't be painted doesn't end the work."""
        with self._painting:
            began = time.monotonic()
            self._dirty.clear()
            super().touch()
            self._painted = time.monotonic()
            self._cost = self._painted - began

    @property
    def _rest(self) -> float:
        """Seconds from one painting to the next: more, the longer one takes."""
        return max(self._interval, self._cost / PAINTING_SHARE)

    @property
    def _is_due(self) -> bool:
        return time.monotonic() - self._painted >= self._rest

    def _keep_painting(self) -> None:
        while self.is_alive:
            if self._dirty.wait(0.5):
                self.paint_now()
                self._over.wait(self._rest)
        self.paint_now()
