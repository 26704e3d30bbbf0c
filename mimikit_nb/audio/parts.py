"""What a file holds, found by a look at its bytes: one sound, or several one after the other.

Main names: :class:`Part`, :class:`Contents`, :class:`PartFile`.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Part:
    """Bytes that are a sound file of their own: ``head``, then the file from start to stop.

    Attributes
    ----------
    start, stop : int
        Place in the file, in bytes.
    head : bytes
        Header that is read in front of it, where the file's own is wrong.
    is_exact : bool
        Whether libsndfile knows its length; it stops early where that is an estimate.
    """

    start: int
    stop: int
    head: bytes = b""
    is_exact: bool = True


@dataclass(frozen=True)
class Contents:
    """What a file holds.

    Attributes
    ----------
    parts : tuple of Part
        Sounds that follow each other; more than one where files were joined.
    warnings : tuple of str
        What is worth knowing about them.
    is_truncated : bool
        Whether the file announces more than it holds.
    left_out : float
        Bytes behind the announced end, as a share of the sound; they are not read.
    encoding : str
        Name of an encoding that libsndfile may not read, where the header tells it.
    """

    parts: tuple[Part, ...]
    warnings: tuple[str, ...] = ()
    is_truncated: bool = False
    left_out: float = 0.0
    encoding: str = ""


def joined(found: list[Contents]) -> Contents:
    """Contents of a file that holds several, one after the other."""
    warnings = [warning for one in found for warning in one.warnings]
    if len(found) > 1:
        warnings.insert(0, f"{len(found)} sounds joined to one file; all of them are read")
    return Contents(
        tuple(part for one in found for part in one.parts),
        tuple(dict.fromkeys(warnings)),
        any(one.is_truncated for one in found),
        found[-1].left_out,
        next((one.encoding for one in found if one.encoding), ""),
    )


class PartFile(io.RawIOBase):
    """A part as a file that is open for reading.

    Parameters
    ----------
    path : Path
        The file.
    part : Part
        Which part of it.
    """

    def __init__(self, path: Path, part: Part) -> None:
        self._file = open(path, "rb")
        self._part, self._position = part, 0
        self._size = len(part.head) + part.stop - part.start

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the place from which is read next."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Read on, at most as much as the buffer holds."""
        head, n_wanted = self._part.head, min(len(buffer), self._size - self._position)
        if n_wanted <= 0:
            return 0
        if self._position < len(head):
            data = head[self._position : self._position + n_wanted]
        else:
            self._file.seek(self._part.start + self._position - len(head))
            data = self._file.read(n_wanted)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
