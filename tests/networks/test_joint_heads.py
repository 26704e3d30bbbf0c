"""Heads that draw a vector as a whole: what they draw is what they learned."""

import numpy as np
import pytest
import torch
from torch import Tensor

from mimikit_nb.networks.flow_head import FlowClasses, FlowHead
from mimikit_nb.networks.head import Head
from mimikit_nb.networks.mixture_heads import GaussianMixtureHead

N = 4000
CENTRES = torch.tensor([[[-2.0, 0.5], [1.0, 1.5]], [[0.0, -2.0], [2.0, 0.0]]])  # [given, mode, 2]
SPREAD = 0.3
GIVEN = torch.eye(2)  # hidden units that tell which pair of modes


def targets(given: Tensor) -> Tensor:
    """A vector from one of the two modes that belong to what is given."""
    mode = torch.randint(2, given.shape)
    return CENTRES[given, mode] + SPREAD * torch.randn(*given.shape, 2)


def controls(n: int, temperature: float = 1.0) -> dict[str, Tensor]:
    return {"temperature": torch.full((n,), temperature)}


def trained(head: Head, rate: float, n_steps: int = 500) -> Head:
    optimizer = torch.optim.AdamW(head.parameters(), lr=rate)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    for _ in range(n_steps):
        given = torch.randint(2, (256,))
        optimizer.zero_grad()
        head.loss(head(GIVEN[given]), targets(given)).mean().backward()
        optimizer.step()
        scheduler.step()
    return head.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def heads() -> dict[str, Head]:
    torch.manual_seed(0)
    return {
        "flow": trained(FlowHead(2, 2, width=64, n_blocks=2, n_steps=8), 5e-3),
        "mixture": trained(GaussianMixtureHead(2, 2, n_components=4), 2e-2),
    }


def draw(head: Head, given: int, temperature: float = 1.0, seed: int = 0) -> Tensor:
    u = torch.rand(N, head.n_uniforms, generator=torch.Generator().manual_seed(seed))
    return head.sample(head(GIVEN[given].expand(N, 2)), u, controls(N, temperature))


@pytest.mark.parametrize("given", [0, 1])
@pytest.mark.parametrize("name", ["flow", "mixture"])
def test_draws_have_the_modes_that_belong_to_what_is_given(heads, name, given):
    drawn = draw(heads[name], given)
    mode = torch.cdist(drawn, CENTRES[given]).argmin(-1)
    for k in (0, 1):
        of_mode = drawn[mode == k]
        assert len(of_mode) / N == pytest.approx(0.5, abs=0.06)
        torch.testing.assert_close(of_mode.mean(0), CENTRES[given, k], atol=0.1, rtol=0)
        covariance = torch.cov(of_mode.T)
        torch.testing.assert_close(covariance, SPREAD**2 * torch.eye(2), atol=0.06, rtol=0)


@pytest.mark.parametrize("name", ["flow", "mixture"])
def test_without_temperature_every_draw_is_the_same(heads, name):
    drawn = draw(heads[name], 0, temperature=0.0)
    assert torch.equal(drawn, drawn[:1].expand_as(drawn))


@pytest.mark.parametrize("name", ["flow", "mixture"])
def test_a_lower_temperature_spreads_less(heads, name):
    assert (draw(heads[name], 1, 0.5).std(0) < 0.98 * draw(heads[name], 1, 1.0).std(0)).all()


@pytest.mark.parametrize("name", ["flow", "mixture"])
def test_draws_depend_on_nothing_but_the_numbers_given(heads, name):
    assert torch.equal(draw(heads[name], 0), draw(heads[name], 0))
    assert not torch.equal(draw(heads[name], 0), draw(heads[name], 0, seed=1))


@pytest.mark.parametrize("name", ["flow", "mixture"])
def test_rows_are_independent(heads, name):
    head = heads[name]
    u, h = torch.rand(6, head.n_uniforms), torch.randn(6, 2)
    both = head.sample(head(h), u, controls(6))
    alone = head.sample(head(h[2:3]), u[2:3], controls(1))
    torch.testing.assert_close(both[2:3], alone, atol=1e-5, rtol=1e-5)


def test_the_loss_of_a_mixture_is_a_density():
    head = GaussianMixtureHead(4, 2, n_components=3)
    params = head(torch.randn(4)).detach()
    side = torch.linspace(-7, 7, 401)
    x = torch.cartesian_prod(side, side)
    density = torch.exp(-2 * head.loss(params.expand(len(x), -1), x)).view(401, 401)
    total = torch.trapezoid(torch.trapezoid(density, side), side)
    assert total.item() == pytest.approx(1.0, abs=1e-2)


def test_noise_of_the_loss_is_drawn_in_training_and_fixed_in_evaluation():
    head, h, u = FlowHead(4, 3, width=16, n_blocks=1), torch.randn(5, 4), torch.randn(5, 3)
    torch.manual_seed(3)
    first, second = head.loss(head(h), u), head.loss(head(h), u)
    torch.manual_seed(3)
    assert torch.equal(head.loss(head(h), u), first)
    assert not torch.equal(first, second)
    head.eval()
    state = torch.get_rng_state()
    assert torch.equal(head.loss(head(h), u), head.loss(head(h), u))
    assert torch.equal(torch.get_rng_state(), state)


def test_predictions_are_averaged_only_with_the_same_weights(heads):
    for head in heads.values():
        assert head.is_like(head)
    assert not FlowHead(2, 2, 8, 1).is_like(FlowHead(2, 2, 8, 1))
    assert not GaussianMixtureHead(2, 2, 3).is_like(GaussianMixtureHead(2, 2, 3))


def test_classes_that_sound_alike_count_in_training_by_how_near_they_are():
    classes = FlowClasses(hidden_dim=4, dim=2, n_classes=3, told_dim=4, alike=0.25)
    places = np.array([[0.0, 0.0], [1.0, 0.0], [9.0, 0.0]], np.float32)
    classes.fit([np.repeat(places, 5, 0)])
    k = classes.nearest(torch.from_numpy(places[:1]))
    near, far = (int(classes.nearest(torch.from_numpy(places[i : i + 1]))) for i in (1, 2))
    nothing = torch.zeros(1, 4)  # of hidden units: only the bias of the logits learns
    for _ in range(500):
        loss = classes.train().loss(nothing, k).sum()
        classes.logits.bias.data -= torch.autograd.grad(loss, classes.logits.bias)[0]
    p = torch.softmax(classes.logits(nothing), -1)[0].detach()
    assert p[k].item() == pytest.approx(0.75, abs=0.01)
    assert p[near].item() == pytest.approx(0.25, abs=0.01) and p[far].item() < 0.01
    held_out = classes.eval().loss(nothing, k)
    assert held_out.item() == pytest.approx(-np.log(p[k].item()), abs=1e-6)
