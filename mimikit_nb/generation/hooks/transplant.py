"""Let a layer say what it said in another sound: :class:`Transplant`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import PrivateAttr
from torch import Tensor

from ...config import field
from ...engine.stages import State
from ...errors import ParameterError
from ...networks.base import Network
from .base import HOOKS, HookConfig, Step
from .place import hooked_places, modules_at, watched
from .storing import read_record


@HOOKS.register
class Transplant(HookConfig):
    """A place gives what :class:`Record` stored there in another sound, moment by moment.

    What lies behind the place follows the other sound, what lies before it, the random numbers
    and the prompt are the sound's own. Behind the end of the record the place is left alone.
    Every sound of a batch gets the same row. In interpretability this is *activation patching*.

    Examples
    --------
    >>> store = mnb.hooks.Record(path="first.h5", place="output")
    >>> first = mnb.generate("runs/first", corpus, prompt=3.0, seconds=1.0, hooks=[store])
    >>> graft = mnb.hooks.Transplant(path="first.h5", place="output", mix=0.5)
    >>> second = mnb.generate("runs/first", corpus, prompt=20.0, seconds=1.0, hooks=[graft])
    """

    kind: Literal["transplant"] = "transplant"
    "Name of the hook."
    path: str
    "The bank (.h5) that Record has written."
    place: str
    "'logits', 'samples' or the name of a module: one that was recorded."
    row: int = field(0, ge=0)
    "Which of the recorded sounds (sounds times channels)."
    mix: float = field(1.0, ge=0, le=1)
    "Between what the place gives itself (0) and what it gave in the other sound (1)."

    is_plain_torch: ClassVar[bool] = True
    _rate: float = PrivateAttr(1.0)
    _begin: float = PrivateAttr(0.0)

    @property
    def places(self) -> frozenset[str]:
        """The one."""
        return hooked_places(self.place)

    def modules(self, network: Network) -> Sequence[str]:
        """The module, if it is one."""
        return modules_at(self.place)

    def memory(self, network: Network, state: State) -> State:
        """What was stored ``[B, times, values]``, and how much of it is heard."""
        values, facts = self._find()
        shape = watched(network, self.place).shape
        if len(values) != math.prod(shape):
            raise ParameterError(
                f"{self.place!r} gives {math.prod(shape)} values in this network, but {self.path} "
                f"holds {len(values)}; transplant between sounds of networks of one size."
            )
        self._rate, self._begin = facts["times_per_second"], facts["begin_seconds"]
        n = next(iter(state["in"].values())).shape[0]
        like = next(network.parameters())
        stored = torch.from_numpy(np.ascontiguousarray(values.T)).to(like)
        return {
            "stored": stored.expand(n, *stored.shape).clone(),
            "mix": like.new_full((n, 1), self.mix),
        }

    def logits(self, params: Tensor, step: Step) -> Tensor | None:
        """Logits of the other sound."""
        return self._mixed(params, step) if step.name in step.state["in"] else None

    def samples(self, values: Tensor, step: Step) -> Tensor | None:
        """Draws of the other sound."""
        return self._mixed(values, step) if step.name in step.state["in"] else None

    def hidden(self, output: Tensor, step: Step) -> Tensor:
        """The module's output in the other sound."""
        return self._mixed(output, step)

    def _mixed(self, x: Tensor, step: Step) -> Tensor:
        stored, mix = step.memory["stored"], step.memory["mix"]  # [B, times, values], [B, 1]
        at = torch.floor((step.seconds - self._begin) * self._rate + 1e-3).to(torch.int64)
        is_stored = (at >= 0) & (at < stored.shape[1])
        index = at.clamp(0, stored.shape[1] - 1)[:, None, None].expand(-1, 1, stored.shape[2])
        there = stored.gather(1, index)[:, 0]  # [B, values]
        own = x.reshape(len(x), -1)
        if x.is_floating_point():
            there = own + mix * (there - own)
        else:
            there = torch.where(mix < 1, own, there.round().to(x.dtype))
        return torch.where(is_stored[:, None], there, own).view(x.shape)

    def _find(self) -> tuple[np.ndarray, dict[str, Any]]:
        """The row's values ``[values, times]`` at the place, and its facts."""
        found = read_record(self.path)
        for values, facts in reversed(found.values()):  # the last sound that was recorded
            if (facts["place"], facts["row"]) == (self.place, self.row):
                return values, facts
        known = sorted({f"{facts['place']!r}, row {facts['row']}" for _, facts in found.values()})
        raise ParameterError(
            f"{self.path} holds nothing of {self.place!r}, row {self.row}; it has "
            f"{'; '.join(known) or 'nothing'}."
        )
