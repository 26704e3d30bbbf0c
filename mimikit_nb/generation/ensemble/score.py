"""Scores: who generates when, with what.

A score is events in patterns. An event is a mapping with a ``generator``; patterns are lists
(one after the other) and the mappings ``{"repeat": ..., "times": 4}``, ``{"shuffle": [...]}``,
``{"choice": [...], "weights": [...], "times": 8}`` and ``{"parallel": [voice, voice]}``, which
may hold each other. Quantities may be drawn: ``[1, 3]`` is a range, ``{"normal": [2, 0.5]}`` a
normal distribution, ``{"choice": [1, 2, 4]}`` one of several. Main names: :class:`Event`,
:class:`Score`.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from ...audio.recall import read_recall
from ...config import load_yaml, parse_yaml, read_text, save_yaml
from ...errors import AudioError, ConfigError, ParameterError
from ...paths import as_path
from .event import Event
from .patterns import Idle, Pattern, is_endless, read_item, read_items, to_plain, walk

SOUND_SUFFIXES = (".wav", ".flac", ".ogg", ".rf64")


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

    Examples
    --------
    >>> score = mnb.Score([{"repeat": [{"generator": "silence", "seconds": 1}], "times": 2}])
    >>> len(score.to_list())
    1
    """

    def __init__(self, source: Any) -> None:
        if isinstance(source, Score):
            source = source.source
        if isinstance(source, str | Path):
            source = _read(source)
        if isinstance(source, Mapping) and set(source) == {"score"}:
            source = source["score"]
        if isinstance(source, Mapping | Event | Pattern):
            source = [source]
        if not isinstance(source, Iterable) or isinstance(source, str | bytes | io.IOBase):
            raise ConfigError(
                f"A score is a list of events, a file or an iterable, not {type(source).__name__}."
            )
        self.source: Any = source
        self.is_list = isinstance(source, list | tuple)
        self._items = read_items(source) if isinstance(source, list | tuple) else None
        if self._items == []:
            raise ConfigError("The score has no events; give at least one.")

    @property
    def is_endless(self) -> bool:
        """Whether it is known to have no end."""
        return self._items is not None and any(map(is_endless, self._items))

    def events(self, rng: np.random.Generator) -> Iterator[Event]:
        """Events in order; shuffles, choices and numbers of repeats drawn from ``rng``.

        Raises
        ------
        ConfigError
            If it goes on and on without an event.
        """
        return self._events(rng, Idle())

    def passes(
        self, rng_of_pass: Callable[[int], np.random.Generator], is_repeated: bool = True
    ) -> Iterator[Event]:
        """Events of the score again and again, each time drawn anew; an iterable only once.

        Parameters
        ----------
        rng_of_pass : callable
            Random numbers of a pass, counted from 0.
        is_repeated : bool, default True
            Whether there is more than one.
        """
        idle = Idle()
        for count in itertools.count():
            idle.note()
            yield from self._events(rng_of_pass(count), idle)
            if not is_repeated or not self.is_list:
                return

    def _events(self, rng: np.random.Generator, idle: Idle) -> Iterator[Event]:
        if self._items is not None:
            for item in self._items:
                yield from walk(item, rng, idle)
            return
        for i, node in enumerate(self.source):
            idle.note()
            yield from walk(read_item(node, f"event {i + 1}"), rng, idle)

    def to_list(self) -> list[Any]:
        """The score as JSON types; an iterable has none."""
        if self._items is None:
            return []
        return [to_plain(item) for item in self._items]

    def to_yaml(self, path: str | Path | None = None, overwrite: bool = False) -> str:
        """YAML text of the score, also written to ``path`` if one is given.

        Parameters
        ----------
        path : str or Path, optional
            Where to.
        overwrite : bool, default False
            Whether another score may be replaced there; nothing else ever is.
        """
        text = yaml.safe_dump({"score": self.to_list()}, sort_keys=False, allow_unicode=True)
        if path is not None:
            save_yaml(as_path(path), text, lambda before: Score(load_yaml(before)), overwrite)
        return text


def _read(source: str | Path) -> Any:
    """What a file or a text of YAML (or JSON, which is YAML) holds."""
    if Path(str(source)[-8:]).suffix.lower() in SOUND_SUFFIXES:
        return _recalled(source)
    is_text = isinstance(source, str) and ("\n" in source or source.lstrip()[:1] in ("[", "{"))
    if is_text:
        return parse_yaml(str(source), "the score")
    try:
        text = read_text(as_path(source))
    except (ConfigError, ParameterError) as error:
        raise ConfigError(f"Can't read the score: {error} {_SCORES}") from None
    return parse_yaml(text, "the score")


def _recalled(source: str | Path) -> Any:
    """The score that a sound file was made by."""
    try:
        items = read_recall(source).get("ensemble")
    except AudioError as error:
        raise ConfigError(f"{source} is a sound without a score: {error} {_SCORES}") from error
    if not items:
        raise ConfigError(f"{source} wasn't made by a score that can be written. {_SCORES}")
    return items


_SCORES = (
    "A score is a list of events, a YAML file of one, or a sound that ensemble(...).save(folder) "
    "wrote."
)
