"""``metrics.csv``: one row a logged step, appended while training, cut back when it goes back."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from ..audio.atomic import replacing, sync
from ..checkpoint.run import read_rows

Row = Mapping[str, float | int | None]


class MetricsFile:
    """The table of losses of a run.

    Parameters
    ----------
    path : Path
        The file; made with the first row.
    columns : list of str
        Its columns; the first is "step".
    """

    def __init__(self, path: Path, columns: list[str]) -> None:
        self.path, self.columns = path, columns

    def append(self, row: Row) -> None:
        """Add a row; floats are written such that they read back as they were."""
        is_new = not self.path.exists() or not self.path.stat().st_size
        with self.path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self.columns, lineterminator="\n")
            if is_new:
                writer.writeheader()
            writer.writerow({name: _text(row.get(name)) for name in self.columns})

    def sync(self) -> None:
        """Force the rows onto the disk."""
        if self.path.exists():
            sync(self.path)

    def cut(self, step: int) -> int:
        """Remove the rows after ``step`` and those that aren't whole; how many is returned.

        Raises
        ------
        TrainingError
            If the file isn't a table of losses; it is left as it is.
        """
        if not self.path.exists():
            return 0
        rows = list(csv.DictReader(read_rows(self.path)))
        kept = [row for row in rows if _is_whole(row) and int(row["step"]) <= step]
        with (
            replacing(self.path) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as f,
        ):
            writer = csv.DictWriter(f, self.columns, lineterminator="\n", extrasaction="ignore")
            writer.writeheader()
            writer.writerows(kept)
        return len(rows) - len(kept)


def _is_whole(row: Mapping[str | None, str | None]) -> bool:
    """Whether a row has as many values as the header, and a step."""
    step = row["step"]
    return None not in row and None not in row.values() and step is not None and step.isdecimal()


def _text(value: float | int | None) -> str:
    return "" if value is None else repr(value)
