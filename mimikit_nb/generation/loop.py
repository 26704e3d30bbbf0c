"""The stages of a generated step, and the executor that runs them.

One step: feed the fixtures, run the network's stages, draw from each head, write the draw into
the inputs of the next step, advance the clocks. All of it is plain torch on one state, so that
an executor may run it as it is or as compiled code.

Beside the network's own, the state of generation holds ``i`` (int64 ``[1]``: position in the
chunk) and, chunk by chunk, ``u`` (uniform numbers), ``fixtures`` and ``seq`` (what was drawn):
tensors ``[B, chunk, ...]`` by variable, and ``controls`` (tensors ``[B]``); what hooks add says
:mod:`.hooks.inserting`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from ..networks.base import Network, Stage, State, run_stages
from ..networks.head import Head
from ..runtime import one_thread
from .hooks.base import Hook
from .hooks.inserting import Inserted, hook_state


class Executor(Protocol):
    """Runs generation steps on a state, in place."""

    def run(self, state: State, n: int) -> None:
        """Advance ``state`` by ``n`` steps."""


class EagerExecutor:
    """Runs the stages one after the other, as they are."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = stages

    @torch.no_grad()
    def run(self, state: State, n: int) -> None:
        """Advance ``state`` by ``n`` steps."""
        with one_thread():
            for _ in range(n):
                run_stages(self.stages, state)


def generation_state(
    network: Network,
    state: State,
    chunk_steps: int,
    truncates: bool,
    hooks: Sequence[Hook] = (),
    step: int = 0,
) -> State:
    """State for generation: the network's ``step`` steps after the prompt, buffers of a chunk."""
    batch_size = next(iter(state["in"].values())).shape[0]

    def buffer(like: Tensor) -> Tensor:
        return like.new_zeros(batch_size, chunk_steps, *like.shape[1:])

    fed = [
        name for name, v in network.io.inputs.items() if v.role == "fixture" and not v.computed_from
    ]
    names = ("temperature", "top_k", "top_p") if truncates else ("temperature",)
    device = state["t"].device
    added = hook_state(hooks, network, state, chunk_steps, step)
    return {
        **state,
        **{name: memory for name, memory in added.items() if name == "hooks"},
        "i": torch.zeros_like(state["t"]),
        "u": {
            name: torch.zeros(batch_size, chunk_steps, head.n_uniforms, device=device)
            for name, head in network.heads.items()
        }
        | added.get("u", {}),
        "fixtures": {name: buffer(state["in"][name]) for name in fed},
        "seq": {name: buffer(_drawn_like(network, state, name)) for name in network.heads}
        | added.get("seq", {}),
        "controls": {
            name: torch.zeros(
                batch_size, dtype=torch.int64 if name == "top_k" else torch.float32, device=device
            )
            for name in names
        },
    }


def generation_stages(network: Network, hooks: Sequence[Hook] = ()) -> list[Stage]:
    """All stages of a generated step, in order; the clock ``t`` is advanced by the executor."""
    hooked = Inserted(hooks, network)
    draws = [
        Stage(1, _draw(name, head, name in network.io.inputs, hooked), hooked.python("samples"))
        for name, head in network.heads.items()
    ]
    return [
        Stage(1, _feed(network)),
        *hooked.stages("inputs", "in", list(network.io.inputs)),
        *hooked.watched(network.stages()),
        *hooked.stages("logits", "out", list(network.heads)),
        *draws,
        Stage(1, _advance),
    ]


def _drawn_like(network: Network, state: State, name: str) -> Tensor:
    """A tensor shaped like one draw of a target, ``[B]`` or ``[B, dim]``."""
    if name in state["in"]:
        return state["in"][name]
    head, params = network.heads[name], state["out"][name]
    u = params.new_full((params.shape[0], head.n_uniforms), 0.5)
    return head.sample(params, u, {"temperature": params.new_ones(params.shape[0])})


def _feed(network: Network):
    """Stage that writes the fixtures of this step into the inputs."""
    io = network.io
    computed = {name: v.computed_from for name, v in io.inputs.items() if v.computed_from}

    def feed(state: State) -> None:
        for name, values in state["fixtures"].items():
            state["in"][name].copy_(values.index_select(1, state["i"])[:, 0])
        for name, source in computed.items():
            value = io.features[name].from_values(io.features[source], state["in"][source])
            state["in"][name].copy_(value)

    return feed


def _draw(name: str, head: Head, is_input: bool, hooked: Inserted):
    """Stage that draws from a head, keeps the draw and makes it the next input."""

    def draw(state: State) -> None:
        u = state["u"][name].index_select(1, state["i"])[:, 0]
        value = head.sample(state["out"][name], u, state["controls"])
        value = hooked("samples", name, value, state)
        state["seq"][name].index_copy_(1, state["i"], value[:, None])
        if is_input:
            state["in"][name].copy_(value)

    return draw


def _advance(state: State) -> None:
    state["i"].add_(1)
