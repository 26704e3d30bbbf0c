"""What can be measured of one sound: level, silence, noise, standstill, flat tops, offset ...

:mod:`.detectors` compares these measures with limits and with the corpus. Levels, offset and
clicks come from :mod:`mimikit_nb.audio.meters`, runs from :mod:`.stuck`.

Main names: :func:`measure_health`, :class:`Health`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..audio.meters import FULL_SCALE, measure
from ..audio.spectrum import power_spectra
from .spectra import as_channels, nearest_power_of_two
from .stuck import band_levels, longest_frozen_run, longest_loop

SILENCE_DB = -60.0
"RMS of a 20 ms frame, in dB full scale, below which nobody hears anything at a usual level."

NOISE_FLATNESS_DB = 12.0
"""Range of the smoothed mean spectrum up to which noise is called flat. White noise has 0.7 dB,
pink 11.7; recorded hiss, cymbals and steam have 18 and more."""

NOISE_STEADINESS = 0.12
"""Tolerance of the mean log power of noise. The power of a bin of steady noise, whatever its
colour, is exponentially distributed in time: its mean log lies 0.577 (Euler's constant) under
the log of its mean. Tones lie above, anything with beginnings far below."""

NOISE_SMOOTHNESS = 0.3
"Deviation of the mean spectrum from its smoothed self: noise 0.1, anything pitched above 0.3."

_FRAME_SECONDS = 0.02
_MIN_FLAT_TOPS = 8
_MIN_DRIFT_SECONDS = 8.0


@dataclass(frozen=True)
class Health:
    """What was measured of one sound.

    Attributes
    ----------
    seconds : float
        Duration.
    level_db : float
        Level of its loud moments: 95th percentile of the RMS of 20 ms frames, dB full scale.
    sounding_share : float
        Share of the time above :data:`SILENCE_DB`.
    silent_tail_seconds : float
        Silence up to the end.
    noise_share, coloured_noise_share : float
        Share of the audible time that is steady flat noise; steady noise of any colour.
    frozen_seconds, loop_seconds, loop_period_seconds : float
        Longest frozen run, longest loop, and the period of that loop.
    stuck_tail_seconds : float
        The longer of both runs if it lasts up to the end, else 0.
    clipped_share, flat_top_share : float
        Share of samples in runs of three at full scale; at the sound's own peak.
    dc : float
        Largest offset of a channel.
    drift_db : float
        Steady rise or fall from beginning to end, in dB; 0 where the level goes up and down.
    level_range_db : float
        From the quietest tenth of the sound to the loudest, in dB.
    clicks_per_second : float
        20 ms frames in which a single jump stands far above everything around it.
    n_nonfinite : int
        NaN or infinite samples; read as 0 for all else.
    """

    seconds: float
    level_db: float
    sounding_share: float
    silent_tail_seconds: float
    noise_share: float
    coloured_noise_share: float
    frozen_seconds: float
    loop_seconds: float
    loop_period_seconds: float
    stuck_tail_seconds: float
    clipped_share: float
    flat_top_share: float
    dc: float
    drift_db: float
    level_range_db: float
    clicks_per_second: float
    n_nonfinite: int

    def share(self, seconds: float) -> float:
        """``seconds`` as a share of the duration."""
        return seconds / self.seconds


def measure_health(y: np.ndarray, sample_rate: int, silence_db: float = SILENCE_DB) -> Health:
    """Measure everything the flags are made of.

    Parameters
    ----------
    y : np.ndarray [shape=(N,) or (C, N)], float32
        The sound, full scale at 1.
    sample_rate : int > 0
        In Hz.
    silence_db : float, default -60
        RMS of a 20 ms frame, in dB full scale, below which it is silent.

    Returns
    -------
    Health
        The measures.

    Raises
    ------
    ParameterError
        If there are no samples, or more than two dimensions.
    """
    finite = as_channels(y)
    meters = measure(y, sample_rate)
    y = finite
    seconds = y.shape[1] / sample_rate
    frame_levels = _frame_levels(y, sample_rate)
    sounding = np.flatnonzero(frame_levels > silence_db)
    levels = band_levels(y, sample_rate)
    frozen, loop = longest_frozen_run(levels), longest_loop(levels)
    tails = [r.seconds for r in (frozen, loop) if r.stop_seconds > seconds - 0.25]
    flat_noise, any_noise = _noise_shares(y, sample_rate)
    clipped, flat_top = _clipped_shares(y)
    drift_db, level_range_db = _drift(frame_levels, silence_db)
    last = sounding[-1] + 1 if len(sounding) else 0
    return Health(
        seconds=seconds,
        level_db=float(np.percentile(frame_levels, 95)),
        sounding_share=len(sounding) / len(frame_levels),
        silent_tail_seconds=float(seconds * (1 - last / len(frame_levels))),
        noise_share=flat_noise,
        coloured_noise_share=any_noise,
        frozen_seconds=frozen.seconds,
        loop_seconds=loop.seconds,
        loop_period_seconds=loop.period_seconds,
        stuck_tail_seconds=max(tails, default=0.0),
        clipped_share=clipped,
        flat_top_share=flat_top,
        dc=abs(meters.dc),
        drift_db=drift_db,
        level_range_db=level_range_db,
        clicks_per_second=meters.n_clicks / max(1.0, seconds),
        n_nonfinite=meters.n_nonfinite,
    )


def _frame_levels(y: np.ndarray, sample_rate: int) -> np.ndarray:
    """RMS of 20 ms frames in dB full scale, without each frame's offset."""
    length = min(y.shape[1], max(1, round(_FRAME_SECONDS * sample_rate)))
    n_frames = y.shape[1] // length
    frames = y[:, : n_frames * length].reshape(len(y), n_frames, length)
    power = frames.var(axis=2, dtype=np.float64).mean(axis=0)
    levels: np.ndarray = 10 * np.log10(power + 1e-12)
    return levels


def _noise_shares(y: np.ndarray, sample_rate: int) -> tuple[float, float]:
    """Shares of the audible time that are steady noise: flat, and of any colour.

    One window of 1 s is noise if the power of its bins between 150 Hz and 0.45 times the
    sample rate (1) is distributed in time like that of noise (:data:`NOISE_STEADINESS`), and
    (2) has a smooth mean spectrum (:data:`NOISE_SMOOTHNESS`); flat, if (3) that spectrum stays
    within :data:`NOISE_FLATNESS_DB`. Windows 40 dB below the loudest don't count. Of several
    channels the loudest is looked at: a mean of two noises is steadier than noise.
    """
    y = y[[np.square(y).mean(axis=1).argmax()]]
    frame_length = nearest_power_of_two(0.023 * sample_rate)
    hop_length = frame_length // 2
    power = np.concatenate([*power_spectra(y, frame_length, hop_length)]) + 1e-14
    frequencies = np.arange(power.shape[1]) * sample_rate / frame_length
    power = power[:, (frequencies > 150) & (frequencies < 0.45 * sample_rate)]
    width = min(len(power), round(sample_rate / hop_length))
    if width < 16:  # 0.2 s: too little to tell noise from a stroke
        return 0.0, 0.0
    starts = range(0, len(power) - width + 1, max(1, width // 2))
    windows = [_describe_noise(power[s : s + width]) for s in starts]
    steady, roughness, spread_db, level_db = np.array(windows).T
    is_audible = (level_db > level_db.max() - 40) & (level_db > SILENCE_DB - 20)
    is_noise = (np.abs(steady + np.euler_gamma) < NOISE_STEADINESS) & (roughness < NOISE_SMOOTHNESS)
    is_noise &= is_audible
    n_audible = max(1, int(is_audible.sum()))
    return float((is_noise & (spread_db < NOISE_FLATNESS_DB)).sum() / n_audible), float(
        is_noise.sum() / n_audible
    )


def _describe_noise(power: np.ndarray) -> tuple[float, float, float, float]:
    """Mean log power against the mean, roughness and range (dB) of the spectrum, level (dB)."""
    mean = power.mean(axis=0)
    steadiness = np.log(power / mean).mean()
    kernel = np.full(9, 1 / 9)
    smooth = np.convolve(np.pad(mean, 4, mode="edge"), kernel, "valid")
    low, high = np.percentile(10 * np.log10(smooth), [5, 95])
    roughness = np.log(mean / smooth).std()
    return float(steadiness), float(roughness), float(high - low), float(10 * np.log10(mean.sum()))


def _clipped_shares(y: np.ndarray) -> tuple[float, float]:
    """Shares of samples in runs of three at full scale, and at the channel's own peak.

    0 below eight flat tops: one hard stroke is no distortion. The sound's own peak counts only
    where it has an edge: at least four times as many samples in the top 0.5 % of the range as
    in the 1 % below. A sine has 1.4 times as many, music fewer.
    """
    magnitude = np.abs(y)
    full = _share_of_flat_tops(magnitude >= FULL_SCALE)
    peak = magnitude.max(axis=1, keepdims=True)
    n_top = int((magnitude >= 0.995 * peak).sum())
    n_below = int((magnitude >= 0.985 * peak).sum()) - n_top
    if n_top < 4 * n_below or not peak.all():
        return full, 0.0
    return full, _share_of_flat_tops(magnitude >= 0.999 * peak)


def _share_of_flat_tops(is_top: np.ndarray) -> float:
    """Share of samples that follow two others at the top; 0 if that happens in few places."""
    is_run = is_top[:, 2:] & is_top[:, 1:-1] & is_top[:, :-2]
    if not is_run.any():
        return 0.0
    n_places = int((is_run[:, 1:] & ~is_run[:, :-1]).sum()) + int(is_run[:, 0].sum())
    return float(is_run.sum() / is_top.size) if n_places >= _MIN_FLAT_TOPS else 0.0


def _drift(frame_levels: np.ndarray, silence_db: float) -> tuple[float, float]:
    """Level of the regression line at the end less at the beginning, and range, in dB.

    Over 10 parts of the sound between its first and last audible frame, if it lasts 8 s. The
    drift is 0 unless the line explains 60 % of their variance, and 8 s are audible: a fading
    chord is no drift.
    """
    sounding = np.flatnonzero(frame_levels > silence_db)
    shortest = _MIN_DRIFT_SECONDS / _FRAME_SECONDS
    if len(frame_levels) < shortest or not len(sounding):
        return 0.0, 0.0
    audible = np.maximum(frame_levels[sounding[0] : sounding[-1] + 1], silence_db)
    parts = np.array([np.percentile(part, 90) for part in np.array_split(audible, 10) if len(part)])
    position = np.linspace(-0.5, 0.5, len(parts))
    slope = position @ (parts - parts.mean()) / max(position @ position, 1e-9)
    explained = (slope * position).var() / max(parts.var(), 1e-9)
    is_steady = explained > 0.6 and len(sounding) >= shortest
    return float(slope) if is_steady else 0.0, float(np.ptp(parts))
