"""Choose, build and check an executor for the stages of a step."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Literal, get_args

import torch

from ...compiler.cache import cache_folder, write_atomically
from ...config import Config, field
from ...errors import EngineError
from ...networks.base import Stage, State
from ..loop import EagerExecutor, Executor
from .amx import amx_is_permitted, pairs_pay
from .check import TOLERANCES, check_executor
from .constants import BATCH_ROWS, Layout
from .graph import flatten_state
from .jit import NumbaExecutor
from .native import NativeExecutor
from .program import TracedStep, lower_step, trace_step
from .torch_executors import CudaGraphExecutor, TorchCompileExecutor

logger = logging.getLogger(__name__)
_said: set[str] = set()

Backend = Literal["c", "numba", "torch_compile", "cuda_graph", "eager"]


class EngineOptions(Config):
    """How the steps of generation are compiled.

    What smaller weights change, on networks trained for two minutes on a piano at 16 kHz: the
    head parameters relative to their spread (root mean square, teacher-forced), and the log-mel
    spectra of 5 s of sound, beside what another seed changes (FreqNet drew magnitudes then).

    ===========  ======  ======  ========  ========  ==========
    network      parameters      log-mel spectra
    -----------  --------------  ------------------------------
    ..           bf16    int8    bf16      int8      other seed
    ===========  ======  ======  ========  ========  ==========
    sample_rnn   0.13 %  0.71 %  0.62 dB   0.23 dB   0.38 dB
    wavenet      0.09 %  0.25 %  0.23 dB   0.24 dB   0.34 dB
    freqnet      0.15 %  0.41 %  0.05 dB   0.06 dB   0.58 dB
    ===========  ======  ======  ========  ========  ==========

    With float32 each sound of a batch is, to the last bit, what it would be alone. With bf16,
    batches of eight and more also round what is multiplied, so that it is only nearly so.
    """

    backend: Literal["auto", "c", "numba", "torch_compile", "cuda_graph", "eager"] = "auto"
    "What runs the steps: compiled code, or the plain stages; 'auto': the fastest that works."
    weights: Literal["f32", "bf16", "int8"] = "f32"
    "How weights are stored: float32 as trained, or smaller: faster, and a little less exact."
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
        chunks under ``u``, ``seq`` and ``fixtures``; it is not changed. So are the weights:
        after training on, compile again.
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
    python = ", ".join(dict.fromkeys(stage.python for stage in stages if stage.python))
    if python and options.backend == "auto":
        _say(f"Steps run in Python, which is slow, since this can't be compiled: {python}")
        return EagerExecutor(stages)
    if python and options.backend != "eager":
        raise EngineError(f"The engine {options.backend!r} can't compile {python}.")
    builder = _Builder(stages, state, options)
    if options.backend != "auto":
        return builder.build(options.backend)
    for backend in builder.order:
        try:
            return builder.build(backend)
        except EngineError as error:
            _say(f"The engine {backend!r} can't run this generation, so a slower one will: {error}")
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
        layout: Layout = self.options.weights
        n_rows = max(t.shape[0] for t in flatten_state(self.state).values() if t.dim())
        if layout == "bf16" and n_rows >= BATCH_ROWS:
            layout = "amx" if amx_is_permitted() else "dot" if pairs_pay() else "bf16"
        executor = NativeExecutor(lower_step(self._traced, layout))
        self._check_once(executor, executor.key, self.options.weights)
        return executor

    def _numba(self) -> Executor:
        if self.options.weights != "f32":
            _say(f"The engine 'numba' has no {self.options.weights} weights; it uses float32.")
        executor = NumbaExecutor(lower_step(self._traced, "row"))
        self._check_once(executor, executor.key, "f32")
        return executor

    def _check_once(self, executor: Executor, key: str, weights: str) -> None:
        """Check a program when it is new in the cache."""
        if not self.options.check_steps:
            return
        stamp = cache_folder() / f"{key}.checked"
        if not stamp.exists():
            check_executor(
                executor, self.stages, self.state, self.options.check_steps, TOLERANCES[weights]
            )
            write_atomically(stamp, f"torch {torch.__version__}\n")
