"""The two decoders: libsndfile, and FFmpeg for what that can't read, where PyAV is installed.

Both decode block by block. Main names: :func:`decoder_of`, :class:`LibsndfileDecoder`,
:class:`FFmpegDecoder`.
"""

from __future__ import annotations

import abc
import contextlib
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import numpy as np
import soundfile as sf

from ..errors import AudioError
from .find import NEEDS_FFMPEG
from .messages import caught
from .names import native
from .parts import Contents, Part, PartFile

INSTALL = "Install FFmpeg's decoders: pip install 'mimikit_nb[formats]'."
CONVERT = "Convert it to WAV or FLAC."
AGAIN = "Export or download it again, or open it in an audio editor and save it anew."

_LONGEST = 2**62
"Samples; libsndfile says more where the length isn't known."

_BIT_DEPTHS = {
    **{"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32},
    **{"FLOAT": 32, "DOUBLE": 64, "ULAW": 8, "ALAW": 8, "ALAC_16": 16, "ALAC_24": 24},
}

_CHECKED = {"WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "SVX", "FLAC", "OGG", "MP3"}
"Formats of libsndfile of which it is known whether the file is complete."

_DEMUXERS = (
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dsf,dts,dtshd,eac3,flac,flv,iff,loas,"
    "matroska,mlp,mov,mp3,mpc,mpc8,mpeg,mpegts,mxf,ogg,oma,qcp,rm,shn,tak,truehd,tta,voc,w64,wav,"
    "wtv,wv,xwma"
)
"Formats that FFmpeg may take a file for: no playlists, which lead to other files, no pictures."

_LOSSLESS = {"alac", "flac", "wavpack", "tta", "ape", "tak", "shorten", "mlp", "truehd"}

_PADDING = 4096
"Samples; an encoder fills its last frame with fewer."

_ESTIMATED = set("AAC AC3 AMR DTS DTSHD EAC3 FLV LOAS MATROSKA MP3 MPEG MPEGTS RM WTV".split())
"Formats whose announced length FFmpeg estimates, or that of the picture."

_UNTOLD = _ESTIMATED - {"MATROSKA", "MP3"}
"Those of which nothing is known: of the others :func:`~.containers.survey` knows it."

_MOST_MISSING_SECONDS = 0.1
"""What codecs leave out at the ends is counted by some containers: two frames of Windows Media,
beside a picture, are 0.08 s."""

_MALFORMED = "it is malformed"


class UnreadableError(AudioError):
    """A decoder can't read this; says why, and what to do about it."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"{reason}. {remedy}")
        self.reason, self.remedy = reason, remedy


class Decoder(abc.ABC):
    """Reads a part of a sound file; to be closed by a ``with`` block.

    Attributes
    ----------
    name : str
        "libsndfile" or "FFmpeg".
    sample_rate, channels, n_samples : int
        As announced; for some formats that FFmpeg reads ``n_samples`` is an estimate, or 0.
    format, subtype : str
        Container and encoding.
    bit_depth : int or None
        Bits per sample; None for lossy formats.
    warnings : list of str
        What is odd; complete after all blocks were read.
    """

    name: str
    sample_rate: int
    channels: int
    n_samples: int
    format: str
    subtype: str
    bit_depth: int | None
    warnings: list[str]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abc.abstractmethod
    def blocks(self, n_samples: int) -> Iterator[np.ndarray]:
        """Decode to the end in blocks [shape=(C, n)], and make sure that it is the announced one.

        Raises
        ------
        UnreadableError
            If there is an error in the file, or it ends before.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Close the file."""


class LibsndfileDecoder(Decoder):
    """Reads a part of a file by libsndfile.

    Parameters
    ----------
    path : Path
        The file.
    part : Part, optional
        Which part of it; the whole if None.
    """

    name = "libsndfile"

    def __init__(self, path: Path, part: Part | None = None) -> None:
        self._file = None if part is None else PartFile(path, part)
        try:
            with caught([]):
                self._sound = sf.SoundFile(native(path) if self._file is None else self._file)
        except (sf.LibsndfileError, TypeError) as error:
            self._close_file()
            raise UnreadableError(*_diagnose(error)) from error
        self.sample_rate, self.channels = self._sound.samplerate, self._sound.channels
        self.n_samples = self._sound.frames
        self.format, self.subtype = self._sound.format, self._sound.subtype
        self.bit_depth = _BIT_DEPTHS.get(self.subtype)
        self.warnings = list[str]()
        if self.format not in _CHECKED:
            self.warnings.append(_untold(self.format))
        if self.n_samples > _LONGEST:
            self.close()
            raise UnreadableError("its header doesn't say how long it is", CONVERT)

    def close(self) -> None:
        """Close the file."""
        self._sound.close()
        self._close_file()

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()

    def blocks(self, n_samples: int) -> Iterator[np.ndarray]:
        """Decode to the end, which must be the announced one."""
        n_decoded, messages = 0, list[str]()
        is_mpeg = self.format == "MP3"
        while True:
            try:
                with caught(messages) if is_mpeg else contextlib.nullcontext():
                    y = self._sound.read(n_samples, dtype="float32", always_2d=True)
            except (sf.LibsndfileError, OSError) as error:
                stop = min(n_decoded + n_samples, self.n_samples)
                span = n_decoded / self.sample_rate, stop / self.sample_rate
                raise UnreadableError(_damaged(*span, error), AGAIN) from error
            if not len(y):
                break
            n_decoded += len(y)
            yield np.ascontiguousarray(y.T)
        if messages:
            self.warnings.append(f"damaged: its decoder reported {len(messages)} errors")
        if n_decoded < self.n_samples - self._n_before_zero():
            raise UnreadableError(_ended(n_decoded / self.sample_rate), AGAIN)

    def _n_before_zero(self) -> int:
        """Samples of Vorbis that lie before zero: its length counts them, no decoder gives them."""
        found = re.search(r"PCM offset *: -(\d+)", self._sound.extra_info)
        return int(found[1]) if found else 0


class FFmpegDecoder(Decoder):
    """Reads the sound of a part of a file by FFmpeg.

    Parameters
    ----------
    path : Path
        The file.
    part : Part
        Which part of it.
    """

    name = "FFmpeg"

    def __init__(self, path: Path, part: Part) -> None:
        import av

        self._av, self._exit = av, contextlib.ExitStack()
        file = self._exit.enter_context(PartFile(path, part))
        with self._exit:
            try:
                options = {"format_whitelist": _DEMUXERS}
                self._container: Any = self._exit.enter_context(
                    av.open(file, options=options, metadata_errors="replace")
                )
            except (av.FFmpegError, ValueError, OSError) as error:
                raise UnreadableError(
                    "it is not a sound file: its content is no known audio format",
                    "Check what it is; renaming a file doesn't convert it.",
                ) from error
            stream = self._container.streams.best("audio")
            if stream is None:
                raise UnreadableError("there is no sound in it", "Choose another file.")
            self._stream: Any = stream
            context: Any = self._stream.codec_context
            if context is None or not context.sample_rate or not context.channels:
                kind = "an unknown codec" if context is None else context.name
                raise UnreadableError(f"its sound can't be decoded ({kind})", CONVERT)
            self._exit = self._exit.pop_all()
        self.sample_rate, self.channels = context.sample_rate, context.channels
        self.format = self._container.format.name.split(",")[0].upper()
        self.subtype = context.codec.canonical_name.upper()
        self.bit_depth = _bit_depth(context)
        self.n_samples = round(self._seconds() * self.sample_rate)
        self.warnings, self._lost_seconds = list[str](), 0.0
        if self.format in _UNTOLD:
            self.warnings.append(_untold(self.format))

    def close(self) -> None:
        """Close the file."""
        self._exit.close()

    def _seconds(self) -> float:
        """Length that is announced, sometimes an estimate; 0 if there is none."""
        if self._stream.duration is not None:
            return float(self._stream.duration * self._stream.time_base)
        return (self._container.duration or 0) / 1e6

    def blocks(self, n_samples: int) -> Iterator[np.ndarray]:
        """Decode to the end; damaged packets are left out, with a warning."""
        n_decoded, waiting, n_waiting = 0, list[np.ndarray](), 0
        for y in self._without_padding(self._refusing(self._converted())):
            waiting.append(y)
            n_waiting += y.shape[1]
            n_decoded += y.shape[1]
            if n_waiting >= n_samples:
                yield np.concatenate(waiting, axis=1)
                waiting, n_waiting = [], 0
        if waiting:
            yield np.concatenate(waiting, axis=1)
        n_missing = self.n_samples - n_decoded - round(self._lost_seconds * self.sample_rate)
        if self.format not in _ESTIMATED and n_missing > _MOST_MISSING_SECONDS * self.sample_rate:
            raise UnreadableError(_ended(n_decoded / self.sample_rate), AGAIN)

    def _without_padding(self, decoded: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        """Leave out what an encoder added to fill its last frame, where the header tells."""
        if self.format != "MOV" or not self.n_samples:
            yield from decoded
            return
        n_decoded, beyond = 0, list[np.ndarray]()
        for y in decoded:
            n_wanted = max(0, self.n_samples - n_decoded)
            n_decoded += y.shape[1]
            if n_wanted:
                yield y[:, :n_wanted]
            if n_wanted < y.shape[1]:
                beyond.append(y[:, n_wanted:])
            if n_decoded - self.n_samples >= _PADDING:  # more than padding: the header is wrong
                yield from beyond
                beyond = []

    def _converted(self) -> Iterator[np.ndarray]:
        """Decode frame by frame to float32 at the rate and with the channels of the first."""
        shape, n_good, n_damaged = None, 0, 0
        resample: Any = None
        layout = self._stream.codec_context.layout
        for packet in self._container.demux(self._stream):
            try:
                frames = packet.decode()
            except (self._av.FFmpegError, ValueError):
                n_damaged += 1
                self._lost_seconds += float((packet.duration or 0) * (packet.time_base or 0))
                continue
            for frame in frames:
                n_good += 1
                if (frame.format.name, frame.layout.name, frame.sample_rate) != shape:
                    yield from _rest(resample)
                    shape = (frame.format.name, frame.layout.name, frame.sample_rate)
                    self._warn_of_change(frame)
                    resample = self._av.AudioResampler("fltp", layout, self.sample_rate)
                frame.pts = None  # gaps of the time stamps aren't filled
                yield from (part.to_ndarray() for part in resample.resample(frame))
        yield from _rest(resample)
        if n_damaged and not n_good:
            raise UnreadableError("its sound can't be decoded; it may be encrypted", CONVERT)
        if n_damaged:
            self.warnings.append(f"damaged: {n_damaged} packets can't be decoded and are left out")

    def _warn_of_change(self, frame: Any) -> None:
        """Say that from this frame on the sound is converted to what it was before."""
        channels, rate = len(frame.layout.channels), frame.sample_rate
        if (channels, rate) != (self.channels, self.sample_rate):
            self.warnings.append(
                f"it changes to {channels} channels at {rate} Hz; all becomes {self.channels} at "
                f"{self.sample_rate} Hz"
            )

    def _refusing(self, decoded: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        """Decode to the end, or say where FFmpeg can't go on."""
        try:
            yield from decoded
        except self._av.FFmpegError as error:
            raise UnreadableError(f"{_MALFORMED} ({error.strerror})", AGAIN) from error


def decoder_of(path: Path, part: Part, contents: Contents, is_whole: bool) -> Decoder:
    """Open a part of a file with libsndfile if it reads it to the end, else with FFmpeg.

    Parameters
    ----------
    path : Path
        The file.
    part : Part
        Which part of it.
    contents : Contents
        What is known about the file.
    is_whole : bool
        Whether the part is the whole file, as it is.

    Returns
    -------
    Decoder
        To be closed by a ``with`` block.

    Raises
    ------
    UnreadableError
        If neither can read it, or FFmpeg is needed and isn't there.
    """
    refusal = None
    if part.is_exact:
        try:
            return LibsndfileDecoder(path, None if is_whole else part)
        except UnreadableError as error:
            refusal = error
    if has_ffmpeg():
        try:
            return FFmpegDecoder(path, part)
        except UnreadableError as error:
            raise _clearest(refusal, error, contents) from error
    raise _without_ffmpeg(path, refusal, contents)


def has_ffmpeg() -> bool:
    """Whether PyAV is installed."""
    return find_spec("av") is not None


def _clearest(
    refusal: UnreadableError | None, error: UnreadableError, contents: Contents
) -> UnreadableError:
    """Of what both decoders say, what helps most."""
    if contents.encoding:
        reason = f"its sound is encoded as {contents.encoding}, which can't be decoded"
        return UnreadableError(reason, CONVERT)
    return refusal if refusal is not None and refusal.reason.startswith(_MALFORMED) else error


def _without_ffmpeg(
    path: Path, refusal: UnreadableError | None, contents: Contents
) -> UnreadableError:
    """What is said about a file that libsndfile can't read, or not to its end."""
    if contents.encoding:
        return UnreadableError(f"it is a WAV of {contents.encoding}", INSTALL)
    if refusal is None:
        reason = "its length can only be estimated without FFmpeg; some of it might get lost"
        return UnreadableError(reason, INSTALL)
    if path.suffix.lower() in NEEDS_FFMPEG:
        return UnreadableError(f"{path.suffix.lower()} can only be read with FFmpeg", INSTALL)
    return refusal


def _diagnose(error: Exception) -> tuple[str, str]:
    """Reason and remedy for a file that libsndfile doesn't open."""
    message = str(getattr(error, "error_string", error)).strip().rstrip(".")
    if getattr(error, "code", None) in (3, 4):  # recognised, but malformed or of unknown encoding
        return f"{_MALFORMED} or encoded in an unknown way ({message})", CONVERT
    return "it is not a sound file: its content is no known audio format", (
        "Check what it is; renaming a file doesn't convert it."
    )


def _bit_depth(context: Any) -> int | None:
    """Bits per sample of a lossless encoding; None for others."""
    if context.name not in _LOSSLESS and not context.name.startswith("pcm_"):
        return None
    cookie = context.extradata or b""
    if context.name == "alac" and len(cookie) >= 18:
        return int(cookie[17])  # it is decoded to 32 bits, whatever it has
    return context.format.bits if context.format else None


def _rest(resample: Any) -> Iterator[np.ndarray]:
    """What a resampler still holds."""
    if resample is not None:
        yield from (part.to_ndarray() for part in resample.resample(None))


def _damaged(start_seconds: float, stop_seconds: float, error: Exception) -> str:
    said = str(error).strip().rstrip(".")
    cause = "" if "psf_" in said else f" ({said})"  # libsndfile's own functions help nobody
    return (
        f"{_MALFORMED}: it is damaged between {start_seconds:.2f} and {stop_seconds:.2f} s{cause}"
    )


def _untold(kind: str) -> str:
    return f"{kind} files don't tell whether they are complete"


def _ended(seconds: float) -> str:
    return f"it is truncated: it ends after {seconds:.2f} s, before its announced end"
