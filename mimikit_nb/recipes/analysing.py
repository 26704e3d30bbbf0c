"""Take recordings apart: :func:`segment` and :func:`cluster`.

Both take samples, a sound file or a whole corpus; the work is done by
:mod:`mimikit_nb.analysis`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np

from ..analysis import Clustering, Segmentation
from ..analysis import cluster as cluster_samples
from ..analysis import segment as segment_samples
from ..analysis.clustering import Features, Segments
from ..analysis.describe import DEFAULT_CHAIN
from ..arguments import Count, PathArg, Rate, Real, Samples, Seconds, Seed, checked
from ..audio.arrays import channels_of
from ..audio.files import info, load
from ..corpus.store import Corpus
from ..errors import ParameterError
from ..progress import Watch
from ..units import check_rate
from .comparing import with_latents

Recording = Corpus | PathArg | Samples


@checked
def segment(
    y: Recording,
    sr: Rate | None = None,
    level: str | Seconds = "events",
    n_segments: Count | None = None,
    threshold: Annotated[float, Real(0, 1e9)] | None = None,
    method: str | None = None,
    *,
    progress: Watch | None = None,
) -> Segmentation:
    """Find the events of a recording, its sections, or parts of about so many seconds.

    Events are sounds: from the true start of each (on a zero crossing) to where it has died
    away or the next begins. Sections cover the whole recording without gaps and change where
    the sounds do. The same input always gives the same segments.

    Parameters
    ----------
    y : np.ndarray [shape=(N,) or (C, N)], Corpus or path
        The recording. No segment goes across the recordings of a corpus.
    sr : int > 0, optional
        Rate of samples in Hz; files and corpora know theirs.
    level : {"events", "sections"} or float > 0
        What to look for; a number asks for sections of about so many seconds on average.
    n_segments : int > 0, optional
        About how many; solves for the threshold.
    threshold : float >= 0, optional
        What novelty has to reach: for events the rise of level in dB, for sections what a
        boundary has to explain. Found from the recording if neither this nor ``n_segments`` is
        given.
    method : str, optional
        For events "onsets"; for the others "change_points" (default: where the distribution of
        sounds changes), "checkerboard" (where a window sounds unlike the next) or "recurrence"
        (where another family of returning sounds begins).
    progress : Progress or callable, optional
        Told how far it is; a function is called with it, and what it raises ends the work.


    Returns
    -------
    Segmentation
        With ``.boundaries_seconds``, ``.onsets_seconds``, ``.segments``, ``.labels``,
        ``.novelty``, ``.threshold``, ``.with_threshold(...)``, ``.at_level(...)`` and
        ``.export(...)``.

    Raises
    ------
    ParameterError
        If the sound, the level or the method can't be used, or both ``n_segments`` and
        ``threshold`` are given.
    AudioError
        If the file can't be read.

    Examples
    --------
    >>> found = mnb.segment(corpus, n_segments=30)
    >>> len(found), found.onsets_seconds[:3].round(2).tolist()
    (30, [0.0, 2.5, 5.0])
    >>> y = corpus.signal[0, :220500]
    >>> mnb.segment(y, corpus.sample_rate, level="sections").boundaries_seconds.round(1).tolist()
    [2.5, 5.3, 8.1]
    """
    y, sr, borders = read_recording(y, sr)
    return segment_samples(
        y, sr, level, n_segments, threshold, method, borders=borders, progress=progress
    )


@checked
def cluster(
    y: Recording,
    sr: Rate | None = None,
    segments: Segments = None,
    n_clusters: Count | None = None,
    method: str = "auto",
    features: Features = DEFAULT_CHAIN,
    seed: Seed = 0,
    *,
    progress: Watch | None = None,
) -> Clustering:
    """Sort the segments of a recording into families of like sounds.

    Parameters
    ----------
    y : np.ndarray [shape=(N,) or (C, N)], Corpus or path
        The recording.
    sr : int > 0, optional
        Rate of samples in Hz; files and corpora know theirs.
    segments : Segmentation, list of (start, stop) or float, optional
        What to cluster: a result of :func:`segment`, times in seconds, or a number of seconds
        for even frames. The events of the recording if None.
    n_clusters : int > 0, optional
        Number of clusters; found from the data if None.
    method : str, default "auto"
        "kmeans", "agglomerative", "spectral", "hdbscan", "qcluster" or "gmeans"; "auto" takes
        "spectral" for segments of several sounds each, "kmeans" for single sounds.
    features : list of str, dict of float, np.ndarray [shape=(n, D)] or callable, optional
        Names out of "mfcc", "shape", "envelope", "registers", "chroma" and "latent" (principal
        components of this recording's spectra) and tracks of features
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
    AudioError
        If the file can't be read.

    Examples
    --------
    >>> found = mnb.cluster(corpus, segments=mnb.segment(corpus, n_segments=30), n_clusters=3)
    >>> sorted(set(found.labels.tolist()))
    [0, 1, 2]
    """
    y, sr, borders = read_recording(y, sr)
    if segments is None and len(borders):
        segments = segment_samples(y, sr, borders=borders)
    features = with_latents(features, y, sr)
    return cluster_samples(y, sr, segments, n_clusters, method, features, seed, progress=progress)


def read_recording(y: Recording, sr: int | None = None) -> tuple[np.ndarray, int, list[int]]:
    """Samples, rate, and the samples where one recording ends and the next begins.

    Parameters
    ----------
    y : np.ndarray, Corpus or path
        Samples are checked and passed on as ``[C, N]`` at their own scale, those of a corpus as
        they are mapped.
    sr : int > 0, optional
        Rate of samples.
    """
    if isinstance(y, Corpus):
        return y.signal, y.sample_rate, [file.start for file in y.files[1:]]
    if isinstance(y, str | Path):
        return load(y), info(y).sample_rate, []
    if sr is None:
        raise ParameterError("Samples need their rate: give sr in Hz.")
    return channels_of(y), check_rate(sr, "sr"), []
