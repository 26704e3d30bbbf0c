"""What steers sampling: temperature, top-k and top-p.

Each is a number, a function of the time in seconds since the prompt's end, or a list with one of
these per stream. Functions are asked once per chunk, for its beginning; :mod:`.curves` has some.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor

from ..config import shown
from ..errors import ParameterError
from .curves import CONTROLS, ControlConfig

Function = Callable[[float], float | Sequence[float]]
Single = float | Function | dict[str, Any]
Control = Single | Sequence[Single]

_LIMITS: dict[str, tuple[float, float, str]] = {
    "temperature": (0.0, 10.0, "0 always takes the likeliest value, 1 draws as trained"),
    "top_k": (0, 2**31, "0 keeps all classes"),
    "top_p": (1e-6, 1.0, "1 keeps all classes"),
}


@dataclass(frozen=True)
class Controls:
    """How to draw from what a network predicts.

    Parameters
    ----------
    temperature : float, function or list, default 1.0
        Spread of the draws, 0 to 10. Dicts as :meth:`to_dict` gives them are functions too.
    top_k : int, function or list, default 0
        Draw among the ``top_k`` likeliest classes only; 0: among all.
    top_p : float, function or list, default 1.0
        Draw among the likeliest classes that together have probability ``top_p``.
    n_channels : int, default 1
        Rows of a batch that belong to one stream, and share its values.
    """

    temperature: Control = 1.0
    top_k: Control = 0
    top_p: Control = 1.0
    n_channels: int = 1

    def __post_init__(self) -> None:
        for name in _LIMITS:
            object.__setattr__(self, name, _each(_parse, getattr(self, name)))

    def at(self, time_seconds: float, n_rows: int) -> dict[str, Tensor]:
        """Checked tensors ``[n_rows]`` of all controls at a time."""
        n_streams = n_rows // self.n_channels
        values = {name: self._tensor(name, time_seconds, n_streams) for name in _LIMITS}
        return {name: value.repeat_interleave(self.n_channels) for name, value in values.items()}

    @property
    def truncates(self) -> bool:
        """Whether top-k or top-p can ever exclude a class."""
        return self.top_k != 0 or self.top_p != 1.0

    @property
    def truncates_at_times(self) -> bool:
        """Whether functions decide over that, so that there may be times without."""
        return callable(self.top_k) or callable(self.top_p)

    def of(self, stream: int) -> Self:
        """Controls of one stream alone."""
        values = {name: getattr(self, name) for name in _LIMITS}
        return replace(
            self, **{k: v[stream % len(v)] if _is_list(v) else v for k, v in values.items()}
        )

    def to_dict(self) -> dict[str, Any]:
        """Controls as JSON types; functions that aren't configs by their name."""
        return {name: _each(_to_json, getattr(self, name)) for name in _LIMITS}

    def _tensor(self, name: str, time_seconds: float, n_streams: int) -> Tensor:
        control = getattr(self, name)
        value = _each(lambda v: v(time_seconds) if callable(v) else v, control)
        low, high, meaning = _LIMITS[name]
        try:
            tensor = torch.as_tensor(value, dtype=torch.float64)
        except (TypeError, ValueError, RuntimeError, OverflowError):
            tensor = torch.tensor(torch.nan)
        is_usable, whole = (tensor >= low) & (tensor <= high), ""
        if name == "top_k":
            is_usable, whole = is_usable & (tensor == tensor.round()), "a whole number, "
        if not bool(is_usable.all()):
            raise ParameterError(
                f"{name} is {shown(value)}; it must be from {low:g} to {high:g} ({whole}{meaning})."
            )
        tensor = tensor.to(torch.int64 if name == "top_k" else torch.float32)
        if tensor.dim() > 1 or (tensor.dim() == 1 and tensor.numel() not in (1, n_streams)):
            raise ParameterError(
                f"{name} has {tensor.numel()} values for {n_streams} streams; give one each."
            )
        return tensor.expand(n_streams)


def truncates(controls: dict[str, Tensor]) -> bool:
    """Whether controls, as :meth:`Controls.at` gives them, exclude any class."""
    return bool((controls["top_k"] > 0).any() or (controls["top_p"] < 1).any())


def _is_list(control: Any) -> bool:
    return not callable(control) and not isinstance(control, dict) and hasattr(control, "__len__")


def _each(fn: Callable[[Any], Any], control: Any) -> Any:
    """``fn`` of a control, or of each one in a list."""
    return [fn(v) for v in control] if _is_list(control) else fn(control)


def _parse(control: Any) -> Any:
    return CONTROLS.parse(control) if isinstance(control, dict) else control


def _to_json(control: Any) -> Any:
    if isinstance(control, ControlConfig):
        return control.to_dict()
    return getattr(control, "__qualname__", repr(control)) if callable(control) else control
