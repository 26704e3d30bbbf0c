"""The only place that converts samples, frames, steps and seconds.

A :class:`TimeAxis` says how the items of a feature lie on the time line. Everything that needs
to know "how many frames is that" or "where does frame 7 begin" asks an axis, so that lengths
never drift apart. Times are exact: rational numbers (:class:`fractions.Fraction`), never floats.

Examples
--------
>>> axis = TimeAxis(sample_rate=22050, hop_length=512, frame_length=2048)
>>> axis.n_frames(22050)
40
>>> axis.n_samples(40)
22016
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from numbers import Real
from typing import Any

from .errors import ParameterError


def is_number(value: Any) -> bool:
    """Whether a value is a finite number, Python's or numpy's."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


LOWEST_RATE, HIGHEST_RATE = 1000, 384_000
"Sample rates in Hz that can be worked at."

STORED_RATES = (1, 10_000_000)
"Those that a file may have, up to recordings of radio."


def check_rate(
    rate: Any, name: str = "sample_rate", lowest: int = LOWEST_RATE, highest: int = HIGHEST_RATE
) -> int:
    """A sample rate as an int, or a ParameterError; 44100.0 and numpy's numbers are taken."""
    if not is_number(rate) or not lowest <= rate <= highest or rate != int(rate):
        raise ParameterError(
            f"{name} is {rate!r}; a sample rate is a whole number from {lowest} to {highest} Hz."
        )
    return int(rate)


def seconds_to_samples(seconds: float, sample_rate: int) -> int:
    """Number of samples nearest to ``seconds``."""
    if not math.isfinite(seconds):
        raise ParameterError(f"A duration must be a finite number of seconds, not {seconds}.")
    return round(Fraction(seconds).limit_denominator(10**9) * sample_rate)


def samples_to_seconds(n_samples: int, sample_rate: int) -> float:
    """Duration of ``n_samples`` in seconds."""
    return n_samples / sample_rate


@dataclass(frozen=True)
class TimeAxis:
    """How the items of a feature lie on the time line.

    Parameters
    ----------
    sample_rate : int > 0
        Rate of the signal the feature is computed from, in Hz.
    hop_length : int > 0, default 1
        Samples from one item to the next.
    frame_length : int > 0, default 1
        Samples that one item looks at.
    center : bool, default False
        Whether item ``n`` is centred on sample ``n * hop_length`` (the signal is padded by half
        a frame on both sides) instead of beginning there.
    """

    sample_rate: int
    hop_length: int = 1
    frame_length: int = 1
    center: bool = False

    def __post_init__(self) -> None:
        for name in ("sample_rate", "hop_length", "frame_length"):
            value = getattr(self, name)
            if value < 1:
                raise ParameterError(f"{name} is {value}; it must be at least 1.")

    @property
    def frame_rate(self) -> Fraction:
        """Items per second, exactly."""
        return Fraction(self.sample_rate, self.hop_length)

    @property
    def padding(self) -> int:
        """Samples by which the signal is padded on each side before framing."""
        return self.frame_length // 2 if self.center else 0

    def n_frames(self, n_samples: int) -> int:
        """Number of items that ``n_samples`` give; 0 if not even one fits."""
        padded = n_samples + 2 * self.padding
        if n_samples < 1 or padded < self.frame_length:
            return 0
        return 1 + (padded - self.frame_length) // self.hop_length

    def n_samples(self, n_frames: int) -> int:
        """Fewest samples that give ``n_frames`` items; 0 for none."""
        if n_frames <= 0:
            return 0
        return max(1, (n_frames - 1) * self.hop_length + self.frame_length - 2 * self.padding)

    def frame_start(self, frame: int) -> int:
        """First sample that item ``frame`` looks at (negative inside the padding)."""
        return frame * self.hop_length - self.padding

    def frame_time(self, frame: int) -> Fraction:
        """Time of item ``frame`` in seconds: its centre if centred, else its beginning."""
        return Fraction(frame * self.hop_length, self.sample_rate)

    def frame_at(self, time: Fraction) -> int:
        """Index of the last item whose time is not after ``time`` (in seconds)."""
        return int(time * self.sample_rate // self.hop_length)
