"""What an evaluation lets be heard: prompts chosen on the waveform, temperatures, a budget.

Main name: :class:`PromptPicker`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as W

from ...corpus.store import Corpus
from ...errors import ParameterError
from ...generation.prompts import split_time
from ..forms.controls import explain, hint
from ..forms.drop import DropZone
from ..forms.quiet import Quiet
from ..player.waveform import Player, player

SPREAD, HELD_OUT, MARKED = "spread evenly", "in held-out parts", "as marked below"
NAMES = {SPREAD: "spread", HELD_OUT: "held_out"}

Place = Callable[[str, int, float], list[Any]]
"Gives the positions of so many prompts, of a length in seconds, by the name of a place."


class PromptPicker:
    """Prompts as points on the waveform of the corpus and of held-out files.

    Parameters
    ----------
    settings : dict
        Arguments of :func:`mimikit_nb.evaluate` to begin with.
    corpus : callable
        Gives the corpus.
    place : callable
        Gives the positions of prompts in it.
    folder : Path
        Where files that are dropped are kept.

    Attributes
    ----------
    widget : ipywidgets.Widget
        What to show.
    """

    def __init__(
        self, settings: dict[str, Any], corpus: Callable[[], Corpus], place: Place, folder: Path
    ) -> None:
        self._corpus, self._place = corpus, place
        self.marks: Player | None = None
        self.files: dict[str, Player] = {}
        self._quiet = Quiet()
        self._make_controls(settings)
        self._waves, self._message = W.VBox(), W.HTML()
        self._drop = DropZone(folder, self.add, label="Drop held-out recordings to begin with")
        given = settings.get("prompts", "spread")
        self._given: list[Any] = [] if isinstance(given, str) else list(given)
        self.source.value = MARKED if self._given else HELD_OUT if given == "held_out" else SPREAD
        for control in (self.source, self.count, self.prompt_seconds):
            control.observe(lambda _: self._refill(), names="value")
        about = "Every checkpoint continues all of them. Drag a mark, or add one at the playhead."
        self.widget = W.VBox(
            [
                self._row(self.source, self.count, self.prompt_seconds, self.seconds),
                self._row(self.temperatures, self.seeds, self.minutes),
                W.HTML(f'<span class="mnb-note">{about}</span>'),
                self._message,
                self._waves,
                self._drop,
            ]
        )

    def show(self) -> None:
        """Show the waveform, and on it the prompts; the corpus is opened here."""
        if self.marks is not None:
            return
        corpus = self._corpus()
        shown = player(
            corpus.signal, corpus.sample_rate, title="corpus", kinds=["prompt"], headless=False
        )
        self.marks = shown
        shown.observe(lambda _: self._marked(), names="points")
        files = [item for item in self._given if isinstance(item, str | Path)]
        self._mark([item for item in self._given if not isinstance(item, str | Path)])
        for file in files:
            self._add(*split_time(file))
        self._show_waves()
        self._refill()

    def add(self, paths: list[Path]) -> None:
        """Begin with these files too."""
        self.show()
        for path in paths:
            self._add(str(path), 0.0)
        self.source.value = MARKED
        self._show_waves()

    @property
    def settings(self) -> dict[str, Any]:
        """Arguments of :func:`mimikit_nb.evaluate`.

        Raises
        ------
        ParameterError
            If a list of numbers is none.
        """
        return {
            "prompts": self._prompts(),
            "n": self.count.value,
            "prompt_seconds": self.prompt_seconds.value,
            "seconds": self.seconds.value,
            "temperatures": _numbers(self.temperatures, float),
            "seeds": _numbers(self.seeds, int),
            "max_minutes": self.minutes.value or None,
        }

    def _prompts(self) -> Any:
        if self.source.value != MARKED:
            return NAMES[self.source.value]
        if self.marks is None:
            return self._given
        found: list[Any] = [round(point["time"], 3) for point in self.marks.points]
        for path, shown in self.files.items():
            found += [f"{path}#t={point['time']:.3f}" for point in shown.points]
        return found

    # -- parts --------------------------------------------------------------------------------

    def _make_controls(self, settings: dict[str, Any]) -> None:
        def number(kind: Any, name: str, value: float, least: float, help_: str) -> Any:
            made = kind(value=value, min=least, max=1e4, description=name)
            explain(made, help_)
            return made

        self.source = W.Dropdown(description="prompts", options=[SPREAD, HELD_OUT, MARKED])
        self.count = number(
            W.BoundedIntText, "how many", settings.get("n", 4), 1, "Prompts for each checkpoint."
        )
        self.prompt_seconds = number(
            W.BoundedFloatText,
            "each (s)",
            settings.get("prompt_seconds", 1.0),
            0.01,
            "Length of a prompt, in seconds.",
        )
        self.seconds = number(
            W.BoundedFloatText,
            "new (s)",
            settings.get("seconds", 10.0),
            0.1,
            "New sound behind each prompt, in seconds.",
        )
        self.minutes = number(
            W.BoundedFloatText,
            "minutes",
            settings.get("max_minutes") or 0,
            0,
            "Budget for all of it; 0: no limit. What isn't done is made at the next Start.",
        )
        self.temperatures = W.Text(_text(settings.get("temperatures", (1.0,))))
        self.temperatures.description = "temperatures"
        explain(self.temperatures, "Each prompt is continued with each: numbers, separated.")
        self.seeds = W.Text(_text(settings.get("seeds", (0,))), description="seeds")
        explain(self.seeds, "Each prompt is continued with each: whole numbers, separated.")

    def _row(self, *controls: Any) -> Any:
        parts = []
        for control in controls:
            control.layout.width = "235px" if control is self.source else "195px"
            control.style.description_width = "95px"
            parts.append(control)
        if self.minutes in controls:
            parts.append(hint("A budget for all of it; 0 is none.", ""))
        return W.HBox(parts, layout=W.Layout(flex_flow="row wrap"))

    def _show_waves(self) -> None:
        shown = [] if self.marks is None else [self.marks, *self.files.values()]
        self._waves.children = [one.widget for one in shown]

    def _add(self, path: str, time: float) -> None:
        if path not in self.files:
            self.files[path] = player(path, kinds=["prompt"], height=80, headless=False)
        shown = self.files[path]
        shown.points = [*shown.points, _point(time, len(shown.points))]

    # -- marks --------------------------------------------------------------------------------

    def _refill(self) -> None:
        """Place the prompts anew; those that were marked by hand stay."""
        self._message.value = ""
        if self.marks is None or self.source.value == MARKED:
            return
        name = NAMES[self.source.value]
        try:
            places = self._place(name, self.count.value, self.prompt_seconds.value)
        except Exception as error:
            from ..words import in_plain_words

            places, said = [], in_plain_words(error)
            self._message.value = f'<span class="mnb-wrong">{said}</span>'
        self._mark(places)

    def _mark(self, places: list[float]) -> None:
        assert self.marks is not None
        with self._quiet:
            self.marks.points = [_point(place, number) for number, place in enumerate(places)]

    def _marked(self) -> None:
        if not self._quiet:
            self.source.value = MARKED


def _point(time: float, number: int) -> dict[str, Any]:
    return {"time": float(time), "label": f"prompt {number + 1}", "kind": "prompt"}


def _text(values: Any) -> str:
    values = [values] if isinstance(values, int | float) else values
    return " ".join(f"{value:g}" for value in values)


def _numbers(control: Any, kind: type) -> list[Any]:
    parts = control.value.replace(",", " ").split()
    try:
        return [kind(part) for part in parts]
    except ValueError:
        raise ParameterError(
            f"{control.description} are {control.value!r}; write numbers with spaces between."
        ) from None
