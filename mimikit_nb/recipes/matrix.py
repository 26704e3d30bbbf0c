"""The generation matrix: checkpoints x prompts x temperatures x seeds, as files on disk.

A *cell* is one sound. Its file carries everything it takes to make it again, and is never
replaced: a cell whose file is there is not generated again, so a matrix can be interrupted,
resumed and widened at any time. All cells of one checkpoint are generated together, in one
large batch. Main names: :class:`Cell`, :func:`plan_cells`, :func:`make_cells`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..audio.atomic import make_folder
from ..audio.names import file_name
from ..audio.recall import read_recall
from ..checkpoint import Checkpoint
from ..corpus.store import Corpus
from ..errors import AudioError
from ..generation.prompts import split_time
from ..progress import Watch
from .generating import generate

KEY = "evaluation"
"Key of the recall data that says which cell a file is."


@dataclass(frozen=True)
class Cell:
    """One sound of the matrix.

    Attributes
    ----------
    checkpoint : str
        Name of the checkpoint.
    prompt : float or str
        Position in the corpus in seconds, or path of a sound file, perhaps with ``#t=`` and a
        time in seconds.
    temperature : float
    seed : int
    prompt_seconds, seconds : float
        Length of the prompt, and of the new sound.
    path : Path
        Where its sound is, or will be.
    """

    checkpoint: str
    prompt: float | str
    temperature: float
    seed: int
    prompt_seconds: float
    seconds: float
    path: Path

    @property
    def settings(self) -> dict[str, Any]:
        """What tells it from other cells of the same checkpoint."""
        names = ("prompt", "temperature", "seed", "prompt_seconds", "seconds")
        return {name: getattr(self, name) for name in names}


def plan_cells(
    checkpoints: dict[str, Checkpoint],
    prompts: Sequence[float | str | Path],
    temperatures: Sequence[float],
    seeds: Sequence[int],
    prompt_seconds: float,
    seconds: float,
    folder: Path,
) -> list[Cell]:
    """All cells of a matrix, with the files that hold them or will.

    Parameters
    ----------
    checkpoints : dict of str to Checkpoint
        By name.
    prompts : sequence of float or path
        Positions in the corpus in seconds, or sound files.
    temperatures, seeds : sequence
        Each prompt is continued with each pair.
    prompt_seconds, seconds : float > 0
        Length of the prompts, and of the new sound.
    folder : Path
        Of the sounds.

    Returns
    -------
    list of Cell
        Checkpoint by checkpoint; within one prompt by prompt.
    """
    cells = []
    grid = itertools.product(checkpoints.items(), prompts, temperatures, seeds)
    for (name, checkpoint), prompt, temperature, seed in grid:
        source = str(prompt) if isinstance(prompt, str | Path) else float(prompt)
        cell = Cell(name, source, float(temperature), int(seed), prompt_seconds, seconds, folder)
        cells.append(_placed(cell, checkpoint, folder))
    return cells


def _placed(cell: Cell, checkpoint: Checkpoint, folder: Path) -> Cell:
    """A cell with its file: the one that holds it, or the first name that is free."""
    file, start = split_time(cell.prompt) if isinstance(cell.prompt, str) else ("", cell.prompt)
    place = "_".join(
        [file_name(Path(file).stem)] * bool(file) + [f"{start:.2f}s"] * bool(start or not file)
    )
    name = f"{cell.checkpoint}_from_{place}_t{cell.temperature:g}_seed{cell.seed}"
    for number in itertools.count(1):
        path = folder / f"{name}_{number:03d}.wav"
        if not path.exists() or _holds(path, cell, checkpoint):
            return Cell(cell.checkpoint, **cell.settings, path=path)
    raise AssertionError("unreachable")


def _holds(path: Path, cell: Cell, checkpoint: Checkpoint) -> bool:
    try:
        recall = read_recall(path)
    except AudioError:
        return False
    is_same = recall.get("checkpoint", {}).get("hash") == checkpoint.hash
    return is_same and recall.get(KEY) == cell.settings


def make_cells(
    cells: Sequence[Cell],
    checkpoint: Checkpoint,
    corpus: Corpus,
    device: str | None = "cpu",
    progress: Watch | None = None,
) -> int:
    """Generate the cells of one checkpoint that have no file yet, in one batch.

    Parameters
    ----------
    cells : sequence of Cell
        Of one matrix and this checkpoint.
    checkpoint : Checkpoint
        What they are made with.
    corpus : Corpus
        Where prompts are cut from.
    device : str, optional
        Where to run; None: the best there is.
    progress : Progress or callable, optional
        Told the seconds of sound done and wanted; a function is called with it, and what it raises
        ends the sound.


    Returns
    -------
    int
        How many were generated.
    """
    missing = [cell for cell in cells if not cell.path.exists()]
    if not missing:
        return 0
    made = generate(
        checkpoint,
        corpus,
        [cell.prompt for cell in missing],
        missing[0].prompt_seconds,
        missing[0].seconds,
        [cell.temperature for cell in missing],
        seed=[cell.seed for cell in missing],
        device=device,
        progress=progress,
    )
    for cell, one in zip(missing, made.split(), strict=True):
        make_folder(cell.path.parent)
        replace(one, recall=[{**one.recall[0], KEY: cell.settings}]).write(cell.path)
    return len(missing)


def batches(cells: Sequence[Cell], batch_size: int, prompt_by_prompt: bool) -> Iterator[list[Cell]]:
    """Cells in the order of their making, each batch of one checkpoint.

    Where the time may not suffice for all, every checkpoint is heard with the first prompt before
    any is heard with the second.
    """
    groups: dict[tuple[Any, ...], list[Cell]] = {}
    order: dict[float | str, int] = {}
    for cell in cells:
        number = order.setdefault(cell.prompt, len(order)) if prompt_by_prompt else 0
        groups.setdefault((number, len(groups), cell.checkpoint)[::2], []).append(cell)
    for _, group in sorted(groups.items(), key=lambda item: item[0][0]):
        for start in range(0, len(group), batch_size):
            yield group[start : start + batch_size]
