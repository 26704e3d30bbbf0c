"""Stages and states of small networks, as generation makes them."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from mimikit_nb.engine.stages import Stage, State
from mimikit_nb.generation.loop import generation_stages, generation_state
from tests.contracts.catalog import make_network

_CONTROLS = {"temperature": 0.9, "top_k": 5, "top_p": 0.8, "recorded": 0.7, "follow": 0.01}


def generation_step(
    network: str = "sample_rnn-0",
    io: str = "mu_law",
    batch_size: int = 1,
    chunk_steps: int = 24,
    truncates: bool = False,
    device: str = "cpu",
) -> tuple[Sequence[Stage], State]:
    """Stages, and a state at the start of a chunk, of a tiny network of the catalog."""
    folded = make_network(network, io).folded().to(device)
    state = generation_state(folded, folded.init_state(batch_size), chunk_steps, truncates)
    generator = torch.Generator().manual_seed(0)
    for value in state["u"].values():
        value.copy_(torch.rand(value.shape, generator=generator))
    for value in state["fixtures"].values():
        value.copy_(torch.rand(value.shape, generator=generator))
    for name, value in state["controls"].items():
        value.fill_(_CONTROLS[name])
    return generation_stages(folded), state
