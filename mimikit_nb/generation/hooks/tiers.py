"""Hold a tier of a network in tiers where it is: :class:`FreezeTier`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor

from ...config import field
from ...engine.stages import State
from ...errors import ParameterError
from ...networks.base import Network
from ...networks.tiers import TieredNetwork
from .base import HOOKS, HookConfig, Step


@HOOKS.register
class FreezeTier(HookConfig):
    """A tier of SampleRNN or Sampler Transformer goes on listening, but says the same for ever.

    What the tier gave last before it is frozen, the tiers below get until it is let go.
    """

    kind: Literal["freeze_tier"] = "freeze_tier"
    "Name of the hook."
    tier: int = field(0, ge=0)
    "Which one: 0 is the slowest. The last tier predicts and can't be frozen."
    from_seconds: float = field(0.0, ge=0, unit="s")
    "When it is frozen, counted from the prompt's end."
    until_seconds: float | None = field(None, gt=0, unit="s")
    "When it is let go; never if not given."

    is_plain_torch: ClassVar[bool] = True

    def modules(self, network: Network) -> Sequence[str]:
        """The layer that gives conditions to the tier below."""
        if not isinstance(network, TieredNetwork):
            raise ParameterError(
                f"FreezeTier needs a network in tiers (SampleRNN, Sampler Transformer), and "
                f"{type(network).__name__} is none."
            )
        n = len(network.tiers) - 1
        if self.tier >= n:
            known = "tier 0" if n == 1 else f"tiers 0 to {n - 1}"
            raise ParameterError(
                f"There is no tier {self.tier} to freeze; this network has {known} above the last."
                if n > 0
                else "This network has one tier only, which predicts and can't be frozen."
            )
        return (f"tiers.{self.tier}.up",)

    def memory(self, network: Network, state: State) -> State:
        """What the tier said last ``[B, ratio, H]``."""
        self.modules(network)
        return {"held": state["up"][str(self.tier)].clone()}

    def hidden(self, output: Tensor, step: Step) -> Tensor:
        """What it says now, or what it said before it was frozen."""
        until = math.inf if self.until_seconds is None else self.until_seconds
        is_frozen = (step.seconds >= self.from_seconds) & (step.seconds < until)
        said = torch.where(is_frozen[:, None, None], step.memory["held"], output)
        step.memory["held"].copy_(said)
        return said
