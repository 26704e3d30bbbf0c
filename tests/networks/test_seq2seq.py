"""Seq2Seq beyond the contract."""

import pytest
import torch

from mimikit_nb.errors import ParameterError
from mimikit_nb.networks.presets import find_preset
from mimikit_nb.networks.seq2seq import Seq2SeqConfig
from tests.contracts.catalog import IOS, random_inputs


def build(**settings):
    return Seq2SeqConfig(**{"hop": 4, "hidden_dim": 16, **settings}).build(IOS["magnitude"]).eval()


def changed_at(inputs, step: int):
    """The same inputs but for one frame."""
    signal = inputs["signal"].clone()
    signal[:, step] += 1.0
    return {"signal": signal}


def test_a_training_chunk_must_hold_whole_blocks():
    with pytest.raises(ParameterError, match="multiple of 4"):
        build()(random_inputs(IOS["magnitude"], n_steps=10))


@torch.no_grad()
def test_a_block_is_written_from_what_was_before_it_if_the_last_frame_is_not_read():
    network, inputs = build(reads_last_frame=False), random_inputs(IOS["magnitude"], n_steps=16)
    before, after = (network(x)[0]["signal"] for x in (inputs, changed_at(inputs, 5)))
    assert torch.equal(before[:, :8], after[:, :8])  # written while frames 5 to 7 came in
    assert (before[:, 8:] != after[:, 8:]).any(-1).all()


@torch.no_grad()
def test_the_decoder_knows_the_frame_it_wrote_last():
    network, inputs = build(), random_inputs(IOS["magnitude"], n_steps=16)
    before, after = (network(x)[0]["signal"] for x in (inputs, changed_at(inputs, 5)))
    assert torch.equal(before[:, :5], after[:, :5])
    assert (before[:, 5:] != after[:, 5:]).any(-1).all()


@torch.no_grad()
def test_the_decoder_starts_afresh_with_every_block():
    """Of the frames before, only the encoder tells it."""
    network, inputs = build(), random_inputs(IOS["magnitude"], n_steps=16)
    _, state = network({"signal": inputs["signal"][:, :12]})
    spoilt = {**state, "tiers": {**state["tiers"], "1": {"rnn": state["tiers"]["1"]["rnn"] + 1}}}
    following = {"signal": inputs["signal"][:, 12:]}
    assert torch.equal(
        network(following, state)[0]["signal"], network(following, spoilt)[0]["signal"]
    )


@torch.no_grad()
def test_the_encoder_remembers_all_blocks():
    network, inputs = build(), random_inputs(IOS["magnitude"], n_steps=64)
    before, after = (network(x)[0]["signal"] for x in (inputs, changed_at(inputs, 0)))
    assert (before[:, -1] != after[:, -1]).any()


def test_inputs_are_disturbed_in_training_only():
    network, inputs = build(input_noise=0.5), random_inputs(IOS["magnitude"], n_steps=8)
    assert torch.equal(network(inputs)[0]["signal"], network(inputs)[0]["signal"])
    network.train()
    assert (network(inputs)[0]["signal"] != network(inputs)[0]["signal"]).any()


def test_more_resampler_layers_need_fewer_weights():
    def size(n_layers):
        network = build(hop=16, resampler_layers=n_layers)
        return sum(p.numel() for p in network.parameters())

    assert size(2) < size(1)


def test_the_encoder_runs_once_per_block():
    config, _ = find_preset("seq2seq/laptop")
    periods = [stage.period for stage in config.build(IOS["magnitude"]).stages()]
    assert periods == [1, config.hop, 1]
