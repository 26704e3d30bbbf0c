"""A lowered step: what the printers print and the executors run."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.fx import GraphModule

from . import ops  # noqa: F401 - registers the handlers
from .constants import Layout
from .graph import Path, UnsupportedStep, flatten_state, trace_stages
from .ir import Stmt
from .lowering import Lowering, dtype_of
from .stages import CHUNKS, Stage, State

CLOCK: Path = ("t",)


@dataclass(frozen=True)
class Slot:
    """A tensor of the state as a program expects it; a chunk may have any length."""

    path: Path
    dtype: str
    shape: tuple[int, ...]
    is_chunk: bool


@dataclass
class Program:
    """Statements of all stages, and the memory they work on.

    Attributes
    ----------
    stages : list of (int, list of Stmt)
        Period and statements of each stage.
    slots : list of Slot
        The state's tensors, in the order of their pointers.
    constants : Tensor
        Bytes of all constants.
    scratch_bytes : int
        Scratch memory that a stage needs.
    clock : int
        Slot of the step clock.
    """

    stages: list[tuple[int, list[Stmt]]]
    slots: list[Slot]
    constants: Tensor
    scratch_bytes: int
    clock: int


@dataclass(frozen=True)
class TracedStep:
    """Graphs of the stages of a step, and the state they were traced with."""

    periods: list[int]
    graphs: list[GraphModule]
    state: dict[Path, Tensor]


def trace_step(stages: Sequence[Stage], state: State) -> TracedStep:
    """Trace all stages of a step on a state, which is not changed.

    Raises
    ------
    UnsupportedStep
        If a stage can't be traced, or if a tensor of the state can't be handed over.
    """
    flat = flatten_state(state)
    if CLOCK not in flat:
        raise UnsupportedStep("The state has no clock 't'.")
    for path, tensor in flat.items():
        if tensor.device.type != "cpu":
            raise UnsupportedStep(f"state{list(path)} is on {tensor.device}, not on the CPU.")
    return TracedStep([s.period for s in stages], trace_stages(stages, state), flat)


def lower_step(
    step: TracedStep, layout: Layout = "f32", chunks: Collection[str] = CHUNKS
) -> Program:
    """Lower the stages of a step.

    Parameters
    ----------
    step : TracedStep
    layout : Layout, default "f32"
        How weights are stored.
    chunks : collection of str
        Keys of the state that hold chunks ``[B, n, ...]``; their length isn't compiled in.

    Raises
    ------
    UnsupportedStep
        If a stage uses an operation the engine hasn't got.
    """
    lowering = Lowering(step.state, layout, lambda path: path[0] in chunks)
    try:
        bodies = [lowering.stage(graph) for graph in step.graphs]
    except UnsupportedStep:
        raise
    except Exception as error:  # an operation used in a way that no handler foresaw
        raise UnsupportedStep(
            f"A stage can't be lowered: {type(error).__name__}: {error}"
        ) from error
    slots = [
        Slot(path, dtype_of(t), tuple(t.shape), path[0] in chunks) for path, t in step.state.items()
    ]
    stages = list(zip(step.periods, bodies, strict=True))
    return Program(
        stages,
        slots,
        lowering.constants.block(),
        lowering.scratch_bytes,
        list(step.state).index(CLOCK),
    )
