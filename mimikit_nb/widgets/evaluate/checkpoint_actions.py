"""What can be done with the checkpoints of an evaluation: average, compare, export, prune.

Main name: :class:`CheckpointActions`.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import ipywidgets as W

from ...errors import ParameterError
from ..forms.controls import button, explain
from .model import Evaluation

EQUAL, LATER, TYPED = "equal shares", "later ones more", "shares as typed"


class CheckpointActions:
    """A list of checkpoints and buttons.

    Parameters
    ----------
    evaluation : Evaluation
        Whose checkpoints they are.
    do : callable
        Does what a button says; what goes wrong is said in the view.

    Attributes
    ----------
    widget : ipywidgets.Widget
        What to show.
    """

    def __init__(self, evaluation: Evaluation, do: Callable[[Callable[[], Any]], None]) -> None:
        self.evaluation = evaluation
        self._kept: list[str] = []  # while it is asked whether to delete the rest
        self.names = W.SelectMultiple(rows=7, layout=W.Layout(width="300px"))
        explain(self.names, "Ctrl or Shift chooses several.")
        self.shares = W.Dropdown(options=[EQUAL, LATER, TYPED], layout=W.Layout(width="150px"))
        self.typed = W.Text(placeholder="0.7 0.3", layout=W.Layout(width="150px", display="none"))
        self.shares.observe(lambda _: self._show_typed(), names="value")
        actions = {
            "Average": (self._average, "Make one network of the chosen ones; press Start to "
                        "hear it beside them.", ""),
            "Compare": (self._compare, "Show what two checkpoints have apart.", ""),
            "Export": (self._export, "Write the chosen one to a folder of its own, with a card "
                       "that says what it is and how it scored.", ""),
            "Prune": (self._ask, "Keep the chosen checkpoints only; you are asked before any "
                      "is deleted.", "warning"),
            "Delete for good": (self._prune, "There is no way back.", "danger"),
            "Keep all": (self._forget, "Delete nothing.", ""),
        }  # fmt: skip
        self.buttons = {}
        for name, (action, help_, style) in actions.items():
            self.buttons[name] = button(name, help_, style)
            self.buttons[name].on_click(lambda _, action=action: do(action))
        self.question, self.result = W.HTML(), W.HTML()
        answers = W.HBox([self.buttons["Delete for good"], self.buttons["Keep all"]])
        self.asked = W.VBox([self.question, answers], layout=W.Layout(display="none"))
        rows = [
            W.HBox([self.buttons["Average"], self.shares, self.typed]),
            W.HBox([self.buttons[name] for name in ("Compare", "Export", "Prune")]),
            self.asked,
        ]
        top = W.HBox([self.names, W.VBox(rows)], layout=W.Layout(flex_flow="row wrap"))
        about = '<span class="mnb-note">Choose in the list; Ctrl or Shift chooses several.</span>'
        self.widget = W.VBox([W.HTML(about), top, self.result])
        self.widget.add_class("mnb-checkpoints")

    def refresh(self) -> None:
        """Show the checkpoints that there are; what was chosen stays so."""
        known = tuple(self.evaluation.checkpoints())
        if self.names.options != known:
            chosen = [name for name in self.names.value if name in known]
            self.names.value = ()  # the browser must not look for what is gone
            self.names.options = known
            self.names.value = chosen

    def _chosen(self, n: str, least: int, most: int | None = None) -> list[str]:
        names = list(self.names.value)
        if len(names) < least or (most is not None and len(names) > most):
            raise ParameterError(f"{len(names)} checkpoints are chosen in the list; choose {n}.")
        return names

    def _show_typed(self) -> None:
        self.typed.layout.display = "" if self.shares.value == TYPED else "none"

    def _average(self) -> None:
        names = self._chosen("two or more", 2)
        shares: Any = {EQUAL: "uniform", LATER: "ema"}.get(self.shares.value)
        if shares is None:
            try:
                shares = [float(part) for part in self.typed.value.replace(",", " ").split()]
            except ValueError:
                raise ParameterError(
                    f"The shares are {self.typed.value!r}; write a number for each checkpoint."
                ) from None
        folder = self.evaluation.average(names, shares)
        self.refresh()
        self._say(f"Written: {folder}. Press Start to hear it beside the others.")

    def _compare(self) -> None:
        table = self.evaluation.compare(*self._chosen("two", 2, 2))
        self.result.value = table.to_html(na_rep="", float_format="{:.4g}".format, border=0)

    def _export(self) -> None:
        (name,) = self._chosen("one", 1, 1)
        self._say(f"Written: {self.evaluation.export(name)}")

    def _ask(self) -> None:
        """Say what would be deleted, and offer it."""
        self._kept = self._chosen("those to keep", 1)
        files = self.evaluation.surplus(self._kept)
        if not files:
            self._say("All of the run's checkpoints are chosen: there is nothing to delete.")
            return
        size = sum(file.stat().st_size for file in files) / 1e6
        names = html.escape(", ".join(file.stem for file in files))
        n = f"{len(files)} checkpoint{'s' * (len(files) != 1)}"
        self.question.value = (
            f"<b>Delete {n} ({size:.1f} MB) for good?</b> {names}. Sounds, losses and exported "
            "folders stay; training can go on from what is kept only."
        )
        self.asked.layout.display = ""

    def _prune(self) -> None:
        keep = self._kept
        self._forget()
        if not keep:
            return
        deleted = self.evaluation.prune(keep)
        self.refresh()
        self._say(f"{len(deleted)} checkpoints were deleted.")

    def _forget(self) -> None:
        self._kept = []
        self.asked.layout.display = "none"

    def _say(self, text: str) -> None:
        self.result.value = f'<span class="mnb-note">{html.escape(text)}</span>'
