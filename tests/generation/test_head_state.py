"""Heads that remember what they drew: their state goes wherever the stream's goes."""

import pytest
import torch

from mimikit_nb.engine.stages import EagerExecutor
from mimikit_nb.errors import ParameterError
from mimikit_nb.generation.controls import Controls
from mimikit_nb.generation.loop import controls_of
from mimikit_nb.generation.stream import ValueStream, read_prompt_steps
from tests.contracts.catalog import make_network, random_inputs

IOS = ["flow_units", "units"]


def make_stream(io: str, seed: int = 0, begins: bool = True, **controls) -> ValueStream:
    network = make_network("latent_rnn-0", io).folded()
    prompt = random_inputs(network.io, 2, 9, seed) if begins else None
    return ValueStream(
        network, prompt, (3, 4), Controls(**controls), chunk_steps=8,
        make_executor=lambda stages, state: EagerExecutor(stages),
    )  # fmt: skip


@pytest.mark.parametrize("io", IOS)
def test_a_stream_goes_on_as_if_it_had_not_stopped(io):
    whole, first = make_stream(io), make_stream(io)
    drawn = [whole.pull(8)["signal"] for _ in range(4)]
    for _ in range(2):
        first.pull(8)
    kept = first.remember()
    assert any(name.startswith("network/heads/") for name in kept)
    resumed = make_stream(io, begins=False)
    resumed.load_state({name: value.clone() for name, value in kept.items()})
    for expected in drawn[2:]:
        assert torch.equal(resumed.pull(8)["signal"], expected)


@pytest.mark.parametrize("io", IOS)
def test_behind_another_prompt_nothing_has_been_followed_yet(io):
    stream = make_stream(io)
    stream.pull(8)
    stream.restart(read_prompt_steps(stream.network, random_inputs(stream.network.io, 2, 9, 1), 1))
    fresh = stream.network.heads["signal"].init_state(2)
    assert all(torch.equal(stream.state["heads"]["signal"][k], v) for k, v in fresh.items())


def test_what_is_recorded_is_a_control():
    new, old, own = (
        make_stream("flow_units", recorded=recorded).pull(8)["signal"]
        for recorded in (0.0, 0.15, None)
    )
    assert torch.equal(old, own)
    assert not torch.equal(new, old)
    assert torch.equal(make_stream("flow_units", recorded=[0.0, 0.5]).pull(8)["signal"][0], new[0])


def test_a_control_that_the_network_does_not_read_is_refused():
    for io, controls in (("flow", {"recorded": 0.5}), ("units", {"recorded": 0.5})):
        with pytest.raises(ParameterError, match="leave recorded out"):
            make_stream(io, **controls)
    with pytest.raises(ParameterError, match="leave follow out"):
        make_stream("gaussian_mixture", follow=lambda seconds: 1.0)
    make_stream("flow", recorded=lambda seconds: None).pull(1)


@pytest.mark.parametrize("io", ["flow", "flow_units", "units"])
def test_configs_say_what_heads_read(io):
    network = make_network("latent_rnn-0", io)
    assert {*network.io.own_controls, "temperature"} == set(controls_of(network))
