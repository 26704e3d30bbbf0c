"""Label files read back: what was exported, edited elsewhere, comes in again.

:func:`read_labels` reads Audacity label tracks, CSV, JSON and the cue points of a WAV file;
:func:`read_cues` those alone, to the sample.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..audio.files import info
from ..errors import AudioError, ParameterError
from .cue import cue_points
from .segmentation import Segmentation, as_samples

Row = tuple[float, float, str]
_START = ("start_seconds", "start", "onset", "begin")
_STOP = ("stop_seconds", "stop", "end", "end_seconds", "offset")
_LABEL = ("label", "name", "text")


def read_labels(
    path: str | os.PathLike[str],
    sr: int | None = None,
    n_samples: int | None = None,
    like: Segmentation | None = None,
) -> Segmentation:
    """Read segments from a label file.

    Parameters
    ----------
    path : path
        ``.txt`` (Audacity), ``.csv`` (a header with start, stop or end, and label; seconds),
        ``.json`` as exported, or ``.wav`` with cue points.
    sr : int > 0, optional
        Rate of the recording in Hz; needed unless the file or ``like`` says it.
    n_samples : int > 0, optional
        Its length; if nothing says it, up to the last segment.
    like : Segmentation, optional
        Segments of the same recording, whose sound and analysis the new ones share.

    Returns
    -------
    Segmentation
        In order of time. Point labels (of no length) last until the next label.

    Raises
    ------
    AudioError
        If the file can't be read; says in which line.
    ParameterError
        If the rate isn't known, or a segment lies outside the recording.
    """
    path = Path(path).expanduser()
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(READERS)
        raise AudioError(f"{path}: can't read {path.suffix!r} labels; known: {known}.")
    try:
        rows, found = reader(path)
    except (OSError, UnicodeDecodeError) as error:
        raise AudioError(f"{path} can't be read: {error}.") from error
    if like is not None:
        sr, n_samples = like.sample_rate, like.n_samples
    sr, n_samples = sr or found.get("sample_rate"), n_samples or found.get("n_samples")
    if sr is None:
        raise ParameterError(f"{path} doesn't say the sample rate of its recording; pass sr=.")
    if n_samples is None:
        n_samples = round(max((max(row[:2]) for row in rows), default=0.0) * sr)
    filled = _filled(rows, n_samples / sr)
    starts, stops, labels = as_samples(
        [row[:2] for row in filled], [row[2] for row in filled], sr, n_samples
    )
    if like is not None:
        return like.with_segments(
            [(a / sr, b / sr) for a, b in zip(starts, stops, strict=True)], labels
        )
    return Segmentation(sr, n_samples, starts, stops, labels)


def read_cues(path: str | os.PathLike[str]) -> Segmentation:
    """Read the cue points and labelled regions of a WAV file as segments.

    Parameters
    ----------
    path : path
        A WAV file. Cue points without a length last until the next one.

    Returns
    -------
    Segmentation
        In order of time.
    """
    path = Path(path).expanduser()
    sound = info(path)
    points = sorted(cue_points(path))
    following = [*(point[0] for point in points[1:]), sound.n_samples][: len(points)]
    rows = [
        (start, start + length if length else until, label)
        for (start, length, label), until in zip(points, following, strict=True)
    ]
    rows = [row for row in rows if row[0] < row[1] <= sound.n_samples]
    starts = np.array([row[0] for row in rows], np.int64)
    stops = np.array([row[1] for row in rows], np.int64)
    labels = tuple(row[2] for row in rows)
    return Segmentation(sound.sample_rate, sound.n_samples, starts, stops, labels)


def _audacity(path: Path) -> tuple[list[Row], dict[str, Any]]:
    """Lines of start, stop and label; lines that begin with a backslash are frequencies."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        if not line.strip() or line.startswith("\\"):
            continue
        parts = line.split("\t")
        if len(parts) < 2:
            raise AudioError(f"{path}, line {number}: expected start, stop and label with tabs.")
        label = parts[2] if len(parts) > 2 else ""
        rows.append((_number(parts[0], path, number), _number(parts[1], path, number), label))
    return rows, {}


def _csv(path: Path) -> tuple[list[Row], dict[str, Any]]:
    """Rows below a header; samples win over seconds where both are given and agree."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        text = file.read()
    separator = (
        ";" if text.split("\n", 1)[0].count(";") > text.split("\n", 1)[0].count(",") else ","
    )
    reader = csv.DictReader(text.splitlines(), delimiter=separator)
    header = {str(key).strip().lower(): key for key in reader.fieldnames or []}
    start, stop, label = (
        next((header[name] for name in names if name in header), None)
        for names in (_START, _STOP, _LABEL)
    )
    if start is None or stop is None:
        raise AudioError(
            f"{path}: the header has no start and stop; found {', '.join(header) or 'nothing'}."
        )
    rows, rates = [], set()
    for number, row in enumerate(reader, 2):
        times = _number(row[start], path, number), _number(row[stop], path, number)
        rows.append((*times, (row[label] or "") if label else ""))
        rates.add(row[header["sample_rate"]] if "sample_rate" in header else None)
    rate = rates.pop() if len(rates) == 1 else None
    return rows, {"sample_rate": int(rate)} if rate and rate.isdecimal() else {}


def _json(path: Path) -> tuple[list[Row], dict[str, Any]]:
    """Our own format, or any list of objects with start, stop and label."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise AudioError(f"{path} isn't JSON: {error}.") from error
    items = content.get("segments") if isinstance(content, dict) else content
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise AudioError(f"{path} has no list of segments.")
    rows = []
    for number, item in enumerate(items, 1):
        values = [
            next((item[name] for name in names if name in item), None)
            for names in (_START, _STOP, _LABEL)
        ]
        rows.append(
            (
                _number(values[0], path, number),
                _number(values[1], path, number),
                str(values[2] or ""),
            )
        )
    head = content if isinstance(content, dict) else {}
    return rows, {k: head[k] for k in ("sample_rate", "n_samples") if isinstance(head.get(k), int)}


def _cues(path: Path) -> tuple[list[Row], dict[str, Any]]:
    """Cue points and regions of a WAV file."""
    found = read_cues(path)
    if not len(found):
        raise AudioError(f"{path} has no cue points.")
    rows = [(*times, label) for times, label in zip(found.segments, found.labels, strict=True)]
    return rows, {"sample_rate": found.sample_rate, "n_samples": found.n_samples}


READERS: dict[str, Callable[[Path], tuple[list[Row], dict[str, Any]]]] = {
    ".txt": _audacity,
    ".csv": _csv,
    ".json": _json,
    ".wav": _cues,
}
"Readers by the end of a file's name."


def _number(value: Any, path: Path, line: int) -> float:
    """Seconds; also with a decimal comma."""
    try:
        number = float(str(value).strip().replace(",", "."))
    except ValueError:
        raise AudioError(f"{path}, line {line}: {value!r} isn't a time in seconds.") from None
    if not np.isfinite(number):
        raise AudioError(f"{path}, line {line}: {value!r} isn't a time in seconds.")
    return number


def _filled(rows: list[Row], duration_seconds: float) -> list[Row]:
    """Point labels stretched to the next label."""
    ordered = sorted(rows)
    following = [*(row[0] for row in ordered[1:]), duration_seconds][: len(ordered)]
    return [
        (start, max(until, start) if stop == start else stop, label)
        for (start, stop, label), until in zip(ordered, following, strict=True)
    ]
