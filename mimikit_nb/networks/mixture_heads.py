"""A head for vectors that are drawn as a whole: a mixture of Gaussians."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .head import Head, LinearHead, draw_class, normal

_LEAST_LOG_SCALE = -7.0


class GaussianMixtureHead(LinearHead):
    """Mixture of Gaussians over vectors, independent within a component (Bishop, 1994).

    A draw takes the component first and then all coordinates from it, so that they hang
    together. ``temperature`` acts on both, ``top_k`` and ``top_p`` on the component.

    Parameters
    ----------
    hidden_dim, dim, n_components : int
    """

    def __init__(self, hidden_dim: int, dim: int, n_components: int) -> None:
        super().__init__(hidden_dim, n_components * (1 + 2 * dim), n_uniforms=1 + dim)
        self.dim, self.n_components = dim, n_components

    def loss(self, params: Tensor, target: Tensor) -> Tensor:
        """Negative log-likelihood ``[...]`` of vectors ``[..., D]``, divided by ``D``."""
        logits, means, log_scales = self._split(params)
        z = (target[..., None, :] - means) * torch.exp(-log_scales)
        log_density = -(0.5 * z.square() + log_scales).sum(-1) - 0.5 * self.dim * math.log(
            2 * math.pi
        )
        return -torch.logsumexp(F.log_softmax(logits, -1) + log_density, -1) / self.dim

    def mean(self, params: Tensor) -> Tensor:
        """Mean ``[..., D]`` of the mixture."""
        logits, means, _ = self._split(params)
        return (torch.softmax(logits, -1)[..., None] * means).sum(-2)

    def sample(
        self,
        params: Tensor,
        u: Tensor,
        controls: dict[str, Tensor],
        state: dict[str, Tensor] | None = None,
    ) -> Tensor:
        """Draw a component, then a vector ``[B, D]`` from it."""
        logits, means, log_scales = self._split(params)
        k = draw_class(logits, u[:, :1], controls)[:, None, None].expand(-1, 1, self.dim)
        mean, log_scale = means.gather(1, k)[:, 0], log_scales.gather(1, k)[:, 0]
        return mean + controls["temperature"][:, None] * torch.exp(log_scale) * normal(u[:, 1:])

    def is_like(self, other: Head) -> bool:
        """Only of the same weights: components of two networks have nothing in common."""
        return self.has_weights_of(other)

    def _split(self, params: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits ``[..., K]``, means and log-scales ``[..., K, D]``."""
        logits, rest = params[..., : self.n_components], params[..., self.n_components :]
        means, log_scales = rest.unflatten(-1, (2, self.n_components, self.dim)).unbind(-3)
        return logits, means, log_scales.clamp(min=_LEAST_LOG_SCALE)
