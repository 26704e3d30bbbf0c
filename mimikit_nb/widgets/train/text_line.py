"""How a headless training says where it is: one line of text now and then.

Main names: :class:`TextLine`, :func:`status_line`.
"""

from __future__ import annotations

import math
import time

from ...checkpoint.run import Run
from ...runtime import say
from ...training.advice import advise_run
from ...training.callbacks import Callback, Control, Status
from ..words import in_time


class TextLine(Callback):
    """Prints the status of a training at most every so many seconds, and how it ended.

    Parameters
    ----------
    seconds : float, default 10
        Least time between two lines.
    """

    def __init__(self, seconds: float = 10.0) -> None:
        self.seconds = seconds
        self._next = 0.0
        self._last: Status | None = None
        self._run: Run | None = None

    def on_start(self, run: Run, control: Control) -> None:
        """Remember which run it is."""
        self._run = run

    def on_step(self, status: Status) -> None:
        """Print a line if the last one is old."""
        self._last = status
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + self.seconds
            say(status_line(status))

    def on_end(self, state: str, message: str) -> None:
        """Print the last status, the reason, and what the losses say."""
        if self._last is not None:
            say(status_line(self._last))
        say(f"{state}: {message}")
        if self._run is not None:
            say(advise_run(self._run))


def status_line(status: Status) -> str:
    """A status in one line."""
    of = f" of {status.max_steps:,}" if status.max_steps else ""
    parts = [f"step {status.step:,}{of}", f"epoch {status.epoch:.2f}", f"loss {status.loss:.3f}"]
    if status.held_out_loss is not None:
        parts.append(f"held out {status.held_out_loss:.3f}")
    if math.isfinite(status.seconds_left):
        parts.append(f"{in_time(status.seconds_left)} left")
    return " · ".join(parts)
