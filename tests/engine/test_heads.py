"""Heads that draw a vector as a whole, compiled: equal to their plain steps."""

import pytest
import torch

from mimikit_nb.engine import compile_stages
from mimikit_nb.engine.stages import EagerExecutor, clone_state

from .steps import generation_step

HEADS = ["gaussian_mixture", "flow", "flow_units", "units"]


@pytest.mark.parametrize("batch_size", [1, 2, 8])
@pytest.mark.parametrize("head", HEADS)
def test_compiled_draws_equal_eager_ones(head, batch_size) -> None:
    stages, state = generation_step("freqnet-0", head, batch_size)
    compiled = clone_state(state)
    EagerExecutor(stages).run(state, 24)
    compile_stages(stages, state, backend="c").run(compiled, 24)
    torch.testing.assert_close(compiled, state, rtol=1e-4, atol=1e-4)


@pytest.mark.long
@pytest.mark.parametrize("head", HEADS)
def test_draws_compiled_by_numba_equal_eager_ones(head) -> None:
    stages, state = generation_step("freqnet-0", head, 2)
    compiled = clone_state(state)
    EagerExecutor(stages).run(state, 24)
    compile_stages(stages, state, backend="numba", check_steps=0).run(compiled, 24)
    torch.testing.assert_close(compiled, state, rtol=1e-4, atol=1e-4)
