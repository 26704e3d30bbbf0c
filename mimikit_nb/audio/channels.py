"""What is kept of a recording's channels, and what is lost by that.

Two sides that hold the same with opposite signs cancel each other as mono: the mix is silent
though neither side is. Main names: :func:`to_channels`,
:func:`mix_to_mono`, :func:`keep_channels`, :class:`ChannelMeter`.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from ..arguments import ChannelCount
from ..errors import ParameterError, warn

Channels = ChannelCount | Literal["left", "right"] | None
"A number of channels, one side of stereo recordings, or all as recorded."

SIDES = {"left": 0, "right": 1}

NOTHING_LEFT_DB = 80.0
"Loss that leaves nothing to hear."

MOST_LOSS_DB = 10.0
"Loss of level by a mix that is worth a warning; sides that have nothing in common lose 3 dB."

_BLOCK_SAMPLES = 2**18


def n_channels_of(channels: Channels) -> int | None:
    """How many channels that is; None if all are kept.

    Raises
    ------
    ParameterError
        If it is neither a number from 1 to 64 nor a side.
    """
    if channels is None:
        return None
    if channels in SIDES:
        return 1
    if not isinstance(channels, int) or not 1 <= channels <= 64:
        raise ParameterError(
            f"channels is {channels!r}; it must be 1 to 64, 'left' or 'right', or None."
        )
    return channels


def to_channels(y: np.ndarray, channels: int) -> np.ndarray:
    """Give a signal another number of channels.

    A mono signal is copied to all of them; any other number is mixed to one first.

    Parameters
    ----------
    y : np.ndarray [shape=(C, n)]
        The signal.
    channels : int > 0
        How many it shall have.

    Returns
    -------
    np.ndarray [shape=(channels, n)]
        The signal itself if it has as many already.
    """
    if y.shape[0] == channels:
        return y
    mixed = y.sum(axis=0, keepdims=True, dtype=y.dtype) / y.dtype.type(len(y))  # mean() is slower
    return np.repeat(mixed, channels, axis=0) if channels > 1 else mixed


def mix_to_mono(y: np.ndarray) -> np.ndarray:
    """Mix a signal to one channel, with a warning if the channels cancel each other.

    Parameters
    ----------
    y : np.ndarray [shape=(C, n)]
        The signal.

    Returns
    -------
    np.ndarray [shape=(1, n)]
        The mean of the channels.
    """
    meter = ChannelMeter()
    if len(y) > 1:
        for start in range(0, y.shape[1], _BLOCK_SAMPLES):
            meter.update(y[:, start : start + _BLOCK_SAMPLES])
    if meter.loss_db > MOST_LOSS_DB:
        left = (
            "nothing is left" if math.isinf(meter.loss_db) else f"{meter.loss_db:.0f} dB are lost"
        )
        warn(f"The channels cancel each other: {left} as mono. One of them may be better: y[:1].")
    return to_channels(y, 1)


def keep_channels(y: np.ndarray, channels: Channels) -> np.ndarray:
    """Give a signal the channels that shall be kept of it.

    Parameters
    ----------
    y : np.ndarray [shape=(C, n)]
        The signal.
    channels : int > 0, "left" or "right", optional
        As in :func:`to_channels`; or one side of a signal with several channels. If
        None, all stay.

    Returns
    -------
    np.ndarray [shape=(C', n)]
        The signal itself if nothing changes.
    """
    if isinstance(channels, str):
        return y if len(y) == 1 else y[SIDES[channels] :][:1]
    return y if channels is None else to_channels(y, channels)


class ChannelMeter:
    """Compare what is kept of a sound's channels with all of them, block by block.

    Parameters
    ----------
    channels : int > 0, "left" or "right", default 1
        What is kept.
    """

    def __init__(self, channels: Channels = 1) -> None:
        self.channels = channels
        self._all, self._kept = _Power(), _Spread()

    def update(self, y: np.ndarray) -> None:
        """Measure the next block ``[C, n]``."""
        if not y.shape[1]:
            return
        with np.errstate(invalid="ignore", over="ignore"):  # of NaN and infinity, said elsewhere
            self._all.update(y)
            self._kept.update(keep_channels(y, self.channels))

    @property
    def swing(self) -> float:
        """Largest distance of what is kept from its own offset."""
        return self._kept.swing

    @property
    def loss_db(self) -> float:
        """How far what is kept lies below the mean power of all channels; inf if it is silent."""
        before, after = self._all.variance, self._kept.variance
        if not before > 0:
            return 0.0
        loss = 10 * math.log10(before / after) if after > 0 else math.inf
        return loss if loss < NOTHING_LEFT_DB else math.inf


class _Power:
    """Mean variance of some channels."""

    def __init__(self) -> None:
        self._n = 0
        self._sum: np.ndarray | float = 0.0
        self._squares: np.ndarray | float = 0.0

    def update(self, y: np.ndarray) -> None:
        self._n += y.shape[1]
        self._sum = self._sum + y.sum(axis=1).astype(np.float64)
        self._squares = self._squares + np.array([np.vdot(row, row) for row in y], np.float64)

    @property
    def offset(self) -> np.ndarray:
        return np.asarray(self._sum) / max(1, self._n)

    @property
    def variance(self) -> float:
        return float(np.mean(np.asarray(self._squares) / max(1, self._n) - self.offset**2))


class _Spread(_Power):
    """Mean variance, and how far the channels leave their offsets."""

    def __init__(self) -> None:
        super().__init__()
        self._low: np.ndarray | float = np.inf
        self._high: np.ndarray | float = -np.inf

    def update(self, y: np.ndarray) -> None:
        super().update(y)
        self._low = np.minimum(self._low, y.min(axis=1))
        self._high = np.maximum(self._high, y.max(axis=1))

    @property
    def swing(self) -> float:
        if not self._n:
            return 0.0
        return float(max(np.max(self._high - self.offset), np.max(self.offset - self._low)))
