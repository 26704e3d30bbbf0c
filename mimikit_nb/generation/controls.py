"""What steers sampling: temperature, top-k and top-p, and how far the recording is followed.

Each is a number, a function of the time in seconds since the prompt's end, or a list with one of
these per stream. Functions are asked once per chunk, for its beginning; :mod:`.curves` has some.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor

from ..config import Config, field, shown
from ..errors import ParameterError
from .curves import CONTROLS, ControlConfig

Function = Callable[[float], float | Sequence[float]]
Single = float | Function | dict[str, Any]
Control = Single | Sequence[Single]

_LIMITS: dict[str, tuple[float, float, str]] = {
    "temperature": (0.0, 10.0, "0 always takes the likeliest value, 1 draws as trained"),
    "top_k": (0, 2**31, "0 keeps all classes"),
    "top_p": (1e-6, 1.0, "1 keeps all classes"),
    "recorded": (0.0, 1.0, "0 plays the network's own frames, 1 recorded ones"),
    "follow": (0.0, 1e6, "seconds that a passage of the recording may be followed"),
}
OPTIONAL = ("recorded", "follow")
"Controls that some heads read, each with a number of its own where None is given."
_OWN = -1.0  # what a head takes as its own number
_SETTABLE = {"recorded": (0.0, 1.0), "follow": (0.02, 60.0)}
"Limits in views; passages are always followed for a step, which is longer than 0.02 s."


def _settable(name: str, **hints: Any) -> Any:
    low, high = _SETTABLE[name]
    return field(None, ge=low, le=high, **hints)


class RecordedSettings(Config):
    """Settings of networks that remember their recording; not given for all others."""

    recorded: float | None = _settable("recorded", label="New … Recorded")
    "From new frames (0) to recorded ones (1); between them both are mixed."
    follow: float | None = _settable("follow", unit="s", scale="log", label="Follow (s)")
    "How long one passage of the recording may be followed."

    def with_own(self, own: Mapping[str, float]) -> Self:
        """The settings as a network reads them.

        Parameters
        ----------
        own : mapping of str to float
            The network's own numbers (``io.own_controls``): they hold where none are given, and
            what isn't among them isn't read, and left out.
        """
        numbers: dict[str, float | None] = dict.fromkeys(OPTIONAL)
        for name, number in own.items():
            low, high = _SETTABLE[name]
            given = getattr(self, name)
            numbers[name] = min(max(number, low), high) if given is None else given
        return self.model_copy(update=numbers)


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
    recorded : float, function or list, optional
        0 to 1, for heads that remember the recording: between the network's own frames and
        recorded ones. None, also in a list or from a function, is the head's own number.
    follow : float, function or list, optional
        Seconds that one passage of the recording may be followed; as ``recorded``.
    n_channels : int, default 1
        Rows of a batch that belong to one stream, and share its values.
    """

    temperature: Control = 1.0
    top_k: Control = 0
    top_p: Control = 1.0
    recorded: Control | None = None
    follow: Control | None = None
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
        """Controls as JSON types; functions that aren't configs by their name.

        Optional ones are left out if they aren't given.
        """
        values = {name: _each(_to_json, getattr(self, name)) for name in _LIMITS}
        return {k: v for k, v in values.items() if k not in OPTIONAL or v is not None}

    def _tensor(self, name: str, time_seconds: float, n_streams: int) -> Tensor:
        control = getattr(self, name)
        value = _each(lambda v: v(time_seconds) if callable(v) else v, control)
        low, high, meaning = _LIMITS[name]
        own = _each(lambda v: name in OPTIONAL and v is None, value)
        try:
            given = _each(lambda v: low if name in OPTIONAL and v is None else v, value)
            tensor = torch.as_tensor(given, dtype=torch.float64)
        except (TypeError, ValueError, RuntimeError, OverflowError):
            tensor = torch.tensor(torch.nan)
        is_usable, whole = (tensor >= low) & (tensor <= high), ""
        if name == "top_k":
            is_usable, whole = is_usable & (tensor == tensor.round()), "a whole number, "
        if not bool(is_usable.all()):
            raise ParameterError(
                f"{name} is {shown(value)}; it must be from {low:g} to {high:g} ({whole}{meaning})."
            )
        tensor = torch.where(torch.as_tensor(own, dtype=torch.bool), _OWN, tensor)
        tensor = tensor.to(torch.int64 if name == "top_k" else torch.float32)
        if tensor.dim() > 1 or (tensor.dim() == 1 and tensor.numel() not in (1, n_streams)):
            raise ParameterError(
                f"{name} has {tensor.numel()} values for {n_streams} streams; give one each."
            )
        return tensor.expand(n_streams)


def truncates(controls: dict[str, Tensor]) -> bool:
    """Whether controls, as :meth:`Controls.at` gives them, exclude any class."""
    return bool((controls["top_k"] > 0).any() or (controls["top_p"] < 1).any())


def refuse_unread(controls: dict[str, Tensor], read: Collection[str]) -> None:
    """Raise a ParameterError if a control is given that no head reads."""
    refuse_given((name for name in OPTIONAL if bool((controls[name] >= 0).any())), read)


def refuse_given(given: Iterable[str], read: Collection[str]) -> None:
    """Raise a ParameterError if a control of these names isn't read."""
    for name in given:
        if name not in read:
            raise ParameterError(
                f"{name} is given, but this network doesn't remember its recording: leave {name} "
                "out, or use a network with a head 'units' or a 'flow' with n_units."
            )


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
