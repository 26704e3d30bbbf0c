"""The small language a lowered step is written in, before it is printed as C or numba.

Expressions have one of three types (``"f32"``, ``"i64"``, ``"bool"``); statements are loops,
assignments, stores, reductions and calls of the kernels in ``kernels/``. Nothing here knows
about torch or about a target language.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

DType = Literal["f32", "i64", "bool"]


def itemsize(dtype: DType) -> int:
    """Bytes of one item."""
    return {"f32": 4, "i64": 8, "bool": 1}[dtype]


@dataclass(eq=False)
class Buffer:
    """Memory that a program reads or writes, addressed by items.

    Attributes
    ----------
    name : str
        Its name in the printed program.
    dtype : DType
    kind : {"state", "const", "scratch"}
        A tensor of the state, a constant, or memory that lives as long as a stage runs.
    place : int
        Index of the state tensor, or offset in bytes into the constants or the scratch memory.
    """

    name: str
    dtype: DType
    kind: Literal["state", "const", "scratch"]
    place: int


# -- expressions ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lit:
    """A number."""

    value: float | int | bool
    dtype: DType


@dataclass(frozen=True, slots=True)
class Var:
    """A loop variable, a local, or the stride of a chunk."""

    name: str
    dtype: DType = "i64"


@dataclass(frozen=True, slots=True)
class Load:
    """Item ``index`` of a buffer."""

    buffer: Buffer
    index: Expr

    @property
    def dtype(self) -> DType:
        """Type of the item."""
        return self.buffer.dtype


@dataclass(frozen=True, slots=True)
class Call:
    """A pointwise operation: ``add``, ``exp``, ``where``, ``cast`` ..."""

    op: str
    args: tuple[Expr, ...]
    dtype: DType


Expr = Lit | Var | Load | Call

ZERO = Lit(0, "i64")


def integer(value: int) -> Lit:
    """An index."""
    return Lit(value, "i64")


def add(a: Expr, b: Expr) -> Expr:
    """Sum of indices, simplified."""
    if isinstance(a, Lit) and isinstance(b, Lit):
        return integer(int(a.value) + int(b.value))
    if a == ZERO:
        return b
    return a if b == ZERO else Call("add", (a, b), "i64")


def multiply(a: Expr, b: Expr) -> Expr:
    """Product of indices, simplified."""
    if isinstance(a, Lit) and isinstance(b, Lit):
        return integer(int(a.value) * int(b.value))
    if ZERO in (a, b):
        return ZERO
    if a == integer(1):
        return b
    return a if b == integer(1) else Call("mul", (a, b), "i64")


def cast(e: Expr, dtype: DType) -> Expr:
    """``e`` as another type."""
    if e.dtype == dtype:
        return e
    if isinstance(e, Lit):
        convert = {"f32": float, "i64": int, "bool": bool}[dtype]
        return Lit(convert(e.value), dtype)
    return Call("cast", (e,), dtype)


# -- statements -------------------------------------------------------------------------------


@dataclass
class For:
    """Run ``body`` for ``var`` in ``range(extent)``.

    ``independent`` says that no turn reads what another writes, so that turns may be
    vectorised.
    """

    var: Var
    extent: int
    body: list[Stmt] = field(default_factory=list)
    independent: bool = False


@dataclass
class Store:
    """Write an item."""

    buffer: Buffer
    index: Expr
    value: Expr


@dataclass
class Reduce:
    """Declare ``result`` as the reduction of ``value`` over nested loops.

    ``op`` is ``sum``, ``max``, ``min`` or ``any``.
    """

    result: Var
    op: Literal["sum", "max", "min", "any"]
    loops: tuple[tuple[Var, int], ...]
    value: Expr


@dataclass
class Matmul:
    """``y = x @ w.T + bias`` with packed constant weights.

    Addresses are ``(buffer, offset in items)``, row strides in items. ``n`` is padded to whole
    panels of 16 outputs.
    """

    kernel: Literal["row", "f32", "bf16", "int8", "dot", "amx"]
    x: tuple[Buffer, int]
    x_stride: int
    weights: Buffer
    bias: Buffer
    scale: Buffer
    y: tuple[Buffer, int]
    y_stride: int
    rows: int
    k: int
    n: int


@dataclass
class RowKernel:
    """Call of a kernel on rows: ``cumsum`` or ``sort``.

    ``pointers`` are ``(buffer, index)``, ``numbers`` integers.
    """

    name: str
    pointers: tuple[tuple[Buffer, Expr], ...]
    numbers: tuple[int, ...]


Stmt = For | Store | Reduce | Matmul | RowKernel


def buffers_of(body: list[Stmt]) -> dict[str, Buffer]:
    """All buffers that statements touch, by name, in order of first use."""
    found: dict[str, Buffer] = {}
    for statement in body:
        for buffer in _statement_buffers(statement):
            found.setdefault(buffer.name, buffer)
    return found


def _statement_buffers(statement: Stmt) -> Iterator[Buffer]:
    if isinstance(statement, For):
        yield from buffers_of(statement.body).values()
    elif isinstance(statement, Store):
        yield statement.buffer
        yield from expression_buffers(statement.index)
        yield from expression_buffers(statement.value)
    elif isinstance(statement, Reduce):
        yield from expression_buffers(statement.value)
    elif isinstance(statement, Matmul):
        yield from (
            statement.x[0],
            statement.y[0],
            statement.weights,
            statement.bias,
            statement.scale,
        )
    else:
        for buffer, index in statement.pointers:
            yield buffer
            yield from expression_buffers(index)


def expression_buffers(e: Expr) -> Iterator[Buffer]:
    """Buffers that an expression reads."""
    if isinstance(e, Load):
        yield e.buffer
        yield from expression_buffers(e.index)
    elif isinstance(e, Call):
        for arg in e.args:
            yield from expression_buffers(arg)
