"""What an ensemble plays with: networks and a corpus from a folder, prompts on the corpus.

Main name: :class:`EnsembleSources`.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import ipywidgets as W

from ...corpus.store import Corpus, open_corpus
from ...errors import ParameterError
from ...recipes.palette import look
from ..forms.controls import button, explain, offer
from ..forms.quiet import Quiet
from ..forms.sections import fold
from ..player.waveform import Player, player
from .model import EnsembleModel

Do = Callable[[Callable[[], None]], None]
GIVEN = "as given"
NEIGHBOUR, SILENCE = "nearest neighbour", "silence"
REGION, AVERAGE = "selected passage", "average of the chosen networks"
NO_CORPUS = '<span class="mnb-note">No corpus: choose one to place prompts on.</span>'


class EnsembleSources:
    """Networks, corpus and prompts, and the widgets to choose them.

    Parameters
    ----------
    model : EnsembleModel
    do : callable
        Does an action, and says in the view what went wrong.

    Attributes
    ----------
    player : Player or None
        The corpus; its segments are the prompts.
    """

    def __init__(self, model: EnsembleModel, do: Do) -> None:
        self.model, self.composer, self._do = model, model.composer, do
        self.palette = model.palette()
        self.player: Player | None = None
        self._shown: Corpus | None = None
        self._quiet = Quiet()
        self._make_choosers()
        self._make_prompts()
        self._holder = W.VBox()
        wrapped = W.Layout(flex_flow="row wrap", align_items="center")
        choosing = W.VBox(
            [
                W.HBox([self.folder, self.look], layout=wrapped),
                W.HBox([self.networks, W.VBox([self.corpora, self.use])], layout=wrapped),
            ]
        )
        self.fold = fold("Networks and corpora", choosing, is_open=True)
        prompts = [self.prompt_seconds, self.add, self.clear, self.is_heard]
        self.widget = W.VBox(
            [
                self.fold,
                W.HTML("<h3>Prompts</h3>"),
                self._holder,
                W.HBox(prompts, layout=wrapped),
                self.facts,
            ]
        )
        self._offer()

    def _make_choosers(self) -> None:
        self.folder = W.Text(
            value=str(self.model.runs), description="folder", layout=W.Layout(width="420px")
        )
        explain(self.folder, "Where runs, exported networks and corpora are looked for.")
        self.look = button("Look", "Look for networks and corpora in the folder.")
        self.look.on_click(lambda _: self._do(self._look))
        self.networks = W.SelectMultiple(
            description="networks", rows=5, layout=W.Layout(width="420px")
        )
        explain(self.networks, "Networks to play with; Ctrl and click takes several.")
        self.corpora = W.Dropdown(description="corpus", layout=W.Layout(width="340px"))
        explain(self.corpora, "Where prompts, regions and the nearest neighbour come from.")
        self.use = button("Use corpus", "Take prompts from this corpus.")
        self.use.on_click(lambda _: self._do(self._use))

    def _make_prompts(self) -> None:
        self.prompt_seconds = W.BoundedFloatText(
            value=1.0, min=0.05, max=30.0, step=0.1, description="prompt, s",
            layout=W.Layout(width="170px"),
        )  # fmt: skip
        explain(self.prompt_seconds, "Length of a prompt that is added at the playhead.")
        self.add = button("Add prompt", "Put a prompt on the selection, or at the playhead.")
        self.add.on_click(lambda _: self._do(self._add))
        self.clear = button("Remove prompts", "Take all prompts away; Undo brings them back.")
        self.clear.on_click(lambda _: self._do(lambda: self._set_prompts(())))
        self.is_heard = W.Checkbox(
            value=True, description="the piece begins with its prompt", indent=False,
            layout=W.Layout(width="auto"),
        )  # fmt: skip
        explain(self.is_heard, "Whether the prompt itself is heard before what continues it.")
        self.is_heard.observe(lambda _: self._heard_changed(), names="value")
        self.facts = W.HTML()

    # -- what there is ------------------------------------------------------------------------

    @property
    def chosen_networks(self) -> dict[str, str]:
        """Paths of the chosen networks by name; all of them if none is chosen."""
        names = self.networks.value or tuple(self.palette.networks)
        return {name: str(self.palette.networks[name]) for name in names}

    @property
    def generators(self) -> dict[str, Any]:
        """What can take a turn, by name."""
        found: dict[str, Any] = dict(self.chosen_networks)
        if len(self.networks.value) > 1:
            found[AVERAGE] = {"average": list(self.chosen_networks.values())}
        if self.composer.corpus is not None:
            found[NEIGHBOUR] = "nearest_neighbour"
        selection = self.player.selection if self.player is not None else None
        if selection is not None:
            found[REGION] = {"region": [round(seconds, 4) for seconds in selection]}
        return found | {SILENCE: "silence"}

    def _offer(self) -> None:
        self.networks.options = list(self.palette.networks)
        given = self.composer.corpus
        names = [GIVEN] if given is not None else []
        offer(self.corpora, [*names, *self.palette.corpora] or ["none found"])

    def _look(self) -> None:
        self.palette = look(self.folder.value)
        self._offer()

    def _use(self) -> None:
        path: Path | None = self.palette.corpora.get(self.corpora.value)
        if path is None:
            raise ParameterError("Choose a corpus in the list first; Look fills it.")
        self.composer.use(open_corpus(path))
        self.composer.edit(replace(self.composer.draft, prompts=()))

    # -- prompts ------------------------------------------------------------------------------

    def _add(self) -> None:
        if self.player is None:
            raise ParameterError("Choose a corpus first: prompts are passages of it.")
        selection = self.player.selection
        start = self.player.time if selection is None else selection[0]
        seconds = self.prompt_seconds.value if selection is None else selection[1] - selection[0]
        seconds = min(float(seconds), self.player.duration_seconds - start)
        if not 0.05 <= seconds <= 30:
            raise ParameterError(
                f"A prompt has from 0.05 s to 30 s, not {seconds:.2f} s; place it elsewhere."
            )
        self.player.selection = None
        self._set_prompts((*self.composer.draft.prompts, (round(start, 4), round(seconds, 4))))

    def _set_prompts(self, prompts: tuple[tuple[float, float], ...]) -> None:
        self.composer.edit(replace(self.composer.draft, prompts=tuple(sorted(prompts))))

    def _marks_changed(self) -> None:
        """A prompt was moved, made or deleted on the waveform."""
        if self._quiet or self.player is None:
            return
        found = [(m["start"], m["stop"] - m["start"]) for m in self.player.segments]
        prompts = tuple((round(a, 4), round(min(n, 30.0), 4)) for a, n in found if n >= 0.05)
        if prompts != self.composer.draft.prompts:
            self._do(lambda: self._set_prompts(prompts))

    def _heard_changed(self) -> None:
        if not self._quiet:
            edited = replace(self.composer.draft, is_prompt_heard=self.is_heard.value)
            self._do(lambda: self.composer.edit(edited))

    # -- showing ------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show corpus and prompts as they are."""
        with self._quiet:
            self._show_corpus()
            draft = self.composer.draft
            self.is_heard.value = draft.is_prompt_heard
            if self.player is not None:
                marks = prompt_marks(draft.prompts)
                shown = [(m["start"], m["stop"], m["label"]) for m in self.player.segments]
                if shown != [(m["start"], m["stop"], m["label"]) for m in marks]:
                    self.player.segments = marks
            self.facts.value = _in_words(draft.prompts, self.composer.corpus)

    def _show_corpus(self) -> None:
        corpus = self.composer.corpus
        if corpus is None:
            if not self._holder.children:
                self._holder.children = [W.HTML(NO_CORPUS)]
            return
        if corpus is self._shown:
            return
        self._shown = corpus
        self.player = player(
            *(corpus.signal, corpus.sample_rate),
            segments=prompt_marks(self.composer.draft.prompts),
            title=f"corpus {corpus.name}",
            height=90,
            headless=False,
        )
        self.player.observe(lambda _: self._marks_changed(), names=["segments"])
        self.player.observe(lambda _: self._do(lambda: None), names=["selection"])
        self._holder.children = [self.player.widget]


def prompt_marks(prompts: tuple[tuple[float, float], ...]) -> list[dict[str, Any]]:
    """Prompts as segments of the corpus' player."""
    return [
        {"start": start, "stop": start + seconds, "label": f"prompt {i}", "kind": "prompt"}
        for i, (start, seconds) in enumerate(prompts, 1)
    ]


def _in_words(prompts: tuple[tuple[float, float], ...], corpus: Corpus | None) -> str:
    if corpus is None:
        return ""
    if not prompts:
        text = "No prompt: the piece continues a passage that its seed draws, and begins anew."
    else:
        places = ", ".join(f"{start:.2f} s ({seconds:.2f} s long)" for start, seconds in prompts)
        text = f"{len(prompts)} prompt{'s' * (len(prompts) > 1)}: {places}; a variation for each."
    return f'<span class="mnb-note">{html.escape(text)}</span>'
