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

import numpy as np
import soxr

from ..arguments import Count, PathArg, Position, Seconds, StoredRate, checked
from ..errors import AudioError
from ..units import STORED_RATES, check_rate, seconds_to_samples
from .channels import mix_to_mono, to_channels
from .containers import survey
from .decoders import AGAIN, Decoder, UnreadableError, decoder_of
from .find import special_kind
from .parts import Contents, Part

BLOCK_SAMPLES = 2**16
"Samples (per channel) that are read at a time."

RATES = (4000, 768_000)
"Lowest and highest sample rate of a recording, in Hz; others are errors or no sound."


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
        Samples per channel; what FFmpeg reads may turn out to be a little longer or shorter.
    format, subtype : str
        The decoder's names of container and encoding, such as "WAV" and "PCM_24".
    bit_depth : int or None
        Bits per sample; None for lossy formats, which have no such thing.
    decoder : str
        What reads it, "libsndfile" or "FFmpeg".
    warnings : tuple of str
        What is odd about the file.
    """

    path: Path
    sample_rate: int
    channels: int
    n_samples: int
    format: str
    subtype: str
    bit_depth: int | None = None
    decoder: str = "libsndfile"
    warnings: tuple[str, ...] = ()

    @property
    def duration_seconds(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.sample_rate


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


class OpenSound:
    """A sound file that is open for reading.

    Attributes
    ----------
    info : SoundInfo
        What its header says.
    warnings : list of str
        What is odd about it; complete when it was read to its end.
    """

    def __init__(self, path: Path, contents: Contents, first: Decoder) -> None:
        self._path, self._contents, self._first = path, contents, first
        self._next = 0
        self.info = self._look()
        self.warnings = list(self.info.warnings)

    def _look(self) -> SoundInfo:
        first, warnings = self._first, [*self._contents.warnings, *self._first.warnings]
        rates, counts, n_samples = {first.sample_rate}, {first.channels}, first.n_samples
        for part in self._contents.parts[1:]:
            with _decoder(self._path, part, self._contents) as decoder:
                n_samples += round(decoder.n_samples * first.sample_rate / decoder.sample_rate)
                rates.add(decoder.sample_rate)
                counts.add(decoder.channels)
        channels = max(counts)
        if len(counts) > 1:
            listed = _listed(counts)
            if counts != {1, channels}:
                reason = f"its parts have {listed} channels, which don't fit each other"
                raise RefusedError(self._path, reason, "Take the parts apart.")
            warnings.append(f"its parts have {listed} channels; mono goes to all {channels}")
        if len(rates) > 1:
            warnings.append(
                f"its parts have {_listed(rates)} Hz; all become {first.sample_rate} Hz"
            )
        if self._contents.left_out:
            seconds = self._contents.left_out * n_samples / first.sample_rate
            warnings.append(f"what lies behind its announced end is left out, {seconds:.1f} s")
        return SoundInfo(
            self._path,
            first.sample_rate,
            channels,
            n_samples,
            first.format,
            first.subtype,
            first.bit_depth,
            first.name,
            tuple(warnings),
        )

    @property
    def is_seekable(self) -> bool:
        """Whether libsndfile reads the file as it is, and quickly from any place on."""
        is_mpeg = self.info.format == "MP3"  # where it seeks by decoding
        return self.info.decoder == "libsndfile" and _is_plain(self._contents) and not is_mpeg

    def blocks(self, block_samples: int = BLOCK_SAMPLES) -> Iterator[np.ndarray]:
        """Decode block by block [shape=(C, n)], at the rate of the first part.

        Raises
        ------
        RefusedError
            If the file is malformed, or ends before its announced length.
        """
        yield from self._decode(self._first, block_samples)
        for part in self._contents.parts[1:]:
            with _decoder(self._path, part, self._contents) as decoder:
                yield from self._decode(decoder, block_samples)

    def _decode(self, decoder: Decoder, block_samples: int) -> Iterator[np.ndarray]:
        n_before, channels = len(decoder.warnings), self.info.channels
        resample = Resampler(decoder.sample_rate, self.info.sample_rate, channels)
        try:
            for y in decoder.blocks(block_samples):
                yield resample(to_channels(y, channels))
        except UnreadableError as error:
            raise RefusedError(self._path, error.reason, error.remedy) from error
        yield resample(np.zeros((channels, 0), np.float32), last=True)
        self.warnings += decoder.warnings[n_before:]


@contextlib.contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[OpenSound]:
    """Open a sound file, to read its header and its samples.

    Yields
    ------
    OpenSound
        It is closed when the ``with`` block ends.

    Raises
    ------
    RefusedError
        If the file can't be read, isn't sound, or is truncated; says what to do.
    """
    path = Path(path)
    if kind := special_kind(path):
        raise RefusedError(path, f"it is a {kind}, not a file", "Name a sound file.")
    try:
        contents = survey(path) if path.stat().st_size else None
    except OSError as error:
        raise RefusedError(path, *_in_words(error)) from error
    if contents is None:
        remedy = "Record, export or download it again."
        raise RefusedError(path, "the file is empty (0 bytes)", remedy)
    if contents.is_truncated:
        raise RefusedError(path, "it is truncated: it ends before its announced end", AGAIN)
    with _decoder(path, contents.parts[0], contents) as decoder:
        yield OpenSound(path, contents, decoder)


def _decoder(path: Path, part: Part, contents: Contents) -> Decoder:
    """Decoder of a part of a file, or our error that says why there is none."""
    try:
        decoder = decoder_of(path, part, contents, _is_plain(contents))
    except UnreadableError as error:
        raise RefusedError(path, error.reason, error.remedy) from error
    return decoder


def _is_plain(contents: Contents) -> bool:
    """Whether a file is one sound, from its first byte on."""
    part = contents.parts[0]
    return len(contents.parts) == 1 and part.start == 0 and not part.head


def refuse_odd_rate(found: SoundInfo) -> None:
    """Refuse a file whose header says a rate that no recording has; its sound would be as long."""
    lowest, highest = RATES
    if not lowest <= found.sample_rate <= highest:
        raise RefusedError(
            found.path,
            f"its header says {found.sample_rate} Hz; recordings of {lowest} to {highest} Hz "
            "are read",
            "If the header is wrong, correct it in an audio editor; else resample the file.",
        )


@checked
def info(path: PathArg) -> SoundInfo:
    """Read the header of a sound file.

    Raises
    ------
    AudioError
        If the file can't be read or isn't sound; says which, and what to do.
    """
    with opened(path) as sound:
        return sound.info


@checked
def blocks(
    path: PathArg, sample_rate: StoredRate | None = None, block_samples: Count = BLOCK_SAMPLES
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
    with opened(path) as sound:
        yield from _resampled(sound, sample_rate or sound.info.sample_rate, block_samples)


def _resampled(sound: OpenSound, sample_rate: int, block_samples: int) -> Iterator[np.ndarray]:
    """Samples of an open file at another rate."""
    own = sound.info
    if sample_rate != own.sample_rate:
        refuse_odd_rate(own)
    resample = Resampler(own.sample_rate, sample_rate, own.channels)
    for y in sound.blocks(block_samples):
        yield resample(y)
    yield resample(np.zeros((own.channels, 0), np.float32), last=True)


@checked
def load(
    path: PathArg,
    sample_rate: StoredRate | None = None,
    mono: bool = False,
    start_seconds: Position = 0.0,
    seconds: Seconds | None = None,
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
    with opened(path) as sound:
        rate = sample_rate or sound.info.sample_rate
        start = seconds_to_samples(start_seconds, rate)
        stop = None if seconds is None else start + seconds_to_samples(seconds, rate)
        parts, position = [np.zeros((sound.info.channels, 0), np.float32)], 0
        for y in _resampled(sound, rate, BLOCK_SAMPLES):
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
    return mix_to_mono(y) if mono else y


def _listed(numbers: set[int]) -> str:
    return ", ".join(str(number) for number in sorted(numbers))


def _in_words(error: OSError) -> tuple[str, str]:
    if isinstance(error, PermissionError):
        return "there is no permission to read it", "Change its permissions or copy it elsewhere."
    if isinstance(error, FileNotFoundError):
        return "there is no such file", "Check the name and the folder you work in."
    if isinstance(error, IsADirectoryError):
        return "it is a folder", "Name a sound file in it."
    return f"it can't be read ({error.strerror})", "Check the disk or copy it elsewhere."
