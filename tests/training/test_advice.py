"""What the losses of typical runs are called."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimikit_nb.checkpoint.run import Run
from mimikit_nb.training.advice import FEWEST_STEPS, Advice, advise, advise_run


@pytest.fixture
def noise():
    return 0.05 * np.random.default_rng(0).standard_normal(1000)


def falling(n: int = 1000, tau: float = 300.0) -> np.ndarray:
    return 2 + 3 * np.exp(-np.arange(n) / tau)


def test_few_losses_say_nothing():
    assert advise([5.0] * (FEWEST_STEPS - 1)).verdict == "too early"
    assert advise([float("nan")] * 200).verdict == "too early"


def test_a_falling_loss_is_learning(noise):
    advice = advise(falling(tau=800) + noise)
    assert advice.verdict == "still learning"
    assert "fell" in advice.reason


def test_a_level_loss_is_flat(noise):
    advice = advise(falling(tau=30) + noise)
    assert advice.verdict == "flat"
    assert advice.remedy


def test_a_rising_held_out_loss_is_over_fitting(noise):
    held_out = [(100, 4.0), (200, 3.2), (300, 3.0), (400, 3.1), (500, 3.3), (600, 3.5)]
    advice = advise(falling() + noise, held_out)
    assert advice.verdict == "over-fitting"
    assert "step 300" in advice.reason


def test_a_held_out_loss_that_still_falls_is_not(noise):
    held_out = [(100, 4.0), (200, 3.2), (300, 3.0), (400, 3.01), (500, 2.9), (600, 2.8)]
    assert advise(falling(tau=800) + noise, held_out).verdict == "still learning"
    assert advise(falling(tau=800) + noise, held_out[:3]).verdict == "still learning"


def test_skipped_steps_are_unstable(noise):
    assert advise(falling() + noise, skipped=30).verdict == "unstable"


def test_a_loss_that_comes_back_up_is_unstable(noise):
    losses = falling(tau=100) + noise
    losses[-200:] += np.linspace(0, 3, 200)
    assert advise(losses).verdict == "unstable"


def test_losses_that_jump_are_unstable(noise):
    losses = falling(tau=100) + noise
    losses[-400::10] += 4
    assert advise(losses).verdict == "unstable"


def test_a_steep_fall_in_steps_is_not_unstable():
    steep = np.linspace(5.5, 4.5, 64) ** 2 / 5
    rows = np.repeat([0.0, -0.15, 0.02, -0.2, 0.0, -0.1, 0.03, -0.15], 8)  # other music each
    assert advise(steep + rows).verdict == "still learning"


def test_negative_losses_are_losses(noise):
    assert advise(falling(tau=800) - 10 + noise).verdict == "still learning"


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=120))
def test_any_numbers_get_a_verdict(losses):
    advice = advise(losses, [(i, loss) for i, loss in enumerate(losses)])
    assert isinstance(advice, Advice)
    assert str(advice)


def test_a_run_is_judged_by_what_it_has_written(tmp_path):
    """Rows of every fifth step; held-out losses and skips where there were any."""
    run = Run(tmp_path)
    assert advise_run(run).verdict == "too early"
    steps = np.arange(5, 5 * 200 + 1, 5)
    table = pd.DataFrame({"step": steps, "loss": falling(200), "held_out_loss": np.nan})
    table["skipped"] = 0
    table.to_csv(run.metrics_path)
    assert advise_run(run).verdict == "still learning"
    for row, loss in ((20, 4.0), (40, 3.2), (60, 3.0), (80, 3.1), (100, 3.3), (120, 3.5)):
        table.loc[row - 1, "held_out_loss"] = loss
    table.to_csv(run.metrics_path)
    advice = advise_run(run)
    assert advice.verdict == "over-fitting" and "step 300" in advice.reason
    table["skipped"] = 9
    table.to_csv(run.metrics_path)
    assert advise_run(run).verdict == "over-fitting"  # 9 of a thousand steps, if 9 of 200 rows
    table["skipped"] = 50
    table.to_csv(run.metrics_path)
    assert "50 steps were skipped" in advise_run(run).reason
    with run.metrics_path.open("a") as file:
        file.write("200,1005,2.5")  # a row that a full disk cut off
    assert "50 steps were skipped" in advise_run(run).reason


def test_means_over_steps_say_with_half_as_many_what_losses_say(noise):
    losses = falling(300, tau=100) + noise[:300]
    means, steps = losses.reshape(30, 10).mean(1), np.arange(10, 301, 10)
    assert advise(means, steps=steps).verdict == advise(losses).verdict == "still learning"
    assert advise(means[:19], steps=steps[:19]).verdict == "too early"
