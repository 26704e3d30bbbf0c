"""What the contract tests run over: every registered network times every kind of variables.

A network is covered by being registered and having a ``tiny`` entry here or among the presets.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import torch

from mimikit_nb.features.base import Discrete
from mimikit_nb.features.labels import ClusterLabelConfig
from mimikit_nb.features.latent import LatentConfig
from mimikit_nb.features.spectral import MagnitudeConfig, MelConfig
from mimikit_nb.features.waveform import LinearQuantConfig, MuLawConfig, SamplesConfig
from mimikit_nb.io.heads import (
    EmbeddingInputConfig,
    FlowHeadConfig,
    GaussianMixtureHeadConfig,
    LinearInputConfig,
    LossTerm,
    MagnitudeMixtureHeadConfig,
    UnitsHeadConfig,
)
from mimikit_nb.io.learning import fit_features
from mimikit_nb.io.variable import IOSpec, VariableConfig
from mimikit_nb.networks import NETWORKS
from mimikit_nb.networks.base import Network, Tensors

TINY: dict[str, list[dict]] = {
    "wavenet": [
        {"n_layers": 3, "n_blocks": 2, "residual_channels": 16, "skip_channels": 32},
        {
            "n_layers": 2,
            "kernel_size": 3,
            "residual_channels": 16,
            "groups": 4,
            "residual_conv": False,
        },
    ],
    "freqnet": [
        {
            "n_layers": 2,
            "residual_channels": 16,
            "groups": 2,
            "input_noise": 0.0,
            "dropout": 0.0,
        }
    ],
    "sample_rnn": [
        {"frame_sizes": (8, 4, 4), "hidden_dim": 16, "initial_state": "learnable"},
        {"frame_sizes": (4, 2), "hidden_dim": 16, "rnn": "gru", "n_rnn": 2, "weight_norm": True},
        {"frame_sizes": (8, 4, 2, 3), "hidden_dim": 12, "rnn": "rnn", "resampler_layers": 2},
    ],
    "seq2seq": [
        {"hop": 4, "hidden_dim": 16, "input_noise": 0.0},
        {"hop": 8, "hidden_dim": 12, "reads_last_frame": False, "n_rnn": 2, "input_noise": 0.0},
        {"hop": 2, "hidden_dim": 16, "rnn": "gru", "resampler_layers": 1, "input_noise": 0.0},
    ],
    "latent_rnn": [
        {"hidden_dim": 16, "input_noise": 0.0, "dropout": 0.0},
        {"hidden_dim": 12, "trunk": "lstm", "form_steps": 4, "input_noise": 0.0, "dropout": 0.0},
        {"hidden_dim": 16, "trunk": "attention", "window": 5, "n_heads": 2, "input_noise": 0.0},
    ],
    "sampler_transformer": [
        {"frame_sizes": (8, 4, 4), "windows": (3,), "hidden_dim": 16, "n_heads": 2},
        {"frame_sizes": (1,), "sample_layers": 2, "windows": (7,), "hidden_dim": 16, "n_heads": 2},
        {
            "frame_sizes": (8, 2, 3),
            "n_layers": (1, 0),
            "sample_layers": 1,
            "windows": (2, 5, 4),
            "hidden_dim": 16,
            "n_heads": 4,
            "n_kv_heads": 2,
            "ff_multiple": 2,
        },
        {
            "frame_sizes": (4, 2, 2),
            "windows": (3,),
            "hidden_dim": 16,
            "n_heads": 2,
            "context": {"frame_size": 8, "window": 3, "refresh": 2},
        },
        {
            "frame_sizes": (1,),
            "sample_layers": 1,
            "windows": (4,),
            "hidden_dim": 16,
            "n_heads": 4,
            "n_kv_heads": 2,
            "context": {"frame_size": 3, "window": 4, "refresh": 1, "n_layers": 0},
        },
    ],
}


def _variable(feature, **options) -> VariableConfig:
    return VariableConfig(feature=feature, **options)


def _spec(**variables: VariableConfig) -> IOSpec:
    return IOSpec(sample_rate=8000, variables=variables)


def _fitted(**variables: VariableConfig) -> IOSpec:
    """Variables whose learned features are fitted to noise."""
    noise = np.random.default_rng(0).standard_normal((1, 8000)).astype(np.float32)
    source = SimpleNamespace(signal=noise, sample_rate=8000, tracks={})
    return fit_features(_spec(**variables), source, [(0, 8000)])


_LATENT = LatentConfig(
    n_fft=32, hop_length=16, unit_frames=2, n_components=4, unit_components=6, floor_db=-40
)
_MEL = MelConfig(n_fft=64, hop_length=16, n_mels=5)
_FLOW = {"width": 32, "n_blocks": 2, "n_steps": 3, "draws": 4}

IOS: dict[str, IOSpec] = {
    "mu_law": _spec(signal=_variable(MuLawConfig(q_levels=16), input=LinearInputConfig())),
    "embedded": _spec(
        signal=_variable(LinearQuantConfig(q_levels=16), input=EmbeddingInputConfig(dim=4))
    ),
    "logistic": _spec(signal=_variable(SamplesConfig())),
    "magnitude": _spec(
        signal=_variable(MagnitudeConfig(n_fft=32, hop_length=16), losses=(LossTerm(kind="l1"),))
    ),
    "magnitude_mixture": _spec(
        signal=_variable(
            MagnitudeConfig(n_fft=32, hop_length=16),
            head=MagnitudeMixtureHeadConfig(codebook_size=4),
        )
    ),
    "gaussian_mixture": _fitted(
        signal=_variable(_LATENT, head=GaussianMixtureHeadConfig(n_components=3))
    ),
    "flow": _fitted(signal=_variable(_LATENT, head=FlowHeadConfig(**_FLOW))),
    "flow_units": _fitted(
        signal=_variable(
            _LATENT,
            head=FlowHeadConfig(**_FLOW, n_classes=3, n_units=64),
        )
    ),
    "units": _fitted(
        signal=_variable(_LATENT, head=UnitsHeadConfig(n_units=16, width=16, n_near=2))
    ),
    "conditioned": _spec(
        signal=_variable(MuLawConfig(q_levels=16)), pitch=_variable(_MEL, role="fixture")
    ),
    "labelled": _spec(
        signal=_variable(MuLawConfig(q_levels=16)),
        family=_variable(
            ClusterLabelConfig.of_names(["A", "B"]), role="fixture", source="track:families"
        ),
    ),
    "auxiliary": _spec(
        signal=_variable(MuLawConfig(q_levels=16)),
        mel=_variable(_MEL, role="auxiliary", losses=(LossTerm(kind="l2", weight=0.5),)),
    ),
    "two_signals": _spec(
        signal=_variable(MuLawConfig(q_levels=16)), other=_variable(LinearQuantConfig(q_levels=8))
    ),
}

VARIANTS = [f"{kind}-{i}" for kind in NETWORKS.kinds for i in range(len(TINY.get(kind, [{}])))]
CASES = [(variant, io) for variant in VARIANTS for io in IOS]

# Each variant of each network, and each kind of variables at least once.
FEW_CASES = [
    (VARIANTS[k % len(VARIANTS)], list(IOS)[k % len(IOS)])
    for k in range(max(len(VARIANTS), len(IOS)))
]


def make_network(name: str, io: str, seed: int = 0) -> Network:
    """Tiny network of the catalog with random weights, in eval mode."""
    kind, i = name.rsplit("-", 1)
    torch.manual_seed(seed)
    network = NETWORKS.parse({"kind": kind, **TINY[kind][int(i)]}).build(IOS[io]).eval()
    recording = np.random.default_rng(1).random((80, 6), np.float32)
    for head in network.heads.values():
        head.prepare([recording[:48], recording[48:]], 2)
    return network


def random_values(io: IOSpec, names, batch_size: int, n_steps: int, seed: int = 0) -> Tensors:
    """Random values ``[B, T, ...]`` of the named variables."""
    generator = torch.Generator().manual_seed(seed)
    values = {}
    for name in names:
        kind = io.kind(name)
        if isinstance(kind, Discrete):
            values[name] = torch.randint(kind.n_classes, (batch_size, n_steps), generator=generator)
        else:
            values[name] = torch.rand(batch_size, n_steps, kind.dim, generator=generator)
    return values


def random_inputs(io: IOSpec, batch_size: int = 2, n_steps: int = 32, seed: int = 0) -> Tensors:
    """Random inputs of a network."""
    return random_values(io, io.inputs, batch_size, n_steps, seed)
