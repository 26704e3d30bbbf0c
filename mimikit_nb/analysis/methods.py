"""Clustering methods under one interface: places of the segments in, labels out.

Every method gets the segments as directions in a few dimensions (``vectors``), their means in
the kernel's space (``means``, for those that compare pairs), a number of clusters, or None where
it finds one itself, and a seed. Main name: :data:`METHODS`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.cluster import HDBSCAN, AgglomerativeClustering, KMeans, SpectralClustering

from .core_neighbours import QCluster
from .gmeans import GMeans
from .kernels import squared_distances

Fit = Callable[[np.ndarray, np.ndarray, int | None, int], np.ndarray]


def _kmeans(vectors: np.ndarray, means: np.ndarray, k: int | None, seed: int) -> np.ndarray:
    n_init = 20 if len(vectors) <= 5000 else 3
    labels: np.ndarray = KMeans(k, n_init=n_init, random_state=seed).fit_predict(vectors)
    return labels


def _agglomerative(vectors: np.ndarray, means: np.ndarray, k: int | None, seed: int) -> np.ndarray:
    labels: np.ndarray = AgglomerativeClustering(k).fit_predict(vectors)
    return labels


def _spectral(vectors: np.ndarray, means: np.ndarray, k: int | None, seed: int) -> np.ndarray:
    """Spectral clustering; how near "near" is depends on the neighbourhood of each segment."""
    n, assumed = len(means), k or 2
    distances = squared_distances(means, means)
    neighbor = min(n - 1, max(3, round(n / assumed / 2)))
    local = np.sort(distances, axis=1)[:, neighbor]
    local = np.maximum(local, max(float(np.median(local)), 1e-12))
    alike = np.exp(-distances / np.sqrt(local[:, None] * local))
    model = SpectralClustering(
        assumed, affinity="precomputed", random_state=seed, n_init=20, eigen_solver="arpack"
    )
    labels: np.ndarray = model.fit_predict(alike)
    return labels


def _hdbscan(vectors: np.ndarray, means: np.ndarray, k: int | None, seed: int) -> np.ndarray:
    smallest = int(np.clip(len(vectors) // 50, 3, 25))
    labels: np.ndarray = HDBSCAN(min_cluster_size=smallest, copy=True).fit_predict(vectors)
    return labels


def _qcluster(vectors: np.ndarray, means: np.ndarray, k: int | None, seed: int) -> np.ndarray:
    return QCluster(n_clusters=k).fit(vectors).labels_


def _gmeans(vectors: np.ndarray, means: np.ndarray, k: int | None, seed: int) -> np.ndarray:
    return GMeans(k, random_state=seed).fit(vectors).labels_


METHODS: dict[str, Fit] = {
    "kmeans": _kmeans,
    "agglomerative": _agglomerative,
    "spectral": _spectral,
    "hdbscan": _hdbscan,
    "qcluster": _qcluster,
    "gmeans": _gmeans,
}
"Methods by name."
