"""Families of like sounds: segments described, compared and clustered.

:func:`cluster` is the front door. A segment is compared by all the sounds in it: each is
described by a chain of features, and the segments are as far apart as the distributions of
their sounds are. On that, any of several methods makes clusters. Main names: :func:`cluster`,
:class:`Clustering`, :data:`METHODS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_score

from ..arguments import Count, PathArg, Position, Samples, Seed, checked
from ..config import did_you_mean, shown
from ..errors import ParameterError
from ..progress import Progress, Watch
from .analysis import Analysis
from .describe import DEFAULT_CHAIN, Chain, describe, discriminate, standardise
from .kernels import group_means, kernel_map, principal_components
from .methods import METHODS
from .segmentation import Segmentation, as_samples

N_DIMS = 10
"Dimensions that segments are clustered in."
MOST_PAIRS = 12000
"Segments up to which methods that compare all pairs are used."
MOST_TRIED = 16
"Largest number of clusters that is tried where none is given."
Segments = Segmentation | Sequence[tuple[float, float]] | float | None
Features = Chain | np.ndarray | Callable[[np.ndarray, int], np.ndarray]


@dataclass(frozen=True, eq=False)
class Clustering:
    """Segments and the cluster of each.

    Attributes
    ----------
    labels : np.ndarray [shape=(n,), dtype=int64]
        Cluster of each segment; 0 is the largest, -1 belongs to none (HDBSCAN only).
    names : tuple of str
        What each cluster is called: letters to begin with.
    features : np.ndarray [shape=(n, D)]
        What the segments are like, standardised.
    vectors : np.ndarray [shape=(n, N_DIMS)]
        Places of the segments in the space that was clustered.
    segmentation : Segmentation
        The segments.
    method : str
        How they were clustered.
    """

    labels: np.ndarray
    names: tuple[str, ...]
    features: np.ndarray
    vectors: np.ndarray
    segmentation: Segmentation
    method: str

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def n_clusters(self) -> int:
        """Number of clusters, without the segments that belong to none."""
        return len(self.names)

    @property
    def segments(self) -> list[tuple[float, float]]:
        """Start and stop of every segment in seconds."""
        return self.segmentation.segments

    @property
    def named_labels(self) -> tuple[str, ...]:
        """Name of the cluster of each segment; "none" for those that belong to none."""
        return tuple(self.names[label] if label >= 0 else "none" for label in self.labels)

    @cached_property
    def embedding(self) -> np.ndarray:
        """Map of the segments, like ones near each other [shape=(n, 2)], within -1 and 1.

        Neighbourhoods (t-SNE) from 8 to 3000 segments, else the two directions of most variance.
        """
        n = len(self)
        if 8 <= n <= 3000:
            model = TSNE(perplexity=min(30.0, (n - 1) / 3), init="pca", random_state=0)
            places = model.fit_transform(self.vectors)
        else:
            places = principal_components(self.vectors, 2)
        places = places - places.mean(axis=0) if n else places.reshape(0, 2)
        scaled: np.ndarray = places / max(float(np.abs(places).max(initial=0)), 1e-12)
        return scaled

    @checked
    def rename(self, names: Mapping[int, str]) -> Clustering:
        """Same clusters, some of them under other names.

        Parameters
        ----------
        names : dict
            New name by cluster.
        """
        unknown = [label for label in names if not 0 <= label < self.n_clusters]
        if unknown:
            raise ParameterError(
                f"There is no cluster {unknown[0]}, only 0 to {self.n_clusters - 1}."
            )
        called = [str(names.get(label, name)) for label, name in enumerate(self.names)]
        return replace(self, names=tuple(called))

    @checked
    def merge(self, clusters: Sequence[int]) -> Clustering:
        """Some clusters joined under the name of the first; all are numbered by size again."""
        chosen = list(clusters)
        if not chosen or not all(0 <= label < self.n_clusters for label in chosen):
            raise ParameterError(
                f"Merge some of the clusters 0 to {self.n_clusters - 1}, not {chosen}."
            )
        joined = np.where(np.isin(self.labels, chosen), chosen[0], self.labels)
        return self._numbered(joined, self.names)

    @checked
    def split(self, cluster: int, n_clusters: Count = 2, seed: Seed = 0) -> Clustering:
        """One cluster split into several; all are numbered by size again.

        Parameters
        ----------
        cluster : int
            Which one.
        n_clusters : int > 1, default 2
            Into how many.
        seed : int, default 0
            For k-means, which splits it.
        """
        members = np.flatnonzero(self.labels == cluster)
        if not 2 <= n_clusters <= len(members):
            raise ParameterError(
                f"Cluster {cluster} has {len(members)} segments and can't be split into "
                f"{n_clusters}."
            )
        parts = METHODS["kmeans"](self.vectors[members], self.vectors[members], n_clusters, seed)
        labels = self.labels.copy()
        labels[members] = np.where(parts == 0, cluster, self.n_clusters + parts - 1)
        added = [f"{self.names[cluster]}{i + 1}" for i in range(1, n_clusters)]
        return self._numbered(labels, [*self.names, *added])

    @checked
    def assign(self, segments: Sequence[int], name: str) -> Clustering:
        """Some segments given to a cluster; one of a new name is made.

        Parameters
        ----------
        segments : list of int
            Which segments, counted from 0.
        name : str
            What the cluster is called.
        """
        chosen = np.asarray(segments, np.int64)
        if not len(chosen) or chosen.min() < 0 or chosen.max() >= len(self):
            raise ParameterError(f"Assign some of the segments 0 to {len(self) - 1}, not {chosen}.")
        if not name.strip() or name == "none":
            raise ParameterError(f"A cluster can't be called {name!r}; give it a name.")
        names = list(self.names) if name in self.names else [*self.names, name]
        labels = self.labels.copy()
        labels[chosen] = names.index(name)
        return self._numbered(labels, names)

    def _numbered(self, labels: np.ndarray, names: Sequence[str]) -> Clustering:
        """Same segments with other labels; clusters that lost all their segments are gone."""
        numbered, order = number_by_size(labels)
        return replace(self, labels=numbered, names=tuple(names[i] for i in order))

    def to_segmentation(self) -> Segmentation:
        """The segments, each labelled by the name of its cluster."""
        return self.segmentation.with_labels(self.named_labels)

    @checked
    def export(
        self,
        folder: PathArg,
        formats: str | Sequence[str] = ("audacity", "csv", "json"),
        y: Samples | None = None,
        name: str = "clusters",
        fade_seconds: Position = 0.0,
        overwrite: bool = False,
    ) -> list[Path]:
        """Write the labelled segments, as :meth:`Segmentation.export` does.

        "bounce" and "sonic_pi" make a file or a folder per cluster.
        """
        labelled = self.to_segmentation()
        return labelled.export(folder, formats, y, name, fade_seconds, overwrite)


def cluster(
    y: np.ndarray,
    sr: int,
    segments: Segments = None,
    n_clusters: int | None = None,
    method: str = "auto",
    features: Features = DEFAULT_CHAIN,
    seed: int = 0,
    *,
    progress: Watch | None = None,
) -> Clustering:
    """Cluster the segments of a recording by how they sound.

    Parameters
    ----------
    y : np.ndarray [shape=(N,) or (C, N)]
        The recording.
    sr : int > 0
        Its rate in Hz.
    segments : Segmentation, list of (start, stop) or float, optional
        What to cluster: a result of :func:`segment`, times in seconds, or a number of seconds for
        even frames. The events of the recording if None.
    n_clusters : int > 0, optional
        Number of clusters; found from the data if None.
    method : str, default "auto"
        "kmeans", "agglomerative", "spectral", "hdbscan", "qcluster" or "gmeans"; "auto" takes
        "spectral" for segments of several sounds each, "kmeans" for single sounds.
    features : list of str, dict of float, np.ndarray [shape=(n, D)] or callable, optional
        Names out of "mfcc", "shape", "envelope", "registers" and "chroma" and tracks of features
        (:func:`mimikit_nb.learned_features` makes one), maybe with weights; or numbers for each
        segment; or a function of the samples of a segment and the rate.
    seed : int, default 0
        For the methods that draw at random; the same seed gives the same clusters.
    progress : Progress or callable, optional
        Told how far it is; a function is called with it, and what it raises ends the work.

    Returns
    -------
    Clustering
        With ``.labels`` numbered by size, ``.names``, ``.features``, ``.embedding`` and
        ``.export(...)``.

    Raises
    ------
    ParameterError
        If the segments, the method, the features or the number of clusters can't be used.
    """
    if method != "auto" and method not in METHODS:
        raise ParameterError(
            f"Unknown method {method!r}. {did_you_mean(method, ['auto', *METHODS])}"
        )
    progress = Progress.of(progress)
    found = _as_segmentation(y, sr, segments, progress.part(0.0, 0.4))
    if n_clusters is not None and not 1 <= n_clusters <= max(1, len(found)):
        raise ParameterError(
            f"n_clusters is {n_clusters}; for {len(found)} segments it must be 1 to {len(found)}."
        )
    described, owner = _described(found, features, progress.part(0.4, 0.7))
    rich = _is_rich(owner, len(found))
    compared = discriminate(described, owner, 12) if rich else described
    means = group_means(kernel_map(compared), owner, len(found)) if len(found) else described
    vectors = _vectors(means)
    if method == "auto":
        method = "spectral" if rich and len(found) <= 2000 else "kmeans"
    described = group_means(described, owner, len(found))
    part = progress.part(0.7, 1.0)
    raw = _fitted(method, vectors, means, described, n_clusters, seed, part)
    if found.analysis is not None:
        found.analysis.progress = Progress()
    labels, order = number_by_size(raw)
    names = tuple(_letters(i) for i in range(len(order)))
    return Clustering(labels, names, described, vectors, found, method)


def number_by_size(labels: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Labels numbered from the largest cluster on; negative ones stay -1.

    Returns
    -------
    labels : np.ndarray [shape=(n,), dtype=int64]
        New labels; of equally large clusters the first in time comes first.
    order : list of int
        Old label of each new one.
    """
    kept, first, counts = np.unique(labels[labels >= 0], return_index=True, return_counts=True)
    order = [int(kept[i]) for i in np.lexsort((first, -counts))]
    numbers = {old: new for new, old in enumerate(order)}
    return np.array([numbers.get(int(label), -1) for label in labels], np.int64), order


def _as_segmentation(
    y: np.ndarray, sr: int, segments: Segments, progress: Progress
) -> Segmentation:
    """Segments of any kind, with an analysis of the recording."""
    if isinstance(segments, Segmentation):
        same = segments.analysis is not None and _is_same(segments.analysis.y, np.asarray(y))
        analysis = segments.analysis if same else Analysis(y, sr, progress=progress)
        if (segments.sample_rate, segments.n_samples) != (sr, np.shape(y)[-1]):
            raise ParameterError(
                f"The segments belong to {segments.n_samples} samples at "
                f"{segments.sample_rate} Hz, y has {np.shape(y)[-1]} at {sr} Hz."
            )
        return replace(segments, analysis=analysis)
    analysis = Analysis(y, sr, progress=progress)
    nothing = np.zeros(0, np.int64)
    empty = Segmentation(sr, analysis.n_samples, nothing, nothing, (), analysis=analysis)
    if segments is None:
        return empty.at_level("events")
    if isinstance(segments, (int, float)):
        if not segments > 0 or segments * sr < 1:
            raise ParameterError(
                f"segments is {segments}; as seconds per frame it must be above 0."
            )
        edges = np.arange(0, analysis.n_samples / sr, segments)
        stops = np.append(edges[1:], analysis.n_samples / sr)
        segments = list(zip(edges, stops, strict=True))
    starts, stops, labels = as_samples(segments, None, sr, analysis.n_samples)
    order = _given_order(segments, starts, sr)
    return replace(empty, starts=starts[order], stops=stops[order], labels=labels)


def _is_same(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays are views of the same samples."""
    here = a.__array_interface__["data"] == b.__array_interface__["data"]
    return here and (a.shape, a.strides, a.dtype) == (b.shape, b.strides, b.dtype)


def _given_order(
    segments: Sequence[tuple[float, float]], starts: np.ndarray, sr: int
) -> np.ndarray:
    """Indices that undo the sorting by time, so that labels come in the order of the input."""
    times = np.round(np.asarray(segments, np.float64).reshape(-1, 2) * sr)
    order = np.lexsort((times[:, 1], times[:, 0]))
    back: np.ndarray = np.argsort(order, kind="stable")
    return back


def _described(
    found: Segmentation, features: Features, progress: Progress
) -> tuple[np.ndarray, np.ndarray]:
    """Features of all sounds [shape=(m, D)] and the segment of each [shape=(m,)]."""
    analysis, everyone = found.analysis, np.arange(len(found))
    assert analysis is not None
    if callable(features):
        features = _asked(features, analysis.mono, found)
    if isinstance(features, np.ndarray):
        if features.ndim != 2 or len(features) != len(found) or not np.isfinite(features).all():
            raise ParameterError(
                f"features have the shape {features.shape}; {len(found)} segments need "
                f"[{len(found)}, D] finite numbers."
            )
        return standardise(features.astype(np.float64)), everyone
    owner, starts, stops = _sounds(found, analysis.onset_samples)
    if not _is_rich(owner, len(found)):  # single sounds, and some that fell apart
        owner, starts, stops = everyone, found.starts, found.stops
    frames = analysis.frames
    return describe(analysis.mono, frames, starts, stops, features, progress), owner


def _asked(
    function: Callable[[np.ndarray, int], np.ndarray], mono: np.ndarray, found: Segmentation
) -> np.ndarray:
    """What a function of the user's says of each segment [shape=(n, D)]."""
    rows = [
        np.ravel(function(mono[a:b], found.sample_rate))
        for a, b in zip(found.starts, found.stops, strict=True)
    ]
    try:
        return np.stack(rows).astype(np.float64) if rows else np.zeros((0, 1))
    except (TypeError, ValueError):
        raise ParameterError(
            "The function of features must return as many numbers for each segment, not "
            f"{shown(rows[0])}."
        ) from None


def _is_rich(owner: np.ndarray, n_segments: int) -> bool:
    """Whether segments have several sounds each, by which they can be compared."""
    return len(owner) >= 1.5 * n_segments and n_segments >= 3


def _sounds(found: Segmentation, onsets: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Segments cut at the onsets inside them: segment, start and stop of each sound."""
    margin = round(0.05 * found.sample_rate)
    owner: list[int] = []
    starts: list[int] = []
    stops: list[int] = []
    for i, (start, stop) in enumerate(zip(found.starts, found.stops, strict=True)):
        low, high = np.searchsorted(onsets, [start + margin, stop - margin])
        edges = [int(start), *onsets[low : max(low, high)].tolist(), int(stop)]
        owner += [i] * (len(edges) - 1)
        starts += edges[:-1]
        stops += edges[1:]
    return np.array(owner, np.int64), np.array(starts, np.int64), np.array(stops, np.int64)


def _vectors(means: np.ndarray) -> np.ndarray:
    """Segments as directions in the space of most variance [shape=(n, N_DIMS)]."""
    if len(means) < 2:
        return np.zeros((len(means), N_DIMS))
    places = principal_components(means, N_DIMS)
    lengths = np.linalg.norm(places, axis=1, keepdims=True)
    vectors: np.ndarray = places / np.maximum(lengths, 1e-12)
    return vectors


def _fitted(
    method: str,
    vectors: np.ndarray,
    means: np.ndarray,
    described: np.ndarray,
    n_clusters: int | None,
    seed: int,
    progress: Progress,
) -> np.ndarray:
    """Labels as the method gives them; of several numbers of clusters the clearest."""
    n = len(vectors)
    if n < 3 or n_clusters == 1:
        return np.arange(n) if n_clusters == n else np.zeros(n, np.int64)
    if method in ("agglomerative", "spectral") and n > MOST_PAIRS:
        raise ParameterError(
            f"{method!r} compares all pairs of segments, {n} are too many (at most {MOST_PAIRS}); "
            "take 'kmeans' or 'gmeans'."
        )
    fit = METHODS[method]
    if n_clusters is not None or method in ("hdbscan", "qcluster", "gmeans"):
        return fit(vectors, means, n_clusters, seed)
    judged = principal_components(described, N_DIMS)
    best, chosen = -np.inf, np.zeros(n, np.int64)
    most = min(MOST_TRIED, n - 1)
    for k in range(2, most + 1):
        progress.tell(k - 2, most)
        labels = fit(vectors, means, k, seed)
        if not 1 < len(np.unique(labels)) < n:
            continue
        score = silhouette_score(judged, labels, sample_size=min(n, 2000), random_state=seed)
        if score > best:
            best, chosen = float(score), labels
    return chosen


def _letters(number: int) -> str:
    """A, B ... Z, AA, AB ..."""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
