"""Segments as files for other programs.

==========  =====================================================================
audacity    ``NAME.txt``: label track of Audacity (start, stop, label, tabs between)
csv         ``NAME.csv``: seconds, samples and label
json        ``NAME.json``: the same with the recording's rate, length and the settings
reaper      ``NAME_regions.csv``: regions for REAPER's region manager
cue         ``NAME_cue.wav``: the recording with a cue point and a label per segment
wav         ``NAME/0001_LABEL.wav``: a file per segment, sample-exact
sonic_pi    ``NAME_sonic_pi/LABEL/0001.wav``: a folder per label for ``sample "PATH", 0``
sfz         ``NAME_sfz/NAME.sfz`` and its samples: a key per segment, from C1 upwards
bounce      ``NAME_bounce/LABEL.wav``: all segments of a label in a row
==========  =====================================================================

:func:`export` writes them, and never over a file that is there unless told to.
:mod:`~mimikit_nb.analysis.read_labels` reads the first five back.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..audio.arrays import as_sound, channels_of
from ..audio.atomic import make_folder, replacing
from ..audio.locks import naming
from ..audio.names import file_name
from ..audio.recall import read_recall
from ..audio.targets import FileKind, begins_with, check_target
from ..audio.write import write
from ..config import did_you_mean
from ..errors import AudioError, ParameterError
from ..paths import as_path
from .cue import add_cues
from .labelled import LabelledSegments

SFZ_FIRST_KEY = 24
"C1; a patch has room for the 104 keys up to the top."
Task = tuple[Path, Callable[[Path], None]]

_MARK = {"exported": "segments"}  # recall data of exported sounds
_is_text = begins_with(
    rb"\d+\.\d{7}\t\d+\.\d{7}\t|start_seconds,stop_seconds,|#,Name,Start,End,"
    rb"|\{\s*\"format\": \"mimikit_nb segments|<control>\ndefault_path=samples/|\Z"
)


def _is_sound(path: Path) -> bool:
    try:
        return read_recall(path).items() >= _MARK.items()
    except AudioError:
        return False


EXPORT = FileKind("an export of segments", lambda path: _is_text(path) or _is_sound(path))


def export(
    segmentation: LabelledSegments,
    folder: str | os.PathLike[str],
    formats: str | Sequence[str] = ("audacity", "csv", "json"),
    y: np.ndarray | None = None,
    name: str = "segments",
    fade_seconds: float = 0.0,
    overwrite: bool = False,
) -> list[Path]:
    """Write segments for other programs; see :meth:`Segmentation.export` for the arguments.

    All names are checked before the first file is written: an export is refused as a whole.
    """
    folder, name = as_path(folder), file_name(name)
    formats = [formats] if isinstance(formats, str) else list(formats)
    for kind in formats:
        if kind not in FORMATS:
            raise ParameterError(f"Unknown format {kind!r}. {did_you_mean(str(kind), FORMATS)}")
    sound = Sound(segmentation, y, fade_seconds)
    tasks = [task for kind in formats for task in FORMATS[kind](segmentation, sound, folder, name)]
    there = [str(path) for path, _ in tasks if os.path.lexists(path)]
    if there and not overwrite:
        more = f" and {len(there) - 3} more" if len(there) > 3 else ""
        raise AudioError(
            f"{', '.join(there[:3])}{more} exist already. Choose another folder or name, or pass "
            "overwrite=True."
        )
    for path, _ in tasks:
        check_target(path, EXPORT, overwrite)
    make_folder(folder)
    with naming(folder):
        for path, make in tasks:
            make_folder(path.parent)
            make(path)
    return [path for path, _ in tasks]


class Sound:
    """The recording that segments are cut from, asked for only where a format needs it.

    Parameters
    ----------
    segmentation : LabelledSegments
        The segments.
    y : np.ndarray, optional
        The recording.
    fade_seconds : float >= 0
        Fade at both ends of each cut.
    """

    def __init__(
        self, segmentation: LabelledSegments, y: np.ndarray | None, fade_seconds: float
    ) -> None:
        self._segmentation, self._fade_seconds = segmentation, fade_seconds
        self._y = y

    @cached_property
    def samples(self) -> np.ndarray:
        """The whole recording [shape=(C, N)]; integers as they are, unless they are faded."""
        if self._y is None:
            raise ParameterError("These segments were imported without their sound; pass y=.")
        convert = as_sound if self._fade_seconds else channels_of
        samples = convert(self._y, loudest=np.inf)
        if samples.shape[1] != self._segmentation.n_samples:
            raise ParameterError(
                f"y has {samples.shape[1]} samples, the segmented recording "
                f"{self._segmentation.n_samples}."
            )
        return samples

    def cut(self, index: int) -> np.ndarray:
        """One segment, faded if wanted [shape=(C, n)]."""
        start, stop = self._segmentation.starts[index], self._segmentation.stops[index]
        part = self.samples[:, start:stop]
        n = min(round(self._fade_seconds * self._segmentation.sample_rate), part.shape[1] // 2)
        if n < 1:
            return part
        part = part.astype(np.float32)
        ramp = np.linspace(0, 1, n, endpoint=False, dtype=np.float32)
        part[:, :n] *= ramp
        part[:, -n:] *= ramp[::-1]
        return part

    def write(self, path: Path, y: np.ndarray) -> None:
        """Write a sound without any change: float samples as floats, integers as they are."""
        subtype = {"int16": "PCM_16", "int32": "PCM_32"}.get(str(y.dtype), "FLOAT")
        if y.dtype == np.float64:
            subtype = "DOUBLE"
        write(path, y, self._segmentation.sample_rate, subtype, True, _MARK, EXPORT)


def _audacity(found: LabelledSegments, sound: Sound, folder: Path, name: str) -> list[Task]:
    lines = [
        f"{start:.7f}\t{stop:.7f}\t{_one_line(label)}\n"
        for (start, stop), label in zip(found.segments, found.labels, strict=True)
    ]
    return [(folder / f"{name}.txt", _text("".join(lines)))]


def _csv(found: LabelledSegments, sound: Sound, folder: Path, name: str) -> list[Task]:
    rows: list[Sequence[Any]] = [
        ["start_seconds", "stop_seconds", "label", "start_sample", "stop_sample", "sample_rate"]
    ]
    for (start, stop), label, a, b in zip(
        found.segments, found.labels, found.starts, found.stops, strict=True
    ):
        rows.append([f"{start:.7f}", f"{stop:.7f}", label, a, b, found.sample_rate])
    return [(folder / f"{name}.csv", _text(_rows(rows)))]


def _json(found: LabelledSegments, sound: Sound, folder: Path, name: str) -> list[Task]:
    content = {
        "format": "mimikit_nb segments 1",
        "sample_rate": found.sample_rate,
        "n_samples": found.n_samples,
        "level": found.level,
        "method": found.method,
        "threshold": found.threshold,
        "segments": [
            {
                "start_seconds": start,
                "stop_seconds": stop,
                "start_sample": int(a),
                "stop_sample": int(b),
                "label": label,
            }
            for (start, stop), label, a, b in zip(
                found.segments, found.labels, found.starts, found.stops, strict=True
            )
        ],
    }
    text = json.dumps(content, indent=1, ensure_ascii=False)
    return [(folder / f"{name}.json", _text(text + "\n", errors="backslashreplace"))]


def regions(parts: Iterable[tuple[float, float, str]]) -> str:
    """Parts (start, stop, label) as a table that REAPER's region manager imports."""
    rows: list[Sequence[Any]] = [["#", "Name", "Start", "End", "Length"]]
    for i, (start, stop, label) in enumerate(parts):
        times = [_minutes(start), _minutes(stop), _minutes(stop - start)]
        rows.append([f"R{i + 1}", _one_line(label), *times])
    return _rows(rows)


def _reaper(found: LabelledSegments, sound: Sound, folder: Path, name: str) -> list[Task]:
    parts = ((*times, label) for times, label in zip(found.segments, found.labels, strict=True))
    return [(folder / f"{name}_regions.csv", _text(regions(parts)))]


def _cue(found: LabelledSegments, sound: Sound, folder: Path, name: str) -> list[Task]:
    samples = sound.samples

    def make(path: Path) -> None:
        sound.write(path, samples)
        add_cues(path, found.starts, found.stops, found.labels)

    return [(folder / f"{name}_cue.wav", make)]


def _wav(found: LabelledSegments, sound: Sound, folder: Path, name: str) -> list[Task]:
    return [
        (folder / name / f"{i + 1:04d}_{file_name(label)}.wav", _cutter(sound, [i]))
        for i, label in enumerate(found.labels)
    ]


def _sonic_pi(found: LabelledSegments, sound: Sound, folder: Path, name: str) -> list[Task]:
    tasks = []
    for label, members in _by_label(found).items():
        place = folder / f"{name}_sonic_pi" / label
        tasks += [(place / f"{n + 1:04d}.wav", _cutter(sound, [i])) for n, i in enumerate(members)]
    return tasks


def _bounce(found: LabelledSegments, sound: Sound, folder: Path, name: str) -> list[Task]:
    return [
        (folder / f"{name}_bounce" / f"{label}.wav", _cutter(sound, members))
        for label, members in _by_label(found).items()
    ]


def _sfz(found: LabelledSegments, sound: Sound, folder: Path, name: str) -> list[Task]:
    place, per_patch = folder / f"{name}_sfz", 128 - SFZ_FIRST_KEY
    tasks: list[Task] = []
    for first in range(0, len(found), per_patch):
        patch = ["<control>\ndefault_path=samples/\n", "<group>\nloop_mode=one_shot\n"]
        for i in range(first, min(len(found), first + per_patch)):
            file, key = f"{i + 1:04d}_{file_name(found.labels[i])}.wav", SFZ_FIRST_KEY + i - first
            patch.append(f"<region> sample={file} key={key} pitch_keycenter={key}\n")
            tasks.append((place / "samples" / file, _cutter(sound, [i])))
        number = f"_{first // per_patch + 1}" if len(found) > per_patch else ""
        tasks.append((place / f"{name}{number}.sfz", _text("".join(patch))))
    return tasks


FORMATS: dict[str, Callable[[LabelledSegments, Sound, Path, str], list[Task]]] = {
    "audacity": _audacity,
    "csv": _csv,
    "json": _json,
    "reaper": _reaper,
    "cue": _cue,
    "wav": _wav,
    "sonic_pi": _sonic_pi,
    "sfz": _sfz,
    "bounce": _bounce,
}
"Formats by name: each says which files it makes, and how."


def _cutter(sound: Sound, members: Sequence[int]) -> Callable[[Path], None]:
    """Write some segments in a row; that there is sound is checked at once."""
    _ = sound.samples

    def make(path: Path) -> None:
        sound.write(path, np.concatenate([sound.cut(i) for i in members], axis=1))

    return make


def _text(text: str, errors: str = "replace") -> Callable[[Path], None]:
    """Write a text file, whole or not at all; ``errors`` is for halves of UTF-16 pairs."""

    def make(path: Path) -> None:
        try:
            with replacing(path) as temporary:
                temporary.write_text(text, encoding="utf-8", errors=errors, newline="")
        except OSError as error:
            raise AudioError(f"{path} can't be written: {error.strerror}.") from error

    return make


def _rows(rows: Sequence[Sequence[Any]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()


def _by_label(found: LabelledSegments) -> dict[str, list[int]]:
    """Segments by label, safe as file names; labels that become the same name stay apart."""
    names: dict[str, str] = {}
    groups: dict[str, list[int]] = {}
    for i, label in enumerate(found.labels):
        if label not in names:
            base = candidate = file_name(label)
            taken, number = {other.lower() for other in names.values()}, 2
            while candidate.lower() in taken:
                candidate, number = f"{base}_{number}", number + 1
            names[label] = candidate
        groups.setdefault(names[label], []).append(i)
    return groups


def _one_line(label: str) -> str:
    return re.sub(r"[\t\r\n]+", " ", label)


def _minutes(seconds: float) -> str:
    """Time as REAPER shows it: minutes, seconds and fractions."""
    microseconds = round(seconds * 1e6)
    minutes, rest = divmod(microseconds, 60_000_000)
    return f"{minutes}:{rest // 1_000_000:02d}.{rest % 1_000_000:06d}"
