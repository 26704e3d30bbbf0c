"""The audition grid: rows are checkpoints, columns prompts or temperatures, a press plays.

Main name: :class:`AuditionGrid`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as W

from ...evaluation.detectors import REMEDIES
from ...evaluation.replay import Replay
from ...recipes.audition import Notes
from ..forms.controls import explain

if TYPE_CHECKING:
    import pandas

MOST_CELLS = 120  # more buttons make the page slow; the rest is reached by filters
WIDEST = 8  # columns
CELL_WIDTH = "132px"


class AuditionGrid:
    """Buttons for the sounds of a table.

    Parameters
    ----------
    notes : Notes
        Stars are shown on the buttons.
    on_pick : callable
        Called with the path of the sound that was pressed.

    Attributes
    ----------
    buttons : dict of str to ipywidgets.Button
        By path of the sound.
    widget : ipywidgets.Widget
        What to show.
    """

    def __init__(self, notes: Notes, on_pick: Callable[[str], None]) -> None:
        self._notes, self._on_pick = notes, on_pick
        self.buttons: dict[str, Any] = {}
        self.widget = W.VBox()

    def show(self, table: pandas.DataFrame, columns: str, chosen: str = "") -> None:
        """Show a table; rows of the grid keep the order in which checkpoints come in it.

        Parameters
        ----------
        table : pandas.DataFrame
            Sorted and filtered.
        columns : {"prompt", "temperature"}
            What stands side by side.
        chosen : str
            Path of the sound that is heard.
        """
        self.buttons = {}
        shown = table.head(MOST_CELLS)
        if not len(shown):
            self.widget.children = [W.HTML('<span class="mnb-note">No sound passes.</span>')]
            return
        values = sorted(shown[columns].unique(), key=lambda v: (isinstance(v, str), v))[:WIDEST]
        head = [W.HTML("<b>checkpoint</b>", layout=W.Layout(width="150px"))]
        head += [W.HTML(_heading(columns, v), layout=W.Layout(width=CELL_WIDTH)) for v in values]
        lines = [W.HBox(head)]
        for name in shown["checkpoint"].drop_duplicates():
            cells: list[Any] = [W.Label(name, layout=W.Layout(width="150px"))]
            for value in values:
                here = shown[(shown["checkpoint"] == name) & (shown[columns] == value)]
                cells.append(self._cell(here, chosen))
            lines.append(W.HBox(cells))
        if len(table) > len(shown):
            text = f"{len(table) - len(shown)} more: filter to see them."
            lines.append(W.HTML(f'<span class="mnb-note">{text}</span>'))
        self.widget.children = lines

    def _cell(self, rows: pandas.DataFrame, chosen: str) -> Any:
        made = []
        for row in rows.itertuples():
            label = f"{row.novelty:.2f} · {row.fidelity:.2f}"
            stars = self._notes.stars(row.path)
            label += f" ★{stars}" if stars else ""
            label += f" ⚑ {row.flags}" if row.flags else ""
            style = "info" if row.path == chosen else "warning" if row.flags else ""
            made.append(self._button(row.path, label, style, tooltip_of(row)))
        return W.VBox(made, layout=W.Layout(width=CELL_WIDTH))

    def _button(self, path: str, label: str, style: str, tooltip: str) -> Any:
        made = W.Button(
            description=label, button_style=style, layout=W.Layout(width="124px", margin="1px")
        )
        explain(made, tooltip)
        made.on_click(lambda _: self._on_pick(path))
        self.buttons[path] = made
        return made


def _heading(columns: str, value: Any) -> str:
    if columns == "temperature":
        return f"<b>temperature {value:g}</b>"
    return (
        f"<b>from {value:.2f} s</b>" if isinstance(value, float) else f"<b>{Path(value).name}</b>"
    )


def tooltip_of(row: Any) -> str:
    """What a sound is and scores, in words."""
    parts = [f"novelty {row.novelty:.2f}, fidelity {row.fidelity:.2f}"]
    if row.longest_copy_seconds >= 1:
        at = f"at {row.copy_position_seconds:.1f} s of the corpus"
        parts.append(f"follows the corpus for {row.longest_copy_seconds:.1f} s ({at})")
    if getattr(row, "recorded_share", 0.0) > 0:
        parts.append(str(Replay(row.recorded_share, row.longest_run_seconds, 0.0)))
    parts.append(f"temperature {row.temperature:g}, seed {row.seed}")
    parts += [f"{flag}: {REMEDIES[flag]}" for flag in row.flags.split()] or ["no flags"]
    return " · ".join(parts)
