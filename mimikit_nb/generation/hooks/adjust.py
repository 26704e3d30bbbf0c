"""Mute, exaggerate or push parts of a network while it plays: :class:`Adjust`."""

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
from .base import HOOKS, HookConfig, Step
from .place import hooked_places, modules_at, width_of


@HOOKS.register
class Adjust(HookConfig):
    """What a place gives is multiplied, and something is added to it: in some units or in all.

    A factor of 0 mutes, factors above 1 exaggerate. Something that is added to logits makes
    classes more or less likely: by 3, some twenty times; by -50, never.

    Examples
    --------
    >>> mute = mnb.hooks.Adjust(place="tiers.0.body.layers.0.rnn", factor=0, from_seconds=0.5)
    >>> changed = mnb.generate("runs/first", corpus, seconds=1.0, hooks=[mute])
    """

    kind: Literal["adjust"] = "adjust"
    "Name of the hook."
    place: str
    "'logits', or the name of a module."
    factor: float = field(1.0, ge=-1000, le=1000)
    "What each unit is multiplied by."
    add: float = field(0.0, ge=-1000, le=1000)
    "What is added to it."
    units: tuple[int, ...] | None = None
    "Numbers of the units that are meant (the last dimension, from 0); all if not given."
    from_seconds: float = field(0.0, ge=0, unit="s")
    "When it begins, counted from the prompt's end."
    until_seconds: float | None = field(None, gt=0, unit="s")
    "When it ends; never if not given."

    is_plain_torch: ClassVar[bool] = True

    @property
    def places(self) -> frozenset[str]:
        """The one."""
        return hooked_places(self.place)

    def modules(self, network: Network) -> Sequence[str]:
        """The module, if it is one."""
        return modules_at(self.place)

    def memory(self, network: Network, state: State) -> State:
        """Factors and sums ``[B, units]``: one compiled step serves all numbers."""
        width = width_of(network, self.place)
        chosen = list(range(width) if self.units is None else self.units)
        if not all(0 <= unit < width for unit in chosen):
            raise ParameterError(
                f"units of Adjust must lie in 0 to {width - 1}, as {self.place!r} has {width}; "
                f"they are {list(self.units or ())}."
            )
        n = next(iter(state["in"].values())).shape[0]
        like = next(network.parameters())
        factor, add = like.new_ones(n, width), like.new_zeros(n, width)
        factor[:, chosen], add[:, chosen] = self.factor, self.add
        return {"factor": factor, "add": add}

    def logits(self, params: Tensor, step: Step) -> Tensor | None:
        """Logits, adjusted."""
        return self._adjusted(params, step) if step.name in step.state["in"] else None

    def hidden(self, output: Tensor, step: Step) -> Tensor:
        """The module's output, adjusted."""
        return self._adjusted(output, step)

    def _adjusted(self, x: Tensor, step: Step) -> Tensor:
        until = math.inf if self.until_seconds is None else self.until_seconds
        is_on = (step.seconds >= self.from_seconds) & (step.seconds < until)
        shape = (len(x), *[1] * (x.dim() - 2), x.shape[-1])
        changed = x * step.memory["factor"].view(shape) + step.memory["add"].view(shape)
        return torch.where(is_on.view(-1, *[1] * (x.dim() - 1)), changed, x)
