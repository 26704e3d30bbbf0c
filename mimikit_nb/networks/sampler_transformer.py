"""Sampler Transformer: tiers of transformers, each over frames at its own rate.

The tiers are those of SampleRNN; in place of a recurrent memory each attends to a window of its
last frames, whose keys and values are cached (Vaswani et al., "Attention Is All You Need", 2017;
Dai et al., "Transformer-XL", 2019, for the memory that training carries from chunk to chunk).
With a single tier of frame size 1 it is a plain causal transformer, over samples or over the
frames of a spectrum. What lies further back than the windows can be heard through a *context*
(:mod:`.layers.context`): seconds to minutes at a coarse rate, read by the slowest tier.
"""

from __future__ import annotations

import itertools
from typing import Literal

from pydantic import model_validator
from torch import nn

from ..config import Config, field
from ..errors import ConfigError
from ..features.waveform import MuLawConfig
from ..io.heads import EmbeddingInputConfig
from ..io.variable import IOSpec, VariableConfig
from .base import NETWORKS, NetworkConfig
from .layers.attention import Transformer
from .layers.context import ContextTransformer
from .tiers import Tier, TieredNetwork, check_frame_sizes


class ContextConfig(Config):
    """A longer past that the slowest tier reads, at a coarse rate.

    Training carries it from batch to batch: it is learned as far as ``chunk_steps`` times
    ``chunks_per_sequence`` of the training go. It is for long trainings: in the first minutes on
    a piano it cost more steps than it was worth (3.61 nats held out after 110 s, without it 3.50).
    """

    frame_size: int = field(2048, ge=1, le=2**20, unit="samples", scale="power_of_two")
    "Items that a frame of the context sums up; whole frames of the slowest tier."
    window: int = field(128, ge=1, le=4096, unit="frames", scale="power_of_two")
    "Frames of the context that can be seen."
    refresh: int = field(8, ge=1, le=4096, unit="frames", scale="power_of_two")
    "Frames of the context from one look at all of it to the next; few are more work."
    n_layers: int = field(1, ge=0, le=48)
    "Layers in which the frames of the context see each other before they are read."


@NETWORKS.register
class SamplerTransformerConfig(NetworkConfig):
    """Transformer tiers over frames of samples."""

    kind: Literal["sampler_transformer"] = "sampler_transformer"
    "Name of the network."
    frame_sizes: tuple[int, ...] = field((32, 8, 8), min_length=1, max_length=12, unit="samples")
    "Items each tier reads, from the slowest tier to the last; each divides the one before."
    n_layers: tuple[int, ...] = field((1,), min_length=1, max_length=11)
    "Transformer layers of each tier above the last, or one number for all of these."
    sample_layers: int = field(0, ge=0, le=48)
    "Transformer layers of the last tier; without any it reads its frame only, and is quick."
    windows: tuple[int, ...] = field((64,), min_length=1, max_length=12, unit="frames")
    "Frames that each tier looks back at in a layer, or one number for all."
    hidden_dim: int = field(256, ge=2, le=4096, scale="power_of_two")
    "Units of every tier."
    n_heads: int = field(4, ge=1, le=64)
    "Places each layer can look at at once; twice that many must divide hidden_dim."
    n_kv_heads: int | None = field(None, ge=1, le=64)
    "Heads with keys and values of their own; fewer than n_heads need less memory and time."
    ff_multiple: int = field(4, ge=1, le=16)
    "Width of the layers' feed-forward networks, in hidden_dim."
    context: ContextConfig | None = None
    "A longer past, read by the slowest tier; none if not given."

    @model_validator(mode="after")
    def _check(self) -> SamplerTransformerConfig:
        n_tiers, kv = len(self.frame_sizes), self.n_kv_heads or self.n_heads
        limits = {
            "frame_sizes": (1, 65_536, n_tiers),
            "n_layers": (0, 48, n_tiers - 1),
            "windows": (1, 65_536, n_tiers),
        }
        for name, (low, high, n) in limits.items():
            values = getattr(self, name)
            if not all(low <= value <= high for value in values):
                raise ConfigError(f"{name} {values} must all be from {low} to {high}.")
            if len(values) not in (1, n):
                raise ConfigError(
                    f"{name} {values} must be one number, or {n} for the {n_tiers} tiers of "
                    f"frame_sizes {self.frame_sizes}."
                )
        check_frame_sizes(self.frame_sizes)
        if self.context is not None and self.context.frame_size % self.periods[0]:
            raise ConfigError(
                f"context.frame_size = {self.context.frame_size} doesn't hold whole frames of the "
                f"slowest tier; use a multiple of {self.periods[0]}."
            )
        if self.hidden_dim % (2 * self.n_heads) or self.n_heads % kv:
            raise ConfigError(
                f"hidden_dim={self.hidden_dim} can't be shared by n_heads={self.n_heads} in "
                f"n_kv_heads={kv} groups: twice n_heads must divide hidden_dim, n_kv_heads n_heads."
            )
        return self

    @property
    def periods(self) -> list[int]:
        """Steps from one run of each tier to its next."""
        return [*self.frame_sizes[:-1], 1]

    @property
    def tier_layers(self) -> list[int]:
        """Transformer layers of all tiers."""
        return [*_repeated(self.n_layers, len(self.frame_sizes) - 1), self.sample_layers]

    @property
    def tier_windows(self) -> list[int]:
        """Windows of all tiers, in frames."""
        return _repeated(self.windows, len(self.frame_sizes))

    @property
    def reach(self) -> list[int]:
        """Steps back that each tier's layers can see together, its frame included."""
        sizes, periods = self.frame_sizes, self.periods
        tiers = zip(sizes, periods, self.tier_layers, self.tier_windows, strict=True)
        return [size + layers * (window - 1) * period for size, period, layers, window in tiers]

    @property
    def context_steps(self) -> int:
        """Steps back that the context goes, just before it is refreshed."""
        context = self.context
        return (context.window + context.refresh) * context.frame_size if context else 0

    @property
    def receptive_field(self) -> int:
        """Steps that can influence a prediction."""
        # A condition is used until the tier's next frame, up to a period less one step later.
        return (
            1
            + sum(n - 1 + period - 1 for n, period in zip(self.reach, self.periods, strict=True))
            + max(0, self.context_steps - self.periods[0])
        )

    def build(self, io: IOSpec) -> SamplerTransformer:
        """Sampler Transformer with random weights."""
        return SamplerTransformer(self, io)

    @classmethod
    def default_io(cls, sample_rate: int) -> IOSpec:
        """Mu-law samples in 256 classes, read as short learned vectors."""
        variable = VariableConfig(feature=MuLawConfig(), input=EmbeddingInputConfig(dim=16))
        return IOSpec(sample_rate=sample_rate, variables={"signal": variable})


class SamplerTransformer(TieredNetwork):
    """Transformer tiers from slow to fast, and two rectified layers before the heads."""

    config: SamplerTransformerConfig

    def __init__(self, config: SamplerTransformerConfig, io: IOSpec) -> None:
        dim, sizes, periods = config.hidden_dim, config.frame_sizes, config.periods
        ratios = [p // below for p, below in itertools.pairwise(periods)] + [0]
        tiers = [
            Tier(io, size, period, dim, _body(config, i), ratio)
            for i, (size, period, ratio) in enumerate(zip(sizes, periods, ratios, strict=True))
        ]
        output = nn.Sequential(nn.ReLU(), nn.Linear(dim, dim), nn.ReLU())
        super().__init__(config, io, tiers, output, dim)
        self.receptive_field = config.receptive_field


def _body(config: SamplerTransformerConfig, i: int) -> Transformer | ContextTransformer:
    """Transformer of a tier; that of the slowest may read a context."""
    dim, heads = config.hidden_dim, (config.n_heads, config.n_kv_heads or config.n_heads)
    layers, window = config.tier_layers[i], config.tier_windows[i]
    transformer = Transformer(dim, layers, *heads, window, config.ff_multiple)
    context = config.context
    if i or context is None:
        return transformer
    return ContextTransformer(
        transformer,
        dim,
        *heads,
        config.ff_multiple,
        n_layers=context.n_layers,
        span=context.frame_size // config.periods[0],
        window=context.window,
        refresh=context.refresh,
    )


def _repeated(values: tuple[int, ...], n: int) -> list[int]:
    """One value for all of ``n``, or a value for each."""
    return list(values) * n if len(values) == 1 else list(values)
