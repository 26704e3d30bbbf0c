"""Matrix products: with constant weights by packed kernels, else by plain loops."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..constants import BATCH_ROWS, PANEL, Layout, tile_shape
from ..graph import UnsupportedStep
from ..ir import Buffer, Call, Expr, Matmul, Reduce, Store, Var, add, integer, multiply
from ..lowering import Lowering, Out
from ..registry import lowers
from ..values import Value, buffer_of
from .pointwise import call, full, pointwise
from .views import permute

aten = torch.ops.aten
Matrix = Value | Tensor


def linear(low: Lowering, x: Value, w: Tensor, bias: Tensor | None, groups: int = 1) -> Value:
    """``x [M, groups * K]`` times constant weights ``[groups * N, K]``, group by group."""
    x = low.rows(x)
    rows, n, k = x.shape[0], w.shape[0] // groups, w.shape[1]
    n_padded = -(-n // PANEL) * PANEL
    if groups > 1 and n != n_padded:
        return _small_groups(low, x, w, bias, n)
    y = low.scratch((_padded_rows(low.layout, rows), groups * n_padded), "f32")
    for g in range(groups):
        _emit(low, (x, g * k), w[g * n : (g + 1) * n], _part(bias, g, n), (y, g * n), rows)
    return Value((rows, groups * n), "f32", y.buffer, 0, (groups * n_padded, 1))


def _small_groups(low: Lowering, x: Value, w: Tensor, bias: Tensor | None, n: int) -> Value:
    """Groups of ``n`` outputs that don't fill panels (depthwise convolutions): plain loops."""
    weights, k = low.constant(w), w.shape[1]
    y, inner = low.scratch((x.shape[0], w.shape[0]), "f32"), Var(low.name("k"))
    biases = full((w.shape[0],), "f32", 0.0) if bias is None else low.constant(bias)

    def dot(ix: list[Expr]) -> None:
        result, (row, output) = Var(low.name("r"), "f32"), ix
        group = Call("trunc_div", (output, integer(n)), "i64")
        item = x.at([row, add(multiply(group, integer(k)), inner)])
        product = call("mul", "f32")(item, weights.at([output, inner]))
        low.body.append(Reduce(result, "sum", ((inner, k),), product))
        low.body.append(
            Store(buffer_of(y), y.address(ix), call("add", "f32")(result, biases.at([output])))
        )

    low.loop(y.shape, dot, independent=False)
    return y


def _part(bias: Tensor | None, g: int, n: int) -> Tensor | None:
    return None if bias is None else bias[g * n : (g + 1) * n]


def _padded_rows(layout: Layout, rows: int) -> int:
    """Rows that a kernel writes: the matrix unit works on tiles of 16."""
    return -(-rows // 16) * 16 if _layout_for(layout, rows) == "amx" else rows


def _layout_for(layout: Layout, rows: int) -> Layout:
    """Rounding the inputs gains only with several rows."""
    return "bf16" if layout in ("dot", "amx") and rows < BATCH_ROWS else layout


def _emit(
    low: Lowering,
    x: tuple[Value, int],
    w: Tensor,
    bias: Tensor | None,
    y: tuple[Value, int],
    rows: int,
) -> None:
    """Append one product to the program."""
    layout = _layout_for(low.layout, rows)
    width = tile_shape(layout, rows)[1]
    places = low.constants.add_weights(w, bias, layout, width)
    weights, biases, scales = (Buffer(f"c{place}", "f32", "const", place) for place in places)
    (x_value, x_offset), (y_value, y_offset) = x, y
    x_stride, y_stride = (_row_stride(v) for v in (x_value, y_value))
    low.body.append(
        Matmul(
            layout,
            (buffer_of(x_value), x_value.offset + x_offset),
            x_stride,
            weights,
            biases,
            scales,
            (buffer_of(y_value), y_value.offset + y_offset),
            y_stride,
            rows,
            w.shape[1],
            -(-w.shape[0] // PANEL) * PANEL,
        )
    )


def _row_stride(v: Value) -> int:
    stride = v.strides[0]
    if not isinstance(stride, int):
        raise UnsupportedStep("A product reads a chunk.")
    return stride


@lowers(aten.mm, reads_tensors=True)
def mm(low: Lowering, out: Out, a: Matrix, b: Matrix) -> Value:
    """Product of two matrices."""
    if isinstance(a, Value) and isinstance(b, Tensor):
        return linear(low, a, b.t(), None)
    a, b = _value(low, a), _value(low, b)
    product = _loops(low, low.reshape(a, (1, *a.shape)), low.reshape(b, (1, *b.shape)))
    return low.reshape(product, out.shape)


@lowers(aten.addmm, reads_tensors=True)
def addmm(
    low: Lowering,
    out: Out,
    bias: Matrix,
    a: Matrix,
    b: Matrix,
    *,
    beta: float = 1,
    alpha: float = 1,
) -> Value:
    """Product of two matrices plus a bias."""
    if beta != 1 or alpha != 1:
        raise UnsupportedStep("A matrix product with factors can't be compiled.")
    if (
        isinstance(a, Value)
        and isinstance(b, Tensor)
        and isinstance(bias, Tensor)
        and bias.dim() == 1
    ):
        return linear(low, a, b.t(), bias)
    return pointwise(
        low, out, call("add", "f32"), low.settled(mm(low, out, a, b)), _value(low, bias)
    )


@lowers(aten.bmm, reads_tensors=True)
def bmm(low: Lowering, out: Out, a: Matrix, b: Matrix) -> Value:
    """Batch of products; a constant factor that all share is a plain product."""
    if isinstance(a, Value) and isinstance(b, Tensor) and a.shape[0] == 1:
        return low.reshape(linear(low, low.reshape(a, a.shape[1:]), b[0].t(), None), out.shape)
    return _loops(low, _value(low, a), _value(low, b))


def _value(low: Lowering, x: Matrix) -> Value:
    return low.constant(x) if isinstance(x, Tensor) else x


def _loops(low: Lowering, a: Value, b: Value) -> Value:
    """``a [n, M, K]`` times ``b [n, K, N]``, vectorised along what is contiguous in ``b``."""
    a, b = low.settled(a), low.settled(b)
    n, rows, k = a.shape
    y = low.scratch((n, rows, b.shape[2]), "f32")
    if b.strides[2] == 1 and b.shape[2] > 1:
        _sum_of_rows(low, a, b, y)
    else:
        inner = Var(low.name("k"))

        def dot(ix: list[Expr]) -> None:
            result = Var(low.name("r"), "f32")
            product = call("mul", "f32")(a.at([ix[0], ix[1], inner]), b.at([ix[0], inner, ix[2]]))
            low.body.append(Reduce(result, "sum", ((inner, k),), product))
            low.body.append(Store(buffer_of(y), y.address(ix), result))

        low.loop(y.shape, dot, independent=False)
    return y


def _sum_of_rows(low: Lowering, a: Value, b: Value, y: Value) -> None:
    """Add each row of ``b``, scaled, to the result."""
    n, rows, k = a.shape
    low.mutate(y, full(y.shape, "f32", 0.0))

    def add_row(ix: list[Expr]) -> None:
        item, row, inner, column = ix
        place = [item, row, column]
        product = call("mul", "f32")(a.at([item, row, inner]), b.at([item, inner, column]))
        low.body.append(
            Store(buffer_of(y), y.address(place), Call("add", (y.at(place), product), "f32"))
        )

    low.loop((n, rows, k, b.shape[2]), add_row)


@lowers(aten.convolution, reads_tensors=True)
def convolution(
    low: Lowering,
    out: Out,
    x: Value,
    w: Matrix,
    bias: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> Value:
    """One-dimensional convolution without padding, as products with its windows."""
    if (
        not isinstance(w, Tensor)
        or transposed
        or any(padding)
        or len(stride) != 1
        or not isinstance(x, Value)
    ):
        raise UnsupportedStep(
            "Only 1-d convolutions with constant weights and no padding can be compiled."
        )
    windows = _windows(low.settled(x), out.shape[2], w.shape[2], stride[0], dilation[0])
    batch, n_out, channels, k = windows.shape
    rows = low.reshape(windows, (batch * n_out, channels * k))
    y = linear(low, rows, w.flatten(1), bias, groups)
    return permute(low, out, low.reshape(y, (batch, n_out, w.shape[0])), (0, 2, 1))


def _windows(x: Value, n_out: int, k: int, stride: int, dilation: int) -> Value:
    """Windows ``[B, T, C, k]`` of ``x [B, C, T']``, without a copy."""
    batch, channels, _ = x.shape
    s0, s1, s2 = x.strides
    if not isinstance(s2, int):
        raise UnsupportedStep("A convolution reads a chunk.")
    strides = (s0, s2 * stride, s1, s2 * dilation)
    return Value((batch, n_out, channels, k), "f32", x.buffer, x.offset, strides)
