"""Input modules: from the values of a variable to hidden units."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from ...errors import ConfigError
from ...features.base import Continuous, Discrete
from ...io.heads import EmbeddingInputConfig, InputConfig, LinearInputConfig
from ...io.variable import VariableConfig
from .resampling import DownSampler, build_down_sampler


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


class FrameInput(nn.Module):
    """Reads ``frame_size`` items of one variable as one vector: one frame, or all of a sequence.

    Parameters
    ----------
    variable, kind
        The variable and what its values are.
    frame_size, hidden_dim : int
        Items of a frame, width of its vector.
    n_layers : int, default 1
        Layers of the down-sampler; frames read by several must not overlap.
    """

    def __init__(
        self,
        variable: VariableConfig,
        kind: Discrete | Continuous,
        frame_size: int,
        hidden_dim: int,
        n_layers: int = 1,
    ) -> None:
        super().__init__()
        config = input_config(variable, kind)
        self.kind = kind
        self.table: nn.Embedding | None = None
        if isinstance(config, EmbeddingInputConfig) and isinstance(kind, Discrete):
            item_dim = config.dim or 16  # short vectors: the layer reads frame_size of them at once
            self.table = nn.Embedding(kind.n_classes, item_dim)
        else:
            item_dim = 1 if isinstance(kind, Discrete) else kind.dim
        self.linear = build_down_sampler(frame_size, item_dim, hidden_dim, n_layers)
        self.frame_size = frame_size

    def _vectors(self, items: Tensor) -> Tensor:
        return as_vectors(items, self.kind) if self.table is None else self.table(items)

    def forward(self, frame: Tensor) -> Tensor:
        """Hidden units ``[B, H]`` of one frame ``[B, f]`` or ``[B, f, dim]``."""
        return self.linear(self._vectors(frame))[:, 0]

    def parallel(self, items: Tensor, hop: int) -> Tensor:
        """Hidden units ``[B, N, H]`` of the frames that begin at every ``hop``-th of ``items``."""
        vectors = self._vectors(items)
        if isinstance(self.linear, DownSampler):
            return self.linear.overlapping(vectors, hop)
        n_frames = vectors.shape[1] // self.frame_size
        return self.linear(vectors[:, : n_frames * self.frame_size])


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


def disturbed(
    inputs: dict[str, Tensor], names: Iterable[str], deviation: float
) -> dict[str, Tensor]:
    """Inputs, with Gaussian noise in those of the named variables that are vectors.

    For training: a network that only ever read recordings drifts away on what it drew itself.
    """
    noisy = {n: inputs[n] for n in names if deviation and inputs[n].is_floating_point()}
    return inputs | {n: x + deviation * torch.randn_like(x) for n, x in noisy.items()}
