"""Heads for the magnitudes of a spectrum's frames.

:class:`MagnitudeHead` draws each bin for itself. Noise like that never adds up to a stroke, and
what dies away stays away; :class:`MagnitudeMixtureHead` therefore draws first what kind of
frame comes, and then its bins.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .head import SPREAD_GAIN, Head, LinearHead, draw_class
from .layers.codebook import Codebook

_HALF_OF_THREE_SPREADS = 0.5 * (1 - math.exp(-3))
"""Where the distribution function of Laplacian noise, less a half, reaches three spreads."""

_FIRST_SPREAD = math.log(0.2) / SPREAD_GAIN

_CLASS_WEIGHT = 0.05
"""Weight of the class in the loss. By its likelihood alone it would count as one bin among a
thousand, but the bins aren't independent of each other, and a wrong class is heard in all."""

_SAME_CLASSES = 0.9
"""Share of classes that must be alike before two networks' predictions can be averaged."""

_OCTAVE_BIN = 8.0
"""From this bin on, octaves rather than bins count alike when frames are compared."""


class MagnitudeHead(LinearHead):
    """Non-negative magnitudes: the absolute value of a linear layer.

    The likelihood is Laplacian with one learned spread per bin; a draw is the prediction plus
    ``temperature`` times Laplacian noise of that spread, of at most three spreads. Without noise
    (temperature 0) a network of magnitudes soon stands still. No bin is drawn louder than the
    loudest it was taught, so that a network that loses its way can't grow without end.

    Parameters
    ----------
    hidden_dim, dim : int
    high : float, optional
        Largest magnitude there is, for a head that was taught nothing yet.
    """

    def __init__(self, hidden_dim: int, dim: int, high: float | None = None) -> None:
        super().__init__(hidden_dim, dim, n_uniforms=dim)
        self.high = math.inf if high is None else high
        self.register_buffer("loudest", torch.full((dim,), -1.0))
        self.log_spread = nn.Parameter(torch.full((dim,), _FIRST_SPREAD))

    def forward(self, h: Tensor) -> Tensor:
        """Magnitudes ``[..., F]``."""
        return self.linear(h).abs()

    def loss(self, params: Tensor, target: Tensor) -> Tensor:
        """Laplacian negative log-likelihood, the mean over bins."""
        log_spread = SPREAD_GAIN * self.log_spread
        error = (target - params).abs() * torch.exp(-log_spread)
        return (error + log_spread + math.log(2)).mean(-1)

    def mean(self, params: Tensor) -> Tensor:
        """The predicted magnitudes."""
        return params

    def sample(
        self,
        params: Tensor,
        u: Tensor,
        controls: dict[str, Tensor],
        state: dict[str, Tensor] | None = None,
    ) -> Tensor:
        """Magnitudes ``[B, F]``."""
        spread = controls["temperature"][:, None] * torch.exp(SPREAD_GAIN * self.log_spread)
        loudest = torch.where(self.loudest < 0, self.high, self.loudest)
        return torch.minimum((params + spread * _laplacian(u)).clamp(min=0.0), loudest)

    @torch.no_grad()
    def observe(self, target: Tensor) -> None:
        """Remember the loudest magnitude of each bin."""
        torch.maximum(self.loudest, target.flatten(0, -2).amax(0), out=self.loudest)


class MagnitudeMixtureHead(LinearHead):
    """Non-negative magnitudes, as a mixture of classes of frames.

    A class ``k`` has a typical frame ``c_k`` (:class:`~.layers.codebook.Codebook`), and learned
    per bin: a gate ``g_k``, between that frame and the magnitudes ``m`` by which the network
    would go on, and a spread ``b_k``. The network predicts ``m`` and how likely each class is.
    Given the class, bins are Laplacian around ``|g_k m + (1 - g_k) c_k|`` with spread ``b_k``.

    The class of a frame is that of the typical frame nearest to it, so that learning costs as
    much as with a single class. A stroke is a class that is drawn for the whole frame; spreads
    are small in the classes of quiet frames. ``temperature`` acts on the class and on the
    spreads, ``top_k`` and ``top_p`` on the class. Noise reaches three spreads, and no bin gets
    louder than the loudest it was taught.

    Parameters
    ----------
    hidden_dim, dim : int
    codebook_size : int
        Classes ``K``.
    high : float, optional
        Largest magnitude there is, for a head that was taught nothing yet.
    """

    def __init__(
        self, hidden_dim: int, dim: int, codebook_size: int, high: float | None = None
    ) -> None:
        super().__init__(hidden_dim, dim + codebook_size, n_uniforms=1 + dim)
        self.dim, self.high = dim, math.inf if high is None else high
        self.codebook = Codebook(codebook_size, (1 + torch.arange(dim) / _OCTAVE_BIN).rsqrt())
        self.register_buffer("loudest", torch.full((dim,), -1.0))
        self.gate = nn.Parameter(torch.full((codebook_size, dim), 1 / SPREAD_GAIN))
        self.log_spread = nn.Parameter(torch.full((codebook_size, dim), _FIRST_SPREAD))

    def loss(self, params: Tensor, target: Tensor) -> Tensor:
        """Laplacian negative log-likelihood, the mean over bins, and the weighted class'."""
        going_on, logits = self._split(params)
        k = self.codebook.nearest(target)
        log_spread = SPREAD_GAIN * F.embedding(k, self.log_spread)
        error = (target - self._location(going_on, k)).abs() * torch.exp(-log_spread)
        log_p = F.log_softmax(logits, -1).gather(-1, k[..., None])[..., 0]
        return (error + log_spread + math.log(2)).mean(-1) - _CLASS_WEIGHT * log_p

    def mean(self, params: Tensor) -> Tensor:
        """Magnitudes of the likeliest class."""
        going_on, logits = self._split(params)
        return self._location(going_on, logits.argmax(-1))

    def sample(
        self,
        params: Tensor,
        u: Tensor,
        controls: dict[str, Tensor],
        state: dict[str, Tensor] | None = None,
    ) -> Tensor:
        """Magnitudes ``[B, F]``."""
        going_on, logits = self._split(params)
        k = draw_class(logits, u[:, :1], controls)
        spread = torch.exp(SPREAD_GAIN * F.embedding(k, self.log_spread))
        noise = controls["temperature"][:, None] * spread * _laplacian(u[:, 1:])
        loudest = torch.where(self.loudest < 0, self.high, self.loudest)
        return torch.minimum((self._location(going_on, k) + noise).clamp(min=0.0), loudest)

    @torch.no_grad()
    def observe(self, target: Tensor) -> None:
        """Learn the classes from frames; remember the loudest magnitude of each bin."""
        self.codebook.learn(target)
        torch.maximum(self.loudest, target.flatten(0, -2).amax(0), out=self.loudest)

    def is_like(self, other: Head) -> bool:
        """Whether parameters mean the same: most classes must be each other's nearest."""
        if not (super().is_like(other) and isinstance(other, MagnitudeMixtureHead)):
            return False
        mine, others = self.codebook, other.codebook
        both = (mine.shares > 0) & (others.shares > 0)
        own = torch.arange(len(both), device=both.device)[both]
        same = (others.nearest(mine.means[both]) == own) & (mine.nearest(others.means[both]) == own)
        return bool(both.any()) and bool(same.float().mean() > _SAME_CLASSES)

    def _split(self, params: Tensor) -> tuple[Tensor, Tensor]:
        """Magnitudes to go on by ``[..., F]``, and logits of the classes ``[..., K]``."""
        return params[..., : self.dim], params[..., self.dim :]

    def _location(self, going_on: Tensor, k: Tensor) -> Tensor:
        """Most likely magnitudes ``[..., F]`` given the class."""
        gate = torch.sigmoid(SPREAD_GAIN * F.embedding(k, self.gate))
        return (gate * going_on + (1 - gate) * F.embedding(k, self.codebook.means)).abs()


def _laplacian(u: Tensor) -> Tensor:
    """Laplacian noise of spread 1, of at most three spreads, from uniform numbers in [0, 1)."""
    v = u - 0.5
    return -torch.sign(v) * torch.log1p(-2 * v.abs().clamp(max=_HALF_OF_THREE_SPREADS))
