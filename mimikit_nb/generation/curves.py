"""Controls that change while sound is made: functions of the seconds since the prompt's end.

Main names: :class:`Curve`, :class:`RandomWalk`. Both are configs: written into the recall data
of a sound, read back from there, and the same whenever they are asked.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import Literal

import numpy as np
from pydantic import PrivateAttr, model_validator

from ..config import Config, Registry, field
from ..errors import ParameterError

_MOST_SECONDS = 1e8
_SECONDS_AT_ONCE = 100_000


class ControlConfig(Config):
    """Base of the controls that are functions of time."""

    kind: str
    "Name of the function."

    def __call__(self, seconds: float) -> float:
        """Value at a time."""
        raise NotImplementedError


CONTROLS: Registry[ControlConfig] = Registry("control")


@CONTROLS.register
class Curve(ControlConfig):
    """Straight lines between points, and the first and last value outside them.

    Examples
    --------
    >>> rise = mnb.Curve(points=[(0, 0.5), (10, 1.0)])
    >>> rise(5.0)
    0.75
    """

    kind: Literal["curve"] = "curve"
    "Name of the function."
    points: tuple[tuple[float, float], ...] = field(min_length=1, max_length=100_000)
    "Pairs of seconds and value, in the order of time."
    period_seconds: float | None = field(None, gt=0, unit="s")
    "Begin again after so many seconds; without it the last value stays."

    @model_validator(mode="after")
    def _check(self) -> Curve:
        times = [time for time, _ in self.points]
        if times != sorted(times):
            raise ValueError(f"the points must be in the order of time, not {times}")
        return self

    def __call__(self, seconds: float) -> float:
        """Value at a time."""
        if self.period_seconds is not None:
            seconds %= self.period_seconds
        i = bisect_right(self.points, (seconds, math.inf))
        if i in (0, len(self.points)):
            return self.points[max(0, i - 1)][1]
        (t0, a), (t1, b) = self.points[i - 1 : i + 1]
        return a + (b - a) * (seconds - t0) / (t1 - t0)


@CONTROLS.register
class RandomWalk(ControlConfig):
    """A walk that wanders between two bounds and turns back where it meets one.

    Examples
    --------
    >>> walk = mnb.RandomWalk(low=0.7, high=1.1, seed=3)
    >>> all(0.7 <= walk(seconds) <= 1.1 for seconds in range(100))
    True
    """

    kind: Literal["random_walk"] = "random_walk"
    "Name of the function."
    low: float
    "Lower bound."
    high: float
    "Upper bound."
    start: float | None = None
    "Where it begins; in the middle if not given."
    speed: float = field(0.1, gt=0, le=1e6)
    "How far it gets in a second, typically (standard deviation), as a part of its range."
    seed: int = field(0, ge=0)
    "The same seed walks the same way."

    # Where the walk is, as if nothing bounded it, and the noise that it goes on with.
    _second: int = PrivateAttr(-1)
    _places: tuple[float, float] = PrivateAttr((0.0, 0.0))
    _noise: np.random.Generator | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _check(self) -> RandomWalk:
        if not self.low < self.high:
            raise ValueError(f"low ({self.low}) must be below high ({self.high})")
        if not math.isfinite(self.high - self.low):
            raise ValueError(f"low ({self.low}) and high ({self.high}) are too far apart")
        if self.start is not None and not self.low <= self.start <= self.high:
            raise ValueError(f"start ({self.start}) lies outside {self.low} to {self.high}")
        return self

    def __call__(self, seconds: float) -> float:
        """Value at a time; asking forwards costs nothing, asking backwards walks anew."""
        if not abs(seconds) <= _MOST_SECONDS:
            raise ParameterError(
                f"A random walk was asked for {seconds} s; it goes on for {_MOST_SECONDS:g} s."
            )
        second = max(0, math.floor(seconds))
        if self._noise is None or second < self._second:
            start = 0.5 if self.start is None else (self.start - self.low) / (self.high - self.low)
            self._noise = np.random.default_rng(self.seed)
            self._second, self._places = 0, (start, start + self._stride())
        while self._second < second:
            self._walk(min(second - self._second, _SECONDS_AT_ONCE))
        a, b = self._places
        place = (a + (b - a) * (max(0.0, seconds) - second)) % 2
        return self.low + (self.high - self.low) * min(place, 2 - place)  # folded at the bounds

    def _walk(self, n: int) -> None:
        """Go on by ``n`` seconds."""
        assert self._noise is not None
        strides = self._noise.normal(0, self.speed, n)
        before, after = np.cumsum([self._places[1], *strides])[-2:]
        self._second, self._places = self._second + n, (float(before), float(after))

    def _stride(self) -> float:
        assert self._noise is not None
        return float(self._noise.normal(0, self.speed))
