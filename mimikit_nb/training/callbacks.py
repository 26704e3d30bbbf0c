"""Watch and steer a training run from outside: callbacks and the control.

A :class:`Callback` is told what happens, in the thread that trains. A :class:`Control` may be
used from any thread; the loop obeys within a step.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..checkpoint.run import Run, State
from ..errors import ParameterError
from ..progress import Progress


@dataclass(frozen=True)
class Status:
    """Where a training run is.

    Attributes
    ----------
    step, epoch : int, float
        Steps done, passes over the corpus done.
    max_steps : int or None
        Steps at which the run is finished, if the budget says so.
    loss : float
        Loss of the last step; NaN if it was skipped.
    terms : dict of float
        Weighted terms of the loss.
    held_out_loss : float or None
        Latest loss on the held-out part.
    learning_rate, grad_norm : float
        Of the last step.
    skipped : int
        Steps skipped because the loss wasn't finite.
    batch_size : int
        Rows of a batch.
    seconds, seconds_left : float
        Time trained over all sessions; estimate of what is left (NaN: not known yet).
    tokens_per_second : float
        Model steps learned from in a second, all rows together.
    """

    step: int
    epoch: float
    max_steps: int | None
    loss: float
    terms: dict[str, float]
    held_out_loss: float | None
    learning_rate: float
    grad_norm: float
    skipped: int
    batch_size: int
    seconds: float
    seconds_left: float
    tokens_per_second: float


class Callback:
    """Told what happens in a training run; override what is of interest.

    A callback that raises is dropped and the training goes on, with a note in the log.
    """

    def on_start(self, run: Run, control: Control) -> None:
        """Training starts, or goes on."""

    def on_step(self, status: Status) -> None:
        """A step is done."""

    def on_held_out(self, status: Status) -> None:
        """The loss on the held-out part was measured."""

    def on_checkpoint(self, step: int, path: Path) -> None:
        """A checkpoint was written."""

    def on_preview(self, step: int, previews: Any) -> None:
        """Sound was generated; ``previews`` is what the preview function returned."""

    def on_state(self, state: State, message: str) -> None:
        """The run's state changed: running, paused."""

    def on_end(self, state: State, message: str) -> None:
        """Training ended: finished, stopped or failed, and why."""


class Callbacks:
    """Tells several callbacks; one that raises is dropped.

    Parameters
    ----------
    callbacks : iterable of Callback
        Whom to tell.
    run : Run
        Where it is noted that one was dropped.
    """

    def __init__(self, callbacks: Iterable[Callback], run: Run) -> None:
        self._callbacks, self._run = list(callbacks), run

    def tell(self, event: str, *arguments: Any) -> None:
        """Call the method ``event`` of each."""
        for callback in list(self._callbacks):
            try:
                getattr(callback, event)(*arguments)
            except Exception as error:
                self._callbacks.remove(callback)
                self._run.log(
                    f"{type(callback).__name__}.{event} failed ({type(error).__name__}: {error}); "
                    "it is told nothing more, the training goes on."
                )


class Control(Progress):
    """Pause, resume, stop and steer a training run, from any thread; read how far it is.

    ``done`` and ``total`` are seconds of training, as far as they can be told.

    Parameters
    ----------
    listener : callable, optional
        Called after every step, by the thread that trains.

    Examples
    --------
    >>> control = Control()
    >>> control.pause()
    >>> control.is_paused
    True
    """

    def __init__(self, listener: Callable[[Progress], None] | None = None) -> None:
        super().__init__(listener)
        self._preview = threading.Event()
        self._learning_rate: float | None = None

    def stop(self, reason: str = "stopped by hand") -> None:
        """End after the current step, with a checkpoint."""
        self.cancel(reason)

    def preview_now(self) -> None:
        """Make a sound preview after the current step, also while paused."""
        self._preview.set()

    def set_learning_rate(self, learning_rate: float) -> None:
        """Change the learning rate from the next step on; the warm-up and decay still apply."""
        if not 0 < learning_rate <= 1:
            raise ParameterError(f"learning_rate is {learning_rate}; it must be in (0, 1].")
        self._learning_rate = learning_rate

    def take_preview(self) -> bool:
        """Whether a preview was asked for since the last call."""
        asked = self._preview.is_set()
        self._preview.clear()
        return asked

    def take_learning_rate(self) -> float | None:
        """Learning rate that was asked for since the last call."""
        learning_rate, self._learning_rate = self._learning_rate, None
        return learning_rate
