"""Weights of the members of an average: numbers, or functions of the turn's seconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ...config import shown
from ...errors import ParameterError
from ..curves import CONTROLS


def check_weights(weights: Any, n: int) -> list[Any]:
    """Weights as numbers and functions, or a ParameterError."""
    if isinstance(weights, str) or not isinstance(weights, Iterable | None):
        raise ParameterError(f"weights is {shown(weights)}; give a list with one per member.")
    weights = [1.0] * n if weights is None else list(weights)
    if n == 0 or len(weights) != n:
        raise ParameterError(f"There are {n} members but {len(weights)} weights; give one each.")
    shares = [CONTROLS.parse(w) if isinstance(w, dict) else w for w in weights]
    weights_at(shares, 0.0)
    return shares


def weights_at(weights: Sequence[Any], seconds: float) -> list[float]:
    """Weights at a time, scaled to a sum of 1."""
    found = [w(seconds) if callable(w) else w for w in weights]
    try:
        values = [float(w) for w in found]
    except (TypeError, ValueError, OverflowError):
        raise ParameterError(f"The weights are {shown(found)}; give numbers or curves.") from None
    if min(values) < 0 or not 0 < sum(values) < float("inf"):
        raise ParameterError(
            f"The weights are {values} at {seconds:g} s; they must not be negative, nor all 0."
        )
    return [value / sum(values) for value in values]
