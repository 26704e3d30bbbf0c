"""The evaluation view: hear all checkpoints of a run, sort, compare blindly, keep.

::

    app = evaluate("runs/freqnet/run_001", corpus, n=4, temperatures=(0.8, 1.0))
    app.run()       # shows the view; a headless run evaluates here and now
    app.value       # the table, in a later cell

Generating and scoring go on in a thread of the kernel; what is done is kept on disk, so that the
view can be closed and opened again. Main names: :func:`evaluate`, :class:`EvaluateView`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from IPython.display import display

from ...arguments import Count, PathArg, checked
from ...corpus.store import Corpus
from ...progress import Progress
from ...recipes.audition import best
from ...recipes.candidates import Source
from ...runtime import is_colab, is_headless, say
from .model import Evaluation
from .panel import EvaluatePanel
from .score_pictures import curves_picture, scatter_picture


@checked
def evaluate(
    run: Source | Sequence[Source],
    corpus: Corpus | PathArg | None = None,
    *,
    keep_best: Count = 3,
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


class EvaluateView(Evaluation):
    """An evaluation, and the view onto it; made by :func:`evaluate`."""

    def __init__(
        self,
        run: Any,
        corpus: Corpus | str | Path | None,
        keep_best: int,
        headless: bool,
        foreground: bool,
        settings: dict[str, Any],
    ) -> None:
        super().__init__(run, corpus, foreground, settings)
        self.keep_best, self.headless = keep_best, headless

    @property
    def widget(self) -> Any:
        """The interactive view; None in a headless run."""
        return None if self.headless else self.panel.widget

    @cached_property
    def panel(self) -> EvaluatePanel:
        """All widgets of the view."""
        return EvaluatePanel(self, self.keep_best)

    def run(self) -> None:
        """Show the view; headless, evaluate now, show pictures and keep the best."""
        if not self.headless:
            display(self.widget)
            return
        self.work(_print_now_and_then())
        table = self.value
        if len(table):
            display(scatter_picture(table), curves_picture(table))
            say(self.keep(best(table, self.keep_best)["path"].tolist()))

    def _ipython_display_(self) -> None:
        if self.widget is not None:
            display(self.widget)


def _print_now_and_then() -> Callable[[Progress], None]:
    """Progress as a line of text, at most every ten seconds."""
    due = [0.0]

    def note(progress: Progress) -> None:
        if time.monotonic() >= due[0]:
            due[0] = time.monotonic() + 10
            say(f"{progress.share:.0%} · {progress.words}")

    return note
