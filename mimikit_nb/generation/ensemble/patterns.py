"""Patterns of a score: how they are read, and how they unfold into events.

Whatever somebody writes has an end here: lists that hold themselves are refused, and so is what is
repeated without giving an event. Main names: :class:`Pattern`, :func:`read_items`, :func:`walk`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ...config import Config, did_you_mean, shown
from ...errors import ConfigError
from ...units import is_number
from .event import Event, check_amount, draw, numbers_within, plain_event

MOST_LEVELS = 50
"Lists and mappings in each other, a pattern being two."

MOST_PARTS = 1_000_000
"Of a score, counting what it names several times as often."

MOST_EVENTS = 50_000
"Events and patterns that a score is made of."

MOST_VOICES = 64
"Parallel ones in a score."

MOST_IDLE = 10_000
"Repetitions in a row that may give no event."

_KINDS = {
    "sequence": set[str](),
    "repeat": {"times"},
    "shuffle": set[str](),
    "choice": {"times", "weights"},
}


class Pattern(Config):
    """A mapping or a list of a score that isn't an event."""

    items: Any
    kind: str
    times: Any = 1
    weights: tuple[float, ...] | None = None


Item = Event | Pattern


class Idle:
    """Counts what is repeated without giving an event, and refuses to go on for ever."""

    def __init__(self) -> None:
        self.count = 0

    def note(self) -> None:
        """One more repetition begins."""
        self.count += 1
        if self.count > MOST_IDLE:
            raise ConfigError(
                f"The score repeats something without length: {MOST_IDLE} repetitions in a row "
                "gave no event. Give it an event, or 'times' above 0."
            )

    def end(self) -> None:
        """There is an event."""
        self.count = 0


def walk(item: Item, rng: np.random.Generator, idle: Idle) -> Iterator[Event]:
    """Events of an item, in the order in which they sound."""
    if isinstance(item, Event):
        idle.end()
        yield item
        return
    n = np.inf if item.times is None else round(draw(item.times, rng))
    count = 0
    while count < n:
        count += 1
        idle.note()
        for chosen in _order(item, rng):
            yield from walk(chosen, rng, idle)


def _order(item: Pattern, rng: np.random.Generator) -> list[Item]:
    items: list[Item] = item.items
    if item.kind == "shuffle":
        return [items[i] for i in rng.permutation(len(items))]
    if item.kind == "choice":
        p = None if item.weights is None else np.array(item.weights) / sum(item.weights)
        return [items[int(rng.choice(len(items), p=p))]]
    return items


def is_endless(item: Item) -> bool:
    """Whether an item is known to have no end."""
    return isinstance(item, Pattern) and (
        item.times is None or any(is_endless(part) for part in item.items)
    )


def to_plain(item: Item) -> Any:
    """An item as JSON types."""
    if isinstance(item, Event):
        return plain_event(item)
    items = [to_plain(part) for part in item.items]
    if item.kind == "sequence":
        return items
    options: dict[str, Any] = {} if item.weights is None else {"weights": list(item.weights)}
    if item.kind != "shuffle":
        options["times"] = item.times
    return {item.kind: items, **options}


# -- reading ------------------------------------------------------------------------------------


def read_items(source: Any) -> list[Item]:
    """Events and patterns of a list; complaints name where they stand."""
    _check_nesting(source, "")
    return _Reader().items(source, "")


def read_item(node: Any, where: str) -> Item:
    """Event or pattern of one node, which stands ``where``."""
    _check_nesting([node], where)
    return _Reader().item(node, where)


class _Reader:
    """Reads nodes of one score, and counts them."""

    def __init__(self) -> None:
        self.n_items = self.n_voices = 0

    def items(self, nodes: Any, where: str) -> list[Item]:
        if not isinstance(nodes, list | tuple):
            raise _refusal(where or "The score", f"give a list of events, not {shown(nodes)}.")
        before = f"{where}, " if where else ""
        return [self.item(node, f"{before}event {i + 1}") for i, node in enumerate(nodes)]

    def item(self, node: Any, where: str) -> Item:
        self.n_items += 1
        if self.n_items > MOST_EVENTS:
            raise ConfigError(
                f"The score has more than {MOST_EVENTS} events; give an iterable, which is read as "
                "the piece goes on."
            )
        if isinstance(node, Event | Pattern):
            return node
        if isinstance(node, list | tuple):
            return Pattern(kind="sequence", items=self.items(node, where))
        if not isinstance(node, Mapping):
            node = {"generator": node}
        kind = next((name for name in (*_KINDS, "parallel") if name in node), None)
        if kind in _KINDS and "generator" not in node:
            return self._pattern(kind, node, where)
        return self._event(node, where)

    def _event(self, node: Mapping[str, Any], where: str) -> Event:
        values = dict(node)
        if "generator" not in values and "parallel" in values:
            values["generator"] = {"parallel": values.pop("parallel")}
        generator = values.get("generator")
        if isinstance(generator, Mapping) and "parallel" in generator:
            self._voices(generator["parallel"], where)
        try:
            return Event(**values)
        except ConfigError as error:
            raise _refusal(where, str(error)) from None

    def _voices(self, voices: Any, where: str) -> None:
        """Check the scores of parallel voices; each is read when it is played."""
        if not isinstance(voices, list | tuple) or not voices:
            raise _refusal(where, f"parallel = {shown(voices)}: give a list of events per voice.")
        self.n_voices += len(voices)
        if self.n_voices > MOST_VOICES:
            raise _refusal(where, f"there are more than {MOST_VOICES} parallel voices; give fewer.")
        for i, voice in enumerate(voices):
            here = f"{where}, voice {i + 1}"
            if not self.items(voice, here):
                raise _refusal(here, "it has no events; give at least one.")

    def _pattern(self, kind: str, node: Mapping[str, Any], where: str) -> Pattern:
        options = {name: value for name, value in node.items() if name != kind}
        for name in set(options) - _KINDS[kind]:
            known = {kind, *_KINDS[kind]}
            raise _refusal(where, f"a {kind} has no {name!r}. {did_you_mean(name, known)}")
        nodes = node[kind] if isinstance(node[kind], list | tuple) else [node[kind]]
        if not nodes:
            raise _refusal(where, f"the {kind} is empty; give at least one event.")
        times = options.setdefault("times", None if kind == "repeat" else 1)
        if times is not None:
            options["times"] = _times(times, where)
        if options.get("weights") is not None:
            _check_weights(options["weights"], len(nodes), where)
        return Pattern(kind=kind, items=self.items(nodes, f"{where} ({kind})"), **options)


def _times(times: Any, where: str) -> Any:
    """Number of repetitions as an amount of whole numbers."""
    try:
        amount = check_amount(times)
    except ValueError as error:
        raise _refusal(where, f"times = {shown(times)}: {error}.") from None
    if not all(number >= 0 and number == int(number) for number in numbers_within(amount)):
        raise _refusal(
            where, f"times = {shown(times)}: give a whole number, a range, or null (endless)."
        )
    return amount


def _check_weights(weights: Any, n: int, where: str) -> None:
    is_list = isinstance(weights, list | tuple) and len(weights) == n
    is_usable = is_list and all(is_number(w) and w >= 0 for w in weights)
    if not is_usable or not 0 < sum(map(float, weights)) < np.inf:
        raise _refusal(
            where, f"weights = {shown(weights)}: give one per item, none negative, not all 0."
        )


def _refusal(where: str, text: str) -> ConfigError:
    message = f"{where}: {text}"
    return ConfigError(message[0].upper() + message[1:])


def _check_nesting(root: Any, where: str) -> None:
    """Refuse lists and mappings that hold themselves, too many, or keys that aren't names."""
    path, above, n_parts = [(where, _parts(root))], [root], 0
    while path:
        found = next(path[-1][1], None)
        if found is None:
            path.pop()
            above.pop()
            continue
        n_parts += 1
        label, part = found
        names = [name for name, _ in path] + [label] * isinstance(label, str)
        here = ", ".join(filter(None, names)) or "the score"
        if any(part is other for other in above):
            raise _refusal(here, "it holds itself; a score has to come to an end.")
        if len(path) > MOST_LEVELS:
            raise _refusal(here, f"it is nested deeper than {MOST_LEVELS} levels; make it flatter.")
        if n_parts > MOST_PARTS:
            raise _refusal(here, f"the score has more than {MOST_PARTS} parts; give fewer.")
        if not isinstance(label, str):
            raise _refusal(here, f"the keys of a mapping are names, not {shown(label)}.")
        if isinstance(part, list | tuple | Mapping | Event):
            path.append((label, _parts(part)))
            above.append(part)


def _parts(value: Any) -> Iterator[tuple[Any, Any]]:
    """Parts of a list, a mapping or an event, and what they are called in messages."""
    if isinstance(value, Mapping):
        return iter(value.items())
    if isinstance(value, Event):
        return iter([("generator", value.generator)])
    return ((f"event {i + 1}", part) for i, part in enumerate(value))
