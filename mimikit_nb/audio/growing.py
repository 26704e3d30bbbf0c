"""A WAV file that can be played while it grows, and after its writer was killed.

:class:`~.write.SoundWriter` shows a file when it is complete; sound without an end is never
complete. Here every block is on its way to the disk when :meth:`GrowingSound.append` returns,
and the header tells the length so far. A file above 4 GB turns into an RF64, which is the same
with larger numbers (EBU Tech 3306). Samples have 24 bits; what exceeds full scale is clipped.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np

from ..errors import AudioError
from .atomic import replacing
from .containers import walk
from .recall import to_chunk

LARGEST_RIFF = 2**32 - 2**16
_PCM, _BYTES = 1, 3


class GrowingSound:
    """Append to a WAV file, block by block.

    Parameters
    ----------
    path : path
        A file that doesn't exist; :meth:`reopen` goes on with one.
    sample_rate : int > 0
        In Hz.
    channels : int > 0
        Number of channels.
    recall : mapping, optional
        Recall data.

    Attributes
    ----------
    path : Path
    n_samples : int
        Samples per channel so far.

    Raises
    ------
    AudioError
        If the file exists or can't be written.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        sample_rate: int,
        channels: int = 1,
        recall: Mapping[str, Any] | None = None,
    ) -> None:
        self.path, self.n_samples = Path(path), 0
        self._frame_bytes = _BYTES * channels
        rate = sample_rate * self._frame_bytes
        form = struct.pack(
            "<HHIIHH", _PCM, channels, sample_rate, rate, self._frame_bytes, 8 * _BYTES
        )
        self._middle = b"fmt " + struct.pack("<I", len(form)) + form
        if recall is not None:
            self._middle += to_chunk(recall)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(self.path, "xb", buffering=0)
        except FileExistsError as error:
            raise AudioError(f"{self.path} exists. Choose another name, or extend it.") from error
        except OSError as error:
            raise self._error(error) from error
        self._start = len(self._header())
        self._write(self._header())

    @classmethod
    def reopen(cls, path: str | os.PathLike[str], n_samples: int) -> Self:
        """Go on behind the first ``n_samples`` of a file that was written like this.

        What is behind them is cut off.

        Raises
        ------
        AudioError
            If the file is shorter, or of another kind.
        """
        self = cls.__new__(cls)
        self.path, self.n_samples = Path(path), n_samples
        try:
            self._file = open(self.path, "rb+", buffering=0)
        except OSError as error:
            raise self._error(error) from error
        chunks = {chunk.name: chunk for chunk in walk(self._file)}
        if not {b"fmt ", b"data"} <= chunks.keys():
            raise AudioError(f"{path} is not a WAV file; it can't be extended.")
        first, self._start = chunks[b"fmt "].start, chunks[b"data"].start
        self._file.seek(first)
        form = self._file.read(16)
        tag, _, _, _, self._frame_bytes, bits = struct.unpack("<HHIIHH", form)
        if (tag, bits, first) != (_PCM, 8 * _BYTES, 56):
            raise AudioError(f"{path} was changed by another program; it can't be extended.")
        self._file.seek(48)
        self._middle = self._file.read(self._start - 8 - 48)
        end = self._start + n_samples * self._frame_bytes
        if self._file.seek(0, os.SEEK_END) < end:
            raise AudioError(
                f"{path} is shorter than the {n_samples} samples that its end state says; "
                "it was cut, so it can't be extended."
            )
        self._file.truncate(end)
        self._update_header()
        return self

    def append(self, y: np.ndarray) -> None:
        """Append a block ``[C, n]``.

        Raises
        ------
        AudioError
            If it can't be written, for example because the disk is full; what was there stays.
        """
        if not np.isfinite(y).all():
            raise AudioError(f"{self.path}: the sound contains NaN or infinity.")
        self._file.seek(self._start + self.n_samples * self._frame_bytes)
        self.n_samples += y.shape[1]
        is_odd = self.n_samples * self._frame_bytes % 2
        self._write(_encode(y) + b"\0" * is_odd)  # chunks have an even length
        self._update_header()

    def sync(self) -> None:
        """Force all that was appended onto the disk, where even a power failure finds it."""
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._error(error) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _update_header(self) -> None:
        self._file.seek(0)
        self._write(self._header())

    def _header(self) -> bytes:
        """All bytes before the samples, for the length so far."""
        n_bytes = self.n_samples * self._frame_bytes
        size = 4 + 36 + len(self._middle) + 8 + n_bytes + n_bytes % 2
        if size <= LARGEST_RIFF:
            start, room = b"RIFF" + struct.pack("<I", size), b"JUNK"
            sizes, data = bytes(28), struct.pack("<I", n_bytes)
        else:
            start, room = b"RF64\xff\xff\xff\xff", b"ds64"
            sizes, data = struct.pack("<QQQI", size, n_bytes, self.n_samples, 0), b"\xff" * 4
        return b"".join(
            [start, b"WAVE", room, struct.pack("<I", 28), sizes, self._middle, b"data", data]
        )

    def _write(self, content: bytes) -> None:
        view = memoryview(content)
        try:
            while len(view):
                view = view[self._file.write(view) :]
        except OSError as error:
            raise self._error(error) from error

    def _error(self, error: OSError) -> AudioError:
        return AudioError(
            f"{self.path} can't be written: {error.strerror or error}. "
            "Check the folder and the space left."
        )


def write_extendable(
    path: Path, y: np.ndarray, sample_rate: int, recall: Mapping[str, Any] | None = None
) -> None:
    """Write a sound ``[C, N]`` as a file that can grow later: whole or not at all.

    Raises
    ------
    AudioError
        If it can't be written, or contains NaN or infinity.
    """
    try:
        with replacing(path) as temporary:
            sound = GrowingSound(temporary, sample_rate, len(y), recall)
            sound.path = path
            try:
                sound.append(y)
            finally:
                sound.close()
    except OSError as error:
        raise AudioError(
            f"{path} can't be written: {error.strerror or error}. "
            "Check the folder and the space left."
        ) from error


def _encode(y: np.ndarray) -> bytes:
    """Samples ``[C, n]`` as interleaved integers of 24 bits."""
    full = 2.0 ** (8 * _BYTES - 1)
    integers = np.rint(y.T * full).clip(-full, full - 1).astype("<i4", order="C")
    return integers.view(np.uint8).reshape(-1, 4)[:, :_BYTES].tobytes()
