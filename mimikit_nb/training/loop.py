"""The loop: what happens in a training run, step after step.

Everything that decides the course of a run (weights, optimizer, counters, memory, random
numbers) is in its checkpoints, and the data are a function of the step number. A run that was
killed at any instant and resumed therefore has the same losses, bit for bit on the CPU, as one
that was not. :func:`train` and :func:`resume` start it; the :class:`~.session.Session` knows
how each thing is done, :class:`Loop` when.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import torch

from ..checkpoint.format import latest_good
from ..checkpoint.run import Run, State
from ..errors import TrainingError
from ..networks.base import Network
from ..progress import Stopped
from ..runtime import computing_on
from .advice import advise_run
from .callbacks import Callback, Callbacks, Control, Status
from .interrupts import StopFile, stopping_on_signals
from .memory import KeptMemory
from .metrics import MetricsFile
from .session import Learned, Session, is_out_of_memory
from .timing import Speed

Preview = Callable[[Network, int], Any]
"Makes sound with a network at a step, and returns what was made (files, flags)."

SKIPS_BEFORE_ROLLBACK = 5
MAX_ROLLBACKS = 3
RATE_AFTER_ROLLBACK = 0.5


class Loop:
    """One session of training in a run's folder, from where the state is to the end.

    Parameters
    ----------
    session : Session
        Network, optimizer and data, at the step to go on from.
    run : Run
        Where everything is written.
    callbacks : sequence of Callback
        Told what happens.
    preview : function of (network, step), optional
        Makes sound previews.
    control : Control
        Pauses and stops it.
    """

    def __init__(
        self,
        session: Session,
        run: Run,
        callbacks: Sequence[Callback],
        preview: Preview | None,
        control: Control,
    ) -> None:
        self.session, self.run, self.control, self.preview = session, run, control, preview
        self.config, self.timing = session.config, session.timing
        self.callbacks = Callbacks(callbacks, run)
        self.stop_file = StopFile(run.stop_path)
        self.metrics = MetricsFile(run.metrics_path, self._columns())
        self.speed = Speed()
        self.memory = KeptMemory()
        self.held_out_loss: float | None = None
        self.last: Learned | None = None
        self._complaint = ""  # what was said when memory ran out last
        self._ahead: tuple[int, Any] | None = None  # step, batch read while the device works
        step = session.counters.step
        self._saved_step = self._previewed_step = self._held_out_step = step
        self._clock = time.perf_counter()

    def _columns(self) -> list[str]:
        io = self.session.io
        terms = [f"{name}/{term.kind}" for name, v in io.targets.items() for term in v.losses]
        losses = ["loss", *(terms if len(terms) > 1 else []), "held_out_loss"]
        course = ["learning_rate", "grad_norm", "skipped", "batch_size"]
        return ["step", "epoch", *losses, *course, "tokens_per_second", "seconds"]

    def start(self) -> None:
        """Train until the budget is used up or somebody says stop."""
        state: State
        self._change_state("running", f"from step {self.session.counters.step}")
        self.callbacks.tell("on_start", self.run, self.control)
        try:
            threads = computing_on(self.config.threads)
            with stopping_on_signals(self.control), self.memory, threads:
                state, message = self._until_done()
        except BaseException as error:
            state = "stopped" if isinstance(error, KeyboardInterrupt) else "failed"
            self._end(state, f"{type(error).__name__}: {error}")
            raise
        self._end(state, message)

    def _until_done(self) -> tuple[State, str]:
        self._clock = time.perf_counter()
        while not self.session.is_done:
            self._obey()
            if self.control.cancelled:
                self._finish()
                return "stopped", self.control.reason
            if self._step():
                self._after_step()
            self.memory.trim()
        if self.config.held_out_every_steps and self.session.counters.step != self._held_out_step:
            self._measure_held_out()
        self._finish()
        if self.config.preview_every_steps:
            self._make_preview()
        return "finished", f"{self.session.counters.step} steps"

    # -- one step -----------------------------------------------------------------------------

    def _step(self) -> bool:
        """Learn from the next batch; False if that has to be tried again."""
        learned = self._learn()
        if learned is None:
            self._halve_batch()
            return False
        self.last = learned
        if learned.is_finite:
            self.session.update(learned)
            self._add_up(learned)
            return True
        self.session.skip()
        counters = self.session.counters
        self.run.log(f"Step {counters.step} skipped: its loss or gradient isn't finite.")
        if counters.skipped_in_a_row < SKIPS_BEFORE_ROLLBACK:
            return True
        self._roll_back()
        return False

    def _learn(self) -> Learned | None:
        """Losses and gradients of the next batch; None if memory ran out."""
        step = self.session.counters.step
        try:
            ahead, self._ahead = self._ahead, None
            batch = ahead[1] if ahead and ahead[0] == step else self.session.read(step)
            figures = self.session.forward_backward(batch)
            self._ahead = (step + 1, self.session.read(step + 1))
            return self.session.wait(figures)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            self._complaint = str(error).partition("\n")[0] or type(error).__name__
            self._ahead = None
            return None

    def _halve_batch(self) -> None:
        before = self.session.counters.batch_size
        if before == 1:
            raise TrainingError(
                "Memory ran out with a single row in the batch. Use a smaller network, a smaller "
                f"chunk_steps (now {self.session.chunk_steps}) or a device with more memory. "
                f"(What was said: {self._complaint})"
            )
        half = self.session.halve_batch()
        self.memory.give_back()
        self.run.log(
            f"Out of memory in step {self.session.counters.step + 1}: the batch is halved, from "
            f"{before} to {half} rows."
        )

    def _roll_back(self) -> None:
        """Go back to the latest checkpoint, to take smaller steps from there."""
        session, counters = self.session, self.session.counters
        if counters.rollbacks >= MAX_ROLLBACKS:
            raise TrainingError(
                f"The loss wasn't finite in {SKIPS_BEFORE_ROLLBACK} steps in a row, also after "
                f"going back {MAX_ROLLBACKS} times with lower learning rates (now "
                f"{session.learning_rate:.2g}). Start again with a learning_rate of a tenth or "
                "less, a lower grad_clip, or precision='32'; and check the recordings."
            )
        rollbacks, factor = counters.rollbacks + 1, counters.rate_factor * RATE_AFTER_ROLLBACK
        skipped, seconds = counters.skipped, counters.seconds
        checkpoint, _ = latest_good(self.run)
        session.reset()
        if checkpoint is not None:
            session.restore(checkpoint)
        counters = session.counters
        counters.rollbacks, counters.rate_factor = rollbacks, factor
        counters.skipped, counters.seconds = skipped, seconds
        self._ahead, self._saved_step = None, counters.step
        cut_metrics(self.metrics, session)
        self.run.log(
            f"{SKIPS_BEFORE_ROLLBACK} steps in a row weren't finite: back to step {counters.step}, "
            f"with {RATE_AFTER_ROLLBACK:g} times the learning rate."
        )

    def _add_up(self, learned: Learned) -> None:
        sums = self.session.counters.loss_sums
        values = {
            "loss": learned.loss,
            "grad_norm": learned.grad_norm,
            **learned.terms,
            "count": 1.0,
        }
        for name, value in values.items():
            sums[name] = sums.get(name, 0.0) + value

    # -- after a step -------------------------------------------------------------------------

    def _after_step(self) -> None:
        config, step = self.config, self.session.counters.step
        self.speed.add(self._tick())
        with self.timing.part("other"):
            measures = _is_due(step, config.held_out_every_steps)
        if measures:
            self._measure_held_out()
        with self.timing.part("other"):
            if self._is_logged(step):
                self._write_row()
            status = self._status()
            self.callbacks.tell("on_step", status)
            left = math.inf if math.isnan(status.seconds_left) else status.seconds_left
            self.control.note(status.seconds, status.seconds + left, f"step {status.step}")
        if _is_due(step, config.checkpoint_every_steps):
            self._save()
        if _is_due(step, config.preview_every_steps):
            self._make_preview()

    def _is_logged(self, step: int) -> bool:
        config = self.config
        return _is_due(step, config.log_every_steps) or _is_due(step, config.held_out_every_steps)

    def _tick(self) -> float:
        """Seconds since the last tick, also added to the run's time."""
        now = time.perf_counter()
        passed, self._clock = now - self._clock, now
        self.session.counters.seconds += passed
        return passed

    def _measure_held_out(self) -> None:
        with self.timing.part("held_out"):
            self.held_out_loss = self.session.held_out_loss()
        self._held_out_step = self.session.counters.step
        self._tick()
        self._log_progress()
        self.callbacks.tell("on_held_out", self._status())

    def _log_progress(self) -> None:
        status = self._status()
        held_out = "" if status.held_out_loss is None else f", held-out {status.held_out_loss:.4f}"
        left = status.seconds_left
        self.run.log(
            f"Step {status.step}: loss {status.loss:.4f}{held_out}; "
            f"{status.tokens_per_second:,.0f} model steps learned a second"
            + ("." if math.isnan(left) else f"; about {left / 60:.1f} min left.")
        )

    def _write_row(self) -> None:
        """Add a row with the means since the last one to the table."""
        session, counters = self.session, self.session.counters
        sums, counters.loss_sums = counters.loss_sums, {}
        means = {name: value / sums["count"] for name, value in sums.items()}
        is_fresh = self._held_out_step == counters.step
        self.metrics.append(
            {
                **means,
                "step": counters.step,
                "epoch": round(session.epoch, 4),
                "held_out_loss": self.held_out_loss if is_fresh else None,
                "learning_rate": session.optimizer.param_groups[0]["lr"],
                "skipped": counters.skipped,
                "batch_size": counters.batch_size,
                "tokens_per_second": round(self._tokens_per_second(), 1),
                "seconds": round(counters.seconds, 3),
            }
        )

    def _tokens_per_second(self) -> float:
        tokens = self.session.counters.batch_size * self.session.chunk_steps
        return tokens / self.speed.seconds_per_step

    def _status(self) -> Status:
        session, last = self.session, self.last
        return Status(
            step=session.counters.step,
            epoch=session.epoch,
            max_steps=session.last_step,
            loss=last.loss if last else math.nan,
            terms=last.terms if last else {},
            held_out_loss=self.held_out_loss,
            learning_rate=session.learning_rate,
            grad_norm=last.grad_norm if last else math.nan,
            skipped=session.counters.skipped,
            batch_size=session.counters.batch_size,
            seconds=session.counters.seconds,
            seconds_left=self._seconds_left(),
            tokens_per_second=self._tokens_per_second(),
        )

    def _seconds_left(self) -> float:
        """Estimate from the speed of late; NaN if there is none yet."""
        session, pace = self.session, self.speed.seconds_per_step
        step, last = session.counters.step, session.last_step
        by_time = max(session.seconds_left, (self.config.min_steps - step) * pace)
        by_steps = math.inf if last is None else (last - step) * pace
        left = min(by_time, by_steps)
        return max(0.0, left) if math.isfinite(left) else math.nan

    # -- now and then -------------------------------------------------------------------------

    def _save(self) -> None:
        step = self.session.counters.step
        if step == self._saved_step:
            return
        if not self.session.state.is_sound:
            self.run.log(f"No checkpoint of step {step}: its weights aren't finite.")
            return
        with self.timing.part("checkpoint"):
            self.metrics.sync()  # the rows up to here must not be lost where the checkpoint isn't
            metrics = {"loss": self.last.loss} if self.last is not None else {}
            if self.held_out_loss is not None:
                metrics["held_out_loss"] = self.held_out_loss
            self.session.save(self.run, metrics)
            if self.config.keep_last is not None:
                self.run.keep_last(self.config.keep_last)
        self._saved_step = step
        self._tick()
        self.callbacks.tell("on_checkpoint", step, self.run.checkpoint_path(step))

    def _make_preview(self) -> None:
        """Let the network be heard; a preview that fails doesn't end the training."""
        session, step = self.session, self.session.counters.step
        if self.preview is None or step == self._previewed_step:
            return
        self._previewed_step = step
        network = session.state.evaluated
        network.eval()
        devices = [session.device] if session.device.type == "cuda" else []
        try:
            with self.timing.part("preview"), torch.random.fork_rng(devices):
                made = self.preview(network, step)
        except Stopped:
            self.run.log(f"The preview of step {step} was given up.")
        except Exception as error:
            self.run.log(f"The preview of step {step} failed ({type(error).__name__}: {error}).")
        else:
            self.callbacks.tell("on_preview", step, made)
        finally:
            session.state.network.train()
            self._tick()

    def _finish(self) -> None:
        """Leave a checkpoint, then the row that the next session's table won't have."""
        self._save()
        step, sums = self.session.counters.step, self.session.counters.loss_sums
        if sums and not self._is_logged(step):
            self._write_row()

    # -- steering -----------------------------------------------------------------------------

    def _obey(self) -> None:
        """Do what the control and the STOP file ask for; returns when it goes on."""
        if (rate := self.control.take_learning_rate()) is not None:
            self.session.counters.rate_factor = rate / self.config.learning_rate
            self.run.log(f"Learning rate set to {rate:g}.")
        if self.control.take_preview():
            self._previewed_step = -1
            self._make_preview()
        if self.stop_file.taken():
            self.control.stop("stopped by a file named STOP")
        if self.control.is_paused and not self.control.cancelled:
            self._pause()

    def _pause(self) -> None:
        self._change_state("paused", f"at step {self.session.counters.step}")
        with self.control.holding():
            while not self.control.wait(0.1):
                if self.stop_file.taken():
                    self.control.stop("stopped by a file named STOP")
                if self.control.take_preview():
                    self._previewed_step = -1
                    self._make_preview()
        self._clock = time.perf_counter()  # the pause isn't counted
        self._change_state("running", f"from step {self.session.counters.step}")

    def _change_state(self, state: State, message: str) -> None:
        self.run.set_state(state, message)
        self.run.log(f"{state.capitalize()} {message}.")
        self.callbacks.tell("on_state", state, message)

    def _end(self, state: State, message: str) -> None:
        with suppress(OSError):  # where the disk is full, the error to tell is another one
            self.run.set_state(state, message)
            self.run.log(f"{state.capitalize()}: {message}. Time: {self.timing}.")
        with suppress(OSError, ValueError):  # what was written may be cut off
            self.run.log(f"Advice: {advise_run(self.run)}")
        self.callbacks.tell("on_end", state, message)


def cut_metrics(metrics: MetricsFile, session: Session) -> int:
    """Remove the rows that the session will write (again); how many is returned.

    Where sums wait for the next row, a row of this very step is one that the end of a session
    added and an uninterrupted run doesn't have.
    """
    counters = session.counters
    return metrics.cut(counters.step - 1 if counters.loss_sums else counters.step)


def _is_due(step: int, every: int) -> bool:
    """Whether something that is done every so many steps (0: never) is done at ``step``."""
    return every > 0 and step % every == 0
