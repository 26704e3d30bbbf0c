"""What was found out about files, for as long as they stay as they were.

Main names: :class:`Known`, :func:`state_of`.
"""

from __future__ import annotations

import os
import stat
from collections import OrderedDict
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")
State = tuple[str, int, int, int, int]
"Path, size, times of change and number of a file: others if it was changed or replaced."

_MOST = 2**14


class Known(Generic[T]):
    """Findings by file, in memory; those of a file that has changed since are forgotten."""

    def __init__(self) -> None:
        self._found: OrderedDict[State, T] = OrderedDict()

    def get(self, state: State | None) -> T | None:
        """What was found in a file in this state; None if it wasn't looked at."""
        return None if state is None else self._found.get(state)

    def put(self, state: State | None, found: T) -> T:
        """Keep what was found in a file that was in this state before it was read."""
        if state is not None:
            self._found[state] = found
            while len(self._found) > _MOST:
                self._found.popitem(last=False)
        return found


def state_of(path: Path) -> State | None:
    """State of a file; None for what is none, or can't be looked at."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return (str(path), found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
