"""Meters: peak, RMS, loudness, silence, clipping, offset, clicks. They measure, never normalise.

Used by the preflight on recordings, by training and evaluation on what was generated, by
players. :class:`LevelMeter` takes a sound in blocks, so that an hour fits in bounded memory;
:func:`measure` is the same for a sound in memory.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..arguments import Samples, StoredRate, checked
from ..errors import ParameterError
from .arrays import as_sound
from .loudness import KWeighting, gated_loudness

FRAME_SECONDS = 0.02
"Resolution of silence and clicks; 20 of them make a gating block of the loudness."

SILENCE = 1e-3
"Peak below which a frame counts as silent: -60 dB full scale."

FULL_SCALE = 1 - 1.5 / 2**15
"What a 16-bit converter can't exceed, with half a step of tolerance."


@dataclass(frozen=True)
class Levels:
    """What a meter shows.

    Attributes
    ----------
    n_samples : int
        Samples per channel that were measured.
    peak : float
        Largest magnitude; 1 is full scale.
    rms : float
        Root of the mean square over all channels.
    lufs : float
        Integrated loudness after ITU-R BS.1770-4; -inf for silence. Sounds shorter than 0.4 s
        are measured without gating.
    silence_share : float
        Share of the time in which no sample exceeds -60 dB full scale.
    n_clipped : int
        Samples at full scale that follow two others at full scale in the same channel.
    dc : float
        Largest offset (mean) among the channels.
    swing : float
        Largest distance of a sample from its channel's offset: 0 for a constant.
    n_clicks : int
        20 ms frames in which a single jump stands far above everything around it.
    n_nonfinite : int
        Samples that are NaN or infinite; they count as 0 for all other meters.
    """

    n_samples: int
    peak: float
    rms: float
    lufs: float
    silence_share: float
    n_clipped: int
    dc: float
    swing: float
    n_clicks: int
    n_nonfinite: int

    @property
    def peak_dbfs(self) -> float:
        """Peak in dB full scale; -inf for silence."""
        return to_db(self.peak)

    @property
    def rms_dbfs(self) -> float:
        """RMS in dB full scale; -inf for silence."""
        return to_db(self.rms)


def to_db(amplitude: float) -> float:
    """Amplitude in dB, where 1 is 0 dB and 0 is -inf."""
    return 20 * math.log10(amplitude) if amplitude > 0 else -math.inf


@checked
def measure(y: Samples, sample_rate: StoredRate) -> Levels:
    """Measure a sound in memory.

    Parameters
    ----------
    y : np.ndarray [shape=(C, N) or (N,)]
        The sound, full scale at 1.
    sample_rate : int > 0
        In Hz.

    Returns
    -------
    Levels
        All meters.

    Raises
    ------
    ParameterError
        If ``y`` isn't an array of samples.
    """
    if isinstance(y, np.ndarray) and not y.size:
        y = np.zeros((1, 0), np.float32)
    else:
        y = as_sound(y, loudest=math.inf, nonfinite=True)
    meter = LevelMeter(sample_rate, y.shape[0])
    for start in range(0, y.shape[1], 2**18):  # bounds the filters' memory
        meter.update(y[:, start : start + 2**18])
    return meter.levels()


class LevelMeter:
    """Measure a sound that arrives in blocks.

    However the sound is cut into blocks, the result is the same (up to rounding).

    Parameters
    ----------
    sample_rate : int > 0
        In Hz.
    channels : int > 0
        Number of channels.
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        self._channels = channels
        self._frame_length = max(1, round(FRAME_SECONDS * sample_rate))
        self._weighting = KWeighting(sample_rate, channels)
        self._n_samples = self._n_clipped = self._n_clicks = self._n_nonfinite = self._n_silent = 0
        self._sum, self._sum_squares = np.zeros(channels), 0.0
        self._low, self._high = np.full(channels, np.inf), np.full(channels, -np.inf)
        self._full = np.zeros(
            (channels, 2), bool
        )  # whether the last two samples were at full scale
        self._rest = np.zeros((channels, 0), np.float32)  # samples that don't fill a frame yet
        self._before = np.zeros((channels, 2), np.float32)  # two samples before the rest
        self._energies: list[np.ndarray] = []

    def update(self, y: np.ndarray) -> None:
        """Measure the next block.

        Parameters
        ----------
        y : np.ndarray [shape=(C, n)]
            Next samples.
        """
        if y.ndim != 2 or y.shape[0] != self._channels:
            raise ParameterError(f"The meter expects [{self._channels}, n] samples, got {y.shape}.")
        if not y.shape[1]:
            return
        y = self._finite(np.asarray(y, np.float32))
        if not self._n_samples:  # a sound that begins off zero doesn't begin with a click
            self._before[:] = y[:, :1]
        self._n_samples += y.shape[1]
        self._sum += y.sum(axis=1, dtype=np.float64)
        self._sum_squares += float(np.vdot(y, y))
        self._low = np.minimum(self._low, y.min(axis=1))
        self._high = np.maximum(self._high, y.max(axis=1))
        self._count_clipped(y)
        rest = np.concatenate([self._rest, y], axis=1)
        n_frames = rest.shape[1] // self._frame_length
        self._measure_frames(rest[:, : n_frames * self._frame_length])
        self._rest = rest[:, n_frames * self._frame_length :].copy()

    def levels(self) -> Levels:
        """Levels of everything so far."""
        n = self._n_samples
        if not n:
            return Levels(0, 0.0, 0.0, -math.inf, 1.0, 0, 0.0, 0.0, 0, 0)
        offset = self._sum / n
        n_silent = self._n_silent * self._frame_length
        if self._rest.shape[1] and np.abs(self._rest).max() < SILENCE:
            n_silent += self._rest.shape[1]
        return Levels(
            n_samples=n,
            peak=float(max(-self._low.min(), self._high.max(), 0.0)),
            rms=math.sqrt(self._sum_squares / (n * self._channels)),
            lufs=self._loudness(),
            silence_share=n_silent / n,
            n_clipped=self._n_clipped,
            dc=float(offset[np.abs(offset).argmax()]),
            swing=float(max((self._high - offset).max(), (offset - self._low).max())),
            n_clicks=self._n_clicks,
            n_nonfinite=self._n_nonfinite,
        )

    def _finite(self, y: np.ndarray) -> np.ndarray:
        is_finite = np.isfinite(y)
        if is_finite.all():
            return y
        self._n_nonfinite += int((~is_finite).sum())
        return np.where(is_finite, y, np.float32(0))

    def _count_clipped(self, y: np.ndarray) -> None:
        full = np.concatenate([self._full, np.abs(y) >= FULL_SCALE], axis=1)
        if full.any():
            self._n_clipped += int((full[:, 2:] & full[:, 1:-1] & full[:, :-2]).sum())
        self._full = full[:, -2:]

    def _measure_frames(self, y: np.ndarray) -> None:
        """Silence, clicks and energy of whole frames."""
        if not y.shape[1]:
            return
        in_frames = (self._channels, -1, self._frame_length)
        self._n_silent += int((_peaks(y.reshape(in_frames)).max(axis=0) < SILENCE).sum())
        curve = np.abs(np.diff(np.concatenate([self._before, y], axis=1), n=2)).reshape(in_frames)
        jump, around = curve.max(axis=2), curve.mean(axis=2)
        # A click leaves 3 or 4 samples of a frame's hundreds above the rest: its jump is then at
        # least a third of the frame's length times the mean; noise stays below 6 times.
        is_click = (jump > 0.1) & (jump > min(25.0, self._frame_length / 6) * around)
        self._n_clicks += int(is_click.any(axis=0).sum())
        self._before = y[:, -2:].copy()
        self._energies.append(self._weighting.energy(y, self._frame_length))

    def _loudness(self) -> float:
        if self._energies:
            return gated_loudness(np.concatenate(self._energies))
        if not self._rest.shape[1]:
            return -math.inf
        fresh = KWeighting(self._weighting.sample_rate, self._channels)
        return gated_loudness(fresh.energy(self._rest, self._rest.shape[1]))


def _peaks(frames: np.ndarray) -> np.ndarray:
    """Largest magnitude along the last axis, without a copy of the magnitudes."""
    peaks: np.ndarray = np.maximum(frames.max(axis=-1), -frames.min(axis=-1))
    return peaks
