"""Alignment: "T model steps from here" as one exact window per variable.

At step ``t`` a network has read the items up to ``t`` and predicts item ``t + 1``. Times are
counted from a sequence's origin, in exact fractions:

* an *autoregressive* variable reads items ``t`` and predicts items ``t + 1``;
* a *fixture* or an *auxiliary* target at step ``t`` is the last item of its own axis whose time
  is not after that of item ``t + 1``: held while a slower variable has no new item, and the
  latest one where a variable is faster than the steps (those between are not read).

The time of an item is that of its centre if its feature is centred, else of its beginning.
Variables computed from another have no window of their own: as inputs they are computed from
item ``t`` (no more is known then), as targets from item ``t + 1``. Main names: :func:`align`,
:class:`Span`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from ..errors import ParameterError
from ..units import TimeAxis
from .variable import IOSpec


@dataclass(frozen=True, eq=False)
class Span:
    """The window of one variable.

    Attributes
    ----------
    axis : TimeAxis
        Time axis of the variable.
    first : int
        First item, counted from the origin.
    n_frames : int
        Items in the window.
    index : np.ndarray [shape=(T,), dtype=int64]
        For each step, the item in the window that belongs to it: never falling, from 0 to
        ``n_frames - 1``.
    """

    axis: TimeAxis
    first: int
    n_frames: int
    index: np.ndarray

    @property
    def start(self) -> int:
        """First sample that the window looks at, from the origin, at the axis' rate."""
        return self.axis.frame_start(self.first)

    @property
    def stop(self) -> int:
        """First sample after those that the window looks at."""
        return self.axis.frame_start(self.first + self.n_frames - 1) + self.axis.frame_length

    @property
    def is_plain(self) -> bool:
        """Whether the steps have the items of the window one after the other."""
        return self.n_frames == len(self.index)

    @property
    def frames(self) -> np.ndarray:
        """The item of each step, counted from the origin ``[T]``."""
        return self.first + self.index


def align(io: IOSpec, start_step: int, n_steps: int) -> dict[str, Span]:
    """Windows of all variables for steps ``start_step ... start_step + n_steps``.

    Parameters
    ----------
    io : IOSpec
        The variables.
    start_step : int
        First step, counted from the origin.
    n_steps : int > 0
        Steps T.

    Returns
    -------
    dict of Span
        By variable name, those computed from another variable left out. The window of an
        autoregressive variable has ``T + 1`` items, one more than there are steps: item ``t``
        of it is the input, item ``t + 1`` the target of step ``start_step + t``.

    Raises
    ------
    ParameterError
        If there are no steps.
    """
    if n_steps < 1:
        raise ParameterError(f"n_steps is {n_steps}; a window has at least 1 step.")
    steps = io.step_axis
    return {
        name: _plain(io.features[name].axis, start_step, n_steps + 1)
        if variable.role == "autoregressive"
        else _current(io.features[name].axis, steps, start_step + 1, n_steps)
        for name, variable in io.variables.items()
        if not variable.computed_from
    }


@functools.lru_cache(maxsize=1024)
def _plain(axis: TimeAxis, first: int, n: int) -> Span:
    """Items ``first ... first + n``, one after the other."""
    return Span(axis, first, n, np.arange(n))


@functools.lru_cache(maxsize=1024)
def _current(axis: TimeAxis, steps: TimeAxis, first: int, n: int) -> Span:
    """Items of ``axis`` at the times of items ``first ... first + n`` of ``steps``.

    What :meth:`TimeAxis.frame_at` says of each, in whole numbers.
    """
    ratio = axis.frame_rate / steps.frame_rate  # items per step, exactly
    item, remainder = divmod(first * ratio.numerator, ratio.denominator)
    index = (remainder + np.arange(n) * ratio.numerator) // ratio.denominator
    return Span(axis, item, int(index[-1]) + 1, index)
