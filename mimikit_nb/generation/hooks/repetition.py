"""Make what was drawn lately less likely: :class:`RepetitionPenalty`."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import torch
from torch import Tensor

from ...config import field
from ...engine.stages import State
from ...errors import ParameterError
from ...features.base import Discrete
from ...networks.base import Network
from .base import HOOKS, HookConfig, Step


@HOOKS.register
class RepetitionPenalty(HookConfig):
    """Lower the logits of classes by the share of the last moments that they were drawn in.

    In sounding music hardly any class has a large share and little changes; a network that
    holds one value (silence, a stuck offset) is pushed away from it. The share fades
    exponentially, unlike the fixed window of Keskar et al. ("CTRL", 2019, section 4.1).
    """

    kind: Literal["repetition_penalty"] = "repetition_penalty"
    "Name of the hook."
    strength: float = field(3.0, ge=-100, le=100)
    "What a class that was drawn all the time loses in logits; below 0 it gains."
    seconds: float = field(0.05, gt=0, le=60, unit="s", scale="log")
    "How long draws are remembered (time constant)."

    is_plain_torch: ClassVar[bool] = True

    def memory(self, network: Network, state: State) -> State:
        """Shares of the classes ``[B, Q]`` by variable, and what a step leaves of them."""
        kinds = {name: network.io.kind(name) for name in network.io.autoregressive}
        classes = {name: k.n_classes for name, k in kinds.items() if isinstance(k, Discrete)}
        if not classes:
            raise ParameterError(
                "RepetitionPenalty needs a network that draws classes (as mu-law samples); this "
                "one draws spectra or numbers."
            )
        like = next(network.parameters())
        batch_size = next(iter(state["in"].values())).shape[0]
        shares = {name: like.new_zeros(batch_size, n) for name, n in classes.items()}
        kept = math.exp(-float(network.io.step_seconds) / self.seconds)
        return {**shares, "kept": like.new_full((batch_size, 1), kept)}

    def logits(self, params: Tensor, step: Step) -> Tensor | None:
        """Logits less their share."""
        if step.name not in step.memory:
            return None
        return params - self.strength * step.memory[step.name]

    def samples(self, values: Tensor, step: Step) -> Tensor | None:
        """Shares after this draw."""
        if step.name in step.memory:
            shares, kept = step.memory[step.name], step.memory["kept"]
            classes = torch.arange(shares.shape[1], device=shares.device)
            is_drawn = (values[:, None] == classes).to(shares.dtype)
            shares.copy_(kept * shares + (1 - kept) * is_drawn)
        return None
