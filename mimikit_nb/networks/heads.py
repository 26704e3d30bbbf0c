"""Output heads: from hidden units to a distribution, its loss, and a draw from it.

A head's parameters are one flat vector ``[..., P]``, so that outputs, states and compiled
executors need to know nothing about distributions. Draws take their randomness as an argument
(``u``, uniform in [0, 1)): torch owns the random numbers and every executor draws alike.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import ConfigError
from ..features.base import Continuous, Discrete
from ..io.heads import (
    CategoricalHeadConfig,
    GaussianHeadConfig,
    HeadConfig,
    LogisticMixtureHeadConfig,
    MagnitudeHeadConfig,
)
from ..io.variable import VariableConfig

_SPREAD_GAIN = 20.0
"""Spreads are learned this many times as fast as weights: they have a long way to go from their
start, and are only a number per bin."""

_HALF_OF_THREE_SPREADS = 0.5 * (1 - math.exp(-3))
"""Where the distribution function of Laplacian noise, less a half, reaches three spreads."""


class Head(nn.Module, ABC):
    """Maps hidden units to the parameters of a distribution.

    Attributes
    ----------
    n_params : int
        Length ``P`` of the parameter vector.
    n_uniforms : int
        Uniform numbers a draw takes.
    """

    def __init__(self, hidden_dim: int, n_params: int, n_uniforms: int) -> None:
        super().__init__()
        self.n_params = n_params
        self.n_uniforms = n_uniforms
        self.linear = nn.Linear(hidden_dim, n_params)

    def forward(self, h: Tensor) -> Tensor:
        """Parameters ``[..., P]`` of hidden units ``[..., H]``."""
        return self.linear(h)

    @abstractmethod
    def nll(self, params: Tensor, target: Tensor) -> Tensor:
        """Negative log-likelihood of targets, in nats per item, ``[...]``."""

    @abstractmethod
    def mean(self, params: Tensor) -> Tensor:
        """Most typical value, for losses that compare values."""

    def observe(self, target: Tensor) -> None:
        """Take note of targets in training; most heads needn't."""

    @abstractmethod
    def sample(self, params: Tensor, u: Tensor, controls: dict[str, Tensor]) -> Tensor:
        """Draw one value per row of ``params [B, P]``.

        Parameters
        ----------
        params : Tensor [shape=(B, P)]
        u : Tensor [shape=(B, n_uniforms)]
            Uniform numbers in [0, 1).
        controls : dict of Tensor [shape=(B,)]
            ``temperature`` (> 0; 0 is the most likely value), and for classes ``top_k`` (int64,
            0: all) and ``top_p`` (in (0, 1], 1: all).
        """


class CategoricalHead(Head):
    """Logits over ``n_classes``."""

    def __init__(self, hidden_dim: int, n_classes: int) -> None:
        super().__init__(hidden_dim, n_classes, n_uniforms=1)

    def nll(self, params: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy ``[...]`` of classes ``[...]``."""
        return F.cross_entropy(params.flatten(0, -2), target.flatten(), reduction="none").view(
            target.shape
        )

    def mean(self, params: Tensor) -> Tensor:
        """Most likely class."""
        return params.argmax(-1)

    def sample(self, params: Tensor, u: Tensor, controls: dict[str, Tensor]) -> Tensor:
        """Class by inverse transform sampling of the tempered, truncated distribution."""
        temperature = controls["temperature"][:, None]
        logits = params / temperature.clamp(min=1e-3)
        if "top_k" in controls:
            logits = keep_top(logits, controls["top_k"], controls["top_p"])
        cdf = torch.softmax(logits, -1).cumsum(-1)
        drawn = (cdf < u * cdf[:, -1:]).sum(-1)
        return torch.where(temperature[:, 0] > 0, drawn, params.argmax(-1))


def keep_top(logits: Tensor, top_k: Tensor, top_p: Tensor) -> Tensor:
    """Logits ``[B, Q]`` with the less likely classes at -inf.

    What stays are the ``top_k`` likeliest that also belong to the smallest set of probability
    ``top_p`` (the nucleus of Holtzman et al., 2020).
    """
    ordered, order = logits.sort(-1, descending=True)
    p = torch.softmax(ordered, -1)
    before = p.cumsum(-1) - p  # probability of the likelier classes
    rank = torch.arange(logits.shape[-1], device=logits.device)
    k = torch.where(top_k > 0, top_k, logits.shape[-1])[:, None]
    kept = (rank < k) & (before < top_p[:, None])
    kept = kept | (rank == 0)
    return torch.full_like(logits, -math.inf).scatter(
        -1, order, ordered.masked_fill(~kept, -math.inf)
    )


class LogisticMixtureHead(Head):
    """Mixture of logistics over values in [-1, 1] (Salimans et al., 2017, section 2.1).

    The density is that of the continuous mixture; values are scalars ``[..., 1]``.
    """

    def __init__(self, hidden_dim: int, n_components: int) -> None:
        super().__init__(hidden_dim, 3 * n_components, n_uniforms=2)

    @staticmethod
    def _split(params: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        logits, means, log_scales = params.chunk(3, -1)
        return logits, means, log_scales.clamp(min=-7.0)

    def nll(self, params: Tensor, target: Tensor) -> Tensor:
        """Negative log-density ``[...]`` of values ``[..., 1]``."""
        logits, means, log_scales = self._split(params)
        z = (target - means) * torch.exp(-log_scales)
        log_density = -z - log_scales - 2 * F.softplus(-z)
        return -torch.logsumexp(F.log_softmax(logits, -1) + log_density, -1)

    def mean(self, params: Tensor) -> Tensor:
        """Mean ``[..., 1]`` of the mixture."""
        logits, means, _ = self._split(params)
        return (torch.softmax(logits, -1) * means).sum(-1, keepdim=True)

    def sample(self, params: Tensor, u: Tensor, controls: dict[str, Tensor]) -> Tensor:
        """Draw a component, then a value ``[B, 1]``; temperature acts on both."""
        logits, means, log_scales = self._split(params)
        temperature = controls["temperature"][:, None]
        cdf = torch.softmax(logits / temperature.clamp(min=1e-3), -1).cumsum(-1)
        index = (cdf < u[:, :1] * cdf[:, -1:]).sum(-1, keepdim=True)
        mean, log_scale = means.gather(-1, index), log_scales.gather(-1, index)
        v = u[:, 1:].clamp(1e-5, 1 - 1e-5)
        noise = torch.exp(log_scale) * (torch.log(v) - torch.log1p(-v))
        return (mean + temperature * noise).clamp(-1.0, 1.0)


class GaussianHead(Head):
    """Mean, and a learned standard deviation per dimension that no input changes."""

    def __init__(self, hidden_dim: int, dim: int) -> None:
        super().__init__(hidden_dim, dim, n_uniforms=dim)
        self.log_spread = nn.Parameter(torch.zeros(dim))

    def nll(self, params: Tensor, target: Tensor) -> Tensor:
        """Gaussian negative log-likelihood, the mean over dimensions."""
        log_spread = _SPREAD_GAIN * self.log_spread
        z = (target - params) * torch.exp(-log_spread)
        return (0.5 * z.square() + log_spread + 0.5 * math.log(2 * math.pi)).mean(-1)

    def mean(self, params: Tensor) -> Tensor:
        """The predicted mean."""
        return params

    def sample(self, params: Tensor, u: Tensor, controls: dict[str, Tensor]) -> Tensor:
        """Mean plus temperature times Gaussian noise."""
        noise = torch.erfinv((2 * u - 1).clamp(-0.999999, 0.999999)) * math.sqrt(2)
        spread = controls["temperature"][:, None] * torch.exp(_SPREAD_GAIN * self.log_spread)
        return params + spread * noise


class MagnitudeHead(Head):
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
        start = torch.full((dim,), math.log(0.2) / _SPREAD_GAIN)
        self.log_spread = nn.Parameter(start)

    def forward(self, h: Tensor) -> Tensor:
        """Magnitudes ``[..., F]``."""
        return self.linear(h).abs()

    def nll(self, params: Tensor, target: Tensor) -> Tensor:
        """Laplacian negative log-likelihood, the mean over bins."""
        log_spread = _SPREAD_GAIN * self.log_spread
        error = (target - params).abs() * torch.exp(-log_spread)
        return (error + log_spread + math.log(2)).mean(-1)

    def mean(self, params: Tensor) -> Tensor:
        """The predicted magnitudes."""
        return params

    def sample(self, params: Tensor, u: Tensor, controls: dict[str, Tensor]) -> Tensor:
        """Magnitudes ``[B, F]``."""
        v = u - 0.5
        noise = -torch.sign(v) * torch.log1p(-2 * v.abs().clamp(max=_HALF_OF_THREE_SPREADS))
        spread = controls["temperature"][:, None] * torch.exp(_SPREAD_GAIN * self.log_spread)
        loudest = torch.where(self.loudest < 0, self.high, self.loudest)
        return torch.minimum((params + spread * noise).clamp(min=0.0), loudest)

    @torch.no_grad()
    def observe(self, target: Tensor) -> None:
        """Remember the loudest magnitude of each bin."""
        torch.maximum(self.loudest, target.flatten(0, -2).amax(0), out=self.loudest)


_BUILDERS: dict[str, Callable[[int, HeadConfig, Discrete | Continuous], Head]] = {
    "categorical": lambda h, c, kind: CategoricalHead(h, kind.n_classes),
    "logistic_mixture": lambda h, c, kind: LogisticMixtureHead(h, c.n_components),
    "magnitude": lambda h, c, kind: MagnitudeHead(h, kind.dim, kind.high),
    "gaussian": lambda h, c, kind: GaussianHead(h, kind.dim),
}


def head_config(variable: VariableConfig, kind: Discrete | Continuous) -> HeadConfig:
    """The variable's head, or the one that fits the kind of its values."""
    if variable.head is not None:
        config = variable.head
    elif isinstance(kind, Discrete):
        config = CategoricalHeadConfig()
    elif variable.feature.kind == "magnitude":
        config = MagnitudeHeadConfig()
    else:
        config = LogisticMixtureHeadConfig() if kind.dim == 1 else GaussianHeadConfig()
    if isinstance(config, CategoricalHeadConfig) != isinstance(kind, Discrete):
        raise ConfigError(
            f"Head {config.kind!r} doesn't fit the feature {variable.feature.kind!r}, "
            f"whose values are {'classes' if isinstance(kind, Discrete) else 'vectors'}."
        )
    if isinstance(config, LogisticMixtureHeadConfig) and kind.dim != 1:  # type: ignore[union-attr]
        raise ConfigError(
            "Head 'logistic_mixture' predicts single values; use 'gaussian' for vectors."
        )
    return config


def build_head(variable: VariableConfig, kind: Discrete | Continuous, hidden_dim: int) -> Head:
    """Head of a target variable on top of ``hidden_dim`` units."""
    config = head_config(variable, kind)
    return _BUILDERS[config.kind](hidden_dim, config, kind)
