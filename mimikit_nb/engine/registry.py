"""Which handler lowers which aten operation."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch

from .graph import UnsupportedStep

Handler = Callable[..., Any]
_HANDLERS: dict[Any, Handler] = {}
_READS_TENSORS: set[Handler] = set()


def lowers(*ops: Any, reads_tensors: bool = False) -> Callable[[Handler], Handler]:
    """Register a handler ``(lowering, out, *args, **kwargs)`` for aten operations.

    Constants arrive as values, or with ``reads_tensors`` as the tensors they are.
    """

    def register(handler: Handler) -> Handler:
        for op in ops:
            _HANDLERS[op] = handler
        if reads_tensors:
            _READS_TENSORS.add(handler)
        return handler

    return register


def handler_of(target: Any) -> Handler:
    """Handler of an operation, or an UnsupportedStep that names it."""
    packet = (
        operator.getitem if target is operator.getitem else getattr(target, "overloadpacket", None)
    )
    if packet not in _HANDLERS:
        raise UnsupportedStep(f"The engine has no {target}.")
    return _HANDLERS[packet]


def reads_tensors(handler: Handler) -> bool:
    """Whether a handler takes constants as tensors."""
    return handler in _READS_TENSORS


def supported_ops() -> list[str]:
    """Names of all operations that can be lowered."""
    return sorted(str(op) for op in _HANDLERS if isinstance(op, torch._ops.OpOverloadPacket))
