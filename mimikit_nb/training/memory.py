"""Memory between training steps: kept for the next step, but no more than is used again.

A step makes and drops the same large tensors as the one before. The C library gives each of more
than 32 MB back to the system, and gets it anew page by page and zeroed: a SampleRNN that learns
batches of 32 x 2048 does 75 thousand steps a second like that, and 104 thousand where memory is
kept (two cores, glibc 2.36).
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from pathlib import Path
from typing import Self

GROWTH = 1.5
"What the process may grow to, times its size after the first step, before memory is trimmed."

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_MMAP_MAX = -1, -3, -4  # of glibc's malloc.h


class KeptMemory:
    """Keeps the memory of dropped tensors for the next ones inside a ``with`` block.

    Has an effect with glibc only, on the whole process, until the first block ends; tensors of
    64 MB and more gain in the main thread only. What is free at the end is given back.

    A heap of which nothing is given back gets holes: with four tensors of 38 MB in each step, and
    small ones between them that stay, it grew by 38 MB a step. :meth:`trim` limits that, at the
    price of a slow step now and then.

    Examples
    --------
    >>> with KeptMemory() as kept:
    ...     for batch in batches:
    ...         learn(batch)
    ...         kept.trim()
    """

    def __init__(self) -> None:
        self._is_on = False
        self._usual: int | None = None  # bytes of the process after the step behind a trim

    def __enter__(self) -> Self:
        self._is_on, self._usual = _has_glibc(), None
        if self._is_on:
            _mallopt(_M_MMAP_MAX, 0)
            _mallopt(_M_TRIM_THRESHOLD, -1)  # never
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.give_back()

    def trim(self) -> None:
        """Give back what lies idle, if the process has grown by half; to be called each step."""
        if not self._is_on:
            return
        used = private_bytes()
        if self._usual is None:
            self._usual = used
        elif used > GROWTH * self._usual:
            _trim()
            self._usual = None

    def give_back(self) -> None:
        """Keep nothing any more: at the end, or early where memory is short."""
        if self._is_on:
            _mallopt(_M_MMAP_MAX, 65536)  # as it was
            _mallopt(_M_MMAP_THRESHOLD, 2**25)  # where glibc moves both once large tensors are
            _mallopt(_M_TRIM_THRESHOLD, 2**26)  # freed; being told once, it doesn't any more
            _trim()
        self._is_on = False


def private_bytes() -> int:
    """Memory of this process that isn't a mapped file's, in Linux."""
    _, resident, shared, *_ = map(int, Path("/proc/self/statm").read_text("ascii").split())
    return (resident - shared) * os.sysconf("SC_PAGE_SIZE")


def _has_glibc() -> bool:
    return sys.platform == "linux" and platform.libc_ver()[0] == "glibc"


def _mallopt(option: int, value: int) -> None:
    ctypes.CDLL(None).mallopt(option, value)


def _trim() -> None:
    ctypes.CDLL(None).malloc_trim(ctypes.c_size_t(0))
