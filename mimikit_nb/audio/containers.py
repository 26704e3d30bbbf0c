"""What the containers of sound files say about themselves: chunks, and whether all of it is there.

libsndfile reads a file that was cut off (a broken download, a full disk) without complaint and
returns what is left. The preflight wants to know. The same walk over the chunks of a WAV finds
the text that :mod:`.recall` writes.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

OPEN_ENDED = 0x7FFFF000
"Sizes from here on are written by programs that stream and don't know the length."


@dataclass(frozen=True)
class Chunk:
    """A chunk of a RIFF or AIFF file: its name, and where its content lies, in bytes."""

    name: bytes
    start: int
    size: int


def walk(file: BinaryIO) -> Iterator[Chunk]:
    """Go through the top-level chunks of a WAV (RIFF, RF64) or AIFF file; none for others."""
    file.seek(0)
    head = file.read(12)
    if head[:4] not in (b"RIFF", b"RF64", b"FORM") or len(head) < 12:
        return
    order = ">" if head[:4] == b"FORM" else "<"
    position, data_size = 12, None
    while True:
        file.seek(position)
        header = file.read(8)
        if len(header) < 8:
            return
        name, size = struct.unpack(f"{order}4sI", header)
        if name == b"ds64":
            data_size = struct.unpack("<Q", file.read(16)[8:])[0]
        if name == b"data" and data_size is not None:
            size = data_size
        yield Chunk(name, position + 8, size)
        position += 8 + size + size % 2


def n_missing_bytes(path: Path) -> int:
    """Bytes of sound that the container announces and the file doesn't hold; 0 if complete."""
    with open(path, "rb") as file:
        length = file.seek(0, os.SEEK_END)
        if _is_cut_ogg(file, length):
            return 1
        for chunk in walk(file):
            if chunk.name in (b"data", b"SSND"):
                is_streamed = OPEN_ENDED <= chunk.size <= 0xFFFFFFFF and length < chunk.size // 2
                return 0 if is_streamed else max(0, chunk.start + chunk.size - length)
    return 0


def _is_cut_ogg(file: BinaryIO, length: int) -> bool:
    """Whether this is an Ogg stream whose last page is incomplete or isn't marked as the last."""
    file.seek(0)
    if file.read(4) != b"OggS":
        return False
    file.seek(max(0, length - 2**17))  # two of the longest pages
    tail = file.read()
    page = tail[tail.rfind(b"OggS\0") :]
    if len(page) < 27 or not page[5] & 4:
        return True
    n_segments = page[26]  # their lengths follow, then the content
    return len(page) < 27 + n_segments + sum(page[27 : 27 + n_segments])
