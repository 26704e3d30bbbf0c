"""The segmentation view: find segments, see and hear them, drag the threshold, edit, export.

::

    app = segment("recording.wav", level="events")
    app.run()       # shows the view; a headless run analyses here and now
    app.value       # the segments as edited, in a later cell

The analysis is a job with progress and Stop. The cell run again finds its segments, edits
included. Main names: :func:`segment`, :class:`SegmentView`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...analysis import Segmentation
from ...analysis.analysis import check_level
from ...arguments import Count, PathArg, Rate, Seconds, checked
from ...recipes.analysing import Recording
from ...runtime import is_headless
from ..pictures import Picture, waveform
from .base_app import AnalysisView
from .levels import draw_levels
from .novelty_curve import draw_novelty
from .segment_model import SegmentModel, SegmentSettings, as_marks, in_words
from .segment_panel import SegmentPanel

MOST_NAMED = 60  # labels in a picture; more would lie on top of each other


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


class SegmentView(AnalysisView[Segmentation, SegmentSettings], SegmentModel):
    """Segments of a recording and the view onto them; made by :func:`segment`."""

    def __init__(
        self,
        sound: Recording,
        sr: int | None,
        settings: SegmentSettings,
        out: Path,
        headless: bool,
    ) -> None:
        super().__init__(sound, sr, settings, out)
        self.headless = headless
        if not headless:
            self.panel = SegmentPanel(self)
            self.widget = self.panel.widget

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
