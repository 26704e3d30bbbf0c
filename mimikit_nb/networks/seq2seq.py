"""Seq2Seq: an encoder that reads frames a block at a time, a decoder that writes the next block.

The encoder brings a block of ``hop`` frames down to one vector and remembers the blocks before
in its recurrent layers; brought up again to ``hop`` vectors, what it knows goes to the decoder,
recurrent layers that start afresh with every block and write its frames one by one, each knowing
the last (Sutskever, Vinyals, Le, "Sequence to Sequence Learning with Neural Networks", 2014,
section 2; that the decoder hears of the encoder at every frame, not only at the first, is from
Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder", 2014, section 2.2).

It is a network in two tiers: a step is a frame, the encoder runs in a stage of its own every
``hop`` frames, and training decodes all blocks side by side.
"""

from __future__ import annotations

from typing import Literal

from torch import nn

from ..config import field
from ..engine.stages import State
from ..features.spectral import MagnitudeConfig
from ..io.variable import IOSpec, VariableConfig
from .base import NETWORKS, NetworkConfig, Tensors
from .layers.inputs import disturbed
from .layers.recurrent import Recurrent, RecurrentBody
from .tiers import Tier, TieredNetwork


@NETWORKS.register
class Seq2SeqConfig(NetworkConfig):
    """Recurrent encoder and decoder over blocks of frames."""

    kind: Literal["seq2seq"] = "seq2seq"
    "Name of the network."
    hop: int = field(8, ge=1, le=1024, unit="frames", scale="power_of_two")
    "Frames of a block: so many are read at once, and written before it listens again."
    hidden_dim: int = field(512, ge=1, le=8192, scale="power_of_two")
    "Units of encoder and decoder."
    rnn: Literal["lstm", "gru", "rnn"] = "lstm"
    "Kind of the recurrent layers."
    n_rnn: int = field(1, ge=1, le=8)
    "Recurrent layers of the encoder, and of the decoder."
    resampler_layers: int = field(2, ge=1, le=8)
    "Layers that bring a block down to one vector, and that up to the frames of the next block."
    reads_last_frame: bool = True
    "Whether the decoder knows the frame it wrote last, or writes a block from the code alone."
    input_noise: float = field(0.1, ge=0, le=10)
    "Deviation of the noise that is added to vectors read in training, to learn to recover."

    def build(self, io: IOSpec) -> Seq2Seq:
        """Seq2Seq with random weights."""
        return Seq2Seq(self, io)

    @classmethod
    def default_io(cls, sample_rate: int) -> IOSpec:
        """Log-compressed magnitudes, 2048 samples a frame, 512 from frame to frame."""
        feature = MagnitudeConfig(n_fft=2048, hop_length=512, scale="log1p")
        return IOSpec(
            sample_rate=sample_rate, variables={"signal": VariableConfig(feature=feature)}
        )


class Seq2Seq(TieredNetwork):
    """An encoder that runs once per block of frames, and a decoder that runs at every frame."""

    config: Seq2SeqConfig

    def __init__(self, config: Seq2SeqConfig, io: IOSpec) -> None:
        hop, dim, layers = config.hop, config.hidden_dim, config.resampler_layers

        def body(span: int | None = None) -> RecurrentBody:
            return RecurrentBody(Recurrent(config.rnn, dim, dim, config.n_rnn), span=span)

        encoder = Tier(io, hop, hop, dim, body(), ratio=hop, n_layers=layers)
        decoder = Tier(io, int(config.reads_last_frame), 1, dim, body(span=hop))
        super().__init__(config, io, [encoder, decoder], nn.Identity(), dim)
        self.receptive_field = 4 * hop

    def forward(self, inputs: Tensors, state: State | None = None) -> tuple[Tensors, State]:
        """Head parameters of all steps; in training, of disturbed vectors."""
        if self.training:
            inputs = disturbed(inputs, self.io.autoregressive, self.config.input_noise)
        return super().forward(inputs, state)
