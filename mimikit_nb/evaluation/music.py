"""Pitch and rhythm of a sound, as far as they can be compared without a score.

*Pitch classes*: which of the twelve tones sound, and how much. *Rhythm*: at which distances in
time beginnings follow one another. Both beside :mod:`.distances`, which hears timbre and level
only.

Main names: :class:`PitchAndRhythm`, :func:`pitch_distance`, :func:`rhythm_distance`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..audio.spectrum import power_spectra
from .distances import SpectralStatistics, spread_excerpts
from .spectra import as_channels, nearest_power_of_two

_FRAME_SECONDS = 0.186  # resolves a semitone down to 90 Hz
_LOWEST_HZ, _HIGHEST_HZ = 80.0, 5000.0
_SHORTEST_LAG_SECONDS, _LONGEST_LAG_SECONDS = 0.1, 2.0


@dataclass(frozen=True)
class PitchAndRhythm:
    """What the two distances compare.

    Attributes
    ----------
    pitch_classes : np.ndarray [shape=(12,)]
        Shares of the pitch classes, from C; sum 1.
    rhythm : np.ndarray [shape=(lags,)]
        Autocorrelation of the onset strength at lags of 0.1 to 2 s.
    """

    pitch_classes: np.ndarray
    rhythm: np.ndarray

    @classmethod
    def of(cls, y: np.ndarray, sample_rate: int, spectra: SpectralStatistics) -> PitchAndRhythm:
        """Pitch and rhythm of ``y [C, N]``, whose short spectra are known already."""
        return cls(_pitch_classes(y, sample_rate), _rhythm(spectra))


def pitch_distance(a: PitchAndRhythm, b: PitchAndRhythm) -> float:
    """Hellinger distance of the pitch classes, 0 to 1.

    ``sqrt(1 - sum(sqrt(p q)))``; 0 for the same tones in the same proportions.
    """
    return float(np.sqrt(max(0.0, 1 - np.sqrt(a.pitch_classes * b.pitch_classes).sum())))


def rhythm_distance(a: PitchAndRhythm, b: PitchAndRhythm) -> float:
    """Root mean square difference of the autocorrelations of onset strength, 0 to 2."""
    n = min(len(a.rhythm), len(b.rhythm))
    return float(np.sqrt(np.square(a.rhythm[:n] - b.rhythm[:n]).mean())) if n else 0.0


def _pitch_classes(y: np.ndarray, sample_rate: int) -> np.ndarray:
    """Magnitude in each pitch class (A = 440 Hz), summed over time; flat for silence.

    Only the peaks of a spectrum count: noise between them would give every class its share.
    """
    frame_length = nearest_power_of_two(_FRAME_SECONDS * sample_rate)
    frequencies = np.arange(1 + frame_length // 2) * sample_rate / frame_length
    in_range = (frequencies > _LOWEST_HZ) & (frequencies < min(_HIGHEST_HZ, 0.45 * sample_rate))
    classes = np.round(12 * np.log2(frequencies[in_range] / 440)).astype(int) + 9
    sums = np.full(12, 1e-9)
    for part in spread_excerpts(y, sample_rate):
        for power in power_spectra(as_channels(part), frame_length, frame_length // 2):
            is_peak = np.zeros(power.shape, bool)
            is_peak[:, 1:-1] = (power[:, 1:-1] > power[:, :-2]) & (power[:, 1:-1] >= power[:, 2:])
            peaks = (np.sqrt(power) * is_peak)[:, in_range].sum(axis=0)
            sums += np.bincount(classes % 12, peaks, minlength=12)
    return sums / sums.sum()


def _rhythm(spectra: SpectralStatistics) -> np.ndarray:
    """Normalised autocorrelation of the onset strength: the rise of the bands in dB, summed."""
    shortest, longest = (
        round(lag * spectra.frame_rate) for lag in (_SHORTEST_LAG_SECONDS, _LONGEST_LAG_SECONDS)
    )
    strength = np.maximum(0, np.diff(spectra.bands, axis=0)).mean(axis=1, dtype=np.float64)
    strength -= strength.mean() if len(strength) else 0
    n = len(strength)
    if n < 2 * shortest:
        return np.zeros(0)
    spectrum = np.fft.rfft(strength, 2 * n)
    correlation = np.fft.irfft(np.square(np.abs(spectrum)))[: min(longest, n // 2)]
    # A sound without beginnings has no rhythm: 0.1 dB of flicker is not one.
    normalised: np.ndarray = correlation[shortest:] / max(correlation[0], n * 0.1**2)
    return normalised
