"""Mel levels and envelope of a recording: all that the analysis looks at.

Segmentation and clustering read a recording once. :func:`analyse_frames` turns it into mel levels
through windows of several lengths (short ones say when, long ones say which pitch) and into an
envelope of one value per millisecond. Memory stays small: the spectra
(:mod:`mimikit_nb.audio.spectrum`) exist for a few frames at a time.

Main names: :class:`Frames`, :func:`analyse_frames`, :func:`to_mono`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.fft

from ..audio.arrays import as_sound
from ..audio.channels import mix_to_mono
from ..audio.spectrum import power_spectra
from ..errors import ParameterError
from ..progress import Progress, Watch
from ..units import TimeAxis, check_rate

HOP_SECONDS = 256 / 22050
WINDOWS_SECONDS = (512 / 22050, 1024 / 22050, 2048 / 22050)
ENVELOPE_SECONDS = 0.001
QUIETEST_DB = -110.0
_LOUD_DB = -60.0


@dataclass(frozen=True, eq=False)
class Frames:
    """What the analysis knows about a recording.

    Attributes
    ----------
    axis : TimeAxis
        Where the frames lie: frame ``n`` is centred on sample ``n * axis.hop_length``.
    n_samples : int
        Length of the recording.
    levels : tuple of np.ndarray [shape=(N, n_mels), dtype=float32]
        Mel levels in dB below the loudest, one array per window, the shortest window first.
    envelope : np.ndarray [shape=(n,), dtype=float32]
        Level of each stretch of ``envelope_hop`` samples, in dB below the loudest.
    envelope_hop : int
        Samples per value of the envelope, about a millisecond.
    """

    axis: TimeAxis
    n_samples: int
    levels: tuple[np.ndarray, ...]
    envelope: np.ndarray
    envelope_hop: int

    @property
    def sample_rate(self) -> int:
        """Rate of the recording in Hz."""
        return self.axis.sample_rate

    @property
    def duration_seconds(self) -> float:
        """Length of the recording in seconds."""
        return self.n_samples / self.sample_rate

    def __len__(self) -> int:
        return len(self.levels[0])


def to_mono(y: np.ndarray, sr: int) -> np.ndarray:
    """Check a recording and mix it to one channel.

    Parameters
    ----------
    y : np.ndarray [shape=(N,) or (C, N)]
        Audio of any level.
    sr : int > 0
        Its rate in Hz.

    Returns
    -------
    np.ndarray [shape=(N,), dtype=float32]
        The mean of the channels; ``y`` itself, not a copy, if it is mono float32 already.

    Raises
    ------
    ParameterError
        If it isn't an array of samples, the rate can't be worked at, the recording is shorter than
        10 ms or has NaN or infinite samples.
    """
    sr = check_rate(sr, "sr")
    sound = as_sound(y, loudest=math.inf)
    mono = mix_to_mono(sound)[0]
    if len(mono) < sr // 100:
        raise ParameterError(f"y has {len(mono)} samples; give at least 10 ms ({sr // 100}).")
    return mono


def analyse_frames(
    y: np.ndarray, sr: int, n_mels: int = 40, progress: Watch | None = None
) -> Frames:
    """Analyse a mono recording of any length.

    Parameters
    ----------
    y : np.ndarray [shape=(N,), dtype=float32]
        Mono audio.
    sr : int > 0
        Its rate in Hz.
    n_mels : int > 0, default 40
        Mel bands from 30 Hz to 11 kHz (or to half of ``sr``).
    progress : Progress or callable, optional
        Told how far it is.

    Returns
    -------
    Frames
        Levels relative to the loudest, hence independent of the recording's gain.
    """
    progress = Progress.of(progress)
    hop_length = max(1, round(HOP_SECONDS * sr))
    n_frames = 1 + len(y) // hop_length
    n_windows = len(WINDOWS_SECONDS)
    levels = tuple(
        _mel_levels(
            *(y, sr, max(4, round(seconds * sr)), hop_length, n_frames, n_mels),
            progress.part(i / n_windows, (i + 1) / n_windows),
        )
        for i, seconds in enumerate(WINDOWS_SECONDS)
    )
    envelope_hop = max(1, round(ENVELOPE_SECONDS * sr))
    axis = TimeAxis(sr, hop_length, 2 * (round(WINDOWS_SECONDS[-1] * sr) // 2), center=True)
    return Frames(axis, len(y), levels, _envelope(y, envelope_hop), envelope_hop)


def _mel_levels(
    y: np.ndarray,
    sr: int,
    window_length: int,
    hop_length: int,
    n_frames: int,
    n_mels: int,
    progress: Progress,
) -> np.ndarray:
    """Mel levels of one window length in dB [shape=(n_frames, n_mels)]."""
    n_fft = scipy.fft.next_fast_len(window_length, real=True)
    levels = np.empty((n_frames, n_mels), np.float32)
    done = 0
    for power in power_spectra(
        y[None],
        window_length,
        hop_length,
        n_fft=n_fft,
        is_centred=True,
        bands=mel_weights(sr, n_fft, n_mels),
    ):
        levels[done : done + len(power)] = power
        done += len(power)
        progress.tell(done, n_frames)
    return _to_decibels(levels)


def _to_decibels(power: np.ndarray) -> np.ndarray:
    """Levels below the loudest frames, in place; silent frames don't shift the reference."""
    loudest = power.max(axis=1)
    peak = loudest.max(initial=0.0)
    if peak <= 0:
        return np.full_like(power, QUIETEST_DB)
    reference = np.percentile(loudest[loudest > peak * 10 ** (_LOUD_DB / 10)], 99.5)
    np.maximum(power, reference * 10 ** (QUIETEST_DB / 10), out=power)
    power /= np.float32(reference)
    np.log10(power, out=power)
    power *= 10
    return power


def mel_weights(sr: int, n_fft: int, n_mels: int) -> np.ndarray:
    """Triangular mel bands of equal mean, none narrower than a bin [shape=(F, n_mels)]."""
    highest = min(sr / 2, 11025.0)
    mel = np.linspace(_hz_to_mel(min(30.0, highest / 4)), _hz_to_mel(highest), n_mels + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    width = sr / n_fft
    below = np.maximum(np.diff(edges)[:-1], width)
    above = np.maximum(np.diff(edges)[1:], width)
    distance = (np.arange(n_fft // 2 + 1) * width)[:, None] - edges[1:-1]
    weights = np.maximum(0, 1 - np.where(distance < 0, -distance / below, distance / above))
    return (weights / weights.sum(axis=0)).astype(np.float32)


def _hz_to_mel(hertz: float) -> float:
    return float(2595 * np.log10(1 + hertz / 700))


def _envelope(y: np.ndarray, hop: int) -> np.ndarray:
    """Level of each millisecond and its neighbours, in dB, -80 at the least."""
    n = len(y) // hop
    power = np.empty(n, np.float32)
    for first in range(0, n, 2**16):
        last = min(n, first + 2**16)
        power[first:last] = np.square(y[first * hop : last * hop].reshape(-1, hop)).mean(axis=1)
    smooth = power.copy()
    smooth[1:] += power[:-1]
    smooth[:-1] += power[1:]
    loud = smooth[smooth > smooth.max(initial=0.0) * 10 ** (_LOUD_DB / 10)]
    if len(loud) == 0:
        return np.full(n, -80.0, np.float32)
    reference = np.percentile(loud, 99.5)
    return 10 * np.log10(np.maximum(smooth / reference, 1e-8))
