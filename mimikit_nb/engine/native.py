"""Run a program compiled from C."""

from __future__ import annotations

import ctypes
import threading

from .build import build_library
from .constants import aligned_bytes
from .memory import borrowed, row_stride
from .print_c import print_c
from .program import Program
from .stages import State


class NativeExecutor:
    """Runs steps in one call of compiled code, without holding Python's lock.

    Parameters
    ----------
    program : Program

    Attributes
    ----------
    key : str
        Key of the compiled program in the cache.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        library, self.key = build_library(print_c(program))
        self._run = library.run
        self._run.restype = None
        self._run.argtypes = [ctypes.c_void_p] * 4 + [ctypes.c_int64]
        self._scratch = aligned_bytes(program.scratch_bytes + 4096)
        self._lock = threading.Lock()

    def run(self, state: State, n: int) -> None:
        """Advance ``state`` by ``n`` steps, in place."""
        constants, scratch = self.program.constants.data_ptr(), self._scratch.data_ptr()
        with borrowed(self.program, state, n) as tensors, self._lock:
            pointers = (ctypes.c_void_p * len(tensors))(*[t.data_ptr() for t in tensors])
            strides = (ctypes.c_int64 * len(tensors))(*map(row_stride, tensors))
            self._run(pointers, strides, constants, scratch, n)
