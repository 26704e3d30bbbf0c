"""What a step is: stages that change a state in place; and running them as they are.

The state is a nested dict of tensors with the batch as first dimension, but for the clock
``state["t"]`` (int64 ``[1]``: steps done so far), which the whole batch shares. Random numbers and
whatever else a step consumes or leaves behind lie in chunks, see ``CHUNKS``, at position
``state["i"]``. Main names: :class:`Stage`, :class:`Executor`, :class:`EagerExecutor`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from ..runtime import one_thread

CHUNKS = ("u", "seq", "fixtures")
"Keys of what is read or written step by step, ``[B, n, ...]``: of any length, at ``state['i']``."

State = dict[str, Any]


class Stage(NamedTuple):
    """A part of a step: ``fn`` updates the state in place whenever ``t % period == 0``.

    ``fn`` is plain torch without data-dependent Python control flow, so that an executor can
    trace it once and run it as compiled code. ``python`` names what in it isn't; such a stage is
    only ever run as it is.
    """

    period: int
    fn: Callable[[State], None]
    python: str = ""


def run_stages(stages: Sequence[Stage], state: State) -> None:
    """Run the stages that are due, then advance the clock."""
    t = int(state["t"])
    for stage in stages:
        if t % stage.period == 0:
            stage.fn(state)
    state["t"].add_(1)


def map_state(fn: Callable[..., Tensor], *states: State) -> State:
    """New state of ``fn(*tensors)`` for each tensor; states must have the same keys."""
    return {
        key: map_state(fn, *(s[key] for s in states))
        if isinstance(value, dict)
        else fn(*(s[key] for s in states))
        for key, value in states[0].items()
    }


def clone_state(state: State) -> State:
    """Copy that shares no memory with ``state``."""
    return map_state(Tensor.clone, state)


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
