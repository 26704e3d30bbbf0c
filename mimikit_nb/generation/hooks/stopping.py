"""End a sound by how it sounds: :class:`StopWhenSilent`."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from ...config import field
from ...engine.stages import State
from ...networks.base import Network
from .base import BLOCK_SECONDS, HOOKS, HookConfig


@HOOKS.register
class StopWhenSilent(HookConfig):
    """A sound ends when it has been silent for a while.

    Examples
    --------
    >>> stop = mnb.hooks.StopWhenSilent(seconds=2.0)
    >>> made = mnb.generate("runs/first", corpus, seconds=1.0, hooks=[stop])
    """

    kind: Literal["stop_when_silent"] = "stop_when_silent"
    "Name of the hook."
    below_db: float = field(-60.0, ge=-200, le=0, unit="dB")
    "Level (RMS of 50 ms, full scale is 0 dB) below which it is silent."
    seconds: float = field(1.0, gt=0, le=3600, unit="s")
    "How long it must have been."

    def memory(self, network: Network, state: State) -> State:
        """Seconds of silence so far ``[B]``."""
        n = next(iter(state["in"].values())).shape[0]
        return {"silent": next(network.parameters()).new_zeros(n)}

    def audio(self, block: Tensor, memory: State) -> Tensor:
        """Rows that have been silent for long enough."""
        level_db = 10 * torch.log10(block.square().mean(1) + 1e-30)
        silent = memory["silent"]
        silent.copy_(torch.where(level_db < self.below_db, silent + BLOCK_SECONDS, 0.0))
        return silent > self.seconds - BLOCK_SECONDS / 2  # sums of 0.05 aren't exact
