"""A similarity between sounds that compares distributions, in memory that grows linearly.

:func:`kernel_map` gives each sound a vector whose scalar products are similarities (radial basis
functions of several widths). Means of such vectors describe a whole section by *all* of its
sounds, not by an average sound that nobody played; their distance is the maximum mean
discrepancy. Exact up to a few hundred sounds, a Nyström approximation beyond.

References
----------
.. [1] Gretton et al., "A kernel two-sample test", 2012.
.. [2] Williams and Seeger, "Using the Nyström method to speed up kernel machines", 2001.
"""

from __future__ import annotations

import numpy as np

QUANTILES = (0.05, 0.2, 0.5)
"Widths of the kernel: quantiles of the squared distances between sounds."


def kernel_map(x: np.ndarray, n_landmarks: int = 320) -> np.ndarray:
    """Map features to vectors whose products are similarities.

    Parameters
    ----------
    x : np.ndarray [shape=(n, D)]
        Features.
    n_landmarks : int > 0, default 320
        Rows (evenly spread over ``x``) that the others are compared with; with as many rows or
        fewer the map is exact.

    Returns
    -------
    np.ndarray [shape=(n, r)]
        ``phi`` with ``phi @ phi.T`` = similarities between 0 and 1; every row of an exact map
        has length 1.
    """
    n = len(x)
    chosen = np.unique(np.linspace(0, n - 1, min(n, n_landmarks)).round().astype(int))
    landmarks = x[chosen]
    among = squared_distances(landmarks, landmarks)
    off_diagonal = among[~np.eye(len(among), dtype=bool)]
    positive = off_diagonal[off_diagonal > 1e-12]
    widths = np.quantile(positive, QUANTILES) if len(positive) else np.ones(len(QUANTILES))
    spectrum, vectors = np.linalg.eigh(_similarity(among, widths))
    keep = spectrum > 1e-8 * spectrum[-1]
    projection = vectors[:, keep] / np.sqrt(spectrum[keep])
    phi = np.empty((n, int(keep.sum())))
    for first in range(0, n, 4096):
        part = squared_distances(x[first : first + 4096], landmarks)
        phi[first : first + 4096] = _similarity(part, widths) @ projection
    return phi


def squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Squared Euclidean distances between the rows [shape=(n_a, n_b)]."""
    products = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    distances: np.ndarray = np.maximum(products, 0)
    return distances


def _similarity(distances: np.ndarray, widths: np.ndarray) -> np.ndarray:
    similarity: np.ndarray = np.mean([np.exp(-distances / width) for width in widths], axis=0)
    return similarity


def group_means(phi: np.ndarray, groups: np.ndarray, n_groups: int) -> np.ndarray:
    """Mean vector of each group [shape=(n_groups, r)]."""
    sums = np.zeros((n_groups, phi.shape[1]))
    np.add.at(sums, groups, phi)
    means: np.ndarray = sums / np.maximum(np.bincount(groups, minlength=n_groups), 1)[:, None]
    return means


def principal_components(x: np.ndarray, n_dims: int) -> np.ndarray:
    """Coordinates along the directions of most variance [shape=(n, n_dims)].

    Signs are fixed (the largest coordinate of each direction is positive); missing dimensions
    are zero.
    """
    centred = x - x.mean(axis=0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    coordinates = u[:, :n_dims] * s[:n_dims]
    largest = coordinates[np.abs(coordinates).argmax(axis=0), np.arange(coordinates.shape[1])]
    coordinates = coordinates * np.where(largest < 0, -1, 1)
    padding = n_dims - coordinates.shape[1]
    return np.pad(coordinates, ((0, 0), (0, padding))) if padding > 0 else coordinates
