"""Print a program as C."""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib.resources import files

from .constants import tile_shape
from .ir import Buffer, Call, Expr, For, Lit, Matmul, Reduce, Stmt, buffers_of
from .printing import INFIX, Printer
from .program import Program

_TYPES = {"f32": "float", "i64": "i64", "bool": "uint8_t"}
_INITIAL = {
    ("sum", "f32"): "0.f",
    ("sum", "i64"): "0",
    ("max", "f32"): "-INFINITY",
    ("max", "i64"): "INT64_MIN",
    ("min", "f32"): "INFINITY",
    ("min", "i64"): "INT64_MAX",
    ("any", "bool"): "0",
}
_CLAUSE = {"sum": "+", "max": "max", "min": "min", "any": "|"}
_ARGUMENTS = "void *const *S, const i64 *D, const char *restrict W, char *restrict T"
_SIMD = '_Pragma("omp simd")'


def print_c(program: Program) -> str:
    """Source of a shared library with one function.

    It is ``run(state, strides, constants, scratch, n)``: pointers to the state's tensors, the
    strides of their rows, and the blocks of memory.
    """
    matmuls = [m for _, body in program.stages for m in _matmuls(body)]
    kernels = files(__package__) / "kernels"
    lines = [(kernels / name).read_text(encoding="utf-8") for name in _headers(matmuls)]
    lines += sorted({_instance(m) for m in matmuls})
    for i, (_, body) in enumerate(program.stages):
        lines += _stage(i, body)
    lines += _run(program, any(m.kernel == "amx" for m in matmuls))
    return "\n".join(lines) + "\n"


def _headers(matmuls: list[Matmul]) -> list[str]:
    layouts = {m.kernel for m in matmuls}
    layouts |= {"dot"} if "amx" in layouts else set()
    special = [f"{layout}.h" for layout in ("int8", "dot", "amx") if layout in layouts]
    return ["scalar.h", "rows.h", *(["gemm.h"] if layouts else []), *special]


def _matmuls(body: list[Stmt]) -> Iterator[Matmul]:
    for statement in body:
        if isinstance(statement, Matmul):
            yield statement


def _kernel(m: Matmul) -> str:
    return f"gemm_{m.kernel}_{m.rows}"


def _instance(m: Matmul) -> str:
    """Definition of the kernel for a number of rows: rows and panels per tile fit the registers."""
    if m.kernel == "amx":
        return f"GEMM_AMX({_kernel(m)}, {m.rows})"
    row_block, width = tile_shape(m.kernel, m.rows)
    if m.kernel == "dot":
        return f"GEMM_DOT({_kernel(m)}, {m.rows}, {row_block}, {width})"
    return f"GEMM({_kernel(m)}, {m.kernel}, {m.rows}, {row_block}, {width})"


def _stage(i: int, body: list[Stmt]) -> Iterator[str]:
    yield f"static NOINLINE void stage{i}({_ARGUMENTS}) {{"
    for buffer in buffers_of(body).values():
        yield f"  {_declaration(buffer)}"
        if buffer.kind == "state":
            yield f"  const i64 D{buffer.place} = D[{buffer.place}];"
    yield from _CPrinter().statements(body, "  ")
    yield "}"


def _declaration(buffer: Buffer) -> str:
    c = _TYPES[buffer.dtype]
    if buffer.kind == "state":
        return f"{c} *{buffer.name} = ({c} *)S[{buffer.place}];"
    if buffer.kind == "const":
        return f"const {c} *{buffer.name} = (const {c} *)(W + {buffer.place}L);"
    return f"{c} *{buffer.name} = ({c} *)(T + {buffer.place}L);"


def _run(program: Program, is_amx: bool) -> Iterator[str]:
    yield "EXPORT void run(void *const *S, const i64 *D, const char *W, char *T, i64 n) {"
    if is_amx:
        yield "  amx_begin();"
    yield f"  i64 *clock = (i64 *)S[{program.clock}];"
    yield "  for (; n > 0; n--) {"
    yield "    const i64 t = *clock;"
    for i, (period, _) in enumerate(program.stages):
        due = f"if (t % {period} == 0) " if period > 1 else ""
        yield f"    {due}stage{i}(S, D, W, T);"
    yield "    *clock = t + 1;"
    yield "  }"
    if is_amx:
        yield "  amx_end();"
    yield "}"


class _CPrinter(Printer):
    infix = INFIX | {"logical_and": "&&", "logical_or": "||"}
    end = ";"

    def loop(self, s: For, indent: str) -> Iterator[str]:
        if s.independent:
            yield indent + _SIMD
        yield f"{indent}for (i64 {s.var.name} = 0; {s.var.name} < {s.extent}; {s.var.name}++) {{"
        yield from self.statements(s.body, indent + "  ")
        yield indent + "}"

    def reduce(self, s: Reduce, indent: str) -> Iterator[str]:
        name, c, value = s.result.name, _TYPES[s.result.dtype], self.expression(s.value)
        if not s.loops:
            yield f"{indent}const {c} {name} = {value};"
            return
        yield f"{indent}{c} {name} = {_INITIAL[s.op, s.result.dtype]};"
        for depth, (var, extent) in enumerate(s.loops):
            if depth == len(s.loops) - 1:
                yield f'{indent}_Pragma("omp simd reduction({_CLAUSE[s.op]}:{name})")'
            yield f"{indent}for (i64 {var.name} = 0; {var.name} < {extent}; {var.name}++)"
        if s.op in ("sum", "any"):
            yield f"{indent}  {name} {'+' if s.op == 'sum' else '|'}= {value};"
        else:
            sign = ">" if s.op == "max" else "<"
            yield f"{indent}  {{ const {c} e = {value}; {name} = e {sign} {name} ? e : {name}; }}"

    def matmul(self, m: Matmul) -> str:
        x, y = (f"{buffer.name} + {offset}" for buffer, offset in (m.x, m.y))
        constants = f"(const char *){m.weights.name}, {m.bias.name}, {m.scale.name}"
        return f"{_kernel(m)}({x}, {m.x_stride}, {constants}, {y}, {m.y_stride}, {m.k}, {m.n})"

    def item(self, buffer: Buffer, index: Expr) -> str:
        return f"{buffer.name}[{self.expression(index)}]"

    def pointer(self, buffer: Buffer, index: Expr) -> str:
        return f"{buffer.name} + {self.expression(index)}"

    def literal(self, e: Lit) -> str:
        if e.dtype == "bool":
            return str(int(e.value))
        if e.dtype == "i64":
            return f"{int(e.value)}L"
        value = float(e.value)
        if math.isinf(value) or math.isnan(value):
            return "NAN" if math.isnan(value) else "INFINITY" if value > 0 else "(-INFINITY)"
        return f"({value!r}f)" if value < 0 else f"{value!r}f"

    def call(self, e: Call, args: list[str]) -> str:
        if e.op == "where":
            return f"({args[0]} ? {args[1]} : {args[2]})"
        if e.op == "cast":
            return f"({args[0]} != 0)" if e.dtype == "bool" else f"(({_TYPES[e.dtype]}){args[0]})"
        if e.op == "bitwise_not":
            return f"({'!' if e.dtype == 'bool' else '~'}{args[0]})"
        signs = {"neg": "-", "logical_not": "!"}
        return f"({signs[e.op]}{args[0]})" if e.op in signs else ""
