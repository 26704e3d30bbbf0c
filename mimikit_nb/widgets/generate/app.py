"""Let a checkpoint continue passages that are chosen by hand, listen, go on with some, save.

::

    app = generate("runs", prompts=[3.0, 12.5])
    app.run()         # shows the view; a headless run generates and saves here and now
    app.value         # the sounds that were made
    app.checkpoint, app.corpus, app.prompts     # what was chosen, for other cells

Main names: :func:`generate`, :class:`GenerateView`.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from IPython.display import display

from ...arguments import PathArg, Position, Step, checked
from ...checkpoint import Checkpoint, load_checkpoint
from ...checkpoint.run import Run
from ...config import field
from ...corpus.store import Corpus
from ...errors import CheckpointError, ParameterError
from ...generation.controls import OPTIONAL, RecordedSettings, refuse_given
from ...generation.output import Generated
from ...generation.prompts import spread_positions
from ...recipes.finding import find_corpus
from ...recipes.generating import extend
from ...recipes.generating import generate as generate_sounds
from ...recipes.replaying import with_replay
from ...recipes.workspace import find_runs
from ...runtime import is_colab, is_headless, say
from ..job import Job

MOST_SOUNDS = 24  # in a view


class GenerateSettings(RecordedSettings):
    """How passages are continued."""

    seconds: float = field(5.0, gt=0, le=120, unit="s", scale="log")
    "New sound behind each prompt."
    prompt_seconds: float = field(1.0, gt=0, le=10, unit="s", scale="log")
    "Length of the prompts."
    temperature: float = field(1.0, ge=0, le=2)
    "Spread of the draws: 0 is always the likeliest, 1 as learned, above it gets wilder."
    top_p: float = field(1.0, gt=0, le=1)
    "Draw only among the likeliest values that together have this probability."
    variations: int = field(1, ge=1, le=8)
    "Sounds behind each prompt, each with a seed of its own."
    seed: int = field(0, ge=0)
    "Seed of the first sound; the others count on from it."


class Stopped(Exception):
    """Somebody pressed Stop."""


@checked
def generate(
    run: Run | PathArg = Path("runs"),
    corpus: Corpus | PathArg | None = None,
    prompts: Sequence[Position | PathArg] = (),
    *,
    step: Step | None = None,
    out: PathArg = Path("outputs/generated"),
    device: str | None = "cpu",
    headless: bool | None = None,
    foreground: bool | None = None,
    **settings: Any,
) -> GenerateView:
    """Choose a run, a checkpoint and prompts by hand, and let the network continue them.

    Parameters
    ----------
    run : path or Run, default "runs"
        A run, or a folder to choose one of.
    corpus : Corpus or path, optional
        Where prompts are cut from; the one it was trained on if that is still in its place.
    prompts : sequence, optional
        Positions in the corpus in seconds, or sound files; three positions if there are none.
    step : int, optional
        Training step of the checkpoint; the last one if not given.
    out : path, default "outputs/generated"
        Folder that sounds are saved to.
    device : str, default "cpu"
        Where to run.
    headless : bool, optional
        Whether to generate and save at once instead of making widgets; found out if None.
    foreground : bool, optional
        Whether sounds are made in the callback of the button instead of a thread; in Colab if
        None.
    **settings
        Fields of :class:`GenerateSettings`.

    Returns
    -------
    GenerateView
        ``.run()`` shows it.

    Raises
    ------
    CheckpointError
        If there is no run with a checkpoint.
    ConfigError
        If a setting is unknown or out of range.
    """
    runs = {run.folder.name: run} if isinstance(run, Run) else find_runs(run)
    if not runs:
        raise CheckpointError(
            f"There is no run with a checkpoint in {run}; train one with one of the notebooks "
            "20 to 25, or give the folder of one."
        )
    return GenerateView(
        runs,
        corpus,
        list(prompts),
        step,
        GenerateSettings(**settings),
        Path(out),
        device,
        headless=is_headless() if headless is None else headless,
        foreground=is_colab() if foreground is None else foreground,
    )


class GenerateView:
    """Sounds behind prompts, and the view to choose and hear them; made by :func:`generate`.

    Attributes
    ----------
    runs : dict of Run
        What can be chosen, by name.
    checkpoint : Checkpoint
        What is chosen.
    corpus : Corpus or None
        Where prompts are cut from.
    positions : list of float
        Prompts on the corpus, in seconds.
    files : list of Path
        Prompts from elsewhere.
    settings : GenerateSettings
    value : list of Generated
        What was made, a sound each, in the order of time.
    saved : dict of int to Path
        Files of those that were saved, by their place in ``value``.
    """

    def __init__(
        self,
        runs: dict[str, Run],
        corpus: Corpus | str | Path | None,
        prompts: list[float | str | Path],
        step: int | None,
        settings: GenerateSettings,
        out: Path,
        device: str | None,
        *,
        headless: bool,
        foreground: bool,
    ) -> None:
        self.runs, self._corpus, self.out, self.device = runs, corpus, out, device
        self.settings, self.headless, self.foreground = settings, headless, foreground
        self.files = [Path(p) for p in prompts if isinstance(p, str | Path)]
        self.value: list[Generated] = []
        self.saved: dict[int, Path] = {}
        self.share = 0.0
        self._stop = threading.Event()
        self.choose(next(iter(runs)), step)
        given = [name for name in OPTIONAL if getattr(settings, name) is not None]
        refuse_given(given, self.checkpoint.io.own_controls)
        self.positions = [float(p) for p in prompts if not isinstance(p, str | Path)]
        if not prompts and self.corpus is not None:
            self.positions = spread_positions(self.corpus, 3, settings.prompt_seconds)
        self.job = Job(lambda: self._work(), lambda: self._refresh(), name="generate")
        self._work = self.make
        self._panel: Any = None

    # -- what is chosen ----------------------------------------------------------------------------

    def choose(self, name: str, step: int | None = None) -> None:
        """Take a run and one of its checkpoints, the last one if ``step`` is None."""
        self.run_name = name
        self.checkpoint: Checkpoint = load_checkpoint(self.runs[name].folder, step)
        self.corpus = find_corpus(self.checkpoint, self._corpus)
        self.settings = self.settings.with_own(self.checkpoint.io.own_controls)

    @property
    def prompts(self) -> list[float | Path] | None:
        """All prompts, as :func:`mimikit_nb.generate` and :func:`mimikit_nb.live` take them."""
        return [*self.positions, *self.files] or None

    # -- doing -------------------------------------------------------------------------------------

    def make(self) -> None:
        """Let the network continue all prompts."""
        s, prompts = self.settings, self.prompts
        n = s.variations * len(prompts or [None])
        if len(self.value) + n > MOST_SOUNDS:
            raise ParameterError(
                f"There would be {len(self.value) + n} sounds here; save what you like and press "
                f"Clear, at most {MOST_SOUNDS} are shown."
            )
        made = generate_sounds(
            *(self.checkpoint, self.corpus, prompts, s.prompt_seconds, s.seconds),
            *(s.temperature, s.variations, s.seed),
            top_p=s.top_p,
            recorded=s.recorded,
            follow=s.follow,
            device=self.device,
            progress=self._tell,
        )
        assert isinstance(made, Generated)
        self.value += with_replay(made, self.checkpoint, self.corpus).split()

    def extend(self, index: int, seconds: float) -> None:
        """Go on with one sound as if it hadn't stopped; what was saved of it stays as it is."""
        ck = self.checkpoint if self._is_of_checkpoint(index) else None
        longer = extend(
            self.value[index],
            seconds,
            ck=ck,
            corpus=self.corpus,
            device=self.device,
            progress=self._tell,
        )
        assert isinstance(longer, Generated)
        self.value[index] = with_replay(longer, ck, self.corpus)
        self.saved.pop(index, None)

    def save(self, index: int | None = None) -> list[Path]:
        """Write one sound, or all that aren't written yet; existing files are never replaced."""
        wanted = range(len(self.value)) if index is None else [index]
        return [self.saved.get(i) or self._save(i) for i in wanted]

    def _save(self, index: int) -> Path:
        made = self.value[index]
        path = made.save(self.out)[0]
        if made is self.value[index]:  # and wasn't extended meanwhile
            self.saved[index] = path
        return path

    def clear(self) -> None:
        """Forget the sounds; files stay."""
        self.value, self.saved = [], {}

    def start(self, work: Any) -> None:
        """Begin with ``work`` beside the notebook, unless something is at work."""
        if not self.job.is_alive:
            self._work, self.share = work, 0.0
            self._stop.clear()
            self.job.start(self.foreground)

    def stop(self) -> None:
        """End within a moment; what isn't finished is dropped."""
        self._stop.set()

    def run(self) -> list[Path] | None:
        """Show the view; headless, generate, save, and print the paths."""
        if not self.headless:
            display(self.widget)
            return None
        self.make()
        paths = self.save()
        say(*paths)
        return paths

    @property
    def widget(self) -> Any:
        """The interactive view; None in a headless run."""
        if self._panel is None and not self.headless:
            from .panel import GeneratePanel

            self._panel = GeneratePanel(self)
        return None if self._panel is None else self._panel.widget

    def _is_of_checkpoint(self, index: int) -> bool:
        return self.value[index].recall[0]["checkpoint"]["hash"] == self.checkpoint.hash

    def _tell(self, done: float, wanted: float) -> None:
        if self._stop.is_set():
            raise Stopped
        self.share = done / wanted
        self.job.touch()

    def _refresh(self) -> None:
        if self._panel is not None:
            self._panel.refresh()

    def _ipython_display_(self) -> None:
        if self.widget is not None:
            display(self.widget)
        else:
            say(repr(self))

    def __repr__(self) -> str:
        return f"GenerateView({self.run_name!r}, {len(self.value)} sounds, {len(self.saved)} saved)"
