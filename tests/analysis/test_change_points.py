from __future__ import annotations

import itertools

import numpy as np
import pytest

from mimikit_nb.analysis import change_points
from mimikit_nb.analysis.change_points import (
    DEFAULT_PRICE,
    Costs,
    _around,
    boundary_probability,
    boundary_salience,
)
from mimikit_nb.analysis.kernels import kernel_map


def _sequence(seed: int, lengths: list[int]) -> np.ndarray:
    rng = np.random.default_rng(seed)
    means = rng.standard_normal((len(lengths), 3)) * 4
    return np.concatenate(
        [m + rng.standard_normal((n, 3)) for m, n in zip(means, lengths, strict=True)]
    )


def test_costs_are_scatter_in_kernel_space() -> None:
    phi = kernel_map(_sequence(0, [6, 5]))
    part = phi[2:9]
    scatter = ((part - part.mean(axis=0)) ** 2).sum()
    assert Costs(phi)(2, 9) == pytest.approx(scatter, abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_probabilities_are_sums_over_all_partitions(seed: int) -> None:
    phi = kernel_map(_sequence(seed, [4, 3, 3]))
    n, costs, prices = len(phi), Costs(phi), np.array([0.6, 0.2])
    nats, heat = np.log(n) * prices / DEFAULT_PRICE, DEFAULT_PRICE * costs.scatter
    total, sums = np.zeros(2), np.zeros((2, n - 1))
    for k in range(n):
        for bounds in itertools.combinations(range(1, n), k):
            scatter = sum(float(costs(a, b)) for a, b in itertools.pairwise([0, *bounds, n]))
            weight = np.exp(-scatter / heat - nats * k)
            total += weight
            sums[:, np.array(bounds, int) - 1] += weight[:, None]
    found = boundary_probability(phi, np.arange(n + 1.0), 0.0, prices)
    np.testing.assert_allclose(found, sums / total[:, None], rtol=1e-6)


def test_a_boundary_is_worth_the_price_at_which_it_is_as_likely_as_not() -> None:
    phi = kernel_map(_sequence(2, [9, 8]))
    times = np.arange(18.0) * 2  # so far apart that no two places are one
    salience = boundary_salience(phi, times, 0.0)
    best = int(salience.argmax())
    (half,) = boundary_probability(phi, times, 0.0, salience[[best]])[:, best]
    assert best == 8 and half == pytest.approx(0.5, abs=0.05)


def test_what_is_uncertain_by_a_moment_is_one_boundary() -> None:
    places = np.array([1.0, 1.25, 1.5, 4.0])
    around = _around(np.array([[0.3, 0.4, 0.3, 0.45]]), places)[0]
    assert around.argmax() == 1 and around[1] == pytest.approx(0.4 + 2 * 0.3 * 0.75)
    assert around[3] == pytest.approx(0.45)


def test_planted_changes_are_the_most_salient() -> None:
    phi = kernel_map(_sequence(3, [12, 9, 15, 10]))
    salience = boundary_salience(phi, np.arange(47.0), 2.0)
    assert sorted(np.argsort(-salience)[:3] + 1) == [12, 21, 36]
    assert (salience > 0).all()


def test_a_section_longer_than_the_search_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_points, "LONGEST", 10)
    phi = kernel_map(_sequence(1, [40, 30]))
    salience = boundary_salience(phi, np.arange(71.0), 2.0)
    assert list(np.flatnonzero(salience >= 0.5) + 1) == [40]


def test_a_single_sound_has_no_boundary() -> None:
    assert len(boundary_salience(np.ones((1, 1)), np.arange(2.0), 1.0)) == 0
