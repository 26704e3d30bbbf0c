"""Samples on their way into a corpus: one unnamed temporary file per channel.

The length of a corpus is known only when the last file is decoded, and a mapped signal has to
lie in one piece, channel after channel. The files have no name, so that nothing is left behind
by a crash.
"""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Any, Self

import numpy as np

_BLOCK_BYTES = 2**22


class Planes:
    """Growing float32 signal of C channels on disk; use it in a ``with`` block.

    Parameters
    ----------
    folder : Path
        Where the temporary files lie: on the disk of the corpus to be.
    channels : int > 0
        Number of channels.
    """

    def __init__(self, folder: Path, channels: int) -> None:
        self.n_samples = 0
        self._exit = contextlib.ExitStack()
        self._planes: list[Any] = []
        with contextlib.ExitStack() as opened:
            for _ in range(channels):
                plane = tempfile.TemporaryFile(dir=folder, prefix=".corpus-")
                self._planes.append(opened.enter_context(plane))
            self._exit = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._exit.close()

    def append(self, y: np.ndarray) -> None:
        """Append samples [shape=(C, n)]."""
        for plane, row in zip(self._planes, y, strict=True):
            plane.write(np.ascontiguousarray(row, "<f4").data)
        self.n_samples += y.shape[1]

    def cut(self, n_samples: int) -> None:
        """Drop everything after the first ``n_samples``."""
        for plane in self._planes:
            plane.flush()
            plane.seek(4 * n_samples)
            plane.truncate()
        self.n_samples = n_samples

    def pour(self, path: Path, offset: int, channels: int) -> None:
        """Write the first channels into a file, one after the other, from ``offset`` on."""
        with open(path, "rb+") as target:
            target.seek(offset)
            for plane in self._planes[:channels]:
                plane.seek(0)
                while block := plane.read(_BLOCK_BYTES):
                    target.write(block)
