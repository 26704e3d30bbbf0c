"""Kernel distance between the half-seconds of two sounds: what Fréchet's misses.

Fréchet's distance (:mod:`.distances`) sees one Gaussian; an output that only plays the mean of
two instruments is near. Here every half-second is compared with every other one.

Main names: :func:`kernel_distance`, :class:`Kernel`, :func:`patches`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .distances import SpectralStatistics, check_comparable

MAX_PATCHES = 1000
"Half-seconds of a corpus that are compared, chosen evenly."

_PATCH_SECONDS = 0.5
_WIDTHS = (0.5, 1.0, 2.0)


def patches(spectra: SpectralStatistics, on: str = "mfcc") -> np.ndarray:
    """Mean and deviation of the frames over half a second, every quarter, ``[patches, 2 K]``."""
    frames = spectra.frames(on)
    width = max(2, round(_PATCH_SECONDS * spectra.frame_rate))
    if len(frames) < width:
        return np.concatenate([frames.mean(0), frames.std(0)])[None]
    windows = np.lib.stride_tricks.sliding_window_view(frames, width, axis=0)[:: width // 2]
    return np.concatenate([windows.mean(axis=2), windows.std(axis=2)], axis=1)


@dataclass(frozen=True)
class Kernel:
    """Kernel that is scaled to a corpus, and what it says of the corpus itself.

    Attributes
    ----------
    corpus : np.ndarray [shape=(M, 2 K)]
        Patches of the corpus, scaled.
    scale : np.ndarray [shape=(2 K,)]
        What patches are divided by: the corpus' own deviation, and 1 dB more, for what doesn't
        vary in the corpus may vary a bit.
    width : float
        Median of the squared distances within the corpus.
    within : float
        Mean similarity of two patches of the corpus.
    """

    corpus: np.ndarray
    scale: np.ndarray
    width: float
    within: float

    @classmethod
    def of(cls, spectra: SpectralStatistics, on: str = "mfcc") -> Kernel:
        """Kernel for comparing with a corpus; those used last are kept."""
        return _kernel_of(spectra, on)

    def similarity(self, x: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Similarity 0 to 1 of each of the scaled patches ``x [n, 2 K]`` to each of ``z``."""
        return _similarity(_squared_distances(x, z), self.width)

    def scaled(self, spectra: SpectralStatistics, on: str) -> np.ndarray:
        """Patches of a sound as :meth:`similarity` takes them."""
        return _thinned(patches(spectra, on)) / self.scale

    def distance(self, within: float, across: float) -> float:
        """Distance from the mean similarities within a sound, and from it to the corpus."""
        return float(np.sqrt(max(0.0, within + self.within - 2 * across)))


@lru_cache(maxsize=4)
def _kernel_of(spectra: SpectralStatistics, on: str) -> Kernel:
    found = patches(spectra, on)
    scale = found.std(axis=0) + 1.0
    corpus = _thinned(found) / scale
    squared = _squared_distances(corpus, corpus)
    width = float(np.median(squared[squared > 0])) if (squared > 0).any() else 1.0
    within = mean_of_pairs(_similarity(squared, width).sum(), len(corpus))
    return Kernel(corpus, scale, width, within)


def mean_of_pairs(total: float, n: int) -> float:
    """Mean similarity of two *different* ones of ``n``, from the sum over all pairs."""
    return float((total - n) / (n * (n - 1))) if n > 1 else 1.0


def kernel_distance(a: SpectralStatistics, b: SpectralStatistics, on: str = "mfcc") -> float:
    """Kernel distance (maximum mean discrepancy) between the half-seconds of two sounds.

    ``sqrt(max(0, MMD²))`` with the unbiased estimate ``MMD² = E k(x, x') + E k(z, z') -
    2 E k(x, z)`` [1]_ over :func:`patches`, each coordinate divided by its deviation in ``b``,
    and ``k`` the mean of Gaussian kernels whose widths are 0.5, 1 and 2 times the median
    distance within ``b``.

    Parameters
    ----------
    a : SpectralStatistics
        The sound.
    b : SpectralStatistics
        The corpus: sets the scale.
    on : {"mfcc", "log_mel"}
        Spectral envelope, or every band.

    Returns
    -------
    float in [0, 1.42]
        0 for the same distribution.

    References
    ----------
    .. [1] A. Gretton et al., "A kernel two-sample test", JMLR 13, 2012, eq. 3.
    """
    check_comparable(a, b)
    kernel = Kernel.of(b, on)
    x = kernel.scaled(a, on)
    within = mean_of_pairs(kernel.similarity(x, x).sum(), len(x))
    return kernel.distance(within, float(kernel.similarity(x, kernel.corpus).mean()))


def _thinned(x: np.ndarray) -> np.ndarray:
    n = MAX_PATCHES
    return x if len(x) <= n else x[np.linspace(0, len(x) - 1, n).astype(int)]


def _squared_distances(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    squared = np.square(x).sum(1)[:, None] + np.square(z).sum(1) - 2 * x @ z.T
    return np.maximum(squared, 0)


def _similarity(squared: np.ndarray, width: float) -> np.ndarray:
    parts = [np.exp(-squared / (2 * width * w**2)) for w in _WIDTHS]
    similarity: np.ndarray = np.mean(parts, axis=0)
    return similarity
