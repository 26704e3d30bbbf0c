"""Executors that leave the work to torch: compiled stages, and graphs on CUDA devices."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch

from ..errors import EngineError
from .check import check_executor
from .graph import flatten_state
from .stages import CHUNKS, EagerExecutor, Stage, State, clone_state, run_stages

_TIMED_STEPS = 50


class TorchCompileExecutor:
    """Runs stages compiled by ``torch.compile``, for what the engine itself can't lower.

    Raises
    ------
    EngineError
        If torch can't compile the stages, or if that doesn't make them faster.
    """

    def __init__(self, stages: Sequence[Stage], state: State) -> None:
        self.stages = [Stage(s.period, torch.compile(s.fn, dynamic=False)) for s in stages]
        try:
            check_executor(self, stages, state)
        except EngineError:
            raise
        except Exception as error:  # torch's compiler raises all kinds of errors
            raise EngineError(f"torch.compile failed: {type(error).__name__}: {error}") from error
        if _seconds(self, state) > _seconds(EagerExecutor(stages), state):
            raise EngineError("torch.compile doesn't make these steps faster.")

    @torch.no_grad()
    def run(self, state: State, n: int) -> None:
        """Advance ``state`` by ``n`` steps, in place."""
        for _ in range(n):
            run_stages(self.stages, state)


def _seconds(executor: EagerExecutor | TorchCompileExecutor, state: State) -> float:
    """Time of some steps from a copy of a state."""
    copied, n = clone_state(state), _TIMED_STEPS
    chunks = flatten_state({key: state[key] for key in CHUNKS if key in state})
    if "i" in copied:
        copied["i"].zero_()
        n = min([n, *(c.shape[1] for c in chunks.values())])
    start = time.perf_counter()
    executor.run(copied, n)
    return time.perf_counter() - start


class CudaGraphExecutor:
    """Replays CUDA graphs of eager steps: one launch a step instead of one per operation.

    There is one graph for each set of stages that are due together. They work on a state of
    their own, into and out of which a run copies.

    Raises
    ------
    EngineError
        If the stages can't be captured.
    """

    def __init__(self, stages: Sequence[Stage], state: State) -> None:
        self.stages = list(stages)
        self._capture(state)
        check_executor(self, stages, state)

    @torch.no_grad()
    def run(self, state: State, n: int) -> None:
        """Advance ``state`` by ``n`` steps, in place."""
        own, given = flatten_state(self._state), flatten_state(state)
        if [(k, t.shape) for k, t in own.items()] != [(k, t.shape) for k, t in given.items()]:
            self._capture(state)
            own = flatten_state(self._state)
        for mine, theirs in zip(own.values(), given.values(), strict=True):
            mine.copy_(theirs)
        t = int(state["t"])
        for step in range(t, t + n):
            self._graphs[self._due(step)].replay()
        for mine, theirs in zip(own.values(), given.values(), strict=True):
            theirs.copy_(mine)

    def _due(self, t: int) -> tuple[bool, ...]:
        return tuple(t % stage.period == 0 for stage in self.stages)

    @torch.no_grad()
    def _capture(self, state: State) -> None:
        self._state = clone_state(state)
        longest = max(stage.period for stage in self.stages)
        self._graphs: dict[tuple[bool, ...], torch.cuda.CUDAGraph] = {}
        try:
            for t in range(2 * longest):
                if self._due(t) not in self._graphs:
                    self._graphs[self._due(t)] = self._captured(self._due(t), state)
        except RuntimeError as error:
            raise EngineError(f"The steps can't be captured as CUDA graphs: {error}") from error

    def _captured(self, due: tuple[bool, ...], state: State) -> torch.cuda.CUDAGraph:
        fns = [stage.fn for stage, is_due in zip(self.stages, due, strict=True) if is_due]
        warm = clone_state(state)
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):  # libraries allocate what they need before the capture
            for fn in fns:
                fn(warm)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for fn in fns:
                fn(self._state)
            self._state["t"].add_(1)
        return graph
