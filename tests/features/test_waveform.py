"""Quantised samples: errors within their stated bounds."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mimikit_nb.features.waveform import LinearQuantConfig, MuLawConfig, SamplesConfig

QUANTISED = pytest.mark.parametrize("config", [MuLawConfig, LinearQuantConfig])
levels = st.sampled_from([2, 3, 16, 255, 256, 1024, 65536])


@QUANTISED
@given(q_levels=levels, values=st.lists(st.floats(-1, 1, width=32), min_size=1))
def test_the_error_keeps_its_bound(config, q_levels, values):
    feature = config(q_levels=q_levels).build(22050)
    y = torch.tensor(values)
    error = (feature.inverse(feature.forward(y)) - y).abs()
    assert (error <= feature.error_bound(y) * 1.001 + 2e-6).all()


@QUANTISED
@given(q_levels=levels)
def test_every_class_comes_back(config, q_levels):
    feature = config(q_levels=q_levels).build(22050)
    x = torch.arange(q_levels)
    assert torch.equal(feature.forward(feature.inverse(x)), x)


@QUANTISED
@given(q_levels=levels)
def test_louder_is_never_a_lower_class(config, q_levels):
    feature = config(q_levels=q_levels).build(22050)
    x = feature.forward(torch.linspace(-1, 1, 4001))
    assert (x.diff() >= 0).all()
    assert x[0] == 0
    assert x[-1] == q_levels - 1


@QUANTISED
def test_what_lies_outside_is_clipped(config):
    feature = config().build(22050)
    inside = feature.forward(torch.tensor([-1.0, 1.0]))
    assert torch.equal(feature.forward(torch.tensor([-3.0, 1.5])), inside)
    torch.testing.assert_close(feature.inverse(inside), torch.tensor([-1.0, 1.0]))


def test_mu_law_is_finer_near_silence_than_linear():
    y = torch.linspace(-0.01, 0.01, 101)
    mu_law, linear = MuLawConfig().build(22050), LinearQuantConfig().build(22050)
    error = {f: (f.inverse(f.forward(y)) - y).abs().max() for f in (mu_law, linear)}
    assert error[mu_law] < error[linear] / 10


def test_the_input_is_left_as_it_was():
    for config in (MuLawConfig(), LinearQuantConfig(), SamplesConfig()):
        y = torch.tensor([-2.0, 0.3, 0.9])
        config.build(8000).forward(y)
        assert torch.equal(y, torch.tensor([-2.0, 0.3, 0.9]))


@given(st.lists(st.floats(-2, 2, width=32)))
def test_samples_come_back_as_they_are(values):
    feature = SamplesConfig().build(22050)
    y = torch.tensor(values)
    assert torch.equal(feature.inverse(feature.forward(y)), y)
