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
    Load,
    Matmul,
    Reduce,
    RowKernel,
    Stmt,
    Store,
    Var,
    add,
    buffers_of,
    integer,
    itemsize,
)
from .program import Program

_INFIX = {"add": "+", "sub": "-", "mul": "*", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_INFIX |= {"eq": "==", "ne": "!=", "logical_and": "and", "logical_or": "or"}
_INFIX |= {"bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^"}
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
        lines += [line for statement in body for line in _statement(statement, "    ")]
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


def _item(buffer: Buffer, index: Expr) -> str:
    array, place = _array(buffer, index)
    return f"{array}[{expression(place)}]"


def _pointer(buffer: Buffer, index: Expr = ZERO) -> str:
    """The two arguments by which a kernel finds an item."""
    array, place = _array(buffer, index)
    return f"{array}, {expression(place)}"


# -- statements -------------------------------------------------------------------------------


def _statement(s: Stmt, indent: str) -> Iterator[str]:
    if isinstance(s, For):
        yield f"{indent}for {s.var.name} in range({s.extent}):"
        for inner in s.body:
            yield from _statement(inner, indent + "    ")
    elif isinstance(s, Store):
        yield f"{indent}{_item(s.buffer, s.index)} = {expression(s.value)}"
    elif isinstance(s, Reduce):
        yield from _reduce(s, indent)
    elif isinstance(s, Matmul):
        yield indent + _matmul(s)
    else:
        yield indent + _row_kernel(s)


def _reduce(s: Reduce, indent: str) -> Iterator[str]:
    name = s.result.name
    yield f"{indent}{name} = {_INITIAL[s.op, s.result.dtype]}"
    for var, extent in s.loops:
        yield f"{indent}for {var.name} in range({extent}):"
        indent += "    "
    value = expression(s.value)
    if s.op == "sum":
        yield f"{indent}{name} += {value}"
    elif s.op == "any":
        yield f"{indent}{name} = {name} or {value} != 0"
    else:
        yield f"{indent}{name} = {s.op}imum_{s.result.dtype}({value}, {name})"


def _matmul(m: Matmul) -> str:
    x, y = (_pointer(buffer, integer(offset)) for buffer, offset in (m.x, m.y))
    constants = f"{_pointer(m.weights)}, {_pointer(m.bias)}"
    return f"gemm({x}, {m.x_stride}, {constants}, {y}, {m.y_stride}, {m.rows}, {m.k}, {m.n})"


def _row_kernel(s: RowKernel) -> str:
    pointers = [_pointer(buffer, index) for buffer, index in s.pointers]
    return f"row_{s.name}({', '.join([*pointers, *map(str, s.numbers)])})"


# -- expressions ------------------------------------------------------------------------------


def expression(e: Expr) -> str:
    """An expression, in parentheses where it needs them."""
    if isinstance(e, Lit):
        return _literal(e)
    if isinstance(e, Var):
        return e.name
    if isinstance(e, Load):
        return _item(e.buffer, e.index)
    return _call(e)


def _literal(e: Lit) -> str:
    if e.dtype == "f32":
        value = float(e.value)
        if math.isnan(value):
            return "NAN"
        return f"f32({value!r})" if math.isfinite(value) else "INF" if value > 0 else "(-INF)"
    return str(int(e.value)) if e.dtype == "i64" else str(bool(e.value))


def _call(e: Call) -> str:
    args = [expression(a) for a in e.args]
    if e.op in _INFIX:
        return f"({args[0]} {_INFIX[e.op]} {args[1]})"
    if e.op == "where":
        return f"({args[1]} if {args[0]} else {args[2]})"
    if e.op == "cast":
        return f"({args[0]} != 0)" if e.dtype == "bool" else f"{e.dtype}({args[0]})"
    if e.op in ("neg", "logical_not", "bitwise_not"):
        sign = "-" if e.op == "neg" else "~" if e.dtype == "i64" else "not "
        return f"({sign}{args[0]})"
    if e.op == "div":
        return f"({args[0]} / {args[1]})"
    return f"{e.op}_{e.dtype}({', '.join(args)})"
