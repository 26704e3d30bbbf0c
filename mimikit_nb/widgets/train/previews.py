"""Previews of a training by step: a row of places, and the players of the chosen ones.

However many previews there are, only a few players are made, so that the page stays quick. Main
name: :class:`Timeline`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import ipywidgets as W

from ...errors import MimikitError
from ...evaluation.detectors import REMEDIES
from ...recipes.previews import PreviewSound
from ..player.waveform import player

SHOWN = 3  # newest previews that are shown at once
NOTHING = (
    '<span class="mnb-note">None yet. The first one comes by itself, or press Preview now.</span>'
)


class Timeline:
    """Players of previews, the newest first.

    Attributes
    ----------
    players : dict of str to Player
        Players made so far, by the name of the file.
    widget : ipywidgets.Widget
        What to show.
    """

    def __init__(self) -> None:
        self.players: dict[str, Any] = {}
        self._sounds: list[PreviewSound] = []
        self._note = W.HTML(NOTHING)
        self.chooser = W.SelectMultiple(
            description="earlier", rows=4, layout=W.Layout(width="460px", display="none")
        )
        self.chooser.observe(lambda _: self._arrange(), names="value")
        self._newest, self._chosen = W.VBox(), W.VBox()
        self.widget = W.VBox([self._note, self._newest, self.chooser, self._chosen])

    def show(self, sounds: Sequence[PreviewSound]) -> None:
        """Show these previews; does nothing if they are shown already."""
        sounds = list(sounds)
        if [s.path for s in sounds] == [s.path for s in self._sounds]:
            return
        self._sounds = sounds
        earlier = sounds[:-SHOWN]
        self.chooser.options = [(title_of(s), str(s.path)) for s in reversed(earlier)]
        self.chooser.layout.display = "" if earlier else "none"
        self._arrange()

    def _arrange(self) -> None:
        chosen = set(self.chooser.value)
        newest = self._sounds[-SHOWN:]
        self._newest.children = self._views(reversed(newest))
        self._chosen.children = self._views(s for s in self._sounds if str(s.path) in chosen)
        self._note.value = "" if newest else NOTHING

    def _views(self, sounds: Any) -> list[Any]:
        views = []
        for sound in sounds:
            with contextlib.suppress(MimikitError, OSError):
                views.append(self._player(sound).widget)
        return views

    def _player(self, sound: PreviewSound) -> Any:
        key = str(sound.path)
        if key not in self.players:
            self.players[key] = player(
                sound.path,
                metadata=known_of(sound),
                title=title_of(sound),
                height=70,
                headless=False,
            )
        return self.players[key]


def known_of(sound: PreviewSound) -> list[dict[str, Any]]:
    """What is known about the two parts of a preview: prompt, and what was generated after it."""
    recall, end = sound.sound.recall[0], sound.sound.prompt_end_seconds
    prompt = recall.get("prompt") or {}
    begun = {"start": 0.0, "stop": end, "label": "prompt", "kind": "prompt"}
    if "position_seconds" in prompt:
        begun["position in the corpus"] = f"{prompt['position_seconds']:.2f} s"
    new = {"start": end, "label": "generated", "kind": "generated", "step": sound.step}
    new |= {"temperature": sound.temperature, "seed": recall.get("seed")}
    new |= {} if sound.replay is None else {"recorded": str(sound.replay)}
    new |= {flag: REMEDIES[flag] for flag in sorted(sound.flags)}
    return [begun, new] if end else [new]


def title_of(sound: PreviewSound) -> str:
    """Step, temperature and flags of a preview."""
    flags = ", ".join(sorted(sound.flags)) or "no flags"
    return f"step {sound.step:,} · temperature {sound.temperature:g} · {flags}"
