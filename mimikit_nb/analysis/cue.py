"""Cue points of WAV files: written behind the sound, read back.

Each segment becomes a cue point (``cue``), a name (``labl``) and a length (``ltxt``), the three
chunks that audio editors and samplers read. Main names: :func:`add_cues`, :func:`cue_points`.
"""

from __future__ import annotations

import struct
from collections import defaultdict, deque
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..audio.containers import walk
from ..errors import AudioError


def add_cues(path: Path, starts: np.ndarray, stops: np.ndarray, labels: Sequence[str]) -> None:
    """Append cue points to a WAV file.

    Parameters
    ----------
    path : Path
        A WAV file without cue points.
    starts, stops : np.ndarray [shape=(n,), dtype=int64]
        Samples.
    labels : list of str
        Names.

    Raises
    ------
    AudioError
        If it isn't a plain WAV file (those beyond 4 GB can't hold cue points everywhere).
    """
    points, texts = [], []
    for number, (start, stop, label) in enumerate(zip(starts, stops, labels, strict=True), 1):
        points.append(struct.pack("<II4sIII", number, int(start), b"data", 0, 0, int(start)))
        text = label.replace("\0", " ").encode("utf-8", "replace") + b"\0"
        texts.append(_chunk(b"labl", struct.pack("<I", number) + text))
        length = struct.pack("<II4sHHHH", number, int(stop - start), b"rgn ", 0, 0, 0, 0)
        texts.append(_chunk(b"ltxt", length))
    cue = _chunk(b"cue ", struct.pack("<I", len(points)) + b"".join(points))
    added = cue + _chunk(b"LIST", b"adtl" + b"".join(texts))
    with open(path, "rb+") as file:
        if file.read(4) != b"RIFF":
            raise AudioError(f"{path} is no plain WAV file; cue points can't be added.")
        end = file.seek(0, 2)
        file.write(b"\0" * (end % 2) + added)
        size = file.tell() - 8
        if size >= 2**32:
            raise AudioError(f"{path} is too long for cue points; export CSV or regions instead.")
        file.seek(4)
        file.write(struct.pack("<I", size))


def cue_points(path: Path) -> list[tuple[int, int, str]]:
    """Read the cue points of a WAV file.

    Parameters
    ----------
    path : Path
        A WAV file.

    Returns
    -------
    list of (start, length, label)
        In samples, in the file's order; the length is 0 where none is given.
    """
    points: list[tuple[int, int]] = []
    texts = Texts()
    with open(path, "rb") as file:
        for chunk in list(walk(file)):
            if chunk.name not in (b"cue ", b"LIST"):
                continue
            file.seek(chunk.start)
            content = file.read(chunk.size)
            if chunk.name == b"cue ":
                for at in range(4, len(content) - 23, 24):
                    number, _, _, _, _, start = struct.unpack_from("<II4sIII", content, at)
                    points.append((number, start))
            elif content[:4] == b"adtl":
                texts.read(content[4:])
    return [
        (start, texts.length(number), texts.label(number, str(position)))
        for position, (number, start) in enumerate(points, 1)
    ]


class Texts:
    """Names and lengths that a WAV file tells of its cue points, by their numbers.

    Where several points share a number, they take what is told of it in turn.
    """

    def __init__(self) -> None:
        self._lengths: dict[int, deque[int]] = defaultdict(deque)
        self._labels: dict[int, deque[str]] = defaultdict(deque)

    def read(self, content: bytes) -> None:
        """Take over a list of associated data."""
        at = 0
        while at + 12 <= len(content):
            name, size, number = struct.unpack_from("<4sII", content, at)
            body = content[at + 12 : at + 8 + size]
            if name == b"labl":
                self._labels[number].append(_decode(body.split(b"\0")[0]))
            elif name == b"ltxt" and len(body) >= 4:
                self._lengths[number].append(struct.unpack_from("<I", body)[0])
            at += 8 + size + size % 2

    def label(self, number: int, otherwise: str) -> str:
        """Name of the next point with this number."""
        return self._labels[number].popleft() if self._labels[number] else otherwise

    def length(self, number: int) -> int:
        """Length of the next point with this number; 0 if there is none."""
        return self._lengths[number].popleft() if self._lengths[number] else 0


def _decode(text: bytes) -> str:
    """Text as UTF-8, or as older programs of Windows write it."""
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("cp1252", "replace")


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
