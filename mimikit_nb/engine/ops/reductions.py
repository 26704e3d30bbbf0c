"""Sums, maxima and what is made of them: softmax, norms, cumulative sums, sorting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from ..graph import UnsupportedStep
from ..ir import ZERO, Call, DType, Expr, RowKernel, integer
from ..lowering import Lowering, Out
from ..registry import lowers
from ..values import Value
from .pointwise import call, pointwise, scalar, to_copy

aten = torch.ops.aten
Dims = Sequence[int] | int | None


def _dims(v: Value, dims: Dims) -> list[int]:
    if dims is None or (not isinstance(dims, int) and not dims):
        return list(range(len(v.shape)))
    return [d % max(1, len(v.shape)) for d in ([dims] if isinstance(dims, int) else dims)]


def _reduced(
    low: Lowering, op: str, v: Value, dims: Dims, keepdim: bool, dtype: DType | None = None
) -> Value:
    dims = _dims(v, dims)
    kept = low.reduce(op, v, dims, dtype)
    return (
        kept if keepdim else low.reshape(kept, [n for d, n in enumerate(v.shape) if d not in dims])
    )


@lowers(aten.sum)
def sum_(
    low: Lowering, out: Out, x: Value, dims: Dims = None, keepdim: bool = False, **_: Any
) -> Value:
    """Sum over dimensions."""
    return _reduced(low, "sum", x, dims, keepdim, out.dtype)


@lowers(aten.mean)
def mean(
    low: Lowering, out: Out, x: Value, dims: Dims = None, keepdim: bool = False, **_: Any
) -> Value:
    """Mean over dimensions."""
    n = math.prod(x.shape[d] for d in _dims(x, dims))
    total = _reduced(low, "sum", x, dims, keepdim)
    return pointwise(low, Out(total.shape, "f32"), call("mul", "f32"), total, 1.0 / n)


@lowers(aten.amax)
def amax(low: Lowering, out: Out, x: Value, dims: Dims = None, keepdim: bool = False) -> Value:
    """Maximum over dimensions."""
    return _reduced(low, "max", x, dims, keepdim)


@lowers(aten.amin)
def amin(low: Lowering, out: Out, x: Value, dims: Dims = None, keepdim: bool = False) -> Value:
    """Minimum over dimensions."""
    return _reduced(low, "min", x, dims, keepdim)


@lowers(aten.any)
def any_(low: Lowering, out: Out, x: Value, dims: Dims = None, keepdim: bool = False) -> Value:
    """Whether any item is true."""
    return _reduced(low, "any", to_copy(low, Out(x.shape, "bool"), x), dims, keepdim)


@lowers(aten.argmax)
def argmax(
    low: Lowering, out: Out, x: Value, dim: int | None = None, keepdim: bool = False
) -> Value:
    """Index of the first maximum."""
    return _first(low, "max", x, dim, keepdim)


@lowers(aten.argmin)
def argmin(
    low: Lowering, out: Out, x: Value, dim: int | None = None, keepdim: bool = False
) -> Value:
    """Index of the first minimum."""
    return _first(low, "min", x, dim, keepdim)


@lowers(aten.max)
def max_(
    low: Lowering, out: Out | None, x: Value, dim: int | None = None, keepdim: bool = False
) -> Any:
    """Maximum of all items, or maxima over a dimension and their indices."""
    return _extremum(low, "max", x, dim, keepdim)


@lowers(aten.min)
def min_(
    low: Lowering, out: Out | None, x: Value, dim: int | None = None, keepdim: bool = False
) -> Any:
    """Minimum of all items, or minima over a dimension and their indices."""
    return _extremum(low, "min", x, dim, keepdim)


def _extremum(low: Lowering, op: str, x: Value, dim: int | None, keepdim: bool) -> Any:
    if dim is None:
        return _reduced(low, op, x, None, False)
    x = low.settled(x)
    return [_reduced(low, op, x, dim, keepdim), _first(low, op, x, dim, keepdim)]


def _first(low: Lowering, op: str, x: Value, dim: int | None, keepdim: bool) -> Value:
    """Smallest index whose item equals the extremum: two reductions that vectorise."""
    if dim is None:
        x, dim = low.reshape(x, [x.numel]), 0
    dim %= len(x.shape)
    x = low.settled(x)
    n, extremum = x.shape[dim], low.broadcast(low.reduce(op, x, [dim]), x.shape)

    def at(ix: Sequence[Expr]) -> Expr:
        same = Call("eq", (x.at(ix), extremum.at(ix)), "bool")
        return Call("where", (same, ix[dim], integer(n - 1)), "i64")

    index = Value(x.shape, "i64", at=at, deps=(x, extremum))
    return _reduced(low, "min", index, [dim], keepdim)


@lowers(aten._softmax)
def softmax(low: Lowering, out: Out, x: Value, dim: int, half_to_float: bool = False) -> Value:
    """Exponentials that sum to 1."""
    e, total = _exponentials(low, low.settled(x), dim)[1:]
    inverse = low.settled(pointwise(low, Out(total.shape, "f32"), call("reciprocal", "f32"), total))
    return pointwise(low, out, call("mul", "f32"), e, inverse)


@lowers(aten._log_softmax)
def log_softmax(low: Lowering, out: Out, x: Value, dim: int, half_to_float: bool = False) -> Value:
    """Logarithm of the softmax."""
    x = low.settled(x)
    top, _, total = _exponentials(low, x, dim)
    shift = pointwise(
        low,
        Out(total.shape, "f32"),
        lambda t, z: call("add", "f32")(t, call("log", "f32")(z)),
        top,
        total,
    )
    return pointwise(low, out, call("sub", "f32"), x, shift)


def _exponentials(low: Lowering, x: Value, dim: int) -> tuple[Value, Value, Value]:
    """Maximum, exponentials relative to it, and their sum."""
    top = low.reduce("max", x, [dim])
    e = low.settled(
        pointwise(
            low,
            Out(x.shape, "f32"),
            lambda a, m: call("exp", "f32")(call("sub", "f32")(a, m)),
            x,
            top,
        )
    )
    return top, e, low.reduce("sum", e, [dim])


@lowers(aten.cumsum)
def cumsum(low: Lowering, out: Out, x: Value, dim: int, **_: Any) -> Value:
    """Sums of all items so far, along the last dimension."""
    if dim % len(x.shape) != len(x.shape) - 1 or out.dtype != "f32":
        raise UnsupportedStep("Cumulative sums are compiled for floats along the last dimension.")
    x = low.rows(x)
    memory = low.scratch(out.shape, "f32")
    _rows(low, "cumsum", [x, memory])
    return memory


@lowers(aten.sort)
def sort(
    low: Lowering,
    out: None,
    x: Value,
    dim: int = -1,
    descending: bool = False,
    stable: bool | None = None,
) -> list[Value]:
    """Values in order and their indices, along the last dimension, equal ones as they were."""
    if dim % len(x.shape) != len(x.shape) - 1 or x.dtype != "f32":
        raise UnsupportedStep("Sorting is compiled for floats along the last dimension.")
    x = low.rows(x)
    n = x.shape[-1]
    values, order = low.scratch(x.shape, "f32"), low.scratch(x.shape, "i64")
    space = low.scratch((2 * n,), "i64")
    _rows(low, "sort", [x, values, order], [space], int(descending))
    return [values, order]


@lowers(aten.topk)
def topk(
    low: Lowering,
    out: None,
    x: Value,
    k: int,
    dim: int = -1,
    largest: bool = True,
    sorted: bool = True,
) -> list[Value]:
    """The largest values and their indices, by sorting."""
    return [low.slice(v, len(v.shape) - 1, 0, k) for v in sort(low, out, x, dim, largest)]


def _rows(
    low: Lowering, kernel: str, by_row: Sequence[Value], shared: Sequence[Value] = (), *numbers: int
) -> None:
    """Call a kernel on each row (last dimension) of some values."""
    first = by_row[0]

    def emit(index: list[Expr]) -> None:
        pointers = [(v.buffer, v.address([*index, ZERO])) for v in by_row]
        pointers += [(v.buffer, ZERO) for v in shared]
        low.body.append(RowKernel(kernel, tuple(pointers), (first.shape[-1], *numbers)))  # type: ignore[arg-type]

    low.loop(first.shape[:-1], emit, independent=False)


@lowers(aten.native_layer_norm)
def native_layer_norm(
    low: Lowering,
    out: None,
    x: Value,
    shape: Sequence[int],
    weight: Value | None,
    bias: Value | None,
    eps: float,
) -> list[Value]:
    """Zero mean and unit variance over the last dimensions."""
    x = low.settled(x)
    dims = list(range(len(x.shape) - len(shape), len(x.shape)))
    center = low.settled(mean(low, Out((), "f32"), x, dims, True))
    square = pointwise(
        low, Out(x.shape, "f32"), lambda a, m: _squared(call("sub", "f32")(a, m)), x, center
    )
    variance = mean(low, Out((), "f32"), square, dims, True)
    scale = low.settled(
        pointwise(
            low,
            Out(variance.shape, "f32"),
            lambda v: call("rsqrt", "f32")(call("add", "f32")(v, scalar(eps))),
            variance,
        )
    )
    add, mul = call("add", "f32"), call("mul", "f32")

    def normed(a: Expr, m: Expr, s: Expr, w: Expr, b: Expr) -> Expr:
        return add(mul(mul(call("sub", "f32")(a, m), s), w), b)

    affine = (1.0 if weight is None else weight, 0.0 if bias is None else bias)
    y = pointwise(low, Out(x.shape, "f32"), normed, x, center, scale, *affine)
    return [y, center, scale]


def _squared(e: Expr) -> Expr:
    return Call("square", (e,), "f32")
