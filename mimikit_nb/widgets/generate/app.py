"""Let a checkpoint continue passages that are chosen by hand, listen, go on with some, save.

::

    app = generate("runs", prompts=[3.0, 12.5])
    app.run()         # shows the view; a headless run generates and saves here and now
    app.value         # the sounds that were made
    app.checkpoint, app.corpus, app.prompts     # what was chosen, for other cells

Main names: :func:`generate`, :class:`GenerateView`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from IPython.display import display

from ...arguments import PathArg, Position, Step, checked
from ...checkpoint.run import Run
from ...corpus.store import Corpus
from ...errors import CheckpointError
from ...recipes.workspace import find_runs
from ...runtime import is_colab, is_headless, say
from .model import GenerateSettings, Generation
from .panel import GeneratePanel


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
        Fields of :class:`~mimikit_nb.widgets.generate.model.GenerateSettings`.

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


class GenerateView(Generation):
    """Sounds behind prompts, and the view to choose and hear them; made by :func:`generate`."""

    def __init__(self, *choices: Any, headless: bool, foreground: bool) -> None:
        super().__init__(*choices, foreground=foreground)
        self.headless = headless

    @property
    def widget(self) -> Any:
        """The interactive view; None in a headless run."""
        return None if self.headless else self.panel.widget

    @cached_property
    def panel(self) -> GeneratePanel:
        """All widgets of the view."""
        return GeneratePanel(self)

    def run(self) -> list[Path] | None:
        """Show the view; headless, generate, save, and print the paths."""
        if not self.headless:
            display(self.widget)
            return None
        self.make()
        paths = self.save()
        say(*paths)
        return paths

    def _ipython_display_(self) -> None:
        if self.widget is not None:
            display(self.widget)
        else:
            say(repr(self))

    def __repr__(self) -> str:
        return f"GenerateView({self.run_name!r}, {len(self.value)} sounds, {len(self.saved)} saved)"
