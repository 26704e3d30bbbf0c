"""Down- and up-sampling in time by learned layers: frames of items to one vector, and back.

A down-sampler's output knows the items of its frame and no later ones; an up-sampler's outputs
know what was before them. Both work on whole frames, so that many at once give what one after
the other would. Several layers share the factor among them (strided convolutions that each read
their own frame, as in Mehri et al., "SampleRNN", 2017, section 2.1, and their transposes): they
need fewer weights than one layer over a long frame, and see structure within it.

Main names: :func:`build_down_sampler`, :func:`build_up_sampler`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations


class DownSampler(nn.Linear):
    """One vector per frame of ``factor`` items, linear in all of them.

    Parameters
    ----------
    factor, n_in, n_out : int
        Items of a frame, width of an item and of the vector.
    """

    def __init__(self, factor: int, n_in: int, n_out: int) -> None:
        super().__init__(factor * n_in, n_out)
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """Vectors ``[..., N, n_out]`` of items ``[..., N * factor, n_in]``."""
        return super().forward(x.unflatten(-2, (-1, self.factor)).flatten(-2))

    def overlapping(self, x: Tensor, hop: int) -> Tensor:
        """Vectors ``[B, N, n_out]`` of the frames from every ``hop``-th item of ``x [B, T, D]`` on.

        As a convolution, so that no item is copied.
        """
        weight = self.weight.unflatten(1, (self.factor, -1)).transpose(1, 2)
        return F.conv1d(x.transpose(1, 2), weight, self.bias, stride=hop).transpose(1, 2)


class UpSampler(nn.Linear):
    """``factor`` vectors per vector, each a linear map of its own.

    Parameters
    ----------
    factor, n_in, n_out : int
        Vectors made of one, width of that one and of these.
    """

    def __init__(self, factor: int, n_in: int, n_out: int) -> None:
        super().__init__(n_in, factor * n_out)
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """Vectors ``[..., N * factor, n_out]`` of vectors ``[..., N, n_in]``."""
        return super().forward(x).unflatten(-1, (self.factor, -1)).flatten(-3, -2)


def build_down_sampler(factor: int, n_in: int, n_out: int, n_layers: int = 1) -> nn.Module:
    """Layers from items to a vector per ``factor`` of them; a :class:`DownSampler` if it is one."""
    factors = reversed(split_factor(factor, n_layers))  # what many items share is the last layer's
    widths = [n_in, *[n_out] * n_layers]
    return _stacked(
        DownSampler(f, *width) for f, width in zip(factors, itertools.pairwise(widths), strict=True)
    )


def build_up_sampler(
    factor: int, n_in: int, n_out: int, n_layers: int = 1, weight_norm: bool = False
) -> nn.Module:
    """Layers from a vector to ``factor`` of them; an :class:`UpSampler` if it is one layer."""
    widths = [n_in, *[n_out] * n_layers]
    layers = (
        UpSampler(f, *width)
        for f, width in zip(split_factor(factor, n_layers), itertools.pairwise(widths), strict=True)
    )
    return _stacked(map(parametrizations.weight_norm, layers) if weight_norm else layers)


def split_factor(factor: int, n: int) -> list[int]:
    """``n`` whole factors of ``factor``, as alike as it can be shared, the largest first."""
    factors = [1] * n
    for prime in sorted(_primes(factor), reverse=True):
        factors[factors.index(min(factors))] *= prime
    return sorted(factors, reverse=True)


def _primes(n: int) -> list[int]:
    primes, divisor = [], 2
    while n > 1:
        while n % divisor == 0:
            primes.append(divisor)
            n //= divisor
        divisor += 1
    return primes


def _stacked(layers: Iterable[nn.Module]) -> nn.Module:
    """The layers with rectifiers between them."""
    first, *others = layers
    return nn.Sequential(first, *[m for x in others for m in (nn.ReLU(), x)]) if others else first
