from __future__ import annotations

import itertools

import numpy as np
import pytest

from mimikit_nb.analysis import change_points
from mimikit_nb.analysis.change_points import Costs, boundary_salience
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
def test_partitions_are_the_best_there_are(seed: int) -> None:
    phi = kernel_map(_sequence(seed, [4, 3, 3]))
    costs = Costs(phi)
    price = 0.3 * costs.scatter * np.log(len(phi))
    times = np.arange(len(phi) + 1.0)
    best = min(
        (
            sum(float(costs(a, b)) for a, b in itertools.pairwise([0, *bounds, len(phi)]))
            + price * len(bounds),
            bounds,
        )
        for k in range(len(phi))
        for bounds in itertools.combinations(range(1, len(phi)), k)
    )[1]
    salience = boundary_salience(phi, times, 0.0, np.array([0.3]))
    assert tuple(np.flatnonzero(salience >= 0.3) + 1) == best


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
