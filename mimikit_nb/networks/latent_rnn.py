"""Latent RNN: a small causal network over latent frames, whose steps are drawn as a whole.

What it reads and draws are vectors that stand for several frames of a spectrum (feature
``latent``). A step costs little and covers tens of milliseconds, so that minutes of training on
a laptop are thousands of passes over what matters: which frames follow which. A slower tier may
run beside it, over blocks of steps, for what takes seconds.
"""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import model_validator
from torch import Tensor, nn

from ..config import field
from ..engine.stages import State
from ..errors import ConfigError
from ..io.variable import IOSpec
from .base import NETWORKS, NetworkConfig, Tensors
from .latent_io import latent_io
from .layers.attention import Transformer
from .layers.recurrent import Recurrent, RecurrentBody, ResidualBody
from .tiers import Tier, TieredNetwork


@NETWORKS.register
class LatentRNNConfig(NetworkConfig):
    """Recurrent layers, or attention, over latent frames."""

    kind: Literal["latent_rnn"] = "latent_rnn"
    "Name of the network."
    trunk: Literal["gru", "lstm", "attention"] = "gru"
    "What remembers: recurrent layers, or attention to the last steps."
    hidden_dim: int = field(256, ge=2, le=4096, scale="power_of_two")
    "Units of every layer."
    n_layers: int = field(2, ge=1, le=16)
    "Layers."
    window: int = field(128, ge=2, le=4096, unit="steps", scale="power_of_two")
    "Steps that attention looks back at."
    n_heads: int = field(4, ge=1, le=64, scale="power_of_two")
    "Heads of the attention."
    form_steps: int = field(0, ge=0, le=1024, unit="steps")
    "Steps of the blocks that a slower recurrent tier reads, for form over seconds (0: none)."
    dropout: float = field(0.4, ge=0, le=0.9)
    "Share of each recurrent layer's units that are silenced in training, to learn less by heart."
    input_noise: float = field(1.0, ge=0, le=10)
    "Most noise that is added to vectors read in training, in their deviations, to recover from."

    @model_validator(mode="after")
    def _check(self) -> LatentRNNConfig:
        if self.form_steps == 1:
            raise ConfigError("form_steps is 1; blocks have 2 steps or more, and 0 is none.")
        if self.trunk == "attention" and self.hidden_dim % (2 * self.n_heads):
            raise ConfigError(
                f"hidden_dim = {self.hidden_dim} can't be shared by n_heads = {self.n_heads}; "
                f"choose a multiple of {2 * self.n_heads}."
            )
        return self

    def build(self, io: IOSpec) -> LatentRNN:
        """Network with random weights."""
        return LatentRNN(self, io)

    @classmethod
    def default_io(cls, sample_rate: int) -> IOSpec:
        """Latent frames, drawn by class and flow, and mixed with recorded ones."""
        return latent_io(sample_rate)


class LatentRNN(TieredNetwork):
    """The trunk at every step, and the slower tier, if there is one, once a block."""

    config: LatentRNNConfig

    def __init__(self, config: LatentRNNConfig, io: IOSpec) -> None:
        dim, period = config.hidden_dim, config.form_steps
        slow = [Tier(io, period, period, dim, _form(dim), period)] if period else []
        trunk = Tier(io, 1, 1, dim, _trunk(config))
        super().__init__(config, io, [*slow, trunk], nn.LayerNorm(dim), dim)
        self.receptive_field = config.window if config.trunk == "attention" else 64
        self.receptive_field = max(self.receptive_field, 4 * period)

    def forward(self, inputs: Tensors, state: State | None = None) -> tuple[Tensors, State]:
        """Head parameters of all steps; in training, of disturbed vectors."""
        return super().forward(self._disturbed(inputs) if self.training else inputs, state)

    def _disturbed(self, inputs: Tensors) -> Tensors:
        """Inputs with noise, of a strength that is drawn for each row.

        So that the network learns to go on from what isn't quite like the recording, and also
        knows what the recording is like.
        """
        noisy = {}
        for name in self.io.autoregressive:
            x = inputs[name]
            if x.is_floating_point() and self.config.input_noise:
                strength = self.config.input_noise * torch.rand_like(x[:, :1, :1])
                noisy[name] = x + strength * self._deviation(name, x) * torch.randn_like(x)
        return inputs | noisy

    def _deviation(self, name: str, x: Tensor) -> Tensor:
        """Deviation of each coordinate over the corpus, as far as it is known."""
        feature = self.io.learned.get(name)
        if feature is None or "deviation" not in feature.shapes:
            return x.new_ones(())
        return feature.tensor("deviation", x.device)


def _trunk(config: LatentRNNConfig) -> nn.Module:
    """Body of the tier that runs at every step."""
    if config.trunk == "attention":
        return Transformer(
            config.hidden_dim, config.n_layers, config.n_heads, config.n_heads, config.window
        )
    return ResidualBody(config.trunk, config.hidden_dim, config.n_layers, config.dropout)


def _form(hidden_dim: int) -> nn.Module:
    """Body of the slower tier."""
    return RecurrentBody(Recurrent("gru", hidden_dim, hidden_dim))
