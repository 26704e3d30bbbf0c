"""Novelty curves over sounds: checkerboard kernels on a band of self-similarity, and recurrence.

Two alternatives to change points, with candidates of the same kind. :func:`checkerboard` slides
squares of several sizes along the diagonal of the self-similarity matrix, of which only the
diagonals within the largest square are ever computed. :func:`recurrence_map` gives sounds
coordinates by what returns later in the recording, so that a section is new where another
*family* of sounds begins, even if single sounds in it are far apart.

References
----------
.. [1] Foote, "Automatic audio segmentation using a measure of audio novelty", 2000.
.. [2] McFee and Ellis, "Analyzing song structure with spectral clustering", 2014.
"""

from __future__ import annotations

import numpy as np
import scipy.ndimage
import scipy.sparse
import scipy.sparse.linalg
from sklearn.neighbors import NearestNeighbors

from .spacing import strongest_spaced

KERNEL_SECONDS = (2.0, 4.0, 8.0)


def checkerboard(
    phi: np.ndarray, seconds_per_row: float, kernel_seconds: tuple[float, ...] = KERNEL_SECONDS
) -> np.ndarray:
    """Checkerboard novelty of several kernel sizes.

    For each size: similarity within the stretch before plus similarity within the stretch after,
    minus twice the similarity between both; beyond its ends the recording is mirrored. Computed
    diagonal by diagonal with running sums, in O(N·K) time and memory for kernels of K rows.

    Parameters
    ----------
    phi : np.ndarray [shape=(N, r)]
        One vector per row of the time grid; products are similarities.
    seconds_per_row : float > 0
        Spacing of the grid.
    kernel_seconds : tuple of float > 0
        Length of the stretches on either side of a boundary.

    Returns
    -------
    np.ndarray [shape=(N - 1,)]
        Novelty of the places before row ``1 ... N - 1``, the mean over the sizes.
    """
    n = len(phi)
    sizes = sorted({max(1, min(round(s / seconds_per_row), n // 2)) for s in kernel_seconds})
    novelty = np.zeros(n - 1)
    reach = 2 * sizes[-1]
    padded = np.pad(phi, ((sizes[-1], reach), (0, 0)), mode="symmetric")
    for lag in range(reach):
        diagonal = np.einsum("nr,nr->n", padded[: len(padded) - lag], padded[lag:])
        running = np.concatenate([[0.0], np.cumsum(diagonal)])
        for size in sizes:
            novelty += _lag_share(running, lag, size, sizes[-1], n) / len(sizes)
    return novelty


def _lag_share(running: np.ndarray, lag: int, size: int, offset: int, n: int) -> np.ndarray:
    """What one diagonal adds to the novelty of one kernel size [shape=(n - 1,)]."""
    place = offset + np.arange(1, n)
    last = len(running) - 1

    def total(low: np.ndarray, high: np.ndarray) -> np.ndarray:
        low, high = np.clip(low, 0, last), np.clip(high, 0, last)
        part: np.ndarray = np.where(high > low, running[high] - running[low], 0.0)
        return part

    share = np.zeros(n - 1)
    twice = 1 if lag == 0 else 2  # pairs (i, j) and (j, i)
    if lag < size:
        inside = total(place - size, place - lag) + total(place, place + size - lag)
        share += twice * inside
    if 0 < lag < 2 * size:
        first = np.maximum(place - size, place - lag)
        share -= 2 * total(first, np.minimum(place, place + size - lag))
    return share / size**2


def recurrence_map(x: np.ndarray, n_dims: int = 8, n_neighbors: int | None = None) -> np.ndarray:
    """Coordinates of sounds in the graph of what sounds alike and what follows each other.

    Parameters
    ----------
    x : np.ndarray [shape=(n, D)]
        Features of consecutive sounds.
    n_dims : int > 0, default 8
        Dimensions: slowest vibrations of the graph.
    n_neighbors : int, optional
        Sounds each one is linked to; grows with the logarithm of ``n`` if None.

    Returns
    -------
    np.ndarray [shape=(n, n_dims)]
        Rows of length 1: products are similarities.
    """
    n = len(x)
    n_neighbors = min(n - 1, n_neighbors or 2 + int(np.ceil(2 * np.log2(max(n, 2)))))
    if n < 4 or n_neighbors < 1:
        return np.ones((n, 1))
    distances, neighbors = NearestNeighbors(n_neighbors=n_neighbors).fit(x).kneighbors()
    width = np.maximum(np.median(distances, axis=1), 1e-9 + 1e-3 * float(distances.mean()))
    rows = np.repeat(np.arange(n), n_neighbors)
    columns = neighbors.ravel()
    values = np.exp(-(distances.ravel() ** 2) / (width[rows] * width[columns]))
    alike = scipy.sparse.csr_matrix((values, (rows, columns)), shape=(n, n))
    alike = alike.maximum(alike.T)
    steps = np.exp(-((x[1:] - x[:-1]) ** 2).sum(axis=1) / (width[1:] * width[:-1]))
    path = scipy.sparse.diags([steps, steps], [-1, 1], format="csr")
    graph = alike / max(alike.sum() / n, 1e-9) + path / max(2 * steps.mean(), 1e-9)
    scale = scipy.sparse.diags(1 / np.sqrt(np.asarray(graph.sum(axis=1)).ravel() + 1e-9))
    normalised = scale @ graph @ scale
    n_dims = min(n_dims, n - 2)
    start = np.cos(np.arange(n))  # a fixed one: the same graph gives the same map
    _, vectors = scipy.sparse.linalg.eigsh(normalised, k=n_dims, which="LA", v0=start)
    vectors = scipy.ndimage.median_filter(vectors, size=(5, 1), mode="nearest")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    coordinates: np.ndarray = vectors / np.maximum(lengths, 1e-9)
    return coordinates


def peaks(novelty: np.ndarray, times: np.ndarray, min_seconds: float) -> np.ndarray:
    """Salience of local maxima; 0 elsewhere.

    Parameters
    ----------
    novelty : np.ndarray [shape=(n,)]
        A curve.
    times : np.ndarray [shape=(n,)]
        Its times in seconds.
    min_seconds : float >= 0
        Of two maxima nearer than this the higher one stays.

    Returns
    -------
    np.ndarray [shape=(n,)]
        The curve where it is a maximum, else 0.
    """
    salience = np.zeros(len(novelty))
    previous = np.concatenate([[-np.inf], novelty[:-1]])
    following = np.concatenate([novelty[1:], [-np.inf]])
    highest = np.flatnonzero((novelty > previous) & (novelty >= following) & (novelty > 0))
    kept = highest[strongest_spaced(times[highest], novelty[highest], min_seconds)]
    salience[kept] = novelty[kept]
    return salience
