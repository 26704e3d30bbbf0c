"""Variables: what flows in and out of a network, and in which role.

An :class:`IOSpec` lists variables by name. The *autoregressive* ones set the model step: one
step is one hop of their feature. Every tensor of a batch then has one item per model step,
``[B, T]`` for classes or ``[B, T, dim]`` for vectors, whatever rate its variable has:
:mod:`.align` finds, for each step, the item that belongs to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import model_validator
from torch import Tensor

from ..config import Config, field
from ..errors import ConfigError, FeatureError
from ..features.base import AnyFeature, Continuous, Discrete, Feature
from ..features.labels import TrackLabelConfig, ValuesConfig
from ..features.learned import LearnedFeature
from ..units import TimeAxis
from .heads import AnyHead, AnyInput, LossTerm

Role = Literal["autoregressive", "fixture", "auxiliary"]


class VariableConfig(Config):
    """One variable of a network."""

    feature: AnyFeature
    "What is computed from the source."
    role: Role = "autoregressive"
    "Whether it is continued (autoregressive), only read (fixture) or only predicted (auxiliary)."
    source: str = "signal"
    "Where it comes from: 'signal', 'track:<name>' or 'computed:<variable>'."
    sample_rate: int | None = field(None, ge=1000, le=384_000, unit="Hz")
    "Rate at which the source is read; the corpus' own if not given."
    input: AnyInput | None = None
    "Module that reads it; chosen by the feature's kind if not given."
    head: AnyHead | None = None
    "Module that predicts it; chosen by the feature's kind if not given."
    losses: tuple[LossTerm, ...] = field((LossTerm(),), max_length=100)
    "Terms of its loss; their weighted sum is minimised."

    @model_validator(mode="after")
    def _check_source(self) -> VariableConfig:
        kind, _, name = self.source.partition(":")
        if self.source != "signal" and not (kind in ("track", "computed") and name):
            raise ConfigError(
                f"source = {self.source!r}: give 'signal', 'track:<name>' or 'computed:<variable>'."
            )
        reads_track = isinstance(self.feature, TrackLabelConfig | ValuesConfig)
        if reads_track != (kind == "track"):
            raise ConfigError(
                f"Feature {self.feature.kind!r} doesn't fit the source {self.source!r}: "
                "tracks are read as 'label' or 'values', everything else as another feature."
            )
        if self.role == "autoregressive" and self.computed_from:
            raise ConfigError(
                f"An autoregressive variable can't be computed from another ({self.source!r}); "
                "make it a fixture or auxiliary."
            )
        return self

    @property
    def is_input(self) -> bool:
        """Whether the network reads it."""
        return self.role != "auxiliary"

    @property
    def is_target(self) -> bool:
        """Whether the network predicts it."""
        return self.role != "fixture"

    @property
    def computed_from(self) -> str | None:
        """Name of the variable it is computed from, if it is."""
        return (
            self.source.removeprefix("computed:") if self.source.startswith("computed:") else None
        )


class IOSpec(Config):
    """All variables of a network, by name."""

    sample_rate: int = field(22050, ge=1000, le=384_000, unit="Hz")
    "Rate of the corpus and of what is generated."
    variables: dict[str, VariableConfig]
    "Variables by name."
    channels: Literal["mix", "separate"] = "separate"
    "Whether channels are mixed to one, or each is a stream of its own (with common randomness)."

    @model_validator(mode="after")
    def _check(self) -> IOSpec:
        if not self.autoregressive:
            raise ConfigError(
                "At least one variable must be autoregressive: it is what gets generated."
            )
        axes = {name: self.features[name].axis for name in self.autoregressive}
        if len({axis.frame_rate for axis in axes.values()}) > 1:
            rates = ", ".join(
                f"{name}: {float(axis.frame_rate):g} Hz" for name, axis in axes.items()
            )
            raise ConfigError(
                f"Autoregressive variables must have one frame rate, but found {rates}."
            )
        for name, variable in self.variables.items():
            if variable.computed_from and variable.computed_from not in self.autoregressive:
                raise ConfigError(
                    f"Variable {name!r} is computed from {variable.computed_from!r}, "
                    f"which is not autoregressive; choose one of {sorted(self.autoregressive)}."
                )
            if variable.computed_from:
                self._check_computed(name, variable.computed_from)
        return self

    def _check_computed(self, name: str, source: str) -> None:
        """Raise a ConfigError if a variable can't be computed from another."""
        try:
            self.features[name].check_source(self.features[source])
        except FeatureError as error:
            raise ConfigError(
                f"Variable {name!r} can't be computed from {source!r}: {error}"
            ) from error

    @cached_property
    def features(self) -> dict[str, Feature]:
        """Built features by variable name."""
        return {
            name: v.feature.build(v.sample_rate or self.sample_rate)
            for name, v in self.variables.items()
        }

    @property
    def learned(self) -> dict[str, LearnedFeature]:
        """Features with weights, by variable name."""
        return {n: f for n, f in self.features.items() if isinstance(f, LearnedFeature)}

    def replace(self, **changes: Any) -> Self:
        """Validated copy with some fields changed; features that stay keep what was learned."""
        spec = super().replace(**changes)
        kept = {n: f.tensors for n, f in self.learned.items() if f.is_learned}
        same = {
            name: tensors
            for name, tensors in kept.items()
            if name in spec.learned
            and spec.variables[name].feature == self.variables[name].feature
            and spec.learned[name].axis == self.learned[name].axis
        }
        for name, tensors in same.items():
            spec.learned[name].load(tensors)
        return spec

    def with_tensors(self, tensors: Mapping[str, Mapping[str, Tensor]]) -> Self:
        """The same variables, their learned features with tensors (by variable, then by name).

        Raises
        ------
        FeatureError
            If the tensors don't fit.
        """
        spec = type(self)(**self.to_dict())
        for name, feature in spec.learned.items():
            feature.load(tensors[name])
        return spec

    def kind(self, name: str) -> Discrete | Continuous:
        """What the values of a variable are."""
        return self.features[name].kind

    @property
    def inputs(self) -> dict[str, VariableConfig]:
        """Variables that the network reads."""
        return {name: v for name, v in self.variables.items() if v.is_input}

    @property
    def targets(self) -> dict[str, VariableConfig]:
        """Variables that the network predicts."""
        return {name: v for name, v in self.variables.items() if v.is_target}

    @property
    def own_controls(self) -> dict[str, float]:
        """Controls that only some heads read, each with the number that holds if none is given."""
        heads = [v.head for v in self.targets.values() if v.head is not None]
        return {name: number for head in heads for name, number in head.own_controls.items()}

    @property
    def autoregressive(self) -> dict[str, VariableConfig]:
        """Variables that are continued."""
        return {name: v for name, v in self.variables.items() if v.role == "autoregressive"}

    @property
    def step_axis(self) -> TimeAxis:
        """Time axis of the model steps: that of the first autoregressive variable."""
        return self.features[next(iter(self.autoregressive))].axis

    @property
    def step_seconds(self) -> Fraction:
        """Duration of a model step in seconds, exactly."""
        return 1 / self.step_axis.frame_rate

    @property
    def step_samples(self) -> int:
        """Samples that one model step stands for, at the autoregressive variable's rate."""
        return self.step_axis.hop_length
