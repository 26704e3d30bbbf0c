"""A training as a view has it: sounds, the plan to begin with, and the trainer at work.

It makes no widgets. Main name: :class:`Training`.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from ...checkpoint.run import Run
from ...corpus.store import Corpus
from ...errors import TrainingError
from ...recipes.finding import corpus_of_run
from ...recipes.training import Plan
from ...training.config import TrainConfig
from .settings import TrainingSettings
from .sources import Sounds, Sources
from .trainer import BUSY, Trainer, trainer_of


class Training:
    """What is trained on which sounds, and the trainer that does it.

    Parameters
    ----------
    sounds : Corpus, path, or paths
        See :class:`Sources`.
    planned : Plan
        What the settings begin with.
    out : Path
        Folder that runs are kept in.
    go_on_with : Path or None
        Folder of a run to go on with.
    foreground : bool
        Whether training keeps the kernel busy until it ends or is interrupted.
    device : str
        Where to train.
    sample_rate : int > 0
        Rate of a corpus that is built here, in Hz.

    Attributes
    ----------
    sources : Sources
        Where the corpus comes from.
    trainer : Trainer
        What is at work in the folder; the same for every view of it.
    """

    def __init__(
        self,
        sounds: Sounds,
        planned: Plan,
        out: Path,
        *,
        go_on_with: Path | None,
        foreground: bool,
        device: str,
        sample_rate: int,
    ) -> None:
        self.planned, self.out, self.go_on_with = planned, out, go_on_with
        self.foreground, self.device, self.sample_rate = foreground, device, sample_rate
        self.sources = Sources(sounds, out, sample_rate)
        self.trainer: Trainer = trainer_of(out)

    def plan_of(self, settings: TrainingSettings) -> Plan:
        """The plan that settings of the form stand for, with the corpus as it is now."""
        corpus = self.sources.corpus
        return settings.plan(self.planned, corpus.sample_rate if corpus else self.sample_rate)

    @property
    def result(self) -> Run:
        """The run that was trained last.

        Raises
        ------
        TrainingError
            If there is none yet, or it has just begun.
        """
        run = self.trainer.run
        if run is None or not run.checkpoints:
            raise TrainingError(
                "Nothing has been trained yet. Press Start in the view, wait for the first "
                "checkpoint (a mark below the curve), then run this cell again."
            )
        return run

    @property
    def corpus(self) -> Corpus:
        """The corpus of the run that was trained last."""
        return self.corpus_of(self.result)

    def corpus_of(self, run: Run) -> Corpus:
        """Corpus of a run: what is given here if it is the same, else where it was or beside it."""
        given = self.sources.corpus
        if given is not None and given.hash == run.config.get("corpus", {}).get("hash"):
            return given
        return corpus_of_run(run)

    def last_run(self) -> Run | None:
        """The run to go on with, or the latest one of the folder."""
        return Run(self.go_on_with) if self.go_on_with else self.trainer.last_run()

    def load_last(self) -> None:
        """Show the last run, unless there is one already."""
        trainer, found = self.trainer, self.last_run()
        if trainer.state not in BUSY and trainer.run is None and found is not None:
            with contextlib.suppress(OSError, TrainingError):
                trainer.load(found)

    def start(self, corpus: Corpus, plan: Plan, foreground: bool | None = None) -> None:
        """Train from scratch, in a new folder."""
        in_front = self.foreground if foreground is None else foreground
        self.trainer.start(corpus, plan, self.device, in_front)

    def resume(self, training: TrainConfig) -> None:
        """End a pause, or go on with the last run."""
        if self.trainer.is_busy:
            self.trainer.unpause()
            return
        run = self.trainer.run or self.last_run()
        if run is None:
            raise TrainingError("There is no run here to go on with; press Start.")
        corpus = self.corpus_of(run)
        self.trainer.go_on(run.folder, corpus, training, self.device, self.foreground)
