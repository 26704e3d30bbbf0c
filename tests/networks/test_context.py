"""The context encoder of the Sampler Transformer beyond the contract."""

import pytest
import torch

from mimikit_nb.engine.stages import clone_state, run_stages
from mimikit_nb.errors import ConfigError
from mimikit_nb.networks.sampler_transformer import SamplerTransformerConfig
from tests.contracts.catalog import IOS, random_inputs

CONTEXT = {"frame_size": 8, "window": 3, "refresh": 2}


def build(context=CONTEXT, **settings):
    sizes = {"frame_sizes": (4, 2, 2), "windows": (2,), "hidden_dim": 16, "n_heads": 2}
    config = SamplerTransformerConfig(**(sizes | settings), context=context)
    return config.build(IOS["mu_law"]).eval()


def changed(inputs, step: int):
    """The same inputs but for one item."""
    signal = inputs["signal"].clone()
    signal[:, step] = (signal[:, step] + 8) % 16
    return {"signal": signal}


def test_a_context_frame_holds_whole_frames_of_the_slowest_tier():
    with pytest.raises(ConfigError, match=r"context\.frame_size = 6"):
        build({"frame_size": 6})


def test_without_context_nothing_of_it_is_there():
    names = set(build(None).state_dict())
    assert names and not any("encoder" in name or "reader" in name for name in names)
    assert "context" not in SamplerTransformerConfig.from_yaml(
        "kind: sampler_transformer"
    ).to_yaml().replace("context: null", "")


@torch.no_grad()
def test_what_left_the_windows_is_still_heard():
    """An item beyond all windows changes outputs, as soon as its frame was encoded."""
    network, plain = build(), build(None)
    inputs = random_inputs(network.io, n_steps=64)
    late = slice(36, 48)  # hears context frames 1 to 3, and these hear items from 1 on
    for item, net, heard in [(12, network, True), (12, plain, False), (0, network, False)]:
        outputs = [net(x)[0]["signal"][:, late] for x in (inputs, changed(inputs, item))]
        assert torch.equal(*outputs) is not heard


@torch.no_grad()
def test_the_context_is_refreshed_at_its_interval_only():
    network = build()
    state, inputs = network.init_state(1), random_inputs(network.io, 1, 48)
    caches = []
    for t in range(48):
        _, state = network.step({"signal": inputs["signal"][:, t]}, state)
        caches.append(state["tiers"]["0"]["k"].clone())
    changes = [t for t in range(1, 48) if not torch.equal(caches[t], caches[t - 1])]
    assert changes == [16, 32]
    periods = sorted(stage.period for stage in network.stages())
    assert periods[-1] == 16


@torch.no_grad()
def test_caches_of_forward_and_of_steps_are_the_same():
    network = build()
    inputs = random_inputs(network.io, n_steps=52)
    _, expected = network(inputs)
    state = network.init_state(2)
    for t in range(52):
        _, state = network.step({"signal": inputs["signal"][:, t]}, state)
    for name in ("frames", "k", "v"):
        torch.testing.assert_close(state["tiers"]["0"][name], expected["tiers"]["0"][name])


@torch.no_grad()
def test_a_stream_of_hours_goes_on_as_it_began():
    """Positions and slots are exact however late it is."""
    network = build()
    inputs, following = (random_inputs(network.io, n_steps=40, seed=seed) for seed in (0, 1))
    _, early = network(inputs)
    late = {**early, "t": early["t"] + 10**9 * 8 * network.config.context_steps}
    assert network.config.context_steps == 40
    outputs = [network(following, state)[0]["signal"] for state in (early, late)]
    torch.testing.assert_close(*outputs)


def test_the_encoder_learns_in_chunks_in_which_nothing_is_refreshed():
    network = build().train()
    _, state = network(random_inputs(network.io, n_steps=36))
    outputs, _ = network(random_inputs(network.io, n_steps=4, seed=1), state)
    outputs["signal"].square().sum().backward()
    encoder = network.tiers[0].body.encoder
    assert all(p.grad.abs().sum() > 0 for p in encoder.read.parameters())


@torch.no_grad()
def test_the_refresh_reads_what_forward_reads():
    """A refresh that is not due finds what the latest one found, if nothing came in since."""
    network = build()
    _, state = network(random_inputs(network.io, n_steps=32))
    stages, again = network.stages(), clone_state(state)
    (refresh,) = [stage for stage in stages if stage.period == 16]
    refresh.fn(again)
    run_stages(stages, state)
    for name in ("k", "v"):
        assert torch.equal(again["tiers"]["0"][name], state["tiers"]["0"][name])
