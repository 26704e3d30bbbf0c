"""Label files as rows of start, stop and label: what each format holds, before it meets a sound.

A reader per format turns a file into a :class:`LabelFile`; every row knows where it stands, so
that whatever is wrong with it can be named. Times are seconds, or m:ss and h:mm:ss as REAPER
writes them. Main names: :data:`READERS`, :func:`read_rows`.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ..audio.files import info
from ..config import shown
from ..errors import AudioError
from .cue import cue_points

LONGEST_SECONDS = 1e8
"Three years: no recording has later times."
HIGHEST_RATE = 10**7
MOST_BYTES = 2**28
_START = ("start_seconds", "start", "onset", "begin")
_STOP = ("stop_seconds", "stop", "end", "end_seconds", "offset")
_LABEL = ("label", "name", "text")
_TIME = re.compile(
    r"(?P<sign>-?)(?:(?:(?P<hours>[0-9]+):(?=[0-5]?[0-9]:))?(?P<minutes>[0-9]+):(?=[0-5]?[0-9]\b))?"
    r"(?P<seconds>(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?)"
)
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # begins like the next one
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    codecs.BOM_UTF32_BE: "utf-32",
}


class Row(NamedTuple):
    """A label with its times in seconds; those of a point are equal."""

    start: float
    stop: float
    label: str
    place: str
    "Where it stands: the file, and the line in it."


@dataclass
class LabelFile:
    """What a label file holds.

    Attributes
    ----------
    rows : list of Row
        In the file's order.
    sample_rate, n_samples : int, optional
        Of the recording, where the file says them.
    notes : list of str
        What was left out or guessed.
    """

    rows: list[Row] = field(default_factory=list)
    sample_rate: int | None = None
    n_samples: int | None = None
    notes: list[str] = field(default_factory=list)


def read_rows(path: Path) -> LabelFile:
    """Read a label file of any known format.

    Parameters
    ----------
    path : Path
        Its end says the format.

    Returns
    -------
    LabelFile
        All rows.

    Raises
    ------
    AudioError
        If the format is unknown or the file can't be read; says in which line.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(READERS)
        raise AudioError(f"{path}: can't read {path.suffix!r} labels; known: {known}.")
    try:
        if path.exists() and not path.is_file():
            raise AudioError(f"{path} isn't a file; give a file of labels.")
        return reader(path)
    except OSError as error:
        raise AudioError(f"{path} can't be read: {error.strerror or error}.") from error


# -- text ------------------------------------------------------------------------------------------


def _read_text(path: Path) -> tuple[str, list[str]]:
    """The text of a file in whatever encoding, and a note where that is a guess."""
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise AudioError(
            f"{path} has {size / 2**20:.0f} MB; label files have at most {MOST_BYTES >> 20} MB."
        )
    data = path.read_bytes()
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), None)
    encoding = encoding or _unmarked_utf16(data) or "utf-8"
    try:
        return data.decode(encoding), []
    except UnicodeDecodeError:
        if encoding != "utf-8":
            raise AudioError(
                f"{path} begins as {encoding.upper()} text and goes on as something else; save it "
                "again as UTF-8."
            ) from None
    note = f"{path} isn't UTF-8 but was read as Windows-1252; check letters with accents."
    return data.decode("cp1252", "replace"), [note]


def _unmarked_utf16(data: bytes) -> str | None:
    """Which UTF-16 this is, seen by the zeros in every second byte of Latin letters."""
    odd, even = data[1::2].count(0), data[::2].count(0)
    if max(odd, even) * 4 <= len(data):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _seconds(value: Any, place: str) -> float:
    """Seconds, also as m:ss or h:mm:ss and with a decimal comma."""
    found = _TIME.fullmatch(str(value).strip())
    seconds = math.inf
    if found is not None:
        parts = [float((found[name] or "0").replace(",", ".")) for name in ("hours", "minutes")]
        seconds = 3600 * parts[0] + 60 * parts[1] + float(found["seconds"].replace(",", "."))
    if not seconds <= LONGEST_SECONDS:
        raise AudioError(
            f"{place}: {shown(value)} isn't a time in seconds (12.5) or minutes (1:30.5)."
        )
    return -seconds if found and found["sign"] else seconds


def _whole(value: Any, name: str, least: int, most: int, place: str) -> int | None:
    """A whole number that describes the recording; None if the file doesn't say it."""
    if value is None or value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if isinstance(value, bool) or not least <= number <= most or number != int(number):
        raise AudioError(
            f"{place}: {name} is {shown(value)}; it must be a whole number from {least} to {most}. "
            "Correct it, or take it out and pass it to read_labels."
        )
    return int(number)


def _sample_rate(value: Any, place: str) -> int | None:
    return _whole(value, "sample_rate", 1, HIGHEST_RATE, place)


# -- formats ---------------------------------------------------------------------------------------


def _audacity(path: Path) -> LabelFile:
    """Lines of start, stop and label; lines that begin with a backslash are frequencies."""
    text, notes = _read_text(path)
    rows = []
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        if not line.strip() or line.startswith("\\"):
            continue
        place = f"{path}, line {number}"
        parts = line.split("\t", 2)
        if len(parts) < 2:
            raise AudioError(
                f"{place}: expected start, stop and label with tabs, not {shown(line)}."
            )
        label = parts[2] if len(parts) > 2 else ""
        rows.append(Row(_seconds(parts[0], place), _seconds(parts[1], place), label, place))
    return LabelFile(rows, notes=notes)


def _table(path: Path) -> LabelFile:
    """Rows below a header, separated by commas, semicolons or tabs; no stop means a point."""
    text, notes = _read_text(path)
    first = text.split("\n", 1)[0]
    separator = max(",;\t", key=first.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    found = LabelFile(notes=notes)
    rates, last = set(), 0
    try:
        start, stop, label, rate = _columns(path, reader)
        last = reader.line_num
        for row in reader:
            last = reader.line_num
            place = f"{path}, line {last}"
            if any(row.get(None, ())):
                raise AudioError(
                    f"{place} has more fields than the header; put labels that contain "
                    f"{separator!r} in quotes."
                )
            begin = _seconds(row[start], place)
            end = _seconds(row[stop], place) if (row[stop] or "").strip() else begin
            found.rows.append(Row(begin, end, (row[label] or "") if label else "", place))
            rates.add(_sample_rate(row[rate], place) if rate else None)
    except csv.Error as error:
        raise AudioError(
            f"{path}, line {last + 1}: {error}. Is a quotation mark missing there?"
        ) from None
    found.sample_rate = rates.pop() if len(rates) == 1 else None
    return found


def _columns(path: Path, reader: csv.DictReader[str]) -> tuple[str, str, str | None, str | None]:
    """Names of the columns that hold start, stop, label and rate."""
    header = {str(key).strip().lower(): key for key in reader.fieldnames or []}
    start, stop, label, rate = (
        next((header[name] for name in names if name in header), None)
        for names in (_START, _STOP, _LABEL, ("sample_rate",))
    )
    if start is None or stop is None:
        raise AudioError(
            f"{path}, line 1: the header has no start and stop; found {shown(list(header))}. "
            "Put a line such as start,stop,label above the labels."
        )
    return start, stop, label, rate


def _json(path: Path) -> LabelFile:
    """Our own format, or any list of objects with start, stop and label."""
    text, notes = _read_text(path)
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise AudioError(f"{path}, line {error.lineno}: this isn't JSON ({error.msg}).") from None
    except (ValueError, RecursionError):
        raise AudioError(
            f"{path} holds numbers too long or lists too deep to be labels; export it again."
        ) from None
    items = content.get("segments") if isinstance(content, dict) else content
    if not isinstance(items, list):
        raise AudioError(f"{path} has no list of segments.")
    head = content if isinstance(content, dict) else {}
    return LabelFile(
        [_json_row(item, f"{path}, segment {number}") for number, item in enumerate(items, 1)],
        _sample_rate(head.get("sample_rate"), str(path)),
        _whole(head.get("n_samples"), "n_samples", 0, 2**53, str(path)),
        notes,
    )


def _json_row(item: Any, place: str) -> Row:
    """A row from an object; without a stop it is a point."""
    if not isinstance(item, dict):
        raise AudioError(f"{place} is {shown(item)}, no object with start, stop and label.")
    start, stop, label = (
        next((item[name] for name in names if item.get(name) is not None), None)
        for names in (_START, _STOP, _LABEL)
    )
    if isinstance(label, list | dict):
        raise AudioError(f"{place}: the label {shown(label)} isn't text.")
    begin = _seconds(start, place)
    end = begin if stop is None else _seconds(stop, place)
    return Row(begin, end, "" if label is None else str(label), place)


def read_cue_rows(path: Path) -> LabelFile:
    """Read the cue points and regions of a WAV file that lie inside it.

    Parameters
    ----------
    path : Path
        A WAV file.

    Returns
    -------
    LabelFile
        What lies beyond the end, as in a file that was trimmed, is left out and noted.
    """
    sound = info(path)
    rate, end = sound.sample_rate, sound.n_samples
    points = cue_points(path)
    inside = [point for point in points if point[0] < end]
    rows = [
        Row(start / rate, min(start + length, end) / rate, label, f"{path}, cue point {label!r}")
        for start, length, label in inside
    ]
    return LabelFile(rows, rate, end, _cue_notes(path, points, inside, end / rate))


def _cue_notes(
    path: Path,
    points: list[tuple[int, int, str]],
    inside: list[tuple[int, int, str]],
    duration_seconds: float,
) -> list[str]:
    n_outside = len(points) - len(inside)
    if not n_outside:
        return []
    return [
        f"{path}: {n_outside} of {len(points)} cue points are left out, because they lie beyond "
        f"the end of the sound ({duration_seconds:.3f} s); it was probably trimmed."
    ]


def _cues(path: Path) -> LabelFile:
    """Cue points; a WAV file without any isn't a file of labels."""
    found = read_cue_rows(path)
    if not found.rows:
        raise AudioError(found.notes[0] if found.notes else f"{path} has no cue points.")
    return found


READERS: dict[str, Callable[[Path], LabelFile]] = {
    ".txt": _audacity,
    ".csv": _table,
    ".tsv": _table,
    ".json": _json,
    ".wav": _cues,
}
"Readers by the end of a file's name."
