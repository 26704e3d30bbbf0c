from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score

from mimikit_nb.analysis import QCluster
from mimikit_nb.errors import ParameterError


@pytest.fixture(scope="module")
def rings() -> tuple[np.ndarray, np.ndarray]:
    """A ring around a ball: no centroid can tell them apart."""
    rng = np.random.default_rng(0)
    angle = rng.random(300) * 2 * np.pi
    ring = 5 * np.stack([np.cos(angle), np.sin(angle)], axis=1) + 0.1 * rng.standard_normal(
        (300, 2)
    )
    ball = 0.5 * rng.standard_normal((150, 2))
    return np.concatenate([ring, ball]), np.repeat([0, 1], [300, 150])


def test_clusters_may_have_any_form(rings: tuple[np.ndarray, np.ndarray]) -> None:
    x, truth = rings
    model = QCluster(core_quantile=1.0, n_neighbors=12).fit(x)
    assert adjusted_rand_score(truth, model.labels_) > 0.95
    assert np.array_equal(model.predict(x), model.labels_)


def test_the_number_can_be_given() -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.standard_normal((40, 2)) + c for c in ([0, 0], [9, 0], [0, 9], [9, 9])])
    assert QCluster().fit(x).n_clusters_ >= 4
    model = QCluster(n_clusters=4).fit(x)
    assert adjusted_rand_score(np.repeat(np.arange(4), 40), model.labels_) > 0.95


def test_cores_are_the_dense_part(rings: tuple[np.ndarray, np.ndarray]) -> None:
    model = QCluster(core_quantile=0.3).fit(rings[0])
    assert len(model.core_sample_indices_) == pytest.approx(0.3 * 450, abs=2)


def test_one_row_is_one_cluster() -> None:
    assert QCluster().fit(np.zeros((1, 2))).labels_.tolist() == [0]
    assert set(QCluster().fit(np.zeros((9, 2))).labels_) == {0}


def test_it_is_an_estimator_like_the_others() -> None:
    assert clone(QCluster(core_quantile=0.2)).get_params()["core_quantile"] == 0.2
    with pytest.raises(ParameterError, match="core_quantile"):
        QCluster(core_quantile=0).fit(np.zeros((3, 2)))
