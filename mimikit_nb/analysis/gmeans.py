"""GMeans: centroids trained by gradient to cover the data without repeating each other.

Works on all data at once or on batches that are read one after the other, so that a corpus that
doesn't fit into memory can be clustered; finds the number of clusters by a test of
normality if none is given. Main name: :class:`GMeans`.

References
----------
.. [1] Hamerly and Elkan, "Learning the k in k-means", 2003: the test that splits clusters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self

import numpy as np
import torch
from scipy.special import log_ndtr
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import kmeans_plusplus
from torch import Tensor

from ..errors import ParameterError
from .coverage import Metric, coverage, redundancy, similarity

Batches = Callable[[], Iterable[np.ndarray]]
_SAMPLE_ROWS = 20000
_CRITICAL = 1.8692
"Anderson-Darling statistic above which data aren't normal, at a level of 0.0001 (see [1])."


class GMeans(ClusterMixin, BaseEstimator):  # type: ignore[misc]
    """Cluster by trained centroids: maximise coverage minus redundancy.

    Parameters
    ----------
    n_clusters : int > 0, optional
        Number of clusters; if None, clusters are split as long as the halves aren't one normal
        distribution.
    metric : {"angular", "euclidean"}, default "angular"
        Whether only the direction of a vector counts (timbre whatever the level), or its place.
    redundancy : float >= 0, default 0.1
        Weight of the redundancy; 0 lets centroids coincide.
    temperature : float > 0, default 0.05
        Softness of the assignment while training; falls to a tenth of it in the end.
    batch_size : int > 0, optional
        Rows per step; all at once if None.
    max_epochs : int > 0, default 60
        Passes over the data; at least 150 steps are made in any case.
    learning_rate : float > 0, default 0.05
        Size of the steps, in units of the scale of the data.
    max_clusters : int > 0, default 32
        Limit for the automatic number.
    random_state : int, default 0
        Seed; the same data and seed give the same clusters.

    Attributes
    ----------
    cluster_centers_ : np.ndarray [shape=(K, D), dtype=float32]
        Centroids; of length 1 with the angular metric.
    labels_ : np.ndarray [shape=(n,), dtype=int32]
        Cluster of each row (not for streams).
    n_clusters_ : int
        Number of clusters.
    objective_ : list of float
        Coverage minus redundancy, the mean of each epoch.
    scale_ : float
        Typical distance in the data.
    """

    def __init__(
        self,
        n_clusters: int | None = 8,
        metric: Metric = "angular",
        redundancy: float = 0.1,
        temperature: float = 0.05,
        batch_size: int | None = None,
        max_epochs: int = 60,
        learning_rate: float = 0.05,
        max_clusters: int = 32,
        random_state: int = 0,
    ) -> None:
        self.n_clusters = n_clusters
        self.metric = metric
        self.redundancy = redundancy
        self.temperature = temperature
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.learning_rate = learning_rate
        self.max_clusters = max_clusters
        self.random_state = random_state

    def fit(self, X: np.ndarray | Batches, y: Any = None) -> Self:
        """Train the centroids.

        Parameters
        ----------
        X : np.ndarray [shape=(n, D)] or callable
            Data, also memory-mapped; or a function without arguments that gives the batches of a
            pass (it is called once per epoch).
        y : ignored
            For scikit-learn's sake.

        Raises
        ------
        ParameterError
            If a parameter is out of its range, or there are fewer rows than clusters.
        """
        self._check()
        rng = np.random.default_rng(self.random_state)
        sample = self._sample(X, rng)
        self.scale_ = float(np.sqrt(sample.var(axis=0).sum())) or 1.0
        self._start(sample)
        self._train(X, rng)
        if not callable(X):
            self.labels_ = self.predict(X)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Nearest centroid of each row [shape=(n,), dtype=int32], a few thousand rows at a time."""
        centroids = torch.from_numpy(self.cluster_centers_)
        labels = np.empty(len(X), np.int32)
        with torch.no_grad():
            for first in range(0, len(X), 16384):
                part = _tensor(X[first : first + 16384])
                alike = similarity(part, centroids, self.metric, self.scale_)
                labels[first : first + len(part)] = alike.argmax(dim=1).numpy()
        return labels

    def _check(self) -> None:
        limits = {"n_clusters": 1, "batch_size": 1, "max_epochs": 1, "max_clusters": 1}
        for name, least in limits.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise ParameterError(f"{name} is {value}; it must be at least {least}.")
        for name in ("temperature", "learning_rate"):
            if not getattr(self, name) > 0:
                raise ParameterError(f"{name} is {getattr(self, name)}; it must be above 0.")
        if self.metric not in ("angular", "euclidean") or self.redundancy < 0:
            raise ParameterError(
                f"metric is {self.metric!r} and redundancy {self.redundancy}; the metric is "
                "'angular' or 'euclidean', the redundancy at least 0."
            )

    def _batches(self, X: np.ndarray | Batches, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """Batches of one pass: runs of rows in random order, so that mapped files stay fast."""
        if callable(X):
            yield from X()
            return
        n, size = len(X), self.batch_size or len(X)
        if size >= n:
            yield np.asarray(X)
            return
        run = max(1, size // 64)
        runs = rng.permutation(-(-n // run))
        per_batch = max(1, size // run)
        for first in range(0, len(runs), per_batch):
            chosen = np.sort(runs[first : first + per_batch])
            yield np.concatenate([X[i * run : (i + 1) * run] for i in chosen])

    def _sample(self, X: np.ndarray | Batches, rng: np.random.Generator) -> np.ndarray:
        """Up to 20000 rows, drawn evenly from all batches (reservoir of batches for streams)."""
        if not callable(X):
            if len(X) == 0 or np.ndim(X) != 2:
                raise ParameterError(f"X has the shape {np.shape(X)}; give rows [n, D], n > 0.")
            chosen = np.sort(rng.permutation(len(X))[:_SAMPLE_ROWS])
            sample = np.asarray(X[chosen], np.float32)
        else:
            sample, weight = np.zeros((0, 0), np.float32), np.zeros(0)
            for part in X():
                rows = np.asarray(part, np.float32)
                sample = np.concatenate([sample.reshape(-1, rows.shape[1]), rows])
                weight = np.concatenate([weight, rng.random(len(rows))])
                keep = np.argsort(weight)[:_SAMPLE_ROWS]
                sample, weight = sample[keep], weight[keep]
        if len(sample) < max(1, self.n_clusters or 1) or not np.isfinite(sample).all():
            raise ParameterError(
                f"{len(sample)} rows are too few for {self.n_clusters} clusters, or not finite."
            )
        return self._prepared(sample)

    def _prepared(self, x: np.ndarray) -> np.ndarray:
        """Rows as the metric sees them."""
        if self.metric == "euclidean":
            return x
        lengths = np.linalg.norm(x, axis=1, keepdims=True)
        prepared: np.ndarray = x / np.maximum(lengths, 1e-12)
        return prepared

    def _start(self, sample: np.ndarray) -> None:
        """First centroids: spread over the sample, or by splitting."""
        if self.n_clusters is None:
            centers = split_while_not_normal(sample, self.max_clusters, self.random_state)
        else:
            centers, _ = kmeans_plusplus(sample, self.n_clusters, random_state=self.random_state)
            centers = _refined(sample, centers, 5)
        self.cluster_centers_ = centers.astype(np.float32)
        self.n_clusters_ = len(centers)

    def _train(self, X: np.ndarray | Batches, rng: np.random.Generator) -> None:
        """Gradient ascent with falling steps and falling temperature."""
        centroids = torch.from_numpy(self.cluster_centers_.copy()).requires_grad_(True)
        size = self.scale_ if self.metric == "euclidean" else 1.0
        rate = self.learning_rate * size / np.sqrt(centroids.shape[1])
        optimizer = torch.optim.Adam([centroids], lr=rate)
        self.objective_: list[float] = []
        n_epochs, epoch = self.max_epochs, 0
        while epoch < n_epochs:
            progress = epoch / n_epochs
            optimizer.param_groups[0]["lr"] = rate * (1 - progress) ** 2 + 1e-3 * rate
            temperature = self.temperature * 0.1**progress
            values = [
                self._step(_tensor(batch), centroids, optimizer, temperature)
                for batch in self._batches(X, rng)
            ]
            self.objective_.append(float(np.mean(values)))
            if epoch == 0:  # the first epoch tells how many steps there are in one
                n_epochs = max(1, min(self.max_epochs, 3000 // len(values)), 150 // len(values))
            epoch += 1
        self.cluster_centers_ = self._prepared(centroids.detach().numpy())

    def _step(
        self, x: Tensor, centroids: Tensor, optimizer: torch.optim.Optimizer, temperature: float
    ) -> float:
        """One step; returns the objective."""
        alike = similarity(x, centroids, self.metric, self.scale_)
        repeated = redundancy(centroids, self.metric, self.scale_)
        objective = coverage(alike, temperature) - self.redundancy * repeated
        optimizer.zero_grad()
        (-objective).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        return float(objective.detach())


def split_while_not_normal(x: np.ndarray, max_clusters: int, random_state: int = 0) -> np.ndarray:
    """Centroids found by splitting clusters that aren't normally distributed.

    Parameters
    ----------
    x : np.ndarray [shape=(n, D)]
        Rows.
    max_clusters : int > 0
        Limit.
    random_state : int, default 0
        Seed.

    Returns
    -------
    np.ndarray [shape=(K, D)]
        Means of the clusters.
    """
    centers, final = x.mean(axis=0, keepdims=True), np.zeros(1, bool)
    while not final.all() and len(centers) < max_clusters:
        labels = _nearest(x, centers)
        kept: list[np.ndarray] = []
        done: list[bool] = []
        for i, center in enumerate(centers):
            members = x[labels == i]
            room = len(centers) - i + len(kept) < max_clusters
            halves = None if final[i] or not room else _split(members, random_state)
            kept.extend([center] if halves is None else halves)
            done.extend([True] if halves is None else [False, False])
        centers, final = _refined(x, np.stack(kept), 10), np.array(done)
    return centers


def _split(members: np.ndarray, random_state: int) -> np.ndarray | None:
    """Two centroids if the members aren't one normal distribution along the line between them."""
    if len(members) < 8:
        return None
    start, _ = kmeans_plusplus(members, 2, random_state=random_state)
    halves = _refined(members, start, 20)
    direction = halves[1] - halves[0]
    line = members @ direction
    if line.std() < 1e-9 * (1 + np.abs(line).max()):
        return None
    return halves if anderson_darling(line) > _CRITICAL else None


def anderson_darling(x: np.ndarray) -> float:
    """Anderson-Darling statistic of normality, corrected for estimated mean and deviation."""
    z = np.sort((x - x.mean()) / x.std(ddof=1)).astype(np.float64)
    n = len(z)
    weights = 2 * np.arange(1, n + 1) - 1
    statistic = -n - (weights * (log_ndtr(z) + log_ndtr(-z[::-1]))).sum() / n
    return float(statistic * (1 + 0.75 / n + 2.25 / n**2))


def _nearest(x: np.ndarray, centers: np.ndarray) -> np.ndarray:
    labels: np.ndarray = np.argmin((centers**2).sum(axis=1) - 2 * x @ centers.T, axis=1)
    return labels


def _refined(x: np.ndarray, centers: np.ndarray, n_rounds: int) -> np.ndarray:
    """Centroids after some rounds of means; empty ones stay where they are."""
    centers = centers.copy()
    for _ in range(n_rounds):
        labels = _nearest(x, centers)
        for i in np.unique(labels):
            centers[i] = x[labels == i].mean(axis=0)
    return centers


def _tensor(x: np.ndarray) -> Tensor:
    return torch.from_numpy(np.require(x, np.float32, ["C", "W"]))
