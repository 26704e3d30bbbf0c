"""SampleRNN beyond the contract."""

import pytest
import torch

from mimikit_nb.errors import ConfigError, ParameterError
from mimikit_nb.networks.sample_rnn import SampleRNNConfig
from tests.contracts.catalog import IOS, random_inputs


@pytest.mark.parametrize("frame_sizes", [(16, 6, 4), (8, 3, 2), (4, 0)])
def test_frame_sizes_that_do_not_nest_are_refused(frame_sizes):
    with pytest.raises(ConfigError, match="frame_sizes"):
        SampleRNNConfig(frame_sizes=frame_sizes)


def test_a_training_chunk_must_hold_whole_frames():
    network = SampleRNNConfig(frame_sizes=(8, 4), hidden_dim=8).build(IOS["mu_law"])
    with pytest.raises(ParameterError, match="multiple of 8"):
        network(random_inputs(network.io, n_steps=12))


def test_weight_norm_is_folded_without_changing_the_network():
    config = SampleRNNConfig(frame_sizes=(4, 2), hidden_dim=8, weight_norm=True)
    network = config.build(IOS["mu_law"]).eval()
    with torch.no_grad():
        for name, p in network.named_parameters():
            if name.endswith("original0"):
                p.mul_(1.7)
    folded, inputs = network.folded(), random_inputs(network.io)
    with torch.no_grad():
        torch.testing.assert_close(folded(inputs)[0], network(inputs)[0])
        torch.testing.assert_close(network.folded()(inputs)[0], network(inputs)[0])
    assert not any("parametrizations" in name for name in folded.state_dict())
    assert any(p.requires_grad for p in network.parameters())
