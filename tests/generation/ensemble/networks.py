"""Tiny untrained networks as checkpoints in folders."""

from pathlib import Path

import torch

from mimikit_nb.checkpoint import Checkpoint, Header, export
from mimikit_nb.features.spectral import MagnitudeConfig
from mimikit_nb.features.waveform import MuLawConfig
from mimikit_nb.io.variable import IOSpec, VariableConfig
from mimikit_nb.networks.sample_rnn import SampleRNNConfig
from mimikit_nb.networks.wavenet import FreqNetConfig, WaveNetConfig


def make_checkpoint(kind: str, sample_rate: int = 8000, seed: int = 0) -> Checkpoint:
    feature = MagnitudeConfig(n_fft=256, hop_length=64) if kind == "freqnet" else MuLawConfig()
    io = IOSpec(sample_rate=sample_rate, variables={"signal": VariableConfig(feature=feature)})
    config = {
        "sample_rnn": SampleRNNConfig(frame_sizes=(8, 4, 4), hidden_dim=16),
        "wavenet": WaveNetConfig(n_layers=3, residual_channels=8, skip_channels=8),
        "freqnet": FreqNetConfig(n_layers=2, residual_channels=16, groups=1),
    }[kind]
    torch.manual_seed(seed)
    header = Header(step=seed, network=config, io=io)
    return Checkpoint(header, _weights=config.build(io).state_dict())


def make_run(folder: Path, kind: str, sample_rate: int = 8000, seed: int = 0) -> Path:
    folder.parent.mkdir(parents=True, exist_ok=True)
    return export(make_checkpoint(kind, sample_rate, seed), folder)
