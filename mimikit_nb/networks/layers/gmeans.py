"""GMeans as a layer: centroids that other networks learn with, as soft or as hard codes.

The layer turns vectors into a choice among centroids. Its own loss is redundancy minus coverage,
to be added to the network's; what flows on are the shares of the centroids, or codes whose
gradient passes straight through. Main names: :class:`GMeansLayer`, :class:`Codes`.

References
----------
.. [1] Bengio et al., "Estimating or propagating gradients through stochastic neurons", 2013.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ...analysis.coverage import Metric, coverage, redundancy, similarity, soft_assignment
from ...errors import ParameterError


class Codes(NamedTuple):
    """What the layer says about its input.

    Attributes
    ----------
    shares : torch.Tensor [shape=(..., K)]
        Soft assignment: non-negative, sums to 1.
    one_hot : torch.Tensor [shape=(..., K)]
        Hard assignment forward, the gradient of ``shares`` backward.
    codes : torch.Tensor [shape=(...), dtype=int64]
        Number of the chosen centroid.
    quantized : torch.Tensor [shape=(..., D)]
        The chosen centroid forward; backward, the gradient goes to the centroids by their shares
        and to the input as if the layer weren't there.
    loss : torch.Tensor [shape=()]
        Redundancy minus coverage, to be added to the loss of the network.
    """

    shares: Tensor
    one_hot: Tensor
    codes: Tensor
    quantized: Tensor
    loss: Tensor


class GMeansLayer(nn.Module):
    """Choose among learned centroids.

    Parameters
    ----------
    n_clusters : int > 0
        Number of centroids.
    dim : int > 0
        Size of the vectors.
    metric : {"angular", "euclidean"}, default "angular"
        Whether only the direction of a vector counts, or its place.
    temperature : float > 0, default 0.1
        Softness of the shares.
    redundancy : float >= 0, default 0.1
        Weight of the redundancy in the loss.
    scale : float > 0, default 1
        Typical distance of the data, for the Euclidean metric.
    """

    def __init__(
        self,
        n_clusters: int,
        dim: int,
        metric: Metric = "angular",
        temperature: float = 0.1,
        redundancy: float = 0.1,
        scale: float = 1.0,
    ) -> None:
        super().__init__()
        if n_clusters < 1 or dim < 1 or not temperature > 0 or not scale > 0 or redundancy < 0:
            raise ParameterError(
                f"n_clusters is {n_clusters}, dim {dim}, temperature {temperature}, scale {scale}, "
                f"redundancy {redundancy}; all must be above 0, the redundancy at least 0."
            )
        if metric not in ("angular", "euclidean"):
            raise ParameterError(f"metric is {metric!r}; it must be 'angular' or 'euclidean'.")
        self.metric, self.temperature, self.scale = metric, temperature, scale
        self.redundancy = redundancy
        self.centroids = nn.Parameter(torch.randn(n_clusters, dim) * scale / dim**0.5)

    @classmethod
    def from_centroids(cls, centroids: Tensor, **options: object) -> GMeansLayer:
        """Layer that begins with given centroids, those of a fitted ``GMeans``, say.

        Parameters
        ----------
        centroids : torch.Tensor [shape=(K, D)]
            Centroids; copied.
        **options
            As for the layer.
        """
        layer = cls(*centroids.shape, **options)
        with torch.no_grad():
            layer.centroids.copy_(centroids)
        return layer

    def forward(self, x: Tensor) -> Codes:
        """Assign vectors to centroids.

        Parameters
        ----------
        x : torch.Tensor [shape=(..., D)]
            Vectors.
        """
        if x.shape[-1] != self.centroids.shape[1]:
            raise ParameterError(
                f"The vectors have {x.shape[-1]} numbers, the centroids {self.centroids.shape[1]}."
            )
        alike = similarity(x, self.centroids, self.metric, self.scale)
        shares = soft_assignment(alike, self.temperature)
        codes = shares.argmax(dim=-1)
        hard = nn.functional.one_hot(codes, shares.shape[-1]).to(shares.dtype)
        one_hot = hard + shares - shares.detach()
        mixed = shares @ self.centroids
        chosen = self.centroids[codes]
        quantized = chosen.detach() + (mixed - mixed.detach()) + (x - x.detach())
        repeated = redundancy(self.centroids, self.metric, self.scale)
        loss = self.redundancy * repeated - coverage(alike, self.temperature)
        return Codes(shares, one_hot, codes, quantized, loss)
