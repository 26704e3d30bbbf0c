"""What training changes from step to step, and a checkpoint therefore holds.

:class:`TrainingState` has the network, the moving average of its weights, the optimizer, the
memory that a recurrent network carries from chunk to chunk, and the counters; all of it goes
into flat tensors and comes back from them, exactly.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ..checkpoint.file import flatten, unflatten
from ..engine.stages import State, map_state
from ..errors import CheckpointError
from ..networks.base import Network
from .batches import Anchor

GROUPS = ("network", "ema", "optimizer", "carried", "counters", "rng")
"""Groups of tensors in a checkpoint that training goes on from."""


@dataclass
class Counters:
    """Numbers that training counts up; all are stored in double precision.

    Attributes
    ----------
    step : int
        Steps done.
    skipped, skipped_in_a_row : int
        Steps whose loss wasn't finite.
    rollbacks : int
        Times the run went back to a checkpoint.
    rate_factor : float
        Factor of the learning rate, lowered by rollbacks and set by hand.
    seconds : float
        Time trained.
    anchor_round, anchor_sequence, batch_size : int
        The :class:`~.batches.Anchor` of the batch plan.
    loss_sums : dict of float
        Sums of the loss and its terms since the last row of the table, and their ``count``.
    """

    batch_size: int
    step: int = 0
    skipped: int = 0
    skipped_in_a_row: int = 0
    rollbacks: int = 0
    rate_factor: float = 1.0
    seconds: float = 0.0
    anchor_round: int = 0
    anchor_sequence: int = 0
    loss_sums: dict[str, float] = field(default_factory=dict)

    @property
    def anchor(self) -> Anchor:
        """Anchor of the batch plan."""
        return Anchor(self.anchor_round, self.anchor_sequence, self.batch_size)

    @anchor.setter
    def anchor(self, anchor: Anchor) -> None:
        self.anchor_round, self.anchor_sequence, self.batch_size = anchor

    def to_tensors(self) -> dict[str, Tensor]:
        """Counters as flat tensors."""
        values = dataclasses.asdict(self)
        sums = {f"loss_sums/{name}": value for name, value in values.pop("loss_sums").items()}
        return {k: torch.tensor(v, dtype=torch.float64) for k, v in (values | sums).items()}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> Counters:
        """Inverse of :meth:`to_tensors`."""
        values = {name: tensor.item() for name, tensor in tensors.items()}
        sums = {k: values.pop(k) for k in list(values) if k.startswith("loss_sums/")}
        types = {f.name: int if f.type == "int" else float for f in dataclasses.fields(cls)}
        plain: dict[str, Any] = {name: types[name](value) for name, value in values.items()}
        return cls(**plain, loss_sums={k.removeprefix("loss_sums/"): v for k, v in sums.items()})


class TrainingState:
    """Network, moving average, optimizer, carried memory, counters.

    Parameters
    ----------
    network : Network
        Being trained.
    optimizer : torch.optim.Optimizer
        Over its parameters; its buffers are made here, so that no later step runs out of memory
        half-way.
    counters : Counters
        Where the run is.
    with_ema : bool
        Whether to keep a moving average of the weights.
    """

    def __init__(
        self, network: Network, optimizer: torch.optim.Optimizer, counters: Counters, with_ema: bool
    ) -> None:
        self.network, self.optimizer, self.counters = network, optimizer, counters
        self.ema = copy.deepcopy(network).eval().requires_grad_(False) if with_ema else None
        self.carried: State | None = None
        self._parameters: dict[Tensor, str] = {p: name for name, p in network.named_parameters()}
        _make_buffers(optimizer)

    @property
    def evaluated(self) -> Network:
        """The network that is listened to: the moving average, if there is one."""
        return self.network if self.ema is None else self.ema

    @torch.no_grad()
    def update_ema(self, decay: float) -> None:
        """Move the average towards the weights; early on it forgets faster."""
        if self.ema is None:
            return
        step = self.counters.step
        weight = 1 - min(decay, (1 + step) / (10 + step))
        mean: list[Tensor] = list(self.ema.parameters())
        last: list[Tensor] = list(self.network.parameters())
        torch._foreach_lerp_(mean, last, weight)
        for mean_buffer, buffer in zip(self.ema.buffers(), self.network.buffers(), strict=True):
            mean_buffer.copy_(buffer)

    @property
    def is_sound(self) -> bool:
        """Whether all weights are finite, and the last step's loss was."""
        norms = torch._foreach_norm([p.detach() for p in self.network.parameters()])
        return bool(torch.stack(norms).isfinite().all()) and not self.counters.skipped_in_a_row

    def to_tensors(self) -> dict[str, Tensor]:
        """Everything as ``group/name``, ready to be stored."""
        groups: dict[str, Mapping[str, Tensor]] = {
            "network": self.network.state_dict(),
            "ema": self.ema.state_dict() if self.ema is not None else {},
            "optimizer": {
                f"{self._parameters[p]}/{key}": value
                for p, values in self.optimizer.state.items()
                for key, value in values.items()
            },
            "carried": flatten(self.carried or {}),
            "counters": self.counters.to_tensors(),
            "rng": rng_state(self.device),
        }
        return {f"{group}/{name}": t for group, ts in groups.items() for name, t in ts.items()}

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    def restore(self, groups: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Take everything from the groups of a checkpoint.

        Raises
        ------
        CheckpointError
            If they don't fit the network.
        """
        try:
            self.network.load_state_dict(dict(groups["network"]))
            if self.ema is not None:
                self.ema.load_state_dict(dict(groups["ema"] or groups["network"]))
            for p, values in self.optimizer.state.items():
                for key, value in values.items():
                    value.copy_(groups["optimizer"][f"{self._parameters[p]}/{key}"])
            self.counters = Counters.from_tensors(groups["counters"])
        except (KeyError, RuntimeError, TypeError) as error:
            raise CheckpointError(f"The checkpoint doesn't fit this training: {error}.") from error
        carried = unflatten(groups["carried"])
        self.carried = map_state(lambda t: t.to(self.device), carried) if carried else None
        set_rng_state(groups["rng"], self.device)


def first_rows(state: State, n_rows: int) -> State:
    """State of the first ``n_rows`` rows of a batch; the clock is everybody's."""
    return {
        key: first_rows(value, n_rows)
        if isinstance(value, dict)
        else value
        if key == "t"
        else value[:n_rows].clone()
        for key, value in state.items()
    }


def rng_state(device: torch.device) -> dict[str, Tensor]:
    """State of torch's random numbers on the CPU and on ``device``."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        states["mps"] = torch.mps.get_rng_state()
    return states


def set_rng_state(states: Mapping[str, Tensor], device: torch.device) -> None:
    """Inverse of :func:`rng_state`, as far as the devices are the same."""
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)
    elif device.type == "mps" and "mps" in states:
        torch.mps.set_rng_state(states["mps"])


def _make_buffers(optimizer: torch.optim.Optimizer) -> None:
    """Let the optimizer make its buffers by a step of rate 0, and count that step as none."""
    rates = [group["lr"] for group in optimizer.param_groups]
    for group in optimizer.param_groups:
        group["lr"] = 0.0
        for p in group["params"]:
            p.grad = torch.zeros_like(p)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate
    for values in optimizer.state.values():
        values["step"].zero_()
