"""Heads of classes and of values, and the choice of the head that fits a variable."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import ConfigError
from ..features.base import Continuous, Discrete
from ..io.heads import (
    CategoricalHeadConfig,
    FlowHeadConfig,
    GaussianHeadConfig,
    HeadConfig,
    LogisticMixtureHeadConfig,
    MagnitudeHeadConfig,
)
from ..io.variable import VariableConfig
from .flow_head import FlowHead
from .head import SPREAD_GAIN, Head, LinearHead, draw_class, normal
from .magnitude_heads import MagnitudeHead, MagnitudeMixtureHead
from .mixture_heads import GaussianMixtureHead
from .unit_memory import UnitMemory
from .units_head import UnitsHead


class CategoricalHead(LinearHead):
    """Logits over ``n_classes``."""

    def __init__(self, hidden_dim: int, n_classes: int) -> None:
        super().__init__(hidden_dim, n_classes, n_uniforms=1)

    def loss(self, params: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy ``[...]`` of classes ``[...]``."""
        return F.cross_entropy(params.flatten(0, -2), target.flatten(), reduction="none").view(
            target.shape
        )

    def mean(self, params: Tensor) -> Tensor:
        """Most likely class."""
        return params.argmax(-1)

    def sample(
        self,
        params: Tensor,
        u: Tensor,
        controls: dict[str, Tensor],
        state: dict[str, Tensor] | None = None,
    ) -> Tensor:
        """Class by inverse transform sampling of the tempered, truncated distribution."""
        return draw_class(params, u, controls)


class LogisticMixtureHead(LinearHead):
    """Mixture of logistics over values in [-1, 1] (Salimans et al., 2017, section 2.1).

    The density is that of the continuous mixture; values are scalars ``[..., 1]``.
    """

    def __init__(self, hidden_dim: int, n_components: int) -> None:
        super().__init__(hidden_dim, 3 * n_components, n_uniforms=2)

    @staticmethod
    def _split(params: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        logits, means, log_scales = params.chunk(3, -1)
        return logits, means, log_scales.clamp(min=-7.0)

    def loss(self, params: Tensor, target: Tensor) -> Tensor:
        """Negative log-density ``[...]`` of values ``[..., 1]``."""
        logits, means, log_scales = self._split(params)
        z = (target - means) * torch.exp(-log_scales)
        log_density = -z - log_scales - 2 * F.softplus(-z)
        return -torch.logsumexp(F.log_softmax(logits, -1) + log_density, -1)

    def mean(self, params: Tensor) -> Tensor:
        """Mean ``[..., 1]`` of the mixture."""
        logits, means, _ = self._split(params)
        return (torch.softmax(logits, -1) * means).sum(-1, keepdim=True)

    def sample(
        self,
        params: Tensor,
        u: Tensor,
        controls: dict[str, Tensor],
        state: dict[str, Tensor] | None = None,
    ) -> Tensor:
        """Draw a component, then a value ``[B, 1]``; temperature acts on both."""
        logits, means, log_scales = self._split(params)
        temperature = controls["temperature"][:, None]
        cdf = torch.softmax(logits / temperature.clamp(min=1e-3), -1).cumsum(-1)
        index = (cdf < u[:, :1] * cdf[:, -1:]).sum(-1, keepdim=True)
        mean, log_scale = means.gather(-1, index), log_scales.gather(-1, index)
        v = u[:, 1:].clamp(1e-5, 1 - 1e-5)
        noise = torch.exp(log_scale) * (torch.log(v) - torch.log1p(-v))
        return (mean + temperature * noise).clamp(-1.0, 1.0)


class GaussianHead(LinearHead):
    """Mean, and a learned standard deviation per dimension that no input changes."""

    def __init__(self, hidden_dim: int, dim: int) -> None:
        super().__init__(hidden_dim, dim, n_uniforms=dim)
        self.log_spread = nn.Parameter(torch.zeros(dim))

    def loss(self, params: Tensor, target: Tensor) -> Tensor:
        """Gaussian negative log-likelihood, the mean over dimensions."""
        log_spread = SPREAD_GAIN * self.log_spread
        z = (target - params) * torch.exp(-log_spread)
        return (0.5 * z.square() + log_spread + 0.5 * math.log(2 * math.pi)).mean(-1)

    def mean(self, params: Tensor) -> Tensor:
        """The predicted mean."""
        return params

    def sample(
        self,
        params: Tensor,
        u: Tensor,
        controls: dict[str, Tensor],
        state: dict[str, Tensor] | None = None,
    ) -> Tensor:
        """Mean plus temperature times Gaussian noise."""
        spread = controls["temperature"][:, None] * torch.exp(SPREAD_GAIN * self.log_spread)
        return params + spread * normal(u)


_TOLERANCE = 4.0
"""Flows with classes follow a passage within twice the radius: they don't play its very units."""


def _memory_of_flow(config: FlowHeadConfig, dim: int, step_seconds: float) -> UnitMemory | None:
    """Memory of a flow's head, if it has one."""
    if not config.n_units:
        return None
    tolerance = _TOLERANCE if config.n_classes else 1.0
    return UnitMemory(config.n_units, dim, step_seconds, tolerance=tolerance)


_BUILDERS: dict[str, Callable[[int, HeadConfig, Discrete | Continuous, float], Head]] = {
    "categorical": lambda h, c, kind, _: CategoricalHead(h, kind.n_classes),
    "logistic_mixture": lambda h, c, kind, _: LogisticMixtureHead(h, c.n_components),
    "magnitude": lambda h, c, kind, _: MagnitudeHead(h, kind.dim, kind.high),
    "magnitude_mixture": lambda h, c, kind, _: MagnitudeMixtureHead(
        h, kind.dim, c.codebook_size, kind.high
    ),
    "gaussian": lambda h, c, kind, _: GaussianHead(h, kind.dim),
    "gaussian_mixture": lambda h, c, kind, _: GaussianMixtureHead(h, kind.dim, c.n_components),
    "flow": lambda h, c, kind, step: _flow(h, c, kind.dim, step),
    "units": lambda h, c, kind, step: UnitsHead(
        h,
        kind.dim,
        UnitMemory(c.n_units, kind.dim, step, c.n_near),
        c.width,
        c.sharpness,
        c.join,
        c.stay,
        c.follow,
    ),
}


def _flow(hidden_dim: int, config: FlowHeadConfig, dim: int, step_seconds: float) -> FlowHead:
    """Flow head with the classes and the memory that its config asks for."""
    return FlowHead(
        hidden_dim,
        dim,
        width=config.width,
        n_blocks=config.n_blocks,
        n_steps=config.n_steps,
        n_draws=config.draws,
        n_classes=config.n_classes,
        class_weight=config.class_weight,
        alike=config.alike,
        memory=_memory_of_flow(config, dim, step_seconds),
        join=config.join,
        recorded=config.recorded,
        follow=config.follow,
    )


def head_config(variable: VariableConfig, kind: Discrete | Continuous) -> HeadConfig:
    """The variable's head, or the one that fits the kind of its values."""
    if variable.head is not None:
        config = variable.head
    elif isinstance(kind, Discrete):
        config = CategoricalHeadConfig()
    elif variable.feature.kind == "magnitude":
        config = MagnitudeHeadConfig()
    elif variable.feature.kind == "latent":
        config = FlowHeadConfig()
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


def build_head(
    variable: VariableConfig,
    kind: Discrete | Continuous,
    hidden_dim: int,
    step_seconds: float = 1.0,
) -> Head:
    """Head of a target variable on top of ``hidden_dim`` units, drawn every ``step_seconds``."""
    config = head_config(variable, kind)
    return _BUILDERS[config.kind](hidden_dim, config, kind, step_seconds)
