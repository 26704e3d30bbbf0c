"""Segments of a recording: found, picked anew, read from elsewhere; makes no widgets.

Main names: :class:`SegmentModel`, :class:`SegmentSettings`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...analysis import Segmentation, read_labels
from ...analysis import segment as segment_samples
from ...analysis.analysis import LEVELS, Analysis
from ...errors import ParameterError
from ...progress import Progress
from ...recipes.analysing import Recording
from .model import AnalysisModel


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

    def analyse(self, settings: SegmentSettings, foreground: bool | None = None) -> None:
        """Begin an analysis; levels of a recording that was analysed before come at once."""
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

        self.session.start(work, settings, foreground)

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

    def read(self, path: str | Path) -> None:
        """Take over labels, or the cue points of a WAV file, that were edited elsewhere."""
        if not str(path).strip():
            raise ParameterError("Give the path of a file with labels, or drop one.")
        self.session.edit(read_labels(path, like=self.session.wait()))


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
