"""The ensemble view: compose with trained networks, on a timeline that is heard.

::

    app = ensemble("scores/dialogue.yaml", "corpora/mine.h5", runs="runs", seconds=30)
    app.run()       # shows the view; a headless run generates, writes and draws
    app.value       # the piece, in a later cell

Prompts are places on the corpus, turns blocks on a timeline; what was generated and not changed
since is kept, sample by sample. Draft and takes live in the kernel: the cell run again shows
them as they were left. Main names: :func:`ensemble`, :class:`EnsembleView`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.display import display

from ...arguments import PathArg, Seconds, Seed, checked
from ...corpus.store import Corpus, open_corpus
from ...generation.ensemble.draft import Draft
from ...generation.ensemble.piece import Ensemble
from ...runtime import is_headless, say
from ..kept import kept
from ..pictures import Picture
from .composer import Composer
from .lanes import draw_lanes
from .model import EnsembleModel
from .panel import EnsemblePanel

if TYPE_CHECKING:
    import pandas


@checked
def ensemble(
    score: Any = (),
    corpus: Corpus | PathArg | None = None,
    *,
    runs: PathArg = Path("runs"),
    seconds: Seconds | None = None,
    seed: Seed = 0,
    prompts: Sequence[tuple[float, float]] = (),
    out: PathArg = Path("outputs/ensemble"),
    headless: bool | None = None,
) -> EnsembleView:
    """Compose a piece for several networks, by hand or from a score.

    Parameters
    ----------
    score : Score or what makes one, default none
        To begin with: a YAML file, a sound that :func:`mimikit_nb.ensemble` or this view saved,
        a list of events. Patterns are unrolled with the seed.
    corpus : Corpus or path, optional
        Where prompts and regions come from; may be chosen in the view.
    runs : str or Path, default "runs"
        Folder to choose networks and corpora from.
    seconds : float, optional
        How much of the score; needed if it has no end.
    seed : int >= 0, default 0
        The same seed and score make the same piece.
    prompts : sequence of (start, seconds)
        Passages of the corpus to continue: one variation of the piece each.
    out : str or Path
        Folder that is written to.
    headless : bool, optional
        Whether to write files and pictures instead of showing widgets; found out if None.

    Returns
    -------
    EnsembleView
        ``.run()`` shows it; ``.value`` is the piece.

    Raises
    ------
    ConfigError
        If the score has an event that isn't one.
    ParameterError
        If the score has no end and no ``seconds`` are given.
    """
    corpus = open_corpus(corpus) if isinstance(corpus, str | Path) else corpus
    is_still = is_headless() if headless is None else headless
    draft = _first_draft(score, seed, seconds)
    if prompts:
        draft = Draft(draft.rows, tuple(sorted((float(a), float(n)) for a, n in prompts)))
    key = (str(Path(out).absolute()), None if corpus is None else corpus.hash, seed, repr(draft))
    composer = kept(Composer, key, lambda: Composer(draft, corpus, seed))
    return EnsembleView(composer, Path(runs), Path(out), is_still)


class EnsembleView(EnsembleModel):
    """A piece in the making, and the view onto it; made by :func:`ensemble`."""

    def __init__(self, composer: Composer, runs: Path, out: Path, headless: bool) -> None:
        super().__init__(composer, runs, out)
        self.headless = headless

    @property
    def widget(self) -> Any:
        """The interactive view; None in a headless run."""
        return None if self.headless else self.panel.widget

    @cached_property
    def panel(self) -> EnsemblePanel:
        """All widgets of the view."""
        return EnsemblePanel(self)

    def run(self, with_stems: bool = True) -> Picture | None:
        """Show the view, and generate what it begins with; headless, write files too.

        Parameters
        ----------
        with_stems : bool, default True
            Whether a headless run writes a stem per generator too.

        Returns
        -------
        Picture or None
            In a headless run the first variation with its turns.
        """
        if not self.headless:
            display(self.widget)
            if self.composer.draft.n_turns and self.composer.job.state == "ready":
                self.composer.generate()
            return None
        self.composer.generate(foreground=True)
        self.composer.take()
        self.paths = self.save(with_stems)
        return self.picture()

    def timeline_picture(self) -> Picture:
        """The turns as they are planned."""
        return draw_lanes(self.composer.draft)

    def _ipython_display_(self) -> None:
        if self.widget is not None:
            display(self.widget)
        else:
            say(repr(self))

    def __repr__(self) -> str:
        draft = self.composer.draft
        return f"EnsembleView({draft.n_turns} turns, {draft.seconds:.1f} s)"


def _first_draft(score: Any, seed: int, seconds: float | None) -> Draft:
    is_none = isinstance(score, list | tuple | str) and not score
    return Draft() if is_none else Draft.of(score, seed, seconds)


def turns_table(made: Ensemble) -> pandas.DataFrame:
    """Turns of a piece as a table: start, stop, generator, temperature, prompt, seed.

    Parameters
    ----------
    made : Ensemble
        From :func:`mimikit_nb.ensemble` or the view.
    """
    import pandas as pd

    rows = [
        {
            "start": round(turn.start, 3),
            "stop": round(turn.stop, 3),
            "generator": turn.generator,
            "temperature": turn.parameters["temperature"],
            "prompt": str(turn.parameters["prompt"]),
            "seed": turn.parameters["seed"],
        }
        for turn in made.turns
    ]
    return pd.DataFrame(rows)
