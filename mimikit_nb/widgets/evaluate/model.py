"""An evaluation: its table, stars and votes, and what can be done with its checkpoints.

Generating and scoring go on in a thread of the kernel; what is done is kept on disk. It makes no
widgets. Main name: :class:`Evaluation`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...arguments import PathArg, Step, checked
from ...checkpoint import Checkpoint, Run, average_checkpoints, compare, export, prune
from ...checkpoint.pruning import surplus
from ...corpus.store import Corpus
from ...errors import CorpusError, ParameterError
from ...evaluation.ranking import DEFAULT_WEIGHTS
from ...progress import Watch
from ...recipes.audition import Notes
from ...recipes.candidates import evaluation_folder, find_checkpoints
from ...recipes.evaluating import evaluate as evaluate_run
from ...recipes.evaluating import place_prompts
from ...recipes.finding import find_corpus
from ...recipes.scored import ranked
from ...recipes.summaries import by_checkpoint, with_intervals
from ...recipes.workspace import new_folder
from ...runtime import say
from ..job import Job
from ..watched import Watched
from .contact_sheet import keep_with_sheet

if TYPE_CHECKING:
    import pandas


class Evaluation(Watched):
    """All checkpoints of a run, heard and scored.

    Parameters
    ----------
    run, corpus, **settings
        See :func:`mimikit_nb.evaluate`.
    foreground : bool
        Whether the work runs in the cell itself.

    Attributes
    ----------
    value : pandas.DataFrame
        The table, best first, with stars and notes; empty before anything was heard.
    notes : Notes
        Stars, notes and votes, kept beside the sounds.
    table : pandas.DataFrame or None
        The same without stars and notes; None before anything was heard.
    folder : Path
        Where all of it is.
    share, doing : float, str
        How much of the work is done, from 0 to 1, and what is at work.
    kept : Path or None
        Folder of the sounds that were kept last.
    """

    def __init__(
        self,
        run: Any,
        corpus: Corpus | str | Path | None,
        foreground: bool,
        settings: dict[str, Any],
    ) -> None:
        super().__init__()
        self.source, self._corpus = run, corpus
        self.foreground, self.settings = foreground, settings
        self.folder = evaluation_folder(run, settings.get("out"))
        self.notes = Notes(self.folder / "notes.json")
        self.kept: Path | None = None
        self.table: pandas.DataFrame | None = None
        self.job = Job(self.work, self.tell, name="evaluate")

    @property
    def value(self) -> pandas.DataFrame:
        """The table, best first, with stars and notes."""
        table = ranked([], None, {}) if self.table is None else self.table
        return self.notes.add_to(table)

    @property
    def corpus(self) -> Corpus | None:
        """What the sounds are compared with, if it is known yet."""
        if not isinstance(self._corpus, Corpus):
            first = next(iter(self.checkpoints().values()))
            self._corpus = find_corpus(first, self._corpus)
        return self._corpus if isinstance(self._corpus, Corpus) else None

    def find_corpus(self) -> Corpus:
        """The corpus, or an error that says that there is none."""
        if self.corpus is None:
            raise CorpusError("The corpus of the training isn't in its place; give it as corpus.")
        return self.corpus

    def place_prompts(self, prompts: str, n: int, prompt_seconds: float) -> list[Any]:
        """Positions of prompts in the corpus: "spread" or "held_out"."""
        first = next(iter(self.checkpoints().values()))
        return place_prompts(self.find_corpus(), first, prompts, n, prompt_seconds)

    @property
    def sources(self) -> list[Any]:
        """What is evaluated: what was given, and the averages made here."""
        given = list(self.source) if isinstance(self.source, list | tuple) else [self.source]
        averages = (self.folder / "averages").glob("*/model.safetensors")
        return [*given, *sorted(path.parent for path in averages)]

    def checkpoints(self) -> dict[str, Checkpoint]:
        """Checkpoints that are evaluated, by name."""
        return find_checkpoints(self.sources, self.settings.get("steps"))

    @property
    def weights(self) -> dict[str, float]:
        """What the rank is made of."""
        return dict(self.settings.get("weights") or DEFAULT_WEIGHTS)

    def weigh(self, weights: dict[str, float]) -> None:
        """Rank anew by other weights; those that aren't named stay."""
        self.settings["weights"] = self.weights | weights
        table = self.table
        while table is not None and len(table):
            anew = ranked(table, self.weights, table.attrs)
            if table is self.table:
                self.table = anew
                return
            table = self.table  # the work brought another one meanwhile

    def start(self) -> None:
        """Begin to generate and score, or go on where it was stopped."""
        self.job.start(self.foreground)

    def stop(self) -> None:
        """End within a moment; what was done stays."""
        self.job.stop()

    @property
    def state(self) -> str:
        """State in a word; stopped too if the time didn't suffice for all sounds."""
        state, table = self.job.state, self.table
        if table is None or state not in ("ready", "finished"):
            return state
        return "stopped" if table.attrs.get("missing") else "finished"

    def keep(self, sounds: list[str]) -> Path:
        """Copy sounds to a new folder with a table and a contact sheet."""
        folder = keep_with_sheet(self.value, self.folder / "kept", sounds, self.corpus)
        self.kept = folder
        return folder

    @checked
    def export_best(self, folder: PathArg, step: Step | None = None) -> Path | None:
        """Export the checkpoint with the best mean rank, or that of a step, with its figures.

        None, and a line of text, if nothing was heard yet.
        """
        means = by_checkpoint(self.value)
        if not len(means):
            say("Nothing was heard yet: press Start above, then run this cell again.")
            return None
        wanted = means["rank_score"].idxmax() if step is None else None
        row = means.loc[wanted] if step is None else means[means["step"] == step].iloc[0]
        return self.export(row["checkpoint"], folder)

    def export(self, name: str, folder: str | Path | None = None) -> Path:
        """Export a checkpoint by its name, with its figures, to a new folder or a given one."""
        means = by_checkpoint(self.value).set_index("checkpoint")
        figures = means.loc[name].to_dict() if name in means.index else {}
        target = new_folder(self.folder / "exported" / name) if folder is None else folder
        return export(self.checkpoints()[name], target, figures)

    def average(self, names: list[str], weights: Any = "uniform") -> Path:
        """Average checkpoints; the next start lets the average be heard beside the others.

        Parameters
        ----------
        names : list of str
            Of :meth:`checkpoints`.
        weights : sequence of float, "uniform" or "ema"
            See :func:`mimikit_nb.average_checkpoints`.

        Returns
        -------
        Path
            The average, exported.
        """
        known = self.checkpoints()
        made = average_checkpoints([known[name] for name in names], weights)
        steps = sorted(known[name].step for name in names)
        spelled = "_".join(map(str, steps)) if len(steps) < 4 else f"{steps[0]}_to_{steps[-1]}"
        return export(made, new_folder(self.folder / "averages" / f"average_{spelled}"))

    def compare(self, a: str, b: str) -> pandas.DataFrame:
        """Two checkpoints side by side: their scores here, then what differs in them."""
        import pandas as pd

        means = by_checkpoint(self.value).set_index("checkpoint")
        scores = with_intervals(means.reindex([a, b]).T.set_axis(["a", "b"], axis=1))
        known = self.checkpoints()
        table = pd.concat([compare(known[a], known[b]), scores])
        return table[~table.index.duplicated()].set_axis([a, b], axis=1)

    def surplus(self, keep: list[str]) -> list[Path]:
        """Files of the run's checkpoints that aren't among the kept ones."""
        return surplus(self._run(), self._steps(keep))

    def prune(self, keep: list[str]) -> list[Path]:
        """Delete the run's checkpoints but some; whoever calls it has asked."""
        return prune(self._run(), self._steps(keep), confirm=lambda _: True)

    def _run(self) -> Run:
        if isinstance(self.source, str | Path) and Run(self.source).checkpoints:
            return Run(self.source)
        if isinstance(self.source, Run):
            return self.source
        raise ParameterError("Only the checkpoints of one run can be pruned; open it by itself.")

    def _steps(self, names: list[str]) -> list[int]:
        """Steps of those of some checkpoints that are the run's own."""
        files = set(self._run().checkpoints.values())
        known = self.checkpoints()
        return [known[name].step for name in names if known[name].path in files]

    def work(self, progress: Watch | None = None) -> pandas.DataFrame:
        """Generate and score what is missing; ``progress`` is told how far and what."""
        self.table = evaluate_run(
            self.sources,
            self._corpus,
            **self.settings | {"out": self.folder},
            progress=progress,
        )
        return self.table
