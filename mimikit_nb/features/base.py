"""The contract of a feature, and the registry of feature configs.

A *config* (small, serialisable, independent of any sample rate) builds a *feature*, which knows
its :class:`~mimikit_nb.units.TimeAxis`, whether its values are classes or vectors, and how to go
from sound to values and back::

    feature = MuLawConfig(q_levels=256).build(sample_rate=22050)
    x = feature.forward(y)        # [..., samples] -> [..., N] or [..., N, dim]
    y = feature.inverse(x)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from ..config import Config, Registry
from ..errors import FeatureError
from ..units import TimeAxis


@dataclass(frozen=True)
class Discrete:
    """Values are classes: int64 tensors ``[..., N]`` in ``range(n_classes)``."""

    n_classes: int


@dataclass(frozen=True)
class Continuous:
    """Values are vectors: float32 tensors ``[..., N, dim]``.

    No sound within [-1, 1] has values above ``high``, if that is known.
    """

    dim: int
    high: float | None = None


class Feature(ABC):
    """A transform of sound with a time axis and, mostly, an inverse.

    Attributes
    ----------
    kind : Discrete or Continuous
        What its values are.
    axis : TimeAxis
        Where its values lie in time, at the sample rate the feature works at.
    """

    kind: Discrete | Continuous
    axis: TimeAxis

    def forward(self, y: Tensor) -> Tensor:
        """Values of ``y [..., samples]``; ``axis.n_frames(samples)`` of them.

        A centred feature pads ``y`` with zeros by half a frame on both sides.
        """
        padding = self.axis.padding if y.shape[-1] else 0
        return self.frames(F.pad(y, (padding, padding)) if padding else y)

    @abstractmethod
    def frames(self, y: Tensor) -> Tensor:
        """Values of the whole frames in ``y [..., samples]``, without any padding.

        Each value depends on its own frame alone, so that a window of a sound gives the same
        values as the whole.
        """

    def inverse(self, x: Tensor) -> Tensor:
        """Sound ``[..., samples]`` of values; ``axis.n_samples(n_frames)`` samples."""
        raise FeatureError(f"{type(self).__name__} has no inverse.")

    def inverse_stream(self, batch_size: int) -> InverseStream:
        """Stateful, causal inverse for values that arrive chunk by chunk."""
        raise FeatureError(f"{type(self).__name__} has no streaming inverse.")

    def check_source(self, source: Feature) -> None:
        """Raise a FeatureError unless :meth:`from_values` can read the values of ``source``."""
        raise FeatureError(
            f"{type(self).__name__} can't be computed from the values of {type(source).__name__}."
        )

    def from_values(self, source: Feature, x: Tensor) -> Tensor:
        """Values of this feature, item by item, from those of another ``[..., kind of source]``.

        So that a network can be given, say, the mel spectrum of the magnitudes it generates.
        """
        self.check_source(source)
        raise NotImplementedError


class InverseStream(ABC):
    """Turns values that arrive chunk by chunk into sound, in constant memory.

    Pushing ``n`` values gives ``n * hop_length`` samples (less, at the beginning, the padding of
    a centred feature); ``flush`` gives the rest, so that all blocks together hold
    ``axis.n_samples(n_frames)`` samples. The chunks make no difference.
    """

    @abstractmethod
    def push(self, x: Tensor) -> Tensor:
        """Sound ``[B, n * hop_length]`` of the next values ``[B, n, ...]``."""

    @abstractmethod
    def flush(self) -> Tensor:
        """What is left ``[B, samples]`` once no more values come."""

    @abstractmethod
    def prime(self, y: Tensor) -> None:
        """Begin behind the sound ``y [B, samples]`` instead of from silence.

        As if its values had been pushed, but knowing its phases: what is pushed next goes on
        where ``y`` has begun its last frames.
        """

    def state(self) -> dict[str, Tensor]:
        """What it remembers, tensors ``[B, ...]``; none if the inverse needs no memory."""
        return {}

    def load_state(self, state: dict[str, Tensor]) -> None:  # noqa: B027 - not abstract
        """Go on from where :meth:`state` was taken."""


class FeatureConfig(Config):
    """Base of the configs of all features."""

    kind: str
    "Name of the feature."

    def build(self, sample_rate: int) -> Feature:
        """Feature that works on signals at ``sample_rate`` Hz."""
        raise FeatureError(f"{type(self).__name__} builds no feature.")


FEATURES: Registry[FeatureConfig] = Registry("feature")
AnyFeature = FEATURES.annotate(FeatureConfig)
