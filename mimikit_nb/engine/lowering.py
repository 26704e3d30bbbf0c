"""Lower aten graphs to programs of loops: the heart of the engine.

Pointwise operations stay lazy and fuse into the loop that finally stores them; views cost
nothing; whatever is used twice, broadcast or read after a mutation is computed once into
scratch memory. What each aten operation means stands in :mod:`.ops`; this module holds the
memory, the loops and the walk along a graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.fx import GraphModule, Node
from torch.utils._pytree import tree_leaves, tree_map

from .constants import Constants, Layout
from .graph import Path, UnsupportedStep
from .ir import (
    ZERO,
    Buffer,
    DType,
    Expr,
    For,
    Lit,
    Reduce,
    Stmt,
    Store,
    Var,
    add,
    cast,
    integer,
    itemsize,
    multiply,
)
from .registry import handler_of, reads_tensors
from .values import Index, Value, buffer_of, contiguous

DTYPES: dict[torch.dtype, DType] = {torch.float32: "f32", torch.int64: "i64", torch.bool: "bool"}
_ALIGNMENT = 64


class Out(NamedTuple):
    """Shape and type of what an operation returns."""

    shape: tuple[int, ...]
    dtype: DType


class Lowering:
    """Lowers the stages of one step, one after the other, into statements.

    Parameters
    ----------
    state : mapping of Tensor
        The state's tensors by path.
    layout : Layout
        How the weights of matrix products are stored.
    is_chunk : callable
        Says of a path whether its tensor is a chunk ``[B, n, ...]``, whose length is no part of
        the program.
    """

    def __init__(
        self, state: Mapping[Path, Tensor], layout: Layout, is_chunk: Callable[[Path], bool]
    ) -> None:
        self.layout = layout
        self.constants = Constants()
        self.scratch_bytes = 0
        self.body: list[Stmt] = []
        self._scratch_top = 0
        self._n_names = 0
        self._live: dict[Node, Any] = {}
        self.state = [
            _state_value(i, t, is_chunk(path)) for i, (path, t) in enumerate(state.items())
        ]

    # -- memory -------------------------------------------------------------------------------

    def name(self, prefix: str) -> str:
        """A name that no other buffer or variable has."""
        self._n_names += 1
        return f"{prefix}{self._n_names}"

    def scratch(self, shape: Sequence[int], dtype: DType, n_items: int | None = None) -> Value:
        """Uninitialised memory until the end of the stage; at least ``n_items`` items."""
        strides = contiguous(shape)
        size = shape[0] * strides[0] if shape else 1
        n_bytes = max(size, n_items or 1) * itemsize(dtype)
        buffer = Buffer(self.name("b"), dtype, "scratch", self._scratch_top)
        self._scratch_top += -(-n_bytes // _ALIGNMENT) * _ALIGNMENT + _ALIGNMENT
        self.scratch_bytes = max(self.scratch_bytes, self._scratch_top)
        return Value(shape, dtype, buffer, 0, strides)

    def constant(self, tensor: Tensor) -> Value:
        """A constant; scalars that aren't floats of a parameter become literals."""
        dtype = dtype_of(tensor)
        if tensor.dim() == 0 or (tensor.numel() == 1 and dtype != "f32"):
            literal = Lit(tensor.item(), dtype)
            return Value(tensor.shape, dtype, at=lambda index: literal, is_cheap=True)
        place = self.constants.add(tensor)
        return Value(
            tensor.shape,
            dtype,
            Buffer(f"c{place}", dtype, "const", place),
            0,
            contiguous(tensor.shape),
        )

    # -- loops --------------------------------------------------------------------------------

    def loop(
        self,
        shape: Sequence[int],
        emit: Callable[[list[Expr]], None],
        like: Value | None = None,
        independent: bool = True,
    ) -> None:
        """Emit statements inside loops over ``shape``, innermost along ``like``'s memory."""
        dims = [d for d, n in enumerate(shape) if n != 1]
        if like is not None and all(isinstance(s, int) for s in like.strides):
            dims.sort(key=lambda d: -like.strides[d])  # type: ignore[operator]
        index: list[Expr] = [ZERO] * len(shape)
        outer, body = self.body, self.body
        for d in dims:
            loop = For(Var(self.name("x")), shape[d], independent=independent and d == dims[-1])
            index[d] = loop.var
            body.append(loop)
            body = loop.body
        self.body = body
        emit(index)
        self.body = outer

    def copy(self, v: Value) -> Value:
        """``v`` in fresh contiguous memory."""
        if v.buffer is not None and any(not isinstance(s, int) for s in v.strides):
            raise UnsupportedStep("A whole chunk would be copied every step.")
        memory = self.scratch(v.shape, v.dtype)
        self._write(memory, v)
        return memory

    def settled(self, v: Value) -> Value:
        """``v`` itself, in memory."""
        if v.is_lazy:
            v.settle(self.copy(v))
        return v

    def rows(self, v: Value) -> Value:
        """``v`` in memory with the last dimension contiguous."""
        v = self.settled(v)
        return v if v.shape[-1] == 1 or v.strides[-1] == 1 else self.copy(v)

    def _write(self, target: Value, source: Value) -> None:
        buffer = buffer_of(target)
        self.loop(
            source.shape,
            lambda ix: self.body.append(Store(buffer, target.address(ix), source.at(ix))),
            like=target,
        )

    def mutate(
        self, target: Value, source: Value, address: Callable[[Index], Expr] | None = None
    ) -> None:
        """Write ``source`` into ``target``; values still to be read from there are computed first.

        ``address`` maps an index of ``source`` to a position, ``target``'s own if not given.
        """
        buffer = buffer_of(target)
        for v in tree_leaves(list(self._live.values())):
            if isinstance(v, Value) and v.is_lazy and not v.is_cheap and buffer in v.buffers():
                self.settled(v)
        if buffer in source.buffers():
            source = self.copy(source)
        address = address or target.address
        self.loop(
            source.shape,
            lambda ix: self.body.append(Store(buffer, address(ix), source.at(ix))),
            like=target if len(target.shape) == len(source.shape) else None,
        )

    def reduce(self, op: str, v: Value, dims: Sequence[int], dtype: DType | None = None) -> Value:
        """Reduction over ``dims``, which stay with length 1."""
        dims = [d % len(v.shape) for d in dims]
        dtype = dtype or v.dtype
        out = self.scratch([1 if d in dims else n for d, n in enumerate(v.shape)], dtype)

        def emit(index: list[Expr]) -> None:
            inner = list(index)
            loops = []
            for d in dims:
                if v.shape[d] != 1:
                    inner[d] = Var(self.name("k"))
                    loops.append((inner[d], v.shape[d]))
            result = Var(self.name("r"), dtype)
            self.body.append(Reduce(result, op, tuple(loops), cast(v.at(inner), dtype)))  # type: ignore[arg-type]
            self.body.append(Store(buffer_of(out), out.address(index), result))

        self.loop(out.shape, emit, independent=False)
        return out

    # -- views --------------------------------------------------------------------------------

    def remap(
        self,
        v: Value,
        shape: Sequence[int],
        index: Callable[[list[Expr]], list[Expr]],
        memory: Callable[[Value], Value],
    ) -> Value:
        """Another view: ``memory`` of a strided value, ``index`` translation of a lazy one."""
        if not v.is_lazy:
            return memory(v)
        return Value(
            shape, v.dtype, at=lambda ix: v.at(index(list(ix))), deps=(v,), is_cheap=v.is_cheap
        )

    def broadcast(self, v: Value, shape: Sequence[int]) -> Value:
        """``v`` expanded to ``shape``; a lazy value is computed first if it would be repeated."""
        shape = tuple(shape)
        if v.shape == shape:
            return v
        n_new = len(shape) - len(v.shape)
        old = (1,) * n_new + v.shape
        if v.is_lazy and not v.is_cheap and old != shape:
            self.settled(v)
        return self.remap(
            v,
            shape,
            lambda ix: [ZERO if n == 1 else i for n, i in zip(v.shape, ix[n_new:], strict=True)],
            lambda v: Value(
                shape,
                v.dtype,
                v.buffer,
                v.offset,
                [0 if n == 1 else s for n, s in zip(old, (0,) * n_new + v.strides, strict=True)],
            ),
        )

    def reshape(self, v: Value, shape: Sequence[int]) -> Value:
        """``v`` in another shape, without a copy where possible."""
        shape = tuple(shape)
        source = [d for d, n in enumerate(v.shape) if n != 1]
        target = [d for d, n in enumerate(shape) if n != 1]
        if [v.shape[d] for d in source] == [shape[d] for d in target]:  # only ones come and go
            return self.remap(
                v,
                shape,
                lambda ix: _placed(source, [ix[d] for d in target], len(v.shape), ZERO),
                lambda v: Value(
                    shape,
                    v.dtype,
                    v.buffer,
                    v.offset,
                    _placed(target, [v.strides[d] for d in source], len(shape), 0),
                ),
            )
        v = self.settled(v)
        if any(not isinstance(s, int) for s in v.strides):
            v = self.copy(v)
        try:
            strides = torch.empty_strided(v.shape, v.strides, device="meta").view(shape).stride()  # type: ignore[arg-type]
        except RuntimeError:
            v = self.copy(v)
            strides = contiguous(shape)
        return Value(shape, v.dtype, v.buffer, v.offset, strides)

    def slice(self, v: Value, dim: int, start: int, length: int, step: int = 1) -> Value:
        """Items ``start, start + step ...`` along a dimension."""
        shape = (*v.shape[:dim], length, *v.shape[dim + 1 :])

        def memory(v: Value) -> Value:
            stride = v.strides[dim]
            if not isinstance(stride, int):
                if start:
                    raise UnsupportedStep("The rows of a chunk are sliced.")
                return Value(shape, v.dtype, v.buffer, v.offset, v.strides)
            strides = (*v.strides[:dim], stride * step, *v.strides[dim + 1 :])
            return Value(shape, v.dtype, v.buffer, v.offset + start * stride, strides)

        def index(ix: list[Expr]) -> list[Expr]:
            return [
                *ix[:dim],
                add(multiply(ix[dim], integer(step)), integer(start)),
                *ix[dim + 1 :],
            ]

        return self.remap(v, shape, index, memory)

    # -- the walk along a graph ---------------------------------------------------------------

    def stage(self, graph: GraphModule) -> list[Stmt]:
        """Statements of one stage."""
        self.body, self._live, self._scratch_top = [], {}, 0
        body = self.body
        values: dict[Node, Any] = {}
        remaining = {node: len(node.users) for node in graph.graph.nodes}
        written = _written_bases(graph)
        state = iter(self.state)
        for node in graph.graph.nodes:
            if node.op == "placeholder":
                values[node] = next(state)
            elif node.op == "get_attr":
                values[node] = getattr(graph, node.target).detach()
            elif node.op == "call_function":
                values[node] = self._live[node] = self._node(node, values, node in written)
            for used in node.all_input_nodes:
                remaining[used] -= 1
                if not remaining[used]:
                    self._live.pop(used, None)
        return body

    def _node(self, node: Node, values: dict[Node, Any], is_written: bool) -> Any:
        args, kwargs = tree_map(
            lambda a: values[a] if isinstance(a, Node) else a, (tuple(node.args), dict(node.kwargs))
        )
        if not any(isinstance(a, Value) for a in tree_leaves((args, kwargs))):
            result = node.target(*args, **kwargs)  # type: ignore[operator]
            return self.copy(self.constant(result)) if is_written else result
        handler = handler_of(node.target)
        if not reads_tensors(handler):
            args, kwargs = tree_map(
                lambda a: self.constant(a) if isinstance(a, Tensor) else a, (args, kwargs)
            )
        result = handler(self, _out(node), *args, **kwargs)
        if (
            isinstance(result, Value)
            and result.is_lazy
            and (is_written or (len(node.users) > 1 and not result.is_cheap))
        ):
            self.settled(result)
        return result


def dtype_of(tensor: Tensor) -> DType:
    """The program's type of a tensor."""
    if tensor.dtype not in DTYPES:
        raise UnsupportedStep(f"Tensors of {tensor.dtype} can't be compiled.")
    return DTYPES[tensor.dtype]


def _out(node: Node) -> Out | None:
    meta = node.meta.get("val", node.meta.get("tensor_meta"))
    if meta is None or not hasattr(meta, "dtype"):
        return None
    if meta.dtype not in DTYPES:
        raise UnsupportedStep(f"{node.target} gives {meta.dtype}, which can't be compiled.")
    return Out(tuple(meta.shape), DTYPES[meta.dtype])


def _state_value(i: int, tensor: Tensor, is_chunk: bool) -> Value:
    dtype = dtype_of(tensor)
    strides: list[int | Expr] = list(contiguous(tensor.shape))
    if is_chunk:
        strides[0] = Var(f"D{i}") if tensor.shape[0] > 1 else 0
    return Value(tensor.shape, dtype, Buffer(f"S{i}", dtype, "state", i), 0, strides)


def _written_bases(graph: GraphModule) -> set[Node]:
    """Values that are later written in place, themselves or through a view."""
    found = set()
    for node in graph.graph.nodes:
        schema = getattr(node.target, "_schema", None)
        if schema is None or not schema.is_mutable:
            continue
        base = node.args[0]
        while isinstance(base, Node):
            found.add(base)
            views = getattr(getattr(base.target, "_schema", None), "returns", ())
            is_view = any(r.alias_info is not None for r in views) or (
                base.op == "call_function" and not views
            )
            base = base.args[0] if is_view and base.args else None
    return found


def _placed(places: Sequence[int], items: Sequence[Any], length: int, default: Any) -> list[Any]:
    """List of ``length`` defaults, with ``items`` at ``places``."""
    placed = [default] * length
    for place, item in zip(places, items, strict=True):
        placed[place] = item
    return placed
