"""Executors that serve all turns of a network: compiling takes longer than many a turn."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ...checkpoint.file import flatten
from ...engine.stages import Executor, Stage, State
from ..stream import ExecutorFactory


def reusing(make: ExecutorFactory) -> ExecutorFactory:
    """Executor factory that makes one executor for all states of the same shapes.

    Parameters
    ----------
    make : callable
        Makes an executor that runs on any state shaped like the one it was made with, as
        compiled code for a processor does. The stages must be those of one network.
    """
    made: dict[tuple[tuple[str, torch.Size], ...], Executor] = {}

    def of_shape(stages: Sequence[Stage], state: State) -> Executor:
        shapes = tuple((name, tensor.shape) for name, tensor in sorted(flatten(state).items()))
        if shapes not in made:
            made[shapes] = make(stages, state)
        return made[shapes]

    return of_shape
