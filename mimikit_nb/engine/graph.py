"""From stages of plain torch to aten graphs: the first step of compiling.

:func:`flatten_state` gives every tensor of a nested state a path; :func:`trace_stages`
records what stages do to them.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache

import torch
from torch import Tensor
from torch._subclasses import FakeTensorMode
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx

from ..errors import EngineError
from .stages import Stage, State

Path = tuple[str, ...]


class UnsupportedStep(EngineError):
    """A stage does something that the engine can't lower; another executor must run it."""


def flatten_state(state: State, prefix: Path = ()) -> dict[Path, Tensor]:
    """Tensors of a nested state by path."""
    flat: dict[Path, Tensor] = {}
    for key, value in state.items():
        if isinstance(value, Mapping):
            flat.update(flatten_state(dict(value), (*prefix, key)))
        else:
            flat[(*prefix, key)] = value
    return flat


def with_tensors(state: State, flat: Mapping[Path, Tensor], prefix: Path = ()) -> State:
    """``state`` with other tensors, by path."""
    return {
        key: with_tensors(dict(value), flat, (*prefix, key))
        if isinstance(value, Mapping)
        else flat[(*prefix, key)]
        for key, value in state.items()
    }


def trace_stages(stages: Sequence[Stage], state: State) -> list[GraphModule]:
    """Graphs of core aten ops of stages, with the state's tensors as placeholders.

    Raises
    ------
    UnsupportedStep
        If torch can't trace a stage, or if one replaces tensors of the state.
    """
    return _tracer().submit(_trace_all, stages, state).result()


@lru_cache(maxsize=1)
def _tracer() -> ThreadPoolExecutor:
    """The one thread that traces.

    torch 2.11 on Python 3.13 crashes where there is no GPU (a CPU runtime in Colab, say) if a
    thread traces after another one that traced has ended.
    """
    return ThreadPoolExecutor(1, "trace")


@torch.no_grad()
def _trace_all(stages: Sequence[Stage], state: State) -> list[GraphModule]:
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    fakes: list[Tensor] = [mode.from_tensor(tensor) for tensor in flatten_state(state).values()]
    # Without oneDNN, recurrent layers decompose into matrix products and gates.
    with _without_mkldnn(), _without_collection():
        return [_trace(stage, state, fakes) for stage in stages]


def _trace(stage: Stage, state: State, fakes: list[Tensor]) -> GraphModule:
    paths = list(flatten_state(state))

    def on_tensors(*tensors: Tensor) -> tuple[()]:
        rebuilt = with_tensors(state, dict(zip(paths, tensors, strict=True)))
        stage.fn(rebuilt)
        after = flatten_state(rebuilt)
        if list(after) != paths or any(
            a is not b for a, b in zip(after.values(), tensors, strict=True)
        ):
            raise UnsupportedStep(
                "A stage replaced a tensor of the state instead of writing into it."
            )
        return ()

    trace = make_fx(on_tensors, decomposition_table=_decompositions(), _allow_non_fake_inputs=True)
    try:
        return trace(*fakes)
    except UnsupportedStep:
        raise
    except Exception as error:  # torch's tracer raises all kinds of errors
        raise UnsupportedStep(
            f"A stage can't be traced: {type(error).__name__}: {error}"
        ) from error


@contextmanager
def _without_mkldnn() -> Iterator[None]:
    enabled = torch.backends.mkldnn.enabled
    torch.backends.mkldnn.enabled = False  # type: ignore[assignment]
    try:
        yield
    finally:
        torch.backends.mkldnn.enabled = enabled


@contextmanager
def _without_collection() -> Iterator[None]:
    """No garbage collection: it takes a third of the time of a trace, and finds nothing."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@lru_cache(maxsize=1)
def _decompositions() -> dict:
    from torch._decomp import core_aten_decompositions

    return dict(core_aten_decompositions().items())
