"""Write sound files: whole or block by block, atomically, with recall data, never over others.

The last station of the way from a network to the ear. :func:`write` takes a sound in memory,
:class:`SoundWriter` one that is still being made.
"""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import soundfile as sf

from ..arguments import PathArg, Samples, StoredRate, checked
from ..errors import AudioError
from ..paths import as_path
from ..units import STORED_RATES, check_rate
from .arrays import as_sound, channels_of
from .atomic import replacing
from .containers import walk
from .files import info
from .names import native
from .recall import to_comment, write_recall
from .targets import SOUND, FileKind, check_target

_FORMATS = {
    **{".wav": "WAV", ".flac": "FLAC", ".aiff": "AIFF", ".aif": "AIFF", ".ogg": "OGG"},
    **{".mp3": "MP3", ".opus": "OGG", ".w64": "W64", ".rf64": "RF64", ".caf": "CAF"},
}
_LOSSY = {".ogg": "VORBIS", ".opus": "OPUS", ".mp3": "MPEG_LAYER_III"}
_WRITTEN = (np.int16, np.int32, np.float32, np.float64)  # as libsndfile takes them
_COMMENTED = ("WAV", "RF64", "FLAC", "OGG")


@checked
def write(
    path: PathArg,
    y: Samples,
    sample_rate: StoredRate,
    subtype: str | None = None,
    overwrite: bool = False,
    recall: Mapping[str, Any] | None = None,
    replaces: FileKind = SOUND,
) -> Path:
    """Write a sound as it is: nothing is normalised; what exceeds full scale is clipped.

    Parameters
    ----------
    path : path
        Where to; the extension decides the format (.wav, .flac, .aiff, .ogg, .opus, .mp3 ...).
    y : np.ndarray [shape=(C, N) or (N,)]
        The sound, full scale at 1; integers at the full scale of their type.
    sample_rate : int > 0
        In Hz.
    subtype : str, optional
        libsndfile's name of the encoding ("PCM_16", "PCM_24", "FLOAT" ...); 24 bits if None.
    overwrite : bool, default False
        Whether an existing sound file may be replaced, whoever made it: a recording, too.
        Anything else never is.
    recall : mapping, optional
        What is needed to make this sound again; read back by
        :func:`~mimikit_nb.audio.recall.read_recall`.
    replaces : FileKind, optional
        What an existing file must be to be replaced; any sound file if not given.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    AudioError
        If the file exists, can't be written, or the sound contains NaN or infinity.
    """
    y = channels_of(y, "The sound", AudioError, loudest=np.inf, nonfinite=True)
    if y.dtype not in _WRITTEN:
        y = as_sound(y, nonfinite=True)
    with SoundWriter(
        path, sample_rate, y.shape[0], subtype, overwrite, recall, y.shape[1], replaces
    ) as writer:
        writer.write(y)
    return writer.path


_BLOCK_SAMPLES = 2**16
"Samples handed to libsndfile at a time: its Vorbis encoder crashes the process on millions."


class SoundWriter:
    """Write a sound block by block; the file appears when the ``with`` block ends.

    If the block ends by an error, nothing appears.

    Parameters
    ----------
    path : path
        Where to; the extension decides the format.
    sample_rate : int > 0
        In Hz.
    channels : int > 0
        Number of channels.
    subtype : str, optional
        Encoding; 24 bits if None.
    overwrite : bool, default False
        Whether an existing sound file may be replaced, whoever made it: a recording, too.
        Anything else never is.
    recall : mapping, optional
        Recall data. In a WAV, where it stands at the end, :attr:`recall` may still be changed
        within the ``with`` block.
    n_samples : int, optional
        Length, where it is known. A WAV of more than 4 GB becomes an RF64, which is the same
        with larger numbers.
    replaces : FileKind, optional
        What an existing file must be to be replaced; any sound file if not given.

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
        subtype: str | None = None,
        overwrite: bool = False,
        recall: Mapping[str, Any] | None = None,
        n_samples: int | None = None,
        replaces: FileKind = SOUND,
    ) -> None:
        self.path = as_path(path)
        self.recall = recall
        self._format, self._subtype = _encoding(self.path, subtype)
        self._shape = (check_rate(sample_rate, "sample_rate", *STORED_RATES), channels)
        self._n_written, self._overwrite, self._replaces = 0, overwrite, replaces
        if self._format == "WAV" and (
            n_samples is None or n_samples * channels * 8 > 2**32 - 2**16
        ):
            self._format = "RF64"  # becomes a plain WAV in the end if it is short enough
        self._is_wav = self._format in ("WAV", "RF64")
        if recall is not None and self._format not in _COMMENTED:
            raise AudioError(f"{self.path.suffix} can't carry recall data; save as .wav or .flac.")
        check_target(self.path, self._replaces, self._overwrite)

    def __enter__(self) -> Self:
        self._exit = contextlib.ExitStack()
        try:
            self._temporary = self._exit.enter_context(replacing(self.path))
            self._sound = sf.SoundFile(
                native(self._temporary), "w", *self._shape, self._subtype, format=self._format
            )
            if self.recall is not None and not self._is_wav:
                self._sound.comment = to_comment(self.recall)
        except (OSError, sf.LibsndfileError, ValueError) as error:
            self._exit.__exit__(type(error), error, None)
            raise self._error(error) from error
        return self

    def write(self, y: np.ndarray) -> None:
        """Append a block.

        Parameters
        ----------
        y : np.ndarray [shape=(C, n)]
            Next samples.
        """
        if y.ndim != 2 or y.shape[0] != self._shape[1]:
            raise AudioError(f"{self.path}: expected [{self._shape[1]}, n] samples, got {y.shape}.")
        if not np.isfinite(y).all():
            raise AudioError(
                f"{self.path}: the sound contains NaN or infinity; nothing was written."
            )
        try:
            for start in range(0, y.shape[1], _BLOCK_SAMPLES):
                block = y[:, start : start + _BLOCK_SAMPLES]
                self._sound.write(np.ascontiguousarray(block.T))
        except (OSError, sf.LibsndfileError, AssertionError) as error:
            raise self._error(error) from error
        self._n_written += y.shape[1]

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            with contextlib.suppress(sf.LibsndfileError, OSError):
                self._sound.close()
            self._exit.__exit__(kind, error, trace)
            return
        try:
            with self._exit:
                self._finish()
        except (OSError, sf.LibsndfileError) as failure:
            raise self._error(failure) from failure

    def _finish(self) -> None:
        """Close the file, add the recall data, and make sure that all of it is there."""
        self._sound.close()
        if self.recall is not None and self._is_wav:
            write_recall(self._temporary, self.recall)
        if self._format == "RF64" and self.path.suffix.lower() != ".rf64":
            _shrink(self._temporary)
        n_found = info(self._temporary).n_samples if self._n_written else 0
        if n_found < self._n_written:
            raise AudioError(
                f"{self.path}: only {n_found} of {self._n_written} samples were written."
            )
        check_target(self.path, self._replaces, self._overwrite)

    def _error(self, error: Exception) -> AudioError:
        cause = str(getattr(error, "strerror", None) or error or "the disk may be full")
        return AudioError(
            f"{self.path} can't be written: {cause}. Check the folder and the space left."
        )


def _encoding(path: Path, subtype: str | None) -> tuple[str, str]:
    """Names of container and encoding for a path, or an AudioError that lists what there is."""
    extension = path.suffix.lower()
    if extension not in _FORMATS:
        raise AudioError(f"{path}: can't write {extension!r} files; known: {', '.join(_FORMATS)}.")
    chosen = subtype or _LOSSY.get(extension, "PCM_24")
    kind = _FORMATS[extension]
    if not sf.check_format(kind, chosen):
        known = ", ".join(sf.available_subtypes(kind))
        raise AudioError(f"{path}: {kind} can't hold {chosen!r}; known: {known}.")
    return kind, chosen


def _shrink(path: Path) -> None:
    """Turn an RF64 that is short enough into the plain WAV that every player knows."""
    with open(path, "rb+") as file:
        chunks = {chunk.name: chunk for chunk in walk(file)}
        file.seek(20)
        size, data_size = struct.unpack("<QQ", file.read(16))
        if size >= 2**32 - 2**16:
            return
        patches = {0: b"RIFF" + struct.pack("<I", size), 12: b"JUNK"}
        patches[chunks[b"data"].start - 4] = struct.pack("<I", data_size)
        start = chunks[b"fmt "].start
        file.seek(start)
        extensible = file.read(40)
        tag = extensible[24:26]  # the plain format that the extensible header wraps
        if chunks[b"fmt "].size == 40 and tag in (b"\1\0", b"\3\0"):
            patches[start - 4] = struct.pack("<I", 16) + tag
            patches[start + 16] = b"JUNK" + struct.pack("<I", 16)
        for position, content in patches.items():
            file.seek(position)
            file.write(content)
