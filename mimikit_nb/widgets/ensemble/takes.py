"""What was generated of an ensemble: a player for the chosen variation, in step with the timeline.

Main name: :class:`EnsembleTakes`.
"""

from __future__ import annotations

import threading
from typing import Any

import ipywidgets as W

from ..forms.controls import explain
from ..forms.quiet import Quiet
from ..player.waveform import Player, player
from .composer import Take, marks_of
from .model import EnsembleModel
from .turns import EnsembleTurns

NOTHING = '<span class="mnb-note">Nothing yet. Add turns, then press Generate all.</span>'


class EnsembleTakes:
    """The player of the chosen variation.

    Parameters
    ----------
    model : EnsembleModel
    turns : EnsembleTurns
        The timeline, which shows where the player is.

    Attributes
    ----------
    player : Player or None
        Plays the take.
    """

    def __init__(self, model: EnsembleModel, turns: EnsembleTurns) -> None:
        self.composer, self.turns = model.composer, turns
        self.player: Player | None = None
        self._shown: Take | None = None
        self._quiet, self._refreshing = Quiet(), threading.RLock()
        turns.on_play = self.play
        self.chooser = W.Dropdown(description="variation", layout=W.Layout(width="330px"))
        explain(self.chooser, "Which prompt's piece is heard.")
        self.chooser.observe(lambda _: self._chosen(), names="value")
        self._holder = W.VBox([W.HTML(NOTHING)])
        self.widget = W.VBox([self.chooser, self._holder])

    @property
    def variation(self) -> int:
        """Number of the variation that is shown, from 0."""
        return int(self.chooser.value or 0)

    def play(self, seconds: float) -> None:
        """Play from a time of the turns on."""
        if self.player is not None and self._shown is not None:
            start = seconds + self._shown.prompt_seconds
            self.player.play(min(start, self.player.duration_seconds))

    def refresh(self) -> None:
        """Show the variations that there are, and the chosen one's take."""
        with self._refreshing:  # a choice and the panel may both ask
            self._refresh()

    def _refresh(self) -> None:
        draft = self.composer.draft
        options = [
            (f"{i + 1}: prompt at {draft.prompts[i][0]:.2f} s" if draft.prompts else "1", i)
            for i in range(draft.n_variations)
        ]
        if tuple(self.chooser.options) != tuple(options):
            before = self.variation
            with self._quiet:
                self.chooser.options = options
                self.chooser.value = min(before, len(options) - 1)
        self.chooser.layout.display = "" if len(options) > 1 else "none"
        take = self.composer.known(self.variation)
        if take is not self._shown:
            self._show(take)

    def _chosen(self) -> None:
        if not self._quiet:
            self.refresh()
            self.turns.refresh(self.variation)

    def _show(self, take: Take | None) -> None:
        self._shown, self.player = take, None
        self.turns.lanes.time = -1.0
        if take is None:
            self._holder.children = [W.HTML(NOTHING)]
            return
        points, entries = marks_of(take)
        made: Any = player(
            *(take.made.audio, take.piece.sample_rate),
            points=points,
            metadata=entries,
            title=f"variation {self.variation + 1}" if take.draft.prompts else "piece",
            headless=False,
        )
        made.observe(lambda _: self._follow(made, take), names=["time"])
        self.player = made
        self._holder.children = [made.widget]

    def _follow(self, made: Player, take: Take) -> None:
        if made is self.player:
            self.turns.lanes.time = max(-1.0, made.time - take.prompt_seconds)
