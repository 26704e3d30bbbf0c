"""The timeline of an ensemble with its buttons, and the form of the chosen turn.

Main name: :class:`EnsembleTurns`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as W
import numpy as np

from ...errors import ParameterError
from ...generation.ensemble.draft import Draft, Place, as_turn
from ...generation.ensemble.event import Event
from ..forms.controls import button, explain, offer
from .lanes import Lanes
from .model import EnsembleModel
from .sources import Do, EnsembleSources
from .turn_form import TurnForm

HINT = (
    '<span class="mnb-note">Drag a turn to another place, its right edge to another length; '
    "striped turns are to be made. Double click plays.</span>"
)


class EnsembleTurns:
    """Add, choose, move, lengthen, duplicate, delete and edit turns, with undo.

    Parameters
    ----------
    model : EnsembleModel
    sources : EnsembleSources
        Gives the generators.
    do : callable
        Does an action, and says in the view what went wrong.

    Attributes
    ----------
    chosen : tuple of int, or None
        Row and place of the chosen turn.
    on_play : callable
        Called with the seconds of a turn that is to be heard.
    """

    def __init__(self, model: EnsembleModel, sources: EnsembleSources, do: Do) -> None:
        self.composer, self.sources, self._do = model.composer, sources, do
        self.chosen: Place | None = None
        self.on_play: Callable[[float], None] = lambda _: None
        self._shown: tuple[Any, ...] = ()
        self.lanes = Lanes({k: self._asked(v) for k, v in self._actions().items()})
        self.form = TurnForm(lambda event, place: do(lambda: self._edit(event, place)))
        self._make_adding()
        self._make_buttons()
        wrapped = W.Layout(flex_flow="row wrap", align_items="center")
        self.widget = W.VBox(
            [
                W.HBox([self.generator, self.seconds, self.add, self.add_voice], layout=wrapped),
                W.HTML(HINT),
                self.lanes,
                W.HBox(list(self.buttons.values()), layout=wrapped),
                self.form.widget,
            ]
        )

    def _actions(self) -> dict[str, Callable[..., None]]:
        return {
            "choose": self._choose,
            "move": self._move,
            "resize": self._resize,
            "duplicate": self._duplicate,
            "delete": self._delete,
            "play": lambda place: self.on_play(self.composer.draft.start_of(place)),
            "undo": self._undo,
            "redo": self._redo,
        }

    def _asked(self, action: Callable[..., None]) -> Callable[..., None]:
        return lambda **values: self._do(lambda: action(**values))

    def _make_adding(self) -> None:
        self.generator = W.Dropdown(description="generator", layout=W.Layout(width="330px"))
        explain(self.generator, "What sounds in the turn that is added.")
        self.seconds = W.BoundedFloatText(
            value=2.0, min=0.05, max=3600.0, step=0.5, description="seconds",
            layout=W.Layout(width="170px"),
        )  # fmt: skip
        explain(self.seconds, "Length of the turn that is added.")
        self.add = button("Add turn", "Put a turn behind the chosen one, or at the end.", "success")
        self.add.on_click(lambda _: self._do(self._add))
        self.add_voice = button("Add voice", "One more row, which sounds at the same time.")
        self.add_voice.on_click(lambda _: self._do(self._add_voice))

    def _make_buttons(self) -> None:
        chosen: dict[str, tuple[Callable[[Place], None], str]] = {
            "Earlier": (lambda p: self._move(p, (p[0], p[1] - 1)), "Change places with the turn "
                        "before."),
            "Later": (lambda p: self._move(p, (p[0], p[1] + 1)), "Change places with the turn "
                      "after."),
            "Duplicate": (self._duplicate, "The same turn once more, behind it."),
            "Delete": (self._delete, "Take the turn out, and its voice if it was the last one."),
            "New seed": (self._reseed, "Another sound of the same kind."),
        }  # fmt: skip
        self.buttons = {}
        for name, (action, help_) in chosen.items():
            made = button(name, f"{help_} Needs a chosen turn.")
            made.on_click(lambda _, action=action: self._do(lambda: action(self._needed())))
            self.buttons[name] = made
        for name, act, help_ in (
            ("Undo", self._undo, "Take back the last change of turns or prompts."),
            ("Redo", self._redo, "Take it back again."),
        ):
            made = button(name, help_)
            made.on_click(lambda _, act=act: self._do(act))
            self.buttons[name] = made

    # -- doing --------------------------------------------------------------------------------

    def _needed(self) -> Place:
        if self.chosen is None:
            raise ParameterError("Choose a turn in the timeline first.")
        return self.chosen

    def _add(self) -> None:
        spec = self.sources.generators.get(self.generator.value)
        if spec is None:
            raise ParameterError("Choose a generator first; Look finds networks in a folder.")
        draft, turn = self.composer.draft, Event(generator=spec, seconds=float(self.seconds.value))
        last = len(draft.rows) - 1
        place = (last, len(draft.rows[last]))
        if self.chosen is not None:
            place = (self.chosen[0], self.chosen[1] + 1)
        elif not draft.rows[0]:
            place = (0, 0)
        turn = turn.model_copy(update={"seed": self._fresh_seed()})
        self._take(draft.with_turn(place, turn), place)

    def _add_voice(self) -> None:
        self._take(self.composer.draft.with_voice(), None)

    def _choose(self, place: Place) -> None:
        rows = self.composer.draft.rows
        row = min(max(0, place[0]), len(rows) - 1)
        index = min(max(0, place[1]), len(rows[row]) - 1)
        self.chosen = (row, index) if rows[row] else None

    def _move(self, place: Place, to: Place) -> None:
        self._take(*self.composer.draft.moved(place, to))

    def _resize(self, place: Place, seconds: float) -> None:
        turn = self.composer.draft.at(place)
        longer = turn.model_copy(update={"seconds": max(0.05, round(float(seconds), 3))})
        self._take(self.composer.draft.changed(place, longer), place)

    def _duplicate(self, place: Place) -> None:
        turn, after = self.composer.draft.at(place), (place[0], place[1] + 1)
        copy = turn.model_copy(update={"seed": self._fresh_seed()})
        self._take(self.composer.draft.with_turn(after, copy), after)

    def _delete(self, place: Place) -> None:
        draft = self.composer.draft.without(place)
        if not draft.rows[place[0]] and len(draft.rows) > 1:
            self._take(draft.without_voice(place[0]), None)
        else:
            left = len(draft.rows[place[0]])
            self._take(draft, (place[0], min(place[1], left - 1)) if left else None)

    def _reseed(self, place: Place) -> None:
        turn = self.composer.draft.at(place)
        other = turn.model_copy(update={"seed": self._fresh_seed()})
        self._take(self.composer.draft.changed(place, other), place)

    def _edit(self, event: Event, place: Place) -> None:
        """Change the turn whose form it was, even if another one is chosen by now."""
        turn = as_turn(event, np.random.default_rng())
        self._take(self.composer.draft.changed(place, turn), self.chosen)

    def _undo(self) -> None:
        self.composer.history.undo()
        self._keep_choice()

    def _redo(self) -> None:
        self.composer.history.redo()
        self._keep_choice()

    def _take(self, draft: Draft, chosen: Place | None) -> None:
        self.composer.edit(draft)
        self.chosen = chosen

    def _keep_choice(self) -> None:
        if self.chosen is not None:
            self._choose(self.chosen) if self.chosen[0] < len(self.composer.draft.rows) else None
            self.chosen = self.chosen if self._is_there(self.chosen) else None

    def _is_there(self, place: Place) -> bool:
        rows = self.composer.draft.rows
        return place[0] < len(rows) and place[1] < len(rows[place[0]])

    def _fresh_seed(self) -> int:
        return int(np.random.default_rng().integers(2**31))

    # -- showing ------------------------------------------------------------------------------

    def refresh(self, variation: int) -> None:
        """Show turns, choice and form as they are."""
        composer, draft = self.composer, self.composer.draft
        if self.chosen is not None and not self._is_there(self.chosen):
            self.chosen = None
        self._offer()
        done = composer.n_done(variation) - draft.prompt_seconds(variation)
        self.lanes.show(draft, self.chosen, done)
        self.buttons["Undo"].disabled = not composer.history.can_undo
        self.buttons["Redo"].disabled = not composer.history.can_redo
        for name in ("Earlier", "Later", "Duplicate", "Delete", "New seed"):
            self.buttons[name].disabled = self.chosen is None
        turn = None if self.chosen is None else draft.at(self.chosen)
        if self._shown != (turn, self.chosen):
            self._shown = (turn, self.chosen)
            self.form.show(turn, self.chosen)

    def _offer(self) -> None:
        generators = self.sources.generators
        if tuple(generators) != tuple(self.generator.options):
            offer(self.generator, generators)
        if generators != self.form.specs:
            self.form.offer(generators)
