from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score

from mimikit_nb.analysis import GMeans
from mimikit_nb.analysis.gmeans import anderson_darling, split_while_not_normal
from mimikit_nb.errors import ParameterError

METRICS = ["angular", "euclidean"]


def blobs(n: int, k: int = 5, dim: int = 6, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    centers = 4 * np.linalg.qr(np.random.default_rng(7).standard_normal((dim, dim)))[0][:k]
    labels = rng.integers(0, k, n)
    x = centers[labels] + 0.6 * rng.standard_normal((n, dim))
    return x.astype(np.float32), labels


@pytest.mark.parametrize("metric", METRICS)
def test_blobs_are_found(metric: str) -> None:
    x, truth = blobs(600)
    model = GMeans(5, metric=metric).fit(x)
    assert adjusted_rand_score(truth, model.labels_) > 0.95
    assert np.array_equal(model.labels_, model.predict(x))
    assert model.cluster_centers_.shape == (5, 6)


@pytest.mark.parametrize("metric", METRICS)
def test_batches_find_what_all_data_find(metric: str) -> None:
    x, _ = blobs(2000)
    whole = GMeans(5, metric=metric).fit(x)
    parts = GMeans(5, metric=metric, batch_size=128, max_epochs=20).fit(x)
    assert adjusted_rand_score(whole.labels_, parts.labels_) > 0.97
    assert parts.objective_[-1] == pytest.approx(whole.objective_[-1], abs=0.02)


def test_training_improves_the_objective() -> None:
    x, _ = blobs(500)
    objective = GMeans(5, metric="euclidean").fit(x).objective_
    assert objective[-1] > objective[0]


def test_streams_and_mapped_files_are_read_in_parts(tmp_path: Path) -> None:
    x, truth = blobs(3000)
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert adjusted_rand_score(truth, GMeans(5, batch_size=256).fit(mapped).labels_) > 0.95
    longest = 0

    def batches() -> Iterator[np.ndarray]:
        nonlocal longest
        for first in range(0, len(x), 200):
            longest = max(longest, 200)
            yield x[first : first + 200]

    streamed = GMeans(5, max_epochs=10).fit(batches)
    assert not hasattr(streamed, "labels_")
    assert adjusted_rand_score(truth, streamed.predict(x)) > 0.95


def test_the_same_seed_gives_the_same_clusters() -> None:
    x, _ = blobs(300)
    models = [GMeans(4, batch_size=64, random_state=3).fit(x) for _ in range(2)]
    assert np.array_equal(models[0].cluster_centers_, models[1].cluster_centers_)


@pytest.mark.parametrize("metric", METRICS)
def test_the_number_is_found_by_the_test_of_normality(metric: str) -> None:
    x, truth = blobs(1500)
    model = GMeans(None, metric=metric).fit(x)
    assert model.n_clusters_ == 5
    assert adjusted_rand_score(truth, model.labels_) > 0.95


def test_one_normal_cloud_stays_one_cluster() -> None:
    x = np.random.default_rng(0).standard_normal((2000, 3))
    assert len(split_while_not_normal(x, 8)) == 1
    assert len(split_while_not_normal(np.random.default_rng(0).random((4000, 1)) ** 6, 4)) <= 4


def test_redundancy_keeps_centroids_apart() -> None:
    x = np.random.default_rng(0).standard_normal((400, 3)).astype(np.float32) * [4, 1, 1]

    def nearest(weight: float) -> float:
        c = GMeans(6, metric="euclidean", redundancy=weight).fit(x).cluster_centers_
        d = np.linalg.norm(c[:, None] - c, axis=2)
        return float(d[d > 0].min())

    assert nearest(5.0) > nearest(0.0)


def test_anderson_darling_tells_one_hump_from_two() -> None:
    rng = np.random.default_rng(0)
    assert anderson_darling(rng.standard_normal(1000)) < 1.0
    two = np.concatenate([rng.standard_normal(500) - 3, rng.standard_normal(500) + 3])
    assert anderson_darling(two) > 10


def test_it_is_an_estimator_like_the_others() -> None:
    model = clone(GMeans(3, metric="euclidean", redundancy=0.2))
    assert model.get_params()["redundancy"] == 0.2
    assert len(model.fit_predict(blobs(50)[0])) == 50


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_clusters": 0}, "at least 1"),
        ({"temperature": 0.0}, "above 0"),
        ({"metric": "cosine"}, "'angular' or 'euclidean'"),
        ({"n_clusters": 99}, "too few for 99"),
    ],
)
def test_bad_parameters_are_refused_in_words(options: dict, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        GMeans(**options).fit(blobs(30)[0])
