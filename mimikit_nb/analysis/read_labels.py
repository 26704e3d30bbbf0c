"""Label files read back: what was exported, edited elsewhere, comes in again.

:func:`read_labels` reads Audacity label tracks, tables (REAPER's regions, too), JSON and the cue
points of a WAV file; :func:`read_cues` those alone, to the sample. The formats themselves are in
:mod:`.label_files`.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Sequence
from typing import Annotated

from ..arguments import PathArg, Rate, Whole, checked
from ..errors import AudioError, ParameterError, warn
from ..paths import as_path
from .label_files import LabelFile, Row, read_cue_rows, read_rows
from .segmentation import Segmentation, as_samples

SLACK_SECONDS = 0.01
"By which a time may exceed the recording: rounding, and encoders that add a few samples."
Span = tuple[int, int, str]


@checked
def read_labels(
    path: PathArg,
    sr: Rate | None = None,
    n_samples: Annotated[int, Whole(0, 2**62)] | None = None,
    like: Segmentation | None = None,
) -> Segmentation:
    """Read segments from a label file.

    Parameters
    ----------
    path : path
        ``.txt`` (Audacity), ``.csv`` or ``.tsv`` (a header with start, stop or end, and label or
        name; times in seconds, m:ss or h:mm:ss), ``.json`` as exported, or ``.wav`` with cue
        points.
    sr : int > 0, optional
        Rate of the recording in Hz; needed unless the file or ``like`` says it.
    n_samples : int > 0, optional
        Its length; if nothing says it, up to the last segment.
    like : Segmentation, optional
        Segments of the same recording, whose sound and analysis the new ones share.

    Returns
    -------
    Segmentation
        In order of time. Point labels (of no length) last until the next label. Points at the very
        end, and cue points beyond it, are left out with a warning.

    Raises
    ------
    AudioError
        If the file can't be read; says in which line.
    ParameterError
        If the rate isn't known, or a segment lies outside the recording.

    Examples
    --------
    >>> found = mnb.segment(corpus, n_segments=30)
    >>> paths = found.export("labels", formats=["audacity"])
    >>> len(mnb.read_labels(paths[0], corpus.sample_rate))
    30
    """
    path = as_path(path)
    found = read_rows(path)
    if like is not None:
        sr, n_samples = like.sample_rate, like.n_samples
    sr = sr or found.sample_rate
    n_samples = n_samples if n_samples is not None else found.n_samples
    if sr is None:
        raise ParameterError(f"{path} doesn't say the sample rate of its recording; pass sr=.")
    if n_samples is None:
        n_samples = round(max((row.stop for row in found.rows), default=0.0) * sr)
    spans = _spans(found, sr, n_samples)
    for note in found.notes:
        warn(note)
    return _segmentation(spans, sr, n_samples, like)


def read_cues(path: str | os.PathLike[str]) -> Segmentation:
    """Read the cue points and labelled regions of a WAV file as segments.

    Parameters
    ----------
    path : path
        A WAV file. Cue points without a length last until the next one; those beyond the end are
        left out with a warning.

    Returns
    -------
    Segmentation
        In order of time.
    """
    found = read_cue_rows(as_path(path))
    assert found.sample_rate is not None and found.n_samples is not None
    spans = _spans(found, found.sample_rate, found.n_samples)
    for note in found.notes:
        warn(note)
    return _segmentation(spans, found.sample_rate, found.n_samples)


def _segmentation(
    spans: Sequence[Span], sr: int, n_samples: int, like: Segmentation | None = None
) -> Segmentation:
    times = [(start / sr, stop / sr) for start, stop, _ in spans]
    labels = [label for _, _, label in spans]
    if like is not None:
        return like.with_segments(times, labels)
    starts, stops, names = as_samples(times, labels, sr, n_samples)
    return Segmentation(sr, n_samples, starts, stops, names)


def _spans(found: LabelFile, sr: int, n_samples: int) -> list[Span]:
    """Rows as samples; a point lasts until the next label that begins later."""
    spans = [_span(row, sr, n_samples) for row in found.rows]
    begins = sorted({start for start, _, _ in spans} | {n_samples})
    filled = [
        (start, stop if stop > start else begins[bisect_right(begins, start)], label)
        for start, stop, label in spans
        if start < n_samples
    ]
    if len(filled) < len(spans):
        found.notes.append(
            f"{len(spans) - len(filled)} of {len(spans)} labels are left out, because they have no "
            f"length and stand at the end of the recording ({n_samples / sr:.3f} s)."
        )
    return filled


def _span(row: Row, sr: int, n_samples: int) -> Span:
    """A row as samples inside the recording; an error names its line."""
    if row.stop < row.start:
        raise AudioError(
            f"{row.place}: {row.label!r} stops at {row.stop:g} s, before it starts at "
            f"{row.start:g} s. Swap the two times, or delete it."
        )
    slack = SLACK_SECONDS * sr
    start, stop = round(row.start * sr), round(row.stop * sr)
    if not (-max(1, slack) <= start and stop <= n_samples + slack):
        raise ParameterError(
            f"{row.place}: {row.label!r} from {row.start:g} to {row.stop:g} s lies outside the "
            f"recording, which lasts {n_samples / sr:.3f} s. Correct its times or delete it; if "
            "there are more, these may be the labels of another recording."
        )
    return min(max(start, 0), n_samples), min(max(stop, 0), n_samples), row.label
