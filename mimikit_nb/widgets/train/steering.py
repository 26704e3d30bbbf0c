"""What may be changed while a network trains: learning rate, temperatures, preview interval.

Main name: :class:`Steering`.
"""

from __future__ import annotations

import html
from typing import Any

import ipywidgets as W

from ...errors import ParameterError
from ...training.config import TrainConfig
from ..forms.controls import button, explain
from .trainer import Trainer

NARROW: dict[str, Any] = {
    "layout": W.Layout(width="225px"),
    "style": {"description_width": "120px"},
}


class Steering:
    """Controls of a training at work, used from the next step on.

    Parameters
    ----------
    trainer : Trainer
        What is steered.
    training : TrainConfig
        What the controls begin with.

    Attributes
    ----------
    apply_button : ipywidgets.Button
        Applies what stands in the controls; ``on_click`` is left to the owner.
    widget : ipywidgets.Widget
        What to show.
    """

    def __init__(self, trainer: Trainer, training: TrainConfig) -> None:
        self.trainer = trainer
        self.rate = W.FloatText(description="learning rate", **NARROW)
        self.temperatures = W.Text(description="temperatures", value="1.0", **NARROW)
        self.interval = W.IntText(description="preview every", **NARROW)
        explain(self.rate, "Size of the optimizer's steps, from the next step on.")
        explain(
            self.temperatures,
            "Of the next previews, one or several: 0 is the likeliest, 1 as learned.",
        )
        explain(self.interval, "Steps from one preview to the next; 0: only by the button.")
        self.apply_button = button("Apply", "Use these from the next step on.")
        self.note = W.HTML()
        self.note.add_class("mnb-note")
        row = [self.rate, self.temperatures, self.interval, self.apply_button]
        self.widget = W.VBox(
            [W.HBox(row, layout=W.Layout(flex_flow="row wrap", align_items="center")), self.note]
        )
        self.follow(training)

    def follow(self, training: TrainConfig) -> None:
        """Show what a training begins with."""
        self.rate.value = training.learning_rate
        self.interval.value = training.preview_every_steps
        self.say("These may be changed while it trains.")

    def say(self, text: str) -> None:
        """Show a line below the controls."""
        self.note.value = html.escape(text)

    def read_temperatures(self) -> tuple[float, ...]:
        """Temperatures that are typed; a ParameterError says which is none."""
        texts = self.temperatures.value.replace(",", " ").split()
        try:
            return tuple(float(text) for text in texts)
        except ValueError:
            raise ParameterError(
                f"Temperatures are numbers from 0 to 10, such as 0.8, 1; not "
                f"{self.temperatures.value!r}."
            ) from None

    def apply(self) -> None:
        """Use what stands in the controls from the next step on."""
        trainer, temperatures = self.trainer, self.read_temperatures()
        trainer.set_temperatures(temperatures)
        trainer.set_preview_interval(int(self.interval.value))
        trainer.set_learning_rate(float(self.rate.value))
        step = trainer.status.step if trainer.status else 0
        heard = ", ".join(f"{t:g}" for t in temperatures)
        every = f"every {self.interval.value:,} steps" if self.interval.value else "by the button"
        self.say(
            f"From step {step + 1:,} on: learning rate {self.rate.value:g}, previews {every}, "
            f"at temperature {heard}."
        )
