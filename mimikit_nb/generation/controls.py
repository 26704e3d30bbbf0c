"""What steers sampling: temperature, top-k and top-p.

Each is a number, one number per stream, or a function of the time in seconds since the prompt's
end that returns either. Functions are asked once per chunk, at its beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import ParameterError

Control = float | Sequence[float] | Callable[[float], "float | Sequence[float]"]

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
    temperature : float, list or function, default 1.0
        Spread of the draws, 0 to 10.
    top_k : int, list or function, default 0
        Draw among the ``top_k`` likeliest classes only; 0: among all.
    top_p : float, list or function, default 1.0
        Draw among the likeliest classes that together have probability ``top_p``.
    n_channels : int, default 1
        Rows of a batch that belong to one stream, and share its values.
    """

    temperature: Control = 1.0
    top_k: Control = 0
    top_p: Control = 1.0
    n_channels: int = 1

    def at(self, time_seconds: float, n_rows: int) -> dict[str, Tensor]:
        """Checked tensors ``[n_rows]`` of all controls at a time."""
        n_streams = n_rows // self.n_channels
        values = {name: self._tensor(name, time_seconds, n_streams) for name in _LIMITS}
        return {name: value.repeat_interleave(self.n_channels) for name, value in values.items()}

    @property
    def truncates(self) -> bool:
        """Whether top-k or top-p can ever exclude a class."""
        return self.top_k != 0 or self.top_p != 1.0

    def to_dict(self) -> dict[str, object]:
        """Controls as JSON types; functions by their name."""
        values = {name: getattr(self, name) for name in _LIMITS}
        return {
            k: getattr(v, "__qualname__", repr(v)) if callable(v) else v for k, v in values.items()
        }

    def _tensor(self, name: str, time_seconds: float, n_streams: int) -> Tensor:
        value = getattr(self, name)
        value = value(time_seconds) if callable(value) else value
        tensor = torch.as_tensor(value, dtype=torch.int64 if name == "top_k" else torch.float32)
        low, high, meaning = _LIMITS[name]
        if not bool(((tensor >= low) & (tensor <= high)).all()):
            raise ParameterError(
                f"{name} is {value}; it must be from {low:g} to {high:g} ({meaning})."
            )
        if tensor.dim() == 1 and tensor.numel() != n_streams:
            raise ParameterError(
                f"{name} has {tensor.numel()} values for {n_streams} streams; give one each."
            )
        return tensor.expand(n_streams)
