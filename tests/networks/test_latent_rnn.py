"""Latent RNN: what its trunk can be, and what it reads while it learns."""

from __future__ import annotations

import pytest
import torch

from mimikit_nb.errors import ConfigError
from mimikit_nb.networks.latent_rnn import LatentRNN, LatentRNNConfig
from tests.contracts.catalog import IOS, random_inputs

IO = IOS["flow"]


def build(**options) -> LatentRNN:
    torch.manual_seed(0)
    return LatentRNNConfig(hidden_dim=16, n_heads=2, **options).build(IO)


def test_what_is_read_in_training_is_disturbed_by_row_in_the_corpus_deviations():
    network = build(input_noise=2.0)
    x = torch.zeros(400, 50, IO.kind("signal").dim)
    noise = network._disturbed({"signal": x})["signal"]
    strength = noise.std((1, 2))
    deviation = IO.features["signal"].tensors["deviation"]
    assert strength.min() < 0.1 * strength.max()
    torch.testing.assert_close(
        noise.std((0, 1)) / deviation, torch.full_like(deviation, (4 / 3) ** 0.5), rtol=0.1, atol=0
    )


def test_nothing_is_disturbed_once_it_has_learned():
    network = build(dropout=0.5)
    inputs = random_inputs(IO)
    outputs = [network.eval()(inputs)[0]["signal"] for _ in range(2)]
    assert torch.equal(*outputs)
    outputs = [network.train()(inputs)[0]["signal"] for _ in range(2)]
    assert not torch.equal(*outputs)


def test_the_slower_tier_reads_blocks_and_is_heard_until_the_next():
    network = build(form_steps=8).eval()
    assert network.chunk_multiple == 8 and [t.period for t in network.tiers] == [8, 1]
    assert build().chunk_multiple == 1


def test_a_prompt_of_a_few_seconds_is_read_as_a_whole():
    assert build().receptive_field >= 64
    assert build(trunk="attention", window=100).receptive_field == 100
    assert build(form_steps=32).receptive_field == 128


@pytest.mark.parametrize(
    "wrong", [{"form_steps": 1}, {"trunk": "attention", "n_heads": 32}, {"trunk": "rnn"}]
)
def test_what_cannot_be_built_is_refused(wrong):
    with pytest.raises(ConfigError):
        LatentRNNConfig(hidden_dim=16, **wrong)
