"""Arrays that somebody hands in as sound: checked, and brought to one form.

Every function that takes samples goes through here, so that int16 from scipy, a transposed array
or a NaN is the same everywhere. Main names: :func:`as_sound`, :func:`channels_of`.
"""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from ..errors import MimikitError, ParameterError

MOST_CHANNELS = 64

LOUDEST = 16.0
"""Highest peak of a float array, 24 dB above full scale. Recorders that store floats reach some
20 dB; at the scale of 16-bit integers it is -66 dB, too quiet to be anybody's recording."""

_BLOCK_SAMPLES = 2**20
_QUIETEST_64_BIT = 2**-31
"Peak of 64-bit integers, full scale at 1; what is quieter has the scale of fewer bits."

Refusal = type[MimikitError]


def as_sound(
    y: Any,
    name: str = "y",
    error: Refusal = ParameterError,
    *,
    loudest: float = LOUDEST,
    nonfinite: bool = False,
) -> np.ndarray:
    """Sound from any array of samples: ``[C, N]``, float32, full scale at 1.

    Integers are scaled by their type, as sound files are: int16 by 32768, int32 (24 bits as scipy
    reads them, too) by 2147483648; unsigned ones are centred, 128 of uint8 being zero.

    Parameters
    ----------
    y, name, error, loudest, nonfinite
        As for :func:`channels_of`.

    Returns
    -------
    np.ndarray [shape=(C, N), dtype=float32]
        A view of ``y``, not a copy, if that is float32 already.

    Raises
    ------
    MimikitError
        If it isn't sound; the message says what it seems to be, and what to do.
    """
    samples = channels_of(y, name, error, loudest=loudest, nonfinite=nonfinite)
    if samples.dtype.kind in "iu":
        return _scaled(samples)
    return samples.astype(np.float32, copy=False)


def channels_of(
    y: Any,
    name: str = "y",
    error: Refusal = ParameterError,
    *,
    loudest: float = LOUDEST,
    nonfinite: bool = False,
) -> np.ndarray:
    """An array of samples as ``[C, N]``, checked, of its own type and at its own scale.

    Parameters
    ----------
    y : np.ndarray [shape=(N,) or (C, N)]
        The samples; lists and tensors are taken as well.
    name : str, default "y"
        What it is called in messages.
    error : type of MimikitError, default ParameterError
        What is raised.
    loudest : float, default 16.0
        Highest peak of floats; beyond it they are integers that were not scaled.
    nonfinite : bool, default False
        Whether NaN and infinite samples are let through, where a sound is shown or judged.

    Returns
    -------
    np.ndarray [shape=(C, N)]
        A view where possible.

    Raises
    ------
    MimikitError
        If it isn't sound; the message says what it seems to be, and what to do.
    """
    samples = _as_array(y, name, error)
    if samples.ndim not in (1, 2) or samples.size == 0:
        remedy = "; give one sound of it, such as y[0]" if samples.ndim == 3 else ""
        raise error(
            f"{name} has the shape {samples.shape}; it must be [samples] or [C, samples], with at "
            f"least one sample{remedy}."
        )
    channels = samples[None] if samples.ndim == 1 else samples
    _check_channels(channels, name, error)
    if channels.dtype.kind == "f":
        _check_floats(channels, name, error, loudest, nonfinite)
    elif channels.dtype.itemsize == 8:
        _check_long(channels, name, error)
    return channels


def _as_array(y: Any, name: str, error: Refusal) -> np.ndarray:
    if isinstance(y, tuple | list) and len(y) == 2 and sum(isinstance(p, Real) for p in y) == 1:
        raise error(f"{name} is a pair of samples and rate; give the samples and the rate apart.")
    try:
        samples = np.asarray(y)
    except (ValueError, TypeError, RuntimeError, RecursionError) as reason:
        raise error(f"{name} can't be made an array of samples: {reason}.") from None
    if samples.dtype.kind not in "fiu":
        raise error(
            f"{name} holds values of type {samples.dtype} ({type(y).__name__}); give an array of "
            "real numbers, [samples] or [C, samples]."
        )
    return samples


def _check_channels(channels: np.ndarray, name: str, error: Refusal) -> None:
    n_channels, n_samples = channels.shape
    if n_channels > max(2, n_samples):
        raise error(
            f"{name} has {n_channels} channels of {n_samples} samples each; if its channels come "
            "last, transpose it (y.T)."
        )
    if n_channels > MOST_CHANNELS:
        raise error(f"{name} has {n_channels} channels; at most {MOST_CHANNELS} can be used.")


def _check_floats(
    channels: np.ndarray, name: str, error: Refusal, loudest: float, nonfinite: bool
) -> None:
    peak = _peak(channels)
    if not np.isfinite(peak) and not nonfinite:
        raise error(
            f"{name} has NaN or infinite samples, but must be finite; replace them first, as "
            "np.nan_to_num does."
        )
    if np.isfinite(peak) and peak > loudest:
        raise error(
            f"{name} peaks at {peak:g}, where full scale is 1 and {loudest:g} the limit. Samples "
            "at the scale of 16-bit integers have to be divided by 32768."
        )


def _check_long(channels: np.ndarray, name: str, error: Refusal) -> None:
    """Refuse 64-bit integers that were made of shorter ones: their scale isn't known."""
    if 0 < _peak(_scaled(channels)) < _QUIETEST_64_BIT:
        raise error(
            f"{name} holds {channels.dtype} at the scale of fewer bits; give it the type that it "
            "was recorded in, such as y.astype(np.int16)."
        )


def _scaled(samples: np.ndarray) -> np.ndarray:
    """Integers as floats, full scale of their type at 1."""
    bits = 8 * samples.dtype.itemsize
    full_scale = 2.0 ** (bits - 1)
    zero = full_scale if samples.dtype.kind == "u" else 0.0
    floats: np.ndarray = samples.astype(np.float32 if bits <= 16 else np.float64)
    scaled: np.ndarray = (floats - zero) / full_scale
    return scaled.astype(np.float32, copy=False)


def _peak(samples: np.ndarray) -> float:
    """Largest magnitude, NaN or infinity if there is any; nothing of the size is copied."""
    n = max(1, _BLOCK_SAMPLES // len(samples))
    blocks = (samples[:, start : start + n] for start in range(0, samples.shape[1], n))
    return float(np.max([max(float(b.max()), -float(b.min())) for b in blocks]))
