"""Whether this process may use the CPU's units for bfloat16: the matrix unit (AMX), and pairs."""

from __future__ import annotations

import ctypes
import platform
import sys
from functools import lru_cache

from .cache import has_cpu_flag

DOT_FLAG = "avx512_bf16"
"What the CPU says if it multiplies pairs of bfloat16 numbers."
_ARCH_PRCTL = 158
_REQUEST_PERMISSION = 0x1023  # ARCH_REQ_XCOMP_PERM
_TILE_DATA = 18  # XFEATURE_XTILEDATA


def pairs_pay() -> bool:
    """Whether multiplying pairs of bfloat16 numbers is faster than float32.

    AMD's CPUs multiply twice as many numbers so; an Intel Emerald Rapids, half as many (its
    programs for 32 rows ran at 0.7 of the speed).
    """
    return has_cpu_flag(DOT_FLAG) and has_cpu_flag("AMD")


@lru_cache(maxsize=1)
def amx_is_permitted() -> bool:
    """Ask Linux for the matrix unit; the answer holds for the whole process.

    The kernels also round to bfloat16 with AVX-512 instructions.
    """
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return False
    if not (has_cpu_flag("amx_bf16") and has_cpu_flag(DOT_FLAG)):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.syscall(_ARCH_PRCTL, _REQUEST_PERMISSION, _TILE_DATA) == 0
