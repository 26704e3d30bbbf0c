"""Long work beside the notebook: in a thread, painted at most eight times a second.

The callback of a button only starts a thread and returns, so that the next button is heard; one
thread works, another one paints, and an exception is kept to be shown. Nothing here depends on
which thread the kernel runs callbacks in. Where updates from threads don't reach the page (Colab)
the same work runs in the foreground, paints itself, and ends on the kernel's interrupt. Main
name: :class:`Job`.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from ..runtime import is_colab

HZ = 8.0
HOW_TO_STOP = "It keeps its cell busy: Interrupt execution stops it, buttons wait for its end."
PAINTING_SHARE = 0.2  # of the time that painting may take, if it takes long


class Job:
    """Work that runs beside the notebook, and the view that is kept up to date.

    Parameters
    ----------
    work : callable
        What to do; called once by each :meth:`start`.
    paint : callable, optional
        Brings the view up to date; called ``hz`` times a second at most, never by two threads at
        once, and once more when the work is over.
    name : str, default "job"
        Name of the thread.
    hz : float > 0, default 8
        Most paintings in a second.

    Attributes
    ----------
    error : BaseException or None
        What ended the work, if it failed.
    result : any
        What the work returned.
    details : str
        Traceback of the error.
    """

    def __init__(
        self,
        work: Callable[[], Any],
        paint: Callable[[], None] | None = None,
        *,
        name: str = "job",
        hz: float = HZ,
    ) -> None:
        self._work, self._paint, self.name = work, paint or (lambda: None), name
        self._interval = 1 / hz
        self._dirty = threading.Event()
        self._over = threading.Event()
        self._over.set()
        self._lock, self._painting = threading.Lock(), threading.RLock()
        self._painted = self._cost = 0.0
        self._is_foreground = False
        self._thread: threading.Thread | None = None
        self.error: BaseException | None = None
        self.result: Any = None
        self.details = ""

    @property
    def is_foreground(self) -> bool:
        """Whether the work keeps the cell busy that started it."""
        return self._is_foreground and self.is_alive

    @property
    def is_deaf(self) -> bool:
        """Whether it works where no button is heard before its end: in the foreground of Colab."""
        return self.is_foreground and is_colab()

    @property
    def is_alive(self) -> bool:
        """Whether the work is under way."""
        return not self._over.is_set()

    def start(self, foreground: bool = False) -> bool:
        """Begin the work; False if it is under way already.

        Parameters
        ----------
        foreground : bool, default False
            Whether to work here and now, until it is done or interrupted.
        """
        with self._lock:
            if self.is_alive:
                return False
            self._over.clear()
            self.error, self.result, self.details = None, None, ""
            self._is_foreground = foreground
        if foreground:
            self._do()
            return True
        self._thread = threading.Thread(target=self._do, daemon=True, name=self.name)
        painter = threading.Thread(
            target=self._keep_painting, daemon=True, name=f"{self.name} view"
        )
        self._thread.start()
        painter.start()
        return True

    def touch(self) -> None:
        """Say that there is something new to paint; costs next to nothing."""
        self._dirty.set()
        if self._is_foreground and time.monotonic() - self._painted >= self._rest:
            self.paint_now()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end of the work; whether it has come."""
        return self._over.wait(seconds)

    def paint_now(self) -> None:
        """Bring the view up to date; a view that can't be painted doesn't end the work."""
        with self._painting:
            began = time.monotonic()
            self._dirty.clear()
            try:
                self._paint()
            except Exception:
                self.details = self.details or traceback.format_exc()
            self._painted = time.monotonic()
            self._cost = self._painted - began

    @property
    def _rest(self) -> float:
        """Seconds from one painting to the next: more, the longer one takes."""
        return max(self._interval, self._cost / PAINTING_SHARE)

    def _do(self) -> None:
        try:
            self.result = self._work()
        except BaseException as error:
            self.error, self.details = error, traceback.format_exc()
        finally:
            self._over.set()
            self._dirty.set()
            if self._is_foreground:
                self.paint_now()

    def _keep_painting(self) -> None:
        while self.is_alive:
            if self._dirty.wait(0.5):
                self.paint_now()
                self._over.wait(self._rest)
        self.paint_now()
