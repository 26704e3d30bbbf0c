"""What the training view looks like: buttons, curve, advice, previews, files.

It holds widgets and no training; everything it shows is read from the
:class:`~.trainer.Trainer`. Main name: :class:`TrainPanel`.
"""

from __future__ import annotations

import contextlib
import html
import math
import threading
from collections.abc import Callable
from typing import Any

import ipywidgets as W

from ...errors import ConfigError, MimikitError
from ...recipes.facts import StepFacts, measure_step, memory_in_use, plan_facts
from ...recipes.training import Plan
from ..forms.controls import button, explain
from ..forms.sections import fold
from ..job import HOW_TO_STOP, Job
from ..page import Page
from ..words import STATE_COLOURS, in_megabytes, in_plain_words, in_time
from .loss_plot import LossPlot
from .model import Training
from .previews import Timeline
from .settings import TrainingSettings
from .settings_form import facts_in_words, settings_form
from .sources_panel import SourcesPanel
from .steering import Steering
from .trainer import BUSY

TWO_LINES = W.Layout(min_height="46px")  # so that what is below doesn't jump when text comes
SETTLED_SECONDS = 0.6  # without an edit, before a step is tried
VERDICT_COLOURS = {
    "still learning": "#117733",
    "flat": "#b26a00",
    "over-fitting": "#c62828",
    "unstable": "#c62828",
}


class TrainPanel:
    """All widgets of a training view.

    Parameters
    ----------
    training : Training
        Whose sounds, settings and trainer are shown.
    """

    def __init__(self, training: Training) -> None:
        self.training, self.trainer = training, training.trainer
        self.sources = SourcesPanel(training.sources)
        training.sources.on_corpus = self.corpus_changed
        self._measured: tuple[Plan, StepFacts | None] | None = None
        self._edited = threading.Event()
        self._measurer = Job(lambda _: self._measure(), self._show_facts, name="measure")
        self.form = settings_form(training.planned, self._facts, headless=False)
        self.form.observe(lambda _: self._settings_changed(), names=["value"])
        self.form.observe(lambda _: self._say_summary(), names=["problems"])
        self._make_buttons()
        self._make_status()
        self._make_plot()
        self.steering = Steering(self.trainer, training.planned.training)
        self.steering.apply_button.on_click(lambda _: self._do(self.steering.apply))
        self.timeline = Timeline()
        self.files = W.HTML()
        self.page = Page({".mnb-losses": "Losses by step"}, self.refresh)
        self.widget = self._arrange()
        self._refreshing = threading.RLock()
        self.trainer.show_in(self)
        self.refresh()
        self._settings_changed()

    # -- parts --------------------------------------------------------------------------------

    def _arrange(self) -> Any:
        self.fold = fold("Settings", self.form.widget, is_open=False)
        parts = [
            self.page,
            self.sources.widget,
            W.HTML("<h3>Settings</h3>"),
            self.fold,
            W.HTML("<h3>Training</h3>"),
            W.HBox(list(self.buttons.values()), layout=W.Layout(flex_flow="row wrap")),
            self.status,
            self.bar,
            self.advice,
            self.plot.widget,
            W.HBox([self.log_axis, self.smoothing]),
            self.steering.widget,
            W.HTML("<h3>Previews</h3>"),
            self.timeline.widget,
            W.HTML("<h3>What was written</h3>"),
            self.files,
        ]
        box = W.VBox(parts, layout=W.Layout(max_width="900px"))
        box.add_class("mnb-view")
        return box

    def _make_buttons(self) -> None:
        actions: dict[str, tuple[Callable[[], None], str, str]] = {
            "Start": (
                self.start,
                "Train with these settings, in a new folder.",
                "success",
            ),
            "Pause": (self.trainer.pause, "Halt after the current step; nothing is lost.", ""),
            "Resume": (self.resume, "Go on: after a pause, or with the last run.", ""),
            "Stop": (self.trainer.stop, "End after the current step, with a checkpoint.", "danger"),
            "Preview now": (self.trainer.preview_now, "Let the network be heard.", ""),
        }
        self.buttons = {}
        for name, (action, help_, style) in actions.items():
            made = button(name, help_, style)
            made.on_click(lambda _, action=action: self._do(action))
            self.buttons[name] = made

    def _make_status(self) -> None:
        self.status = W.HTML(layout=TWO_LINES)
        self.bar = W.FloatProgress(min=0.0, max=1.0, layout=W.Layout(width="98%"))
        explain(self.bar, "Share of the budget that is done.")
        self.advice = W.HTML(layout=TWO_LINES)
        self.complaint = ""

    def _make_plot(self) -> None:
        self.plot = LossPlot()
        self.plot.widget.add_class("mnb-losses")
        self.log_axis = W.Checkbox(description="log axis", value=True, indent=False)
        self.log_axis.layout.width = "90px"
        self.smoothing = W.FloatSlider(
            description="smoothing",
            value=0.9,
            min=0.0,
            max=0.99,
            step=0.01,
            layout=W.Layout(width="300px"),
        )
        explain(self.log_axis, "Equal factors of the loss are equally far apart.")
        explain(self.smoothing, "Share of the past in each point of the thick curve.")
        for control in (self.log_axis, self.smoothing):
            control.observe(lambda _: self._redraw(), names="value")

    # -- doing --------------------------------------------------------------------------------

    def _do(self, action: Callable[[], None]) -> None:
        """Do what a button says; what goes wrong is said in the view."""
        self.complaint = ""
        try:
            action()
        except Exception as error:
            self.complaint = in_plain_words(error)
        self.refresh()

    def start(self, foreground: bool | None = None) -> None:
        """Train what stands in the form, in a new folder."""
        if not self.form.is_valid:
            wrong = ", ".join(self.form.problems).replace("_", " ")
            raise ConfigError(f"Settings can't be used: {wrong}. Correct them, or press Reset.")
        corpus = self.training.sources.wait()
        plan = self.training.plan_of(self.form.value)
        self.trainer.set_temperatures(self.steering.read_temperatures())
        self.steering.follow(plan.training)
        self.training.start(corpus, plan, foreground)

    def resume(self) -> None:
        """End a pause, or go on with the last run."""
        self.training.resume(self.form.value.training)

    # -- facts on the settings ----------------------------------------------------------------

    def corpus_changed(self) -> None:
        """Another corpus: its facts are worked out anew."""
        self._settings_changed()

    def _settings_changed(self) -> None:
        self._edited.set()
        self.steering.follow(self.form.value.training) if not self.trainer.is_busy else None
        if not self.trainer.is_busy:
            self._measurer.start()
        self._show_facts()

    def _show_facts(self) -> None:
        self.form.show_facts()
        self._say_summary()

    def _say_summary(self) -> None:
        self.fold.children[0].description = self._summary()

    def _summary(self) -> str:
        """The settings in one line, for those who leave them as they are."""
        if self.form.problems:
            return "Not usable as they are: " + ", ".join(self.form.problems).replace("_", " ")
        kind = self.form.value.network.kind.replace("_", " ")
        try:
            facts = self._facts(self.form.value)
        except MimikitError:
            return kind
        known = [kind, f"{facts['parameters']} parameters", facts["expected time"]]
        return " · ".join(known[: 2 + facts["expected time"].startswith("about")])

    def _measure(self) -> None:
        """Try a step when no edit has come for a moment."""
        while self._edited.is_set():
            self._edited.clear()
            if self._edited.wait(SETTLED_SECONDS):
                continue
            plan, facts = self.training.plan_of(self.form.value), None
            with contextlib.suppress(MimikitError, RuntimeError, ValueError):
                if not self.trainer.is_busy:
                    facts = measure_step(plan, self.training.device)
            self._measured = (plan, facts)

    def _facts(self, settings: TrainingSettings) -> dict[str, str]:
        plan, corpus = self.training.plan_of(settings), self.training.sources.corpus
        known = self._measured if self._measured and self._measured[0] == plan else None
        facts = plan_facts(plan, corpus)
        step = known[1] if known else None
        is_measuring = known is None and self._measurer.is_alive
        return facts_in_words(facts, step, plan, corpus, self.training.device, is_measuring)

    # -- showing ------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show everything as it is now."""
        with self._refreshing:
            self._refresh()

    def repaint(self) -> None:
        """Show everything as it is now, unless nobody looks."""
        if self.page.is_seen or self.trainer.job.is_foreground:
            self.refresh()

    def rest(self) -> None:
        """Give way to a view that was opened later."""
        self.widget.children = [W.HTML("This view goes on in the cell that was run last.")]

    def _refresh(self) -> None:
        trainer, run = self.trainer, self.trainer.run
        state = trainer.state
        busy = state in BUSY and trainer.is_busy
        can_go_on = bool(run and run.config_path.exists())
        self.buttons["Start"].disabled = busy
        is_heard = busy and not trainer.job.is_deaf
        self.buttons["Pause"].disabled = not is_heard or state not in ("running", "starting")
        self.buttons["Resume"].disabled = (
            state not in ("paused", "pausing") if busy else not can_go_on
        )
        at_work = (self.buttons["Stop"], self.buttons["Preview now"], self.steering.apply_button)
        for control in at_work:
            control.disabled = not is_heard or state == "stopping"
        self.status.value = self._status_html()
        self.bar.value = self._share_done()
        self.advice.value = self._advice_html()
        self.timeline.show(trainer.previews)
        self.files.value = self._files_html()
        self._redraw()

    def _redraw(self) -> None:
        self.plot.is_log, self.plot.smoothing = self.log_axis.value, self.smoothing.value
        self.plot.draw(self.trainer.losses)

    def _status_html(self) -> str:
        trainer, status = self.trainer, self.trainer.status
        colour = STATE_COLOURS.get(trainer.state, "#555")
        parts = [f'<b style="color:{colour}">{html.escape(trainer.state)}</b>']
        if trainer.is_previewing:
            parts.append("making a preview")
        if status is not None:
            of = f" of {status.max_steps:,}" if status.max_steps else ""
            parts += [f"step {status.step:,}{of}", f"epoch {status.epoch:.2f}"]
            parts.append(f"loss {status.loss:.3f}")
            if status.held_out_loss is not None:
                parts.append(f"held out {status.held_out_loss:.3f}")
            if trainer.steps_per_second:
                parts.append(f"{trainer.steps_per_second:.3g} steps/s")
            if math.isfinite(status.seconds_left) and trainer.is_busy:
                parts.append(f"{in_time(status.seconds_left)} left")
        device = self.training.device
        parts += [device, f"{in_megabytes(memory_in_use(device))} in use"]
        line = " · ".join(parts)
        if trainer.message and trainer.state in ("failed", "stopped", "finished", "interrupted"):
            style = "wrong" if trainer.state == "failed" else "note"
            line += f'<br><span class="mnb-{style}">{html.escape(trainer.message)}</span>'
        if trainer.job.is_deaf:
            line += f'<br><span class="mnb-note">{HOW_TO_STOP}</span>'
        if trainer.state == "failed":
            line += f'<br><span class="mnb-note">{html.escape(self._consolation())}</span>'
        if trainer.preview_problem:
            line += f'<br><span class="mnb-wrong">{html.escape(trainer.preview_problem)}</span>'
        if self.complaint:
            line += f'<br><span class="mnb-wrong">{html.escape(self.complaint)}</span>'
        return line

    def _consolation(self) -> str:
        run = self.trainer.run
        if run is None or not run.checkpoints:
            return "No checkpoint had been written yet."
        return (
            f"The last checkpoint, of step {max(run.checkpoints)}, is kept; Resume goes on from it."
        )

    def _share_done(self) -> float:
        status = self.trainer.status
        if status is None:
            return 0.0
        if self.trainer.state == "finished":
            return 1.0
        if math.isfinite(status.seconds_left):
            return status.seconds / max(1e-9, status.seconds + status.seconds_left)
        return status.step / status.max_steps if status.max_steps else 0.0

    def _advice_html(self) -> str:
        if not self.trainer.losses.losses:
            return ""
        advice = self.trainer.advice
        colour = VERDICT_COLOURS.get(advice.verdict, "#555")
        reason = html.escape(f"{advice.reason} {advice.remedy}".strip())
        return f'<b style="color:{colour}">{advice.verdict.capitalize()}</b>: {reason}'

    def _files_html(self) -> str:
        run = self.trainer.run
        if run is None:
            return "Nothing yet."
        checkpoints = list(run.checkpoints)
        rows = {
            "run": str(run.folder),
            "losses": run.metrics_path.name,
            "checkpoints": f"{len(checkpoints)}, the last of step {checkpoints[-1]}"
            if checkpoints
            else "none yet",
            "previews": f"{len(self.trainer.previews)} in {run.samples_folder.name}/",
            "log": "log.txt",
        }
        cells = "".join(
            f"<tr><td>{name}</td><td><code>{html.escape(text)}</code></td></tr>"
            for name, text in rows.items()
        )
        return f"<table>{cells}</table>"
