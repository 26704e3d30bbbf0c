"""Tracks: what is known about a corpus besides its sound.

A label track lists stretches with a name each (segments, clusters, hand-made marks); a feature
track holds a value per frame (loudness, pitch ...). Both live in the corpus file, under
``/tracks/<name>``, and count in samples of the corpus.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import CorpusError
from ..units import TimeAxis

Labels = np.ndarray | Sequence[str] | Sequence[int]


@dataclass(frozen=True, eq=False)
class LabelTrack:
    """Stretches of the corpus, and what they are called.

    Attributes
    ----------
    start, stop : np.ndarray [shape=(n,), dtype=int64]
        First sample of each stretch, and the first sample after it.
    label : np.ndarray [shape=(n,), dtype=int64 or str]
        A number or a word for each.
    """

    start: np.ndarray
    stop: np.ndarray
    label: np.ndarray

    @classmethod
    def of(cls, start: np.ndarray, stop: np.ndarray, label: Labels, n_samples: int) -> LabelTrack:
        """Checked track; a CorpusError says what doesn't fit a corpus of ``n_samples``."""
        starts, stops, labels = _array(start), _array(stop), _array(label)
        if not starts.shape == stops.shape == labels.shape or starts.ndim != 1:
            raise CorpusError(
                "A label track needs as many starts, stops and labels; "
                f"got {starts.shape}, {stops.shape} and {labels.shape}."
            )
        for name, values in (("starts", starts), ("stops", stops)):
            if len(values) and not np.issubdtype(values.dtype, np.integer):
                raise CorpusError(f"The {name} of a label track are counted in samples: integers.")
        if len(starts) and not (
            starts.min() >= 0 and stops.max() <= n_samples and (starts < stops).all()
        ):
            raise CorpusError(
                f"Labelled stretches must be at least a sample long and lie in 0 to {n_samples}."
            )
        if labels.dtype.kind not in "iuUO" and len(labels):
            raise CorpusError(f"Labels are whole numbers or words, not {labels.dtype}.")
        labels = labels.astype(np.int64) if labels.dtype.kind in "iu" else labels.astype(np.str_)
        return cls(starts.astype(np.int64), stops.astype(np.int64), labels)

    def __len__(self) -> int:
        return len(self.start)

    @property
    def classes(self) -> np.ndarray:
        """Different labels, sorted [shape=(n_classes,)]."""
        return np.unique(self.label)

    @property
    def codes(self) -> np.ndarray:
        """Index of each label in :attr:`classes` [shape=(n,), dtype=int64]."""
        return np.searchsorted(self.classes, self.label)


@dataclass(frozen=True, eq=False)
class FeatureTrack:
    """A value, or a vector of values, per frame of the corpus.

    Attributes
    ----------
    values : np.ndarray [shape=(n,) or (n, dim)]
        Values of the frames, beginning with the first sample of the corpus.
    hop_length : int
        Samples from one frame to the next.
    frame_length : int
        Samples that one frame looks at.
    center : bool
        Whether frame ``n`` is centred on sample ``n * hop_length``.
    """

    values: np.ndarray
    hop_length: int
    frame_length: int = 1
    center: bool = False

    @classmethod
    def of(
        cls, values: np.ndarray, hop_length: int, frame_length: int, center: bool
    ) -> FeatureTrack:
        """Checked track; a CorpusError says what is wrong."""
        values = _array(values)
        if values.dtype.kind not in "iufb" or values.ndim not in (1, 2) or not values.size:
            raise CorpusError(
                "A feature track needs numbers of shape (frames,) or (frames, dim); "
                f"got {values.dtype} of shape {values.shape}."
            )
        if hop_length < 1 or frame_length < 1:
            raise CorpusError(
                f"hop_length is {hop_length} and frame_length {frame_length}; "
                "both must be at least 1."
            )
        return cls(values, int(hop_length), int(frame_length), bool(center))

    def __len__(self) -> int:
        return len(self.values)

    def axis(self, sample_rate: int) -> TimeAxis:
        """How the frames lie on the time line of a corpus of this rate."""
        return TimeAxis(sample_rate, self.hop_length, self.frame_length, self.center)


Track = LabelTrack | FeatureTrack


def _array(values: Any) -> np.ndarray:
    """Array of what was given; a CorpusError if it is nested unevenly."""
    try:
        return np.asarray(values)
    except ValueError as error:
        raise CorpusError(f"A track needs lists of numbers or words: {error}.") from None


def check_name(name: str) -> None:
    """Raise a CorpusError if a track can't be called this."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", name):
        raise CorpusError(
            f"A track can't be called {name!r}; use letters, digits, '_', '-' and '.', up to 100."
        )
