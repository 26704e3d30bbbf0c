"""Ways to stop a training run from outside: signals, and a file named STOP in its folder."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from .callbacks import Control


@contextmanager
def stopping_on_signals(control: Control) -> Iterator[None]:
    """Let SIGINT and SIGTERM stop the training with a checkpoint; a second SIGINT is an interrupt.

    Signals can only be caught in the main thread; elsewhere this does nothing. What handled them
    before does so again afterwards.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        if control.cancelled and number == signal.SIGINT:
            raise KeyboardInterrupt
        control.stop(f"stopped by {signal.Signals(number).name}")

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[signal.Signals, Any] = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, handle)
        yield
    finally:
        for number, handler in before.items():
            # None: a handler that was not installed from Python and can't be put back by it
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


class StopFile:
    """Looks now and then whether a file named STOP has appeared.

    Parameters
    ----------
    path : Path
        The file.
    seconds : float, default 0.5
        Time between two looks, since each may go over a network.
    """

    def __init__(self, path: Path, seconds: float = 0.5) -> None:
        self.path, self.seconds = path, seconds
        self._next = 0.0

    def taken(self) -> bool:
        """Whether the file is there; it is removed, for it has been obeyed."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self.seconds
        if not self.path.exists():
            return False
        self.path.unlink(missing_ok=True)
        return True
