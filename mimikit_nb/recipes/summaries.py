"""Read the table of an evaluation: by checkpoint, and beside real audio.

Main names: :func:`by_checkpoint`, :func:`beside_real_audio`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..evaluation.ranking import bootstrap_interval

if TYPE_CHECKING:
    import pandas


def by_checkpoint(table: pandas.DataFrame) -> pandas.DataFrame:
    """Mean scores of each checkpoint with intervals, beside its losses, by training step.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`~.evaluating.evaluate`.

    Returns
    -------
    pandas.DataFrame
        One row for each checkpoint: ``step``, ``n`` sounds, means of ``novelty``, ``fidelity``,
        ``longest_copy_seconds`` and ``rank_score`` with ``_low`` and ``_high`` (90 % bootstrap
        interval), share of ``flagged`` sounds, ``loss``, ``held_out_loss``,
        ``spectral_convergence``.
    """
    import pandas as pd

    rows = []
    for name, group in table.groupby("checkpoint", sort=False):
        row: dict[str, Any] = {"checkpoint": name, "step": group["step"].iloc[0], "n": len(group)}
        for column in ("novelty", "fidelity", "longest_copy_seconds", "rank_score"):
            low, high = bootstrap_interval(group[column].to_numpy())
            row |= {column: group[column].mean(), f"{column}_low": low, f"{column}_high": high}
        row["flagged"] = float((group["flags"] != "").mean())
        for column in ("loss", "held_out_loss", "spectral_convergence"):
            row[column] = group[column].iloc[0]
        rows.append(row)
    means = pd.DataFrame(rows, columns=None if rows else [*_MEANS])
    return means.sort_values("step", kind="stable", ignore_index=True)


_MEANS = (
    *("checkpoint", "step", "n", "novelty", "fidelity", "longest_copy_seconds", "rank_score"),
    *("flagged", "loss", "held_out_loss", "spectral_convergence"),
)


def beside_real_audio(table: pandas.DataFrame) -> pandas.DataFrame:
    """Measures of the sounds beside what real excerpts and planted failures score.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`~.evaluating.evaluate`.

    Returns
    -------
    pandas.DataFrame
        Rows: the copied stretches and the distances; columns: median of the sounds, real excerpts
        (5 %, median, 95 %), noise, silence, loop, copy. Empty if nothing was heard.
    """
    import pandas as pd

    rows = {}
    for name, values in table.attrs.get("real", {}).items():
        column = name if name in table else f"{name}_distance"
        low, middle, high = np.percentile(values, [5, 50, 95])
        planted = {case: scores[name] for case, scores in table.attrs["planted"].items()}
        real = {"real_5%": low, "real_50%": middle, "real_95%": high}
        rows[name] = {"sounds_50%": table[column].median(), **real, **planted}
    return pd.DataFrame.from_dict(rows, orient="index")
