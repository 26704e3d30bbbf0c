"""Run a program compiled by numba."""

from __future__ import annotations

import importlib.util
import platform
import sys
import threading
from types import ModuleType

import numpy as np
from torch import Tensor

from .build import CompilerError
from .cache import cache_folder, cache_key, write_atomically
from .constants import aligned_bytes
from .memory import borrowed, row_stride
from .print_numba import MEMORY_DTYPES, print_numba
from .program import Program
from .stages import State

_NUMPY: dict[str, type] = {"f32": np.float32, "i64": np.int64, "bool": np.bool_}


class NumbaExecutor:
    """Runs steps in one call of compiled code, without holding Python's lock.

    Parameters
    ----------
    program : Program
        With weights in the layout ``"row"``.

    Attributes
    ----------
    key : str
        Key of the compiled program in the cache.

    Raises
    ------
    CompilerError
        If there is no numba, or it can't compile the program.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        module, self.key = _load_module(print_numba(program))
        self._run = module.run
        self._scratch = aligned_bytes(-(-program.scratch_bytes // 64) * 64 + 64)
        self._memory = [*_as_arrays(program.constants), *_as_arrays(self._scratch)]
        self._lock = threading.Lock()
        self._compile()

    def _compile(self) -> None:
        """Run no step at all, which compiles what a step needs."""
        dtypes = [np.dtype(_NUMPY[slot.dtype]) for slot in self.program.slots]
        state = [np.zeros(1, dtype) for dtype in dtypes]
        strides = np.zeros(len(state), np.int64)
        try:
            self._run(*state, strides, *self._memory, 0)
        except Exception as error:  # numba's errors have no common root
            complaint = str(error).strip().splitlines()
            raise CompilerError(
                f"numba can't compile these steps: {type(error).__name__}"
                f"{': ' + complaint[0] if complaint else ''}"
            ) from error

    def run(self, state: State, n: int) -> None:
        """Advance ``state`` by ``n`` steps, in place."""
        with borrowed(self.program, state, n) as tensors, self._lock:
            strides = np.array([row_stride(t) for t in tensors], dtype=np.int64)
            self._run(*(t.numpy().reshape(-1) for t in tensors), strides, *self._memory, n)


def _as_arrays(block: Tensor) -> list[np.ndarray]:
    """One block of bytes as an array of each type."""
    block = block[: len(block) // 64 * 64]
    return [block.numpy().view(_NUMPY[dtype]) for dtype in MEMORY_DTYPES]


def _load_module(source: str) -> tuple[ModuleType, str]:
    """Module of a generated source, kept in the cache with what numba compiles of it."""
    try:
        import numba
    except ImportError as error:
        raise CompilerError("There is no numba; `pip install numba`.") from error
    key = cache_key(source, numba.__version__, np.__version__, platform.python_version())
    name = f"mimikit_nb_engine_{key}"
    path = cache_folder() / f"{name}.py"
    if not path.exists():  # numba's cache is lost when the file changes
        write_atomically(path, source)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where numba looks when it loads what it has compiled
    spec.loader.exec_module(module)
    return module, key
