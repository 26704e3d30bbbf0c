"""One sound of an evaluation: heard, starred, extended, and beside what it follows.

Main name: :class:`Audition`.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as W

from ...audio.recall import read_recall
from ...recipes.audition import MOST_STARS, extend_sound
from ..forms.controls import button
from ..forms.quiet import Quiet
from ..job import Job
from ..player.waveform import Player, player
from ..words import in_plain_words
from .audition_table import tooltip_of
from .model import Evaluation
from .score_pictures import neighbours_picture

EXTENSION_SECONDS = 10.0


class Audition:
    """A player with stars, a note, and what the sound follows in the corpus.

    Parameters
    ----------
    evaluation : Evaluation
        Whose sounds are heard.
    do : callable
        Does what a button says; what goes wrong is said in the view.
    say : callable
        Says something in the view: a text, and whether it is wrong.
    on_change : callable
        Called when a sound got stars.

    Attributes
    ----------
    chosen : str
        Path of the sound that is heard; empty before the first one.
    player : Player
        What plays it.
    """

    def __init__(
        self,
        evaluation: Evaluation,
        do: Callable[[Callable[[], Any]], None],
        say: Callable[..., None],
        on_change: Callable[[], None],
    ) -> None:
        self.evaluation, self._say, self._on_change = evaluation, say, on_change
        self.chosen, self._quiet = "", Quiet()
        self.player: Player | None = None
        self.title, self.sound, self.source = W.HTML(), W.VBox(), W.VBox()
        self.trace = W.Image(format="png", layout=W.Layout(max_width="100%", display="none"))
        self.stars = W.ToggleButtons(
            options=[("☆", 0), *(("★" * n, n) for n in range(1, MOST_STARS + 1))],
            style={"button_width": "auto"},
        )
        self.note = W.Text(placeholder="a note on this sound", layout=W.Layout(width="340px"))
        self.stars.observe(self._starred, names="value")
        self.note.observe(self._noted, names="value")
        actions = {
            "Extend by 10 s": (self._extend, "Go on with this sound where it stopped, in a copy."),
            "Hear the original": (self._original, "Play what it follows in the corpus."),
        }
        self.actions = {}
        for name, (action, help_) in actions.items():
            self.actions[name] = button(name, help_)
            self.actions[name].on_click(lambda _, action=action: do(action))
        self._extending = ""  # which sound, while another one may be heard
        self.extender = Job(
            lambda _: extend_sound(self._extending, EXTENSION_SECONDS, corpus=evaluation.corpus),
            self._extended,
            name="extend",
        )
        self.widget = W.VBox(
            [
                self.title,
                self.sound,
                W.HBox([self.stars, self.note], layout=W.Layout(flex_flow="row wrap")),
                W.HBox(list(self.actions.values())),
                self.source,
                self.trace,
            ],
            layout=W.Layout(display="none"),
        )

    def pick(self, path: str) -> None:
        """Show a sound of the table and play it."""
        value = self.evaluation.value
        row: Any = next(value[value["path"] == path].itertuples())
        self.chosen = path
        known = {"temperature": row.temperature, "seed": int(row.seed)}
        known |= {"checkpoint": row.checkpoint} | ({"event": row.flags} if row.flags else {})
        self._play(path, row.checkpoint, known)
        self.title.value = f"<h4>{html.escape(row.checkpoint)}</h4>{html.escape(tooltip_of(row))}"
        self.source.children = []
        self.actions["Hear the original"].disabled = not row.longest_copy_seconds >= 1
        with self._quiet:
            self.stars.value, self.note.value = int(row.stars), row.note
        corpus = self.evaluation.corpus
        picture = neighbours_picture(path, corpus.duration_seconds if corpus else 0.0)
        self.trace.layout.display = "none" if picture is None else ""
        if picture is not None:
            self.trace.value = picture.png()
        self.widget.layout.display = ""

    def _play(self, path: str | Path, title: str, known: dict[str, Any]) -> None:
        end = float(read_recall(path).get("prompt_end_seconds", 0.0))
        known = {"prompt_end_seconds": end, **known}
        self.player = player(path, metadata=known, title=title, height=90, headless=False)
        self.sound.children = [self.player.widget]
        self.player.play(end)

    def _starred(self, change: Any) -> None:
        if self.chosen and not self._quiet:
            self.evaluation.notes.set(self.chosen, stars=change["new"])
            self._on_change()

    def _noted(self, change: Any) -> None:
        if self.chosen and not self._quiet:
            self.evaluation.notes.set(self.chosen, note=change["new"])

    def _extend(self) -> None:
        if self.chosen and not self.extender.is_alive:
            self._extending = self.chosen
            self._say("Going on with this sound ...", is_wrong=False)
            self.extender.start(self.evaluation.foreground)

    def _extended(self) -> None:
        """Play the longer sound unless another one is heard by now, or say why there is none."""
        if self.extender.is_alive:
            return
        if self.extender.error is not None:
            self._say(in_plain_words(self.extender.error))
        elif self.extender.result is not None:
            longer, self.extender.result = self.extender.result, None
            if self.chosen == self._extending:
                self._play(longer, f"{longer.name}, extended", {})
            self._say(f"Written: {longer}", is_wrong=False)

    def _original(self) -> None:
        """Play the passage of the corpus that the chosen sound follows."""
        value, corpus = self.evaluation.value, self.evaluation.corpus
        if not self.chosen or corpus is None:
            return
        row = value[value["path"] == self.chosen].iloc[0]
        start = max(0, round(row.copy_position_seconds * corpus.sample_rate))
        stop = start + round(row.longest_copy_seconds * corpus.sample_rate)
        shown = player(
            corpus.signal[:, start:stop],
            corpus.sample_rate,
            title=f"corpus from {row.copy_position_seconds:.2f} s",
            height=90,
            headless=False,
        )
        self.source.children = [shown.widget]
        shown.play(0)
