import functools

import pytest
import torch

from mimikit_nb.engine.jit import NumbaExecutor
from mimikit_nb.engine.native import NativeExecutor
from mimikit_nb.engine.program import lower_step, trace_step
from mimikit_nb.engine.stages import Stage, State, clone_state

from .operations import OPERATIONS

BACKENDS = {"c": ("f32", NativeExecutor), "numba": ("row", NumbaExecutor)}
CLOCK = 6
# Operations that share a program: compilers take their time to start. numba compiles slowly:
# what its printer does in a way of its own, and the rest in long runs.
NUMBA_FIRST = (
    "integers",
    "logic",
    "erfinv",
    "ring",
    "scatter",
    "argmax",
    "any",
    "masked softmax",
    "linear",
)


def stage_of(name: str) -> Stage:
    def run(state: State) -> None:
        item = state[name]
        item["out"].copy_(OPERATIONS[name].fn(item["x"], item["i"]))

    return Stage(1, run)


def state_of(name: str) -> State:
    x, clock = OPERATIONS[name].input(), torch.tensor([CLOCK])
    return {"x": x, "i": clock, "out": torch.zeros_like(OPERATIONS[name].fn(x, clock)).contiguous()}


@functools.cache
def run_all(backend: str, names: tuple[str, ...]) -> tuple[State, State]:
    """Expected and found states of some operations, each a stage of one program."""
    state: State = {
        "t": torch.zeros(1, dtype=torch.int64),
        **{name: state_of(name) for name in names},
    }
    stages, found = [stage_of(name) for name in names], clone_state(state)
    layout, executor = BACKENDS[backend]
    executor(lower_step(trace_step(stages, state), layout)).run(found, 1)
    for stage in stages:
        stage.fn(state)
    return state, found


def _cases():
    for backend in BACKENDS:
        names = list(OPERATIONS)
        if backend == "numba":
            yield from (
                pytest.param(backend, NUMBA_FIRST, name, id=f"numba-{name}") for name in NUMBA_FIRST
            )
            names = [name for name in names if name not in NUMBA_FIRST]
        marks = [pytest.mark.long] if backend == "numba" else []
        for i, name in enumerate(names):
            group = tuple(names[i // 12 * 12 :][:12])
            yield pytest.param(backend, group, name, id=f"{backend}-{name}", marks=marks)


@pytest.mark.parametrize(("backend", "group", "name"), list(_cases()))
def test_operation_equals_eager(backend, group, name) -> None:
    expected, found = run_all(backend, group)
    torch.testing.assert_close(
        found[name]["out"], expected[name]["out"], rtol=2e-6, atol=2e-6, equal_nan=True
    )
