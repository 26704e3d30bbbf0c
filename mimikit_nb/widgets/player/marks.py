"""Marks on a sound: points, segments, and what is known about places in it.

A mark is a plain dict of JSON types, so that it travels to the browser and into files as it is:

* a point: ``id, time, label, kind, editable, metadata``;
* a segment: ``id, start, stop, label, kind, editable, metadata``;
* an entry of metadata: a segment that says something about its place and can't be moved.

All times are in seconds. Main names: :func:`as_points`, :func:`as_segments`, :func:`as_entries`,
:func:`colour_of`, :func:`colours_of`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any
from zlib import crc32

from ...config import shown
from ...errors import ParameterError

Mark = dict[str, Any]

# Colours that are told apart by most eyes (Okabe and Ito), on light and dark grounds.
COLOURS = {
    "segment": "#0072b2",
    "point": "#d55e00",
    "prompt": "#e69f00",
    "generated": "#009e73",
    "copy": "#cc3311",
    "boundary": "#cc79a7",
    "onset": "#d55e00",
    "event": "#56b4e9",
}
SPARE_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#997700")
# Of clusters in order, and of generators: Okabe and Ito, then Tol.
PALETTE = (
    *("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"),
    *("#997700", "#882255", "#44aa99", "#aa4499", "#6699cc", "#bb5566"),
)
CLUSTER = "cluster "
DEEPEST = 20  # mappings in one another that are shown
TOLERANCE_SECONDS = 0.05  # how far a mark may lie outside: rounding of frames to seconds
BORDERS = ("prompt_start_seconds", "prompt_end_seconds")
SHARED_KEYS = ("id", "label", "kind", "editable", "metadata")


def colour_of(kind: str) -> str:
    """Colour of a kind of mark; the same one every time, also for kinds of one's own."""
    number = kind.removeprefix(CLUSTER)
    if number != kind and number.isdecimal():
        return PALETTE[int(number) % len(PALETTE)]
    return COLOURS.get(kind) or SPARE_COLOURS[crc32(kind.encode()) % len(SPARE_COLOURS)]


def colours_of(kinds: Iterable[str]) -> dict[str, str]:
    """Colours of several kinds side by side: no two alike while there are colours left."""
    colours: dict[str, str] = {}
    for kind in sorted(set(kinds)):
        first = crc32(kind.encode()) % len(PALETTE)
        in_order = PALETTE[first:] + PALETTE[:first]
        free = [colour for colour in in_order if colour not in colours.values()]
        colours[kind] = (free or in_order)[0]
    return colours


def as_points(points: Iterable[Any], duration_seconds: float) -> list[Mark]:
    """Points as dicts.

    Parameters
    ----------
    points : iterable
        Each a time in seconds, ``(time, label)``, or a mapping with at least ``time``.
    duration_seconds : float
        Length of the sound that they lie in.

    Returns
    -------
    list of dict
        Complete points, in order of time.

    Raises
    ------
    ParameterError
        If one has an unknown key, lies outside the sound or is no point.
    """
    marks = [_complete(_read(p, ("time",), "point"), "point", duration_seconds) for p in points]
    return sorted(_with_ids(marks, "p"), key=lambda mark: mark["time"])


def as_segments(segments: Iterable[Any], duration_seconds: float) -> list[Mark]:
    """Segments as dicts.

    Parameters
    ----------
    segments : iterable
        Each ``(start, stop)``, ``(start, stop, label)``, or a mapping with at least ``start``
        and ``stop``, in seconds.
    duration_seconds : float
        Length of the sound that they lie in.

    Returns
    -------
    list of dict
        Complete segments, in order of their starts.

    Raises
    ------
    ParameterError
        If one has an unknown key, ends before it begins, lies outside or is no segment.
    """
    keys = ("start", "stop")
    marks = [_complete(_read(s, keys, "segment"), "segment", duration_seconds) for s in segments]
    return sorted(_with_ids(marks, "s"), key=lambda mark: (mark["start"], mark["stop"]))


def as_entries(metadata: Any, duration_seconds: float) -> tuple[dict[str, Any], list[Mark]]:
    """What is known about the sound as a whole, and about places in it.

    Parameters
    ----------
    metadata : mapping, or sequence of mappings, or None
        A mapping speaks of the whole sound; with ``prompt_end_seconds`` (and
        ``prompt_start_seconds``) in it, the prompt and what was generated after it become
        entries. Each mapping of a sequence speaks of the passage from its ``start`` to its
        ``stop`` (in seconds, by default all), under its ``label`` and ``kind``.
    duration_seconds : float
        Length of the sound.

    Returns
    -------
    facts : dict
        Name and value of what is true of the whole sound, but the prompt's borders: they are seen.
    entries : list of dict
        Segments that can't be edited, in order of time.

    Raises
    ------
    ParameterError
        If a passage lies outside the sound.
    """
    if metadata is None:
        return {}, []
    if isinstance(metadata, Mapping):
        facts = {k: v for k, v in flatten(metadata).items() if k not in BORDERS}
        return facts, _prompt_entries(metadata, facts, duration_seconds)
    entries = []
    for item in metadata:
        known = dict(item)
        entry = {k: known.pop(k) for k in ("start", "stop", "label", "kind") if k in known}
        entry = {"start": 0.0, "stop": duration_seconds, "kind": "event"} | entry
        entry.setdefault("label", str(entry["kind"]))
        entries.append(entry | {"editable": False, "metadata": flatten(known)})
    return {}, as_segments(entries, duration_seconds)


def prompt_entries(prompt_end_seconds: float | None, duration_seconds: float) -> list[Mark]:
    """Marks of a prompt and of what was generated after it; none without a prompt."""
    if not prompt_end_seconds:
        return []
    prompt = {"stop": prompt_end_seconds, "label": "prompt", "kind": "prompt"}
    new = {"start": prompt_end_seconds, "label": "generated", "kind": "generated"}
    return as_entries([prompt, new], duration_seconds)[1]


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, with dotted names; values that JSON lacks as text."""
    if prefix.count(".") > DEEPEST:
        raise ParameterError("What is known about the sound is nested too deeply, or holds itself.")
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{name}.")
        elif value is not None:
            plain = isinstance(value, bool | int | float | str)
            flat[f"{prefix}{name}"] = value if plain else str(value)
    return flat


def _prompt_entries(
    metadata: Mapping[str, Any], facts: dict[str, Any], duration_seconds: float
) -> list[Mark]:
    end = metadata.get("prompt_end_seconds")
    if end is None:
        return []
    start = metadata.get("prompt_start_seconds", 0.0)
    about = {k: v for k, v in facts.items() if k.startswith(("prompt", "corpus"))}
    prompt = {"start": start, "stop": end, "label": "prompt", "kind": "prompt", "metadata": about}
    rest = {k: v for k, v in facts.items() if k not in about}
    generated = {"start": end, "stop": duration_seconds, "metadata": rest}
    generated |= {"label": "generated", "kind": "generated"}
    entries = [entry | {"editable": False} for entry in (prompt, generated)]
    return as_segments([e for e in entries if e["start"] < e["stop"]], duration_seconds)


def _read(value: Any, keys: tuple[str, ...], what: str) -> Mark:
    """A mark from a number, a tuple or a mapping; nothing checked but its shape."""
    if isinstance(value, Mapping):
        mark = dict(value)
    else:
        parts = value if isinstance(value, tuple | list) else (value,)
        mark = dict(zip((*keys, "label"), parts, strict=False))
    unknown = set(mark) - {*keys, *SHARED_KEYS}
    missing = [key for key in keys if key not in mark]
    if unknown or missing:
        raise ParameterError(
            f"A {what} {value!r} {f'lacks {missing[0]!r}' if missing else f'has {unknown}'}; "
            f"give {' and '.join(keys)} in seconds, and perhaps {', '.join(SHARED_KEYS)}."
        )
    return mark


def _complete(mark: Mark, what: str, duration_seconds: float) -> Mark:
    """A mark with all its keys, its times checked and plain floats."""
    keys = [key for key in ("time", "start", "stop") if key in mark]
    times: dict[str, Any] = {key: _seconds(mark[key], what) for key in keys}
    for key, seconds in times.items():
        if not -TOLERANCE_SECONDS <= seconds <= duration_seconds + TOLERANCE_SECONDS:
            raise ParameterError(
                f"The {what}'s {key} is {seconds:g} s, the sound lasts {duration_seconds:g} s; "
                "marks are given in seconds and lie inside the sound."
            )
        times[key] = min(max(seconds, 0.0), duration_seconds)
    if times.get("start", 0.0) > times.get("stop", duration_seconds):
        raise ParameterError(
            f"A segment starts at {times['start']:g} s and stops at {times['stop']:g} s; swap them."
        )
    return {
        "id": str(mark.get("id", "")),
        **times,
        "label": str(mark.get("label", "")),
        "kind": str(mark.get("kind", what)),
        "editable": bool(mark.get("editable", True)),
        "metadata": flatten(mark.get("metadata") or {}),
    }


def _seconds(value: Any, what: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise ParameterError(
            f"A {what} is at {shown(value)}; give times in seconds, as 1.5."
        ) from None


def _with_ids(marks: list[Mark], prefix: str) -> list[Mark]:
    """The same marks, each with an id of its own."""
    taken = {mark["id"] for mark in marks}
    fresh = (name for n in itertools.count(1) if (name := f"{prefix}{n}") not in taken)
    seen: set[str] = set()
    for mark in marks:
        if not mark["id"] or mark["id"] in seen:
            mark["id"] = next(fresh)
        seen.add(mark["id"])
    return marks
