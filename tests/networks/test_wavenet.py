"""WaveNet and FreqNet beyond the contract."""

import torch

from mimikit_nb.networks.wavenet import WaveNetConfig
from tests.contracts.catalog import IOS, random_inputs


@torch.no_grad()
def test_units_are_silenced_in_training_only():
    config = WaveNetConfig(n_layers=2, residual_channels=16, skip_channels=16, dropout=0.5)
    network, inputs = config.build(IOS["magnitude"]).eval(), random_inputs(IOS["magnitude"])
    assert torch.equal(network(inputs)[0]["signal"], network(inputs)[0]["signal"])
    network.train()
    assert (network(inputs)[0]["signal"] != network(inputs)[0]["signal"]).any()
