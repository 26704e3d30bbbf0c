"""What generating looks like: run and checkpoint, prompts on the corpus, the sounds made of them.

It holds widgets and generates nothing; everything it shows is read from the
:class:`~.model.Generation`. Main name: :class:`GeneratePanel`.
"""

from __future__ import annotations

import html
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets as W

from ...audio.names import readable
from ...errors import MimikitError
from ...evaluation.replay import SHORTEST_SECONDS, Replay
from ...generation.controls import OPTIONAL
from ...generation.output import Generated
from ...recipes.playing import prompt_in_words
from ..forms.controls import STYLE, Invalid, button, explain
from ..forms.drop import DropZone
from ..forms.quiet import Quiet
from ..forms.sections import ConfigControl
from ..job import HOW_TO_STOP
from ..page import Page
from ..player.waveform import Player, player
from ..words import in_plain_words
from .model import GenerateSettings, Generation

WRAPPED: dict[str, Any] = {"flex_flow": "row wrap", "align_items": "center"}
EXTEND_SECONDS = 10.0


class GeneratePanel:
    """All widgets of a view that generates.

    Parameters
    ----------
    generation : Generation
        Whose choices and sounds are shown.
    """

    def __init__(self, generation: Generation) -> None:
        self.generation = generation
        self.player: Player | None = None
        self.cards: list[tuple[Generated, Player, Any]] = []
        self._quiet, self._refreshing = Quiet(), threading.RLock()
        self.message, self.about = W.HTML(), W.HTML()
        self.bar = W.FloatProgress(min=0.0, max=1.0, layout=W.Layout(width="98%"))
        explain(self.bar, "Share of the work that is done.")
        self._make_choices()
        self._make_prompts()
        self.settings = ConfigControl("", GenerateSettings, is_root=True)
        self._show_settings()
        self.settings.on_change(self._set)
        self.buttons = self._make_buttons(
            {
                "Generate": (
                    lambda: generation.start(generation.make),
                    "Continue all prompts.",
                    "success",
                ),
                "Stop": (generation.stop, "End now; what isn't finished is dropped.", "danger"),
                "Save all": (generation.save, "Write all sounds that aren't written yet.", ""),
                "Clear": (generation.clear, "Forget the sounds below; files stay.", ""),
            }
        )
        self.sounds, self.files = W.VBox(), W.HTML()
        self.widget = self._arranged()
        self._show_corpus()
        generation.listen(self.refresh)
        self.refresh()

    # -- parts --------------------------------------------------------------------------------

    def _arranged(self) -> Any:
        buttons = self.buttons
        parts = [
            W.HTML(STYLE),
            Page(),
            W.HBox([self.run, self.step], layout=W.Layout(**WRAPPED)),
            self.about,
            W.HTML("<h3>Prompts</h3>"),
            self.corpus,
            W.HBox(list(self.placing.values()), layout=W.Layout(**WRAPPED)),
            self.drop,
            self.listed,
            W.HTML("<h3>How</h3>"),
            self.settings.widget,
            W.HBox([buttons["Generate"], buttons["Stop"]], layout=W.Layout(**WRAPPED)),
            self.bar,
            self.message,
            W.HTML("<h3>Sounds</h3>"),
            self.sounds,
            W.HBox([buttons["Save all"], buttons["Clear"]], layout=W.Layout(**WRAPPED)),
            self.files,
        ]
        box = W.VBox(parts, layout=W.Layout(max_width="900px"))
        box.add_class("mnb-view")
        return box

    def _make_choices(self) -> None:
        generation, wide = self.generation, {"layout": W.Layout(width="340px")}
        self.run = W.Dropdown(
            options=list(generation.runs), value=generation.run_name, description="run", **wide
        )
        self.step = W.Dropdown(description="checkpoint", layout=W.Layout(width="300px"))
        explain(self.run, "Whose network plays; the newest first.")
        explain(self.step, "After how many steps of training.")
        self._list_steps()
        self.run.observe(lambda _: self._do(lambda: self._chosen(None)), "value")
        self.step.observe(lambda c: self._do(lambda: self._chosen(c["new"])), "value")

    def _list_steps(self) -> None:
        steps = sorted(self.generation.runs[self.generation.run_name].checkpoints, reverse=True)
        with self._quiet:
            self.step.options = [(f"{step:,} steps", step) for step in steps]
            self.step.value = self.generation.checkpoint.step

    def _make_prompts(self) -> None:
        self.corpus, self.listed = W.VBox(), W.HTML()
        self.placing = self._make_buttons(
            {
                "Add at the playhead": (
                    self._add,
                    "Put a prompt where the playhead stands; drag it, or press Delete on it.",
                    "",
                ),
                "Remove all": (self._remove_all, "Take all prompts away.", ""),
            }
        )
        self.drop = DropZone(
            self.generation.out / "prompts",
            self._dropped,
            label="or drop sound files as prompts here",
        )

    def _make_buttons(
        self, actions: dict[str, tuple[Callable[[], Any], str, str]]
    ) -> dict[str, Any]:
        made = {}
        for name, (action, help_, style) in actions.items():
            made[name] = button(name, help_, style)
            made[name].on_click(lambda _, action=action: self._do(action))
        return made

    # -- doing --------------------------------------------------------------------------------

    def _do(self, action: Callable[[], Any]) -> None:
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

    def _chosen(self, step: int | None) -> None:
        if self._quiet:
            return
        before = self.generation.corpus
        self.generation.choose(self.run.value, step)
        self._list_steps()
        self._show_settings()
        if (
            before is None
            or self.generation.corpus is None
            or before.path != self.generation.corpus.path
        ):
            self.generation.positions = []
            self._show_corpus()

    def _show_settings(self) -> None:
        """The settings as they are, without those that the network doesn't read."""
        settings = self.generation.settings
        self.settings.set(settings)
        for name in OPTIONAL:
            self.settings.hide([name], getattr(settings, name) is None)

    def _set(self) -> None:
        try:
            settings = self.settings.read()
        except Invalid:
            return
        assert isinstance(settings, GenerateSettings)
        self.generation.settings = settings
        self._draw_prompts()

    def _add(self) -> None:
        if self.player is None:
            raise MimikitError("There is no corpus to put a prompt on; drop a sound file instead.")
        self.generation.positions = sorted([*self.generation.positions, self.player.time])
        self._draw_prompts()

    def _remove_all(self) -> None:
        self.generation.positions, self.generation.files = [], []
        self._draw_prompts()

    def _dropped(self, paths: list[Path]) -> None:
        self.generation.files = [*self.generation.files, *paths]
        self._do(self._draw_prompts)

    def _moved(self) -> None:
        """A prompt was dragged, made or deleted on the waveform."""
        if not self._quiet and self.player is not None:
            self.generation.positions = sorted(point["time"] for point in self.player.points)
            self._do(self._draw_prompts)

    # -- showing ------------------------------------------------------------------------------

    def _show_corpus(self) -> None:
        corpus, self.player = self.generation.corpus, None
        if corpus is None:
            text = "The corpus of this run isn't in its place: give it to the cell, or drop files."
            self.corpus.children = [W.HTML(html.escape(text))]
            return
        self.player = player(
            *(corpus.signal, corpus.sample_rate),
            title=corpus.name,
            kinds=["prompt"],
            headless=False,
        )
        self.player.observe(lambda _: self._moved(), names=["points"])
        self.corpus.children = [self.player.widget]
        self._draw_prompts()

    def _draw_prompts(self) -> None:
        """Points to drag where prompts begin, and how far they reach."""
        if self.player is None:
            return
        length, end = self.generation.settings.prompt_seconds, self.player.duration_seconds
        about = {"kind": "prompt", "label": ""}
        with self._quiet:
            self.player.points = [{"time": p, **about} for p in self.generation.positions]
            self.player.segments = [
                {"start": p, "stop": min(p + length, end), **about, "editable": False}
                for p in self.generation.positions
            ]

    def refresh(self) -> None:
        """Show everything as it is now."""
        with self._refreshing:  # a hand and the work may both have news
            self._refresh()

    def _refresh(self) -> None:
        generation, is_busy = self.generation, self.generation.job.is_alive
        self.buttons["Generate"].disabled = is_busy
        self.buttons["Stop"].disabled = not is_busy or generation.job.is_deaf
        self.buttons["Save all"].disabled = len(generation.saved) == len(generation.value)
        self.buttons["Clear"].disabled = is_busy or not generation.value
        self.bar.value = generation.job.share
        self.bar.layout.display = "" if is_busy else "none"
        if complaint := generation.take_complaint():
            self._say(complaint)
        ck, kind = generation.checkpoint, generation.checkpoint.config.kind
        about = f"{kind} · {ck.io.sample_rate} Hz · step {ck.step:,}"
        about += f" · {HOW_TO_STOP}" if generation.job.is_deaf else ""
        self.about.value = f'<span class="mnb-note">{html.escape(about)}</span>'
        self.listed.value = f'<span class="mnb-note">{html.escape(self._prompts_in_words())}</span>'
        self.files.value = "<br>".join(
            html.escape(readable(path)) for path in generation.saved.values()
        )
        if not is_busy:
            self._show_sounds()

    def _prompts_in_words(self) -> str:
        generation = self.generation
        names = [f"{p:.2f} s" for p in generation.positions] + [
            readable(path.name) for path in generation.files
        ]
        if not names:
            return "No prompt: one is taken from the middle of the corpus, or silence."
        return f"Prompts of {generation.settings.prompt_seconds:g} s: " + ", ".join(names)

    def _show_sounds(self) -> None:
        """A card per sound; those that are shown already stay."""
        known = {id(made): card for made, *card in self.cards}
        self.cards = []
        for i, made in enumerate(self.generation.value):
            card = known.get(id(made)) or self._make_card(i, made)
            self.cards.append((made, *card))
            saved = self.generation.saved.get(i)
            card[1].children[1].disabled = saved is not None
        self.sounds.children = [
            part for _, shown, row in self.cards for part in (shown.widget, row)
        ]

    def _make_card(self, i: int, made: Generated) -> list[Any]:
        recall, generation = made.recall[0], self.generation
        source = prompt_in_words(recall["prompt"])
        facts = {"prompt_end_seconds": made.prompt_end_seconds, "prompt": source}
        controls = recall["controls"]
        facts |= {"temperature": controls["temperature"], "seed": recall["seed"]}
        facts |= {name: controls[name] for name in OPTIONAL if name in controls}
        facts |= {"checkpoint": f"step {recall['checkpoint']['step']:,}"}
        shown = player(
            *(made.audio[0], made.sample_rate),
            metadata=facts,
            title=f"{i + 1} · {source}",
            height=70,
            headless=False,
        )
        number = i + 1
        buttons = self._make_buttons(
            {
                f"Extend {number} by {EXTEND_SECONDS:g} s": (
                    lambda: generation.start(partial(generation.extend, i, EXTEND_SECONDS)),
                    "Go on with this sound as if it had not stopped.",
                    "",
                ),
                f"Save {number}": (lambda: generation.save(i), "Write this sound to a file.", ""),
            }
        )
        about = W.HTML(_replay_in_words(recall.get("replay")))
        return [shown, W.HBox([*buttons.values(), about], layout=W.Layout(**WRAPPED))]


def _replay_in_words(replay: dict[str, float] | None) -> str:
    """How much of a sound is recorded, with what that means under the pointer; maybe nothing."""
    if replay is None:
        return ""
    words = str(Replay(**replay))
    meaning = (
        f"Passages of {SHORTEST_SECONDS:g} s or more that go through the recording frame by frame."
    )
    return f'<span class="mnb-note" title="{meaning}">{words}</span>'
