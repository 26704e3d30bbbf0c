"""Views: other shapes and orders of the same values, mostly at no cost."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import torch

from ..graph import UnsupportedStep
from ..ir import ZERO, Call, Expr, add, integer, multiply
from ..lowering import Lowering, Out
from ..registry import lowers
from ..values import Value
from .pointwise import full

aten = torch.ops.aten


@lowers(aten.view, aten.reshape, aten._unsafe_view)
def view(low: Lowering, out: Out, x: Value, shape: Sequence[int]) -> Value:
    """Another shape."""
    return low.reshape(x, out.shape)


@lowers(aten.unsqueeze)
def unsqueeze(low: Lowering, out: Out, x: Value, dim: int) -> Value:
    """A new dimension of length 1."""
    return low.reshape(x, out.shape)


@lowers(aten.squeeze)
def squeeze(low: Lowering, out: Out, x: Value, dim: Any = None) -> Value:
    """Without dimensions of length 1."""
    return low.reshape(x, out.shape)


@lowers(aten.permute)
def permute(low: Lowering, out: Out, x: Value, dims: Sequence[int]) -> Value:
    """Dimensions in another order."""
    dims = [d % len(x.shape) for d in dims]
    return low.remap(
        x,
        [x.shape[d] for d in dims],
        lambda ix: [ix[dims.index(d)] for d in range(len(dims))],
        lambda v: Value(
            [v.shape[d] for d in dims], v.dtype, v.buffer, v.offset, [v.strides[d] for d in dims]
        ),
    )


@lowers(aten.transpose)
def transpose(low: Lowering, out: Out, x: Value, a: int, b: int) -> Value:
    """Two dimensions exchanged."""
    return permute(low, out, x, _exchanged(len(x.shape), a, b))


@lowers(aten.t)
def t(low: Lowering, out: Out, x: Value) -> Value:
    """The transposed matrix."""
    return permute(low, out, x, list(range(len(x.shape)))[::-1])


@lowers(aten.transpose_)
def transpose_(low: Lowering, out: Out, x: Value, a: int, b: int) -> Value:
    """Two dimensions exchanged, for all that refer to the value."""
    return _become(x, transpose(low, out, low.settled(x), a, b))


@lowers(aten.unsqueeze_, aten.squeeze_)
def reshape_(low: Lowering, out: Out, x: Value, dim: int) -> Value:
    """Dimensions of length 1 added or removed, for all that refer to the value."""
    return _become(x, low.reshape(low.settled(x), out.shape))


def _become(x: Value, other: Value) -> Value:
    x.shape, x.strides = other.shape, other.strides
    return x


def _exchanged(n: int, a: int, b: int) -> list[int]:
    dims = list(range(n))
    dims[a % n], dims[b % n] = dims[b % n], dims[a % n]
    return dims


@lowers(aten.select)
def select(low: Lowering, out: Out, x: Value, dim: int, index: int) -> Value:
    """One item of a dimension."""
    dim %= len(x.shape)
    return low.reshape(low.slice(x, dim, index % x.shape[dim], 1), _without(x.shape, dim))


@lowers(aten.slice)
def slice_(
    low: Lowering,
    out: Out,
    x: Value,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Value:
    """A range of a dimension."""
    dim %= len(x.shape)
    first, _, step = slice(start, end, step).indices(x.shape[dim])
    return low.slice(x, dim, first, out.shape[dim], step)


@lowers(aten.expand)
def expand(low: Lowering, out: Out, x: Value, shape: Sequence[int], **_: Any) -> Value:
    """Broadcast to a shape."""
    return low.broadcast(x, out.shape)


@lowers(aten.split_with_sizes)
def split_with_sizes(
    low: Lowering, out: None, x: Value, sizes: Sequence[int], dim: int = 0
) -> list[Value]:
    """Consecutive parts of a dimension."""
    dim %= len(x.shape)
    x = x if x.is_cheap else low.settled(x)
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    return [low.slice(x, dim, start, n) for start, n in zip(starts, sizes, strict=True)]


@lowers(aten.split)
def split(low: Lowering, out: None, x: Value, size: int, dim: int = 0) -> list[Value]:
    """Parts of equal length, the last one perhaps shorter."""
    n = x.shape[dim]
    return split_with_sizes(low, out, x, [min(size, n - i) for i in range(0, n, size)], dim)


@lowers(aten.unbind)
def unbind(low: Lowering, out: None, x: Value, dim: int = 0) -> list[Value]:
    """All items of a dimension."""
    dim %= len(x.shape)
    parts = split_with_sizes(low, out, x, [1] * x.shape[dim], dim)
    return [low.reshape(part, _without(x.shape, dim)) for part in parts]


@lowers(operator.getitem)
def getitem(low: Lowering, out: Out, values: Sequence[Value], i: int) -> Value:
    """One of several results."""
    return values[i]


@lowers(aten.clone, aten.contiguous)
def clone(low: Lowering, out: Out, x: Value, **_: Any) -> Value:
    """A copy."""
    return low.copy(x)


@lowers(aten.alias, aten.detach, aten.lift_fresh_copy)
def alias(low: Lowering, out: Out, x: Value) -> Value:
    """The value itself."""
    return x


@lowers(aten.unfold)
def unfold(low: Lowering, out: Out, x: Value, dim: int, size: int, step: int) -> Value:
    """Windows of a dimension, as a new last dimension."""
    dim %= len(x.shape)

    def memory(v: Value) -> Value:
        stride = v.strides[dim]
        if not isinstance(stride, int):
            raise UnsupportedStep("The rows of a chunk are unfolded.")
        strides = [*v.strides[:dim], stride * step, *v.strides[dim + 1 :], stride]
        return Value(out.shape, v.dtype, v.buffer, v.offset, strides)

    def index(ix: list[Expr]) -> list[Expr]:
        return [*ix[:dim], add(multiply(ix[dim], integer(step)), ix[-1]), *ix[dim + 1 : -1]]

    return low.remap(x, out.shape, index, memory)


@lowers(aten.flip)
def flip(low: Lowering, out: Out, x: Value, dims: Sequence[int]) -> Value:
    """Dimensions in reverse."""
    flipped = {d % len(x.shape) for d in dims}
    x = low.settled(x)

    def at(index: Sequence[Expr]) -> Expr:
        return x.at(
            [
                Call("sub", (integer(n - 1), i), "i64") if d in flipped and n != 1 else i
                for d, (i, n) in enumerate(zip(index, x.shape, strict=True))
            ]
        )

    return Value(out.shape, out.dtype, at=at, deps=[x])


@lowers(aten.cat)
def cat(low: Lowering, out: Out, values: Sequence[Value], dim: int = 0) -> Value:
    """Values behind one another."""
    values = [v for v in values if v.shape != (0,)]
    dim %= len(out.shape)
    memory, start = low.scratch(out.shape, out.dtype), 0
    for v in values:
        low.mutate(low.slice(memory, dim, start, v.shape[dim]), v)
        start += v.shape[dim]
    return memory


@lowers(aten.constant_pad_nd)
def constant_pad_nd(
    low: Lowering, out: Out, x: Value, pad: Sequence[int], value: float = 0.0
) -> Value:
    """A constant before and behind."""
    memory = low.scratch(out.shape, out.dtype)
    low.mutate(memory, full(out.shape, out.dtype, value))
    inner = memory
    for i in range(len(pad) // 2):
        dim = len(out.shape) - 1 - i
        start = pad[2 * i]
        if start < 0 or pad[2 * i + 1] < 0:
            raise UnsupportedStep("Padding is negative.")
        inner = low.slice(inner, dim, start, x.shape[dim])
    low.mutate(inner, x)
    return memory


@lowers(aten.repeat)
def repeat(low: Lowering, out: Out, x: Value, repeats: Sequence[int]) -> Value:
    """Tiles of a value."""
    n_new = len(repeats) - len(x.shape)
    x = low.settled(x)

    def at(index: Sequence[Expr]) -> Expr:
        inner = index[n_new:]
        return x.at(
            [
                ZERO if n == 1 else i if r == 1 else Call("remainder", (i, integer(n)), "i64")
                for i, n, r in zip(inner, x.shape, repeats[n_new:], strict=True)
            ]
        )

    return Value(out.shape, out.dtype, at=at, deps=[x])


def _without(shape: Sequence[int], dim: int) -> list[int]:
    return [n for d, n in enumerate(shape) if d != dim]
