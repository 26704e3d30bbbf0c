"""Music that the tests of the evaluation judge, and what is done to it."""

from __future__ import annotations

import librosa
import numpy as np

SR = 22050


def plucked(
    seconds: float, seed: int, sample_rate: int = SR, take: int | None = None
) -> np.ndarray:
    """Plucked tones at random times: music that neither repeats nor stands still.

    Another ``take`` has the same tones at the same times, but other phases of their partials.
    """
    rng = np.random.default_rng(seed)
    phase_rng = np.random.default_rng(take)
    y = np.zeros(round((seconds + 2) * sample_rate), np.float32)
    time = np.arange(2 * sample_rate) / sample_rate
    fading, onset = np.exp(-2 * time), 0.0
    while onset < seconds:
        pitch = 110 * 2 ** (rng.integers(0, 36) / 12)
        phases = rng.random((8, 1))
        phases = 2 * np.pi * (phases if take is None else phase_rng.random((8, 1)))[:, 0]
        # Partial k is exp(-(2 + k) t) sin(2 pi k pitch t + phase) / k: powers of one oscillation.
        first = np.exp((2j * np.pi * pitch - 1) * time)
        partials = np.polynomial.polynomial.polyval(
            first, [0, *(np.exp(1j * phases) / np.arange(1, 9))]
        )
        tone = fading * partials.imag
        start = round(onset * sample_rate)
        y[start : start + len(tone)] += (0.15 * rng.uniform(0.4, 1) * tone).astype(np.float32)
        onset += rng.choice([0.12, 0.18, 0.24, 0.36]) * rng.uniform(0.95, 1.05)
    return y[: round(seconds * sample_rate)]


def raised_20_cents(y: np.ndarray) -> np.ndarray:
    """Played a little faster: 20 cents higher, 1.2 % shorter."""
    return librosa.resample(y, orig_sr=round(SR * 2 ** (20 / 1200)), target_sr=SR)


def noise(seconds: float, level: float = 0.1, seed: int = 0) -> np.ndarray:
    """White noise of RMS ``level``."""
    rng = np.random.default_rng(seed)
    return (level * rng.standard_normal(round(seconds * SR))).astype(np.float32)
