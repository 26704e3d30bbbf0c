"""What the ensemble view looks like: networks, prompts, timeline, form, takes, live mode, files.

It holds widgets and no music; everything it shows is read from the
:class:`~.composer.Composer`. Main name: :class:`EnsemblePanel`.
"""

from __future__ import annotations

import html
import math
import threading
from collections.abc import Callable
from typing import Any

import ipywidgets as W

from ...errors import ParameterError
from ..forms.controls import STYLE, button, explain
from ..job import HOW_TO_STOP
from ..words import STATE_COLOURS, in_plain_words, in_time
from .files import EnsembleFiles
from .live import LiveEnsemble
from .model import EnsembleModel
from .sources import EnsembleSources
from .takes import EnsembleTakes
from .turns import EnsembleTurns

WRAPPED = W.Layout(flex_flow="row wrap", align_items="center")


class EnsemblePanel:
    """All widgets of an ensemble view.

    Parameters
    ----------
    model : EnsembleModel
        Whose draft and takes are shown.
    """

    def __init__(self, model: EnsembleModel) -> None:
        self.model, self.composer = model, model.composer
        self._complaint, self._note = "", ""
        self._lock = threading.RLock()
        self.sources = EnsembleSources(model, self.do)
        self.turns = EnsembleTurns(model, self.sources, self.do)
        self.takes = EnsembleTakes(model, self.turns)
        self.live = LiveEnsemble(model, self.do)
        self.files = EnsembleFiles(model, self.do, self.say)
        self._make_work()
        self.widget = self._arrange()
        self.composer.listen(self.refresh)
        self.refresh()

    def _arrange(self) -> Any:
        parts = [
            W.HTML(STYLE),
            self.sources.widget,
            W.HTML("<h3>Turns</h3>"),
            self.turns.widget,
            W.HTML("<h3>Piece</h3>"),
            W.HBox([*self.work.values(), self.seed], layout=WRAPPED),
            self.status,
            self.bar,
            self.takes.widget,
            W.HTML("<h3>Live</h3>"),
            self.live.widget,
            W.HTML("<h3>Keep and open</h3>"),
            self.files.widget,
        ]
        box = W.VBox(parts, layout=W.Layout(max_width="960px"))
        box.add_class("mnb-view")
        return box

    def _make_work(self) -> None:
        composer = self.composer
        actions: dict[str, tuple[Callable[[], None], str, str]] = {
            "Generate all": (
                lambda: composer.generate(everything=True),
                "Generate every variation from its beginning.",
                "success",
            ),
            "Only what changed": (
                composer.generate,
                "Keep everything up to the first turn that changed, sample by sample, and "
                "generate what follows.",
                "primary",
            ),
            "From here": (
                self._from_here,
                "Another continuation: new seeds from the chosen turn on; what is before stays.",
                "",
            ),
            "Stop": (composer.stop, "End within a moment; what was made is kept.", "danger"),
        }
        self.work = {}
        for name, (action, help_, style) in actions.items():
            made = button(name, help_, style)
            made.on_click(lambda _, action=action: self.do(action))
            self.work[name] = made
        self.seed = W.BoundedIntText(
            value=composer.seed, min=0, max=2**31 - 1, description="seed",
            layout=W.Layout(width="190px"),
        )  # fmt: skip
        explain(self.seed, "The same seed and score make the same piece; another makes another.")
        self.seed.observe(lambda _: self._seed_changed(), names="value")
        self.status = W.HTML(layout=W.Layout(min_height="24px"))
        self.bar = W.FloatProgress(min=0.0, max=1.0, layout=W.Layout(width="98%"))
        explain(self.bar, "Share of the piece that is generated.")

    # -- doing --------------------------------------------------------------------------------

    def do(self, action: Callable[[], None]) -> None:
        """Do what a button says; what goes wrong is said in the view."""
        self._complaint = self._note = ""
        try:
            action()
        except Exception as error:
            self._complaint = in_plain_words(error)
        self.refresh()

    def say(self, note: str) -> None:
        """Show a line below the state."""
        self._note = note

    def _from_here(self) -> None:
        if self.turns.chosen is None:
            raise ParameterError("Choose a turn in the timeline first.")
        self.composer.generate_from(self.turns.chosen)

    def _seed_changed(self) -> None:
        self.composer.seed = int(self.seed.value)

    # -- showing ------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show everything as it is now; the job's painter and a button may both ask."""
        with self._lock:
            composer, is_busy = self.composer, self.composer.is_busy
            for name in ("Generate all", "Only what changed", "From here"):
                self.work[name].disabled = is_busy
            self.work["Stop"].disabled = not is_busy or composer.job.is_deaf
            if self.seed.value != composer.seed:
                self.seed.value = composer.seed
            self.bar.value = composer.job.share
            self.bar.layout.display = "" if is_busy else "none"
            self.status.value = self._status_html()
            self.sources.refresh()
            if not is_busy:
                self.takes.refresh()
            self.turns.refresh(self.takes.variation)
            self.live.refresh()

    def _status_html(self) -> str:
        composer, draft = self.composer, self.composer.draft
        colour = STATE_COLOURS.get(composer.job.state, "#555")
        parts = [f'<b style="color:{colour}">{html.escape(composer.job.state)}</b>']
        if composer.is_busy:
            parts.append(f"{composer.job.share:.0%}")
            if math.isfinite(composer.job.seconds_left):
                parts.append(f"{in_time(composer.job.seconds_left)} left")
        parts.append(f"{draft.n_turns} turns, {draft.seconds:.1f} s")
        if len(draft.prompts) > 1:
            parts.append(f"{len(draft.prompts)} variations")
        take = composer.known(self.takes.variation)
        if take is not None and not composer.is_busy:
            kept = take.n_kept / take.piece.sample_rate
            parts.append(f"{kept:.2f} s kept as they were" if kept else "all new")
        line = " · ".join(parts)
        for text in (composer.job.is_deaf and HOW_TO_STOP, composer.message, self._note):
            if text:
                line += f'<br><span class="mnb-note">{html.escape(text)}</span>'
        if self._complaint:
            line += (
                f'<br><span class="mnb-wrong" role="alert">{html.escape(self._complaint)}</span>'
            )
        return line
