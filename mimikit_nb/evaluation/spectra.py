"""Log-mel spectra for judging sound: the one view that all measures of this layer share.

First station of the judging: :mod:`.stuck` and :mod:`.detectors` look at a single sound through
it, :mod:`.distances` compares two, :mod:`.fingerprints` finds copies. Everything is numpy in
float32, in blocks (:mod:`mimikit_nb.audio.spectrum`).

Main names: :func:`mel_filters`, :func:`log_mel`, :func:`log_bands`, :func:`as_channels`.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..audio.spectrum import power_spectra
from ..errors import ParameterError

FLOOR_POWER = 1e-10
"Power below which a band counts as empty: -100 dB full scale, under the noise of 16 bits."


def as_channels(y: np.ndarray) -> np.ndarray:
    """Sound as float32 ``[C, N]``, with NaN and infinity read as 0.

    Parameters
    ----------
    y : np.ndarray [shape=(N,) or (C, N)]
        The sound.

    Returns
    -------
    np.ndarray [shape=(C, N)]
        The sound, a view where possible.

    Raises
    ------
    ParameterError
        If there are no samples, or more than two dimensions.
    """
    y = np.atleast_2d(np.asarray(y, np.float32))
    if y.ndim != 2 or y.size == 0:
        raise ParameterError(
            f"Expected samples as [N] or [C, N] with at least one sample, got shape {y.shape}."
        )
    return y if np.isfinite(y).all() else np.nan_to_num(y, nan=0.0, posinf=0.0, neginf=0.0)


def nearest_power_of_two(n: float) -> int:
    """Power of two nearest to ``n`` on a log scale, at least 32."""
    return max(32, int(2 ** round(np.log2(n))))


@lru_cache(maxsize=16)
def mel_filters(
    sample_rate: int, frame_length: int, n_mels: int, fmin: float, fmax: float
) -> np.ndarray:
    """Triangular mel filters of height 1, ``[F, n_mels]``: librosa's, without area norm."""
    import librosa  # takes a second to import

    filters = librosa.filters.mel(
        sr=sample_rate, n_fft=frame_length, n_mels=n_mels, fmin=fmin, fmax=fmax, norm=None
    )
    filters = np.ascontiguousarray(filters.T, np.float32)
    filters.setflags(write=False)
    return filters


def log_mel(
    y: np.ndarray,
    sample_rate: int,
    *,
    frame_length: int,
    hop_length: int,
    n_mels: int,
    fmin: float = 40.0,
    fmax: float | None = None,
) -> np.ndarray:
    """Log-mel spectrum of a sound in dB full scale.

    Parameters
    ----------
    y : np.ndarray [shape=(C, N)]
        The sound; may be mapped from disk.
    sample_rate : int > 0
        In Hz.
    frame_length, hop_length : int > 0
        In samples.
    n_mels : int > 0
        Number of bands.
    fmin, fmax : float
        Range in Hz; up to 0.45 times the sample rate by default, where converters still pass.

    Returns
    -------
    np.ndarray [shape=(frames, n_mels)], float32
        In dB, at least -100.
    """
    fmax = 0.45 * sample_rate if fmax is None else min(fmax, 0.45 * sample_rate)
    filters = mel_filters(sample_rate, frame_length, n_mels, fmin, fmax)
    return log_bands(y, filters, hop_length)


def log_bands(y: np.ndarray, filters: np.ndarray, hop_length: int) -> np.ndarray:
    """Levels ``[frames, bands]`` in dB full scale of what filters ``[F, bands]`` let through."""
    frame_length = 2 * (len(filters) - 1)
    power = np.concatenate([*power_spectra(y, frame_length, hop_length, bands=filters)])
    return 10 * np.log10(power + FLOOR_POWER)
