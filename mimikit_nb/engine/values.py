"""Tensors during lowering: a view of a buffer, or an expression not yet computed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from .ir import ZERO, Buffer, DType, Expr, Load, add, integer, multiply

Index = Sequence[Expr]
Stride = int | Expr


class Value:
    """A tensor of known shape.

    Either strided memory (``buffer``, ``offset``, ``strides``), or lazy: ``at`` gives the
    expression of an item, computed wherever it is used. ``deps`` are the values a lazy one
    reads. A lazy value becomes memory by :meth:`settle`, for all that refer to it.
    """

    def __init__(
        self,
        shape: Sequence[int],
        dtype: DType,
        buffer: Buffer | None = None,
        offset: int = 0,
        strides: Sequence[Stride] = (),
        at: Callable[[Index], Expr] | None = None,
        deps: Sequence[Value] = (),
        is_cheap: bool = False,
    ) -> None:
        self.shape, self.dtype = tuple(shape), dtype
        self.buffer, self.offset, self.strides = buffer, offset, tuple(strides)
        self._at, self.deps, self.is_cheap = at, tuple(deps), is_cheap

    @property
    def is_lazy(self) -> bool:
        """Whether it has no memory."""
        return self.buffer is None

    def at(self, index: Index) -> Expr:
        """The item at ``index``, one expression per dimension."""
        if self.buffer is None:
            assert self._at is not None
            return self._at(index)
        return Load(self.buffer, self.address(index))

    def address(self, index: Index) -> Expr:
        """Position of an item in the buffer."""
        place: Expr = ZERO
        for i, stride, n in zip(index, self.strides, self.shape, strict=True):
            if n != 1:
                place = add(
                    place, multiply(i, integer(stride) if isinstance(stride, int) else stride)
                )
        return add(place, integer(self.offset))

    def settle(self, memory: Value) -> None:
        """Become ``memory``, which now holds this value."""
        self.buffer, self.offset, self.strides = memory.buffer, memory.offset, memory.strides
        self._at, self.deps = None, ()

    def buffers(self) -> set[Buffer]:
        """Buffers that computing or loading an item reads."""
        if self.buffer is not None:
            return {self.buffer}
        return set().union(*(dep.buffers() for dep in self.deps)) if self.deps else set()

    @property
    def numel(self) -> int:
        """Number of items."""
        return math.prod(self.shape)


def contiguous(shape: Sequence[int]) -> tuple[int, ...]:
    """Row-major strides."""
    strides: list[int] = []
    size = 1
    for n in reversed(shape):
        strides.insert(0, size)
        size *= n
    return tuple(strides)


def buffer_of(v: Value) -> Buffer:
    """Buffer of a value that has one."""
    assert v.buffer is not None
    return v.buffer
