"""The training view: choose sounds, set the network, train while listening.

::

    app = train("recordings", network="sample_rnn/tiny", out="runs/sample_rnn")
    app.run()       # shows the view; a headless run trains here and now
    app.result      # the run, in a later cell

Training goes on in a thread of the kernel, whatever the browser does; the same cell run again
finds the training at work and shows it. Main names: :func:`train`, :class:`TrainView`.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Literal

from IPython.display import display

from ...arguments import PathArg, Rate, checked
from ...checkpoint.run import Run
from ...corpus.store import Corpus
from ...errors import ConfigError, CorpusError, TrainingError
from ...recipes.finding import corpus_of_run
from ...recipes.training import Plan, plan
from ...recipes.training import resume as resume_run
from ...recipes.training import train as train_run
from ...recipes.workspace import choose_corpus, new_folder
from ...runtime import default_device, is_colab, is_headless, say
from ...training.start import CHANGEABLE
from ..pictures import Picture, loss_curves
from .model import BUSY, Trainer, trainer_of
from .panel import TrainPanel
from .settings import TrainingSettings
from .sources import Sounds, Sources, build_beside
from .text_line import TextLine

DEFAULT_RATE = 22050


@checked
def train(
    corpus: Sounds = "",
    network: Any = "sample_rnn",
    out: PathArg = Path("runs/run"),
    *,
    go_on_with: Literal[""] | PathArg = "",
    headless: bool | None = None,
    foreground: bool | None = None,
    device: str | None = None,
    sample_rate: Rate = DEFAULT_RATE,
    io: Any = None,
    **settings: Any,
) -> TrainView:
    """Train a network by hand: choose sounds, edit settings, start, listen, stop.

    Parameters
    ----------
    corpus : Corpus, path, or paths
        A corpus, recordings or folders of them; "" for embedded music. In the view, files can be
        dropped instead.
    network : str, dict or NetworkConfig, default "sample_rnn"
        What the form begins with, as :func:`mimikit_nb.train` takes it.
    out : str or Path, default "runs/run"
        Folder that runs are kept in, each in one of its own: ``run_001``, ``run_002`` ...
    go_on_with : str or Path, default ""
        Folder of a run to go on with.
    headless : bool, optional
        Whether to show pictures instead of widgets; found out if None.
    foreground : bool, optional
        Whether training keeps the kernel busy until it ends or is interrupted, for hosts where
        updates from threads don't reach the page; found out if None.
    device : str, optional
        "cuda", "mps" or "cpu"; the best there is if not given.
    sample_rate : int > 0, default 22050
        Rate of a corpus that is built here, in Hz.
    io : IOSpec or dict, optional
        What the network reads and writes; what it is made for if not given.
    **settings
        Any setting that :func:`mimikit_nb.plan` takes.

    Returns
    -------
    TrainView
        ``.run()`` shows the view, or trains in a headless run; ``.value`` is the plan as it
        stands in the form; ``.result`` the run.

    Raises
    ------
    ConfigError
        If a setting is unknown or out of range.
    """
    rate = corpus.sample_rate if isinstance(corpus, Corpus) else sample_rate
    planned = plan(network, rate, io, **settings)
    is_still = is_headless() if headless is None else headless
    in_front = is_colab() if foreground is None else foreground
    return TrainView(
        corpus,
        planned,
        Path(out),
        go_on_with=Path(go_on_with) if str(go_on_with) else None,
        headless=is_still,
        foreground=in_front,
        device=device or default_device(),
        sample_rate=rate,
    )


class TrainView:
    """A training and the view onto it; made by :func:`train`.

    Attributes
    ----------
    trainer : Trainer
        What is at work in the folder; the same for every view of it.
    widget : ipywidgets.Widget or None
        What to show; None in a headless run.
    """

    def __init__(
        self,
        sounds: Sounds,
        planned: Plan,
        out: Path,
        *,
        go_on_with: Path | None,
        headless: bool,
        foreground: bool,
        device: str,
        sample_rate: int,
    ) -> None:
        self._sounds, self._planned, self.out = sounds, planned, out
        self._go_on_with, self.headless = go_on_with, headless
        self._foreground, self._device, self._sample_rate = foreground, device, sample_rate
        self.trainer: Trainer = trainer_of(out)
        self.widget: Any = None
        if not headless:
            self._make_widget()

    @property
    def value(self) -> Plan:
        """The plan: as edited in the form, or as passed in."""
        if self.headless:
            return self._planned
        return self.plan_of(self.form.value)

    def plan_of(self, settings: TrainingSettings) -> Plan:
        """The plan that settings of the form stand for, with the corpus as it is now."""
        corpus = self.sources.corpus
        return settings.plan(self._planned, corpus.sample_rate if corpus else self._sample_rate)

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
        return self._corpus_of(self.result)

    def _corpus_of(self, run: Run) -> Corpus:
        """Corpus of a run: what is given here if it is the same, else where it was or beside it."""
        given = None if self.headless else self.sources.corpus
        wanted = run.config.get("corpus", {}).get("hash")
        if given is not None and given.hash == wanted:
            return given
        try:
            return corpus_of_run(run)
        except CorpusError:
            own = self._headless_corpus() if self.headless else None
            if own is None or own.hash != wanted:
                raise
            return own

    def run(self, foreground: bool = False) -> Run | None:
        """Show the view; in a headless run, or in the foreground, train until the end.

        Parameters
        ----------
        foreground : bool, default False
            Whether to train in this cell, with what stands in the form; the kernel's interrupt
            stops it.

        Returns
        -------
        Run or None
            The run, if it was trained here.
        """
        if self.headless:
            return self._train_headless()
        display(self.widget)
        if not foreground:
            return None
        self.sources.wait()
        self.press_start(foreground=True)
        return self.trainer.run

    def press_start(self, foreground: bool | None = None) -> None:
        """What the button Start does: train what stands in the form, in a new folder."""
        if not self.form.is_valid:
            wrong = ", ".join(self.form.problems).replace("_", " ")
            raise ConfigError(f"Settings can't be used: {wrong}. Correct them, or press Reset.")
        corpus = self.sources.wait()
        in_front = self._foreground if foreground is None else foreground
        self.trainer.set_temperatures(self.panel.steering.read_temperatures())
        self.panel.steering.follow(self.value.training)
        self.trainer.start(corpus, self.value, self._device, in_front)

    def press_resume(self) -> None:
        """What the button Resume does: end a pause, or go on with the last run."""
        trainer = self.trainer
        if trainer.is_busy:
            trainer.unpause()
            return
        run = trainer.run or self._last_run()
        if run is None:
            raise TrainingError("There is no run here to go on with; press Start.")
        corpus, training = self._corpus_of(run), self.value.training
        trainer.go_on(run.folder, corpus, training, self._device, self._foreground)

    def _last_run(self) -> Run | None:
        return Run(self._go_on_with) if self._go_on_with else self.trainer.last_run()

    def _make_widget(self) -> None:
        trainer = self.trainer
        found = self._last_run()
        if trainer.state not in BUSY and trainer.run is None and found is not None:
            with contextlib.suppress(OSError, TrainingError):
                trainer.load(found)
        self.sources = Sources(
            self._sounds, self.out, self._sample_rate, lambda: self.panel.corpus_changed()
        )
        self.panel = TrainPanel(self)
        self.form = self.panel.form
        self.widget = self.panel.widget
        self.sources.begin()

    def _train_headless(self) -> Run:
        """Train from the parameters; text line by line, a picture, and the previews as files."""
        line = TextLine()
        if self._go_on_with is not None:
            earlier = Run(self._go_on_with)
            wanted, stored = self._planned.training.to_dict(), earlier.config["training"]
            changes = {n: wanted[n] for n in CHANGEABLE if wanted[n] != stored.get(n)}
            run = resume_run(
                earlier.folder,
                corpus=self._corpus_of(earlier),
                callbacks=[line],
                device=self._device,
                **changes,
            )
        else:
            corpus = self._headless_corpus()
            settings = TrainingSettings.of(self._planned)
            planned = settings.plan(self._planned, corpus.sample_rate)
            run = train_run(
                corpus,
                planned.network,
                new_folder(self.out / "run"),
                io=planned.io,
                callbacks=[line],
                device=self._device,
                **planned.training.to_dict(),
            )
        self.trainer.load(run)
        picture: Picture = loss_curves(run)
        say(f"{len(self.trainer.previews)} previews in {run.samples_folder}")
        say(picture.save(run.folder / "losses.png"))
        return run

    def _headless_corpus(self) -> Corpus:
        sounds = self._sounds
        if isinstance(sounds, Corpus):
            return sounds
        if isinstance(sounds, str | Path):
            return choose_corpus(str(sounds), self.out / "corpus.h5", self._sample_rate)
        return build_beside(list(sounds), self.out / "corpus.h5", self._sample_rate)

    def _ipython_display_(self) -> None:
        if self.widget is not None:
            display(self.widget)
        else:
            say(repr(self))

    def __repr__(self) -> str:
        kind = self.value.network.kind
        return f"TrainView({kind!r}, out={str(self.out)!r}, {self.trainer.state})"
