"""Sliders: how positions become values of a field, and the control itself.

Main names: :class:`Scale`, :func:`scale_of`, :class:`Slider`.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import anywidget
import traitlets
from pydantic.fields import FieldInfo

from .fields import bare_type, hints_of

WIDEST_LINEAR = 1000  # a longer range is no use on a linear slider
LOG_DECADES = 6  # of a logarithmic slider whose range begins at 0
LINEAR_STEP = LOG_STEP = 0.01
LIMITS = ("ge", "gt", "le", "lt")


class Scale(NamedTuple):
    """How positions of a slider, from 0 to 1, become values of a field.

    Attributes
    ----------
    low, high : float
        Ends of the slider.
    kind : str
        "linear", "log" or "power_of_two".
    is_whole : bool
        Whether values are whole numbers.
    """

    low: float
    high: float
    kind: str
    is_whole: bool

    def value(self, position: float) -> float:
        """Value at a position."""
        position = min(max(position, 0.0), 1.0)
        if self.kind == "linear":
            found = self.low + position * (self.high - self.low)
        else:
            found = self.low * (self.high / self.low) ** position
        if self.kind == "power_of_two":
            found = 2.0 ** round(math.log2(found))
        if self.is_whole:
            return min(max(round(found), math.ceil(self.low)), math.floor(self.high))
        return float(f"{found:.3g}")

    def position(self, value: float) -> float:
        """Position of a value; the nearest end for values outside."""
        value = min(max(value, self.low), self.high)
        if self.kind == "linear":
            return (value - self.low) / (self.high - self.low)
        return math.log(value / self.low) / math.log(self.high / self.low)

    @property
    def step(self) -> float:
        """Positions from one value to the next, for the arrow keys."""
        if self.kind == "power_of_two":
            return 1 / max(1.0, math.log2(self.high / self.low))
        if self.kind == "linear" and self.is_whole:
            return 1 / (self.high - self.low)
        return LINEAR_STEP if self.kind == "linear" else LOG_STEP


def scale_of(info: FieldInfo) -> Scale | None:
    """Slider that suits a number's limits; None if they are open or too far apart.

    An end that is no value of the field (less than 1, say) lies one step inside.
    """
    kind = bare_type(info.annotation)
    if kind not in (int, float):
        return None
    limits = {name: getattr(m, name) for m in info.metadata for name in LIMITS if hasattr(m, name)}
    low, high = limits.get("ge", limits.get("gt")), limits.get("le", limits.get("lt"))
    if low is None or high is None:
        return None
    shape = str(hints_of(info).get("scale", "linear"))
    if shape == "linear" and high - low > WIDEST_LINEAR:
        return None
    if shape != "linear" and low <= 0:
        low = 1 if kind is int else high / 10**LOG_DECADES
    elif "gt" in limits:
        low += 1 if kind is int else LINEAR_STEP * (high - low)
    if "lt" in limits:
        high -= 1 if kind is int else LINEAR_STEP * (high - low)
    return Scale(float(low), float(high), shape, kind is int)


class Slider(anywidget.AnyWidget):
    """A slider from 0 to 1 with a name; only a hand or Python moves it, never its own rounding.

    Parameters
    ----------
    **traits
        ``value``, ``step``, ``name`` (for screen readers), ``text`` (the value in words), ``tip``.
    """

    _esm = (Path(__file__).parent / "slider.js").read_text(encoding="utf-8")
    value = traitlets.Float(0.0).tag(sync=True)
    step = traitlets.Float(0.01).tag(sync=True)
    name = traitlets.Unicode("").tag(sync=True)
    text = traitlets.Unicode("").tag(sync=True)
    tip = traitlets.Unicode("").tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
