"""Centroids of vectors: k-means, begun apart (Arthur and Vassilvitskii, "k-means++", 2007)."""

from __future__ import annotations

import torch
from torch import Tensor

_MOST_ROWS = 16_384
"""Vectors that centroids are fitted to, evenly spaced ones of more."""


@torch.no_grad()
def fit_centroids(x: Tensor, n: int, n_iter: int = 20) -> Tensor:
    """Centroids ``[n, D]`` of vectors ``[M, D]``; always the same for the same vectors.

    Parameters
    ----------
    x : Tensor [shape=(M, D)]
        At least one.
    n : int > 0
    n_iter : int, default 20
        Iterations (Lloyd, 1982).
    """
    x = x[:: -(-len(x) // _MOST_ROWS)]
    centroids = _apart(x, n)
    for _ in range(n_iter):
        nearest = nearest_centroid(x, centroids)
        sums = torch.zeros_like(centroids).index_add_(0, nearest, x)
        counts = torch.bincount(nearest, minlength=n)[:, None]
        centroids = torch.where(counts > 0, sums / counts.clamp(min=1), centroids)
    return centroids


def nearest_centroid(x: Tensor, centroids: Tensor) -> Tensor:
    """Number ``[...]`` of the centroid nearest to each vector ``[..., D]``."""
    return (centroids.square().sum(-1) - 2 * x @ centroids.T).argmin(-1)


def _apart(x: Tensor, n: int) -> Tensor:
    """``n`` of the vectors, each drawn by its squared distance from those before."""
    generator = torch.Generator(x.device).manual_seed(0)
    distances, chosen = x.new_ones(len(x)), []
    for _ in range(n):
        k = torch.multinomial(distances.clamp(1e-9, 1e9), 1, generator=generator)[0]
        chosen.append(x[k])
        new = (x - x[k]).square().sum(-1)
        distances = torch.minimum(distances, new) if len(chosen) > 1 else new
    return torch.stack(chosen)
