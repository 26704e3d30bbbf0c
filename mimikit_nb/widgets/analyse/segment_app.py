"""The segmentation view: find segments, see and hear them, drag the threshold, edit, export.

::

    app = segment("recording.wav", level="events")
    app.run()       # shows the view; a headless run analyses here and now
    app.value       # the segments as edited, in a later cell

The analysis is a job with progress and Stop. The cell run again finds its segments, edits
included. Main names: :func:`segment`, :class:`SegmentView`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...analysis import Segmentation, read_labels
from ...analysis import segment as segment_samples
from ...analysis.analysis import LEVELS, Analysis, check_level
from ...arguments import Count, PathArg, Rate, Seconds, checked
from ...errors import ParameterError
from ...recipes.analysing import Recording
from ...runtime import is_headless
from ..pictures import Picture, waveform
from .base_app import AnalysisView
from .levels import draw_levels
from .novelty_curve import draw_novelty

MOST_NAMED = 60  # labels in a picture; more would lie on top of each other


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


@checked
def segment(
    sound: Recording,
    sr: Rate | None = None,
    level: str | Seconds = "events",
    n_segments: Count | None = None,
    threshold: float | None = None,
    method: str | None = None,
    *,
    out: PathArg = Path("outputs/segments"),
    headless: bool | None = None,
) -> SegmentView:
    """Segment a recording by eye, ear and hand.

    Parameters
    ----------
    sound : np.ndarray [shape=(N,) or (C, N)], Corpus or path
        The recording.
    sr : int > 0, optional
        Rate of samples in Hz; files and corpora know theirs.
    level, n_segments, threshold, method : optional
        What the view begins with, as :func:`mimikit_nb.segment` takes it.
    out : str or Path, default "outputs/segments"
        Folder that exports go to.
    headless : bool, optional
        Whether to show pictures instead of widgets; found out if None.

    Returns
    -------
    SegmentView
        ``.run()`` shows the view, or analyses in a headless run; ``.value`` is the
        :class:`~mimikit_nb.analysis.Segmentation` as it is now.

    Raises
    ------
    ParameterError
        If the sound or a setting can't be used.
    AudioError
        If the file can't be read.
    """
    check_level(level, method)
    settings = SegmentSettings(level, n_segments, threshold, method)
    is_still = is_headless() if headless is None else headless
    return SegmentView(sound, sr, settings, Path(out), is_still)


class SegmentView(AnalysisView[Segmentation, SegmentSettings]):
    """Segments of a recording and the view onto them; made by :func:`segment`."""

    def __init__(
        self,
        sound: Recording,
        sr: int | None,
        settings: SegmentSettings,
        out: Path,
        headless: bool,
    ) -> None:
        super().__init__(sound, sr, settings, out, headless)
        self._analysis: Analysis | None = None
        self._levels: dict[str, Segmentation] = {}  # of that analysis, without edits
        if not headless:
            from .segment_panel import SegmentPanel

            self.panel = SegmentPanel(self)
            self.widget = self.panel.widget

    def analyse(self, settings: SegmentSettings, foreground: bool | None = None) -> None:
        """Begin an analysis; levels of a recording that was analysed before come at once."""
        known = self.session.found

        def work(tell: Callable[[float], None]) -> Segmentation:
            if known is None or known.analysis is None:
                found = segment_samples(
                    *(self.y, self.sample_rate, settings.level, settings.n_segments),
                    *(settings.threshold, settings.method),
                    borders=self.borders,
                    progress=tell,
                )
            else:
                found = _again(known, settings, tell)
            assert found.analysis is not None
            found.analysis.progress = tell
            self.levels_around(found)  # so that showing them takes no time
            found.analysis.progress = None
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

    def picture(self) -> Picture:
        """Waveform and spectrogram with the segments."""
        found = self.value
        marks = as_marks(found, named=len(found) <= MOST_NAMED)
        return waveform(self.y, self.sample_rate, segments=marks, title=in_words(found))

    def novelty_picture(self) -> Picture:
        """The novelty curve and the threshold."""
        return draw_novelty(self.value)

    def levels_picture(self) -> Picture:
        """All levels of the analysis, coarse above fine."""
        return draw_levels(self.levels_around(self.value))

    def table(self) -> Any:
        """The segments as a table: start, stop, seconds, label."""
        import pandas as pd

        found = self.value
        rows = [
            {"start": a, "stop": b, "seconds": b - a, "label": label}
            for (a, b), label in zip(found.segments, found.labels, strict=True)
        ]
        return pd.DataFrame(rows, columns=["start", "stop", "seconds", "label"]).round(3)

    def __repr__(self) -> str:
        now = self.session.history.now
        return f"SegmentView({'nothing yet' if now is None else in_words(now)})"


def _again(
    known: Segmentation, settings: SegmentSettings, tell: Callable[[float], None]
) -> Segmentation:
    """Other segments from an analysis that is there."""
    assert known.analysis is not None
    known.analysis.progress = tell
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
