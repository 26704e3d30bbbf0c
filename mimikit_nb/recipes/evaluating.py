"""Evaluate the checkpoints of a run: generate, score, rank: :func:`evaluate`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from ..arguments import (
    LONGEST_SECONDS,
    Count,
    Minutes,
    Number,
    PathArg,
    Position,
    Real,
    Seconds,
    Seed,
    SoundCount,
    Step,
    checked,
)
from ..audio.files import info
from ..audio.locks import held_folder
from ..checkpoint import Checkpoint
from ..corpus.store import Corpus
from ..errors import CorpusError, ParameterError
from ..evaluation.fingerprints import Feature
from ..evaluation.index import CorpusIndex
from ..generation.prompts import positions_within, split_time, spread_positions
from ..progress import Progress, Stopped, Watch
from .candidates import Source, evaluation_folder, find_checkpoints, held_out_parts
from .finding import find_corpus
from .matrix import Cell, batches, make_cells, plan_cells
from .pooling import by_name, families, pooled, real_pooled
from .replaying import kept_index, replay_of
from .scored import LOSSES, NO_FIGURES, kept_rows, new_part, ranked, score_file, write_rows
from .teacher_forced import convergence

if TYPE_CHECKING:
    import pandas

Temperature = Annotated[float, Real(0, 10)]

INDEX_NAME, SOUNDS_NAME = "corpus_index.safetensors", "sounds"


@checked
def evaluate(
    run: Source | Sequence[Source],
    corpus: Corpus | PathArg | None = None,
    n: SoundCount = 4,
    seconds: Annotated[float, Real(0.1, LONGEST_SECONDS)] = 10.0,
    *,
    temperatures: Temperature | Sequence[Temperature] = (1.0,),
    seeds: Seed | Sequence[Seed] = (0,),
    prompts: Literal["spread", "held_out"] | Sequence[Position | PathArg] = "spread",
    prompt_seconds: Seconds = 1.0,
    steps: Sequence[Step] | None = None,
    weights: Mapping[str, Number] | None = None,
    feature: Feature = "bands",
    max_minutes: Minutes | None = None,
    batch_size: Count = 32,
    out: PathArg | None = None,
    device: str | None = "cpu",
    progress: Watch | None = None,
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
    seconds : float >= 0.1, default 10
        New sound behind each prompt; only that is scored.
    temperatures, seeds : sequence
        Each prompt is continued with each pair.
    prompts : "spread", "held_out" or sequence, default "spread"
        Where prompts come from: all of the corpus, what was held out of training, or a list of
        positions in seconds and sound files (``"a.wav#t=2.5"``: from 2.5 s on).
    prompt_seconds : float > 0, default 1
        Length of the prompts.
    steps : sequence of int, optional
        Which checkpoints of a run; all if not given.
    weights : mapping of str to float, optional
        What the rank is made of, see :func:`rank`: columns of the table and their weights.
    feature : {"bands", "timbre", "tones"}, default "bands"
        What novelty looks at: everything, timbre more than pitch, or tones whatever plays them.
    max_minutes : float > 0, optional
        When to stop. Every checkpoint is then heard with the first prompt before any is heard
        with the second.
    batch_size : int > 0, default 32
        Sounds generated at once.
    out : path, optional
        Folder for sounds and table; ``evaluation`` in the run's folder if not given.
    device : str, default "cpu"
        Where to generate; None: the best there is.
    progress : Progress or callable, optional
        Told how far it is, and what is being done. If it is cancelled, what there is by then is
        returned within a moment; a function is called with it, and what it raises ends the work.

    Returns
    -------
    pandas.DataFrame
        Best first. ``checkpoint``, ``step``, ``prompt``, ``temperature``, ``seed``, all scores of
        :func:`score` (``novelty``, ``fidelity``, ``longest_copy_seconds`` ...), ``flags``, for
        networks on latent frames ``recorded_share`` and ``longest_run_seconds`` (:func:`replayed`),
        ``loss`` and ``held_out_loss`` of the checkpoint, ``rank_score``, ``pareto`` (nothing is
        both newer and nearer), ``alike`` (sounds that nearly repeat one another share a
        number), ``path``; :mod:`mimikit_nb.evaluation.reading` says what each is.
        ``.attrs`` has the ``folder``, what ``real`` audio and ``planted`` failures score, what all
        sounds of a checkpoint score together (``sets``, ``real_sets``; see
        :func:`by_checkpoint`), and ``missing``: how many sounds the time didn't suffice for.

    Raises
    ------
    CheckpointError
        If there is no checkpoint.
    CorpusError
        If the corpus isn't given and not in its place.
    ParameterError, PromptError
        If a value is out of range, or a prompt can't be used.

    Examples
    --------
    >>> table = mnb.evaluate("runs/first", corpus, n=1, seconds=1.0)
    >>> sorted(table["step"].tolist())
    [2, 4]
    """
    checkpoints = find_checkpoints(run, steps)
    first = next(iter(checkpoints.values()))
    found = find_corpus(first, corpus)
    if found is None:
        raise CorpusError("The corpus of the training isn't in its place; give it as corpus.")
    folder = evaluation_folder(run, out)
    cells = plan_cells(
        checkpoints,
        place_prompts(found, first, prompts, n, prompt_seconds),
        _as_list(temperatures, "temperature"),
        _as_list(seeds, "seed"),
        prompt_seconds,
        seconds,
        folder / SOUNDS_NAME,
    )
    work = _Work(checkpoints, found, cells, folder, device, Progress.of(progress), max_minutes)
    with held_folder(folder, "is used for an evaluation", ParameterError):
        rows = work.run(seconds, batch_size, feature)
    return ranked(rows, weights, work.facts | {"missing": len(cells) - len(rows)})


def _as_list(values: Any, name: str) -> list[Any]:
    found = [values] if isinstance(values, int | float) else list(values)
    if not found:
        raise ParameterError(f"There is no {name}; give at least one.")
    return found


def place_prompts(
    corpus: Corpus, checkpoint: Checkpoint, prompts: Any, n: int, prompt_seconds: float
) -> list[Any]:
    """Where the prompts come from, as positions in seconds and sound files.

    Parameters
    ----------
    corpus : Corpus
        What they are cut from.
    checkpoint : Checkpoint
        Knows what was held out of its training.
    prompts, n, prompt_seconds
        As for :func:`evaluate`.

    Raises
    ------
    ParameterError, PromptError
        If there are none, or no place is long enough.
    """
    if not isinstance(prompts, str):
        found = list(prompts)
        if not found:
            raise ParameterError("There are no prompts; give at least one position or file.")
        for item in found:
            if isinstance(item, str | Path):
                info(split_time(item)[0])  # one that can't be read is refused before any work
        return found
    if prompts == "spread":
        return [round(p, 3) for p in spread_positions(corpus, n, prompt_seconds)]
    if prompts == "held_out":
        parts = held_out_parts(checkpoint, corpus)
        return positions_within(parts, corpus.sample_rate, n, prompt_seconds)
    raise ParameterError(
        f"prompts is {prompts!r}; it must be 'spread', 'held_out' or a list of positions in "
        "seconds and sound files."
    )


@dataclass
class _Work:
    """One evaluation under way."""

    checkpoints: dict[str, Checkpoint]
    corpus: Corpus
    cells: list[Cell]
    folder: Path
    device: str | None
    progress: Progress
    max_minutes: float | None
    facts: dict[str, Any] = field(default_factory=dict)
    _rows: list[dict[str, Any]] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)

    def run(self, seconds: float, batch_size: int, feature: Feature) -> list[dict[str, Any]]:
        """Generate and score batch by batch; the rows of what was done."""
        figures: dict[str, dict[str, Any]] = {}
        try:
            index = self._index(seconds, feature)
            self._hear(index, batch_size)
            for name in by_name(self._rows):
                figures[name] = self._figures(name)
            self._pool(index)
        except Stopped:
            pass
        return [
            {**NO_FIGURES, "alike": number, **row, **figures.get(row["checkpoint"], {})}
            for number, row in enumerate(self._rows)
        ]

    def _index(self, seconds: float, feature: Feature) -> CorpusIndex:
        self._say(0.0, "listening to the corpus")
        first = next(iter(self.checkpoints.values()))
        index = CorpusIndex.build(
            self.corpus,
            held_out=held_out_parts(first, self.corpus),
            excerpt_seconds=seconds,
            feature=feature,
            cache=self.folder / INDEX_NAME,
        )
        known = index.calibration.to_dict()
        self.facts = {"folder": str(self.folder)} | {k: known[k] for k in ("real", "planted")}
        return index

    def _hear(self, index: CorpusIndex, batch_size: int) -> None:
        """Generate and score batch by batch; what is done is on disk even if it is stopped."""
        kept = kept_rows(self.folder, index)
        for batch in batches(self.cells, batch_size, prompt_by_prompt=self.max_minutes is not None):
            if self._rows and self._is_late(len(batch)):
                return
            before = dict(kept)
            try:
                self._do(batch, index, kept)
            finally:
                if kept != before:
                    write_rows(self.folder, [*kept.values()])

    def _do(self, batch: list[Cell], index: CorpusIndex, kept: dict[str, dict[str, Any]]) -> None:
        name, n_before, total = batch[0].checkpoint, len(self._rows), len(self.cells)
        played = (n_before + 0.7 * len(batch)) / total
        part = self.progress.part(n_before / total, played, f"{name}: plays")
        make_cells(batch, self.checkpoints[name], self.corpus, self.device, part)
        for i, cell in enumerate(batch, start=1):
            path = str(cell.path)
            if path not in kept:
                about = {"checkpoint": name, "step": self.checkpoints[name].step, **cell.settings}
                found = score_file(cell.path, index) | self._replay(cell)
                kept[path] = {**about, **found, "path": path}
            self._rows.append({**kept[path], "checkpoint": name, **cell.settings})
            share = (n_before + len(batch) * (0.7 + 0.3 * i / len(batch))) / total
            self._say(share, f"{name}: is scored")

    def _replay(self, cell: Cell) -> dict[str, float]:
        """How much of a sound is recorded, if its network reads latent frames."""
        io = self.checkpoints[cell.checkpoint].io
        index = kept_index(io, self.corpus) if io.sample_rate == self.corpus.sample_rate else None
        if index is None:
            return {}
        found = replay_of(index, io, new_part(cell.path, io.sample_rate))
        return {"recorded_share": found.share, "longest_run_seconds": found.longest_seconds}

    def _is_late(self, n_next: int) -> bool:
        """Whether the next batch would most likely not be done in time."""
        if self.max_minutes is None:
            return False
        spent = time.monotonic() - self._began
        return spent * (1 + n_next / len(self._rows)) > 60 * self.max_minutes

    def _figures(self, name: str) -> dict[str, Any]:
        """What is known of a checkpoint without generating."""
        self._say(0.99, f"{name}: predicts what was held out")
        checkpoint = self.checkpoints[name]
        losses = {k: checkpoint.metrics[k] for k in LOSSES if k in checkpoint.metrics}
        parts = held_out_parts(checkpoint, self.corpus)
        return losses | convergence(checkpoint, self.corpus, parts)

    def _pool(self, index: CorpusIndex) -> None:
        """Measure all sounds of each checkpoint together."""
        sounds, self.facts["sets"] = by_name(self._rows), {}
        for name, paths in sounds.items():
            self._say(1.0, f"{name}: all its sounds together")
            self.facts["sets"][name] = pooled(paths, index)
        self._say(1.0, "looking for sounds that are alike")
        alike = families([row["path"] for row in self._rows], index.references.sample_rate)
        self._rows = [{**row, "alike": alike[row["path"]]} for row in self._rows]
        if sounds:
            self.facts["real_sets"] = real_pooled(index, max(map(len, sounds.values())))

    def _say(self, share: float, what: str) -> None:
        self.progress.tell(min(1.0, share), 1.0, what)
