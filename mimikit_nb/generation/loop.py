"""The stages of a generated step, and the executor that runs them.

One step: feed the fixtures, run the network's stages, draw from each head, write the draw into
the inputs of the next step, advance the clocks. All of it is plain torch on one state, so that
an executor may run it as it is or as compiled code.

Beside the network's own, the state of generation holds ``i`` (int64 ``[1]``: position in the
chunk) and, chunk by chunk, ``u`` (uniform numbers), ``fixtures`` and ``seq`` (what was drawn):
tensors ``[B, chunk, ...]`` by variable, ``controls`` (tensors ``[B]``), and ``heads``: by
variable what draws remember of those before, for the heads that do; what hooks add says
:mod:`.hooks.inserting`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..engine.stages import Stage, State
from ..features.base import Discrete
from ..networks.base import Network
from ..networks.head import Head
from .hooks.base import Hook
from .hooks.inserting import Inserted, hook_state


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
    device = state["t"].device
    added = hook_state(hooks, network, state, chunk_steps, step)
    return {
        **state,
        **{name: memory for name, memory in added.items() if name == "hooks"},
        **heads_state(network, batch_size),
        "i": torch.zeros_like(state["t"]),
        "u": {
            name: torch.zeros(batch_size, chunk_steps, head.n_uniforms, device=device)
            for name, head in network.heads.items()
        }
        | added.get("u", {}),
        "fixtures": {name: buffer(state["in"][name]) for name in fed},
        "seq": {name: buffer(_drawn_like(network, batch_size, name)) for name in network.heads}
        | added.get("seq", {}),
        "controls": {
            name: torch.zeros(
                batch_size, dtype=torch.int64 if name == "top_k" else torch.float32, device=device
            )
            for name in [*controls_of(network), *(("top_k", "top_p") if truncates else ())]
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
        *hooked.watched(draws),
        Stage(1, _advance),
    ]


def controls_of(network: Network) -> list[str]:
    """Names of the controls that any head of a network reads, beside ``top_k`` and ``top_p``."""
    return list(dict.fromkeys(name for head in network.heads.values() for name in head.controls))


def heads_state(network: Network, batch_size: int) -> State:
    """What heads remember of their draws, before the first: ``heads``, or nothing."""
    heads = {}
    for name, head in network.heads.items():
        memory = head.init_state(batch_size)
        if memory and name not in network.io.inputs:
            memory["last"] = _drawn_like(network, batch_size, name)
        if memory:
            heads[name] = memory
    return {"heads": heads} if heads else {}


def _drawn_like(network: Network, batch_size: int, name: str) -> Tensor:
    """A tensor shaped like one draw of a target, ``[B]`` or ``[B, dim]``."""
    kind, device = network.io.kind(name), next(network.parameters()).device
    if isinstance(kind, Discrete):
        return torch.zeros(batch_size, dtype=torch.int64, device=device)
    return torch.zeros(batch_size, kind.dim, device=device)


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
        memory = dict(state.get("heads", {}).get(name, {}))
        if is_input:
            memory["last"] = state["in"][name]
        value = head.sample(state["out"][name], u, state["controls"], memory)
        value = hooked("samples", name, value, state)
        state["seq"][name].index_copy_(1, state["i"], value[:, None])
        if "last" in memory:
            memory["last"].copy_(value)

    return draw


def _advance(state: State) -> None:
    state["i"].add_(1)
