"""Choose, build and check an executor for the stages of a step."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Literal

import torch

from ...config import Config, field
from ...errors import EngineError
from ...networks.base import Stage, State
from ..loop import EagerExecutor, Executor
from .cache import cache_folder, write_atomically
from .check import TOLERANCES, check_executor
from .graph import flatten_state
from .native import NativeExecutor
from .program import TracedStep, lower_step, trace_step

logger = logging.getLogger(__name__)
_said: set[str] = set()

Backend = Literal["c", "eager"]


class EngineOptions(Config):
    """How steps are compiled."""

    backend: Literal["auto", "c", "eager"] = "auto"
    "What runs the steps: compiled C, or the plain stages; 'auto' takes the first that works."
    weights: Literal["f32", "bf16", "int8"] = "f32"
    "How weights are stored: float32 as trained, or smaller and faster at a small loss of precision."
    check_steps: int = field(32, ge=0, le=10_000, unit="steps")
    "Steps of a new program that are compared with the plain stages before it is used; 0: none."


def compile_stages(
    stages: Sequence[Stage], state: State, options: EngineOptions | None = None
) -> Executor:
    """Make the fastest executor that works for these stages on this machine.

    Parameters
    ----------
    stages : sequence of Stage
        The stages of one step, in order.
    state : State
        A state as they will run on. Its shapes are compiled in, but for the length of the
        chunks under ``u``, ``seq`` and ``fixtures``; it is not changed.
    options : EngineOptions, optional

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
    options = options or EngineOptions()
    builder = _Builder(stages, state, options)
    if options.backend != "auto":
        return builder.build(options.backend)
    for backend in builder.order:
        try:
            return builder.build(backend)
        except EngineError as error:
            _say(f"Generation can't use the {backend!r} engine and takes a slower one: {error}")
    return EagerExecutor(stages)


def _say(message: str) -> None:
    """Log a message the first time it comes up."""
    if message not in _said:
        _said.add(message)
        logger.warning(message)


class _Builder:
    """Builds executors of different kinds for the same stages."""

    def __init__(self, stages: Sequence[Stage], state: State, options: EngineOptions) -> None:
        self.stages, self.state, self.options = stages, state, options

    @property
    def order(self) -> list[str]:
        """Backends to try, fastest first."""
        on_cpu = all(t.device.type == "cpu" for t in flatten_state(self.state).values())
        return ["c"] if on_cpu else []

    def build(self, backend: str) -> Executor:
        """One executor, or an EngineError."""
        builders: dict[str, Callable[[], Executor]] = {
            "c": self._c,
            "eager": lambda: EagerExecutor(self.stages),
        }
        return builders[backend]()

    @cached_property
    def _traced(self) -> TracedStep:
        return trace_step(self.stages, self.state)

    def _c(self) -> Executor:
        executor = NativeExecutor(lower_step(self._traced, self.options.weights))
        self._check_once(executor, executor.key)
        return executor

    def _check_once(self, executor: Executor, key: str) -> None:
        """Check a program when it is new in the cache."""
        if not self.options.check_steps:
            return
        stamp = cache_folder() / f"{key}.checked"
        if not stamp.exists():
            tolerance = TOLERANCES[self.options.weights]
            check_executor(executor, self.stages, self.state, self.options.check_steps, tolerance)
            write_atomically(stamp, f"torch {torch.__version__}\n")
