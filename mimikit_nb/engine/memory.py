"""Hand a state's tensors to compiled code, and see that they are what it was compiled for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor

from ..errors import EngineError
from .graph import flatten_state
from .lowering import dtype_of
from .program import Program, Slot
from .stages import State


@contextmanager
def borrowed(program: Program, state: State, n: int) -> Iterator[list[Tensor]]:
    """The state's tensors in the program's order, contiguous, for ``n`` steps.

    What isn't contiguous is lent as a copy and written back.

    Raises
    ------
    EngineError
        If a tensor is missing, has another type or shape, or if ``n`` steps from position
        ``state["i"]`` go beyond a chunk.
    """
    own = _checked(program, state, n)
    lent = [t.contiguous() for t in own]
    yield lent
    for a, b in zip(own, lent, strict=True):
        if a is not b and 0 not in a.stride():
            a.copy_(b)


def _checked(program: Program, state: State, n: int) -> list[Tensor]:
    flat = flatten_state(state)
    if list(flat) != [slot.path for slot in program.slots]:
        raise EngineError(
            "This state has other tensors than the one the engine was built for; build it anew."
        )
    end = n + (int(flat[("i",)]) if ("i",) in flat else 0)
    for slot, tensor in zip(program.slots, flat.values(), strict=True):
        if not _fits(slot, tensor):
            found = f"{tensor.dtype} {list(tensor.shape)} on {tensor.device}"
            raise EngineError(
                f"state{list(slot.path)} is {found}, but the engine was built for "
                f"{slot.dtype} {list(slot.shape)} on the CPU; build it anew."
            )
        if slot.is_chunk and end > tensor.shape[1]:
            raise EngineError(
                f"{n} steps end at {end}, beyond the {tensor.shape[1]} of state{list(slot.path)}; "
                "run fewer."
            )
    return list(flat.values())


def _fits(slot: Slot, tensor: Tensor) -> bool:
    shape = tuple(tensor.shape)
    if slot.is_chunk:  # of any length
        shape = shape[:1] + slot.shape[1:2] + shape[2:]
    return shape == slot.shape and dtype_of(tensor) == slot.dtype and tensor.device.type == "cpu"


def row_stride(tensor: Tensor) -> int:
    """Items from one batch row to the next."""
    return tensor.stride(0) if tensor.dim() else 0
