"""Read sound files, in blocks and in bounded memory, at their own rate or another.

Everything that reads a recording goes through here: the preflight, the corpus builder, prompts
from files. Main names: :func:`info`, :func:`blocks`, :func:`load`, :class:`Resampler`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
import soxr

from ..errors import AudioError, ParameterError
from ..units import STORED_RATES, check_rate, seconds_to_samples
from .containers import n_missing_bytes
from .find import UNREADABLE, special_kind
from .names import native

BLOCK_SAMPLES = 2**16
"Samples (per channel) that are read at a time."

_LONGEST = 2**62
"Samples; libsndfile says more where the length isn't known."

_BIT_DEPTHS = {
    **{"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32},
    **{"FLOAT": 32, "DOUBLE": 64, "ULAW": 8, "ALAW": 8, "ALAC_16": 16, "ALAC_24": 24},
}


class RefusedError(AudioError):
    """A file can't be used; says why and what to do about it.

    Parameters
    ----------
    path : Path
        The file.
    reason : str
        What was found.
    remedy : str
        What to do about it.
    """

    def __init__(self, path: Path, reason: str, remedy: str) -> None:
        super().__init__(f"{path}: {reason}. {remedy}")
        self.path, self.reason, self.remedy = path, reason, remedy


@dataclass(frozen=True)
class SoundInfo:
    """What the header of a sound file says.

    Attributes
    ----------
    path : Path
        The file.
    sample_rate : int
        In Hz.
    channels : int
        Number of channels.
    n_samples : int
        Samples per channel.
    format, subtype : str
        libsndfile's names of container and encoding, such as "WAV" and "PCM_24".
    """

    path: Path
    sample_rate: int
    channels: int
    n_samples: int
    format: str
    subtype: str

    @property
    def duration_seconds(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.sample_rate

    @property
    def bit_depth(self) -> int | None:
        """Bits per sample; None for lossy formats, which have no such thing."""
        return _BIT_DEPTHS.get(self.subtype)


class Resampler:
    """Change the rate of a signal that arrives in blocks, by soxr at its very high quality.

    Parameters
    ----------
    from_rate, to_rate : int > 0
        Rates in Hz.
    channels : int > 0
        Number of channels.
    """

    def __init__(self, from_rate: int, to_rate: int, channels: int) -> None:
        self._stream = None
        from_rate = check_rate(from_rate, "from_rate", *STORED_RATES)  # soxr hangs with NaN
        to_rate = check_rate(to_rate, "to_rate", *STORED_RATES)
        if from_rate != to_rate:
            self._stream = soxr.ResampleStream(from_rate, to_rate, channels, "float32", "VHQ")

    def __call__(self, y: np.ndarray, last: bool = False) -> np.ndarray:
        """Resample the next block; ``last=True`` also returns what is still inside.

        Parameters
        ----------
        y : np.ndarray [shape=(C, n), dtype=float32]
            Next samples; may be empty.
        last : bool, default False
            Whether this is the end of the signal.

        Returns
        -------
        np.ndarray [shape=(C, m), dtype=float32]
            Samples at the new rate, as many as are ready.
        """
        if self._stream is None:
            return y
        resampled: np.ndarray = self._stream.resample_chunk(np.ascontiguousarray(y.T), last)
        return np.ascontiguousarray(resampled.T)


def info(path: str | os.PathLike[str]) -> SoundInfo:
    """Read the header of a sound file.

    Raises
    ------
    AudioError
        If the file can't be read or isn't sound; says which, and what to do.
    """
    path = Path(path)
    with _opened(path) as sound:
        return _info(path, sound)


def blocks(
    path: str | os.PathLike[str], sample_rate: int | None = None, block_samples: int = BLOCK_SAMPLES
) -> Iterator[np.ndarray]:
    """Read a sound file block by block, never more than a block in memory.

    Parameters
    ----------
    path : path
        WAV, FLAC, AIFF, OGG, Opus, MP3 ... of any rate, depth and length.
    sample_rate : int, optional
        Rate to resample to; the file's own if None.
    block_samples : int, default 65536
        Samples that are read at a time, at the file's own rate.

    Yields
    ------
    np.ndarray [shape=(C, n), dtype=float32]
        Consecutive parts, full scale at 1.

    Raises
    ------
    AudioError
        If the file can't be read, is malformed, or ends before its announced length.
    """
    path = Path(path)
    with _opened(path) as sound:
        resample = Resampler(sound.samplerate, sample_rate or sound.samplerate, sound.channels)
        for y in _decode(path, sound, block_samples):
            yield resample(y)
        yield resample(np.zeros((sound.channels, 0), np.float32), last=True)


def load(
    path: str | os.PathLike[str],
    sample_rate: int | None = None,
    mono: bool = False,
    start_seconds: float = 0.0,
    seconds: float | None = None,
) -> np.ndarray:
    """Load a sound file, or a part of it.

    Parameters
    ----------
    path : path
        Sound file of any format, rate and depth.
    sample_rate : int, optional
        Rate to resample to; the file's own if None.
    mono : bool, default False
        Whether to mix the channels to one.
    start_seconds : float >= 0, default 0
        Where to begin.
    seconds : float > 0, optional
        How much to load; everything to the end if None.

    Returns
    -------
    np.ndarray [shape=(C, N), dtype=float32]
        The sound, as loud as it was recorded.

    Raises
    ------
    AudioError
        If the file can't be read, is malformed, or ends before ``start_seconds``.
    """
    found = info(path)
    rate = sample_rate or found.sample_rate
    if start_seconds < 0 or (seconds is not None and seconds <= 0):
        raise ParameterError(
            f"start_seconds is {start_seconds} and seconds {seconds}; they can't be negative."
        )
    start = seconds_to_samples(start_seconds, rate)
    stop = None if seconds is None else start + seconds_to_samples(seconds, rate)
    parts, position = [np.zeros((found.channels, 0), np.float32)], 0
    for y in blocks(path, rate):
        parts.append(
            y[:, max(0, start - position) : None if stop is None else max(0, stop - position)]
        )
        position += y.shape[1]
        if stop is not None and position >= stop:
            break
    if position <= start and start_seconds > 0:
        raise AudioError(
            f"{path} lasts {position / rate:.2f} s; it can't be read from {start_seconds:g} s on."
        )
    y = np.concatenate(parts, axis=1)
    return y.mean(axis=0, keepdims=True, dtype=np.float32) if mono else y


def to_channels(y: np.ndarray, channels: int) -> np.ndarray:
    """Give a signal another number of channels.

    A mono signal is copied to all of them; any other number is mixed to one first.

    Parameters
    ----------
    y : np.ndarray [shape=(C, n)]
        The signal.
    channels : int > 0
        How many it shall have.

    Returns
    -------
    np.ndarray [shape=(channels, n)]
        The signal itself if it has as many already.
    """
    if y.shape[0] == channels:
        return y
    mixed = y.mean(axis=0, keepdims=True, dtype=y.dtype)
    return np.repeat(mixed, channels, axis=0)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a sound file, or say in words why that isn't possible."""
    if kind := special_kind(path):
        raise RefusedError(path, f"it is a {kind}, not a file", "Name a sound file.")
    try:
        with open(path, "rb") as file:
            is_empty = not file.read(1)
    except OSError as error:
        raise RefusedError(path, *_in_words(error)) from error
    if is_empty:
        raise RefusedError(
            path, "the file is empty (0 bytes)", "Record, export or download it again."
        )
    try:
        sound = sf.SoundFile(native(path))
    except (sf.LibsndfileError, TypeError) as error:
        raise RefusedError(path, *_diagnose(path, error)) from error
    with sound:
        if sound.frames > _LONGEST:
            raise RefusedError(
                path,
                "its header doesn't say how long it is, as when a program wrote it to a pipe",
                "Convert it to WAV or FLAC, or save it anew in an audio editor.",
            )
        yield sound


def _in_words(error: OSError) -> tuple[str, str]:
    if isinstance(error, PermissionError):
        return "there is no permission to read it", "Change its permissions or copy it elsewhere."
    if isinstance(error, FileNotFoundError):
        return "there is no such file", "Check the name and the folder you work in."
    if isinstance(error, IsADirectoryError):
        return "it is a folder", "Name a sound file in it."
    return f"it can't be read ({error.strerror})", "Check the disk or copy it elsewhere."


def _diagnose(path: Path, error: Exception) -> tuple[str, str]:
    """Reason and remedy for a file that libsndfile doesn't open."""
    convert = "Convert it to WAV or FLAC."
    if path.suffix.lower() in UNREADABLE:
        return f"{path.suffix.lower()} is a format that can't be read here", convert
    message = str(getattr(error, "error_string", error)).strip().rstrip(".")
    if getattr(error, "code", None) in (3, 4):  # recognised, but malformed or of unknown encoding
        return f"it is malformed or encoded in an unknown way ({message})", convert
    return "it is not a sound file: its content is no known audio format", (
        "Check what it is; renaming a file doesn't convert it."
    )


def _info(path: Path, sound: Any) -> SoundInfo:
    return SoundInfo(
        path, sound.samplerate, sound.channels, sound.frames, sound.format, sound.subtype
    )


def _decode(path: Path, sound: Any, block_samples: int) -> Iterator[np.ndarray]:
    """Decode an open file to its end, and make sure that this is the end it announced."""
    again = "Export or download it again, or open it in an audio editor and save it anew."
    n_decoded, announced = 0, sound.frames
    while True:
        try:
            y = sound.read(block_samples, dtype="float32", always_2d=True)
        except (sf.LibsndfileError, OSError) as error:
            raise RefusedError(
                path,
                f"it is malformed: decoding stopped after {n_decoded / sound.samplerate:.2f} s "
                f"({str(error).strip().rstrip('.')})",
                again,
            ) from error
        if not len(y):
            break
        n_decoded += len(y)
        yield np.ascontiguousarray(y.T)
    if n_decoded < announced or n_missing_bytes(path):
        raise RefusedError(
            path,
            f"it is truncated: it ends after {n_decoded / sound.samplerate:.2f} s, "
            "before its announced end",
            again,
        )
