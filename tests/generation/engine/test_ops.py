import functools

import pytest
import torch

from mimikit_nb.generation.engine.native import NativeExecutor
from mimikit_nb.generation.engine.program import lower_step, trace_step
from mimikit_nb.networks.base import Stage, State, clone_state

from .operations import OPERATIONS

CLOCK = 6
GROUP_SIZE = 12  # operations in one program: compilers take their time to start


def stage_of(name: str) -> Stage:
    def run(state: State) -> None:
        item = state[name]
        item["out"].copy_(OPERATIONS[name].fn(item["x"], item["i"]))

    return Stage(1, run)


def state_of(name: str) -> State:
    x, clock = OPERATIONS[name].input(), torch.tensor([CLOCK])
    return {"x": x, "i": clock, "out": torch.zeros_like(OPERATIONS[name].fn(x, clock)).contiguous()}


@functools.cache
def run_group(first: int) -> tuple[State, State]:
    """Expected and found states of some operations, each a stage of one program."""
    names = list(OPERATIONS)[first : first + GROUP_SIZE]
    state: State = {
        "t": torch.zeros(1, dtype=torch.int64),
        **{name: state_of(name) for name in names},
    }
    stages, found = [stage_of(name) for name in names], clone_state(state)
    NativeExecutor(lower_step(trace_step(stages, state))).run(found, 1)
    for stage in stages:
        stage.fn(state)
    return state, found


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_equals_eager(name) -> None:
    expected, found = run_group(list(OPERATIONS).index(name) // GROUP_SIZE * GROUP_SIZE)
    torch.testing.assert_close(
        found[name]["out"], expected[name]["out"], rtol=2e-6, atol=2e-6, equal_nan=True
    )
