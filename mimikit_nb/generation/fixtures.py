"""What a network reads while it generates: from a corpus, or along curves given by hand.

A curve says what a fixture is at every moment behind the prompt: one value for all of it, points
``[(seconds, value), ...]``, or a function of the seconds. Labels hold until the next point,
numbers go straight from point to point; before the first point and behind the last nothing
changes. Functions are asked once per chunk. Main names: :func:`fixtures_of`, :class:`FixtureCurve`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..config import did_you_mean
from ..corpus.store import Corpus
from ..errors import FeatureError, ParameterError, PromptError
from ..features.labels import Label, Values
from ..io.align import align
from ..io.read import Origin, Reader
from ..io.variable import IOSpec
from ..networks.base import Network, Tensors
from ..units import is_number
from .stream import FixtureSource

Value = str | int | float | Sequence[float]
Curve = Value | Sequence[tuple[float, Value]] | Callable[[float], Value]
FixtureCurves = Mapping[str, Curve]
FUNCTION = "function"


def fixtures_of(
    network: Network,
    corpus: Corpus | None,
    starts: Sequence[int | None],
    n_channels: int,
    n_steps: int,
    curves: FixtureCurves | None = None,
) -> FixtureSource | None:
    """Fixtures behind prompts, and in them; None if the network needs none.

    Parameters
    ----------
    network : Network
        Whose fixtures.
    corpus : Corpus, optional
        Where those without a curve are read on from; in the prompts, also those with one.
    starts : sequence of int or None
        Per stream, where in the corpus its prompt begins (whole frames of it), in samples.
    n_channels : int > 0
        Rows per stream.
    n_steps : int > 0
        Steps of the prompts.
    curves : mapping, optional
        What fixtures are behind the prompts, by variable name.

    Raises
    ------
    PromptError
        If a fixture has neither a curve nor a place in a corpus.
    ParameterError
        If there is no such fixture, or a curve can't be followed.
    """
    io = network.io
    names = [name for name, v in io.inputs.items() if v.role == "fixture" and not v.computed_from]
    steered = _checked(io, names, curves or {})
    unsteered = [name for name in names if name not in steered]
    is_placed = corpus is not None and all(start is not None for start in starts)
    if unsteered and not is_placed:
        raise PromptError(
            f"This network reads {', '.join(unsteered)} from a corpus while it generates; "
            "give the corpus, and prompts by their position in it, or a curve as "
            f"fixtures={{{unsteered[0]!r}: ...}}."
        )
    if not names:
        return None
    device = next(network.parameters()).device
    n_rows, tracks = len(starts) * n_channels, {} if corpus is None else corpus.tracks
    known = [n for n in names if io.variables[n].source.removeprefix("track:") in tracks]
    known = [n for n in names if n in known or io.variables[n].source == "signal"]
    origins = _origins(starts, n_channels)
    readers = {
        key: Reader(io, corpus, device, some) if corpus and is_placed and some else None
        for key, some in (("prompt", known), ("behind", unsteered))
    }

    def read(step: int, n: int) -> Tensors:
        is_prompt = step + n <= 1
        reader = readers["prompt" if is_prompt else "behind"]
        first = n_steps - 1 + step
        values = reader.read(origins, first, n).inputs if reader is not None else {}
        for name in names:
            if name not in values:
                items = steered[name].at(first, n, n_steps).to(device)
                values[name] = items.expand(n_rows, *items.shape)
        return values

    return read


class FixtureCurve:
    """What a fixture is at the times of a network's steps.

    Parameters
    ----------
    io : IOSpec
        The network's variables.
    name : str
        The fixture.
    curve : value, list of (seconds, value) or callable
        What it is from the prompt's end on.
    """

    def __init__(self, io: IOSpec, name: str, curve: Curve) -> None:
        self.io, self.name, self.curve = io, name, curve
        feature = io.features[name]
        if not isinstance(feature, Label | Values):
            raise ParameterError(
                f"The fixture {name!r} is computed from sound and can't follow a curve; "
                "give a corpus and prompts by their position in it."
            )
        self.feature = feature
        if not callable(curve):
            self._at(np.zeros(1))  # says at once what is wrong with it

    def at(self, first: int, n: int, n_steps: int) -> Tensor:
        """Items ``[n, ...]`` from step ``first`` on, the prompt being ``n_steps`` long."""
        axis = self.feature.axis
        span = align(self.io, first, n)[self.name]
        end = self.io.step_axis.n_samples(n_steps) / self.io.step_axis.sample_rate
        seconds = span.frames * (axis.hop_length / axis.sample_rate) - end
        return torch.from_numpy(self._at(np.maximum(0.0, seconds)))

    def _at(self, seconds: np.ndarray) -> np.ndarray:
        """Classes ``[T]`` or vectors ``[T, dim]`` at times behind the prompt."""
        if callable(self.curve):
            times, values = np.zeros(1), [self.curve(float(seconds[0]))]
        else:
            times, values = self._points(self.curve)
        if isinstance(self.feature, Label):
            return self._classes(self.feature, values)[
                np.searchsorted(times, seconds, side="right").clip(1) - 1
            ]
        dim = self.feature.kind.dim
        try:
            vectors = np.array([np.broadcast_to(value, dim) for value in values], np.float64)
        except (TypeError, ValueError):
            vectors = np.full((1, dim), np.nan)
        if not np.isfinite(vectors).all():
            raise ParameterError(
                f"The curve of {self.name!r} can't be followed: it needs {dim} numbers at a time."
            )
        columns = [np.interp(seconds, times, column) for column in vectors.T]
        return np.stack(columns, axis=-1).astype(np.float32)

    def _points(self, curve: Any) -> tuple[np.ndarray, list[Any]]:
        """Times in ascending order, and values, of a curve that is no function."""
        is_points = (
            isinstance(curve, Sequence)
            and not isinstance(curve, str)
            and bool(curve)
            and all(isinstance(point, Sequence) and len(point) == 2 for point in curve)
        )
        if not is_points:
            return np.zeros(1), [curve]
        if not all(is_number(time) for time, _ in curve):
            raise ParameterError(
                f"The points of {self.name!r} must be pairs (seconds, value), the seconds numbers."
            )
        points = sorted(((float(time), value) for time, value in curve), key=lambda p: p[0])
        return np.array([time for time, _ in points]), [value for _, value in points]

    def _classes(self, feature: Label, values: Sequence[Any]) -> np.ndarray:
        try:
            return feature.classes_of(np.asarray(values))
        except (FeatureError, TypeError, ValueError) as error:
            raise ParameterError(f"The curve of {self.name!r} can't be followed: {error}") from None


def _checked(io: IOSpec, names: Sequence[str], curves: FixtureCurves) -> dict[str, FixtureCurve]:
    for name in curves:
        if name not in names:
            raise ParameterError(
                f"This network has no fixture {name!r}. {did_you_mean(str(name), names)}"
                if names
                else f"This network has no fixtures, so nothing can steer it as {name!r}."
            )
    return {name: FixtureCurve(io, name, curve) for name, curve in curves.items()}


def _origins(starts: Sequence[int | None], n_channels: int) -> list[Origin]:
    """Where the rows' prompts begin in the corpus."""
    channels = [-1] if n_channels == 1 else range(n_channels)
    return [Origin(start, c) for start in starts if start is not None for c in channels]


def steering(curves: FixtureCurves | None) -> dict[str, Any]:
    """Curves as JSON types, for the recall data; functions by their name alone."""
    return {
        name: {FUNCTION: getattr(curve, "__qualname__", repr(curve))} if callable(curve) else curve
        for name, curve in (curves or {}).items()
    }
