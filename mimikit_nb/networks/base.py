"""The contract every auto-regressive network keeps, and the registry of network configs.

Shapes are written with fixed letters: ``B`` batch, ``C`` channels, ``T`` model steps, ``N``
frames, ``F`` bins, ``H`` hidden units, ``Q`` quantisation levels, ``P`` head parameters.

One idea serves three uses. Training with truncated back-propagation carries the state from
chunk to chunk; reading a prompt is one parallel ``forward`` from ``init_state``; generation is
``step`` after ``step``. At step ``t`` the network has read the items up to ``t`` and predicts
item ``t + 1``; fixtures and auxiliary targets belong to item ``t + 1``.

The state is a nested dict of tensors. All have the batch as first dimension, but the clock
``state["t"]`` (int64 ``[1]``: steps done so far), which the whole batch shares. ``state["in"]``
and ``state["out"]`` hold the inputs and the head parameters of the current step.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from ..config import Config, Registry
from ..engine.stages import Stage, State, map_state, run_stages
from ..errors import ConfigError
from ..features.base import Discrete
from ..io.variable import IOSpec
from .head import Head
from .heads import build_head

Tensors = dict[str, Tensor]


class Network(nn.Module, ABC):
    """An auto-regressive network: parallel over time in training, step by step in generation.

    Parameters
    ----------
    config : NetworkConfig
        The network's own numbers.
    io : IOSpec
        What it reads and writes.

    Attributes
    ----------
    receptive_field : int
        Model steps that can influence a prediction through the input; for recurrent networks
        the steps that a prompt should at least have.
    chunk_multiple : int
        Training chunks have a multiple of this many steps (the period of the slowest tier, say).
    is_recurrent : bool
        Whether training carries the state from chunk to chunk.
    """

    receptive_field: int
    chunk_multiple: int = 1
    is_recurrent: bool = False

    def __init__(self, config: NetworkConfig, io: IOSpec) -> None:
        super().__init__()
        self.config = config
        self.io = io

    @property
    def step_samples(self) -> int:
        """Samples of sound that one step stands for."""
        return self.io.step_samples

    @abstractmethod
    def forward(self, inputs: Tensors, state: State | None = None) -> tuple[Tensors, State]:
        """Head parameters ``[B, T, P]`` by target, and the state after ``T`` steps.

        Equal to ``T`` calls of :meth:`step` from ``state`` (from :meth:`init_state` if None);
        differentiable, and never changes ``state`` in place.
        """

    def read(self, inputs: Tensors, state: State) -> State:
        """State behind steps whose outputs nobody needs, as those of a prompt."""
        return self(inputs, state)[1]

    def probes(self) -> list[nn.Module]:
        """Modules whose input, ``[B, N, H]``, tells what the network hears; those of the heads."""
        return list(self.heads.values())

    @abstractmethod
    def init_state(self, batch_size: int) -> State:
        """State before the first step, preallocated on the network's device."""

    def memory_of(self, state: State) -> Tensors:
        """Recurrent memory in a state, by name; empty for networks without any."""
        return {}

    def with_memory(self, state: State, memory: Tensors) -> State:
        """``state`` with other recurrent memory, as :meth:`memory_of` names it."""
        return state

    @abstractmethod
    def stages(self) -> Sequence[Stage]:
        """Parts of one step, in order; they read ``state["in"]`` and write ``state["out"]``."""

    @torch.no_grad()
    def step(self, inputs: Tensors, state: State) -> tuple[Tensors, State]:
        """Read one item per input (``[B]`` or ``[B, dim]``) and predict the next; in place."""
        for name, value in inputs.items():
            state["in"][name].copy_(value)
        run_stages(self.stages(), state)
        return {name: value.clone() for name, value in state["out"].items()}, state

    def io_state(self, batch_size: int) -> State:
        """Clock, inputs and outputs: what the state of every network holds."""
        parameter = next(self.parameters())
        new = parameter.new_zeros
        state: State = {"t": torch.zeros(1, dtype=torch.int64, device=parameter.device)}
        state["in"] = {
            name: torch.zeros(batch_size, dtype=torch.int64, device=parameter.device)
            if isinstance(kind := self.io.kind(name), Discrete)
            else new(batch_size, kind.dim)
            for name in self.io.inputs
        }
        state["out"] = {name: new(batch_size, head.n_params) for name, head in self.heads.items()}
        return state

    def folded(self) -> Self:
        """Frozen copy for generation: eval mode, reparametrised weights made plain."""
        network = copy.deepcopy(self).eval().requires_grad_(False)
        for module in [m for m in network.modules() if is_parametrized(m)]:
            _make_plain(module)
        for module in network.modules():
            if isinstance(module, Head):
                module.fold()
        return network

    @property
    @abstractmethod
    def heads(self) -> dict[str, Head]:
        """Output heads by target variable."""


def _make_plain(module: nn.Module) -> None:
    """Replace reparametrised tensors by their values.

    Torch's own removal would also change the class that a deep copy shares with its original.
    """
    values = {name: getattr(module, name).detach().clone() for name in module.parametrizations}
    module.__class__ = type(module).__mro__[1]
    del module.parametrizations
    for name, value in values.items():
        module.register_parameter(name, nn.Parameter(value, requires_grad=False))


def build_heads(io: IOSpec, hidden_dim: int) -> nn.ModuleDict:
    """One head per target variable, from ``hidden_dim`` units."""
    heads = nn.ModuleDict()
    for name, variable in io.targets.items():
        head = build_head(variable, io.kind(name), hidden_dim, float(io.step_seconds))
        if head.needs_corpus and name not in io.learned:
            raise ConfigError(
                f"The head of {name!r} looks for classes or units in the recording, which takes a "
                f"feature that is learned from it, such as 'latent', not {variable.feature.kind!r}."
            )
        heads[name] = head
    return heads


def detach_state(state: State) -> State:
    """Same values, cut from the graph that computed them (truncated back-propagation)."""
    return map_state(Tensor.detach, state)


class NetworkConfig(Config):
    """Base of the configs of all networks."""

    kind: str
    "Name of the network."

    def build(self, io: IOSpec) -> Network:
        """Network with random weights (from torch's global generator) for these variables."""
        raise ConfigError(f"{type(self).__name__} builds no network.")

    @classmethod
    def default_io(cls, sample_rate: int) -> IOSpec:
        """Variables that the network is made for."""
        raise ConfigError(f"{cls.__name__} has no default variables; pass an IOSpec.")


NETWORKS: Registry[NetworkConfig] = Registry("network")
AnyNetwork = NETWORKS.annotate(NetworkConfig)
