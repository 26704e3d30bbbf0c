"""Choose, build and check an executor for the stages of a step."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Literal, get_args

import torch

from ..errors import EngineError
from .amx import amx_is_permitted, pairs_pay
from .cache import cache_folder, write_atomically
from .check import TOLERANCES, check_executor
from .constants import BATCH_ROWS, Layout
from .graph import flatten_state
from .jit import NumbaExecutor
from .native import NativeExecutor
from .program import TracedStep, lower_step, trace_step
from .stages import EagerExecutor, Executor, Stage, State
from .torch_executors import CudaGraphExecutor, TorchCompileExecutor

logger = logging.getLogger(__name__)
_said: set[str] = set()

Backend = Literal["c", "numba", "torch_compile", "cuda_graph", "eager"]
Weights = Literal["f32", "bf16", "int8"]


def compile_stages(
    stages: Sequence[Stage],
    state: State,
    backend: Backend | Literal["auto"] = "auto",
    weights: Weights = "f32",
    check_steps: int = 32,
) -> Executor:
    """Make the fastest executor that works for these stages on this machine.

    Parameters
    ----------
    stages : sequence of Stage
        The stages of one step, in order.
    state : State
        A state as they will run on. Its shapes are compiled in, but for the length of the
        chunks under ``u``, ``seq`` and ``fixtures``; it is not changed. So are the weights:
        after training on, compile again.
    backend : {"auto", "c", "numba", "torch_compile", "cuda_graph", "eager"}
        What runs the steps: compiled code, or the plain stages; "auto": the fastest that works.
    weights : {"f32", "bf16", "int8"}
        How weights are stored: float32 as trained, or smaller: faster, and a little less exact.
    check_steps : int, default 32
        Steps of a new program that are compared with the plain stages before it is used; 0: none.

    Returns
    -------
    executor : Executor
        ``executor.run(state, n)`` advances a state by ``n`` steps in place.

    Raises
    ------
    EngineError
        If a backend was asked for that doesn't work here. With 'auto' the next one is tried,
        and that is logged once; the last one always works.
    """
    python = ", ".join(dict.fromkeys(stage.python for stage in stages if stage.python))
    if python and backend == "auto":
        _say(f"Steps run in Python, which is slow, since this can't be compiled: {python}")
        return EagerExecutor(stages)
    if python and backend != "eager":
        raise EngineError(f"The engine {backend!r} can't compile {python}.")
    builder = _Builder(stages, state, weights, check_steps)
    if backend != "auto":
        return builder.build(backend)
    for name in builder.order:
        try:
            return builder.build(name)
        except EngineError as error:
            _say(f"The engine {name!r} can't run this generation, so a slower one will: {error}")
    return EagerExecutor(stages)


def _say(message: str) -> None:
    """Log a message the first time it comes up."""
    if message not in _said:
        _said.add(message)
        logger.warning(message)


class _Builder:
    """Builds executors of different kinds for the same stages."""

    def __init__(
        self, stages: Sequence[Stage], state: State, weights: Weights, check_steps: int
    ) -> None:
        self.stages, self.state = stages, state
        self.weights, self.check_steps = weights, check_steps

    @property
    def order(self) -> list[Backend]:
        """Backends to try, fastest first."""
        devices = {t.device.type for t in flatten_state(self.state).values()}
        if devices == {"cuda"}:
            return ["cuda_graph"]
        return ["c", "numba", "torch_compile"] if devices == {"cpu"} else []

    def build(self, backend: Backend) -> Executor:
        """A checked executor, or an EngineError."""
        builders: dict[Backend, Callable[[], Executor]] = {
            "c": self._c,
            "numba": self._numba,
            "torch_compile": lambda: TorchCompileExecutor(self.stages, self.state),
            "cuda_graph": lambda: CudaGraphExecutor(self.stages, self.state),
            "eager": lambda: EagerExecutor(self.stages),
        }
        assert set(builders) == set(get_args(Backend))
        return builders[backend]()

    @cached_property
    def _traced(self) -> TracedStep:
        return trace_step(self.stages, self.state)

    def _c(self) -> Executor:
        layout: Layout = self.weights
        n_rows = max(t.shape[0] for t in flatten_state(self.state).values() if t.dim())
        if layout == "bf16" and n_rows >= BATCH_ROWS:
            layout = "amx" if amx_is_permitted() else "dot" if pairs_pay() else "bf16"
        executor = NativeExecutor(lower_step(self._traced, layout))
        self._check_once(executor, executor.key, self.weights)
        return executor

    def _numba(self) -> Executor:
        if self.weights != "f32":
            _say(f"The engine 'numba' has no {self.weights} weights; it uses float32.")
        executor = NumbaExecutor(lower_step(self._traced, "row"))
        self._check_once(executor, executor.key, "f32")
        return executor

    def _check_once(self, executor: Executor, key: str, weights: str) -> None:
        """Check a program when it is new in the cache."""
        if not self.check_steps:
            return
        stamp = cache_folder() / f"{key}.checked"
        if not stamp.exists():
            check_executor(executor, self.stages, self.state, self.check_steps, TOLERANCES[weights])
            write_atomically(stamp, f"torch {torch.__version__}\n")
