"""Segments changed by hand: split at a place, joined over a passage.

Every edit returns new segments and leaves the old ones as they are, which makes undoing it a
matter of keeping them. Main names: :func:`split`, :func:`merge`.
"""

from __future__ import annotations

import numpy as np

from ..errors import ParameterError
from .onsets import snap_to_zero
from .segmentation import Segmentation


def split(found: Segmentation, seconds: float) -> Segmentation:
    """Split the segment at a time in two, on the nearest zero crossing.

    Parameters
    ----------
    found : Segmentation
        Segments.
    seconds : float
        Where; both halves keep the label.

    Raises
    ------
    ParameterError
        If there is no segment at that time, or nothing would be left of a half.
    """
    place = round(seconds * found.sample_rate)
    if found.analysis is not None:
        mono = found.analysis.mono
        place = int(snap_to_zero(mono, np.array([place]), found.sample_rate)[0])
    inside = np.flatnonzero((found.starts < place) & (place < found.stops))
    if not len(inside):
        raise ParameterError(
            f"There is no segment to split at {seconds:.3f} s; choose a place inside one."
        )
    i, rate = int(inside[-1]), found.sample_rate
    times, labels = found.segments, list(found.labels)
    start, stop = times[i]
    times[i : i + 1] = [(start, place / rate), (place / rate, stop)]
    labels[i : i + 1] = [labels[i]] * 2
    return found.with_segments(times, labels)


def merge(found: Segmentation, start_seconds: float, stop_seconds: float) -> Segmentation:
    """Join all segments that a passage touches, under the label of the first.

    Parameters
    ----------
    found : Segmentation
        Segments.
    start_seconds, stop_seconds : float
        The passage.

    Raises
    ------
    ParameterError
        If it touches fewer than two.
    """
    start, stop = (seconds * found.sample_rate for seconds in (start_seconds, stop_seconds))
    touched = np.flatnonzero((found.starts < stop) & (found.stops > start))
    if len(touched) < 2:
        raise ParameterError(
            f"The passage from {start_seconds:.3f} to {stop_seconds:.3f} s touches "
            f"{len(touched)} segments; select one that touches at least two."
        )
    rate, gone = found.sample_rate, set(touched.tolist())
    joined = (
        float(found.starts[touched].min() / rate),
        float(found.stops[touched].max() / rate),
    )
    kept = [i for i in range(len(found)) if i not in gone]
    times = [joined, *(found.segments[i] for i in kept)]
    return found.with_segments(times, [found.labels[touched[0]], *(found.labels[i] for i in kept)])
