"""Operations item by item: lazy expressions that fuse into the loop which stores them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from ..ir import Call, DType, Expr, Lit, cast
from ..lowering import Lowering, Out
from ..registry import lowers
from ..values import Value

aten = torch.ops.aten
Scalar = float | int | bool
Operand = Value | Scalar

_RANK: dict[DType, int] = {"bool": 0, "i64": 1, "f32": 2}


def scalar(value: Scalar) -> Lit:
    """A Python number as a literal."""
    dtype: DType = "bool" if isinstance(value, bool) else "i64" if isinstance(value, int) else "f32"
    return Lit(value, dtype)


def pointwise(low: Lowering, out: Out, fn: Callable[..., Expr], *operands: Operand) -> Value:
    """Lazy value of ``fn`` applied to the items of broadcast operands."""
    values = [low.broadcast(x, out.shape) if isinstance(x, Value) else x for x in operands]

    def at(index: Any) -> Expr:
        return fn(*(x.at(index) if isinstance(x, Value) else scalar(x) for x in values))

    return Value(out.shape, out.dtype, at=at, deps=[x for x in values if isinstance(x, Value)])


def promoted(*args: Expr) -> tuple[Expr, ...]:
    """Expressions in the widest type among them."""
    dtype = max((a.dtype for a in args), key=lambda d: _RANK[d])
    return tuple(cast(a, dtype) for a in args)


def call(op: str, dtype: DType) -> Callable[..., Expr]:
    """Function that builds an operation on operands of its own type."""
    return lambda *args: Call(op, tuple(cast(a, dtype) for a in args), dtype)


Build = Callable[[Out], Callable[..., Expr]]  # from the result's type to an operation on items


def _register(name: str, build: Build) -> None:
    """Register an operation and, where there is one, its in-place form."""

    @lowers(getattr(aten, name))
    def handler(low: Lowering, out: Out, *operands: Operand, alpha: Scalar = 1, **_: Any) -> Value:
        if alpha != 1:
            first, second = operands
            second = scaled(low, out, second, alpha)
            operands = (first, second)
        return pointwise(low, out, build(out), *operands)

    def in_place(low: Lowering, _: Out, target: Value, *rest: Operand, **kwargs: Any) -> Value:
        out = Out(target.shape, target.dtype)
        low.mutate(low.settled(target), handler(low, out, target, *rest, **kwargs))
        return target

    if hasattr(aten, f"{name}_"):
        lowers(getattr(aten, f"{name}_"))(in_place)


def scaled(low: Lowering, out: Out, x: Operand, factor: Scalar) -> Operand:
    """An operand times a number."""
    if not isinstance(x, Value):
        return x * factor
    return pointwise(low, Out(x.shape, out.dtype), call("mul", out.dtype), x, factor)


def _own_type(name: str) -> Build:
    return lambda out: call(name, out.dtype)


def _comparison(name: str) -> Build:
    return lambda out: lambda a, b: Call(name, promoted(a, b), "bool")


def _logic(name: str) -> Build:
    return lambda out: call(name, "bool")


_OWN_TYPE = (
    "add sub mul maximum minimum neg abs tanh sigmoid relu exp silu rsqrt sqrt reciprocal log "
    "log1p expm1 erf erfinv sin cos atan2 floor ceil round trunc sign remainder fmod "
    "bitwise_and bitwise_or bitwise_xor bitwise_not"
)
for _name in _OWN_TYPE.split():
    _register(_name, _own_type(_name))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    _register(_name, _comparison(_name))
for _name in ("logical_and", "logical_or", "logical_not"):
    _register(_name, _logic(_name))
_register("rsub", lambda out: lambda a, b: call("sub", out.dtype)(b, a))
_register("square", lambda out: lambda a: call("mul", out.dtype)(a, a))


@lowers(aten.div, aten.true_divide)
def div(low: Lowering, out: Out, a: Operand, b: Operand, rounding_mode: str | None = None) -> Value:
    """Quotient, as it is or rounded."""
    op = {None: "div", "floor": "floor_div", "trunc": "trunc_div"}[rounding_mode]
    return pointwise(low, out, call(op, out.dtype), a, b)


@lowers(aten.floor_divide)
def floor_divide(low: Lowering, out: Out, a: Operand, b: Operand) -> Value:
    """Quotient rounded down."""
    return pointwise(low, out, call("floor_div", out.dtype), a, b)


@lowers(aten.pow)
def power(low: Lowering, out: Out, a: Operand, b: Operand) -> Value:
    """Power; small whole exponents as products."""
    mul = call("mul", out.dtype)
    if b in (2, 2.0) and not isinstance(b, Value):
        return pointwise(
            low, out, lambda x: mul(x, x), low.settled(a) if isinstance(a, Value) else a
        )
    if b == 0.5 and not isinstance(b, Value):
        return pointwise(low, out, call("sqrt", out.dtype), a)
    return pointwise(low, out, lambda x, y: cast(call("pow", "f32")(x, y), out.dtype), a, b)


@lowers(aten.gelu)
def gelu(low: Lowering, out: Out, x: Value, approximate: str = "none") -> Value:
    """Gaussian error linear unit, exact or with tanh."""
    return pointwise(low, out, call("gelu" if approximate == "none" else "gelu_tanh", "f32"), x)


@lowers(aten.where)
def where(low: Lowering, out: Out, condition: Value, a: Operand, b: Operand) -> Value:
    """``a`` where the condition holds, else ``b``."""

    def choose(c: Expr, x: Expr, y: Expr) -> Expr:
        return Call("where", (cast(c, "bool"), cast(x, out.dtype), cast(y, out.dtype)), out.dtype)

    return pointwise(low, out, choose, condition, a, b)


@lowers(aten.masked_fill)
def masked_fill(low: Lowering, out: Out, x: Value, mask: Value, value: Operand) -> Value:
    """``value`` where the mask holds."""
    return where(low, out, mask, value, x)


@lowers(aten.clamp, aten.hardtanh)
def clamp(
    low: Lowering, out: Out, x: Value, min: Operand | None = None, max: Operand | None = None
) -> Value:
    """Values limited to a range."""
    if min is not None:
        x = pointwise(low, out, call("maximum", out.dtype), x, min)
    return x if max is None else pointwise(low, out, call("minimum", out.dtype), x, max)


@lowers(aten.clamp_min)
def clamp_min(low: Lowering, out: Out, x: Value, limit: Operand) -> Value:
    """Values of at least ``limit``."""
    return clamp(low, out, x, limit)


@lowers(aten.leaky_relu)
def leaky_relu(low: Lowering, out: Out, x: Value, slope: float = 0.01) -> Value:
    """Rectifier with a slope below zero."""
    x = low.settled(x)
    return pointwise(
        low,
        out,
        lambda a: Call(
            "where",
            (Call("gt", (a, Lit(0.0, "f32")), "bool"), a, call("mul", "f32")(a, scalar(slope))),
            "f32",
        ),
        x,
    )


@lowers(aten.elu)
def elu(
    low: Lowering,
    out: Out,
    x: Value,
    alpha: float = 1.0,
    scale: float = 1.0,
    input_scale: float = 1.0,
) -> Value:
    """Exponential linear unit."""
    x, mul, zero = low.settled(x), call("mul", "f32"), Lit(0.0, "f32")

    def unit(a: Expr) -> Expr:
        below = mul(scalar(float(alpha)), call("expm1", "f32")(mul(a, scalar(float(input_scale)))))
        return mul(
            scalar(float(scale)), Call("where", (Call("gt", (a, zero), "bool"), a, below), "f32")
        )

    return pointwise(low, out, unit, x)


@lowers(aten._to_copy, aten.to)
def to_copy(low: Lowering, out: Out, x: Value, *_: Any, **__: Any) -> Value:
    """The same values in another type."""
    return pointwise(low, out, lambda a: cast(a, out.dtype), x)


def full(shape: Sequence[int], dtype: DType, value: Scalar) -> Value:
    """One number everywhere."""
    literal = cast(scalar(value), dtype)
    return Value(shape, dtype, at=lambda index: literal, is_cheap=True)


def _filled(op: Any, value_of: Callable[[tuple[Any, ...]], Scalar]) -> None:
    @lowers(op)
    def handler(low: Lowering, out: Out, x: Value, *args: Any, **_: Any) -> Value:
        return full(out.shape, out.dtype, value_of(args))


_filled(aten.full_like, lambda args: args[0])
_filled(aten.zeros_like, lambda args: 0)
_filled(aten.ones_like, lambda args: 1)
_filled(aten.new_zeros, lambda args: 0)
_filled(aten.new_ones, lambda args: 1)
_filled(aten.new_full, lambda args: args[1])


@lowers(aten.copy_, aten.fill_)
def copy_(
    low: Lowering, out: Out, target: Value, source: Operand, non_blocking: bool = False
) -> Value:
    """Write into a value."""
    value = source if isinstance(source, Value) else full(target.shape, target.dtype, source)
    if value.dtype != target.dtype:
        value = to_copy(low, Out(value.shape, target.dtype), value)
    low.mutate(target, low.broadcast(value, target.shape))
    return target


@lowers(aten.zero_)
def zero_(low: Lowering, out: Out, target: Value) -> Value:
    """Write zeros."""
    return copy_(low, out, target, 0)
