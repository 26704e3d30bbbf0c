"""Scored sounds on disk and as a table: scores of a file, rows kept from earlier, the ranking.

Main names: :func:`score_file`, :func:`kept_rows`, :func:`ranked`, :func:`load_neighbours`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from ..audio.atomic import replacing
from ..audio.files import load
from ..audio.names import in_utf8
from ..audio.recall import read_recall
from ..audio.targets import FileKind, begins_with, check_target
from ..errors import ParameterError
from ..evaluation.index import FORMAT, CorpusIndex
from ..evaluation.measures import DISTANCES, HEALTH
from ..evaluation.ranking import DEFAULT_WEIGHTS, pareto_front, rank
from ..evaluation.scoring import score

if TYPE_CHECKING:
    import pandas

LOSSES = ("loss", "held_out_loss")
FIGURES = (*LOSSES, "spectral_convergence", "previous_step_convergence")
NO_FIGURES = dict.fromkeys(FIGURES, float("nan"))
"What is known of a checkpoint without generating."

COLUMNS = (
    *("checkpoint", "step", "prompt", "temperature", "seed", "prompt_seconds", "seconds"),
    *("novelty", "longest_copy_seconds", "copy_position_seconds", "copy_start_seconds"),
    *("same_recording_seconds", "recorded_share", "longest_run_seconds"),
    *("entropy", "repeat_rate", "coverage", "fidelity"),
    *(*(f"{d}_distance" for d in DISTANCES), "flags", *HEALTH, "path", *FIGURES),
    *("alike", "pareto", "rank_score"),
)
"Columns of the table."

TABLE_NAME, NEIGHBOURS = "table.csv", ".neighbours.safetensors"


TABLE = FileKind("a table of an evaluation", begins_with(rb"[^\n]*,scored_with[,\r\n]"))


def new_part(path: str | Path, sample_rate: int) -> np.ndarray:
    """What a generated file has behind its prompt ``[C, N]``, at a rate in Hz."""
    end = float(read_recall(path).get("prompt_end_seconds", 0.0))
    return load(path, sample_rate, start_seconds=end)


def score_file(path: Path, index: CorpusIndex) -> dict[str, Any]:
    """Scores of the new part of a sound file; its neighbours in time are kept beside it."""
    rate = index.references.sample_rate
    found = score(new_part(path, rate), rate, index)
    details = found.details
    curves = {
        "times_seconds": details.times_seconds,
        "distance": details.distance,
        "position_seconds": details.position_seconds,
        "entropy": details.entropy,
    }
    with replacing(path.with_suffix(NEIGHBOURS)) as temporary:
        save_file({k: np.ascontiguousarray(v, np.float32) for k, v in curves.items()}, temporary)
    return found.to_row() | {"scored_with": _digest(index)}


def load_neighbours(path: str | Path) -> dict[str, np.ndarray]:
    """Nearest neighbours in the corpus of a scored sound file, in time.

    Parameters
    ----------
    path : str or Path
        Of the sound.

    Returns
    -------
    dict of str to np.ndarray [shape=(n,)]
        ``times_seconds`` (0 where the prompt ends), ``distance`` (0 a copy, about 1 unrelated),
        ``position_seconds`` in the corpus, cumulative ``entropy``; NaN where nothing moves.
        Empty if it wasn't scored.
    """
    try:
        with in_utf8(Path(path).with_suffix(NEIGHBOURS)) as kept:
            return dict(load_file(kept))
    except (OSError, SafetensorError):
        return {}


def _digest(index: CorpusIndex) -> str:
    return hashlib.sha256((FORMAT + index.signature).encode()).hexdigest()[:16]


def kept_rows(folder: Path, index: CorpusIndex) -> dict[str, dict[str, Any]]:
    """Rows of earlier calls by path, if they were scored against the same index."""
    import pandas as pd

    path = folder / TABLE_NAME
    check_target(path, TABLE, overwrite=True, error=ParameterError)
    if not path.exists():
        return {}
    try:
        table = pd.read_csv(path, encoding_errors="surrogateescape")
    except ValueError:  # half a table, or another one: what is missing is scored again
        return {}
    if not {"scored_with", "flags", "path"} <= set(table.columns):
        return {}
    table["flags"] = table["flags"].astype(object).fillna("")
    table = table[table["path"].map(lambda name: isinstance(name, str))]
    rows = table[table["scored_with"] == _digest(index)].to_dict("records")
    return {
        row["path"]: {str(k): v for k, v in row.items()}
        for row in rows
        if Path(row["path"]).with_suffix(NEIGHBOURS).exists()
    }


def write_rows(folder: Path, rows: list[dict[str, Any]]) -> None:
    """Write the table of all rows, whole or not at all."""
    import pandas as pd

    with replacing(folder / TABLE_NAME) as temporary:
        pd.DataFrame(rows).to_csv(temporary, index=False, errors="surrogateescape")


def ranked(
    rows: list[dict[str, Any]] | pandas.DataFrame,
    weights: Mapping[str, float] | None,
    facts: Mapping[str, Any],
) -> pandas.DataFrame:
    """Table of scored sounds, best first, with the front of novelty and fidelity marked."""
    import pandas as pd

    table = pd.DataFrame(rows).drop(columns=["scored_with"], errors="ignore")
    if not len(table):
        table = pd.DataFrame(columns=[*COLUMNS])
    else:
        table = table.drop(columns=["pareto", "rank_score"], errors="ignore")
        table = rank(table, weights or DEFAULT_WEIGHTS).assign(pareto=pareto_front(table))
        table = table[[c for c in COLUMNS if c in table]].reset_index(drop=True)
    table.attrs = json.loads(json.dumps(facts))
    return table
