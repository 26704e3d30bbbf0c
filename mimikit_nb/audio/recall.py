"""Recall data: what is needed to make a sound again, carried by the sound file itself.

The text stands as JSON in the file's comment: in a WAV the standard ``LIST``/``INFO``/``ICMT``
chunk, in FLAC and Ogg a comment of the stream. Players ignore or show it; editors mostly keep
it. :class:`~mimikit_nb.audio.write.SoundWriter` writes it, :func:`read_recall` reads it back.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import soundfile as sf

from ..arguments import PathArg, checked
from ..config import plain
from ..errors import AudioError
from .containers import walk
from .files import info
from .find import special_kind
from .names import native

MARK = "mimikit_nb_recall"
"Key that tells our comments from others; its value is the version of the data."


def to_comment(recall: Mapping[str, Any]) -> str:
    """Recall data as text, in plain ASCII so that every player can show it."""
    try:
        content = plain({MARK: 1, **recall})
        return json.dumps(content, ensure_ascii=True, allow_nan=False, default=str)
    except (ValueError, RecursionError) as error:
        raise AudioError(f"The recall data can't be written as JSON: {error}.") from error


def to_chunk(recall: Mapping[str, Any]) -> bytes:
    """Recall data as the chunk of a WAV file."""
    text = to_comment(recall).encode("ascii") + b"\0"
    text += b"\0" * (len(text) % 2)
    content = b"INFOICMT" + struct.pack("<I", len(text)) + text
    return b"LIST" + struct.pack("<I", len(content)) + content


@checked
def write_recall(path: PathArg, recall: Mapping[str, Any]) -> None:
    """Append recall data to a WAV file that has none, in place.

    Parameters
    ----------
    path : path
        A WAV or RF64 file, closed.
    recall : mapping
        JSON types; others are written as text.

    Raises
    ------
    AudioError
        If the file isn't a WAV, or can't be written to.
    """
    chunk = to_chunk(recall)
    if kind := special_kind(path):
        raise AudioError(f"{path} is a {kind}; recall data can't be appended to it.")
    try:
        with open(path, "rb+") as file:
            _append(file, chunk, str(path))
    except OSError as error:
        raise AudioError(f"{path} can't be written to: {error.strerror}.") from error


def _append(file: BinaryIO, chunk: bytes, name: str) -> None:
    kind = file.read(4)
    if kind not in (b"RIFF", b"RF64"):
        raise AudioError(f"{name} is not a WAV file; recall data can't be appended to it.")
    end = file.seek(0, os.SEEK_END)
    file.write(b"\0" * (end % 2) + chunk)
    size = file.tell() - 8
    file.seek(4 if kind == b"RIFF" else 20)  # RF64 keeps its size in the ds64 chunk
    file.write(struct.pack("<I" if kind == b"RIFF" else "<Q", size))


@checked
def read_recall(path: PathArg) -> dict[str, Any]:
    """Read the recall data of a sound file that this package generated.

    Parameters
    ----------
    path : path
        Sound file.

    Returns
    -------
    dict
        What was written: checkpoint, config, seed, prompt ...

    Raises
    ------
    AudioError
        If the file can't be read or carries no recall data.

    Examples
    --------
    >>> path = made.save("recalled")[0]
    >>> mnb.read_recall(path)["checkpoint"]["step"]
    4
    """
    path = Path(path)
    kind = info(path).format
    comment = _wav_comment(path) if kind in ("WAV", "WAVEX", "RF64") else _stream_comment(path)
    try:
        recall = json.loads(comment)
    except ValueError:
        recall = None
    if not isinstance(recall, dict) or MARK not in recall:
        raise AudioError(
            f"{path} carries no recall data. Only sounds saved by this package do, "
            "and some audio editors drop it."
        )
    return {name: value for name, value in recall.items() if name != MARK}


def _wav_comment(path: Path) -> str:
    """Text of the comment chunk; empty if there is none."""
    with open(path, "rb") as file:
        for chunk in walk(file):
            if chunk.name != b"LIST":
                continue
            file.seek(chunk.start)
            content = file.read(chunk.size)
            position = 4
            while content[:4] == b"INFO" and position + 8 <= len(content):
                name, size = struct.unpack_from("<4sI", content, position)
                if name == b"ICMT":
                    text = content[position + 8 : position + 8 + size]
                    return text.rstrip(b"\0").decode("utf-8", "replace")
                position += 8 + size + size % 2
    return ""


def _stream_comment(path: Path) -> str:
    with sf.SoundFile(native(path)) as sound:
        return str(sound.comment)
