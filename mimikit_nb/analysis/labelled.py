"""Parts of a recording with a label each. Main name: :class:`LabelledSegments`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class LabelledSegments:
    """Parts of a recording with a label each.

    Attributes
    ----------
    sample_rate : int
        Rate of the recording in Hz.
    n_samples : int
        Its length.
    starts, stops : np.ndarray [shape=(n,), dtype=int64]
        First sample of each segment, and the first after it.
    labels : tuple of str
        A name for each segment: numbers to begin with.
    level : str or float
        "events", "sections", seconds, or "imported".
    method : str
        How the segments were found.
    threshold : float, optional
        What novelty had to reach, in the unit of the curve.
    """

    sample_rate: int
    n_samples: int
    starts: np.ndarray
    stops: np.ndarray
    labels: tuple[str, ...]
    level: str | float = "imported"
    method: str = "imported"
    threshold: float | None = None

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def duration_seconds(self) -> float:
        """Length of the recording in seconds."""
        return self.n_samples / self.sample_rate

    @property
    def onsets_seconds(self) -> np.ndarray:
        """Times where segments begin [shape=(n,)]."""
        times: np.ndarray = self.starts / self.sample_rate
        return times

    @property
    def segments(self) -> list[tuple[float, float]]:
        """Start and stop of every segment in seconds."""
        rate = self.sample_rate
        return [
            (int(a) / rate, int(b) / rate) for a, b in zip(self.starts, self.stops, strict=True)
        ]

    @property
    def boundaries_seconds(self) -> np.ndarray:
        """Times strictly inside the recording where a segment begins or ends, each once."""
        edges = np.unique(np.concatenate([self.starts, self.stops]))
        times: np.ndarray = edges[(edges > 0) & (edges < self.n_samples)] / self.sample_rate
        return times
