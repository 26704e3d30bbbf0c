"""The settings of a training as one form, with what follows from them in words.

Main names: :func:`settings_form`, :func:`facts_in_words`.
"""

from __future__ import annotations

from typing import Any

from ...config import Config
from ...corpus.store import Corpus
from ...networks.presets import SIZES, find_preset
from ...recipes.facts import PlanFacts, StepFacts
from ...recipes.training import Plan
from ...training.config import TrainConfig
from ..forms.form import Form, form
from ..words import in_megabytes, in_time
from .settings import TrainingSettings, follow_network

GROUPS: dict[type[Config], dict[str, tuple[str, ...]]] = {
    TrainConfig: {
        "Budget": ("max_steps", "max_minutes", "max_epochs"),
        "Learning": ("learning_rate", "batch_size", "chunk_steps", "chunks_per_sequence", "seed"),
        "Listening and keeping": (
            "preview_every_steps",
            "preview_seconds",
            "checkpoint_every_steps",
            "keep_last",
            "held_out",
            "held_out_every_steps",
        ),
    }
}


def settings_form(plan: Plan, facts: Any, headless: bool) -> Form:
    """Form of a plan's settings, with a preset per size of the chosen network."""
    return form(
        TrainingSettings.of(plan),
        presets={size: _Size(size) for size in SIZES},
        facts=facts,
        groups=GROUPS,
        adapt=follow_network,
        headless=headless,
    )


class _Size:
    """Preset that keeps the network's kind and the budget."""

    def __init__(self, size: str) -> None:
        self.size = size

    def __call__(self, settings: TrainingSettings) -> TrainingSettings:
        network, training = find_preset(f"{settings.network.kind}/{self.size}")
        changed = settings.training.replace(**training)
        return settings.replace(network=network.to_dict(), training=changed.to_dict())


def facts_in_words(
    facts: PlanFacts,
    step: StepFacts | None,
    plan: Plan,
    corpus: Corpus | None,
    device: str,
    is_measuring: bool,
) -> dict[str, str]:
    """Facts as the form shows them."""
    reach = _in_milliseconds(facts.receptive_field_seconds)
    memory = facts.weight_bytes + (step.activation_bytes if step else 0)
    words = {
        "parameters": f"{facts.n_weights:,}",
        "receptive field": reach + (", and it remembers more" if facts.is_recurrent else ""),
        "sound in a batch": _in_milliseconds(facts.batch_seconds),
        "memory of a step": in_megabytes(memory) + ("" if step else " for the weights alone"),
    }
    if corpus is not None and facts.windows_per_epoch:
        steps = facts.steps_per_epoch or 0
        words["windows per epoch"] = f"{facts.windows_per_epoch:,} in {steps:,.1f} steps"
    words["expected time"] = _expected_time(facts, step, plan, device, is_measuring)
    return words


def _expected_time(
    facts: PlanFacts, step: StepFacts | None, plan: Plan, device: str, is_measuring: bool
) -> str:
    limit = plan.training.max_minutes
    if step is None:
        return "measuring …" if is_measuring else "not known before it begins"
    each = f"{1000 * step.seconds_per_step:.0f} ms a step on {device}"
    seconds = [60 * limit] if limit is not None else []
    if facts.n_steps is not None:
        seconds.append(facts.n_steps * step.seconds_per_step)
    total = min(seconds)
    n_steps = round(total / step.seconds_per_step)
    return f"about {in_time(total)} for {n_steps:,} steps ({each})"


def _in_milliseconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 2 else f"{1000 * seconds:.3g} ms"
