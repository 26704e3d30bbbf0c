"""Segments of a recording: found, picked anew, read from elsewhere; makes no widgets.

Main names: :class:`SegmentModel`, :class:`SegmentSettings`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from ...analysis import Segmentation, read_labels
from ...analysis import segment as segment_samples
from ...analysis.analysis import LEVELS, Analysis
from ...errors import ParameterError
from ...progress import Progress
from ...recipes.analysing import Recording
from .model import AnalysisModel, sound_key


@dataclass(frozen=True)
class SegmentSettings:
    """What to look for.

    Attributes
    ----------
    level : str or float
        "events", "sections" or seconds.
    n_segments : int or None
        About how many.
    threshold : float or None
        What novelty has to reach.
    method : str or None
        How.
    """

    level: str | float = "events"
    n_segments: int | None = None
    threshold: float | None = None
    method: str | None = None


class SegmentModel(AnalysisModel[Segmentation, SegmentSettings]):
    """Segments of a recording, their levels and their edits."""

    def __init__(
        self, sound: Recording, sr: int | None, settings: SegmentSettings, out: Path
    ) -> None:
        super().__init__(sound, sr, settings, out)
        self._analysis: Analysis | None = None
        self._levels: dict[str, Segmentation] = {}  # of that analysis, without edits
        self.edits = out / "edited" / f"{_digest(self.y, self.sample_rate, settings)}.json"
        self.session.store, self.session.stored_where = self._store, f"in {self.edits}"

    def begin(self) -> None:
        """Begin the analysis that a cell asks for, and go on with its edits of an earlier day."""
        self._start(self.settings, None, self._stored)

    def analyse(self, settings: SegmentSettings, foreground: bool | None = None) -> str | None:
        """Begin an analysis; levels of a recording that was analysed before come at once.

        Returns
        -------
        str or None
            Where the edits are that there were before.
        """
        before = None
        if self.edits.exists() and not foreground and not self.session.is_busy:
            before = self.edits.replace(self.edits.with_name(f"{self.edits.stem}_before.json"))
        self._start(settings, foreground, lambda found: None)
        return f"What was edited before is in {before}; Import brings it back." if before else None

    def _start(
        self,
        settings: SegmentSettings,
        foreground: bool | None,
        edits: Callable[[Segmentation], Segmentation | None],
    ) -> None:
        known = self.session.found

        def work(progress: Progress) -> Segmentation:
            if known is None or known.analysis is None:
                found = segment_samples(
                    *(self.y, self.sample_rate, settings.level, settings.n_segments),
                    *(settings.threshold, settings.method),
                    borders=self.borders,
                    progress=progress,
                )
            else:
                found = _again(known, settings, progress)
            assert found.analysis is not None
            found.analysis.progress = progress
            self.levels_around(found)  # so that showing them takes no time
            found.analysis.progress = Progress()
            return found

        self.session.start(work, settings, foreground, edits)

    def _store(self, edited: Segmentation | None) -> None:
        """Keep on disk what was edited; nothing stays when all of it was taken back."""
        if edited is None:
            self.edits.unlink(missing_ok=True)
        else:
            edited.export(self.edits.parent, "json", name=self.edits.stem, overwrite=True)

    def _stored(self, found: Segmentation) -> Segmentation | None:
        """What was edited of these segments before the kernel began."""
        return read_labels(self.edits, like=found) if self.edits.exists() else None

    def levels_around(self, now: Segmentation) -> list[Segmentation]:
        """These segments among the other levels of their analysis, from coarse to fine."""
        if now.analysis is None:
            return [now]
        if self._analysis is not now.analysis:
            self._analysis, self._levels = now.analysis, {}
        others = [level for level in LEVELS if level != now.level]
        for level in others:
            if level not in self._levels:
                self._levels[level] = now.at_level(level)
        return sorted([now, *(self._levels[level] for level in others)], key=len)

    def with_threshold(self, threshold: float) -> None:
        """Pick segments anew; edits are left behind, and come back by Undo."""
        found = self.session.found
        if found is not None:
            self.session.edit(found.with_threshold(threshold), is_drag=True)

    def read(self, path: str | Path) -> str:
        """Take over labels, or the cue points of a WAV file, that were edited elsewhere.

        Returns
        -------
        str
            What was done, in words.
        """
        if not str(path).strip():
            raise ParameterError("Give the path of a file with labels, or drop one.")
        before = self.session.wait()
        labels = read_labels(path, like=before)
        self.session.edit(labels)
        return (
            f"{_counted(len(labels))} from {Path(path).name} in the place of {len(before)}; "
            "Undo brings those back."
        )


def _digest(y: np.ndarray, sr: int, settings: SegmentSettings) -> str:
    """What tells the edits of this sound and these settings from others, as a file's name."""
    about = f"{sound_key(y, sr)} {settings}"
    return blake2b(about.encode(), digest_size=6).hexdigest()


def _counted(n: int) -> str:
    return f"{n} segment{'' if n == 1 else 's'}"


def _again(known: Segmentation, settings: SegmentSettings, progress: Progress) -> Segmentation:
    """Other segments from an analysis that is there."""
    assert known.analysis is not None
    known.analysis.progress = progress
    found = known.at_level(settings.level, settings.method)
    if settings.n_segments is not None:
        return found.with_n_segments(settings.n_segments)
    if settings.threshold is not None:
        return found.with_threshold(settings.threshold)
    return found


def as_marks(found: Segmentation, named: bool = True) -> list[dict[str, Any]]:
    """Segments as the player takes them, with or without their labels."""
    kind = "event" if found.level == "events" else "segment"
    return [
        {"start": a, "stop": b, "label": label if named else "", "kind": kind}
        for (a, b), label in zip(found.segments, found.labels, strict=True)
    ]


def in_words(found: Segmentation) -> str:
    """Segments in one line."""
    what = found.level if isinstance(found.level, str) else f"parts of about {found.level:g} s"
    what = {"events": "event", "sections": "section"}.get(str(what), str(what))
    line = f"{len(found)} {what}{'' if len(found) == 1 or ' ' in what else 's'}"
    if len(found):
        seconds = np.median((found.stops - found.starts) / found.sample_rate)
        line += f", typically {seconds:.2f} s"
    threshold = "" if found.threshold is None else f", threshold {found.threshold:.3g}"
    return f"{line} ({found.method}{threshold})"
