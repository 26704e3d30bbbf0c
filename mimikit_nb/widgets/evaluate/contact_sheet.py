"""A contact sheet of kept sounds: one HTML file with players and scores that opens anywhere.

Main name: :func:`keep_with_sheet`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ...corpus.store import Corpus
from ...recipes.audition import keep
from ..player.cards import listen
from ..report import write_report
from .score_pictures import curves_picture, scatter_picture

if TYPE_CHECKING:
    import pandas

SHEET_NAME = "contact_sheet.html"
SHOWN = ("checkpoint", "prompt", "temperature", "seed", "novelty", "fidelity", "flags")


def keep_with_sheet(
    table: pandas.DataFrame,
    folder: str | Path,
    sounds: Iterable[str | Path] | None = None,
    corpus: Corpus | None = None,
) -> Path:
    """Copy sounds to a new folder with a table and a contact sheet.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`mimikit_nb.evaluate`.
    folder : str or Path
        Name of the folder; it gets the first number that is free.
    sounds : iterable of path, optional
        Which ones; all of the table if not given.
    corpus : Corpus, optional
        Flags on the sheet then mean "worse than the corpus".

    Returns
    -------
    Path
        The folder: WAV files, ``kept.csv``, ``contact_sheet.html``.
    """
    wanted = None if sounds is None else {str(path) for path in sounds}
    rows = table if wanted is None else table[table["path"].isin(wanted)]
    target = keep(rows, folder)
    files = sorted(target.glob("*.wav"))
    titles = [
        f"{number}. {row.checkpoint} · temperature {row.temperature:g}"
        for number, row in enumerate(rows.itertuples(), start=1)
    ]
    cards = listen(dict(zip(titles, files, strict=True)), corpus=corpus)
    columns = [c for c in (*SHOWN, "stars", "note", "longest_copy_seconds") if c in rows]
    write_report(
        target / SHEET_NAME,
        "Kept sounds",
        {
            "Sounds": cards,
            "Scores": rows[columns],
            "All that was heard": [scatter_picture(table), curves_picture(table)],
        },
        subtitle=f"{len(rows)} of {len(table)} sounds",
    )
    return target
