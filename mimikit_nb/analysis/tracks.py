"""Segments and clusters as labels of a corpus: what training and generation can use.

A track of a corpus holds stretches and what they are called. :func:`write_track` keeps a
segmentation or a clustering there, :func:`read_track` gives it back.
"""

from __future__ import annotations

import numpy as np

from ..arguments import checked
from ..corpus.store import Corpus
from ..corpus.tracks import LabelTrack, Track
from ..errors import CorpusError, ParameterError
from .clustering import Clustering
from .segmentation import Segmentation


@checked
def write_track(
    found: Segmentation | Clustering,
    corpus: Corpus,
    track: str,
    overwrite: bool = False,
    numbered: bool = False,
) -> str:
    """Keep segments, or clusters, as labels of the corpus they were found in.

    Parameters
    ----------
    found : Segmentation or Clustering
        Segments keep their labels, clusters the names of theirs. What goes across the end of a
        recording is cut there.
    corpus : Corpus
        The corpus.
    track : str
        Name of the track.
    overwrite : bool, default False
        Whether a track of this name may be replaced.
    numbered : bool, default False
        Whether to take the next free name (``<track>_002`` ...) if there is another track of this
        name.

    Returns
    -------
    str
        Name of the track. One that holds the same labels already is left as it is.

    Raises
    ------
    CorpusError
        If there is such a track already, or it can't be written.
    ParameterError
        If the segments belong to another sound than the corpus.

    Examples
    --------
    >>> found = mnb.segment(corpus, n_segments=30)
    >>> mnb.write_track(found, corpus, "parts")
    'parts'
    >>> len(mnb.read_track(corpus, "parts")) == len(found)
    True
    """
    segments = found.to_segmentation() if isinstance(found, Clustering) else found
    sizes = (segments.sample_rate, segments.n_samples)
    if sizes != (corpus.sample_rate, corpus.n_samples):
        raise ParameterError(
            f"The segments belong to {segments.n_samples} samples at {segments.sample_rate} Hz, "
            f"{corpus.name} has {corpus.n_samples} at {corpus.sample_rate} Hz."
        )
    wanted = LabelTrack.of(*_within_files(segments, corpus), corpus.n_samples)
    name, number, tracks = track, 1, corpus.tracks
    while name in tracks and not _is_same(tracks[name], wanted) and numbered and not overwrite:
        number += 1
        name = f"{track}_{number:03d}"
    if name not in tracks or not _is_same(tracks[name], wanted):
        corpus.write_labels(name, wanted.start, wanted.stop, wanted.label, overwrite)
    return name


@checked
def read_track(corpus: Corpus, track: str) -> Segmentation:
    """Segments that a track of a corpus holds.

    Parameters
    ----------
    corpus : Corpus
        The corpus.
    track : str
        Name of a label track.

    Returns
    -------
    Segmentation
        In order of time, labelled as in the track.

    Raises
    ------
    CorpusError
        If there is no such track, or it holds values instead of labels.

    Examples
    --------
    >>> name = mnb.write_track(mnb.segment(corpus, n_segments=30), corpus, "events")
    >>> mnb.read_track(corpus, name).onsets_seconds[:3].round(2).tolist()
    [0.0, 2.5, 5.0]
    """
    found = corpus.tracks[track]
    if not isinstance(found, LabelTrack):
        raise CorpusError(f"The track {track!r} holds values, not labelled stretches.")
    order = np.lexsort((found.stop, found.start))
    labels = tuple(str(label) for label in found.label[order])
    return Segmentation(
        corpus.sample_rate,
        corpus.n_samples,
        found.start[order],
        found.stop[order],
        labels,
    )


def _is_same(there: Track, wanted: LabelTrack) -> bool:
    """Whether a track holds the same labels."""
    return isinstance(there, LabelTrack) and all(
        np.array_equal(getattr(there, name), getattr(wanted, name))
        for name in ("start", "stop", "label")
    )


def _within_files(
    segments: Segmentation, corpus: Corpus
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Segments cut where one recording ends and the next begins."""
    borders = np.array([file.start for file in corpus.files[1:]], np.int64)
    starts: list[int] = []
    stops: list[int] = []
    labels: list[str] = []
    for start, stop, label in zip(segments.starts, segments.stops, segments.labels, strict=True):
        first, last = np.searchsorted(borders, [start, stop], side="right")
        edges = [int(start), *(int(b) for b in borders[first:last] if b < stop), int(stop)]
        starts += edges[:-1]
        stops += edges[1:]
        labels += [label] * (len(edges) - 1)
    names = np.array(labels, np.str_)
    return np.array(starts, np.int64), np.array(stops, np.int64), names
