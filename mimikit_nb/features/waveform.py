"""Features that look at one sample at a time: quantised classes, and samples as they are.

Main names: :class:`MuLawConfig`, :class:`LinearQuantConfig`, :class:`SamplesConfig`. All of
them clip to [-1, 1] where they quantise, and invert sample by sample.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from ..config import field
from ..units import TimeAxis
from .base import FEATURES, Continuous, Discrete, Feature, FeatureConfig, InverseStream


@FEATURES.register
class MuLawConfig(FeatureConfig):
    """Samples as classes, finer near silence (mu-law, ITU-T G.711 with any number of levels)."""

    kind: Literal["mu_law"] = "mu_law"
    "Name of the feature."
    q_levels: int = field(256, ge=2, le=65536, scale="power_of_two")
    "Classes."

    def build(self, sample_rate: int) -> MuLaw:
        """Feature at ``sample_rate`` Hz."""
        return MuLaw(self.q_levels, sample_rate)


@FEATURES.register
class LinearQuantConfig(FeatureConfig):
    """Samples as classes of equal width."""

    kind: Literal["linear_quantized"] = "linear_quantized"
    "Name of the feature."
    q_levels: int = field(256, ge=2, le=65536, scale="power_of_two")
    "Classes."

    def build(self, sample_rate: int) -> LinearQuant:
        """Feature at ``sample_rate`` Hz."""
        return LinearQuant(self.q_levels, sample_rate)


@FEATURES.register
class SamplesConfig(FeatureConfig):
    """Samples as they are."""

    kind: Literal["samples"] = "samples"
    "Name of the feature."

    def build(self, sample_rate: int) -> Samples:
        """Feature at ``sample_rate`` Hz."""
        return Samples(sample_rate)


class _Pointwise(Feature):
    """One value per sample."""

    def __init__(self, kind: Discrete | Continuous, sample_rate: int) -> None:
        self.kind = kind
        self.axis = TimeAxis(sample_rate)

    def inverse_stream(self, batch_size: int) -> InverseStream:
        """The inverse needs no memory: each value gives its sample."""
        return _PointwiseInverse(self, batch_size)


class MuLaw(_Pointwise):
    """Mu-law companding, then rounding to ``q_levels`` classes.

    ``inverse(forward(y))`` differs from ``y`` in [-1, 1] by at most :meth:`error_bound`; what
    lies outside is clipped.
    """

    def __init__(self, q_levels: int, sample_rate: int) -> None:
        super().__init__(Discrete(q_levels), sample_rate)
        self.mu = q_levels - 1
        self._log = math.log1p(self.mu)

    def frames(self, y: Tensor) -> Tensor:
        """Classes ``[..., samples]``."""
        y = y.clamp(-1.0, 1.0)
        companded = torch.copysign(torch.log1p(y.abs().mul_(self.mu)), y)
        scale = 0.5 * self.mu / self._log
        return companded.mul_(scale).add_(0.5 * self.mu + 0.5).to(torch.int64)

    def inverse(self, x: Tensor) -> Tensor:
        """Samples at the middle (companded) of each class."""
        companded = x.to(torch.float32).mul(2.0 / self.mu).sub_(1.0)
        return torch.copysign(torch.expm1(companded.abs() * self._log) / self.mu, companded)

    def error_bound(self, y: Tensor) -> Tensor:
        """Largest error of a sample in [-1, 1], ``(1/mu + |y|) ((1 + mu)^(1/mu) - 1)``."""
        return (1 / self.mu + y.abs()) * math.expm1(self._log / self.mu)


class LinearQuant(_Pointwise):
    """Rounding to ``q_levels`` classes of equal width.

    ``inverse(forward(y))`` differs from ``y`` in [-1, 1] by at most :meth:`error_bound`; what
    lies outside is clipped.
    """

    def __init__(self, q_levels: int, sample_rate: int) -> None:
        super().__init__(Discrete(q_levels), sample_rate)
        self.n_steps = q_levels - 1

    def frames(self, y: Tensor) -> Tensor:
        """Classes ``[..., samples]``."""
        scale = 0.5 * self.n_steps
        return y.clamp(-1.0, 1.0).mul_(scale).add_(scale + 0.5).to(torch.int64)

    def inverse(self, x: Tensor) -> Tensor:
        """Samples at the middle of each class."""
        return x.to(torch.float32).mul(2.0 / self.n_steps).sub_(1.0)

    def error_bound(self, y: Tensor) -> Tensor:
        """Largest error of a sample in [-1, 1]: half a class, wherever it lies."""
        return torch.full_like(y, 1 / self.n_steps)


class Samples(_Pointwise):
    """Samples as vectors of length 1; the inverse gives back what came in."""

    def __init__(self, sample_rate: int) -> None:
        super().__init__(Continuous(1), sample_rate)

    def frames(self, y: Tensor) -> Tensor:
        """Vectors ``[..., samples, 1]``."""
        return y.unsqueeze(-1)

    def inverse(self, x: Tensor) -> Tensor:
        """Samples ``[..., samples]``."""
        return x.squeeze(-1)


class _PointwiseInverse(InverseStream):
    def __init__(self, feature: Feature, batch_size: int) -> None:
        self.feature, self.batch_size = feature, batch_size

    def push(self, x: Tensor) -> Tensor:
        return self.feature.inverse(x)

    def flush(self) -> Tensor:
        return torch.zeros(self.batch_size, 0)

    def prime(self, y: Tensor) -> None:
        pass
