import pytest
import torch

from mimikit_nb.engine import compile_stages
from mimikit_nb.engine.stages import EagerExecutor, clone_state
from tests.contracts.catalog import CASES, FEW_CASES, VARIANTS

from .steps import generation_step

_REST = [pytest.param(*case, marks=pytest.mark.long) for case in CASES if case not in FEW_CASES]


@pytest.mark.parametrize(("network", "io"), [*FEW_CASES, *_REST])
def test_compiled_steps_equal_eager_ones(network, io) -> None:
    stages, state = generation_step(network, io, batch_size=2, truncates=network == VARIANTS[0])
    compiled = clone_state(state)
    executor = compile_stages(stages, state, backend="c", check_steps=0)
    EagerExecutor(stages).run(state, 24)
    for n in (1, 6, 17):
        executor.run(compiled, n)
    torch.testing.assert_close(compiled, state, rtol=1e-4, atol=1e-4)


def test_rows_are_independent() -> None:
    stages, state = generation_step("wavenet-0", batch_size=3)
    _, alone = generation_step("wavenet-0", batch_size=1)
    alone["u"]["signal"].copy_(state["u"]["signal"][1:2])
    compile_stages(stages, state).run(state, 24)
    compile_stages(stages, alone).run(alone, 24)
    assert torch.equal(state["seq"]["signal"][1], alone["seq"]["signal"][0])
