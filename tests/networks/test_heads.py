"""Heads: what they draw is what they predict."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mimikit_nb.errors import ConfigError
from mimikit_nb.features.spectral import MagnitudeConfig
from mimikit_nb.features.waveform import MuLawConfig, SamplesConfig
from mimikit_nb.io.heads import CategoricalHeadConfig, LogisticMixtureHeadConfig
from mimikit_nb.io.variable import IOSpec, VariableConfig
from mimikit_nb.networks.head import keep_top
from mimikit_nb.networks.heads import (
    CategoricalHead,
    GaussianHead,
    LogisticMixtureHead,
    MagnitudeHead,
    build_head,
)

N = 20_000


def controls(n: int, temperature: float = 1.0, **more) -> dict[str, torch.Tensor]:
    values = {"temperature": torch.full((n,), temperature)}
    return values | {k: torch.full((n,), v) for k, v in more.items()}


def test_classes_are_drawn_as_often_as_predicted():
    logits = torch.tensor([0.0, 1.0, 2.0, -1.0])
    drawn = CategoricalHead(4, 4).sample(logits.expand(N, 4), torch.rand(N, 1), controls(N))
    shares = torch.bincount(drawn, minlength=4) / N
    assert torch.allclose(shares, torch.softmax(logits, -1), atol=0.02)


def test_temperature_zero_takes_the_likeliest_class():
    logits = torch.randn(50, 16)
    drawn = CategoricalHead(4, 16).sample(logits, torch.rand(50, 1), controls(50, 0.0))
    assert torch.equal(drawn, logits.argmax(-1))


@settings(deadline=None)
@given(st.integers(1, 8), st.floats(0.05, 1.0), st.integers(0, 100))
def test_truncation_keeps_the_smallest_set_that_is_likely_enough(top_k, top_p, seed):
    logits = torch.randn(1, 8, generator=torch.Generator().manual_seed(seed))
    kept = torch.isfinite(keep_top(logits, torch.tensor([top_k]), torch.tensor([top_p])))[0]
    p = torch.softmax(logits[0], -1)
    assert 1 <= kept.sum() <= top_k
    ordered = p.sort(descending=True).values
    n = int(kept.sum())
    assert set(p[kept].tolist()) == set(ordered[:n].tolist())
    assert n == 1 or ordered[: n - 1].sum() < top_p + 1e-6


def test_logistic_mixture_is_a_density_and_draws_from_it():
    head = LogisticMixtureHead(4, 3)
    params = torch.tensor([0.5, -0.5, 0.0, -0.5, 0.1, 0.6, -3.0, -2.5, -4.0])
    x = torch.linspace(-1.5, 1.5, 4001)[:, None]
    density = torch.exp(-head.loss(params.expand(4001, 9), x))
    assert torch.trapezoid(density, x[:, 0]).item() == pytest.approx(1.0, abs=1e-2)
    drawn = head.sample(params.expand(N, 9), torch.rand(N, 2), controls(N))
    assert drawn.mean().item() == pytest.approx(head.mean(params).item(), abs=0.02)


@pytest.mark.parametrize("head_class", [GaussianHead, MagnitudeHead])
def test_draws_have_the_spread_that_fits_the_data(head_class):
    """Fitted to data around a fixed prediction, a head draws what looks like the data."""
    head = head_class(4, 2)
    target = (3.0 + torch.randn(2000, 2) * torch.tensor([0.5, 0.05])).clamp(min=0)
    params = torch.full((2000, 2), 3.0)
    optimizer = torch.optim.Adam([head.log_spread], lr=2e-3)
    for _ in range(300):
        optimizer.zero_grad()
        head.loss(params, target).mean().backward()
        optimizer.step()
    u = torch.rand(N, 2)
    drawn = head.sample(torch.full((N, 2), 3.0), u, controls(N)).detach()
    deviation, expected = (drawn - 3).abs().mean(0), (target - 3).abs().mean(0)
    torch.testing.assert_close(deviation, expected, rtol=0.15, atol=0)
    twice = head.sample(torch.full((N, 2), 3.0), u, controls(N, 2.0)).detach()
    torch.testing.assert_close((twice - 3).abs().mean(0), 2 * deviation, rtol=0.05, atol=0)


def spec(**options) -> IOSpec:
    return IOSpec(sample_rate=8000, variables={"signal": VariableConfig(**options)})


@pytest.mark.parametrize(
    ("feature", "head"),
    [
        (MuLawConfig(), LogisticMixtureHeadConfig()),
        (SamplesConfig(), CategoricalHeadConfig()),
        (MagnitudeConfig(), LogisticMixtureHeadConfig()),
    ],
)
def test_a_head_that_does_not_fit_its_feature_is_refused(feature, head):
    io = spec(feature=feature, head=head)
    with pytest.raises(ConfigError, match=r"doesn't fit|predicts single values"):
        build_head(io.variables["signal"], io.kind("signal"), 4)


def test_the_head_follows_the_feature_if_none_is_named():
    heads = {
        MuLawConfig(): CategoricalHead,
        SamplesConfig(): LogisticMixtureHead,
        MagnitudeConfig(): MagnitudeHead,
    }
    for feature, expected in heads.items():
        io = spec(feature=feature)
        assert isinstance(build_head(io.variables["signal"], io.kind("signal"), 4), expected)
