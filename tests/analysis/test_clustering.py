from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, homogeneity_score

from mimikit_nb.analysis import Clustering, cluster, segment
from mimikit_nb.analysis.clustering import METHODS, number_by_size
from mimikit_nb.errors import ParameterError

from .sounds import SR, place

KINDS = ["noise"] * 24 + ["low"] * 20 + ["high"] * 16
ORDER = np.random.default_rng(1).permutation(len(KINDS))
FAMILIES = [KINDS[i] for i in ORDER]
TIMES = [(0.1 + 0.3 * i, 0.35 + 0.3 * i) for i in range(len(KINDS))]


@pytest.fixture(scope="module")
def y() -> np.ndarray:
    events = [(start, kind) for (start, _), kind in zip(TIMES, FAMILIES, strict=True)]
    return place(events, TIMES[-1][1] + 0.2)


@pytest.fixture(scope="module")
def found(y: np.ndarray) -> Clustering:
    return cluster(y, SR, TIMES, n_clusters=3)


@pytest.mark.parametrize("method", [name for name in METHODS if name != "hdbscan"])
def test_every_method_finds_the_families(y: np.ndarray, method: str) -> None:
    assert adjusted_rand_score(FAMILIES, cluster(y, SR, TIMES, 3, method).labels) > 0.9


def test_hdbscan_mixes_no_families(y: np.ndarray) -> None:
    labels = cluster(y, SR, TIMES, method="hdbscan").labels
    is_in = labels >= 0
    assert is_in.mean() > 0.5
    assert homogeneity_score(np.array(FAMILIES)[is_in], labels[is_in]) > 0.9


def test_labels_are_numbered_by_size(found: Clustering) -> None:
    assert found.method == "kmeans"
    assert list(np.bincount(found.labels)) == [24, 20, 16]
    assert found.names == ("A", "B", "C")
    assert [FAMILIES[i] for i in np.flatnonzero(found.labels == 0)] == ["noise"] * 24


def test_equally_large_clusters_come_in_order_of_time() -> None:
    labels, order = number_by_size(np.array([7, 7, 2, -1, 2, 4]))
    assert labels.tolist() == [0, 0, 1, -1, 1, 2]
    assert order == [7, 2, 4]


def test_the_number_of_clusters_is_found(y: np.ndarray) -> None:
    assert cluster(y, SR, TIMES).n_clusters == 3


def test_the_same_sound_gives_the_same_clusters(y: np.ndarray, found: Clustering) -> None:
    again = cluster(y, SR, TIMES, n_clusters=3)
    assert np.array_equal(again.labels, found.labels)
    assert np.array_equal(again.embedding, found.embedding)


def test_the_map_keeps_families_together(found: Clustering) -> None:
    places = found.embedding
    assert places.shape == (len(found), 2)
    assert np.abs(places).max() == pytest.approx(1)
    distances = np.linalg.norm(places[:, None] - places, axis=2)
    same = found.labels[:, None] == found.labels
    assert distances[same].mean() < 0.6 * distances[~same].mean()


def test_segments_come_from_anywhere(y: np.ndarray) -> None:
    events = segment(y, SR)
    from_result = cluster(y, SR, events, n_clusters=3)
    assert len(from_result) == len(events) == len(KINDS)
    assert np.array_equal(from_result.labels, cluster(y, SR, n_clusters=3).labels)
    assert len(cluster(y, SR, 0.1, n_clusters=2)) == int(np.ceil(len(y) / SR / 0.1))


def test_labels_come_in_the_order_of_the_segments_given(y: np.ndarray, found: Clustering) -> None:
    backwards = cluster(y, SR, TIMES[::-1], n_clusters=3)
    assert np.allclose(backwards.segments[0], TIMES[-1], atol=1e-3)
    assert adjusted_rand_score(backwards.labels[::-1], found.labels) == 1


def test_sections_are_compared_by_all_their_sounds(form: np.ndarray) -> None:
    sections = cluster(form, SR, [(0, 4), (4, 8), (8, 12), (12, 16)], n_clusters=3)
    assert sections.method == "spectral"
    assert sections.labels.tolist() == [0, 1, 0, 2]


def test_own_features_take_the_place_of_the_chain(y: np.ndarray) -> None:
    numbers = np.array([[KINDS.index(kind)] for kind in FAMILIES], float)
    given = cluster(y, SR, TIMES, 3, features=numbers)
    assert adjusted_rand_score(FAMILIES, given.labels) == 1

    def crossings(part: np.ndarray, sr: int) -> np.ndarray:
        return np.array([np.log(1e-3 + (np.diff(np.signbit(part)) != 0).mean())])

    computed = cluster(y, SR, TIMES, 3, features=crossings)
    assert adjusted_rand_score(FAMILIES, computed.labels) > 0.8


def test_clusters_are_renamed_and_merged(found: Clustering) -> None:
    named = found.rename({0: "noise", 2: "bell"})
    assert named.names == ("noise", "B", "bell")
    merged = named.merge([1, 2])
    assert list(np.bincount(merged.labels)) == [36, 24]
    assert merged.names == ("B", "noise")
    assert set(merged.to_segmentation().labels) == {"B", "noise"}


def test_exports_have_the_names(found: Clustering, tmp_path) -> None:
    paths = found.rename({0: "hiss"}).export(tmp_path, "bounce")
    assert sorted(path.name for path in paths) == ["B.wav", "C.wav", "hiss.wav"]


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_segments_are_no_error(y: np.ndarray, n: int) -> None:
    assert len(cluster(y, SR, TIMES[:n]).labels) == n


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "kmean"}, "Did you mean 'kmeans'"),
        ({"n_clusters": 99}, "1 to 60"),
        ({"features": np.zeros((3, 2))}, "60 segments need"),
        ({"segments": [(3.0, 2.0)]}, "empty or lies outside"),
        ({"segments": -0.5}, "above 0"),
    ],
)
def test_bad_arguments_are_refused_in_words(y: np.ndarray, arguments: dict, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        cluster(y, SR, **{"segments": TIMES, **arguments})
