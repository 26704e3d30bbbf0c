"""``metrics.csv``: one row a logged step, appended while training, cut back when it goes back."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from ..audio.atomic import replacing, sync

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
        is_new = not self.path.exists()
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
        """Remove the rows after ``step`` and a row that was cut off; how many is returned."""
        if not self.path.exists():
            return 0
        lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        rows = list(csv.DictReader(line for line in lines if line.endswith("\n")))
        kept = [row for row in rows if None not in row.values() and int(row["step"]) <= step]
        with (
            replacing(self.path) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as f,
        ):
            writer = csv.DictWriter(f, self.columns, lineterminator="\n", extrasaction="ignore")
            writer.writeheader()
            writer.writerows(kept)
        return len(rows) - len(kept)


def _text(value: float | int | None) -> str:
    return "" if value is None else repr(value)
