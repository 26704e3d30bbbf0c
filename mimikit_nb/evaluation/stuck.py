"""How long a sound stands still or goes round in circles.

Used by :mod:`.detectors`. A network that is *stuck* either holds one spectrum for ever (a
*frozen* run) or repeats one passage (a *loop*). Both are read from the log-mel spectrum, not
from the samples, so that a loop whose phases differ is found too.

Main names: :func:`longest_frozen_run`, :func:`longest_loop`, :class:`Run`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .spectra import log_mel, nearest_power_of_two

MIN_RUN_SECONDS = 1.5
"Shorter runs are not looked for: held notes and drum fills of this length are music."

FROZEN_DB = 0.5
"""Standard deviation in time, mean over the audible bands, below which a spectrum is frozen.
Real drones breathe by 0.8 dB and more, steady noise by 0.8 dB; a held synthetic spectrum stays
below 0.15 dB."""

LOOP_RATIO = 0.1
"""Share of the sound's own variation that may be left between a passage and its repetition.
Exact loops leave 0.03 or less, with noise 20 dB below 0.05; bars of sequenced drum loops leave
0.2, other music more."""

DEPARTURE_RATIO = 0.5
"A loop must first move away from where it began by this share; a slowly fading tone never does."

REPETITIONS = 3.9
"Times a passage must be heard: musicians play a bar two or three times, seldom four times alike."

MAX_LOOP_SECONDS = 8.0
"Longest period that is looked for."

_FRAME_SECONDS, _HOP_SECONDS, _N_MELS = 0.046, 0.0116, 40
_MIN_LOOP_SECONDS = 0.07  # shorter periods are heard, and seen here, as one frozen spectrum
_SMOOTHING_FRAMES = 9  # 0.1 s: takes the flicker of noise in low bands off a steady spectrum
_RANGE_DB = 50.0  # what lies deeper under the loudest band is not heard beside it
_AUDIBLE_DB = 40.0


@dataclass(frozen=True)
class Run:
    """A stretch of a sound that stands still or repeats.

    Attributes
    ----------
    start_seconds, stop_seconds : float
        Where it lies.
    period_seconds : float
        What is repeated; 0 for a frozen spectrum.
    """

    start_seconds: float = 0.0
    stop_seconds: float = 0.0
    period_seconds: float = 0.0

    @property
    def seconds(self) -> float:
        """Its duration."""
        return self.stop_seconds - self.start_seconds


@dataclass(frozen=True)
class BandLevels:
    """Log-mel spectrum with the frame rate it was made at.

    Attributes
    ----------
    decibels : np.ndarray [shape=(frames, bands)]
        Clipped at 50 dB below the loudest band.
    frame_rate : float
        Frames per second.
    """

    decibels: np.ndarray
    frame_rate: float


def band_levels(y: np.ndarray, sample_rate: int) -> BandLevels:
    """Log-mel spectrum of ``y [C, N]`` as this module needs it."""
    hop_length = max(1, round(_HOP_SECONDS * sample_rate))
    frame_length = nearest_power_of_two(_FRAME_SECONDS * sample_rate)
    decibels = log_mel(
        y, sample_rate, frame_length=frame_length, hop_length=hop_length, n_mels=_N_MELS
    )
    return BandLevels(np.maximum(decibels, decibels.max() - _RANGE_DB), sample_rate / hop_length)


def longest_frozen_run(levels: BandLevels) -> Run:
    """Longest stretch whose spectrum doesn't move.

    In windows of 1.5 s, the standard deviation in time of each band (smoothed over 0.1 s) is
    averaged over the bands within 40 dB of the loudest; a window below :data:`FROZEN_DB` is
    frozen, and the run is the union of overlapping frozen windows.

    Parameters
    ----------
    levels : BandLevels
        From :func:`band_levels`.

    Returns
    -------
    Run
        Empty if there is none.
    """
    smooth = _moving_mean(levels.decibels, _SMOOTHING_FRAMES)
    width = round(MIN_RUN_SECONDS * levels.frame_rate) - _SMOOTHING_FRAMES + 1
    if len(smooth) < width:
        return Run()
    mean, deviation = _moving_moments(smooth, width)
    is_audible = mean > levels.decibels.max() - _AUDIBLE_DB
    n_audible = is_audible.sum(axis=1)
    movement = (deviation * is_audible).sum(axis=1) / np.maximum(n_audible, 1)
    is_frozen = (movement < FROZEN_DB) & (n_audible > 0)
    start, stop = _longest_true(is_frozen)
    return _run(start, stop, width + _SMOOTHING_FRAMES - 1, 0, levels.frame_rate)


def longest_loop(levels: BandLevels) -> Run:
    """Longest stretch that repeats one passage about four times or more.

    For each period ``p``, the mean square difference between frames ``t`` and ``t + p`` is
    taken over a stretch of at least 3.9 periods and 1.5 s, and divided by what it would be
    between unrelated frames of that stretch: twice their variance (at least 2 dB², so that the
    flicker of a steady sound doesn't count as movement). The stretch loops where this ratio is
    below :data:`LOOP_RATIO` although it was above :data:`DEPARTURE_RATIO` for a shorter period.

    Parameters
    ----------
    levels : BandLevels
        From :func:`band_levels`.

    Returns
    -------
    Run
        Empty if there is none.
    """
    x, rate = levels.decibels, levels.frame_rate
    longest = min(round(MAX_LOOP_SECONDS * rate), int(len(x) / REPETITIONS))
    totals = _Totals(x)
    best, departed = Run(), np.zeros(len(x), bool)
    for period in range(max(1, round(_MIN_LOOP_SECONDS * rate)), longest + 1):
        span = max(round(REPETITIONS * period), round(MIN_RUN_SECONDS * rate))
        if span > len(x):
            break
        ratio = _repetition_ratio(x, totals, period, span)
        departed = departed[: len(ratio)]
        start, stop = _longest_true((ratio < LOOP_RATIO) & departed)
        run = _run(start, stop, span, period, rate)
        best = max(best, run, key=lambda r: r.seconds)
        departed |= ratio > DEPARTURE_RATIO
    return best


class _Totals:
    """Running sums that give the variance of any stretch at once."""

    def __init__(self, x: np.ndarray) -> None:
        zero = np.zeros((1, x.shape[1]))
        self._sums = np.concatenate([zero, np.cumsum(x, axis=0, dtype=np.float64)])
        self._squares = np.concatenate([[0.0], np.cumsum(np.square(x).sum(axis=1, dtype=float))])

    def variance(self, span: int) -> np.ndarray:
        """Variance in time, mean over bands, of every stretch of ``span`` frames."""
        means = (self._sums[span:] - self._sums[:-span]) / span
        squares = (self._squares[span:] - self._squares[:-span]) / span
        variance: np.ndarray = (squares - np.square(means).sum(axis=1)) / means.shape[1]
        return variance


def _repetition_ratio(x: np.ndarray, totals: _Totals, period: int, span: int) -> np.ndarray:
    """How unlike its repetition each stretch of ``span`` frames is: 0 a copy, 1 unrelated."""
    difference = x[period:] - x[:-period]
    squares = np.einsum("tm,tm->t", difference, difference) / x.shape[1]
    ratio: np.ndarray = _moving_mean(squares, span - period) / np.maximum(
        2 * totals.variance(span), 2.0
    )
    return ratio


def _moving_mean(x: np.ndarray, width: int) -> np.ndarray:
    """Mean of every ``width`` neighbours along the first axis."""
    sums = np.concatenate([np.zeros((1, *x.shape[1:])), np.cumsum(x, axis=0, dtype=np.float64)])
    mean: np.ndarray = (sums[width:] - sums[:-width]) / width
    return mean


def _moving_moments(x: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of every ``width`` neighbours along the first axis."""
    mean = _moving_mean(x, width)
    return mean, np.sqrt(np.maximum(_moving_mean(np.square(x), width) - mean**2, 0))


def _longest_true(flags: np.ndarray) -> tuple[int, int]:
    """Start and stop of the longest stretch of true values; equal if there is none."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    starts, stops = edges[::2], edges[1::2]
    if not len(starts):
        return 0, 0
    longest = int(np.argmax(stops - starts))
    return int(starts[longest]), int(stops[longest])


def _run(start: int, stop: int, span: int, period: int, frame_rate: float) -> Run:
    """Union of the windows of ``span`` frames that begin at ``start`` ... ``stop - 1``."""
    if stop <= start:
        return Run()
    return Run(start / frame_rate, (stop - 1 + span) / frame_rate, period / frame_rate)
