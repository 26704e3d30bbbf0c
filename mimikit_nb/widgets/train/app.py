"""The training view: choose sounds, set the network, train while listening.

::

    app = train("recordings", network="sample_rnn/tiny", out="runs/sample_rnn")
    app.run()       # shows the view; a headless run trains here and now
    app.result      # the run, in a later cell

Training goes on in a thread of the kernel, whatever the browser does; the same cell run again
finds the training at work and shows it. Main names: :func:`train`, :class:`TrainView`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from IPython.display import display

from ...arguments import PathArg, Rate, checked
from ...checkpoint.run import Run
from ...corpus.store import Corpus
from ...errors import CorpusError
from ...recipes.training import Plan, plan
from ...recipes.training import resume as resume_run
from ...recipes.training import train as train_run
from ...recipes.workspace import choose_corpus, new_folder
from ...runtime import default_device, is_colab, is_headless, say
from ...training.start import CHANGEABLE
from ..pictures import Picture, loss_curves
from .model import Training
from .panel import TrainPanel
from .settings import TrainingSettings
from .sources import Sounds, build_beside
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


class TrainView(Training):
    """A training and the view onto it; made by :func:`train`.

    Attributes
    ----------
    widget : ipywidgets.Widget or None
        What to show; None in a headless run.
    panel : TrainPanel
        All widgets of the view, with the ``form`` of the settings.
    """

    def __init__(
        self, sounds: Sounds, planned: Plan, out: Path, *, headless: bool, **how: Any
    ) -> None:
        super().__init__(sounds, planned, out, **how)
        self.headless, self._sounds = headless, sounds
        self.widget: Any = None
        if not headless:
            self.load_last()
            self.panel = TrainPanel(self)
            self.form, self.widget = self.panel.form, self.panel.widget
            self.sources.begin()

    @property
    def value(self) -> Plan:
        """The plan: as edited in the form, or as passed in."""
        return self.planned if self.headless else self.plan_of(self.form.value)

    def corpus_of(self, run: Run) -> Corpus:
        """Corpus of a run; in a headless run also that of the sounds that were given."""
        try:
            return super().corpus_of(run)
        except CorpusError:
            own = self._headless_corpus() if self.headless else None
            if own is None or own.hash != run.config.get("corpus", {}).get("hash"):
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
        self.panel.start(foreground=True)
        return self.trainer.run

    def _train_headless(self) -> Run:
        """Train from the parameters; text line by line, a picture, and the previews as files."""
        line = TextLine()
        if self.go_on_with is not None:
            earlier = Run(self.go_on_with)
            wanted, stored = self.planned.training.to_dict(), earlier.config["training"]
            changes = {n: wanted[n] for n in CHANGEABLE if wanted[n] != stored.get(n)}
            run = resume_run(
                earlier.folder,
                corpus=self.corpus_of(earlier),
                callbacks=[line],
                device=self.device,
                **changes,
            )
        else:
            corpus = self._headless_corpus()
            settings = TrainingSettings.of(self.planned)
            planned = settings.plan(self.planned, corpus.sample_rate)
            run = train_run(
                corpus,
                planned.network,
                new_folder(self.out / "run"),
                io=planned.io,
                callbacks=[line],
                device=self.device,
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
            return choose_corpus(str(sounds), self.out / "corpus.h5", self.sample_rate)
        return build_beside(list(sounds), self.out / "corpus.h5", self.sample_rate)

    def _ipython_display_(self) -> None:
        if self.widget is not None:
            display(self.widget)
        else:
            say(repr(self))

    def __repr__(self) -> str:
        kind = self.value.network.kind
        return f"TrainView({kind!r}, out={str(self.out)!r}, {self.trainer.state})"
