"""Sampler Transformer beyond the contract."""

import pytest
import torch
import torch.nn.functional as F

from mimikit_nb.errors import ConfigError, ParameterError
from mimikit_nb.networks.layers.attention import Rotary, WindowedAttention, attend_in_blocks
from mimikit_nb.networks.sampler_transformer import SamplerTransformerConfig
from tests.contracts.catalog import IOS, TINY, random_inputs


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"frame_sizes": (16, 6, 4)}, "frame_sizes"),
        ({"frame_sizes": (8, 0, 1)}, "frame_sizes"),
        ({"windows": (64, 32)}, "windows"),
        ({"windows": (0,)}, "windows"),
        ({"n_layers": (1, -1)}, "n_layers"),
        ({"n_layers": (1, 1, 0)}, "n_layers"),
        ({"hidden_dim": 20}, "n_heads"),
        ({"n_heads": 4, "n_kv_heads": 3}, "n_kv_heads"),
    ],
)
def test_settings_that_do_not_fit_are_refused_by_name(settings, named):
    with pytest.raises(ConfigError, match=named):
        SamplerTransformerConfig(**settings)


def test_a_training_chunk_must_hold_whole_frames():
    network = SamplerTransformerConfig(frame_sizes=(8, 4, 4), hidden_dim=16).build(IOS["mu_law"])
    with pytest.raises(ParameterError, match="multiple of 8"):
        network(random_inputs(network.io, n_steps=12))


def test_rotated_products_depend_on_distances_only_however_late():
    rotary = Rotary(8, 64)
    q, k = torch.randn(2, 1, 8).unbind(0)

    def product(at: int, distance: int):
        return rotary(q, torch.tensor([at])) @ rotary(k, torch.tensor([at - distance])).T

    for distance in (0, 1, 7, 31):
        torch.testing.assert_close(product(40, distance), product(10**15 + 3, distance))
    assert (product(40, 1) - product(40, 2)).abs() > 1e-3


@pytest.mark.parametrize(("n", "n_items", "window"), [(0, 5, 8), (3, 11, 4), (9, 8, 4), (0, 9, 1)])
def test_blocks_see_what_a_full_mask_lets_them_see(n, n_items, window):
    q = torch.randn(2, 3, n_items, 4)
    k, v = torch.randn(2, 2, 3, window + n_items, 4).unbind(0)
    at = torch.arange(n, n + n_items)[:, None]
    other = torch.arange(n - window, n + n_items)
    mask = (other <= at) & (other > at - window) & (other >= 0)
    expected = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    torch.testing.assert_close(attend_in_blocks(q, k, v, window, n), expected)


def test_shared_keys_are_what_repeated_keys_would_be():
    torch.manual_seed(0)
    shared, full = WindowedAttention(16, 4, 2, 5), WindowedAttention(16, 4, 4, 5)
    full.q, full.out = shared.q, shared.out
    with torch.no_grad():
        weight = shared.kv.weight.view(2, 2, 4, 16).repeat_interleave(2, 1)
        full.kv.weight.copy_(weight.flatten(0, 2))
        x = torch.randn(2, 12, 16)
        outputs = [a.parallel(x, a.init_state(2), 0)[0] for a in (shared, full)]
    torch.testing.assert_close(*outputs)


@pytest.mark.parametrize("settings", TINY["sampler_transformer"])
@torch.no_grad()
def test_nothing_beyond_the_receptive_field_has_influence(settings):
    """The tiers' memory is long, but ends: a stream that runs for hours forgets exactly."""
    network = SamplerTransformerConfig(**settings).build(IOS["mu_law"]).eval()
    n = network.receptive_field
    n_steps = -(-(n + 9) // network.chunk_multiple) * network.chunk_multiple
    inputs, others = (random_inputs(network.io, n_steps=n_steps, seed=s) for s in (0, 1))
    mixed = {name: torch.cat([others[name][:, :-n], x[:, -n:]], 1) for name, x in inputs.items()}
    outputs, changed = network(inputs)[0]["signal"], network(mixed)[0]["signal"]
    torch.testing.assert_close(outputs[:, -1], changed[:, -1])


@torch.no_grad()
def test_the_window_lets_through_all_frames_of_the_slowest_tier():
    config = SamplerTransformerConfig(frame_sizes=(4, 2, 2), windows=(6,), hidden_dim=16)
    network = config.build(IOS["mu_law"]).eval()
    inputs = random_inputs(network.io, n_steps=64)
    oldest = 64 - 4 - 6 * 4 + 3  # last item of the oldest frame that the newest one sees
    changed = {name: x.clone() for name, x in inputs.items()}
    changed["signal"][:, oldest] = (changed["signal"][:, oldest] + 8) % 16
    a, b = network(inputs)[0]["signal"], network(changed)[0]["signal"]
    assert (a[:, 60] != b[:, 60]).any()


def test_training_carries_what_the_tiers_saw_without_gradients_into_the_past():
    network = SamplerTransformerConfig(frame_sizes=(4, 2, 2), hidden_dim=16).build(IOS["mu_law"])
    inputs = random_inputs(network.io, n_steps=16)
    _, state = network(inputs)
    fresh, carried = network(inputs)[0]["signal"], network(inputs, state)[0]["signal"]
    assert network.is_recurrent and (fresh != carried).any()


def test_fewer_key_heads_make_a_smaller_state():
    def size(n_kv_heads):
        config = SamplerTransformerConfig(hidden_dim=32, n_kv_heads=n_kv_heads)
        return config.build(IOS["mu_law"]).init_state(1)["tiers"]["0"]["0"]["k"].numel()

    assert size(1) * 4 == size(None) == 64 * 32
