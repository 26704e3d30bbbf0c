"""Long work: how far it is, and whether it shall go on.

Who works tells a :class:`Progress`; who watches reads it, and may halt or end the work from any
thread. A :class:`Task` is work that is begun, paused and stopped as one thing, in a thread or here
and now. Main names: :class:`Progress`, :class:`Task`, :class:`Stopped`.
"""

from __future__ import annotations

import math
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, Literal, TypeVar

R = TypeVar("R")
P = TypeVar("P", bound="Progress")

State = Literal[
    "ready", "running", "pausing", "paused", "stopping", "stopped", "finished", "failed"
]
"What a task is doing, in a word."

_FIRST_SHARE = 0.02  # of the work, before which nobody can tell how long the rest takes


class Stopped(Exception):
    """The work was told to end, and has."""


class Progress:
    """How far some work is, and what whoever watches wants of it.

    Parameters
    ----------
    listener : callable, optional
        Called with this progress whenever there is something new, by the thread that works; what
        it raises ends the work.

    Attributes
    ----------
    done, total : float
        How much is done, and how much that is all, in units of the work (seconds of sound, files,
        cells); ``total`` is infinite where no end is known.
    words : str
        What is being done.
    reason : str
        Why it was cancelled.
    is_held : bool
        Whether the work halts, because it was paused.

    Examples
    --------
    >>> progress = mnb.Progress(lambda now: print(f"{now.share:.0%} {now.words}"))
    >>> progress.tell(1, 4, "the first of four files")
    25% the first of four files
    """

    def __init__(self, listener: Callable[[Progress], None] | None = None) -> None:
        self._listener = listener or (lambda progress: None)
        self._go = threading.Event()
        self._go.set()
        self._began = time.monotonic()
        self.done, self.total, self.words, self.reason = 0.0, math.inf, "", ""
        self.cancelled = self.is_held = False

    @classmethod
    def of(cls, given: Progress | Callable[[Progress], None] | None) -> Progress:
        """The progress that was given, or one that tells a function, or nobody."""
        return given if isinstance(given, Progress) else cls(given)

    # -- told by who works --------------------------------------------------------------------

    def tell(self, done: float, total: float = 1.0, words: str | None = None) -> None:
        """Say how far the work is; halts while it is paused.

        Raises
        ------
        Stopped
            If the work shall end.
        """
        self.note(done, total, words)
        self.obey()

    def note(self, done: float, total: float = 1.0, words: str | None = None) -> None:
        """Say how far the work is, and go on; ``words`` are as before if not given."""
        self.done, self.total = float(done), float(total)
        self.words = self.words if words is None else words
        self._listener(self)

    def obey(self) -> None:
        """Halt while the work is paused; a Stopped is raised if it shall end."""
        if self.is_paused and not self.cancelled:
            with self.holding():
                while not self.wait(1.0):
                    pass
        if self.cancelled:
            raise Stopped(self.reason)

    @contextmanager
    def holding(self) -> Iterator[None]:
        """While the block lasts, the work halts: that takes nothing of its time."""
        began = time.monotonic()
        self.is_held = True
        self._listener(self)
        try:
            yield
        finally:
            self._began += time.monotonic() - began
            self.is_held = False
            self._listener(self)

    def part(self, first: float, last: float, words: str | None = None) -> Progress:
        """Progress of a part of the work, which is from ``first`` to ``last`` of all of it."""

        def tell(part: Progress) -> None:
            self.tell(first + (last - first) * part.share, 1.0, part.words or words)

        return Progress(tell)

    # -- read, and steered, by who watches ----------------------------------------------------

    @property
    def share(self) -> float:
        """Share of the work that is done, from 0 to 1; 0 where no end is known."""
        return min(1.0, self.done / self.total) if self.total > 0 else 1.0

    @property
    def seconds_left(self) -> float:
        """Time that the work still takes; infinite before that can be told."""
        spent = time.monotonic() - self._began
        return spent * (1 - self.share) / self.share if self.share > _FIRST_SHARE else math.inf

    def cancel(self, reason: str = "stopped by hand") -> None:
        """Let the work end as soon as it can."""
        self.reason, self.cancelled = reason, True
        self._go.set()

    def pause(self) -> None:
        """Let the work halt as soon as it can, until :meth:`resume` or :meth:`cancel`."""
        self._go.clear()

    def resume(self) -> None:
        """Let the work go on."""
        self._go.set()

    @property
    def is_paused(self) -> bool:
        """Whether the work shall halt."""
        return not self._go.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end of a pause, ``seconds`` at most; whether it goes on."""
        return self._go.wait(seconds)

    def __str__(self) -> str:
        return f"{self.share:.0%} {self.words}".strip()


Watch = Progress | Callable[[Progress], None]
"Who is told how far work is: a progress, or a function that is called with one."


class Task(Generic[P, R]):
    """Long work that can be begun, watched, paused and stopped, from any thread.

    Parameters
    ----------
    work : callable
        What to do, called with the :class:`Progress` that it tells.
    name : str, default "task"
        Name of the thread.
    kind : callable, default Progress
        Makes the progress of each start, given what it shall call.

    Attributes
    ----------
    progress : Progress
        Of the work that was begun last.
    result : any
        What the work returned.
    error : BaseException or None
        What it failed with, or was interrupted by.
    details : str
        Traceback of the error.

    Examples
    --------
    >>> task = Task(lambda progress: sum(range(10)))
    >>> task.start(foreground=True), task.state, task.result
    (True, 'finished', 45)
    """

    def __init__(
        self,
        work: Callable[[P], R],
        name: str = "task",
        kind: Callable[[Callable[[Progress], None]], P] = Progress,  # type: ignore[assignment]
    ) -> None:
        self._work, self._kind, self.name = work, kind, name
        self._listeners: list[Callable[[], None]] = []
        self._over, self._lock = threading.Event(), threading.Lock()
        self._over.set()
        self._ended: State = "ready"
        self._is_foreground = False
        self.progress: P = kind(self._heard)
        self.result: R | None = None
        self.error: BaseException | None = None
        self.details = ""

    @property
    def state(self) -> State:
        """What it is doing, in a word."""
        if not self.is_alive:
            return self._ended
        if self.progress.cancelled:
            return "stopping"
        if self.progress.is_paused:
            return "paused" if self.progress.is_held else "pausing"
        return "running"

    @property
    def is_alive(self) -> bool:
        """Whether the work is under way."""
        return not self._over.is_set()

    @property
    def is_foreground(self) -> bool:
        """Whether the work keeps the thread busy that started it."""
        return self._is_foreground and self.is_alive

    @property
    def share(self) -> float:
        """Share of the work that is done, from 0 to 1."""
        return 1.0 if self.state == "finished" else self.progress.share

    @property
    def seconds_left(self) -> float:
        """Time that the work still takes; infinite before that can be told."""
        return self.progress.seconds_left

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Be called whenever there is something new; what is returned ends that.

        A listener that raises doesn't end the work; ``details`` say what it raised.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

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
            self.progress = self._kind(self._heard)
            self.result, self.error, self.details = None, None, ""
            self._is_foreground = foreground
            self._over.clear()
        if foreground:
            self._do()
        else:
            threading.Thread(target=self._do, daemon=True, name=self.name).start()
        return True

    def pause(self) -> None:
        """Let it halt as soon as it can, until :meth:`resume` or :meth:`stop`."""
        if self.is_alive:
            self.progress.pause()
            self.touch()

    def resume(self) -> None:
        """Let it go on."""
        self.progress.resume()
        self.touch()

    def stop(self, reason: str = "stopped by hand") -> None:
        """Let it end as soon as it can."""
        if self.is_alive:
            self.progress.cancel(reason)
            self.touch()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end of the work; whether it has come."""
        return self._over.wait(seconds)

    def touch(self) -> None:
        """Tell all listeners that there is something new."""
        for listener in list(self._listeners):
            try:
                listener()
            except Exception:
                self.details = self.details or traceback.format_exc()

    def _heard(self, progress: Progress) -> None:
        self.touch()

    def _do(self) -> None:
        self.touch()
        try:
            self.result = self._work(self.progress)
            self._ended = "stopped" if self.progress.cancelled else "finished"
        except Stopped:
            self._ended = "stopped"
        except BaseException as error:
            self.error, self.details = error, traceback.format_exc()
            self._ended = "stopped" if isinstance(error, KeyboardInterrupt) else "failed"
        finally:
            self._over.set()
            self.touch()
