"""One turn of a score: :class:`Event`, and the amounts that it is described by.

An amount is a number, a range ``[1, 3]``, a normal distribution ``{"normal": [2, 0.5]}`` or one of
several numbers ``{"choice": [1, 2, 4]}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Number
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, field_serializer

from ...config import Config, field
from ...errors import ConfigError
from ...units import is_number
from ..curves import CONTROLS, ControlConfig

SHORTEST_SECONDS = 0.01
"Of a turn."

_NO_GENERATORS = (Number, bytes, list, tuple, set, frozenset, np.ndarray, np.generic)


def draw(value: Any, rng: np.random.Generator) -> float:
    """A number from an amount: itself, of a range, a distribution or a choice."""
    if isinstance(value, tuple | list):
        return float(rng.uniform(*value))
    if isinstance(value, dict):
        kind, numbers = next(iter(value.items()))
        return float(rng.normal(*numbers) if kind == "normal" else rng.choice(numbers))
    return float(value)


def check_amount(value: Any) -> Any:
    """An amount in plain numbers, or a ValueError that says what amounts are."""
    if isinstance(value, Mapping) and len(value) == 1:
        kind, found = next(iter(value.items()))
        numbers = _numbers_of(found)
        is_normal = kind == "normal" and len(numbers) == 2 and numbers[1] >= 0
        if is_normal or (kind == "choice" and numbers):
            return {kind: numbers}
    elif isinstance(value, list | tuple):
        numbers = _numbers_of(value)
        if len(numbers) == 2 and numbers[0] <= numbers[1]:
            return numbers
    elif is_number(value):
        return _plain_number(value)
    raise ValueError(
        "give a number, a range [low, high], {'normal': [mean, deviation]} or {'choice': [a, b]}"
    )


def _numbers_of(value: Any) -> list[Any]:
    """Numbers of a list; none if it holds anything else."""
    if not isinstance(value, list | tuple) or not all(map(is_number, value)):
        return []
    return [_plain_number(number) for number in value]


def _plain_number(value: Any) -> int | float:
    return int(value) if isinstance(value, Integral) else float(value)


def _check_control(value: Any) -> Any:
    """An amount, a curve, or a function of the seconds."""
    if callable(value) and not isinstance(value, Config):
        return value
    if isinstance(value, ControlConfig) or (isinstance(value, dict) and "kind" in value):
        return CONTROLS.parse(value)
    return check_amount(value)


def _check_optional(value: Any) -> Any:
    """As :func:`_check_control`, or None."""
    return None if value is None else _check_control(value)


def _check_generator(value: Any) -> Any:
    """What may name a generator; whether it does is found out where it is made."""
    is_empty = isinstance(value, str | Mapping) and not value
    if value is None or is_empty or isinstance(value, _NO_GENERATORS):
        raise ValueError(
            "give the path of a run or a checkpoint, 'nearest_neighbour', 'silence', a mapping "
            "such as {'region': [start, stop]}, or a function"
        )
    return value


def _check_prompt(prompt: Any) -> Any:
    if isinstance(prompt, str) and prompt == "last":
        return prompt
    kind, value = _only_item(prompt)
    if kind == "corpus":
        return {kind: check_amount(value)}
    if kind == "voice" and is_number(value) and value >= 0 and value == int(value):
        return {kind: int(value)}
    raise ValueError("give 'last', {'corpus': seconds} or {'voice': number}")


def _check_until(until: Any) -> Any:
    if until is None or isinstance(until, str):
        return until
    rule, level = _only_item(until)
    if not isinstance(rule, str) or not is_number(level):
        raise ValueError("give a rule's name, or {'novelty_below': level from 0 to 1}")
    return {rule: _plain_number(level)}


def _only_item(value: Any) -> tuple[Any, Any]:
    """Key and value of a mapping of one; nothing else has any."""
    is_one = isinstance(value, Mapping) and len(value) == 1
    return next(iter(value.items())) if is_one else (None, None)


Amount = Annotated[Any, BeforeValidator(check_amount)]
ControlAmount = Annotated[Any, BeforeValidator(_check_control)]
OptionalControlAmount = Annotated[Any, BeforeValidator(_check_optional)]

_LIMITS: dict[str, tuple[float, float]] = {
    "seconds": (SHORTEST_SECONDS, 86_400.0),
    "temperature": (0.0, 10.0),
    "top_p": (1e-6, 1.0),
    "gain_db": (-120.0, 24.0),
    "fade_in_seconds": (0.0, 600.0),
    "fade_out_seconds": (0.0, 600.0),
    "crossfade_seconds": (0.0, 10.0),
    "prompt_seconds": (0.01, 30.0),
    "prompt_noise": (0.0, 1.0),
    "recorded": (0.0, 1.0),
    "follow": (0.0, 1e6),
}


class Event(Config):
    """One turn: a generator, for how long, and how."""

    generator: Annotated[Any, BeforeValidator(_check_generator)]
    """What sounds: a checkpoint or its path, 'nearest_neighbour', 'silence', a mapping such as
    {'average': [...]} or {'region': [start, stop]}, or a function."""
    seconds: Amount = 2.0
    "Length of the turn: from its beginning to the beginning of the next one."
    temperature: ControlAmount = 1.0
    "Spread of the draws, 0 to 10: an amount, a curve or a function of the turn's seconds."
    top_k: int = field(0, ge=0)
    "Draw among so many of the likeliest classes; 0: among all."
    top_p: ControlAmount = 1.0
    "Draw among the likeliest classes that together have this probability."
    recorded: OptionalControlAmount = field(None, label="New … Recorded")
    """Networks that remember their recording: from new frames (0) to recorded ones (1), an amount,
    a curve or a function; the network's own number if not given."""
    follow: OptionalControlAmount = field(None, label="Follow (s)")
    "How long one passage of the recording may be followed, as 'recorded', in seconds."
    gain_db: Amount = 0.0
    "How much louder or softer than generated."
    level: Literal["as_is", "match"] = "as_is"
    "'match': as loud as the turn before (the turn is then made before it is heard)."
    fade_in_seconds: Amount = 0.0
    "Fade in at the beginning of the turn."
    fade_out_seconds: Amount = 0.0
    "Fade out at its end."
    crossfade_seconds: Amount = 0.05
    "How long the turn before goes on under the beginning of this one."
    crossfade: Literal["aligned", "equal_power", "linear"] = "aligned"
    """Shape: 'aligned' waits up to 10 ms until the phases match and keeps the level, whatever the
    two have in common; 'equal_power' suits sounds that have nothing in common, 'linear' those that
    are alike."""
    prompt: Annotated[Any, BeforeValidator(_check_prompt)] = "last"
    """What is continued: 'last' (what sounded last), {'corpus': seconds} (a position, also drawn),
    {'voice': number} (what another parallel voice played last)."""
    prompt_seconds: Amount = 1.0
    "Length of the prompt."
    prompt_noise: Amount = 0.0
    "Noise added to the prompt, relative to its level: 1 is as loud as the prompt."
    until: Annotated[Any, BeforeValidator(_check_until)] = None
    """Hand over early, by a rule: at the last 'onset' or 'section' boundary of the turn, when
    'stuck', or {'novelty_below': level} where it begins to copy the corpus."""
    fixtures: dict[str, Any] | None = None
    "What the network is steered by, by name."
    seed: int | None = field(None, ge=0, lt=2**31)
    "Seed of the turn's sound; drawn from the piece's seed if not given."

    def __init__(self, **values: Any) -> None:
        super().__init__(
            **{k: v.item() if isinstance(v, np.generic) else v for k, v in values.items()}
        )
        for name, (low, high) in _LIMITS.items():
            for number in numbers_within(getattr(self, name)):
                if not low <= number <= high:
                    raise ConfigError(f"{name} = {number:g}: it must be from {low:g} to {high:g}.")

    @field_serializer("generator", "temperature", "top_p", "recorded", "follow", "fixtures")
    def _named(self, value: Any) -> Any:
        return _plain(value)

    def drawn(self, rng: np.random.Generator) -> Event:
        """A copy with numbers in place of ranges, distributions and choices."""
        numbers: dict[str, Any] = {}
        for name, (low, high) in _LIMITS.items():
            value = getattr(self, name)
            if value is not None and not callable(value):
                numbers[name] = float(np.clip(draw(value, rng), low, high))
        if isinstance(self.prompt, dict) and "corpus" in self.prompt:
            numbers["prompt"] = {"corpus": max(0.0, draw(self.prompt["corpus"], rng))}
        seed = int(rng.integers(2**31))  # drawn in any case: what follows mustn't depend on it
        return self.model_copy(update={"seed": seed, **numbers} | _given(self.seed))


def _given(seed: int | None) -> dict[str, int]:
    return {} if seed is None else {"seed": seed}


def numbers_within(value: Any) -> list[float]:
    """Numbers that a drawn amount is within; of a distribution none."""
    if isinstance(value, dict):
        return list(value.get("choice", []))
    if isinstance(value, list | tuple):
        return list(value)
    return [] if value is None or callable(value) else [value]


def plain_event(event: Event) -> dict[str, Any]:
    """What was given of an event, as JSON types."""
    values = event.model_dump(mode="json", exclude_unset=True)
    spec = values["generator"]
    if isinstance(spec, dict) and "parallel" in spec:
        values = {"parallel": spec["parallel"], **values}
        del values["generator"]
    return values


def _plain(value: Any) -> Any:
    """A value as JSON types; objects and functions by their name."""
    if isinstance(value, Event):
        return plain_event(value)
    if isinstance(value, Config):
        return value.to_dict()
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    path = getattr(value, "path", None)
    if isinstance(value, Path) or path is not None:
        return str(path or value)
    return getattr(value, "__qualname__", type(value).__name__)
