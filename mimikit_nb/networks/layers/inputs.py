"""Input modules: from the values of a variable to hidden units."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...errors import ConfigError
from ...features.base import Continuous, Discrete
from ...io.heads import EmbeddingInputConfig, InputConfig, LinearInputConfig
from ...io.variable import VariableConfig


class LinearInput(nn.Module):
    """Values as they are, classes scaled to [-1, 1], through a linear layer."""

    def __init__(self, kind: Discrete | Continuous, hidden_dim: int) -> None:
        super().__init__()
        self.kind = kind
        self.linear = nn.Linear(1 if isinstance(kind, Discrete) else kind.dim, hidden_dim)

    def forward(self, x: Tensor) -> Tensor:
        """Hidden units ``[..., H]`` of classes ``[...]`` or vectors ``[..., dim]``."""
        return self.linear(as_vectors(x, self.kind))


class EmbeddingInput(nn.Module):
    """A learned vector per class."""

    def __init__(
        self, kind: Discrete | Continuous, hidden_dim: int, dim: int | None = None
    ) -> None:
        super().__init__()
        if not isinstance(kind, Discrete):
            raise ConfigError("Input 'embedding' reads classes; use 'linear' for vectors.")
        self.table = nn.Embedding(kind.n_classes, dim or hidden_dim)
        self.linear = nn.Identity() if dim in (None, hidden_dim) else nn.Linear(dim, hidden_dim)

    def forward(self, x: Tensor) -> Tensor:
        """Hidden units ``[..., H]`` of classes ``[...]``."""
        return self.linear(self.table(x))


def as_vectors(x: Tensor, kind: Discrete | Continuous) -> Tensor:
    """Vectors as they are; classes as numbers in [-1, 1], ``[..., 1]``."""
    if isinstance(kind, Continuous):
        return x
    return (x.to(torch.get_default_dtype()) * (2.0 / max(1, kind.n_classes - 1)) - 1.0).unsqueeze(
        -1
    )


def input_config(variable: VariableConfig, kind: Discrete | Continuous) -> InputConfig:
    """The variable's input module, or an embedding for classes and a linear layer for vectors."""
    if variable.input is not None:
        return variable.input
    return EmbeddingInputConfig() if isinstance(kind, Discrete) else LinearInputConfig()


def build_input(
    variable: VariableConfig, kind: Discrete | Continuous, hidden_dim: int
) -> nn.Module:
    """Input module of a variable, into ``hidden_dim`` units."""
    config = input_config(variable, kind)
    if isinstance(config, EmbeddingInputConfig):
        return EmbeddingInput(kind, hidden_dim, config.dim)
    return LinearInput(kind, hidden_dim)
