"""What the evaluation view looks like: prompts, grid, scatter, player, blind pairs, checkpoints.

Main name: :class:`EvaluatePanel`.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets as W

from ...evaluation.reading import explain as explain_measures
from ...recipes.audition import MOST_STARS, best, distinct
from ...recipes.summaries import beside_real_audio
from ..forms.controls import STYLE, button, explain
from ..forms.sections import fold
from ..job import HOW_TO_STOP
from ..words import in_plain_words, in_time
from .audition_table import AuditionGrid
from .blind_pairs import BlindTest
from .checkpoint_actions import CheckpointActions
from .chosen_sound import Audition
from .model import Evaluation
from .prompt_picker import PromptPicker
from .scatter import Scatter
from .score_pictures import curves_picture

if TYPE_CHECKING:
    import pandas

SORTS = {
    "rank": ("rank_score", False),
    "novelty": ("novelty", False),
    "fidelity": ("fidelity", False),
    "longest copy": ("longest_copy_seconds", False),
    "nearest to the corpus": ("kernel_distance", True),
    "wanders most": ("entropy", False),
    "stars": ("stars", False),
    "training step": ("step", True),
    "held-out loss": ("held_out_loss", True),
}
ANY = "any"
WEIGHED = ("novelty", "fidelity")
READING_STYLE = """<style>
.mnb-view .mnb-readings td, .mnb-view .mnb-readings th {line-height: 1.35; padding-bottom: 5px}
.mnb-view .mnb-readings td:last-child {min-width: 220px; max-width: 330px}
.mnb-view .mnb-readings small {opacity: .7}
</style>"""


class EvaluatePanel:
    """All widgets of an evaluation view.

    Parameters
    ----------
    evaluation : Evaluation
        Whose sounds are shown.
    keep_best : int
        How many of the best are kept, to begin with.
    """

    def __init__(self, evaluation: Evaluation, keep_best: int) -> None:
        self.evaluation = evaluation
        self._shown: Any = None
        self.status, self.message = W.HTML(), W.HTML()
        self.bar = W.FloatProgress(min=0.0, max=1.0, layout=W.Layout(width="98%"))
        self.buttons = self._make_buttons(
            {
                "Start": (self._start, "Generate and score what is missing.", "success"),
                "Stop": (evaluation.stop, "End within a moment; what was done stays.", "danger"),
            }
        )
        self.prompts = PromptPicker(
            evaluation.settings,
            evaluation.find_corpus,
            evaluation.place_prompts,
            evaluation.folder / "prompts",
        )
        self._make_filters()
        self.audition = Audition(evaluation, self._do, self._say, self._arrange)
        self.grid = AuditionGrid(evaluation.notes, self.pick)
        self.scatter = Scatter(self.pick)
        self.curves = W.Image(format="png", layout=W.Layout(max_width="100%"))
        self.readings = W.HTML()
        self.readings.add_class("mnb-readings")
        self.checkpoints = CheckpointActions(evaluation, self._do)
        self.blind = BlindTest(evaluation.notes)
        self.is_blind = W.Checkbox(description="blind pairs: hide the names", indent=False)
        self.is_blind.observe(lambda _: self._do(self._switch), names="value")
        self.keeping = self._make_buttons(
            {
                "Keep starred": (self._keep, "Copy starred sounds to a new folder: WAV files, "
                                 "a table, and a page to listen to anywhere.", ""),
                "Keep the best": (self._keep_best, "The same with the best of those shown, no "
                                  "two of them nearly the same.", ""),
            }
        )  # fmt: skip
        self.how_many = W.BoundedIntText(value=keep_best, min=1, max=999)
        self.how_many.layout.width = "60px"
        self.widget = self._arranged()
        evaluation.listen(self.refresh)
        self.refresh()

    @property
    def chosen(self) -> str:
        """Path of the sound that is heard."""
        return self.audition.chosen

    # -- parts --------------------------------------------------------------------------------

    def _make_filters(self) -> None:
        self.sort = W.Dropdown(description="sort by", options=list(SORTS))
        self.columns = W.Dropdown(description="columns", options=["prompt", "temperature"])
        self.flag = W.Dropdown(description="flags", options=[ANY, "none"])
        self.least_stars = W.Dropdown(description="stars", options=list(range(MOST_STARS + 1)))
        self.is_distinct = W.Checkbox(description="hide near copies", indent=False)
        explain(self.is_distinct, "Of sounds that nearly repeat one another show the first.")
        self.weights = {
            name: W.FloatSlider(
                description=name, value=weight, min=0.0, max=3.0, step=0.1, readout_format=".1f"
            )
            for name, weight in self.evaluation.weights.items()
            if name in WEIGHED
        }
        for slider in self.weights.values():
            explain(slider, "How much the rank looks at it.")
            slider.observe(lambda _: self._do(self._weigh), names="value")
        for control in (*self._filters(), *self.weights.values()):
            control.layout.width = "250px" if control in self.weights.values() else "180px"
            control.style.description_width = "60px"
        for control in self._filters():
            control.observe(lambda _: self._arrange(), names="value")

    def _filters(self) -> list[Any]:
        return [self.sort, self.columns, self.flag, self.least_stars, self.is_distinct]

    def _make_buttons(self, actions: dict[str, tuple[Callable[[], Any], str, str]]) -> dict:
        buttons = {}
        for name, (action, help_, style) in actions.items():
            buttons[name] = button(name, help_, style)
            buttons[name].on_click(lambda _, action=action: self._do(action))
        return buttons

    def _arranged(self) -> Any:
        wrap = W.Layout(flex_flow="row wrap")
        self.open_part = W.VBox(
            [
                W.HBox(self._filters(), layout=wrap),
                W.HBox([W.HTML("rank by"), *self.weights.values()], layout=wrap),
                W.HTML('<span class="mnb-note">Each button is a sound: novelty · fidelity, '
                       "stars, flags. Press it to listen.</span>"),
                self.grid.widget,
                self.scatter.widget,
                self.audition.widget,
                W.HBox([*self.keeping.values(), self.how_many]),
            ]
        )  # fmt: skip
        self.blind.widget.layout.display = "none"
        self.prompts_fold = fold("Prompts and budget", self.prompts.widget, is_open=False)
        self.actions_fold = fold("Average, compare, export, prune", self.checkpoints.widget, False)
        for part, show in (
            (self.prompts_fold, self.prompts.show),
            (self.actions_fold, self.checkpoints.refresh),
        ):
            part.children[0].observe(
                lambda change, show=show: self._do(show) if change["new"] else None, "value"
            )
        box = W.VBox(
            [
                W.HTML(STYLE),
                self.prompts_fold,
                W.HBox(list(self.buttons.values())),
                self.status,
                self.bar,
                self.message,
                self.is_blind,
                self.blind.widget,
                self.open_part,
                fold("By training step", self.curves, is_open=True),
                self.actions_fold,
                fold("What the scores mean, and where real audio stands", self.readings, False),
            ],
            layout=W.Layout(max_width="980px"),
        )
        box.add_class("mnb-view")
        return box

    # -- showing ------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Bring everything up to date."""
        evaluation, busy = self.evaluation, self.evaluation.job.is_alive
        self.buttons["Start"].disabled = busy
        self.buttons["Stop"].disabled = not busy or evaluation.job.is_deaf
        self.bar.value = evaluation.job.share
        self.status.value = f"<b>{evaluation.state}</b> {html.escape(self._facts())}"
        if evaluation.job.error is not None:
            self._say(in_plain_words(evaluation.job.error))
        table = evaluation.table
        if table is not None and table is not self._shown:
            self._shown = table
            flags = sorted({flag for text in table["flags"] for flag in text.split()})
            self.flag.options = [ANY, "none", *flags]
            self._arrange()
            if len(table):
                self.curves.value = curves_picture(table).png()
                self.readings.value = _readings(table)
            if self.actions_fold.children[0].value:
                self.checkpoints.refresh()

    def _facts(self) -> str:
        evaluation = self.evaluation
        if evaluation.job.is_alive:
            left = evaluation.job.seconds_left
            doing = f"· {evaluation.job.progress.words}" + (
                f" · {in_time(left)} left" if math.isfinite(left) else ""
            )
            return f"{doing} · {HOW_TO_STOP}" if evaluation.job.is_deaf else doing
        if evaluation.table is None:
            return "· Start lets every checkpoint be heard; what was made before is used again."
        missing = evaluation.table.attrs.get("missing", 0)
        return f"· {len(evaluation.table)} sounds in {evaluation.folder}" + (
            f" · {missing} not made yet" if missing else ""
        )

    def table(self) -> pandas.DataFrame:
        """The table as it is sorted and filtered."""
        table = self.evaluation.value
        column, ascending = SORTS[self.sort.value]
        table = table.sort_values(column, ascending=ascending, kind="stable", na_position="last")
        if self.flag.value == "none":
            table = table[table["flags"] == ""]
        elif self.flag.value != ANY:
            table = table[[self.flag.value in flags.split() for flags in table["flags"]]]
        table = table[table["stars"] >= self.least_stars.value]
        return distinct(table) if self.is_distinct.value else table

    def _arrange(self) -> None:
        table = self.table()
        if len(table) or self.evaluation.table is not None:
            self.grid.show(table, self.columns.value, self.chosen)
            self.scatter.show(table, self.chosen)

    def pick(self, path: str) -> None:
        """Show a sound and play it."""
        self._do(lambda: self.audition.pick(path))
        self._arrange()

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
        self.evaluation.settings |= self.prompts.settings
        self.evaluation.start()

    def _weigh(self) -> None:
        self.evaluation.weigh({name: slider.value for name, slider in self.weights.items()})

    def _switch(self) -> None:
        is_blind = self.is_blind.value
        if is_blind:
            if self.evaluation.table is None:
                self.is_blind.value = False
                self._say("There is nothing to compare yet; press Start first.")
                return
            self.blind.begin(self.evaluation.table)
        self.blind.widget.layout.display = "" if is_blind else "none"
        self.open_part.layout.display = "none" if is_blind else ""

    def _keep(self) -> None:
        value = self.evaluation.value
        starred = value[value["stars"] > 0]["path"].tolist()
        if not starred:
            self._say("Nothing is starred yet; give at least one sound a star.")
            return
        self._say_kept(starred)

    def _keep_best(self) -> None:
        table = self.table()
        if not len(table):
            self._say("There is nothing to keep yet; press Start first.")
            return
        self._say_kept(best(table, self.how_many.value)["path"].tolist())

    def _say_kept(self, sounds: list[str]) -> None:
        folder = self.evaluation.keep(sounds)
        self._say(f"Kept {len(sounds)} sound{'s' * (len(sounds) != 1)}: {folder}", is_wrong=False)


def _readings(table: pandas.DataFrame) -> str:
    """Each measure beside real audio, and in words, as HTML."""
    words = explain_measures()
    numbers = beside_real_audio(table).drop(columns=["real_5%", "real_95%"])
    order = [*words.index, *numbers.index.difference(words.index)]
    meanings = {
        name: f"{html.escape(row.reading)}<br><small>{html.escape(row.formula)}; "
        f"{html.escape(row.range)}</small>"
        for name, row in words.iterrows()
    }
    shown = numbers.reindex(order).assign(meaning=[meanings.get(name, "") for name in order])
    return READING_STYLE + str(
        shown.to_html(na_rep="", float_format="{:.3g}".format, border=0, escape=False)
    )
