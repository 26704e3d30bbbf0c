"""A sound as a view needs it: extremes for the waveform, levels, a spectrogram, bytes to play.

Nothing here is scaled to look or sound better: amplitudes are drawn and sent at fixed gain, so a
silent sound looks and sounds silent. Files are read in blocks; an hour is never in memory at
once. Main names: :func:`open_sound`, :class:`Sound`.
"""

from __future__ import annotations

import io
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import soundfile

from ...audio.arrays import as_sound
from ...audio.files import OpenSound, opened
from ...audio.names import native, readable
from ...audio.spectrum import power_of_frames
from ...errors import AudioError, ParameterError
from ...units import check_rate

FULL_SCALE = 32768  # extremes are kept as 16-bit integers
MOST_BINS = 2**20  # of the finest waveform level
FEWEST_BINS = 2**12  # of the coarsest
LEVEL_STEP = 8  # from one waveform level to the next coarser one
BLOCK = 2**18  # samples read at once
METER_SECONDS = 0.05
MOST_CLIPS = 500  # places where the sound clips, told apart
SPECTROGRAM_ROWS = 128
FLOOR_DB = -90.0
LOWEST_HZ = 40.0
PLAYABLE = {
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
}


def open_sound(audio: np.ndarray | str | Path, sr: int | None = None) -> Sound:
    """Sound from an array or a file.

    Parameters
    ----------
    audio : np.ndarray [shape=(T,) or (C, T)] or path
        Samples in [-1, 1], or a sound file.
    sr : int > 0, optional
        Sample rate of an array, in Hz; a file knows its own.

    Returns
    -------
    Sound
        A view onto the samples; floats of 32 bits aren't copied.

    Raises
    ------
    AudioError
        If the file can't be read.
    ParameterError
        If an array comes without a rate or isn't sound.
    """
    if isinstance(audio, str | Path):
        return _open_file(Path(audio))
    if sr is None:
        raise ParameterError("sr is None; an array needs its sample rate, in Hz.")
    y = as_sound(audio, "The audio", loudest=np.inf, nonfinite=True)
    return Sound(check_rate(sr, "sr"), y.shape[0], y.shape[1], array=y)


def _open_file(path: Path) -> Sound:
    with opened(path) as sound:
        about = sound.info
        if sound.is_seekable:
            found = Sound(about.sample_rate, about.channels, about.n_samples, path=path.resolve())
        else:
            y = _decoded(sound)
            found = Sound(about.sample_rate, y.shape[0], y.shape[1], y, path.resolve())
    if found.n_samples == 0:
        raise AudioError(f"{path} holds no samples; choose another file.")
    return found


def _decoded(sound: OpenSound) -> np.ndarray:
    """All samples [shape=(C, T)], on disk, in a file that ends with the array."""
    with tempfile.TemporaryFile() as file:
        for y in sound.blocks():
            file.write(np.ascontiguousarray(y.T, np.float32).data)
        file.flush()
        n_samples = file.tell() // (4 * sound.info.channels)
        shape = (n_samples, sound.info.channels)
        return np.memmap(file, np.float32, "r", shape=shape).T if n_samples else np.zeros((1, 0))


@dataclass(frozen=True)
class Sound:
    """Samples of one sound, read where they lie.

    Attributes
    ----------
    sample_rate : int
        In Hz.
    n_channels, n_samples : int
        Size of the signal.
    array : np.ndarray [shape=(C, T)], optional
        The samples, if they are in memory.
    path : Path, optional
        The file they come from. Without an array they are read from it.
    """

    sample_rate: int
    n_channels: int
    n_samples: int
    array: np.ndarray | None = None
    path: Path | None = None

    @property
    def duration_seconds(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.sample_rate

    @property
    def name(self) -> str:
        """Name of the file; empty for an array."""
        return readable(self.path.name) if self.path else ""

    def read(self, start: int, stop: int) -> np.ndarray:
        """Samples [shape=(C, stop - start)] as float32; silence outside the sound."""
        first, last = max(start, 0), min(stop, self.n_samples)
        y = np.zeros((self.n_channels, stop - start), np.float32)
        if first >= last:
            return y
        if self.array is not None:
            y[:, first - start : last - start] = self.array[:, first:last]
        else:
            with self._open() as file:
                file.seek(first)
                found = file.read(last - first, dtype="float32", always_2d=True).T
            y[:, first - start : first - start + found.shape[1]] = found
        return y

    def _open(self) -> soundfile.SoundFile:
        assert self.path is not None
        return soundfile.SoundFile(native(self.path))

    def _blocks(self, length: int) -> Iterator[np.ndarray]:
        """Consecutive blocks [shape=(length or less, C)] as stored, 16-bit if the file is."""
        if self.array is not None:
            for start in range(0, self.n_samples, length):
                yield self.array[:, start : start + length].T
            return
        with self._open() as file:
            dtype = "int16" if file.subtype in ("PCM_16", "PCM_U8", "PCM_S8") else "float32"
            yield from file.blocks(length, dtype=dtype, always_2d=True)

    # --- waveform -----------------------------------------------------------------------------

    @cached_property
    def levels(self) -> list[int]:
        """Samples per bin of the waveform levels, finest first."""
        finest = 1
        while self.n_samples / finest > MOST_BINS:
            finest *= 2
        levels = [finest]
        while self.n_samples / (levels[-1] * LEVEL_STEP) >= FEWEST_BINS:
            levels.append(levels[-1] * LEVEL_STEP)
        return levels

    @cached_property
    def extremes(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest sample of each bin of the finest level [shape=(bins, C)], int16."""
        size = self.levels[0]
        parts = [_extremes(block, size) for block in self._blocks(max(size, BLOCK // size * size))]
        low, high = (np.concatenate(side) for side in zip(*parts, strict=True))
        return low, high

    def waveform_data(self, samples_per_bin: int) -> bytes:
        """One level in the binary format of waveform-data.js (version 2, 8 bits)."""
        low, high = self.extremes
        step = max(1, samples_per_bin // self.levels[0])
        low, high = _coarser(low, step, np.minimum), _coarser(high, step, np.maximum)
        pairs = np.stack([low, high], axis=2).astype(np.float32) * (127 / (FULL_SCALE - 1))
        data = np.clip(np.rint(pairs), -128, 127).astype(np.int8)
        size = step * self.levels[0]
        header = struct.pack("<iIiiIi", 2, 1, self.sample_rate, size, len(data), self.n_channels)
        return header + data.tobytes()

    @cached_property
    def peak_dbfs(self) -> float:
        """Highest absolute sample in dB below full scale; -inf for silence."""
        low, high = self.extremes
        peak = max(int(high.max()), -int(low.min()))
        return 20 * float(np.log10(min(peak / (FULL_SCALE - 1), 1))) if peak else float("-inf")

    def meter(self) -> tuple[bytes, float]:
        """Peak level every 50 ms and channel, and the exact step in seconds.

        A byte counts half decibels below full scale: 0 touches it, 255 is silence.
        """
        low, high = self.extremes
        step = max(1, round(METER_SECONDS * self.sample_rate / self.levels[0]))
        peak = np.maximum(
            _coarser(high, step, np.maximum).astype(np.int32),
            -_coarser(low, step, np.minimum).astype(np.int32),
        )
        below = -2 * 20 * np.log10(np.maximum(peak, 1) / (FULL_SCALE - 1))
        data = np.where(peak > 0, np.clip(np.ceil(below), 0, 254), 255).astype(np.uint8)
        return data.tobytes(), step * self.levels[0] / self.sample_rate

    @cached_property
    def clips(self) -> list[tuple[float, float]]:
        """Places (start, stop) in seconds where the sound touches full scale; near ones as one."""
        low, high = self.extremes
        touched = (high.max(axis=1) >= FULL_SCALE - 1) | (low.min(axis=1) <= -FULL_SCALE)
        bins = np.flatnonzero(touched)
        if not len(bins):
            return []
        breaks = np.flatnonzero(np.diff(bins) > max(1, len(low) // MOST_CLIPS))
        starts = bins[np.concatenate([[0], breaks + 1])]
        stops = bins[np.concatenate([breaks, [len(bins) - 1]])] + 1
        second = self.levels[0] / self.sample_rate
        return [(float(a * second), float(b * second)) for a, b in zip(starts, stops, strict=True)]

    # --- spectrogram --------------------------------------------------------------------------

    def spectrogram(self, start_seconds: float, stop_seconds: float, n_columns: int) -> np.ndarray:
        """Spectrogram of a passage on a logarithmic axis, one spectrum per column.

        The cost depends on the number of columns, not on the length of the passage.

        Parameters
        ----------
        start_seconds, stop_seconds : float
            The passage.
        n_columns : int
            Number of spectra, evenly spaced.

        Returns
        -------
        image : np.ndarray [shape=(128, n_columns)], uint8
            Highest frequency first; 0 is -90 dBFS or less, 255 is 0 dBFS.
        """
        n_fft = 2 ** int(np.clip(round(np.log2(self.sample_rate * 0.05)), 8, 13))
        step = (stop_seconds - start_seconds) / n_columns
        centres = start_seconds + step * (np.arange(n_columns) + 0.5)
        starts = np.rint(centres * self.sample_rate).astype(int) - n_fft // 2
        magnitudes = np.sqrt(power_of_frames(self._frames(starts, n_fft)))
        rows = _on_log_axis(magnitudes, self.sample_rate / n_fft, self.sample_rate / 2)
        decibels = 20 * np.log10(rows + 1e-6)
        image = np.clip((decibels - FLOOR_DB) * (255 / -FLOOR_DB), 0, 255)
        return np.ascontiguousarray(image.T[::-1].astype(np.uint8))

    def _frames(self, starts: np.ndarray, length: int) -> np.ndarray:
        """Frames [shape=(len(starts), length)] of the mean of all channels."""
        first, last = int(starts[0]), int(starts[-1]) + length
        if self.array is not None or last - first <= 4 * length * len(starts):
            y = self.array if self.array is not None else self.read(first, last)
            shift = 0 if self.array is not None else first
            return np.stack([_window(y, int(s) - shift, length) for s in starts])
        with self._open() as file:
            return np.stack([_window_of_file(file, int(s), length) for s in starts])

    # --- sound --------------------------------------------------------------------------------

    def encode(self, as_is: bool = True) -> tuple[bytes, str]:
        """Bytes that a browser can play, and their media type.

        A file of a kind that browsers know is sent as it is (unless ``as_is`` is false); all
        else as 16-bit FLAC, at its own level.
        """
        suffix = "" if self.path is None else self.path.suffix.lower()
        is_sent = suffix == ".mp3" or (self.array is None and suffix in PLAYABLE)
        if as_is and is_sent and self.path is not None:
            return self.path.read_bytes(), PLAYABLE[suffix]
        buffer = io.BytesIO()
        with soundfile.SoundFile(
            buffer, "w", self.sample_rate, self.n_channels, "PCM_16", format="FLAC"
        ) as file:
            for block in self._blocks(BLOCK):
                file.write(np.clip(block, -1, 1) if block.dtype.kind == "f" else block)
        return buffer.getvalue(), PLAYABLE[".flac"]


def frequency_ticks(sample_rate: int) -> list[tuple[str, float]]:
    """Labels of a spectrogram's frequency axis, with their heights from 0 (low) to 1 (high)."""
    octaves = np.log2(sample_rate / 2 / LOWEST_HZ)
    known = {100: "100 Hz", 300: "300", 1000: "1 k", 3000: "3 k", 10000: "10 k"}
    heights = {text: float(np.log2(hz / LOWEST_HZ) / octaves) for hz, text in known.items()}
    return [(text, height) for text, height in heights.items() if height < 0.97]


def _on_log_axis(magnitudes: np.ndarray, bin_hz: float, highest_hz: float) -> np.ndarray:
    """Spectra [shape=(columns, bins)] on rows of equal pitch [shape=(columns, rows)].

    A row takes the highest of its bins; where a bin spans several rows, they go between bins.
    """
    edges = np.geomspace(LOWEST_HZ, highest_hz, SPECTROGRAM_ROWS + 1) / bin_hz
    first = np.floor(edges[:-1]).astype(int)
    highest = np.maximum.reduceat(magnitudes, first, axis=1)
    centres = np.sqrt(edges[:-1] * edges[1:])
    below = np.minimum(centres.astype(int), magnitudes.shape[1] - 2)
    part = centres - below
    between = magnitudes[:, below] * (1 - part) + magnitudes[:, below + 1] * part
    return np.where(np.diff(edges) < 1, between, highest)


def _window(y: np.ndarray, start: int, length: int) -> np.ndarray:
    """Mean of all channels from ``start`` on [shape=(length,)]; silence outside ``y``."""
    first, last = max(start, 0), max(min(start + length, y.shape[1]), 0)
    frame = np.zeros(length, np.float32)
    if first < last:
        frame[first - start : last - start] = y[:, first:last].mean(axis=0)
    return frame


def _window_of_file(file: soundfile.SoundFile, start: int, length: int) -> np.ndarray:
    """The same from an open file."""
    first = min(max(start, 0), file.frames)
    file.seek(first)
    found = file.read(max(start + length - first, 0), dtype="float32", always_2d=True)
    return _window(found.T, start - first, length)


def _extremes(block: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest value [shape=(bins, C)] of every ``size`` rows, as int16.

    Halves are compared with halves: several times faster than reducing along an axis. Channels
    that lie one after the other are viewed as they lie, and nothing is copied.
    """
    rest = -len(block) % size
    if rest:
        block = np.concatenate([block, np.repeat(block[-1:], rest, axis=0)])
    n_channels = block.shape[1]
    if block.strides[0] == block.itemsize:
        low = high = block.T.reshape(n_channels, -1, size).transpose(1, 2, 0)
    else:
        low = high = block.reshape(-1, size, n_channels)
    while low.shape[1] > 1:
        half = low.shape[1] // 2
        low = np.minimum(low[:, :half], low[:, half:])
        high = np.maximum(high[:, :half], high[:, half:])
    return _to_int16(low[:, 0]), _to_int16(high[:, 0])


def _to_int16(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind != "f":
        return values.astype(np.int16)
    scaled = np.rint(np.nan_to_num(values) * FULL_SCALE)
    return np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def _coarser(values: np.ndarray, step: int, reduce: np.ufunc) -> np.ndarray:
    """Every ``step`` rows reduced to one."""
    return reduce.reduceat(values, np.arange(0, len(values), step), axis=0)
