"""Rules of handing over: where in a turn the next one should take over.

A rule gets the whole turn ``[C, n]``, its rate and maybe a level, and gives a sample, or None to
let it end as planned. Only places in the second half count, so that no turn is cut to nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...analysis.segmentation import segment

Rule = Callable[..., "int | None"]


def at_onset(y: np.ndarray, sample_rate: int) -> int | None:
    """The last onset: the next turn begins where a sound would have."""
    return _latest(segment(y, sample_rate, "events").onsets_seconds, y, sample_rate)


def at_section(y: np.ndarray, sample_rate: int) -> int | None:
    """The last boundary between sections."""
    return _latest(segment(y, sample_rate, "sections").boundaries_seconds, y, sample_rate)


def _latest(seconds: np.ndarray, y: np.ndarray, sample_rate: int) -> int | None:
    n = y.shape[1]
    places = np.round(np.asarray(seconds) * sample_rate).astype(int)
    places = places[(places >= n // 2) & (places < n)]
    return int(places[-1]) if len(places) else None


RULES: dict[str, Rule] = {"onset": at_onset, "section": at_section}
