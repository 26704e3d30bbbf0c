"""What libraries written in C print to the error stream, caught while they work.

libmpg123 prints what it finds damaged in an MP3 and can't be told not to. Main name:
:func:`caught`.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import platform
import re
import sys
import threading
from collections.abc import Iterator

_ONE_AT_A_TIME = threading.Lock()

_OF_MPG123 = re.compile(
    rb"\[[^]]*libmpg123|Note: (Illegal Audio-MPEG|Trying to resync|Skipped|Hit end of|missing)"
    rb"|Warning: (Xing|Encountered|Real sample)"
)


class _Memory:
    """A stream of C that is kept in memory, and the variable that says which one is stderr.

    It is never closed: another thread may still be about to print to it.
    """

    def __init__(self, name: str) -> None:
        self._libc = ctypes.CDLL(None)
        self.stderr = ctypes.c_void_p.in_dll(self._libc, name)
        self._text, self._size = ctypes.c_char_p(), ctypes.c_size_t()
        self._libc.open_memstream.restype = ctypes.c_void_p
        stream = self._libc.open_memstream(ctypes.byref(self._text), ctypes.byref(self._size))
        self.stream = ctypes.c_void_p(stream)

    def take(self) -> bytes:
        """Return what was printed, and forget it."""
        self._libc.fflush(self.stream)
        printed = ctypes.string_at(self._text, self._size.value)
        self._libc.rewind(self.stream)
        return printed


@functools.cache
def _memory() -> _Memory | None:
    """Where to print to; None where C's variable can't be set."""
    if platform.libc_ver()[0] == "glibc":
        return _Memory("stderr")
    return _Memory("__stderrp") if sys.platform == "darwin" else None


@contextlib.contextmanager
def caught(found: list[str]) -> Iterator[None]:
    """Catch what libmpg123 prints, and pass on all else that C code prints meanwhile.

    Only the variable ``stderr`` of C is set to another stream. The error stream of the process
    stays what it is, so Python and the processes that other threads start print as ever.

    Parameters
    ----------
    found : list of str
        Gets the lines of libmpg123; none where they can't be caught, and are printed.
    """
    memory = _memory()
    if memory is None:
        yield
        return
    with _ONE_AT_A_TIME:
        before, memory.stderr.value = memory.stderr.value, memory.stream.value
        try:
            yield
        finally:
            memory.stderr.value = before
            found += _passed_on(memory.take().splitlines(keepends=True))


def _passed_on(lines: list[bytes]) -> list[str]:
    """Write those lines to the error stream that aren't libmpg123's; the others."""
    own = [line for line in lines if _OF_MPG123.match(line)]
    for line in lines:
        if line not in own and (line.strip() or not own):
            os.write(2, line)
    return [line.decode("utf-8", "replace").strip() for line in own]
