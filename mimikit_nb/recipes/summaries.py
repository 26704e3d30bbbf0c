"""Read the table of an evaluation: by checkpoint, and beside real audio.

Main names: :func:`by_checkpoint`, :func:`beside_real_audio`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from ..arguments import Kind, checked
from ..evaluation.ranking import bootstrap_interval
from ..evaluation.reading import beside
from ..evaluation.sets import SET_DISTANCES
from .scored import FIGURES

if TYPE_CHECKING:
    import pandas


class EvaluationTable(Kind):
    """A table that :func:`~.evaluating.evaluate` made, or some rows of it."""

    def read(self, value: Any) -> Any:
        """The table."""
        columns = getattr(value, "columns", None)
        if columns is None:
            raise ValueError
        if missing := sorted({"checkpoint", "step", "flags", *MEANS, *FIGURES} - set(columns)):
            raise ValueError(f"it has no column {missing[0]!r}")
        return value

    def __str__(self) -> str:
        return "a table that evaluate made"


Evaluation = Annotated[Any, EvaluationTable()]

MEANS = ("novelty", "fidelity", "longest_copy_seconds", "rank_score")
SETS = (*SET_DISTANCES, "coverage")


@checked
def by_checkpoint(table: Evaluation) -> pandas.DataFrame:
    """Scores of each checkpoint with intervals, beside its losses, by training step.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`~.evaluating.evaluate`.

    Returns
    -------
    pandas.DataFrame
        One row for each checkpoint: ``step``, ``n`` sounds; means over the sounds of ``novelty``,
        ``fidelity``, ``longest_copy_seconds``, ``rank_score``, and of all sounds together
        ``frechet_mfcc``, ``frechet_log_mel``, ``kernel_mfcc``, ``kernel_log_mel``, each with
        ``_low`` and ``_high`` (90 % bootstrap interval over the sounds); ``coverage``, the share
        of the corpus that all sounds together visit; share of ``flagged`` sounds; ``loss``,
        ``held_out_loss``, ``spectral_convergence``, ``previous_step_convergence``.

    Examples
    --------
    >>> table = mnb.evaluate("runs/first", corpus, n=1, seconds=1.0)
    >>> mnb.by_checkpoint(table)["step"].tolist()
    [2, 4]
    """
    import pandas as pd

    rows = []
    for name, group in table.groupby("checkpoint", sort=False):
        row: dict[str, Any] = {"checkpoint": name, "step": group["step"].iloc[0], "n": len(group)}
        for column in MEANS:
            row |= _with_interval(
                column, group[column].mean(), *bootstrap_interval(group[column].to_numpy())
            )
        together = table.attrs.get("sets", {}).get(name, {})
        for column in SET_DISTANCES:
            row |= _with_interval(column, *together.get(column, [float("nan")] * 3))
        row["coverage"] = together.get("coverage", [float("nan")])[0]
        row["flagged"] = float((group["flags"] != "").mean())
        rows.append(row | {column: group[column].iloc[0] for column in FIGURES})
    columns = ["checkpoint", "step", "n", *MEANS, *SETS, "flagged", *FIGURES]
    means = pd.DataFrame(rows, columns=None if rows else columns)
    return means.sort_values("step", kind="stable", ignore_index=True)


def _with_interval(column: str, value: float, low: float, high: float) -> dict[str, float]:
    return {column: value, f"{column}_low": low, f"{column}_high": high}


def with_intervals(scores: pandas.DataFrame) -> pandas.DataFrame:
    """Scores as rows, each interval in one cell with its value: "0.91 (0.85 to 0.96)"."""
    rows: dict[str, list[Any]] = {}
    for name, values in scores.iterrows():
        if str(name).endswith(("_low", "_high")) or values.isna().all():
            continue
        rows[str(name)] = [*values]
        if f"{name}_low" in scores.index:
            ends = zip(values, scores.loc[f"{name}_low"], scores.loc[f"{name}_high"], strict=True)
            rows[str(name)] = [
                f"{value:.3g} ({low:.3g} to {high:.3g})" for value, low, high in ends
            ]
    return type(scores).from_dict(rows, orient="index", columns=[*scores.columns])


@checked
def beside_real_audio(table: Evaluation) -> pandas.DataFrame:
    """Measures of the sounds beside what real excerpts and planted failures score.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`~.evaluating.evaluate`.

    Returns
    -------
    pandas.DataFrame
        Rows: the measures of single sounds, then those of all sounds of a checkpoint together
        (beside as many real excerpts); columns: median of the sounds or checkpoints, real excerpts
        (5 %, median, 95 %), noise, silence, loop, copy. Empty if nothing was heard.

    Examples
    --------
    >>> table = mnb.evaluate("runs/first", corpus, n=1, seconds=1.0)
    >>> mnb.beside_real_audio(table).index.tolist()[:3]
    ['novelty', 'longest_copy_seconds', 'same_recording_seconds']
    """
    import pandas as pd

    real, planted = table.attrs.get("real", {}), table.attrs.get("planted", {})
    values = {name: table[name].median() for name in real}
    alone = beside(values, real, planted, "sounds_50%")
    together = table.attrs.get("real_sets", {})
    if not together or not len(table):
        return alone
    sets = {k: v for k, v in together.items() if k in SET_DISTANCES}
    medians = by_checkpoint(table)[[*sets]].median()
    return pd.concat([alone, beside(medians, sets, _planted_sets(planted), "sounds_50%")])


def _planted_sets(planted: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """A failure is one sound: as a set it scores what it scores alone."""
    pairs = {"frechet_mfcc": "frechet_distance", "kernel_mfcc": "kernel_distance"}
    return {case: {k: v[name] for k, name in pairs.items()} for case, v in planted.items()}
