"""A training that a view looks at: started, paused, steered and stopped from outside.

It lives in the kernel and not in a page: closing the browser changes nothing, and whoever asks
for the same folder again gets the same trainer. It makes no widgets. Main names:
:class:`Trainer`, :func:`trainer_of`.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from ...checkpoint.run import Run
from ...corpus.store import Corpus
from ...errors import MimikitError, ParameterError, TrainingError
from ...evaluation.detectors import detect
from ...generation.record import reopened
from ...networks.base import Network
from ...progress import Progress, Stopped
from ...recipes.previews import Previewer, PreviewSound
from ...recipes.training import Plan
from ...recipes.training import resume as resume_run
from ...recipes.training import train as train_run
from ...recipes.workspace import new_folder
from ...training.advice import Advice, advise
from ...training.callbacks import Callback, Control, Status
from ...training.config import TrainConfig
from ...training.start import CHANGEABLE
from ..job import Job
from ..kept import kept
from ..words import in_plain_words
from .losses import Losses

BUSY = ("starting", "running", "paused", "pausing", "stopping")


def trainer_of(out: str | Path) -> Trainer:
    """The trainer of a folder of runs: the one that is at work there, or a new one."""
    return kept(Trainer, Path(out).resolve(), lambda: Trainer(out))


class View(Protocol):
    """What shows a trainer."""

    def repaint(self) -> None:
        """Show everything as it is now."""

    def rest(self) -> None:
        """Give way to another view."""


class Trainer(Callback):
    """Training runs in one folder, one at a time.

    Parameters
    ----------
    out : str or Path
        Folder that runs lie in; each gets a folder ``run_001``, ``run_002`` ... of its own.

    Attributes
    ----------
    job : Job
        The work; its progress is the :class:`~mimikit_nb.training.Control` of the run.
    message : str
        Why it is in its state.
    run : Run or None
        The run at work, or the last one.
    losses : Losses
        All losses of the run so far.
    status : Status or None
        The last step's figures.
    previews : list of PreviewSound
        What was made so far, in order.
    """

    def __init__(self, out: str | Path) -> None:
        self.out = Path(out)
        self.job = Job(self._work, name="training", kind=Control)
        self.message, self._ended = "", "ready"
        self._has_begun = False
        self.run: Run | None = None
        self.losses = Losses()
        self.status: Status | None = None
        self.previews: list[PreviewSound] = []
        self.is_previewing = self.wants_preview = False
        self.preview_problem = ""
        self.temperatures: tuple[float, ...] = (1.0,)
        self.preview_every_steps: int | None = None
        self._leave: Callable[[], None] = lambda: None
        self._task: Callable[[Control], Run] | None = None
        self._times: deque[float] = deque(maxlen=50)

    # -- watching -----------------------------------------------------------------------------

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Be called, eight times a second at most, when there is something new.

        What is returned ends that.
        """
        return self.job.listen(listener)

    def show_in(self, view: View) -> None:
        """Be shown in a view, from now on in no other."""
        self._leave()
        ending = self.listen(view.repaint)

        def leave() -> None:
            ending()
            view.rest()

        self._leave = leave

    @property
    def is_busy(self) -> bool:
        """Whether a run is under way."""
        return self.job.is_alive

    @property
    def control(self) -> Control:
        """What steers the run that is under way."""
        control: Control = self.job.progress
        return control

    @property
    def state(self) -> str:
        """State in a word: that of the job, or "starting", or how the run shown has ended."""
        if not self.is_busy:
            return self._ended
        state = self.job.state
        return "starting" if state == "running" and not self._has_begun else state

    @property
    def steps_per_second(self) -> float:
        """Speed of late; 0 before it is known."""
        times = self._times
        if len(times) < 2 or times[-1] <= times[0]:
            return 0.0
        return (len(times) - 1) / (times[-1] - times[0])

    @property
    def advice(self) -> Advice:
        """What the losses say."""
        losses = self.losses
        n = min(len(losses.steps), len(losses.losses))  # a training may be adding to them
        skipped = self.status.skipped if self.status else 0
        return advise(losses.losses[:n], losses.held_out, skipped, losses.steps[:n])

    def last_run(self) -> Run | None:
        """The latest run in the folder that can be gone on with."""
        runs = sorted(self.out.glob("run_*")) if self.out.is_dir() else []
        found = [Run(folder) for folder in runs if (folder / "config.yaml").exists()]
        return found[-1] if found else None

    # -- doing --------------------------------------------------------------------------------

    def start(self, corpus: Corpus, plan: Plan, device: str | None, foreground: bool) -> None:
        """Train from scratch, in a new folder."""
        self._check_free()
        folder = new_folder(self.out / "run")
        previewer = SteeredPreviewer(self, corpus, folder, plan.training)

        def task(control: Control) -> Run:
            return train_run(
                corpus,
                plan.network,
                folder,
                io=plan.io,
                callbacks=[self],
                control=control,
                previewer=previewer,
                device=device,
                **plan.training.to_dict(),
            )

        self._begin(Run(folder), task, foreground)

    def go_on(
        self,
        folder: Path,
        corpus: Corpus,
        training: TrainConfig,
        device: str | None,
        foreground: bool,
    ) -> None:
        """Go on with a run that has ended, with what of the settings may change."""
        self._check_free()
        run = Run(folder)
        stored = run.config["training"]
        wanted = training.to_dict()
        changes = {n: wanted[n] for n in CHANGEABLE if wanted[n] != stored.get(n)}

        def task(control: Control) -> Run:
            return resume_run(
                folder,
                corpus=corpus,
                callbacks=[self],
                control=control,
                previewer=SteeredPreviewer(self, corpus, folder, training),
                device=device,
                **changes,
            )

        self._begin(run, task, foreground)

    def load(self, run: Run) -> None:
        """Show a run that has ended, from what it has written."""
        self.run, self._ended, self.message = run, run.state, run.message
        table = run.metrics
        self.losses = Losses(
            [int(step) for step in table["step"]],
            [float(loss) for loss in table["loss"]],
            checkpoints=list(run.checkpoints),
        )
        if "held_out_loss" in table:
            rows = table[["step", "held_out_loss"]].dropna().to_numpy()
            self.losses.held_out = [(int(step), float(loss)) for step, loss in rows]
        self.previews = found_previews(run)

    def pause(self) -> None:
        """Halt after the current step."""
        self.job.pause()

    def unpause(self) -> None:
        """Go on after a pause."""
        self.job.resume()

    def stop(self) -> None:
        """End after the current step, with a checkpoint."""
        self.job.stop()

    def preview_now(self) -> None:
        """Let the network be heard after the current step."""
        self.wants_preview = True
        self.control.preview_now()

    def set_learning_rate(self, learning_rate: float) -> None:
        """Change the learning rate from the next step on."""
        self.control.set_learning_rate(learning_rate)

    def set_temperatures(self, temperatures: tuple[float, ...]) -> None:
        """Change the temperatures of the next previews; one is made with each."""
        if not temperatures or not all(0 <= t <= 10 for t in temperatures):
            raise ParameterError(
                f"Temperatures are numbers from 0 to 10, one or several, not {temperatures}."
            )
        self.temperatures = temperatures

    def set_preview_interval(self, every_steps: int) -> None:
        """Change the steps from one preview to the next (0: none by themselves)."""
        if every_steps < 0:
            raise ParameterError(
                f"The interval is {every_steps}; it must be 0 (none) or more steps."
            )
        self.preview_every_steps = every_steps

    def _check_free(self) -> None:
        if self.is_busy:
            raise TrainingError("A training is under way here; stop it first.")

    def _begin(self, run: Run, task: Callable[[Control], Run], foreground: bool) -> None:
        self.losses, self.status, self.previews = Losses(), None, []
        if run.metrics_path.exists():
            self.load(run)
        self._times.clear()
        self.preview_every_steps, self.preview_problem = None, ""
        self.run, self.message, self._has_begun = run, "", False
        self._task = task
        self.job.start(foreground)

    def _work(self, control: Control) -> Run:
        assert self._task is not None
        try:
            return self._task(control)
        except BaseException as error:
            self._ended, self.message = "failed", in_plain_words(error)
            if isinstance(error, KeyboardInterrupt):
                self._ended, self.message = "stopped", "interrupted"
            raise

    # -- told by the loop ---------------------------------------------------------------------

    def on_step(self, status: Status) -> None:
        """Keep the step's figures."""
        self._times.append(status.seconds)
        self.status = status
        self.losses.losses.append(status.loss)
        self.losses.steps.append(status.step)
        every = self.preview_every_steps
        if every and status.step % every == 0:
            self.preview_now()
        self.job.touch()

    def on_held_out(self, status: Status) -> None:
        """Keep the held-out loss."""
        if status.held_out_loss is not None:
            self.losses.held_out.append((status.step, status.held_out_loss))
        self.job.touch()

    def on_checkpoint(self, step: int, path: Path) -> None:
        """Keep the checkpoint's step."""
        self.losses.checkpoints.append(step)
        self.job.touch()

    def on_preview(self, step: int, previews: Any) -> None:
        """Keep the sounds."""
        self.previews += [sound for sound in previews if isinstance(sound, PreviewSound)]
        self.job.touch()

    def on_state(self, state: str, message: str) -> None:
        """Show the state."""
        self.message, self._has_begun = message, True
        self.job.touch()

    def on_end(self, state: str, message: str) -> None:
        """Show how it ended."""
        self._ended, self.message = state, message
        self.job.touch()


class SteeredPreviewer(Previewer):
    """Makes previews that a pause halts and a stop ends, at an interval that may change.

    Parameters
    ----------
    trainer : Trainer
        Whose control and settings are obeyed.
    corpus : Corpus
        Where prompts come from.
    folder : Path
        Folder of the run.
    training : TrainConfig
        Length, seed and the interval that was planned.
    """

    def __init__(
        self, trainer: Trainer, corpus: Corpus, folder: Path, training: TrainConfig
    ) -> None:
        seconds, seed = training.preview_seconds, training.seed
        super().__init__(corpus, folder / "samples", seconds, seed=seed, progress=self._obey)
        self.trainer, self.planned_steps = trainer, training.preview_every_steps
        self._was_paused = False

    def __call__(self, network: Network, step: int) -> list[PreviewSound]:
        """Make the previews of a step, unless the interval has been changed and it isn't due."""
        trainer, every = self.trainer, self.trainer.preview_every_steps
        was_planned = bool(self.planned_steps) and step % self.planned_steps == 0
        was_asked, trainer.wants_preview = trainer.wants_preview, False
        if every is not None and was_planned and not was_asked:
            return []  # those of the new interval are asked for
        self.temperatures = trainer.temperatures
        self._was_paused = trainer.control.is_paused
        trainer.is_previewing, trainer.preview_problem = True, ""
        trainer.job.touch()
        try:
            return super().__call__(network, step)
        except Stopped:
            raise
        except Exception as error:
            trainer.preview_problem = f"The preview failed: {in_plain_words(error)}"
            raise
        finally:
            trainer.is_previewing = False
            trainer.job.touch()

    def _obey(self, progress: Progress) -> None:
        """Halt and end with the training; a preview that was asked for in a pause is made."""
        control = self.trainer.control
        if control.cancelled or not self._was_paused:
            control.obey()


def found_previews(run: Run) -> list[PreviewSound]:
    """Previews that a run has written before, by step."""
    found = []
    for path in sorted(run.samples_folder.glob("step_*.wav")):
        match = re.match(r"step_(\d+)", path.stem)
        if not match:
            continue
        try:
            sound = reopened(path)
            (new,) = sound.continuation
        except MimikitError:
            continue
        flags = frozenset(detect(new, sound.sample_rate))
        temperature = float(sound.recall[0].get("temperature", 1.0))
        found.append(PreviewSound(sound, int(match[1]), temperature, flags))
    return found
