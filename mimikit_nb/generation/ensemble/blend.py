"""Several networks as one: at every step they read the same and their predictions are averaged.

Averaging logits is the geometric mean of the distributions ("product of experts", Hinton, 2002):
what is drawn must be likely to all of them, by their weights. Main name: :class:`Blend`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ...engine import compile_stages
from ...engine.stages import Executor, Stage, State
from ...errors import ParameterError
from ...networks.base import Network, Tensors
from ...networks.head import Head
from ..stream import ExecutorFactory
from .executors import reusing
from .weights import weights_at


class Blend(Network):
    """Networks of any kinds that read and predict the same.

    The state has one entry per member under ``members`` and their weights under ``shares``
    ``[B, k]``; inputs and the clock are common.

    Parameters
    ----------
    members : sequence of Network

    Raises
    ------
    ParameterError
        If their variables or heads differ.
    """

    def __init__(self, members: Sequence[Network]) -> None:
        first = members[0]
        for other in members[1:]:
            if not shares_output(first, other):
                raise ParameterError(
                    "These networks can't be averaged step by step, since they don't predict the "
                    "same: rates, features and heads must be equal. Average their sounds instead: "
                    'of="output".'
                )
        super().__init__(first.config, first.io)  # type: ignore[arg-type]
        self.members = nn.ModuleList(members)
        self.receptive_field = max(m.receptive_field for m in members)
        self.chunk_multiple = math.lcm(*(m.chunk_multiple for m in members))
        self.is_recurrent = any(m.is_recurrent for m in members)

    @property
    def heads(self) -> dict[str, Head]:
        """Those of the first member, which draw from the average."""
        return self.members[0].heads  # type: ignore[return-value]

    def init_state(self, batch_size: int) -> State:
        """State before the first step; equal shares."""
        states = [_own(m.init_state(batch_size)) for m in self.members]  # type: ignore[operator]
        n = len(states)
        new = next(self.parameters()).new_full
        members = {str(i): state for i, state in enumerate(states)}
        return {
            **self.io_state(batch_size),
            "members": members,
            "shares": new((batch_size, n), 1 / n),
        }

    def read(self, inputs: Tensors, state: State) -> State:
        """State behind steps whose outputs nobody needs."""
        return self._advance(inputs, state, lambda m, s: (None, m.read(inputs, s)))[1]

    def forward(self, inputs: Tensors, state: State | None = None) -> tuple[Tensors, State]:
        """Averaged head parameters and the state behind them."""
        batch_size = len(next(iter(inputs.values())))
        state = self.init_state(batch_size) if state is None else state
        outputs, state = self._advance(inputs, state, lambda m, s: m(inputs, s))
        shares = state["shares"].T[:, :, None, None]
        names = outputs[0]
        return {
            name: sum((w * o[name] for w, o in zip(shares, outputs, strict=True)), torch.zeros(()))
            for name in names
        }, state

    def _advance(
        self, inputs: Tensors, state: State, fn: Callable[[Any, State], tuple[Any, State]]
    ) -> tuple[list[Any], State]:
        outputs, states = [], {}
        after: State = {}
        for name, member in zip(state["members"], self.members, strict=True):
            output, after = fn(member, _view(state, name))
            outputs.append(output)
            states[name] = _own(after)
        common = {"t": after["t"], "in": after["in"], "out": state["out"]}
        return outputs, {**common, "members": states, "shares": state["shares"]}

    def stages(self) -> list[Stage]:
        """The stages of all members, then the average."""
        stages = [
            Stage(stage.period, _of_member(str(i), stage.fn))
            for i, member in enumerate(self.members)
            for stage in member.stages()  # type: ignore[operator]
        ]
        return [*stages, Stage(1, _average)]


def shares_output(a: Network, b: Network) -> bool:
    """Whether two networks read and predict the same variables, by heads of one kind."""
    variables = [
        (n.io.sample_rate, n.io.channels, {k: (v.role, v.source) for k, v in n.io.inputs.items()})
        for n in (a, b)
    ]
    features = [{k: v.feature for k, v in n.io.variables.items()} for n in (a, b)]
    same = variables[0] == variables[1] and features[0] == features[1]
    return same and all(h.is_like(b.heads[name]) for name, h in a.heads.items())


def _own(state: State) -> State:
    """What a member has alone."""
    return {name: value for name, value in state.items() if name not in ("t", "in")}


def _view(state: State, member: str) -> State:
    """State of one member with what all share."""
    return {**state["members"][member], "t": state["t"], "in": state["in"]}


def _of_member(name: str, fn: Callable[[State], None]) -> Callable[[State], None]:
    def run(state: State) -> None:
        fn(_view(state, name))

    return run


def _average(state: State) -> None:
    members = list(state["members"].values())
    for name, out in state["out"].items():
        total = state["shares"][:, :1] * members[0]["out"][name]
        for i, member in enumerate(members[1:], 1):
            total = total + state["shares"][:, i : i + 1] * member["out"][name]
        out.copy_(total)


def moving(weights: Sequence[Any], network: Blend) -> ExecutorFactory:
    """Executor factory for a blend whose weights are numbers or functions of the seconds."""
    step_seconds = float(network.io.step_seconds)
    make_plain = reusing(compile_stages)

    def make(stages: Sequence[Stage], state: State) -> Executor:
        return _Moving(make_plain(stages, state), weights, int(state["t"]), step_seconds)

    return make


class _Moving:
    """Sets the weights before each chunk of steps."""

    def __init__(
        self, executor: Executor, weights: Sequence[Any], first: int, step_seconds: float
    ) -> None:
        self.executor, self.weights = executor, weights
        self.first, self.step_seconds = first, step_seconds

    def run(self, state: State, n: int) -> None:
        """Advance ``state`` by ``n`` steps."""
        seconds = (int(state["t"]) - self.first) * self.step_seconds
        shares: Tensor = state["shares"]
        shares.copy_(shares.new_tensor(weights_at(self.weights, seconds)).expand_as(shares))
        self.executor.run(state, n)
