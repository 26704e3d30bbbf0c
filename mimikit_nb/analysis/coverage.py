"""Coverage minus redundancy: the objective of GMeans, as plain functions of tensors.

Centroids are good if every point has one that is like it (coverage) and no two of them say the
same (redundancy). Both parts are differentiable, so that centroids can be trained by gradient,
alone (:class:`~mimikit_nb.analysis.gmeans.GMeans`) or within a network
(:class:`~mimikit_nb.networks.layers.gmeans.GMeansLayer`). Similarities are at most 1, and 1 for
identical vectors, whatever the metric.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

Metric = Literal["angular", "euclidean"]


def similarity(x: Tensor, centroids: Tensor, metric: Metric, scale: float = 1.0) -> Tensor:
    """Similarity of points and centroids.

    Parameters
    ----------
    x : torch.Tensor [shape=(..., D)]
        Points.
    centroids : torch.Tensor [shape=(K, D)]
        Centroids.
    metric : {"angular", "euclidean"}
        Cosine of the angle, or 1 minus the squared distance over ``2 * scale ** 2``.
    scale : float > 0, default 1
        Typical distance of the data, for the Euclidean metric.

    Returns
    -------
    torch.Tensor [shape=(..., K)]
        At most 1.
    """
    if metric == "angular":
        return functional.normalize(x, dim=-1) @ functional.normalize(centroids, dim=-1).T
    products = x @ centroids.T
    distances = x.square().sum(-1, keepdim=True) + centroids.square().sum(-1) - 2 * products
    return 1 - distances.clamp_min(0) / (2 * scale**2)


def soft_assignment(similarities: Tensor, temperature: float) -> Tensor:
    """Share of each centroid in each point; the lower the temperature, the harder."""
    return torch.softmax(similarities / temperature, dim=-1)


def coverage(similarities: Tensor, temperature: float) -> Tensor:
    """How well the points are covered, on average: a soft maximum over the centroids [shape=()].

    Parameters
    ----------
    similarities : torch.Tensor [shape=(..., K)]
        Of points and centroids.
    temperature : float > 0
        Softness; towards 0 it is the similarity of the nearest centroid.
    """
    shares = soft_assignment(similarities, temperature)
    return (shares * similarities).sum(-1).mean()


def redundancy(centroids: Tensor, metric: Metric, scale: float = 1.0, width: float = 0.1) -> Tensor:
    """How much the centroids repeat each other, from 0 (all apart) to 1 (all the same) [shape=()].

    Parameters
    ----------
    centroids : torch.Tensor [shape=(K, D)]
        Centroids.
    metric, scale
        As in :func:`similarity`.
    width : float > 0, default 0.1
        Difference of similarity at which two centroids stop repeating each other.
    """
    n_clusters = len(centroids)
    if n_clusters < 2:
        return centroids.sum() * 0
    alike = torch.exp((similarity(centroids, centroids, metric, scale) - 1) / width)
    others = alike - torch.diag(torch.diagonal(alike))
    return others.sum() / (n_clusters * (n_clusters - 1))
