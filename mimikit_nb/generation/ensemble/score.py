"""Scores: who generates when, with what.

A score is events in patterns. An event is a mapping with a ``generator``; patterns are lists
(one after the other) and the mappings ``{"repeat": ..., "times": 4}``, ``{"shuffle": [...]}``,
``{"choice": [...], "weights": [...], "times": 8}`` and ``{"parallel": [voice, voice]}``, which
may hold each other. Quantities may be drawn: ``[1, 3]`` is a range, ``{"normal": [2, 0.5]}`` a
normal distribution, ``{"choice": [1, 2, 4]}`` one of several. Main names: :class:`Event`,
:class:`Score`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import yaml
from pydantic import BeforeValidator, field_serializer

from ...audio.recall import read_recall
from ...config import Config, did_you_mean, field
from ...errors import ConfigError
from ..curves import CONTROLS, ControlConfig

SOUND_SUFFIXES = (".wav", ".flac", ".ogg", ".rf64")
SHORTEST_SECONDS = 0.01
"Of a turn."

_PATTERNS = ("sequence", "repeat", "shuffle", "choice", "parallel")


def draw(value: Any, rng: np.random.Generator) -> float:
    """A number from an amount: itself, of a range, a distribution or a choice."""
    if isinstance(value, tuple | list):
        return float(rng.uniform(*value))
    if isinstance(value, dict):
        kind, numbers = next(iter(value.items()))
        return float(rng.normal(*numbers) if kind == "normal" else rng.choice(numbers))
    return float(value)


def _check_amount(value: Any) -> Any:
    """An amount as it is, or a ValueError that says what amounts are."""
    numbers = value
    if isinstance(value, dict) and len(value) == 1:
        kind, numbers = next(iter(value.items()))
        is_known = kind == "choice" or (kind == "normal" and len(numbers) == 2)
    else:
        is_known = not isinstance(value, list | tuple) or (
            len(value) == 2 and all(map(_is_number, value)) and value[0] <= value[1]
        )
    numbers = numbers if isinstance(numbers, list | tuple) else [numbers]
    if not is_known or not numbers or not all(map(_is_number, numbers)):
        raise ValueError(
            "give a number, a range [low, high], {'normal': [mean, deviation]} or "
            "{'choice': [a, b]}"
        )
    return value


def _is_number(value: Any) -> bool:
    is_real = isinstance(value, int | float) and not isinstance(value, bool)
    return is_real and bool(np.isfinite(value))


def _check_control(value: Any) -> Any:
    """An amount, a curve, or a function of the seconds."""
    if callable(value) and not isinstance(value, Config):
        return value
    if isinstance(value, ControlConfig) or (isinstance(value, dict) and "kind" in value):
        return CONTROLS.parse(value)
    return _check_amount(value)


Amount = Annotated[Any, BeforeValidator(_check_amount)]
ControlAmount = Annotated[Any, BeforeValidator(_check_control)]

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
}


class Event(Config):
    """One turn: a generator, for how long, and how."""

    generator: Any
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
    prompt: Any = "last"
    """What is continued: 'last' (what sounded last), {'corpus': seconds} (a position, also drawn),
    {'voice': number} (what another parallel voice played last)."""
    prompt_seconds: Amount = 1.0
    "Length of the prompt."
    prompt_noise: Amount = 0.0
    "Noise added to the prompt, relative to its level: 1 is as loud as the prompt."
    until: Any = None
    """Hand over early, by a rule: at the last 'onset' or 'section' boundary of the turn, when
    'stuck', or {'novelty_below': level} where it begins to copy the corpus."""
    fixtures: dict[str, Any] | None = None
    "What the network is steered by, by name."
    seed: int | None = field(None, ge=0, lt=2**31)
    "Seed of the turn's sound; drawn from the piece's seed if not given."

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        for name, (low, high) in _LIMITS.items():
            for number in _numbers(getattr(self, name)):
                if not low <= number <= high:
                    raise ConfigError(f"{name} = {number:g}: it must be from {low:g} to {high:g}.")
        _check_prompt(self.prompt)
        _check_until(self.until)

    @field_serializer("generator", "temperature", "top_p")
    def _named(self, value: Any) -> Any:
        return _plain(value)

    def drawn(self, rng: np.random.Generator) -> Event:
        """A copy with numbers in place of ranges, distributions and choices."""
        numbers: dict[str, Any] = {}
        for name, (low, high) in _LIMITS.items():
            value = getattr(self, name)
            if not callable(value):
                numbers[name] = float(np.clip(draw(value, rng), low, high))
        if isinstance(self.prompt, dict) and "corpus" in self.prompt:
            numbers["prompt"] = {"corpus": max(0.0, draw(self.prompt["corpus"], rng))}
        seed = int(rng.integers(2**31))  # drawn in any case: what follows mustn't depend on it
        return self.model_copy(update={"seed": seed, **numbers} | _given(self.seed))


def _given(seed: int | None) -> dict[str, int]:
    return {} if seed is None else {"seed": seed}


def _numbers(value: Any) -> list[float]:
    """Numbers that a drawn amount is within; of a distribution none."""
    if isinstance(value, dict):
        return list(value.get("choice", []))
    if isinstance(value, list | tuple):
        return list(value)
    return [] if callable(value) else [value]


def _check_prompt(prompt: Any) -> None:
    kind = next(iter(prompt)) if isinstance(prompt, dict) and len(prompt) == 1 else prompt
    if kind == "corpus":
        try:
            _check_amount(prompt["corpus"])
        except (ValueError, TypeError) as error:
            raise ConfigError(f"prompt = {prompt}: {error}.") from None
    elif not (kind == "voice" and isinstance(prompt["voice"], int)) and prompt != "last":
        raise ConfigError(
            f"prompt = {prompt!r}: give 'last', {{'corpus': seconds}} or {{'voice': number}}."
        )


def _check_until(until: Any) -> None:
    is_level = isinstance(until, dict) and len(until) == 1 and all(map(_is_number, until.values()))
    if not (until is None or isinstance(until, str) or is_level):
        raise ConfigError(
            f"until = {until!r}: give a rule's name, or {{'novelty_below': level from 0 to 1}}."
        )


def _plain(value: Any) -> Any:
    """A value as JSON types; objects and functions by their name."""
    if isinstance(value, Event):
        return _to_plain(value)
    if isinstance(value, Config):
        return value.to_dict()
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if value is None or isinstance(value, str | int | float):
        return value
    path = getattr(value, "path", None)
    if isinstance(value, Path) or path is not None:
        return str(path or value)
    return getattr(value, "__qualname__", type(value).__name__)


class _Pattern(Config):
    """A mapping of a score that isn't an event."""

    items: Any
    kind: str
    times: Any = 1
    weights: tuple[float, ...] | None = None


class Score:
    """Events in patterns.

    Parameters
    ----------
    source : list, iterable, mapping, str or Path
        Events and patterns; a YAML or JSON file or its text; a sound file of a piece, which
        knows its score; or any iterable, which is read as the piece goes on and may have no end.

    Raises
    ------
    ConfigError
        If an event or a pattern isn't one; the message says which.
    """

    def __init__(self, source: Any) -> None:
        if isinstance(source, Score):
            source = source.source
        if isinstance(source, str | Path):
            source = _read(source)
        if isinstance(source, dict) and set(source) == {"score"}:
            source = source["score"]
        if isinstance(source, dict | Event | _Pattern):
            source = [source]
        if not isinstance(source, Iterable):
            raise ConfigError(
                f"A score is a list of events, a file or an iterable, not {type(source).__name__}."
            )
        self.source: Any = source
        self.is_list = isinstance(source, list | tuple)
        self._items = _parse_list(source, "") if isinstance(source, list | tuple) else None
        if self._items == []:
            raise ConfigError("The score has no events; give at least one.")

    @property
    def is_endless(self) -> bool:
        """Whether it is known to have no end."""
        return self._items is not None and any(map(_is_endless, self._items))

    def events(self, rng: np.random.Generator) -> Iterator[Event]:
        """Events in order; shuffles, choices and numbers of repeats drawn from ``rng``."""
        if self._items is not None:
            for item in self._items:
                yield from _walk(item, rng)
            return
        for i, node in enumerate(self.source):
            yield from _walk(_parse(node, f"event {i + 1}"), rng)

    def to_list(self) -> list[Any]:
        """The score as JSON types; an iterable has none."""
        if self._items is None:
            return []
        return [_to_plain(item) for item in self._items]

    def to_yaml(self, path: str | Path | None = None) -> str:
        """YAML text of the score, also written to ``path`` if one is given."""
        text = yaml.safe_dump({"score": self.to_list()}, sort_keys=False, allow_unicode=True)
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text


def _read(source: str | Path) -> Any:
    """What a file or a text of YAML (or JSON, which is YAML) holds."""
    if Path(str(source)[-8:]).suffix.lower() in SOUND_SUFFIXES:
        return _recalled(source)
    is_text = isinstance(source, str) and ("\n" in source or source.lstrip()[:1] in ("[", "{"))
    try:
        text = str(source) if is_text else Path(source).expanduser().read_text(encoding="utf-8")
        return yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"Can't read the score: {error}") from error


def _recalled(source: str | Path) -> Any:
    """The score that a sound file was made by."""
    items = read_recall(source).get("ensemble")
    if not items:
        raise ConfigError(
            f"{source} wasn't made by a score that can be written; give a score, or a sound that "
            "ensemble(...).save(folder) wrote."
        )
    return items


def _parse_list(items: Any, where: str) -> list[Event | _Pattern]:
    if not isinstance(items, list | tuple):
        raise ConfigError(f"{where or 'The score'}: give a list of events, not {items!r}.")
    before = f"{where}, " if where else ""
    return [_parse(item, f"{before}event {i + 1}") for i, item in enumerate(items)]


def _parse(node: Any, where: str) -> Event | _Pattern:
    """Event or pattern of a node; complaints name where it stands."""
    if isinstance(node, Event | _Pattern):
        return node
    if isinstance(node, list | tuple):
        return _Pattern(kind="sequence", items=_parse_list(node, where))
    if not isinstance(node, dict):
        node = {"generator": node}
    kind = next((name for name in _PATTERNS if name in node), None)
    try:
        if kind is None or "generator" in node:
            return Event(**node)
        if kind == "parallel":
            rest = {k: v for k, v in node.items() if k != kind}
            for i, voice in enumerate(node[kind]):
                _parse_list(voice, f"{where}, voice {i + 1}")
            return Event(generator={"parallel": node[kind]}, **rest)
        return _parse_pattern(kind, node, where)
    except ConfigError as error:
        text = str(error)
        known = text if re.match(r"Event \d", text) else f"{where}: {text}"
        raise ConfigError(known[0].upper() + known[1:]) from None


def _parse_pattern(kind: str, node: dict[str, Any], where: str) -> _Pattern:
    options = {k: v for k, v in node.items() if k != kind}
    allowed = {"repeat": {"times"}, "choice": {"times", "weights"}}.get(kind, set())
    for name in set(options) - allowed:
        raise ConfigError(f"a {kind} has no {name!r}. {did_you_mean(name, {kind, *allowed})}")
    items = node[kind] if isinstance(node[kind], list | tuple) else [node[kind]]
    times = options.setdefault("times", None if kind == "repeat" else 1)
    is_times = times is None or all(isinstance(t, int) and t >= 0 for t in _numbers(times))
    if not is_times:
        raise ConfigError(f"times = {times!r}: give a whole number, a range, or null (endless).")
    if times is not None:
        try:
            _check_amount(times)
        except (ValueError, TypeError) as error:
            raise ConfigError(f"times = {times!r}: {error}.") from None
    weights = options.get("weights")
    if not items:
        raise ConfigError(f"the {kind} is empty.")
    if weights is not None and (
        len(weights) != len(items) or min(weights) < 0 or not 0 < sum(weights) < np.inf
    ):
        raise ConfigError(f"weights = {weights}: give one per item, none negative, not all 0.")
    return _Pattern(kind=kind, items=_parse_list(items, f"{where} ({kind})"), **options)


def _walk(item: Event | _Pattern, rng: np.random.Generator) -> Iterator[Event]:
    """Events of an item, in the order in which they sound."""
    if isinstance(item, Event):
        yield item
        return
    n = np.inf if item.times is None else round(draw(item.times, rng))
    count = 0
    while count < n:
        count += 1
        for chosen in _order(item, rng):
            yield from _walk(chosen, rng)


def _order(item: _Pattern, rng: np.random.Generator) -> list[Event | _Pattern]:
    if item.kind == "shuffle":
        return [item.items[i] for i in rng.permutation(len(item.items))]
    if item.kind == "choice":
        p = None if item.weights is None else np.array(item.weights) / sum(item.weights)
        return [item.items[int(rng.choice(len(item.items), p=p))]]
    return item.items


def _is_endless(item: Event | _Pattern) -> bool:
    return isinstance(item, _Pattern) and (
        item.times is None or any(_is_endless(i) for i in item.items)
    )


def _to_plain(item: Event | _Pattern) -> Any:
    if isinstance(item, Event):
        values = item.model_dump(mode="json", exclude_unset=True)
        spec = values["generator"]
        if isinstance(spec, dict) and "parallel" in spec:
            values = {"parallel": spec["parallel"], **values}
            del values["generator"]
        return values
    items = [_to_plain(i) for i in item.items]
    if item.kind == "sequence":
        return items
    options: dict[str, Any] = {} if item.weights is None else {"weights": list(item.weights)}
    if item.kind != "shuffle":
        options["times"] = item.times
    return {item.kind: items, **options}
