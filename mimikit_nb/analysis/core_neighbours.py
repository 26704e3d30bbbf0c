"""QCluster: clusters grow from cores, the points in the densest places.

The distance to the k-th neighbour says how dense the data are around a point. The densest part
are cores; cores that are each other's neighbours make a cluster; all other points
join the cluster of their nearest core. The number of clusters comes from the data, and clusters
may have any form. Main name: :class:`QCluster`.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import scipy.sparse
from scipy.sparse.csgraph import connected_components
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import AgglomerativeClustering
from sklearn.neighbors import NearestNeighbors

from ..errors import ParameterError


class QCluster(ClusterMixin, BaseEstimator):  # type: ignore[misc]
    """Cluster by core neighbours.

    Parameters
    ----------
    core_quantile : float in (0, 1], default 0.5
        Part of the points, the densest, that are cores.
    n_neighbors : int > 0, default 8
        Neighbours that density is measured with and cores are linked to (fewer where ``n_clusters``
        asks for more clusters than that gives).
    n_clusters : int > 0, optional
        Joins the nearest clusters until so many are left; as found if None.

    Attributes
    ----------
    labels_ : np.ndarray [shape=(n,), dtype=int64]
        Cluster of each row.
    core_sample_indices_ : np.ndarray
        Rows that are cores.
    n_clusters_ : int
        Number of clusters.
    """

    def __init__(
        self,
        core_quantile: float = 0.5,
        n_neighbors: int = 8,
        n_clusters: int | None = None,
    ) -> None:
        self.core_quantile = core_quantile
        self.n_neighbors = n_neighbors
        self.n_clusters = n_clusters

    def fit(self, X: np.ndarray, y: Any = None) -> Self:
        """Find cores and clusters.

        Parameters
        ----------
        X : np.ndarray [shape=(n, D)]
            Data.
        y : ignored
            For scikit-learn's sake.

        Raises
        ------
        ParameterError
            If a parameter is out of its range.
        """
        X = np.asarray(X, np.float64)
        if not 0 < self.core_quantile <= 1 or self.n_neighbors < 1 or len(X) == 0:
            raise ParameterError(
                f"core_quantile is {self.core_quantile} (above 0, at most 1), n_neighbors "
                f"{self.n_neighbors} (at least 1) for {len(X)} rows (at least 1)."
            )
        n_neighbors = min(self.n_neighbors, len(X) - 1)
        if n_neighbors < 1:
            radius = np.zeros(1)
        else:
            distances, _ = NearestNeighbors(n_neighbors=n_neighbors).fit(X).kneighbors()
            radius = distances[:, -1]
        is_core = radius <= np.quantile(radius, self.core_quantile)
        self.core_sample_indices_ = np.flatnonzero(is_core)
        self._cores = X[is_core]
        self._core_labels = self._join(self._grown())
        self.n_clusters_ = int(self._core_labels.max()) + 1
        self._nearest = NearestNeighbors(n_neighbors=1).fit(self._cores)
        self.labels_ = self.predict(X)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Cluster of the nearest core for each row [shape=(n,)]."""
        nearest = self._nearest.kneighbors(np.asarray(X, np.float64), return_distance=False)
        labels: np.ndarray = self._core_labels[nearest[:, 0]]
        return labels

    def _grown(self) -> np.ndarray:
        """Clusters of cores; with fewer links if there are too few clusters."""
        for n_neighbors in range(self.n_neighbors, 0, -1):
            labels = _linked(self._cores, n_neighbors)
            if labels.max() + 1 >= (self.n_clusters or 1):
                break
        return labels

    def _join(self, labels: np.ndarray) -> np.ndarray:
        """Clusters of cores, the nearest of them joined if there are too many."""
        found = int(labels.max()) + 1
        if self.n_clusters is None or found <= self.n_clusters:
            return labels
        means = np.stack([self._cores[labels == i].mean(axis=0) for i in range(found)])
        joined = AgglomerativeClustering(self.n_clusters, linkage="average").fit_predict(means)
        together: np.ndarray = joined[labels]
        return together


def _linked(cores: np.ndarray, n_neighbors: int) -> np.ndarray:
    """Label of each core: connected where two are each other's neighbours [shape=(n,)]."""
    n, k = len(cores), min(n_neighbors, len(cores) - 1)
    if k < 1:
        return np.zeros(n, np.int64)
    neighbors = NearestNeighbors(n_neighbors=k).fit(cores).kneighbors(return_distance=False)
    links = scipy.sparse.csr_matrix(
        (np.ones(n * k, np.int8), (np.repeat(np.arange(n), k), neighbors.ravel())), shape=(n, n)
    )
    mutual = links.multiply(links.T)
    labels: np.ndarray = connected_components(mutual, directed=False)[1].astype(np.int64)
    return labels
