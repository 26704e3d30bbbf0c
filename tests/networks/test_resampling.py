"""Down- and up-samplers: factors, causality, one frame or many."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mimikit_nb.networks.layers.resampling import (
    DownSampler,
    UpSampler,
    build_down_sampler,
    build_up_sampler,
    split_factor,
)


@given(st.integers(1, 3000), st.integers(1, 8))
def test_layers_share_the_factor(factor, n):
    factors = split_factor(factor, n)
    assert len(factors) == n and math.prod(factors) == factor
    assert factors == sorted(factors, reverse=True)


@pytest.mark.parametrize(
    ("factor", "shared"), [(16, [4, 4]), (8, [4, 2]), (12, [4, 3]), (7, [7, 1])]
)
def test_the_factor_is_shared_evenly(factor, shared):
    assert split_factor(factor, 2) == shared


@pytest.mark.parametrize("n_layers", [1, 2, 3])
@torch.no_grad()
def test_a_frame_is_read_as_it_would_be_among_others(n_layers):
    down, up = build_down_sampler(6, 3, 5, n_layers), build_up_sampler(6, 5, 4, n_layers)
    x = torch.randn(2, 24, 3)
    y = down(x)
    z = up(y)
    assert y.shape == (2, 4, 5) and z.shape == (2, 24, 4)
    for n in range(4):
        torch.testing.assert_close(down(x[:, 6 * n : 6 * n + 6])[:, 0], y[:, n])
        torch.testing.assert_close(up(y[:, n : n + 1]), z[:, 6 * n : 6 * n + 6])


@pytest.mark.parametrize("n_layers", [1, 2])
@torch.no_grad()
def test_later_frames_leave_earlier_ones_alone(n_layers):
    down = build_down_sampler(4, 3, 5, n_layers)
    x = torch.randn(1, 12, 3)
    changed = torch.cat([x[:, :8], torch.randn(1, 4, 3)], 1)
    assert torch.equal(down(x)[:, :2], down(changed)[:, :2])
    assert (down(x)[:, 2] != down(changed)[:, 2]).any()


@torch.no_grad()
def test_overlapping_frames_are_read_like_single_ones():
    down, x = DownSampler(4, 3, 5), torch.randn(2, 11, 3)
    expected = torch.cat([down(x[:, i : i + 4]) for i in range(0, 8, 2)], 1)
    torch.testing.assert_close(down.overlapping(x, 2), expected)


@torch.no_grad()
def test_weight_norm_changes_nothing_at_first():
    torch.manual_seed(0)
    plain = build_up_sampler(4, 3, 5, 2)
    torch.manual_seed(0)
    normed = build_up_sampler(4, 3, 5, 2, weight_norm=True)
    x = torch.randn(2, 3, 3)
    torch.testing.assert_close(plain(x), normed(x))
    assert any("original0" in name for name, _ in normed.named_parameters())


def test_a_single_layer_keeps_the_names_of_a_linear_layer():
    """So that checkpoints from before there were several can be read."""
    up = build_up_sampler(4, 3, 5)
    assert isinstance(up, UpSampler) and set(up.state_dict()) == {"weight", "bias"}
    assert up.weight.shape == (20, 3)
