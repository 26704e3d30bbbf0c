"""Where in a corpus does it sound as it did just now? An index that answers in bounded time.

Every place of the corpus is described by the spectra of the three quarters of a second before
it: the latest ones one by one, earlier ones as means over longer and longer stretches. Trees that
halve the places along random directions (Dasgupta and Freund, 2008) lead a question to a few
hundred candidates however long the corpus is; the best of these are compared as waveforms, which
also finds the sample at which the phases match. Main name: :class:`PlaceIndex`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ...analysis.frames import mel_weights
from ...audio.spectrum import power_spectra
from ...corpus.store import Corpus, open_corpus
from ...errors import ParameterError
from ...units import seconds_to_samples
from .seams import align

HOP_SECONDS, FRAME_SECONDS = 0.0232, 0.0464
_SPANS = (1, 1, 2, 4, 8, 16)  # frames per mean, the latest first
_N_MELS, _N_DIMS, _N_TREES, _LEAF = 20, 16, 8, 32
_N_PROBES = 4  # leaves of a tree that are looked into
_N_SHIFTS = 4  # places of a question within a hop
_N_COMPARED = 24  # candidates whose waveforms are compared
_FLOOR = 1.6e-6  # power of a band that counts as empty, times the samples of a frame
_AFTER_SECONDS = 0.3  # what must follow a place in its recording
_BLOCK_PLACES = 4096


@dataclass(frozen=True)
class Place:
    """A place of the corpus to go on at.

    Attributes
    ----------
    sample : int
        The first sample of the continuation.
    cost : float
        How badly it fits, in spectra and waveform: 0 is the very place, 1 or more any place.
    correlation : float
        Of the waveforms before it, from 0 to 1.
    """

    sample: int
    cost: float
    correlation: float


class PlaceIndex:
    """Places of a corpus by what sounds before them.

    Parameters
    ----------
    corpus : Corpus

    Raises
    ------
    ParameterError
        If no recording of the corpus is long enough (about 1.1 s).
    """

    def __init__(self, corpus: Corpus) -> None:
        self.signal, self.sample_rate = corpus.signal, corpus.sample_rate
        self.hop_length = max(_N_SHIFTS, round(HOP_SECONDS * corpus.sample_rate))
        self.frame_length = 2 * round(FRAME_SECONDS * corpus.sample_rate / 2)
        self.context = self.frame_length + (sum(_SPANS) - 1) * self.hop_length
        self._mel = mel_weights(self.sample_rate, self.frame_length, _N_MELS)
        blocks = list(self._blocks(corpus))
        if not blocks:
            raise ParameterError(
                "No recording of the corpus is long enough to find places in; "
                f"{(self.context / self.sample_rate) + _AFTER_SECONDS:.1f} s are needed."
            )
        self.samples = np.concatenate(
            [start + self.context + self.hop_length * np.arange(n) for start, n in blocks]
        )
        self._basis = self._fit(blocks)
        self.points = np.concatenate([self._described(*b) @ self._basis for b in blocks])
        rng = np.random.default_rng(0)
        pairs = self.points[rng.integers(len(self.points), size=(2, 1000))]
        self._typical = max(1e-6, float(np.median(np.linalg.norm(pairs[0] - pairs[1], axis=1))))
        self._trees = [_Tree(self.points, np.random.default_rng(i)) for i in range(_N_TREES)]

    def __len__(self) -> int:
        return len(self.samples)

    def find(self, y: np.ndarray) -> list[Place]:
        """Places that a sound could go on at, the best first.

        Parameters
        ----------
        y : np.ndarray [shape=(C, samples)]
            What sounded last, at the corpus' rate; 0.8 s are looked at.
        """
        mono = y.mean(0, dtype=np.float32)
        shift = self.hop_length // _N_SHIFTS
        needed = self.context + (_N_SHIFTS - 1) * shift
        mono = np.pad(mono[-needed:], (max(0, needed - len(mono)), 0))
        samples, distances = [], []
        for i in range(_N_SHIFTS):
            end = len(mono) - i * shift
            frames = self._frames(mono[end - self.context : end])
            point = (self._describe(frames) @ self._basis)[0]
            candidates = np.unique(np.concatenate([tree.near(point) for tree in self._trees]))
            distances.append(np.linalg.norm(self.points[candidates] - point, axis=1))
            samples.append(self.samples[candidates] + i * shift)
        sample, distance = np.concatenate(samples), np.concatenate(distances) / self._typical
        best = np.argsort(distance, kind="stable")[:_N_COMPARED]
        places = [self._in_phase(int(sample[i]), float(distance[i]), mono) for i in best]
        unique = {place.sample: place for place in sorted(places, key=lambda p: -p.cost)}
        return sorted(unique.values(), key=lambda p: p.cost)

    def _in_phase(self, sample: int, distance: float, mono: np.ndarray) -> Place:
        """The place near ``sample`` where the waveforms match best."""
        n, reach = self.frame_length, self.hop_length // 2
        start = max(0, sample - n - reach)
        stop = min(self.signal.shape[1], sample + reach)
        around = np.asarray(self.signal[:, start:stop]).mean(0, keepdims=True)
        lag, correlation = align(mono[None, -n:], around, patience=0.0)
        residual = math.sqrt(1 - correlation**2)  # what is left of one without the other
        return Place(start + lag + n, distance + residual, correlation)

    def _blocks(self, corpus: Corpus) -> Iterator[tuple[int, int]]:
        """First sample of the context of some places in a row, and how many they are."""
        after = seconds_to_samples(_AFTER_SECONDS, self.sample_rate)
        for start, stop in corpus.segments:
            n = (stop - start - after - self.context) // self.hop_length + 1
            for first in range(0, n, _BLOCK_PLACES):
                yield start + first * self.hop_length, min(_BLOCK_PLACES, n - first)

    def _described(self, start: int, n: int) -> np.ndarray:
        """Descriptions of the places of a block."""
        stop = start + self.context + (n - 1) * self.hop_length
        mono = np.asarray(self.signal[:, start:stop]).mean(0, dtype=np.float32)
        return self._describe(self._frames(mono))

    def _frames(self, mono: np.ndarray) -> np.ndarray:
        """Log-mel spectra ``[N, n_mels]`` of a mono sound."""
        power = power_spectra(mono[None], self.frame_length, self.hop_length, bands=self._mel)
        return np.log(np.concatenate([*power]) + _FLOOR / self.frame_length)

    def _describe(self, frames: np.ndarray) -> np.ndarray:
        """Means over the spans before every place, ``[n, len(_SPANS) * n_mels]``."""
        sums = np.concatenate([np.zeros((1, frames.shape[1])), np.cumsum(frames, 0, dtype=float)])
        n = len(frames) - sum(_SPANS) + 1
        parts, stop = [], len(sums) - 1
        for span in _SPANS:
            parts.append((sums[stop - n + 1 : stop + 1] - sums[stop - n + 1 - span :][:n]) / span)
            stop -= span
        return np.concatenate(parts, 1).astype(np.float32)

    def _fit(self, blocks: list[tuple[int, int]]) -> np.ndarray:
        """Directions in which places differ most, ``[dims, n_dims]``."""
        some = np.random.default_rng(0).permutation(len(blocks))[:16]
        x = np.concatenate([self._described(*blocks[i]) for i in some])
        _, directions = np.linalg.eigh(np.cov(x - x.mean(0), rowvar=False))
        return directions[:, : -_N_DIMS - 1 : -1].astype(np.float32)


class _Tree:
    """Halves points along one random direction per level, down to leaves of equal size."""

    def __init__(self, points: np.ndarray, rng: np.random.Generator) -> None:
        n = len(points)
        self.depth = max(0, int(np.ceil(np.log2(n / _LEAF))))
        leaf = -(-n // 2**self.depth)
        order = np.resize(rng.permutation(n).astype(np.int32), leaf * 2**self.depth)
        self.directions = rng.standard_normal((self.depth, points.shape[1])).astype(np.float32)
        self.thresholds: list[np.ndarray] = []
        for level, direction in enumerate(self.directions):
            rows = order.reshape(2**level, -1)
            values = (points @ direction)[rows]
            half = rows.shape[1] // 2
            ranks = np.argpartition(values, half, axis=1)
            order = np.take_along_axis(rows, ranks, 1)
            self.thresholds.append(np.take_along_axis(values, ranks[:, half : half + 1], 1)[:, 0])
        self.leaves = order.reshape(2**self.depth, leaf)

    def near(self, point: np.ndarray) -> np.ndarray:
        """Indices of points in the leaf that a point falls into, and in those it nearly fell into.

        Those are reached by turning the other way where the decision was closest.
        """
        values = self.directions @ point
        path = self._descend(values, 0, 0)
        margins = [abs(v - t[n]) for v, t, n in zip(values, self.thresholds, path, strict=False)]
        leaves = {path[-1]}
        for level in np.argsort(margins)[: _N_PROBES - 1]:
            leaves.add(self._descend(values, int(level) + 1, path[level + 1] ^ 1)[-1])
        return self.leaves[sorted(leaves)].ravel()

    def _descend(self, values: np.ndarray, level: int, node: int) -> list[int]:
        """Nodes from ``node`` at ``level`` down to a leaf."""
        path = [node]
        for value, thresholds in zip(values[level:], self.thresholds[level:], strict=True):
            path.append(2 * path[-1] + int(value >= thresholds[path[-1]]))
        return path


def index_of(corpus: Corpus) -> PlaceIndex:
    """Index of a corpus, built the first time it is asked for."""
    return _built(corpus.path, corpus.hash)


@lru_cache(maxsize=2)
def _built(path: Path, corpus_hash: str) -> PlaceIndex:
    return PlaceIndex(open_corpus(path))
