"""A codebook of typical vectors that is learned while vectors pass by: online k-means.

The means move as moving averages (van den Oord et al., "Neural Discrete Representation
Learning", 2017, appendix A.1), and entries that nothing is near to begin anew where vectors are
represented worst (after the restarts of Dhariwal et al., "Jukebox", 2020, section 3.1). The first
ones lie apart ("k-means++", Arthur and Vassilvitskii, 2007).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

_MEMORY = 0.98
"""Share of the past in the moving averages: a mean follows the last fifty batches."""

_UNUSED = 0.02
"""Entries that get less than this part of an even share of the vectors begin anew."""

_FRESH = 0.1
"""Share that an entry which begins anew is credited with: about eighty batches to prove itself."""

_MAX_RESTARTS = 4
"""Entries that may begin anew in one batch."""


class Codebook(nn.Module):
    """Means of ``codebook_size`` classes of vectors, in buffers.

    Parameters
    ----------
    codebook_size : int > 0
        Entries ``K``.
    scale : Tensor [shape=(D,)]
        Factors of the dimensions in the distance.

    Attributes
    ----------
    means : Tensor [shape=(K, D)]
        The entries.
    shares : Tensor [shape=(K,)]
        Vectors of a batch that each entry gets, as a moving average; 0 for one never used.
    """

    def __init__(self, codebook_size: int, scale: Tensor) -> None:
        super().__init__()
        self.register_buffer("means", torch.zeros(codebook_size, len(scale)))
        self.register_buffer("shares", torch.zeros(codebook_size))
        self.register_buffer("scale", scale, persistent=False)

    @torch.no_grad()
    def nearest(self, x: Tensor) -> Tensor:
        """Number of the entry in use that is nearest to each vector, ``[..., D] -> [...]``."""
        return self._distances(x).argmin(-1)

    @torch.no_grad()
    def learn(self, x: Tensor) -> None:
        """Move the means towards the vectors ``[..., D]`` of a batch."""
        x = x.flatten(0, -2).float()
        if not self.shares.any():
            self._begin(x)
        distances = self._distances(x)
        nearest = distances.argmin(-1)
        n = torch.bincount(nearest, minlength=len(self.means)).to(x.dtype)
        sums = torch.zeros_like(self.means).index_add_(0, nearest, x)
        self.shares.mul_(_MEMORY).add_(n, alpha=1 - _MEMORY)
        pull = (1 - _MEMORY) / self.shares.clamp(min=1e-9)
        self.means.add_(pull[:, None] * (sums - n[:, None] * self.means))
        self._restart(x, distances.amin(-1))

    def _distances(self, x: Tensor) -> Tensor:
        """Squared distances ``[..., K]``; infinite from entries never used."""
        means, x = self.means * self.scale, x.float() * self.scale
        distances = means.square().sum(-1) + x.square().sum(-1, keepdim=True) - 2 * x @ means.T
        return distances.masked_fill(self.shares == 0, math.inf)

    def _begin(self, x: Tensor) -> None:
        """Take vectors of the first batch that lie apart as the first means (k-means++)."""
        even, distances = len(x) / len(self.means), x.new_full((len(x),), math.inf)
        scaled = x * self.scale
        squares = scaled.square().sum(-1)
        for k in range(min(len(self.means), len(x))):
            chosen = torch.multinomial(distances.clamp(1e-9, 1e9), 1)[0]
            self.means[k], self.shares[k] = x[chosen], even
            new = squares + squares[chosen] - 2 * scaled @ scaled[chosen]
            distances = torch.minimum(distances, new)

    def _restart(self, x: Tensor, distances: Tensor) -> None:
        """Put unused entries where vectors are represented worst."""
        even = len(x) / len(self.means)
        unused = (self.shares < _UNUSED * even).nonzero()[:_MAX_RESTARTS, 0]
        n = min(len(unused), len(x))
        if n:
            chosen = torch.multinomial(distances.clamp(min=1e-9), n)
            self.means[unused[:n]] = x[chosen]
            self.shares[unused[:n]] = _FRESH * even
