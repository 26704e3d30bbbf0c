"""Print a program as a Python module for numba, for machines without a C compiler."""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib.resources import files

from .ir import (
    ZERO,
    Buffer,
    Call,
    DType,
    Expr,
    For,
    Lit,
    Matmul,
    Reduce,
    add,
    buffers_of,
    integer,
    itemsize,
)
from .printing import INFIX, Printer
from .program import Program

_INITIAL = {
    ("sum", "f32"): "f32(0)",
    ("sum", "i64"): "0",
    ("max", "f32"): "-INF",
    ("max", "i64"): "I64_MIN",
    ("min", "f32"): "INF",
    ("min", "i64"): "I64_MAX",
    ("any", "bool"): "False",
}
MEMORY_DTYPES: tuple[DType, ...] = ("f32", "i64", "bool")
_MEMORY = "D, " + ", ".join(f"{block}_{dtype}" for block in "WT" for dtype in MEMORY_DTYPES)


def print_numba(program: Program) -> str:
    """Source of a module with one function.

    It is ``run(*state, strides, *constants, *scratch, n)``: flat arrays of the state's tensors,
    then each block of memory as one array per type.
    """
    kernels = files(__package__) / "kernels" / "numba_kernels.txt"
    state = ", ".join(f"S{i}" for i in range(len(program.slots)))
    lines = [kernels.read_text(encoding="utf-8")]
    calls = []
    for i, (period, body) in enumerate(program.stages):
        used = [b for b in buffers_of(body).values() if b.kind == "state"]
        arguments = ", ".join([*(b.name for b in used), _MEMORY])
        lines += ["", "@njit(fastmath=FAST, cache=True, nogil=True)", f"def stage{i}({arguments}):"]
        lines += [f"    D{b.place} = D[{b.place}]" for b in used]
        lines += _NumbaPrinter().statements(body, "    ")
        lines += ["    return"]
        due = f"if t % {period} == 0: " if period > 1 else ""
        calls.append(f"        {due}stage{i}({arguments})")
    clock = f"S{program.clock}"
    lines += ["", "@njit(cache=True, nogil=True)", f"def run({state}, {_MEMORY}, n):"]
    lines += ["    for _ in range(n):", f"        t = {clock}[0]", *calls]
    lines += [f"        {clock}[0] = t + 1"]
    return "\n".join(lines) + "\n"


def _array(buffer: Buffer, index: Expr) -> tuple[str, Expr]:
    """Array that holds a buffer, and the place of one of its items there."""
    if buffer.kind == "state":
        return buffer.name, index
    block = "W" if buffer.kind == "const" else "T"
    return f"{block}_{buffer.dtype}", add(index, integer(buffer.place // itemsize(buffer.dtype)))


class _NumbaPrinter(Printer):
    infix = INFIX | {"logical_and": "and", "logical_or": "or"}

    def loop(self, s: For, indent: str) -> Iterator[str]:
        yield f"{indent}for {s.var.name} in range({s.extent}):"
        yield from self.statements(s.body, indent + "    ")

    def reduce(self, s: Reduce, indent: str) -> Iterator[str]:
        name, value = s.result.name, self.expression(s.value)
        yield f"{indent}{name} = {_INITIAL[s.op, s.result.dtype]}"
        for var, extent in s.loops:
            yield f"{indent}for {var.name} in range({extent}):"
            indent += "    "
        if s.op == "sum":
            yield f"{indent}{name} += {value}"
        elif s.op == "any":
            yield f"{indent}{name} = {name} or {value} != 0"
        else:
            yield f"{indent}{name} = {s.op}imum_{s.result.dtype}({value}, {name})"

    def matmul(self, m: Matmul) -> str:
        x, y = (self.pointer(buffer, integer(offset)) for buffer, offset in (m.x, m.y))
        constants = ", ".join(self.pointer(buffer, ZERO) for buffer in (m.weights, m.bias))
        return f"gemm({x}, {m.x_stride}, {constants}, {y}, {m.y_stride}, {m.rows}, {m.k}, {m.n})"

    def item(self, buffer: Buffer, index: Expr) -> str:
        array, place = _array(buffer, index)
        return f"{array}[{self.expression(place)}]"

    def pointer(self, buffer: Buffer, index: Expr) -> str:
        array, place = _array(buffer, index)
        return f"{array}, {self.expression(place)}"

    def literal(self, e: Lit) -> str:
        if e.dtype == "f32":
            value = float(e.value)
            if math.isnan(value):
                return "NAN"
            return f"f32({value!r})" if math.isfinite(value) else "INF" if value > 0 else "(-INF)"
        return str(int(e.value)) if e.dtype == "i64" else str(bool(e.value))

    def call(self, e: Call, args: list[str]) -> str:
        if e.op == "where":
            return f"({args[1]} if {args[0]} else {args[2]})"
        if e.op == "cast":
            return f"({args[0]} != 0)" if e.dtype == "bool" else f"{e.dtype}({args[0]})"
        if e.op in ("neg", "logical_not", "bitwise_not"):
            sign = "-" if e.op == "neg" else "~" if e.dtype == "i64" else "not "
            return f"({sign}{args[0]})"
        return ""
