"""What the printers of all languages do alike: walk along statements and expressions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from .ir import (
    Buffer,
    Call,
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
)

INFIX = {"add": "+", "sub": "-", "mul": "*", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
INFIX |= {"eq": "==", "ne": "!=", "bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^"}


class Printer(ABC):
    """Prints statements and expressions in one language.

    Attributes
    ----------
    infix : dict
        Operators between two values, by operation.
    end : str
        What ends a statement.
    """

    infix = INFIX
    end = ""

    def statements(self, body: list[Stmt], indent: str) -> Iterator[str]:
        """Lines of statements."""
        for s in body:
            if isinstance(s, For):
                yield from self.loop(s, indent)
            elif isinstance(s, Reduce):
                yield from self.reduce(s, indent)
            elif isinstance(s, Store):
                value = self.expression(s.value)
                yield f"{indent}{self.item(s.buffer, s.index)} = {value}{self.end}"
            elif isinstance(s, Matmul):
                yield f"{indent}{self.matmul(s)}{self.end}"
            else:
                yield f"{indent}{self.row_kernel(s)}{self.end}"

    def expression(self, e: Expr) -> str:
        """An expression, in parentheses where it needs them."""
        if isinstance(e, Lit):
            return self.literal(e)
        if isinstance(e, Var):
            return e.name
        if isinstance(e, Load):
            return self.item(e.buffer, e.index)
        args = [self.expression(a) for a in e.args]
        if e.op in self.infix:
            return f"({args[0]} {self.infix[e.op]} {args[1]})"
        if e.op == "div" and e.dtype == "f32":
            return f"({args[0]} / {args[1]})"
        return self.call(e, args) or f"{e.op}_{e.dtype}({', '.join(args)})"

    def row_kernel(self, s: RowKernel) -> str:
        """Call of a kernel on a row."""
        pointers = [self.pointer(buffer, index) for buffer, index in s.pointers]
        return f"row_{s.name}({', '.join([*pointers, *map(str, s.numbers)])})"

    @abstractmethod
    def loop(self, s: For, indent: str) -> Iterator[str]:
        """Lines of a loop."""

    @abstractmethod
    def reduce(self, s: Reduce, indent: str) -> Iterator[str]:
        """Lines of a reduction."""

    @abstractmethod
    def matmul(self, m: Matmul) -> str:
        """Call of a matrix product."""

    @abstractmethod
    def item(self, buffer: Buffer, index: Expr) -> str:
        """An item of a buffer."""

    @abstractmethod
    def pointer(self, buffer: Buffer, index: Expr) -> str:
        """Where an item of a buffer is, as kernels take it."""

    @abstractmethod
    def literal(self, e: Lit) -> str:
        """A number."""

    @abstractmethod
    def call(self, e: Call, args: list[str]) -> str:
        """An operation that has a form of its own; empty for a plain function."""
