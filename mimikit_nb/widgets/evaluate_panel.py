"""What the evaluation view looks like: buttons, grid, scatter, player, blind pairs.

Main name: :class:`EvaluatePanel`.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as W

from ..recipes.audition import MOST_STARS, extend_sound
from .blind import BlindTest
from .controls import STYLE, button
from .grid import AuditionGrid, tooltip_of
from .job import Job
from .scatter import Scatter, curves_picture
from .settings import in_time
from .trainer import in_plain_words
from .waveform import player

if TYPE_CHECKING:
    import pandas

    from .evaluate import EvaluateView

SORTS = {
    "rank": ("rank_score", False),
    "novelty": ("novelty", False),
    "fidelity": ("fidelity", False),
    "longest copy": ("longest_copy_seconds", False),
    "stars": ("stars", False),
    "training step": ("step", True),
    "held-out loss": ("held_out_loss", True),
}
ANY = "any"


class EvaluatePanel:
    """All widgets of an evaluation view.

    Parameters
    ----------
    view : EvaluateView
        Whose sounds are shown.
    """

    def __init__(self, view: EvaluateView) -> None:
        self.view, self.chosen = view, ""
        self._shown: Any = None
        self.status, self.message = W.HTML(), W.HTML()
        self.bar = W.FloatProgress(min=0.0, max=1.0, layout=W.Layout(width="98%"))
        self.buttons = self._make_buttons(
            {
                "Start": (self._start, "Generate and score what is missing.", "success"),
                "Stop": (view.stop, "End within a moment; what was done stays.", "danger"),
            }
        )
        self.sort = W.Dropdown(description="sort by", options=list(SORTS))
        self.columns = W.Dropdown(description="columns", options=["prompt", "temperature"])
        self.flag = W.Dropdown(description="flags", options=[ANY, "none"])
        self.least_stars = W.Dropdown(description="stars", options=list(range(MOST_STARS + 1)))
        for control in self._filters():
            control.layout.width = "200px"
            control.style.description_width = "60px"
            control.observe(lambda _: self._arrange(), names="value")
        self.grid = AuditionGrid(view.notes, self.pick)
        self.scatter = Scatter(self.pick)
        self.curves = W.Image(format="png", layout=W.Layout(max_width="100%"))
        self._make_listening()
        self.blind = BlindTest(view.notes)
        self.is_blind = W.Checkbox(description="blind pairs: hide the names", indent=False)
        self.is_blind.observe(lambda _: self._do(self._switch), names="value")
        self.keeping = self._make_buttons(
            {
                "Keep starred": (self._keep, "Copy starred sounds to a new folder: WAV files, "
                                 "a table, and a page to listen to anywhere.", ""),
            }
        )  # fmt: skip
        self.widget = self._arranged()
        self.refresh()

    # -- parts --------------------------------------------------------------------------------

    def _filters(self) -> list[Any]:
        return [self.sort, self.columns, self.flag, self.least_stars]

    def _make_buttons(self, actions: dict[str, tuple[Callable[[], Any], str, str]]) -> dict:
        buttons = {}
        for name, (action, help_, style) in actions.items():
            buttons[name] = button(name, help_, style)
            buttons[name].on_click(lambda _, action=action: self._do(action))
        return buttons

    def _make_listening(self) -> None:
        self.title, self.sound, self.source = W.HTML(), W.VBox(), W.VBox()
        self.stars = W.ToggleButtons(
            options=[("☆", 0), *(("★" * n, n) for n in range(1, MOST_STARS + 1))],
            style={"button_width": "auto"},
        )
        self.note = W.Text(placeholder="a note on this sound", layout=W.Layout(width="340px"))
        self.stars.observe(self._starred, names="value")
        self.note.observe(self._noted, names="value")
        self.actions = self._make_buttons(
            {
                "Extend by 10 s": (self._extend, "Go on with this sound where it stopped, in a "
                                   "copy of its own.", ""),
                "Hear the original": (self._original, "Play what it follows in the corpus.", ""),
            }
        )  # fmt: skip
        self.extender = Job(
            lambda: extend_sound(self.chosen, 10.0, corpus=self.view.corpus),
            self._extended,
            name="extend",
        )
        self._quiet = False
        self.listening = W.VBox(
            [
                self.title,
                self.sound,
                W.HBox([self.stars, self.note], layout=W.Layout(flex_flow="row wrap")),
                W.HBox(list(self.actions.values())),
                self.source,
            ]
        )

    def _arranged(self) -> Any:
        self.open_part = W.VBox(
            [
                W.HBox(self._filters(), layout=W.Layout(flex_flow="row wrap")),
                W.HTML('<span class="mnb-note">Each button is a sound: novelty · fidelity, '
                       "stars, flags. Press it to listen.</span>"),
                self.grid.widget,
                self.scatter.widget,
                self.listening,
                W.HBox(list(self.keeping.values())),
            ]
        )  # fmt: skip
        self.blind.widget.layout.display = "none"
        box = W.VBox(
            [
                W.HTML(STYLE),
                W.HBox(list(self.buttons.values())),
                self.status,
                self.bar,
                self.message,
                self.is_blind,
                self.blind.widget,
                self.open_part,
                W.HTML("<h3>By training step</h3>"),
                self.curves,
            ],
            layout=W.Layout(max_width="980px"),
        )
        box.add_class("mnb-view")
        return box

    # -- showing ------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Bring everything up to date with the view."""
        view, busy = self.view, self.view.job.is_alive
        self.buttons["Start"].disabled, self.buttons["Stop"].disabled = busy, not busy
        self.bar.value = view.share
        self.status.value = f"<b>{self.state}</b> {html.escape(self._facts())}"
        if view.job.error is not None:
            self._say(in_plain_words(view.job.error))
        table = view._table
        if table is not None and table is not self._shown:
            self._shown = table
            flags = sorted({flag for text in table["flags"] for flag in text.split()})
            self.flag.options = [ANY, "none", *flags]
            self._arrange()
            if len(table):
                self.curves.value = curves_picture(table).png()

    @property
    def state(self) -> str:
        """State in a word: ready, running, stopped, finished, failed."""
        view = self.view
        if view.job.is_alive:
            return "stopping" if view._stop.is_set() else "running"
        if view.job.error is not None:
            return "failed"
        if view._table is None:
            return "ready"
        return "stopped" if view._table.attrs.get("missing") else "finished"

    def _facts(self) -> str:
        view = self.view
        if view.job.is_alive:
            left = view.seconds_left
            return f"· {view.doing}" + (f" · {in_time(left)} left" if math.isfinite(left) else "")
        if view._table is None:
            return "· Start lets every checkpoint be heard; what was made before is used again."
        missing = view._table.attrs.get("missing", 0)
        return f"· {len(view._table)} sounds in {view.folder}" + (
            f" · {missing} not made yet" if missing else ""
        )

    def table(self) -> pandas.DataFrame:
        """The table as it is sorted and filtered."""
        table = self.view.value
        column, ascending = SORTS[self.sort.value]
        table = table.sort_values(column, ascending=ascending, kind="stable", na_position="last")
        if self.flag.value == "none":
            table = table[table["flags"] == ""]
        elif self.flag.value != ANY:
            table = table[[self.flag.value in flags.split() for flags in table["flags"]]]
        return table[table["stars"] >= self.least_stars.value]

    def _arrange(self) -> None:
        table = self.table()
        if len(table) or self.view._table is not None:
            self.grid.show(table, self.columns.value, self.chosen)
            self.scatter.show(table, self.chosen)

    def pick(self, path: str) -> None:
        """Show a sound and play it."""
        self._do(lambda: self._pick(path))

    def _pick(self, path: str) -> None:
        value = self.view.value
        row: Any = next(value[value["path"] == path].itertuples())
        self.chosen = path
        known = {
            "temperature": row.temperature,
            "seed": int(row.seed),
            "checkpoint": row.checkpoint,
        }
        known |= {"event": row.flags} if row.flags else {}
        self._play(self.sound, path, row.checkpoint, known)
        self.title.value = f"<h4>{html.escape(row.checkpoint)}</h4>{html.escape(tooltip_of(row))}"
        self.source.children = []
        self.actions["Hear the original"].disabled = not row.longest_copy_seconds >= 1
        self._quiet = True
        self.stars.value, self.note.value = int(row.stars), row.note
        self._quiet = False
        self._arrange()

    def _play(self, place: Any, path: str | Path, title: str, known: dict[str, Any]) -> None:
        from ..audio.recall import read_recall

        end = float(read_recall(path).get("prompt_end_seconds", 0.0))
        known = {"prompt_end_seconds": end, **known}
        shown = player(path, metadata=known, title=title, height=90, headless=False)
        place.children = [shown.widget]
        self.player = shown
        shown.play(end)

    # -- doing --------------------------------------------------------------------------------

    def _do(self, action: Callable[[], Any]) -> None:
        """Do what a button says; what goes wrong is said in the view."""
        self._say("")
        try:
            action()
        except Exception as error:
            self._say(in_plain_words(error))
        self.refresh()

    def _say(self, text: str, is_wrong: bool = True) -> None:
        kind = "mnb-wrong" if is_wrong else "mnb-note"
        self.message.value = f'<span class="{kind}">{html.escape(text)}</span>' if text else ""

    def _start(self) -> None:
        self.view.start()

    def _starred(self, change: Any) -> None:
        if self.chosen and not self._quiet:
            self.view.notes.set(self.chosen, stars=change["new"])
            self._arrange()

    def _noted(self, change: Any) -> None:
        if self.chosen and not self._quiet:
            self.view.notes.set(self.chosen, note=change["new"])

    def _extend(self) -> None:
        if self.chosen and not self.extender.is_alive:
            self._say("Going on with this sound ...", is_wrong=False)
            self.extender.start(self.view._foreground)

    def _extended(self) -> None:
        """Play the longer sound, or say why there is none."""
        if self.extender.is_alive:
            return
        if self.extender.error is not None:
            self._say(in_plain_words(self.extender.error))
        elif self.extender.result is not None:
            longer, self.extender.result = self.extender.result, None
            self._play(self.sound, longer, f"{longer.name}, extended", {})
            self._say(f"Written: {longer}", is_wrong=False)

    def _original(self) -> None:
        """Play the passage of the corpus that the chosen sound follows."""
        value, corpus = self.view.value, self.view.corpus
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

    def _switch(self) -> None:
        is_blind = self.is_blind.value
        if is_blind:
            if self.view._table is None:
                self.is_blind.value = False
                self._say("There is nothing to compare yet; press Start first.")
                return
            self.blind.begin(self.view._table)
        self.blind.widget.layout.display = "" if is_blind else "none"
        self.open_part.layout.display = "none" if is_blind else ""

    def _keep(self) -> None:
        value = self.view.value
        starred = value[value["stars"] > 0]["path"].tolist()
        if not starred:
            self._say("Nothing is starred yet; give at least one sound a star.")
            return
        folder = self.view.keep(starred)
        self._say(f"Kept {len(starred)} sounds: {folder}", is_wrong=False)
