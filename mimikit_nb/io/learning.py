"""Learned features and a corpus: fitting them to it, and their values all over it.

The values are computed once for all, at every place of the feature's grid, instead of anew in
every batch. Those of a long corpus are kept beside it, in ``<corpus>.values``, under the hashes of
corpus and feature: the four that were used last.

Main names: :func:`fit_features`, :func:`corpus_values`.
"""

from __future__ import annotations

import math
import os
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

import numpy as np
import torch
from torch import Tensor

from ..audio.atomic import replacing
from ..errors import ConfigError
from ..features.learned import LearnedFeature, Sound
from .digest import digest_of
from .gather import MIX, Origin, Source, gather
from .variable import IOSpec

Segment = tuple[int, int]
"First sample of a stretch of the corpus, and the first sample after it."

_KEPT_FROM = 2**15
"""Values of corpora with so many places are kept on disk: a quarter of an hour, as a rule."""


_MOST_KEPT = 4
"""Files of values beside a corpus; of more, those go that were not used for longest."""

_NAME = re.compile(r"[0-9a-f]{16}-[0-9a-f]{16}\.npy")


class KeptSource(Source, Protocol):
    """A source that lies in a file."""

    path: Path
    "The file."
    hash: str
    "Digest of what it holds."


def fit_features(io: IOSpec, corpus: Source, segments: Sequence[Segment]) -> IOSpec:
    """Variables whose learned features have been fitted to stretches of a corpus.

    Parameters
    ----------
    io : IOSpec
        The variables; returned as they are if there is nothing to fit.
    corpus : Corpus
        What is fitted to, each channel for itself or their mix, as ``io`` reads them.
    segments : sequence of (start, stop)
        The part of the corpus to fit to.

    Raises
    ------
    FeatureError
        If there is too little sound.
    ConfigError
        If a feature is to be learned at another rate than that of the corpus.
    """
    missing = {name: f for name, f in io.learned.items() if not f.is_learned}
    if not missing:
        return io
    stretches = stretches_of(io, corpus, segments)
    fitted = {name: f.tensors for name, f in io.learned.items() if f.is_learned}
    for name in missing:
        rate = io.variables[name].sample_rate or io.sample_rate
        if rate != corpus.sample_rate:
            raise ConfigError(
                f"Variable {name!r} learns its feature from sound at {rate} Hz, but the corpus has "
                f"{corpus.sample_rate} Hz; build the corpus with sample_rate={rate}."
            )
        feature = io.variables[name].feature.build(rate)
        assert isinstance(feature, LearnedFeature)
        feature.fit(stretches)
        fitted[name] = feature.tensors
    return io.with_tensors(fitted)


def stretches_of(
    io: IOSpec, corpus: Source, segments: Sequence[Segment]
) -> list[tuple[int, Sound]]:
    """Length of each stretch, and what reads it, in the channels that rows are read from."""
    return [
        (stop - start, _reader(corpus, start, channel))
        for channel in channels_of(io, corpus)
        for start, stop in segments
    ]


def channels_of(io: IOSpec, corpus: Source) -> list[int]:
    """Channels that rows of batches are read from."""
    return [MIX] if io.channels == "mix" else list(range(corpus.signal.shape[0]))


def _reader(corpus: Source, first: int, channel: int) -> Sound:
    def read(start: int, stop: int) -> Tensor:
        return gather(corpus.signal, [Origin(first, channel)], start, stop)[0]

    return read


@dataclass(frozen=True)
class CorpusValues:
    """Values of a learned feature at every place of its grid in a corpus.

    Attributes
    ----------
    values : np.ndarray [shape=(R, N, dim), dtype=float16]
        A row per channel; the item at place ``n`` begins with sample ``n * grid``.
    channels : list of int
        The channel of each row.
    grid, stride : int
        Of the feature.
    """

    values: np.ndarray
    channels: list[int]
    grid: int
    stride: int

    def items(self, origins: Sequence[Origin], first: int, n: int) -> Tensor:
        """Items ``first ... first + n`` from each origin, ``[B, n, dim]``; origins on the grid."""
        steps = self.stride * np.arange(first, first + n)
        row = [self.channels.index(origin.channel) for origin in origins]
        place = np.array([origin.sample // self.grid for origin in origins])
        found = self.values[np.array(row)[:, None], place[:, None] + steps]
        return torch.from_numpy(found.astype(np.float32))

    def stretches(self, segments: Sequence[Segment], frame_length: int) -> Iterator[np.ndarray]:
        """Values ``[n, dim]`` at all places whose items lie within each segment, by channel."""
        for values in self.values:
            for start, stop in segments:
                first, last = -(-start // self.grid), (stop - frame_length) // self.grid + 1
                if last > first:
                    yield values[first:last]


def corpus_values(feature: LearnedFeature, io: IOSpec, corpus: KeptSource) -> CorpusValues:
    """Values of a learned feature all over a corpus, computed or found beside it.

    Parameters
    ----------
    feature : LearnedFeature
        With its tensors, at the corpus' own sample rate.
    io : IOSpec
        Says which channels are read.
    corpus : Corpus
    """
    channels = channels_of(io, corpus)
    signal = corpus.signal
    n_places = (signal.shape[1] - feature.axis.frame_length) // feature.grid + 1
    shape = (len(channels), max(0, n_places), feature.kind.dim)
    if n_places < _KEPT_FROM:
        values = np.empty(shape, np.float16)
        _fill(values, feature, corpus, channels)
    else:
        values = _kept(shape, feature, corpus, channels)
    return CorpusValues(values, channels, feature.grid, feature.grid_stride)


def _kept(
    shape: tuple[int, ...], feature: LearnedFeature, corpus: KeptSource, channels: list[int]
) -> np.ndarray:
    """Values mapped from the file beside the corpus, which is written if need be.

    Where it can't be, they are kept in a temporary file.
    """
    about = repr((type(feature).__name__, feature.axis, feature.grid, channels))
    name = f"{corpus.hash[:16]}-{digest_of(about, feature.tensors)[:16]}.npy"
    path = corpus.path.with_suffix(".values") / name
    with suppress(OSError, ValueError):
        found = np.load(path, mmap_mode="r")
        if found.shape == shape and found.dtype == np.float16:
            os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
            return found
    with suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        with replacing(path) as temporary:
            made = np.lib.format.open_memmap(temporary, "w+", np.float16, shape)
            with temporary.open("r+b") as file:
                _claim(file, made.nbytes)
            _fill(made, feature, corpus, channels)
            made.flush()
        found = np.load(path, mmap_mode="r")
        _forget_others(path)
        return found
    with tempfile.TemporaryFile() as file:  # the mapping outlives it
        _claim(file, 2 * math.prod(shape))
        made = np.memmap(file, np.float16, "w+", shape=shape)
    _fill(made, feature, corpus, channels)
    return made


def _forget_others(path: Path) -> None:
    """Delete the values beside a file that were not used for longest, of which there are many.

    A training fits its features anew, so that every seed has values of its own. They can be
    computed again; nothing is deleted that isn't named as they are.
    """
    with suppress(OSError):
        others = [p for p in path.parent.iterdir() if _NAME.fullmatch(p.name) and p != path]
        others.sort(key=lambda p: p.stat().st_atime_ns, reverse=True)
        for other in others[_MOST_KEPT - 1 :]:
            other.unlink(missing_ok=True)


def _claim(file: IO[bytes], n_bytes: int) -> None:
    """Have the disk keep room: to write into a mapping that finds none ends the process."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, n_bytes)


def _fill(
    values: np.ndarray, feature: LearnedFeature, corpus: Source, channels: Sequence[int]
) -> None:
    """Compute the values block by block, in constant memory."""
    for row, channel in zip(values, channels, strict=True):
        first = 0
        for block in feature.grid_blocks(corpus.signal.shape[1], _reader(corpus, 0, channel)):
            row[first : first + len(block)] = block.half().numpy()
            first += len(block)
