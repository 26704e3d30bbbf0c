"""Reading and writing at indices that are themselves computed: rings, tables, scatter."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ..graph import UnsupportedStep
from ..ir import ZERO, Call, Expr, Load, Store, integer
from ..lowering import Lowering, Out
from ..registry import lowers
from ..values import Value, buffer_of
from .pointwise import full

aten = torch.ops.aten


@lowers(aten.index_select)
def index_select(low: Lowering, out: Out, x: Value, dim: int, index: Value) -> Value:
    """Items of a dimension at indices."""
    dim %= len(x.shape)
    x, index = low.settled(x), low.settled(low.reshape(index, [index.numel]))

    def at(ix: Sequence[Expr]) -> Expr:
        return x.at([*ix[:dim], index.at([ix[dim]]), *ix[dim + 1 :]])

    return Value(out.shape, out.dtype, at=at, deps=(x, index))


@lowers(aten.embedding)
def embedding(
    low: Lowering, out: Out, table: Value, index: Value, *_: object, **__: object
) -> Value:
    """Rows of a table."""
    table, index = low.settled(table), low.settled(index)
    n = len(index.shape)
    return Value(
        out.shape, out.dtype, at=lambda ix: table.at([index.at(ix[:n]), ix[n]]), deps=(table, index)
    )


@lowers(aten.index)
def index_(low: Lowering, out: Out, x: Value, indices: Sequence[Value | None]) -> Value:
    """Items at indices along one or several neighbouring dimensions."""
    dims = [d for d, i in enumerate(indices) if i is not None]
    if dims != list(range(dims[0], dims[0] + len(dims))):
        raise UnsupportedStep("Indices of dimensions that aren't neighbours can't be compiled.")
    found = [i for i in indices if i is not None]
    if any(i.dtype == "bool" for i in found):
        raise UnsupportedStep("A choice by a mask has no fixed size.")
    shape = torch.broadcast_shapes(*(i.shape for i in found))
    found = [low.settled(low.broadcast(i, shape)) for i in found]
    x, first, n = low.settled(x), dims[0], len(shape)

    def at(ix: Sequence[Expr]) -> Expr:
        middle = [
            _wrapped(i.at(ix[first : first + n]), x.shape[d])
            for d, i in zip(dims, found, strict=True)
        ]
        return x.at([*ix[:first], *middle, *ix[first + n :]])

    return Value(out.shape, out.dtype, at=at, deps=(x, *found))


def _wrapped(index: Expr, n: int) -> Expr:
    """Index that counts from the end where it is negative."""
    behind = Call("add", (index, integer(n)), "i64")
    return Call("where", (Call("lt", (index, ZERO), "bool"), behind, index), "i64")


@lowers(aten.gather)
def gather(low: Lowering, out: Out, x: Value, dim: int, index: Value, **_: object) -> Value:
    """Items of a dimension, each at its own index."""
    x, index = low.settled(x), low.settled(index)
    dim %= max(1, len(x.shape))
    return Value(
        out.shape,
        out.dtype,
        at=lambda ix: x.at([*ix[:dim], index.at(ix), *ix[dim + 1 :]]),
        deps=(x, index),
    )


@lowers(aten.index_put_)
def index_put_(
    low: Lowering,
    out: Out,
    target: Value,
    indices: Sequence[Value | None],
    source: Value,
    accumulate: bool = False,
) -> Value:
    """Write items of one dimension at indices."""
    dims = [d for d, i in enumerate(indices) if i is not None]
    index = indices[dims[0]]
    if (
        len(dims) != 1
        or accumulate
        or index is None
        or len(index.shape) != 1
        or index.dtype != "i64"
    ):
        raise UnsupportedStep("Only writing at the indices of one dimension can be compiled.")
    return index_copy_(low, out, target, dims[0], index, source)


@lowers(aten.index_copy_)
def index_copy_(
    low: Lowering, out: Out, target: Value, dim: int, index: Value, source: Value
) -> Value:
    """Write items of one dimension at indices."""
    dim %= len(target.shape)
    index = low.settled(index)
    shape = (*target.shape[:dim], index.numel, *target.shape[dim + 1 :])

    def address(ix: Sequence[Expr]) -> Expr:
        return target.address([*ix[:dim], index.at([ix[dim]]), *ix[dim + 1 :]])

    low.mutate(target, low.broadcast(source, shape), address)
    return target


@lowers(aten.index_put)
def index_put(
    low: Lowering,
    out: Out,
    x: Value,
    indices: Sequence[Value | None],
    source: Value,
    accumulate: bool = False,
) -> Value:
    """A copy with items of one dimension replaced."""
    return index_put_(low, out, low.copy(x), indices, source, accumulate)


@lowers(aten.index_copy)
def index_copy(low: Lowering, out: Out, x: Value, dim: int, index: Value, source: Value) -> Value:
    """A copy with items of one dimension replaced."""
    return index_copy_(low, out, low.copy(x), dim, index, source)


@lowers(aten.scatter)
def scatter(
    low: Lowering, out: Out, x: Value, dim: int, index: Value, source: Value | float
) -> Value:
    """A copy with items of a dimension replaced, each at its own index."""
    dim %= len(x.shape)
    index = low.settled(index)
    if not isinstance(source, Value):
        source = full(index.shape, out.dtype, source)
    memory = low.copy(x)
    for d, n in enumerate(index.shape):
        source = low.slice(source, d, 0, n)

    def address(ix: Sequence[Expr]) -> Expr:
        return memory.address([*ix[:dim], index.at(ix), *ix[dim + 1 :]])

    low.mutate(memory, source, address)
    return memory


@lowers(aten.scatter_reduce)
def scatter_reduce(
    low: Lowering,
    out: Out,
    x: Value,
    dim: int,
    index: Value,
    source: Value,
    reduce: str,
    include_self: bool = True,
) -> Value:
    """A copy with items of a dimension raised to the largest that goes there."""
    if reduce != "amax" or not include_self:
        raise UnsupportedStep(f"scatter_reduce with {reduce!r} can't be compiled.")
    dim %= len(x.shape)
    index, source, memory = low.settled(index), low.settled(source), low.copy(x)
    buffer = buffer_of(memory)

    def emit(ix: list[Expr]) -> None:
        place = memory.address([*ix[:dim], index.at(ix), *ix[dim + 1 :]])
        larger = Call("maximum", (Load(buffer, place), source.at(ix)), out.dtype)
        low.body.append(Store(buffer, place, larger))

    low.loop(index.shape, emit, independent=False)
    return memory
