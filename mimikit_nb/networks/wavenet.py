"""WaveNet, and FreqNet as its form on frames of a spectrum.

A stack of dilated causal convolutions with gates (van den Oord et al., "WaveNet: A Generative
Model for Raw Audio", 2016, sections 2.2-2.5). On mu-law samples it is the WaveNet of the paper;
on frames of a spectrum, with few layers and without skips, it is FreqNet.
"""

from __future__ import annotations

import functools
from typing import Literal

import torch
from pydantic import model_validator
from torch import Tensor, nn

from ..config import field
from ..engine.stages import Stage, State
from ..errors import ConfigError
from ..features.waveform import MuLawConfig
from ..io.variable import IOSpec, VariableConfig
from .base import NETWORKS, Network, NetworkConfig, Tensors, build_heads
from .head import Head
from .latent_io import latent_io
from .layers.causal_conv import CausalConv1d
from .layers.inputs import build_input, disturbed

MAX_RECEPTIVE_FIELD = 2**21


@NETWORKS.register
class WaveNetConfig(NetworkConfig):
    """Dilated causal convolutions over samples."""

    kind: Literal["wavenet"] = "wavenet"
    "Name of the network."
    n_layers: int = field(10, ge=1, le=30)
    "Layers in a block; from layer to layer the dilation grows by the kernel size."
    n_blocks: int = field(1, ge=1, le=10)
    "Blocks; each starts again at dilation 1."
    kernel_size: int = field(2, ge=2, le=8)
    "Taps of each convolution."
    residual_channels: int = field(128, ge=1, le=8192, scale="power_of_two")
    "Width of the stack."
    skip_channels: int = field(128, ge=0, le=8192)
    "Width of the sum of all layers that feeds the output; 0: the output reads the last layer."
    condition_channels: int = field(32, ge=1, le=1024)
    "Width to which each fixture is brought."
    groups: int = field(1, ge=1, le=64)
    "Groups of channels that the convolutions keep apart."
    residual_conv: bool = True
    "Whether a 1x1 convolution follows each gate."
    input_noise: float = field(0.0, ge=0, le=10)
    "Deviation of the noise that is added to vectors read in training, to learn to recover."
    dropout: float = field(0.0, ge=0, le=0.9)
    "Share of each layer's units that are silenced in training, so that less is learned by heart."

    @property
    def dilations(self) -> list[int]:
        """Distance in steps between the taps of each layer."""
        return [self.kernel_size**i for i in range(self.n_layers)] * self.n_blocks

    @property
    def receptive_field(self) -> int:
        """Steps that can influence a prediction."""
        return 1 + sum((self.kernel_size - 1) * d for d in self.dilations)

    @model_validator(mode="after")
    def _check_sizes(self) -> WaveNetConfig:
        if self.residual_channels % self.groups:
            raise ConfigError(
                f"residual_channels = {self.residual_channels} can't be kept apart in groups = "
                f"{self.groups}; choose a multiple of {self.groups}."
            )
        if self.receptive_field > MAX_RECEPTIVE_FIELD:
            raise ConfigError(
                f"{self.n_layers} layers of {self.kernel_size} taps would look back "
                f"{self.receptive_field} steps; at most {MAX_RECEPTIVE_FIELD}. Use fewer layers, "
                "or more blocks."
            )
        return self

    def build(self, io: IOSpec) -> WaveNet:
        """WaveNet with random weights."""
        return WaveNet(self, io)

    @classmethod
    def default_io(cls, sample_rate: int) -> IOSpec:
        """Mu-law samples in 256 classes."""
        return IOSpec(
            sample_rate=sample_rate, variables={"signal": VariableConfig(feature=MuLawConfig())}
        )


@NETWORKS.register
class FreqNetConfig(WaveNetConfig):
    """WaveNet on frames of a spectrum: few layers, each step a draw of whole latent frames.

    With another ``io`` it reads and draws magnitudes (feature ``magnitude``, head
    ``magnitude_mixture``).
    """

    kind: Literal["freqnet"] = "freqnet"  # type: ignore[assignment]
    "Name of the network."
    n_layers: int = field(5, ge=1, le=30)
    "Layers in a block; from layer to layer the dilation grows by the kernel size."
    residual_channels: int = field(256, ge=1, le=8192, scale="power_of_two")
    "Width of the stack."
    skip_channels: int = field(0, ge=0, le=8192)
    "Width of the sum of all layers that feeds the output; 0: the output reads the last layer."
    groups: int = field(1, ge=1, le=64)
    "Groups of channels that the convolutions keep apart."
    residual_conv: bool = False
    "Whether a 1x1 convolution follows each gate."
    input_noise: float = field(0.3, ge=0, le=10)
    "Deviation of the noise that is added to vectors read in training, to learn to recover."
    dropout: float = field(0.1, ge=0, le=0.9)
    "Share of each layer's units that are silenced in training, so that less is learned by heart."

    @classmethod
    def default_io(cls, sample_rate: int) -> IOSpec:
        """Latent frames, drawn by class and flow, and mixed with recorded ones."""
        return latent_io(sample_rate)


class GatedLayer(nn.Module):
    """One dilated, gated layer: tanh times sigmoid, a skip output and a residual sum."""

    def __init__(
        self, config: WaveNetConfig, dilation: int, n_conditions: int, is_last: bool
    ) -> None:
        super().__init__()
        width = config.residual_channels
        is_unread = is_last and config.skip_channels > 0  # only its skip reaches the output
        self.conv = CausalConv1d(width, 2 * width, config.kernel_size, dilation, config.groups)
        self.condition = nn.Linear(n_conditions, 2 * width, bias=False) if n_conditions else None
        self.residual = (
            nn.Linear(width, width) if config.residual_conv and not is_unread else nn.Identity()
        )
        self.skip = nn.Linear(width, config.skip_channels) if config.skip_channels else None

    def gate(self, x: Tensor, c: Tensor | None) -> Tensor:
        """Gate convolved units ``[..., 2C]`` with conditions ``[..., D]`` added: ``[..., C]``."""
        if self.condition is not None and c is not None:
            x = x + self.condition(c)
        a, b = x.chunk(2, -1)
        return torch.tanh(a) * torch.sigmoid(b)


class WaveNet(Network):
    """The stack: inputs, gated layers, heads."""

    def __init__(self, config: WaveNetConfig, io: IOSpec) -> None:
        super().__init__(config, io)
        width = config.residual_channels
        fixtures = [name for name, v in io.inputs.items() if v.role == "fixture"]
        widths = {
            name: config.condition_channels if name in fixtures else width for name in io.inputs
        }
        self.inputs = nn.ModuleDict(
            {name: build_input(v, io.kind(name), widths[name]) for name, v in io.inputs.items()}
        )
        self.fixtures = fixtures
        dilations = config.dilations
        n_conditions = config.condition_channels * len(fixtures)
        last = len(dilations) - 1
        self.layers = nn.ModuleList(
            GatedLayer(config, d, n_conditions, i == last) for i, d in enumerate(dilations)
        )
        self.dropout = nn.Dropout(config.dropout)
        self.output = _output_layers(config.skip_channels)
        self.head_modules = build_heads(io, config.skip_channels or width)
        self.receptive_field = config.receptive_field

    @property
    def heads(self) -> dict[str, Head]:
        """Output heads by target variable."""
        return dict(self.head_modules.items())

    def init_state(self, batch_size: int) -> State:
        """Clock at 0 and rings of zeros."""
        rings = {str(i): layer.conv.init_ring(batch_size) for i, layer in enumerate(self.layers)}
        return {**self.io_state(batch_size), "rings": rings}

    def forward(self, inputs: Tensors, state: State | None = None) -> tuple[Tensors, State]:
        """Head parameters of all steps at once."""
        if self.training:
            inputs = disturbed(inputs, self.io.autoregressive, self.config.input_noise)
        x, c = self._read(inputs)
        state = self.init_state(x.shape[0]) if state is None else state
        t, rings, skips = int(state["t"]), {}, None
        for i, layer in enumerate(self.layers):
            y, rings[str(i)] = layer.conv.parallel(x.transpose(1, 2), state["rings"][str(i)], t)
            z = self.dropout(layer.gate(y.transpose(1, 2), c))
            x, skips = self._combine(layer, x, z, skips)
        h = self.output(x if skips is None else skips)
        outputs = {name: head(h) for name, head in self.heads.items()}
        return outputs, {**state, "t": state["t"] + x.shape[1], "rings": rings}

    def stages(self) -> list[Stage]:
        """The whole stack, every step."""
        return [Stage(1, self._step)]

    def _step(self, state: State) -> None:
        x, c = self._read(state["in"])
        skips = None
        for i, layer in enumerate(self.layers):
            y = layer.conv.step(x, state["rings"][str(i)], state["t"])
            x, skips = self._combine(layer, x, layer.gate(y, c), skips)
        h = self.output(x if skips is None else skips)
        for name, head in self.heads.items():
            state["out"][name].copy_(head(h))

    def _read(self, inputs: Tensors) -> tuple[Tensor, Tensor | None]:
        """Sum of the autoregressive inputs, and the fixtures side by side."""
        read: Tensors = {name: module(inputs[name]) for name, module in self.inputs.items()}
        x = functools.reduce(torch.add, (h for n, h in read.items() if n not in self.fixtures))
        c = torch.cat([read[name] for name in self.fixtures], -1) if self.fixtures else None
        return x, c

    @staticmethod
    def _combine(
        layer: GatedLayer, x: Tensor, z: Tensor, skips: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Residual sum and skip sum after a gate."""
        if layer.skip is not None:
            skips = layer.skip(z) if skips is None else skips + layer.skip(z)
        return x + layer.residual(z), skips


def _output_layers(skip_channels: int) -> nn.Module:
    """Two rectified layers after the skip sum (van den Oord et al., figure 4), or nothing."""
    if not skip_channels:
        return nn.Identity()
    return nn.Sequential(nn.ReLU(), nn.Linear(skip_channels, skip_channels), nn.ReLU())
