"""Blind pairs: two sounds that differ in the checkpoint only, and whose names are hidden.

Main name: :class:`BlindTest`.
"""

from __future__ import annotations

import html
from typing import Any

import ipywidgets as W

from ...audio.files import info, load
from ...audio.recall import read_recall
from ...recipes.audition import Notes, draw_pair
from ..forms.controls import button
from ..player.waveform import player

ASK = "Listen to both; nothing differs but the checkpoint. Which one is better?"


class BlindTest:
    """Two players without names, and three answers.

    Parameters
    ----------
    notes : Notes
        Where votes are kept.

    Attributes
    ----------
    pair : tuple of str
        Paths of A and B; empty before the first pair.
    widget : ipywidgets.Widget
        What to show.
    """

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self.pair: tuple[str, ...] = ()
        self._table: Any = None
        self._seed = len(notes.votes)
        self.question = W.HTML(ASK)
        self.sounds = W.VBox()
        self.answers = {
            "A is better": lambda: self._vote(0, 1),
            "B is better": lambda: self._vote(1, 0),
            "No difference": self.next_pair,
        }
        row = []
        for name, action in self.answers.items():
            made = button(name, "Go on with another pair; names stay hidden until you reveal them.")
            made.on_click(lambda _, action=action: action())
            row.append(made)
        self.reveal_button = button("Reveal", "Show which checkpoints won how often.")
        self.reveal_button.on_click(lambda _: self.reveal())
        self.result = W.HTML()
        buttons = W.HBox([*row, self.reveal_button], layout=W.Layout(flex_flow="row wrap"))
        self.widget = W.VBox([self.question, self.sounds, buttons, self.result])
        self.widget.add_class("mnb-blind")

    def begin(self, table: Any) -> None:
        """Draw the first pair from a table."""
        self._table = table
        self.result.value = ""
        self.next_pair()

    def next_pair(self) -> None:
        """Draw another pair and show it without names."""
        self.pair = draw_pair(self._table, self._seed)
        self._seed += 1
        views = []
        for letter, path in zip("AB", self.pair, strict=True):
            rate = info(path).sample_rate
            end = float(read_recall(path).get("prompt_end_seconds", 0.0))
            known = {"prompt_end_seconds": end}
            shown = player(
                load(path, rate), rate, metadata=known, title=letter, height=70, headless=False
            )
            views.append(shown.widget)
        self.sounds.children = views

    def reveal(self) -> None:
        """Show the votes by checkpoint."""
        wins = self.notes.wins()
        if not len(wins):
            self.result.value = "<p>No votes yet.</p>"
            return
        rows = "".join(
            f"<tr><td>{html.escape(row.checkpoint)}</td><td>{row.won} of {row.heard}</td></tr>"
            for row in wins.itertuples()
        )
        self.result.value = f"<table><tr><th>checkpoint</th><th>preferred</th></tr>{rows}</table>"

    def _vote(self, better: int, worse: int) -> None:
        by_path = dict(zip(self._table["path"], self._table["checkpoint"], strict=True))
        self.notes.vote(by_path[self.pair[better]], by_path[self.pair[worse]])
        n = len(self.notes.votes)
        self.question.value = f"{ASK} <b>{n} vote{'s' if n != 1 else ''}</b> so far."
        self.next_pair()
