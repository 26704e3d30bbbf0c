"""Heads for magnitudes: the likelihood they say, and draws that follow it."""

import pytest
import torch
from torch.distributions import Categorical, Laplace

from mimikit_nb.networks.head import SPREAD_GAIN
from mimikit_nb.networks.heads import build_head
from mimikit_nb.networks.magnitude_heads import (
    _CLASS_WEIGHT,
    MagnitudeHead,
    MagnitudeMixtureHead,
)
from tests.spectra import magnitude_io

N, K, DIM = 20_000, 3, 5


def controls(n: int, temperature: float = 1.0, **more) -> dict[str, torch.Tensor]:
    values = {"temperature": torch.full((n,), temperature)}
    return values | {k: torch.full((n,), v) for k, v in more.items()}


@pytest.fixture
def mixture() -> MagnitudeMixtureHead:
    """Three classes, around 1, 3 and 5, with random gates and spreads."""
    torch.manual_seed(0)
    head = MagnitudeMixtureHead(8, DIM, K, high=9.0).requires_grad_(False)
    head.codebook.means.copy_(torch.tensor([1.0, 3.0, 5.0])[:, None].expand(K, DIM))
    head.codebook.shares.fill_(1.0)
    head.gate.copy_(torch.randn(K, DIM) / SPREAD_GAIN)
    head.log_spread.copy_((-1 + 0.5 * torch.randn(K, DIM)) / SPREAD_GAIN)
    return head


def location_and_spread(head, params, k):
    """As the docstring says them."""
    gate = torch.sigmoid(SPREAD_GAIN * head.gate[k])
    location = gate * params[..., :DIM] + (1 - gate) * head.codebook.means[k]
    return location.abs(), torch.exp(SPREAD_GAIN * head.log_spread[k])


def test_the_likelihood_is_that_of_the_nearest_class_and_of_laplacian_bins(mixture):
    params, target = torch.randn(4, 7, DIM + K), 6 * torch.rand(4, 7, DIM)
    k = (target[..., None, :] - mixture.codebook.means).mul(mixture.codebook.scale)
    k = k.square().sum(-1).argmin(-1)
    assert len(k.unique()) == K
    bins = Laplace(*location_and_spread(mixture, params, k)).log_prob(target).mean(-1)
    classes = Categorical(logits=params[..., DIM:]).log_prob(k)
    expected = -(bins + _CLASS_WEIGHT * classes)
    torch.testing.assert_close(mixture.loss(params, target), expected)


def test_classes_are_drawn_as_often_as_predicted_and_bins_spread_as_learned(mixture):
    mixture.gate.fill_(-10.0)  # what is drawn lies around the typical frames
    mixture.log_spread.fill_(torch.tensor(0.1).log() / SPREAD_GAIN)
    params = torch.cat([torch.zeros(DIM), torch.tensor([0.0, 1.0, -1.0])]).expand(N, -1)
    drawn = mixture.sample(params, torch.rand(N, 1 + DIM), controls(N))
    k = mixture.codebook.nearest(drawn)
    shares = torch.bincount(k, minlength=K) / N
    torch.testing.assert_close(shares, torch.softmax(params[0, DIM:], -1), atol=0.02, rtol=0)
    deviation = (drawn - mixture.codebook.means[k]).abs()
    assert deviation.mean().item() == pytest.approx(0.1, rel=0.2)  # cut at three spreads
    assert deviation.max() <= 0.3 + 1e-5
    assert torch.corrcoef(drawn.T).min() > 0.9  # a class is drawn for the whole frame


def test_temperature_zero_is_the_most_typical_frame_of_the_likeliest_class(mixture):
    params = torch.randn(50, DIM + K)
    still = mixture.sample(params, torch.rand(50, 1 + DIM), controls(50, 0.0))
    torch.testing.assert_close(still, mixture.mean(params))
    expected, _ = location_and_spread(mixture, params, params[:, DIM:].argmax(-1))
    torch.testing.assert_close(still, expected)


def test_top_k_of_one_leaves_the_likeliest_class(mixture):
    mixture.log_spread.fill_(-10.0)
    params = torch.randn(50, DIM + K)
    drawn = mixture.sample(params, torch.rand(50, 1 + DIM), controls(50, 1.0, top_k=1, top_p=1.0))
    torch.testing.assert_close(drawn, mixture.mean(params))


def test_no_bin_of_a_mixture_gets_louder_than_it_was_taught(mixture):
    params = 20 * torch.randn(100, DIM + K)
    drawn = mixture.sample(params, torch.rand(100, 1 + DIM), controls(100, 5.0))
    assert drawn.min() >= 0
    assert drawn.max() == 9.0
    mixture.observe(torch.full((1, 2, DIM), 2.0))
    assert mixture.sample(params, torch.rand(100, 1 + DIM), controls(100, 5.0)).max() == 2.0


def test_networks_with_the_same_classes_are_alike_and_others_are_not(mixture):
    other = MagnitudeMixtureHead(8, DIM, K)
    assert not mixture.is_like(other)  # taught nothing
    other.load_state_dict(mixture.state_dict())
    other.codebook.means.add_(0.1)
    assert mixture.is_like(other)
    other.codebook.means.copy_(mixture.codebook.means.roll(1, 0))
    assert not mixture.is_like(other)
    assert not mixture.is_like(MagnitudeHead(8, DIM + K))


def test_a_mixture_learns_strokes_that_single_bins_cannot():
    """Frames that are all loud or all quiet: draws are, too."""
    torch.manual_seed(0)
    loud = (torch.rand(20, 20, 1) < 0.3).float()
    target = 0.1 + 2 * loud + 0.02 * torch.randn(20, 20, DIM)
    head = MagnitudeMixtureHead(4, DIM, 2)
    h, optimizer = torch.ones(20, 20, 4), torch.optim.Adam(head.parameters(), lr=0.005)
    for _ in range(400):
        head.observe(target)
        optimizer.zero_grad()
        head.loss(head(h), target).mean().backward()
        optimizer.step()
    with torch.no_grad():
        params = head(torch.ones(N, 4))
        drawn = head.sample(params, torch.rand(N, 1 + DIM), controls(N))
    is_loud = drawn > 1
    assert (is_loud.all(-1) | ~is_loud.any(-1)).all()
    assert is_loud.float().mean().item() == pytest.approx(loud.mean().item(), abs=0.05)


def test_magnitudes_stay_within_what_is_possible_and_are_exact_at_temperature_zero():
    head = MagnitudeHead(8, 5, high=2.0)
    params = head(torch.randn(30, 8)).detach()
    assert (params >= 0).all()
    still = head.sample(params, torch.rand(30, 5), controls(30, 0.0)).detach()
    assert torch.equal(still, params.clamp(max=2.0))
    noisy = head.sample(params, torch.rand(30, 5), controls(30, 10.0)).detach()
    assert ((noisy >= 0) & (noisy <= 2.0)).all()
    assert not torch.equal(noisy, params)
    head.observe(torch.tensor([[[0.1, 0.2, 0.3, 0.4, 0.5]], [[0.5, 0.1, 0.1, 0.1, 0.1]]]))
    taught = head.sample(params, torch.rand(30, 5), controls(30, 10.0)).detach()
    assert (taught <= torch.tensor([0.5, 0.2, 0.3, 0.4, 0.5])).all()


def test_magnitudes_are_drawn_in_classes_if_asked_for_and_each_by_itself_without_a_head():
    io = magnitude_io(8000)
    variable, kind = io.variables["signal"], io.kind("signal")
    assert isinstance(build_head(variable, kind, 4), MagnitudeMixtureHead)
    assert isinstance(build_head(variable.replace(head=None), kind, 4), MagnitudeHead)
