"""SampleRNN: tiers of recurrent networks, each at its own rate.

Every tier but the last is a recurrent network over frames of its size, the last one a
feed-forward network over the latest samples (Mehri et al., "SampleRNN: An Unconditional
End-to-End Neural Audio Generation Model", 2017, section 2). What tiers have to do with each
other stands in :mod:`.tiers`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator
from torch import nn
from torch.nn.utils import parametrizations

from ..config import field
from ..errors import ConfigError
from ..features.waveform import MuLawConfig
from ..io.heads import EmbeddingInputConfig
from ..io.variable import IOSpec, VariableConfig
from .base import NETWORKS, NetworkConfig
from .layers.recurrent import Recurrent, RecurrentBody
from .tiers import Passing, Tier, TieredNetwork, check_frame_sizes


@NETWORKS.register
class SampleRNNConfig(NetworkConfig):
    """Recurrent tiers over frames of samples."""

    kind: Literal["sample_rnn"] = "sample_rnn"
    "Name of the network."
    frame_sizes: tuple[int, ...] = field((16, 8, 8), min_length=2, max_length=12, unit="samples")
    "Items each tier reads, from the slowest tier to the last; each divides the one before."
    hidden_dim: int = field(256, ge=1, le=4096, scale="power_of_two")
    "Units of every tier."
    rnn: Literal["lstm", "gru", "rnn"] = "lstm"
    "Kind of the recurrent layers."
    n_rnn: int = field(1, ge=1, le=8)
    "Recurrent layers in each tier."
    resampler_layers: int = field(1, ge=1, le=8)
    "Layers that bring frames of samples to a tier's rate, and its output to that of the next."
    weight_norm: bool = False
    "Whether weights are split into length and direction."
    initial_state: Literal["zeros", "learnable"] = "zeros"
    "What the recurrent layers start from: silence, or a state that is learned."

    @model_validator(mode="after")
    def _check_frame_sizes(self) -> SampleRNNConfig:
        if min(self.frame_sizes) < 1:
            raise ConfigError(f"frame_sizes {self.frame_sizes} must all be at least 1.")
        check_frame_sizes(self.frame_sizes)
        return self

    def build(self, io: IOSpec) -> SampleRNN:
        """SampleRNN with random weights."""
        return SampleRNN(self, io)

    @classmethod
    def default_io(cls, sample_rate: int) -> IOSpec:
        """Mu-law samples in 256 classes, read as short learned vectors."""
        variable = VariableConfig(feature=MuLawConfig(), input=EmbeddingInputConfig(dim=16))
        return IOSpec(sample_rate=sample_rate, variables={"signal": variable})


class SampleRNN(TieredNetwork):
    """Recurrent tiers from slow to fast, and a feed-forward network over the latest items."""

    config: SampleRNNConfig

    def __init__(self, config: SampleRNNConfig, io: IOSpec) -> None:
        sizes, dim, norm = config.frame_sizes, config.hidden_dim, config.weight_norm
        periods = [*sizes[:-1], 1]
        learns_initial = config.initial_state == "learnable"

        def tier(size: int, below: int) -> Tier:
            rnn = Recurrent(config.rnn, dim, dim, config.n_rnn, norm)
            body, layers = RecurrentBody(rnn, learns_initial), config.resampler_layers
            return Tier(io, size, size, dim, body, size // below, layers, norm)

        tiers = [tier(size, below) for size, below in zip(sizes[:-1], periods[1:], strict=True)]
        last = Tier(io, sizes[-1], 1, dim, Passing())
        linear = nn.Linear(dim, dim)
        output = nn.Sequential(
            nn.ReLU(), parametrizations.weight_norm(linear) if norm else linear, nn.ReLU()
        )
        super().__init__(config, io, [*tiers, last], output, dim)
        self.receptive_field = 4 * sizes[0]
