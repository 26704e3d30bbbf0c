"""Grids of notebook runs: every combination of some values, a folder for each, one table.

::

    table = sweep("train_freqnet", {"hop_length": [256, 512], "seed": [0, 1, 2]}, "runs/grid")

All combinations are checked before the first one starts. One that fails is noted, and the others
go on. What has finished stands in ``sweep.csv`` and isn't run again: an interrupted sweep, called
again, goes on where it was. What another sweep runs right now is left to that one. Main name:
:func:`sweep`.
"""

from __future__ import annotations

import hashlib
import importlib
import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .arguments import Count, PathArg, checked
from .audio.atomic import replacing
from .audio.locks import SHORT_WORK_SECONDS, held, held_folder, lock_of
from .audio.names import file_name
from .batch import Notebook, find_notebook, run_notebook
from .config import plain
from .errors import NotebookError, ParameterError, TrainingError
from .progress import Progress, Watch
from .recipes.workspace import find_runs

if TYPE_CHECKING:
    import pandas

TABLE_NAME = "sweep.csv"
FINISHED, FAILED, ELSEWHERE = "finished", "failed", "elsewhere"
NUMBERS = {"seconds", "loss", "held_out_loss"}
ANSWER_SECONDS = 20.0  # that a scheduler has to answer
N_LETTERS = 80  # of a combination's folder


@dataclass(frozen=True)
class Combination:
    """One run of a grid.

    Attributes
    ----------
    values : dict
        Parameters by name, as the notebook declares them.
    folder : Path
        Where its notebook goes, and what it makes; named after notebook and values.
    """

    values: dict[str, Any]
    folder: Path

    @property
    def table_path(self) -> Path:
        """Where its row stands."""
        return self.folder.parent / TABLE_NAME

    def row(self, ended: Mapping[str, Any]) -> dict[str, Any]:
        """Its row of the table, given how it ended."""
        return {**self.values, **ended, "folder": self.folder.name}


@checked
def sweep(
    notebook: PathArg,
    grid: Mapping[str, Any],
    out: PathArg = Path("outputs/sweep"),
    *,
    scheduler: Count | str | None = None,
    progress: Watch | None = None,
) -> pandas.DataFrame:
    """Run a notebook headless with every combination of some values of its parameters.

    Parameters
    ----------
    notebook : str or Path
        As for :func:`~.batch.run_notebook`.
    grid : mapping of str to list
        Values of each parameter; what is no list is one value for all. A parameter that is a list
        itself takes a list of lists.
    out : str or Path, default "outputs/sweep"
        Folder of the table ``sweep.csv``, and of a folder for each combination.
    scheduler : str or int, optional
        Address of a Dask scheduler whose workers see the same disk, or how many processes to start
        here; one after the other in this process if not given. Needs the extra ``batch``.
    progress : Progress or callable, optional
        Told when a combination is over; a function is called with it.

    Returns
    -------
    DataFrame
        A row per combination in the grid's order: its values, ``state`` ("finished",
        "failed", or "elsewhere": another sweep runs it, and ``error`` says which), ``error``,
        ``seconds``, ``folder``, ``notebook`` (the executed copy), and for a training
        the last ``loss`` and the least ``held_out_loss``.

    Raises
    ------
    NotebookError
        If there is no such notebook, or a parameter is unknown or doesn't fit; nothing has begun
        then.
    ParameterError
        If the grid is empty, or it can't be run where ``scheduler`` says.

    Examples
    --------
    >>> table = mnb.sweep("segment", {"n_events": [10, 20]}, out="grid")  # doctest: +SKIP
    >>> table[["n_events", "state"]]  # doctest: +SKIP
       n_events     state
    0        10  finished
    1        20  finished
    """
    progress, opened = Progress.of(progress), Notebook.read(find_notebook(notebook))
    combinations = combine(opened, grid, Path(out).resolve())
    rows = _read_rows(Path(out) / TABLE_NAME)
    wanted = {c.folder.name: c for c in combinations}
    left = [c for name, c in wanted.items() if rows.get(name, {}).get("state") != FINISHED]
    with _runner(scheduler) as run_all:
        over = len(wanted) - len(left)
        for row in run_all(opened.path, left):
            name, over = row["folder"], over + 1
            rows[name] = row
            progress.tell(over, len(wanted), f"{name}: {row['state']}")
    # Values as they were given: in a table that was read they are text.
    return _table([{**rows[name], **c.values} for name, c in wanted.items()])


def combine(notebook: Notebook, grid: Mapping[str, Any], out: Path) -> list[Combination]:
    """All combinations of a grid, checked; the last parameter changes fastest."""
    given = plain(grid)
    lists = {name: v if isinstance(v, list) else [v] for name, v in given.items()}
    if not lists or not all(lists.values()):
        raise ParameterError("The grid is empty; give at least one value for each parameter.")
    if "out" in lists:
        raise ParameterError("Each combination has a folder of its own; give the sweep's `out`.")
    found = []
    for chosen in itertools.product(*lists.values()):
        values = notebook.check(dict(zip(lists, chosen, strict=True)))
        found.append(Combination(values, out / _folder_name(notebook.path.stem, values)))
    return found


def _folder_name(stem: str, values: Mapping[str, Any]) -> str:
    """Notebook and values as a name for all disks; with a digest where they don't fit in."""
    text = " ".join([stem, *(f"{name}={value}" for name, value in values.items())])
    name = file_name(text, spaces=False, n_letters=N_LETTERS).rstrip("_.")
    if name == text.replace(" ", "_"):
        return name
    digest = hashlib.sha256(json.dumps(dict(values), default=str).encode()).hexdigest()
    return f"{name}_{digest[:8]}"


# -- running ---------------------------------------------------------------------------------------

RunAll = Callable[[Path, Sequence[Combination]], Iterator[dict[str, Any]]]


@contextmanager
def _runner(scheduler: str | int | None) -> Iterator[RunAll]:
    """What runs combinations and gives the row of each when it is over."""
    if scheduler is None:
        yield _run_here
        return
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError:
        raise ParameterError(
            "Several processes need dask.distributed: pip install 'mimikit_nb[batch]', or leave "
            "the scheduler out."
        ) from None
    with _client(distributed, scheduler) as client:
        yield partial(_run_on, client, distributed.as_completed, scheduler)


@contextmanager
def _client(distributed: Any, scheduler: str | int) -> Iterator[Any]:
    """Client of a scheduler, or of one that is started here with its workers."""
    if isinstance(scheduler, int):
        options = {"threads_per_worker": 1, "dashboard_address": None, "memory_limit": None}
        once = {"distributed.scheduler.allowed-failures": 0}  # what killed a worker would again
        with (
            importlib.import_module("dask").config.set(once),
            distributed.LocalCluster(n_workers=scheduler, **options) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client
        return
    try:
        client = distributed.Client(scheduler, timeout=ANSWER_SECONDS)
    except (OSError, TimeoutError, ValueError) as error:
        raise ParameterError(
            f"No Dask scheduler answers at {scheduler!r} ({error}); start one, or check it."
        ) from error
    with client:
        yield client


def _run_here(path: Path, left: Sequence[Combination]) -> Iterator[dict[str, Any]]:
    for combination in left:
        yield run_and_note(path, combination)


def _run_on(
    client: Any,
    as_completed: Any,
    scheduler: str | int,
    path: Path,
    left: Sequence[Combination],
) -> Iterator[dict[str, Any]]:
    """Run on workers; those that are started here get one at a time, so that none dies with it."""
    waiting = iter(left)
    futures: dict[Any, Combination] = {}

    def submit(n: int | None) -> list[Any]:
        begun = {
            client.submit(run_and_note, path.resolve(), combination, pure=False): combination
            for combination in itertools.islice(waiting, n)
        }
        futures.update(begun)
        return list(begun)

    running = as_completed(submit(scheduler if isinstance(scheduler, int) else None))
    try:
        for future in running:
            running.update(submit(1))
            yield _row_of(future, futures[future])
    finally:
        client.cancel(list(futures))


def _row_of(future: Any, combination: Combination) -> dict[str, Any]:
    """Row of a run on a worker; a worker that died is a run that failed."""
    error = future.exception()
    if error is not None:
        why = f"{type(error).__name__}: {error}"
        return _merge_row(combination.table_path, combination.row(_not_finished(FAILED, why)))
    row: dict[str, Any] = future.result()
    return row


def run_and_note(path: Path, combination: Combination) -> dict[str, Any]:
    """Run one combination, unless another sweep has or does; its row, which is in the table."""
    try:
        with held_folder(
            combination.folder, "is run in another sweep", NotebookError, busy=_RunElsewhere
        ):
            row = _read_rows(combination.table_path).get(combination.folder.name)
            if row is not None and row["state"] == FINISHED:
                return row
            ended = run_one(path, combination)
            # Noted while the folder is held: whoever waits for it must not run it again.
            return _merge_row(combination.table_path, combination.row(ended))
    except _RunElsewhere as error:
        return combination.row(_not_finished(ELSEWHERE, str(error)))
    except NotebookError as error:
        ended = _not_finished(FAILED, str(error))
        return _merge_row(combination.table_path, combination.row(ended))


def run_one(path: Path, combination: Combination) -> dict[str, Any]:
    """Run one combination, whose folder is held; how it ended."""
    began = time.monotonic()
    try:
        done = run_notebook(path, combination.values, combination.folder)
        ended = {"state": FINISHED, "error": "", "notebook": str(done.path)}
    except NotebookError as error:
        ended = _not_finished(FAILED, str(error))
    seconds = round(time.monotonic() - began, 1)
    return ended | {"seconds": seconds} | _losses(combination.folder)


class _RunElsewhere(NotebookError):
    """Another sweep runs it right now."""


def _not_finished(state: str, why: str) -> dict[str, Any]:
    return {"state": state, "error": why.partition("\n")[0], "notebook": ""}


def _losses(folder: Path) -> dict[str, float]:
    """Last loss and least held-out loss of the run that was trained there, if one was."""
    newest = next(iter(find_runs(folder).values()), None)
    if newest is None:
        return {}
    try:
        metrics = newest.metrics
    except TrainingError:  # the run is there all the same
        return {}
    found = {"loss": metrics["loss"].dropna().tail(1)}
    if "held_out_loss" in metrics:
        found["held_out_loss"] = metrics["held_out_loss"].dropna().nsmallest(1)
    return {name: float(values.iloc[0]) for name, values in found.items() if len(values)}


# -- the table -------------------------------------------------------------------------------------


def _read_rows(path: Path) -> dict[str, dict[str, Any]]:
    """Rows of the table so far, by folder; a NotebookError if it is no table of ours."""
    import pandas as pd

    if not path.exists():
        return {}
    try:
        table = pd.read_csv(path, keep_default_na=False, encoding_errors="surrogateescape")
        if len(table) and "state" not in table:
            raise ValueError("it has no column 'state'")
        for name in NUMBERS & set(table):
            table[name] = pd.to_numeric(table[name], errors="coerce")
        return {row["folder"]: row for row in table.to_dict("records")}
    except (OSError, ValueError, KeyError) as error:
        raise NotebookError(
            f"{path} is no table of a sweep ({error}); give another folder, or move it away."
        ) from error


def _merge_row(path: Path, row: dict[str, Any]) -> dict[str, Any]:
    """Put a row into the table, with those that other sweeps have put there; the row that counts.

    What has finished stays so, whatever another sweep says of it.
    """

    def refuse(owner: str) -> NotebookError:
        return NotebookError(f"{path} is held by {owner}; call the sweep again.")

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with held(lock_of(path), refuse, NotebookError, SHORT_WORK_SECONDS):
            rows = _read_rows(path)
            before = rows.get(row["folder"], {})
            if before.get("state") != FINISHED or row["state"] == FINISHED:
                rows[row["folder"]] = row
            _write_rows(path, rows)
    except OSError as error:
        raise NotebookError(
            f"{path} can't be written: {error.strerror}. Free some space."
        ) from error
    return rows[row["folder"]]


def _write_rows(path: Path, rows: Mapping[str, dict[str, Any]]) -> None:
    with replacing(path) as temporary:
        _table(list(rows.values())).to_csv(temporary, index=False, errors="surrogateescape")


def _table(rows: Sequence[Mapping[str, Any]]) -> pandas.DataFrame:
    import pandas as pd

    return pd.DataFrame(list(rows))
