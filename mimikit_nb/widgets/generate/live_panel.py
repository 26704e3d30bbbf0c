"""What live play looks like: transport, settings, voices, and what was kept.

It holds widgets and makes no sound; everything it does is set in a
:class:`~mimikit_nb.generation.live.LivePlay`. Main name: :class:`LivePanel`.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable
from typing import Any

import ipywidgets as W

from ...audio.names import readable
from ...generation.controls import OPTIONAL
from ...generation.live import KEPT_SECONDS, LiveSettings, Voice
from ..forms.controls import STYLE, Invalid, button, explain
from ..forms.sections import ConfigControl
from ..forms.slider import Slider
from ..job import Job
from ..page import Page
from ..player.live_sound import LiveSound
from ..player.waveform import player
from ..words import in_plain_words
from .live_model import Playing

LOUDEST = 2.0  # of a voice
WRAPPED: dict[str, Any] = {"flex_flow": "row wrap", "align_items": "center"}
FREEZE, RELEASE = "Freeze", "Release"


class LivePanel:
    """All widgets of live play.

    Parameters
    ----------
    playing : Playing
        Whose voices are steered.
    sound : LiveSound
        Their way to the browser.
    """

    def __init__(self, playing: Playing, sound: LiveSound) -> None:
        self.playing, self.play, self.sound = playing, playing.play, sound
        self.message = W.HTML()
        self.status = W.HTML()
        self.status.add_class("mnb-note")
        self.settings = ConfigControl("", LiveSettings, is_root=True)
        self.settings.set(self.play.settings)
        self.settings.hide([n for n in OPTIONAL if getattr(self.play.settings, n) is None])
        self.settings.on_change(self._set)
        self._todo: Callable[[], None] = lambda: None
        self.reader = Job(lambda _: self._todo(), self.refresh, name="re-prompt")
        self.buttons = self._make_buttons()
        self.seconds = W.BoundedFloatText(
            value=min(playing.seconds, KEPT_SECONDS),
            min=0.5,
            max=KEPT_SECONDS,
            description="seconds",
            layout=W.Layout(width="170px"),
        )
        explain(self.seconds, "How much of what was just heard is kept.")
        self.kept, self.files = W.VBox(), W.HTML()
        self.widget = self._arranged()
        self.refresh()

    def _arranged(self) -> Any:
        voices = [_VoiceRow(i, voice).widget for i, voice in enumerate(self.play.voices)]
        names = ["Re-prompt from here", "From the prompts", FREEZE]
        parts = [
            W.HTML(STYLE),
            Page(),
            self.sound,
            self.status,
            self.message,
            W.HBox([self.buttons[name] for name in names], layout=W.Layout(**WRAPPED)),
            self.settings.widget,
            W.HTML("<h3>Voices</h3>"),
            *voices,
            W.HTML("<h3>Keep</h3>"),
            W.HBox([self.buttons["Keep the last"], self.seconds], layout=W.Layout(**WRAPPED)),
            self.kept,
            self.files,
        ]
        box = W.VBox(parts, layout=W.Layout(max_width="900px"))
        box.add_class("mnb-view")
        return box

    def _make_buttons(self) -> dict[str, Any]:
        actions: dict[str, tuple[Callable[[], None], str]] = {
            "Re-prompt from here": (
                lambda: self._read(self.play.reprompt),
                "Each voice takes what it just played as its prompt, and forgets what was before.",
            ),
            "From the prompts": (
                lambda: self._read(self.play.from_prompts),
                "Each voice begins again behind its first prompt.",
            ),
            FREEZE: (
                self._freeze,
                "The last moment goes round and round; released, the networks go on as they would.",
            ),
            "Keep the last": (self._keep, "Write what was just heard to a WAV file."),
        }
        made = {}
        for name, (action, help_) in actions.items():
            made[name] = button(name, help_)
            made[name].on_click(lambda _, action=action: self._do(action))
        return made

    # -- doing --------------------------------------------------------------------------------

    def _do(self, action: Callable[[], None]) -> None:
        """Do what a button says; what goes wrong is said in the view."""
        self._say("")
        try:
            action()
        except Exception as error:
            self._say(in_plain_words(error))
        self.refresh()

    def _say(self, text: str) -> None:
        said = html.escape(text)
        self.message.value = f'<span class="mnb-wrong" role="alert">{said}</span>' if text else ""

    def _set(self) -> None:
        """Take over what stands in the controls; what is no setting is said at its control."""
        try:
            settings = self.settings.read()
        except Invalid:
            return
        assert isinstance(settings, LiveSettings)
        self.play.settings = settings

    def _read(self, todo: Callable[[], None]) -> None:
        """Let the network read prompts beside the sound that goes on."""
        if not self.reader.is_alive:
            self._todo = todo
            self.reader.start(self.sound.is_foreground)

    def _freeze(self) -> None:
        self.play.is_frozen = not self.play.is_frozen

    def _keep(self) -> None:
        path = self.playing.keep(float(self.seconds.value))
        self.kept.children = [player(path, height=80, headless=False).widget]

    # -- showing ------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show everything as it is now."""
        is_frozen = self.play.is_frozen
        self.buttons[FREEZE].description = RELEASE if is_frozen else FREEZE
        self.buttons[FREEZE].button_style = "info" if is_frozen else ""
        for name in ("Re-prompt from here", "From the prompts"):
            self.buttons[name].disabled = self.reader.is_alive
        if self.reader.error is not None:
            self._say(in_plain_words(self.reader.error))
        self.status.value = html.escape(" · ".join(self._facts()))
        self.files.value = "<br>".join(html.escape(readable(path)) for path in self.playing.kept)

    def _facts(self) -> list[str]:
        n, rate = len(self.play.voices), self.play.sample_rate
        facts = [f"{n} voice{'s' * (n > 1)} · {rate} Hz"]
        if math.isfinite(self.sound.factor):
            facts.append(f"made {self.sound.factor:.1f} times as fast as it sounds")
        if self.play.is_frozen:
            facts.append("frozen")
        return facts


class _VoiceRow:
    """One voice: its name, whether it is muted, and its level."""

    def __init__(self, index: int, voice: Voice) -> None:
        self.voice = voice
        name = f"{index + 1} · {voice.name}"
        self.mute = W.ToggleButton(
            value=voice.is_muted, description=f"Mute {index + 1}", layout=W.Layout(width="70px")
        )
        self.mute.tooltip = f"Mute voice {name}"
        self.mute.observe(self._muted, "value")
        self.slider = Slider(
            value=voice.level / LOUDEST,
            name=f"Level of voice {name}",
            tip="Level of this voice",
            layout=W.Layout(width="200px"),
        )
        self.level = W.HTML(layout=W.Layout(width="60px"))
        self.slider.observe(self._slid, "value")
        self._show()
        label = W.HTML(html.escape(name), layout=W.Layout(width="230px"))
        self.widget = W.HBox(
            [label, self.mute, self.slider, self.level], layout=W.Layout(**WRAPPED)
        )

    def _muted(self, change: Any) -> None:
        self.voice.is_muted = change["new"]
        self.mute.button_style = "warning" if change["new"] else ""

    def _slid(self, change: Any) -> None:
        self.voice.level = LOUDEST * change["new"]
        self._show()

    def _show(self) -> None:
        decibels = 20 * math.log10(self.voice.level) if self.voice.level > 1e-3 else -math.inf
        text = f"{decibels:+.1f} dB" if math.isfinite(decibels) else "off"
        self.level.value = self.slider.text = text
