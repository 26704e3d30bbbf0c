"""What an evaluation compares: checkpoints by name, and where it keeps what it makes.

Main names: :func:`find_checkpoints`, :func:`evaluation_folder`, :func:`held_out_parts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..arguments import PathArg
from ..checkpoint import Checkpoint, Run, load_checkpoint
from ..corpus.store import Corpus
from ..errors import ParameterError

Source = Checkpoint | Run | PathArg


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
    is_one_of_many = sum(_is_run(source) for source in sources) > 1
    for source in sources:
        if isinstance(source, Checkpoint):
            items = [source]
        else:
            folder = source if isinstance(source, Run) else Run(source)
            known = folder.checkpoints if folder.folder.is_dir() else {}
            wanted: list[int | None] = [*known] if steps is None or not known else [*steps]
            place = source if isinstance(source, Run) else Path(source)
            items = [load_checkpoint(place, step) for step in wanted or [None]]
        for item in items:
            found[_free_name(_name(item, is_one_of_many), found)] = item
    if not found:
        raise ParameterError("There are no checkpoints to evaluate; give a run or a checkpoint.")
    return found


def _is_run(source: Source) -> bool:
    """Whether a source is a run with its steps, and no exported folder or average."""
    if isinstance(source, Checkpoint):
        return source.path is not None and source.path.stem.startswith("step_")
    return bool((source if isinstance(source, Run) else Run(source)).checkpoints)


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


def held_out_parts(checkpoint: Checkpoint, corpus: Corpus) -> list[tuple[int, int]]:
    """What of a corpus a checkpoint was not trained on, in samples; nothing of another corpus."""
    if checkpoint.corpus_hash != corpus.hash:
        return []
    training = checkpoint.training
    return corpus.split(training.get("held_out", 0.0), training.get("seed", 0)).held_out
