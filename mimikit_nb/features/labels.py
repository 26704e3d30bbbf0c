"""Features of tracks: what is known about a corpus besides its sound, as classes or values.

A label track lists stretches with a name each, a feature track holds a value per frame; both
are read at the exact time of each item. Main names: :class:`LabelConfig`,
:class:`SegmentLabelConfig`, :class:`ClusterLabelConfig`, :class:`ValuesConfig`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, Self

import numpy as np
import torch
from pydantic import model_validator
from torch import Tensor

from ..config import field
from ..corpus.tracks import LabelTrack
from ..errors import ConfigError, FeatureError
from ..units import TimeAxis
from .base import FEATURES, Continuous, Discrete, Feature, FeatureConfig

NOWHERE = "none"
"Label of what lies in no stretch."


class TrackLabelConfig(FeatureConfig):
    """Base of the features that say which stretch of a label track an item lies in."""

    n_classes: int = field(ge=1, le=65536)
    "Classes."
    names: tuple[str, ...] | None = field(None, max_length=100_000)
    "Label of each class, where labels are words; without names they are the classes 0, 1 ..."
    unlabelled: int = field(0, ge=0)
    "Class of items that lie in no stretch."
    hop_length: int = field(1, ge=1, unit="samples")
    "Samples from item to item; 1: every step has the label of its exact time."

    @model_validator(mode="after")
    def _check_classes(self) -> Self:
        if self.names is not None and len(set(self.names)) != self.n_classes:
            raise ConfigError(
                f"{self.n_classes} classes need as many different names, not {self.names}."
            )
        if self.unlabelled >= self.n_classes:
            raise ConfigError(
                f"unlabelled is {self.unlabelled}; it must be a class, below {self.n_classes}."
            )
        return self

    def build(self, sample_rate: int) -> Label:
        """Feature at ``sample_rate`` Hz."""
        return Label(self, sample_rate)

    @classmethod
    def of_names(cls, names: Iterable[str]) -> Self:
        """Classes of some names, in their order, behind a class 0 for what lies in no stretch."""
        classes = tuple(dict.fromkeys([NOWHERE, *names]))
        values: dict[str, Any] = {"n_classes": len(classes), "names": classes}
        return cls(**values)


@FEATURES.register
class LabelConfig(TrackLabelConfig):
    """The label of the stretch that an item lies in, as a class."""

    kind: Literal["label"] = "label"
    "Name of the feature."


@FEATURES.register
class SegmentLabelConfig(TrackLabelConfig):
    """What the segment that an item lies in is called."""

    kind: Literal["segment_label"] = "segment_label"
    "Name of the feature."

    @classmethod
    def of(cls, track: LabelTrack) -> Self:
        """Classes of a track, in the order in which its labels first appear."""
        order = np.argsort(track.start, kind="stable")
        return cls.of_names(str(label) for label in track.label[order])


@FEATURES.register
class ClusterLabelConfig(TrackLabelConfig):
    """The cluster of the segment that an item lies in."""

    kind: Literal["cluster_label"] = "cluster_label"
    "Name of the feature."

    @classmethod
    def of(cls, track: LabelTrack) -> Self:
        """Classes of a track, from the label with the most stretches to that with the fewest."""
        counts = np.bincount(track.codes, minlength=len(track.classes))
        order = np.argsort(-counts, kind="stable")
        return cls.of_names(str(label) for label in track.classes[order])


@FEATURES.register
class ValuesConfig(FeatureConfig):
    """The values of a feature track at the time of an item."""

    kind: Literal["values"] = "values"
    "Name of the feature."
    dim: int = field(1, ge=1, le=65536)
    "Numbers per item."
    hop_length: int = field(1, ge=1, unit="samples")
    "Samples from item to item; 1: every step has the values of its exact time."

    def build(self, sample_rate: int) -> Values:
        """Feature at ``sample_rate`` Hz."""
        return Values(self, sample_rate)


class Label(Feature):
    """Classes of stretches."""

    kind: Discrete

    def __init__(self, config: TrackLabelConfig, sample_rate: int) -> None:
        self.config = config
        self.kind = Discrete(config.n_classes)
        self.axis = TimeAxis(sample_rate, config.hop_length)

    def frames(self, y: Tensor) -> Tensor:
        """Classes ``[..., N]`` of the classes of every sample ``[..., samples]``."""
        return y[..., :: self.axis.hop_length].to(torch.int64)

    def classes_of(self, label: np.ndarray) -> np.ndarray:
        """Classes [dtype=int64] of labels, which are words or whole numbers.

        Raises
        ------
        FeatureError
            If a label has no class.
        """
        names = self.config.names
        if names is None and label.dtype.kind not in "iu":
            raise FeatureError(
                f"Labels such as {str(label[0])!r} are words; "
                "list them as the label feature's names."
            )
        if names is None:
            classes = label.astype(np.int64)
            unknown = label[(classes < 0) | (classes >= self.kind.n_classes)]
        else:
            order = np.argsort(names)
            place = np.searchsorted(names, label.astype(str), sorter=order).clip(max=len(names) - 1)
            classes = order[place]
            unknown = label[np.asarray(names)[classes] != label.astype(str)]
        if len(unknown):
            raise FeatureError(
                f"Label {unknown[0]!s} has no class; "
                f"classes are {names or f'0 to {self.kind.n_classes - 1}'}."
            )
        return classes

    def at(
        self, start: np.ndarray, stop: np.ndarray, label: np.ndarray, position: np.ndarray
    ) -> np.ndarray:
        """Classes at positions, given stretches and their labels.

        Parameters
        ----------
        start, stop : np.ndarray [shape=(n,), dtype=int64]
            First sample of each stretch, and the first sample after it. Where stretches
            overlap, the one that began last counts.
        label : np.ndarray [shape=(n,)]
            Their labels.
        position : np.ndarray of int
            Samples, in any shape.
        """
        borders = np.unique(np.concatenate([[np.iinfo(np.int64).min], start, stop]))
        between = np.full(len(borders), self.config.unlabelled)
        classes = self.classes_of(label) if len(label) else label
        order = np.argsort(start, kind="stable")
        first, last = np.searchsorted(borders, start), np.searchsorted(borders, stop)
        for i in order:
            between[first[i] : last[i]] = classes[i]
        return between[np.searchsorted(borders, position, side="right") - 1]


class Values(Feature):
    """Values of a feature track."""

    kind: Continuous

    def __init__(self, config: ValuesConfig, sample_rate: int) -> None:
        self.config = config
        self.kind = Continuous(config.dim)
        self.axis = TimeAxis(sample_rate, config.hop_length)

    def frames(self, y: Tensor) -> Tensor:
        """Vectors ``[..., N, dim]`` of the vectors of every sample ``[..., dim, samples]``."""
        return y[..., :: self.axis.hop_length].transpose(-1, -2)

    def at(self, values: np.ndarray, axis: TimeAxis, position: np.ndarray) -> np.ndarray:
        """Vectors ``[..., dim]`` at positions ``[...]``: those of the last frame not after them.

        Raises
        ------
        FeatureError
            If the track's values have another length.
        """
        values = values.reshape(len(values), -1)
        if values.shape[1] != self.kind.dim:
            raise FeatureError(
                f"The track has {values.shape[1]} numbers per frame, the feature {self.kind.dim}; "
                f"set its dim to {values.shape[1]}."
            )
        frame = (position // axis.hop_length).clip(0, len(values) - 1)
        return values[frame].astype(np.float32)
