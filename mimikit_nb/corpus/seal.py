"""A checksum behind a corpus, so that damage is found before HDF5 reads it.

HDF5 follows what a file says, and in a damaged one that may be a circle without an end. What
describes the corpus (everything but the signal, which is only samples) is summed up in a few
bytes behind the end of the HDF5 file, where HDF5 doesn't look. Corpora without one are read as
they are. Main names: :func:`seal`, :func:`is_damaged`.
"""

from __future__ import annotations

import functools
import os
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

_MAGIC = b"MNBSEAL1"
_SEAL = struct.Struct("<8sQQQI")
"Magic, length of the HDF5 file, first byte of the signal and its length, CRC-32 of the rest."
_BLOCK_BYTES = 2**22


def seal(path: Path, signal_start: int, signal_bytes: int) -> None:
    """Append the checksum to a closed corpus file.

    Parameters
    ----------
    path : Path
        The file, without a checksum: HDF5 cuts it off when it writes.
    signal_start, signal_bytes : int
        Where the signal lies, which isn't summed up.
    """
    with open(path, "rb+") as file:
        length = file.seek(0, os.SEEK_END)
        checksum = _checksum(file, length, signal_start, signal_bytes)
        file.seek(length)
        file.write(_SEAL.pack(_MAGIC, length, signal_start, signal_bytes, checksum))


def unseal(path: Path) -> None:
    """Take the checksum off a file that is going to be changed."""
    with open(path, "rb+") as file:
        if found := _read(file):
            file.truncate(found[0])


def is_damaged(path: Path) -> bool:
    """Whether a file isn't any more what was sealed; a file without a checksum isn't looked at."""
    status = os.stat(path)
    return _is_damaged(path, status.st_ino, status.st_size, status.st_mtime_ns)


@functools.lru_cache(64)
def _is_damaged(path: Path, *version: int) -> bool:
    with open(path, "rb") as file:
        found = _read(file)
        if found is None:
            return False
        length, start, n_bytes, checksum = found
        is_whole = length + _SEAL.size == os.path.getsize(path) and start + n_bytes <= length
        return not is_whole or _checksum(file, length, start, n_bytes) != checksum


def _read(file: BinaryIO) -> tuple[int, int, int, int] | None:
    end = file.seek(0, os.SEEK_END)
    if end < _SEAL.size:
        return None
    file.seek(end - _SEAL.size)
    magic, length, start, n_bytes, checksum = _SEAL.unpack(file.read())
    return (length, start, n_bytes, checksum) if magic == _MAGIC else None


def _checksum(file: BinaryIO, length: int, start: int, n_bytes: int) -> int:
    """CRC-32 of the first ``length`` bytes but the signal's."""
    checksum = 0
    for first, last in ((0, start), (start + n_bytes, length)):
        file.seek(first)
        while first < last and (block := file.read(min(_BLOCK_BYTES, last - first))):
            checksum, first = zlib.crc32(block, checksum), first + len(block)
    return checksum
