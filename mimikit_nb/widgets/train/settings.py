"""The settings of a training: network, sound as numbers, budget, listening.

Main name: :class:`TrainingSettings`.
"""

from __future__ import annotations

from typing import Literal

from ...config import Config
from ...features.base import AnyFeature
from ...networks.base import AnyNetwork
from ...networks.presets import find_preset
from ...recipes.training import Plan
from ...training.config import TrainConfig


class TrainingSettings(Config):
    """All that is set by hand before a training."""

    network: AnyNetwork
    "The network that learns."
    feature: AnyFeature
    "The numbers that the network reads and writes in place of sound."
    channels: Literal["mix", "separate"] = "separate"
    "Whether channels are mixed to one, or each is a stream of its own (with common randomness)."
    training: TrainConfig
    "Batches, budget, learning rate, what is written when."

    @classmethod
    def of(cls, plan: Plan) -> TrainingSettings:
        """Settings of a plan."""
        main = next(iter(plan.io.autoregressive))
        return cls(
            network=plan.network,
            feature=plan.io.variables[main].feature,
            channels=plan.io.channels,
            training=plan.training,
        )

    def plan(self, base: Plan, sample_rate: int) -> Plan:
        """The plan with these settings; variables are those of ``base`` while its kind is kept."""
        io = base.io if self.network.kind == base.network.kind else None
        io = (io or self.network.default_io(sample_rate)).replace(sample_rate=sample_rate)
        main = next(iter(io.autoregressive))
        variable = io.variables[main]
        head = variable.head if variable.feature.kind == self.feature.kind else None
        variable = variable.replace(feature=self.feature, head=head)
        io = io.replace(variables={**io.variables, main: variable}, channels=self.channels)
        return Plan(self.network, io, self.training)


def follow_network(before: TrainingSettings, after: TrainingSettings) -> TrainingSettings:
    """Another kind of network brings the sound it is made for, and its usual training."""
    if before.network.kind == after.network.kind:
        return after
    network, training = find_preset(after.network.kind)
    io = network.default_io(22050)
    feature = io.variables[next(iter(io.autoregressive))].feature
    changed = after.training.replace(**training)
    return after.replace(
        network=network.to_dict(), feature=feature.to_dict(), training=changed.to_dict()
    )
