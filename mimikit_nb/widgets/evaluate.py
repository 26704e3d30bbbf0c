"""The evaluation view: hear all checkpoints of a run, sort, compare blindly, keep.

::

    app = evaluate("runs/freqnet/run_001", corpus, n=4, temperatures=(0.8, 1.0))
    app.run()       # shows the view; a headless run evaluates here and now
    app.value       # the table, in a later cell

Generating and scoring go on in a thread of the kernel; what is done is kept on disk, so that the
view can be closed and opened again. Main names: :func:`evaluate`, :class:`EvaluateView`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.display import display

from ..checkpoint import export
from ..corpus.store import Corpus
from ..recipes.audition import Notes, best
from ..recipes.evaluating import (
    Source,
    evaluation_folder,
    find_checkpoints,
    ranked,
)
from ..recipes.evaluating import evaluate as evaluate_run
from ..recipes.generating import find_corpus
from ..recipes.summaries import by_checkpoint
from ..runtime import is_colab, is_headless
from .contact_sheet import keep_with_sheet
from .job import Job
from .scatter import curves_picture, scatter_picture

if TYPE_CHECKING:
    import pandas


def evaluate(
    run: Source | list[Source],
    corpus: Corpus | str | Path | None = None,
    *,
    keep_best: int = 3,
    headless: bool | None = None,
    foreground: bool | None = None,
    **settings: Any,
) -> EvaluateView:
    """Let the checkpoints of a run be heard, and choose by ear.

    Parameters
    ----------
    run : path, Run, Checkpoint, or several of these
        See :func:`mimikit_nb.evaluate`.
    corpus : Corpus or path, optional
        See :func:`mimikit_nb.evaluate`.
    keep_best : int > 0, default 3
        How many sounds a headless run keeps.
    headless : bool, optional
        Whether to show pictures instead of widgets; found out if None.
    foreground : bool, optional
        Whether the work runs in the cell itself; in Colab, if None.
    **settings
        ``n``, ``seconds``, ``temperatures`` and whatever else :func:`mimikit_nb.evaluate` takes.

    Returns
    -------
    EvaluateView
        ``.run()`` shows it.
    """
    return EvaluateView(
        run,
        corpus,
        keep_best,
        is_headless() if headless is None else headless,
        is_colab() if foreground is None else foreground,
        settings,
    )


class EvaluateView:
    """An evaluation, and the view onto it; made by :func:`evaluate`.

    Attributes
    ----------
    value : pandas.DataFrame
        The table, best first, with stars and notes; empty before anything was heard.
    notes : Notes
        Stars, notes and votes, kept beside the sounds.
    folder : Path
        Where all of it is.
    """

    def __init__(
        self,
        run: Any,
        corpus: Corpus | str | Path | None,
        keep_best: int,
        headless: bool,
        foreground: bool,
        settings: dict[str, Any],
    ) -> None:
        self.source, self._corpus, self.keep_best = run, corpus, keep_best
        self.headless, self._foreground, self.settings = headless, foreground, settings
        self.folder = evaluation_folder(run, settings.get("out"))
        self.notes = Notes(self.folder / "notes.json")
        self.share, self.doing = 0.0, ""
        self.kept: Path | None = None
        self._table: pandas.DataFrame | None = None
        self._stop = threading.Event()
        self._began = 0.0
        self.job = Job(self._work, self._refresh, name="evaluate")
        self._panel: Any = None

    @property
    def value(self) -> pandas.DataFrame:
        """The table, best first, with stars and notes."""
        table = ranked([], None, {}) if self._table is None else self._table
        return self.notes.add_to(table)

    @property
    def widget(self) -> Any:
        """The interactive view; None in a headless run."""
        if self._panel is None and not self.headless:
            from .evaluate_panel import EvaluatePanel

            self._panel = EvaluatePanel(self)
        return None if self._panel is None else self._panel.widget

    @property
    def corpus(self) -> Corpus | None:
        """What the sounds are compared with, if it is known yet."""
        if not isinstance(self._corpus, Corpus):
            first = next(iter(find_checkpoints(self.source).values()))
            self._corpus = find_corpus(first, self._corpus)
        return self._corpus if isinstance(self._corpus, Corpus) else None

    def run(self) -> None:
        """Show the view; headless, evaluate now, show pictures and keep the best."""
        if not self.headless:
            display(self.widget)
            return
        self._work(_print_now_and_then())
        table = self.value
        if len(table):
            display(scatter_picture(table), curves_picture(table))
            print(self.keep(best(table, self.keep_best)["path"].tolist()))

    def start(self) -> None:
        """Begin to generate and score, or go on where it was stopped."""
        self._stop.clear()
        self._began = time.monotonic()
        self.job.start(self._foreground)

    def stop(self) -> None:
        """End within a moment; what was done stays."""
        self._stop.set()

    def keep(self, sounds: list[str]) -> Path:
        """Copy sounds to a new folder with a table and a contact sheet."""
        folder = keep_with_sheet(self.value, self.folder / "kept", sounds, self.corpus)
        self.kept = folder
        return folder

    def export_best(self, folder: str | Path, step: int | None = None) -> Path | None:
        """Export the checkpoint with the best mean rank, or that of a step, with its figures.

        None, and a line of text, if nothing was heard yet.
        """
        means = by_checkpoint(self.value)
        if not len(means):
            print("Nothing was heard yet: press Start above, then run this cell again.")
            return None
        wanted = means["rank_score"].idxmax() if step is None else None
        row = means.loc[wanted] if step is None else means[means["step"] == step].iloc[0]
        chosen = find_checkpoints(self.source, self.settings.get("steps"))[row["checkpoint"]]
        return export(chosen, folder, row.drop("checkpoint").to_dict())

    @property
    def seconds_left(self) -> float:
        """Estimate of the time that the work still takes."""
        spent = time.monotonic() - self._began
        return spent * (1 - self.share) / self.share if self.share > 0.02 else float("nan")

    def _work(self, progress: Any = None) -> pandas.DataFrame:
        def note(share: float, what: str) -> None:
            self.share, self.doing = share, what
            if progress is not None:
                progress(share, what)
            self.job.touch()

        self._table = evaluate_run(
            self.source,
            self._corpus,
            **self.settings,
            progress=note,
            should_stop=self._stop.is_set,
        )
        return self._table

    def _refresh(self) -> None:
        if self._panel is not None:
            self._panel.refresh()

    def _ipython_display_(self) -> None:
        if self.widget is not None:
            display(self.widget)


def _print_now_and_then() -> Callable[[float, str], None]:
    """Progress as a line of text, at most every ten seconds."""
    due = [0.0]

    def note(share: float, what: str) -> None:
        if time.monotonic() >= due[0]:
            due[0] = time.monotonic() + 10
            print(f"{share:.0%} · {what}", flush=True)

    return note
