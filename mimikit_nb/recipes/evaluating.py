"""Evaluate the checkpoints of a run: generate, score, rank: :func:`evaluate`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..audio.atomic import replacing
from ..audio.files import load
from ..audio.recall import read_recall
from ..checkpoint import Checkpoint, Run, load_checkpoint
from ..corpus.store import Corpus
from ..errors import CorpusError, ParameterError, PromptError
from ..evaluation.index import CorpusIndex
from ..evaluation.measures import DISTANCES
from ..evaluation.ranking import DEFAULT_WEIGHTS, pareto_front, rank
from ..evaluation.scoring import score
from ..generation.prompts import spread_positions
from .generating import find_corpus
from .matrix import Cell, batches, make_cells, plan_cells
from .teacher_forced import spectral_convergence

if TYPE_CHECKING:
    import pandas

Source = str | Path | Run | Checkpoint
Progress = Callable[[float, str], None]

COLUMNS = (
    *("checkpoint", "step", "prompt", "temperature", "seed", "prompt_seconds", "seconds"),
    *("novelty", "longest_copy_seconds", "copy_position_seconds", "copy_start_seconds"),
    *("same_recording_seconds", "fidelity", "flags", *(f"{d}_distance" for d in DISTANCES)),
    *("entropy", "repeat_rate", "coverage", "level_db", "path", "loss", "held_out_loss"),
    *("spectral_convergence", "pareto", "rank_score"),
)
"Columns of the table."

TABLE_NAME, INDEX_NAME, SOUNDS_NAME = "table.csv", "corpus_index.safetensors", "sounds"


def evaluate(
    run: Source | Sequence[Source],
    corpus: Corpus | str | Path | None = None,
    n: int = 4,
    seconds: float = 10.0,
    *,
    temperatures: Sequence[float] | float = (1.0,),
    seeds: Sequence[int] | int = (0,),
    prompts: str | Sequence[float | str | Path] = "spread",
    prompt_seconds: float = 1.0,
    steps: Sequence[int] | None = None,
    weights: Mapping[str, float] | None = None,
    max_minutes: float | None = None,
    batch_size: int = 32,
    out: str | Path | None = None,
    device: str | None = "cpu",
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> pandas.DataFrame:
    """Let every checkpoint of a run be heard, score what is heard, and rank it.

    Every checkpoint continues the same prompts with the same seeds, so that only the network
    differs. Sounds and scores are kept in a folder as they are made: interrupted and called
    again, it goes on; called with more prompts or temperatures, it makes only those.

    Parameters
    ----------
    run : path, Run, Checkpoint, or several of these
        A run (all its checkpoints), single checkpoints, exported folders, averages.
    corpus : Corpus or path, optional
        Where prompts are cut from, and what to compare with; the one of the training if that is
        still in its place.
    n : int > 0, default 4
        Prompts, spread evenly over the corpus.
    seconds : float > 0, default 10
        New sound behind each prompt; only that is scored.
    temperatures, seeds : sequence
        Each prompt is continued with each pair.
    prompts : "spread", "held_out" or sequence, default "spread"
        Where prompts come from: all of the corpus, what was held out of training, or a list of
        positions in seconds and sound files.
    prompt_seconds : float > 0, default 1
        Length of the prompts.
    steps : sequence of int, optional
        Which checkpoints of a run; all if not given.
    weights : mapping of str to float, optional
        What the rank is made of, see :func:`rank`: columns of the table and their weights.
    max_minutes : float > 0, optional
        When to stop. Every checkpoint is then heard with the first prompt before any is heard
        with the second.
    batch_size : int > 0, default 32
        Sounds generated at once.
    out : path, optional
        Folder for sounds and table; ``evaluation`` in the run's folder if not given.
    device : str, default "cpu"
        Where to generate; None: the best there is.
    progress : callable, optional
        Called with the share done (0 to 1) and what is being done.
    should_stop : callable, optional
        Asked again and again; True ends it within a moment, with what there is.

    Returns
    -------
    pandas.DataFrame
        Best first. ``checkpoint``, ``step``, ``prompt``, ``temperature``, ``seed``, all scores of
        :func:`score` (``novelty``, ``fidelity``, ``longest_copy_seconds`` ...), ``flags``,
        ``loss`` and ``held_out_loss`` of the checkpoint, ``rank_score``, ``pareto`` (nothing is
        both newer and nearer), ``path``. ``.attrs`` has the ``folder``, what ``real`` audio and
        ``planted`` failures score, and ``missing``: how many sounds the time didn't suffice for.

    Raises
    ------
    CheckpointError
        If there is no checkpoint.
    CorpusError
        If the corpus isn't given and not in its place.
    ParameterError, PromptError
        If a value is out of range, or a prompt can't be used.
    """
    checkpoints = find_checkpoints(run, steps)
    first = next(iter(checkpoints.values()))
    found = find_corpus(first, corpus)
    if found is None:
        raise CorpusError("The corpus of the training isn't in its place; give it as corpus.")
    _check(n, seconds, prompt_seconds, batch_size, max_minutes)
    folder = evaluation_folder(run, out)
    cells = plan_cells(
        checkpoints,
        _positions(found, first, prompts, n, prompt_seconds),
        _as_list(temperatures, "temperature"),
        _as_list(seeds, "seed"),
        prompt_seconds,
        seconds,
        folder / SOUNDS_NAME,
    )
    work = _Work(checkpoints, found, cells, folder, device, progress, should_stop, max_minutes)
    rows = work.run(seconds, batch_size)
    return ranked(rows, weights, work.facts | {"missing": len(cells) - len(rows)})


def find_checkpoints(
    run: Source | Sequence[Source], steps: Sequence[int] | None = None
) -> dict[str, Checkpoint]:
    """Checkpoints by name: all of a run, or those that were given.

    Parameters
    ----------
    run : path, Run, Checkpoint, or several of these
        As for :func:`evaluate`.
    steps : sequence of int, optional
        Which checkpoints of a run.

    Raises
    ------
    CheckpointError
        If there is none.
    """
    sources = run if isinstance(run, Sequence) and not isinstance(run, str) else [run]
    found: dict[str, Checkpoint] = {}
    for source in sources:
        if isinstance(source, Checkpoint):
            items = [source]
        else:
            folder = source if isinstance(source, Run) else Run(source)
            known = folder.checkpoints if folder.folder.is_dir() else {}
            wanted: list[int | None] = [*known] if steps is None else [*steps]
            place = source if isinstance(source, Run) else Path(source)
            items = [load_checkpoint(place, step) for step in wanted or [None]]
        for item in items:
            found[_free_name(_name(item, len(sources) > 1), found)] = item
    if not found:
        raise ParameterError("There are no checkpoints to evaluate; give a run or a checkpoint.")
    return found


def _name(checkpoint: Checkpoint, is_one_of_many: bool) -> str:
    path = checkpoint.path
    if path is None:
        return f"average_{checkpoint.hash[:8]}"
    if not path.stem.startswith("step_"):
        return path.parent.name
    return f"{path.parents[1].name}_{path.stem}" if is_one_of_many else path.stem


def _free_name(name: str, taken: Mapping[str, Any]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def evaluation_folder(run: Source | Sequence[Source], out: str | Path | None) -> Path:
    """Where sounds, scores and notes of an evaluation are kept."""
    if out is not None:
        return Path(out)
    if isinstance(run, Run):
        return run.folder / "evaluation"
    if isinstance(run, str | Path) and Run(run).checkpoints:
        return Path(run) / "evaluation"
    raise ParameterError("Several checkpoints have no folder in common; give one as out.")


def _check(
    n: int, seconds: float, prompt_seconds: float, batch_size: int, max_minutes: float | None
) -> None:
    values = {"n": n, "seconds": seconds, "prompt_seconds": prompt_seconds}
    values |= {"batch_size": batch_size}
    if max_minutes is not None:
        values["max_minutes"] = max_minutes
    for name, value in values.items():
        if not value > 0:
            raise ParameterError(f"{name} is {value}; it must be above 0.")


def _as_list(values: Any, name: str) -> list[Any]:
    found = [values] if isinstance(values, int | float) else list(values)
    if not found:
        raise ParameterError(f"There is no {name}; give at least one.")
    return found


def _positions(
    corpus: Corpus, checkpoint: Checkpoint, prompts: Any, n: int, prompt_seconds: float
) -> list[Any]:
    """Where the prompts come from."""
    if not isinstance(prompts, str):
        found = list(prompts)
        if not found:
            raise ParameterError("There are no prompts; give at least one position or file.")
        return found
    if prompts == "spread":
        return [round(p, 3) for p in spread_positions(corpus, n, prompt_seconds)]
    if prompts != "held_out":
        raise ParameterError(
            f"prompts is {prompts!r}; it must be 'spread', 'held_out' or a list of positions in "
            "seconds and sound files."
        )
    rate = corpus.sample_rate
    rooms = [
        (start / rate, stop / rate - prompt_seconds)
        for start, stop in held_out_parts(checkpoint, corpus)
        if stop - start >= prompt_seconds * rate
    ]
    if not rooms:
        raise PromptError(
            f"No held-out part of the corpus is as long as the prompt ({prompt_seconds:g} s); use "
            "a shorter prompt, or prompts='spread'."
        )
    chosen = np.linspace(0, len(rooms), n, endpoint=False).astype(int)
    within = [np.flatnonzero(chosen == room).tolist().index(i) for i, room in enumerate(chosen)]
    counts = np.bincount(chosen, minlength=len(rooms))
    return [
        round(rooms[r][0] + (rooms[r][1] - rooms[r][0]) * k / max(1, counts[r] - 1), 3)
        for r, k in zip(chosen.tolist(), within, strict=True)
    ]


def held_out_parts(checkpoint: Checkpoint, corpus: Corpus) -> list[tuple[int, int]]:
    """What of a corpus a checkpoint was not trained on, in samples; nothing of another corpus."""
    if checkpoint.corpus_hash != corpus.hash:
        return []
    training = checkpoint.training
    return corpus.split(training.get("held_out", 0.0), training.get("seed", 0)).held_out


class _Stopped(Exception):
    """The work was stopped by hand."""


@dataclass
class _Work:
    """One evaluation under way."""

    checkpoints: dict[str, Checkpoint]
    corpus: Corpus
    cells: list[Cell]
    folder: Path
    device: str | None
    progress: Progress | None
    should_stop: Callable[[], bool] | None
    max_minutes: float | None
    facts: dict[str, Any] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)
    _n_done: int = 0

    def run(self, seconds: float, batch_size: int) -> list[dict[str, Any]]:
        """Generate and score batch by batch; the rows of what was done."""
        rows: list[dict[str, Any]] = []
        try:
            index = self._index(seconds)
            kept = _kept_rows(self.folder, index.signature)
            limit = self.max_minutes is not None
            for batch in batches(self.cells, batch_size, prompt_by_prompt=limit):
                if rows and self._is_late(len(rows), len(batch)):
                    break
                rows += self._do(batch, index, kept)
                _write_table(self.folder, [*kept.values()])
        except _Stopped:
            pass
        done = {row["path"] for row in rows}
        names = {cell.checkpoint for cell in self.cells if str(cell.path) in done}
        figures = {name: self._figures(name) for name in self.checkpoints if name in names}
        return [{**row, **figures[row["checkpoint"]]} for row in rows]

    def _index(self, seconds: float) -> CorpusIndex:
        self._say(0.0, "listening to the corpus")
        first = next(iter(self.checkpoints.values()))
        self.folder.mkdir(parents=True, exist_ok=True)
        index = CorpusIndex.build(
            self.corpus,
            held_out=held_out_parts(first, self.corpus),
            excerpt_seconds=seconds,
            cache=self.folder / INDEX_NAME,
        )
        known = index.calibration.to_dict()
        self.facts = {"folder": str(self.folder)} | {k: known[k] for k in ("real", "planted")}
        return index

    def _do(
        self, batch: list[Cell], index: CorpusIndex, kept: dict[str, dict[str, Any]]
    ) -> list[dict[str, Any]]:
        name = batch[0].checkpoint
        total, rows = len(self.cells), []

        def heard(done: float, wanted: float) -> None:
            self._say((self._n_done + 0.7 * len(batch) * done / wanted) / total, f"{name}: plays")

        make_cells(batch, self.checkpoints[name], self.corpus, self.device, heard)
        for i, cell in enumerate(batch, start=1):
            path = str(cell.path)
            if path not in kept:
                kept[path] = {
                    "checkpoint": name,
                    "step": self.checkpoints[name].step,
                    **cell.settings,
                    **_scores(cell.path, index),
                    "path": path,
                    "scored_with": _digest(index.signature),
                }
            rows.append({**kept[path], "checkpoint": name, **cell.settings})
            share = (self._n_done + len(batch) * (0.7 + 0.3 * i / len(batch))) / total
            self._say(share, f"{name}: is scored")
        self._n_done += len(batch)
        return rows

    def _is_late(self, n_done: int, n_next: int) -> bool:
        """Whether the next batch would most likely not be done in time."""
        if self.max_minutes is None:
            return False
        spent = time.monotonic() - self._began
        return spent * (1 + n_next / n_done) > 60 * self.max_minutes

    def _figures(self, name: str) -> dict[str, Any]:
        """What is known of a checkpoint without generating."""
        checkpoint, nothing = self.checkpoints[name], float("nan")
        return {
            "loss": checkpoint.metrics.get("loss", nothing),
            "held_out_loss": checkpoint.metrics.get("held_out_loss", nothing),
            "spectral_convergence": spectral_convergence(
                checkpoint, self.corpus, held_out_parts(checkpoint, self.corpus)
            ),
        }

    def _say(self, share: float, what: str) -> None:
        if self.should_stop is not None and self.should_stop():
            raise _Stopped
        if self.progress is not None:
            self.progress(min(1.0, share), what)


def _scores(path: Path, index: CorpusIndex) -> dict[str, Any]:
    """Scores of the new part of a sound file."""
    rate = index.references.sample_rate
    end = float(read_recall(path).get("prompt_end_seconds", 0.0))
    return score(load(path, rate, start_seconds=end), rate, index).to_row()


def _digest(signature: str) -> str:
    import hashlib

    return hashlib.sha256(signature.encode()).hexdigest()[:16]


def _kept_rows(folder: Path, signature: str) -> dict[str, dict[str, Any]]:
    """Rows of earlier calls by path, if they were scored against the same index."""
    import pandas as pd

    path = folder / TABLE_NAME
    if not path.exists():
        return {}
    table = pd.read_csv(path)
    if not {"scored_with", "flags", "path"} <= set(table.columns):
        return {}
    table["flags"] = table["flags"].astype(object).fillna("")
    table = table[table["scored_with"] == _digest(signature)]
    rows = table.to_dict("records")
    return {row["path"]: {str(k): v for k, v in row.items()} for row in rows}


def _write_table(folder: Path, rows: list[dict[str, Any]]) -> None:
    import pandas as pd

    with replacing(folder / TABLE_NAME) as temporary:
        pd.DataFrame(rows).to_csv(temporary, index=False)


def ranked(
    rows: list[dict[str, Any]], weights: Mapping[str, float] | None, facts: Mapping[str, Any]
) -> pandas.DataFrame:
    """Table of scored sounds, best first, with the front of novelty and fidelity marked."""
    import pandas as pd

    table = pd.DataFrame(rows).drop(columns=["scored_with"], errors="ignore")
    if not len(table):
        table = pd.DataFrame(columns=[*COLUMNS])
    else:
        table = rank(table, weights or DEFAULT_WEIGHTS).reset_index(drop=True)
        table.insert(len(table.columns) - 1, "pareto", pareto_front(table))
    table.attrs = json.loads(json.dumps(facts))
    return table
