"""Loss terms: declared, weighted, zero where they should be."""

import pytest
import torch

from mimikit_nb.features.spectral import MagnitudeConfig
from mimikit_nb.io.heads import LossTerm
from mimikit_nb.io.variable import IOSpec, VariableConfig
from mimikit_nb.networks.heads import build_head
from mimikit_nb.networks.losses import loss_terms

KINDS = ("nll", "l1", "l2", "log_l1", "spectral_convergence")


def make(weights: dict[str, float]):
    losses = tuple(LossTerm(kind=kind, weight=weight) for kind, weight in weights.items())
    feature = MagnitudeConfig(n_fft=16, hop_length=8)
    io = IOSpec(sample_rate=8000, variables={"S": VariableConfig(feature=feature, losses=losses)})
    return io, {"S": build_head(io.variables["S"], io.kind("S"), 4)}


def test_terms_are_named_and_weighted():
    io, heads = make(dict.fromkeys(KINDS, 1.0))
    doubled, _ = make(dict.fromkeys(KINDS, 2.0))
    x, target = {"S": torch.rand(2, 3, 9)}, {"S": torch.rand(2, 3, 9)}
    terms, twice = loss_terms(io, heads, x, target), loss_terms(doubled, heads, x, target)
    assert list(terms) == [f"S/{kind}" for kind in KINDS]
    for name, value in terms.items():
        assert twice[name].item() == pytest.approx(2 * value.item())


def test_a_perfect_prediction_costs_nothing():
    io, heads = make({kind: 1.0 for kind in KINDS if kind != "nll"})
    x = {"S": torch.rand(2, 3, 9)}
    assert all(
        value.item() == pytest.approx(0, abs=1e-6) for value in loss_terms(io, heads, x, x).values()
    )
