"""Deleting the checkpoints of a run that nobody wants to keep; never without being asked.

Main names: :func:`prune`, :func:`surplus`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from ..arguments import PathArg, Step, checked
from ..errors import CheckpointError, ParameterError
from .run import Run

Confirm = Callable[[list[Path]], bool]


def surplus(run: Run | str | Path, keep: Iterable[int]) -> list[Path]:
    """Checkpoint files of a run that aren't among the kept ones.

    Parameters
    ----------
    run : Run or path
        The run.
    keep : iterable of int
        Steps to keep.

    Raises
    ------
    ParameterError
        If nothing would be kept, or there is no checkpoint of a step.
    """
    run = run if isinstance(run, Run) else Run(run)
    known, kept = run.checkpoints, set(keep)
    if not kept:
        raise ParameterError("Nothing would be kept; name at least one step to keep.")
    if missing := sorted(kept - set(known)):
        raise ParameterError(
            f"{run.folder} has no checkpoint of step {', '.join(map(str, missing))}; there are: "
            f"{', '.join(map(str, known))}."
        )
    return [path for step, path in known.items() if step not in kept]


@checked
def prune(run: Run | PathArg, keep: Iterable[Step], confirm: Confirm | None = None) -> list[Path]:
    """Delete all checkpoints of a run but some, after asking.

    Training can be resumed from what is kept only. Sounds, losses and exported folders stay.

    Parameters
    ----------
    run : Run or path
        The run.
    keep : iterable of int
        Steps to keep.
    confirm : callable, optional
        Asked with the files; they are deleted if it says True. Without it the terminal or the
        notebook's cell asks; where nobody can answer, nothing is deleted.

    Returns
    -------
    list of Path
        What was deleted.

    Raises
    ------
    ParameterError
        If nothing would be kept, or there is no checkpoint of a step.
    CheckpointError
        If the run is being trained, nobody can be asked, or a file can't be deleted.

    Examples
    --------
    >>> deleted = mnb.prune("runs/first", keep=[4], confirm=lambda files: len(files) == 1)
    >>> [path.name for path in deleted]
    ['step_00000002.safetensors']
    """
    run = run if isinstance(run, Run) else Run(run)
    doomed = surplus(run, keep)
    if not doomed or not (confirm or _ask)(doomed):
        return []
    with run.locked():
        for path in doomed:
            try:
                path.unlink()
            except OSError as error:
                raise CheckpointError(f"Can't delete {path}: {error.strerror}.") from error
    run.log(f"deleted {len(doomed)} checkpoints: {', '.join(path.stem for path in doomed)}")
    return doomed


def _ask(doomed: list[Path]) -> bool:
    """Ask who sits at the keyboard."""
    size = sum(path.stat().st_size for path in doomed) / 1e6
    question = f"Delete {len(doomed)} checkpoints ({size:.0f} MB) for good? Type yes: "
    if "ipykernel" not in sys.modules and not sys.stdin.isatty():
        raise CheckpointError(
            "Nobody can be asked here whether to delete checkpoints; pass confirm, a function "
            "that gets the files and returns True."
        )
    return input(question).strip().lower() == "yes"
