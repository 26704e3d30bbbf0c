import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimikit_nb.training import TrainConfig
from mimikit_nb.training.optimizer import build_optimizer, learning_rate

from .conftest import IO, NETWORK


def test_warm_up_rises_to_the_full_rate():
    config = TrainConfig(learning_rate=0.1, warmup_steps=4)
    assert [learning_rate(config, s, None) for s in range(6)] == pytest.approx(
        [0.02, 0.04, 0.06, 0.08, 0.1, 0.1]
    )


@pytest.mark.parametrize("decay", ["cosine", "linear"])
@given(st.integers(0, 50))
def test_decay_falls_from_the_full_rate_to_zero(decay, warmup):
    config = TrainConfig(learning_rate=0.1, warmup_steps=warmup, decay=decay, max_steps=100)
    rates = [learning_rate(config, step, 100) for step in range(warmup, 101)]
    assert rates[0] == pytest.approx(0.1)
    assert all(a >= b for a, b in itertools.pairwise(rates))
    assert rates[-1] == pytest.approx(0, abs=1e-12)
    assert rates[len(rates) // 2] == pytest.approx(0.05, rel=0.1)


def test_an_endless_decay_needs_no_budget_and_gets_ever_slower():
    config = TrainConfig(
        max_steps=None, max_minutes=60, decay="inverse_sqrt", decay_steps=300, warmup_steps=10
    )
    rates = [learning_rate(config, step, None) for step in (50, 300, 900, 2700, 10**6)]
    assert rates[1] == pytest.approx(config.learning_rate / 2**0.5)
    assert rates[2] == pytest.approx(config.learning_rate / 2)
    assert rates == sorted(rates, reverse=True) and rates[-1] > 0
    assert learning_rate(config, 0, None) == pytest.approx(config.learning_rate / 11, rel=0.01)


def test_a_decay_before_the_warm_up_ends_is_no_division_by_zero():
    config = TrainConfig(warmup_steps=100, decay="cosine", max_steps=10)
    assert learning_rate(config, 100, 10) >= 0


def test_biases_are_not_pulled_to_zero():
    optimizer = build_optimizer(NETWORK.build(IO), TrainConfig(weight_decay=0.1))
    for group in optimizer.param_groups:
        for p in group["params"]:
            assert group["weight_decay"] == (0.1 if p.dim() > 1 else 0.0)
