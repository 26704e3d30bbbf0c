"""The form of one turn: its generator to choose, and everything an event has, to type.

Main name: :class:`TurnForm`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as W

from ...generation.controls import OPTIONAL
from ...generation.ensemble.draft import Place
from ...generation.ensemble.event import Event
from ...generation.ensemble.studio import own_controls
from ..forms.controls import LABEL_WIDTH, TEXT_WIDTH, Invalid, TextControl, explain
from ..forms.sections import ConfigControl
from .names import name_of

COLUMNS = {
    "Sound": (
        *("generator", "seconds", "temperature", "recorded", "follow"),
        *("top_p", "top_k", "gain_db", "level", "seed"),
    ),
    "Prompt and end": ("prompt", "prompt_seconds", "prompt_noise", "until", "fixtures"),
    "Seam": ("crossfade_seconds", "crossfade", "fade_in_seconds", "fade_out_seconds"),
}
AS_WRITTEN = "as written below"


class TurnForm:
    """Edit one event; what is typed holds as soon as the field is left.

    Parameters
    ----------
    on_edit : callable
        Gets every changed event that is valid, and the place of its turn.

    Attributes
    ----------
    widget : ipywidgets.Widget
        What to show.
    control : ConfigControl
        The fields.
    """

    def __init__(self, on_edit: Callable[[Event, Place], None]) -> None:
        self._on_edit, self.specs = on_edit, dict[str, Any]()
        self._shown: tuple[Event, Place] | None = None
        self.control = ConfigControl("", Event)
        self.control.on_change(self._edited)
        for child in self.control.children.values():
            if isinstance(child, TextControl):
                child.text.continuous_update = False
        self.chooser = W.Dropdown(
            description="choose generator",
            style={"description_width": LABEL_WIDTH},
            layout=W.Layout(width=TEXT_WIDTH),
        )
        explain(self.chooser, "What sounds in this turn.")
        self.chooser.observe(lambda _: self._chosen(), names="value")
        columns = [self._column(title, names) for title, names in COLUMNS.items()]
        left, right = columns[0], W.VBox(columns[1:])
        self.widget = W.HBox([left, right], layout=W.Layout(flex_flow="row wrap"))
        self.show(None, None)

    def offer(self, specs: Mapping[str, Any]) -> None:
        """Let these generators be chosen, by name."""
        self.specs = dict(specs)
        self.show(*(self._shown or (None, None)))

    def show(self, event: Event | None, place: Place | None) -> None:
        """Show the event at a place of the timeline; nothing to edit if None."""
        self._shown = None  # what is set now is no edit
        self.widget.layout.display = "none" if event is None else ""
        if event is None or place is None:
            return
        self.control.set(event)
        reads = own_controls(event.generator)
        for name in OPTIONAL:
            self.control.hide([name], name not in reads and getattr(event, name) is None)
        known = next((k for k, v in self.specs.items() if _same(v, event.generator)), AS_WRITTEN)
        self.chooser.options = [*self.specs, AS_WRITTEN]
        self.chooser.value = known
        self._shown = (event, place)

    def _column(self, title: str, names: tuple[str, ...]) -> Any:
        rows = [self.control.children[name].widget for name in names]
        first = [self.chooser] if "generator" in names else []
        return W.VBox([W.HTML(f"<h4>{title}</h4>"), *first, *rows])

    def _chosen(self) -> None:
        spec, shown = self.specs.get(self.chooser.value), self._shown
        if shown is not None and spec is not None:
            event, place = shown
            self._on_edit(event.model_copy(update={"generator": spec}), place)

    def _edited(self) -> None:
        shown = self._shown
        if shown is None:
            return
        try:
            event = self.control.read()
        except Invalid:
            return
        if event != shown[0]:
            self._on_edit(event, shown[1])  # type: ignore[arg-type]


def _same(a: Any, b: Any) -> bool:
    """Whether two specs name the same generator."""
    texts = [json.dumps(x, sort_keys=True, default=name_of) for x in (a, b)]
    return texts[0] == texts[1]
