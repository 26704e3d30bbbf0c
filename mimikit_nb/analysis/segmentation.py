"""From a recording to its segments: events, sections, or parts of about so many seconds.

:func:`segment` is the front door. It analyses a recording once and returns a
:class:`Segmentation`: times, labels, the novelty curve with its threshold. From that, other
thresholds, other numbers of segments and other levels follow without analysing again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from ..arguments import Count, PathArg, Position, Real, Samples, Seconds, checked
from ..errors import ParameterError
from ..progress import Progress, Watch
from .analysis import Analysis, Candidates, check_level
from .export import export
from .labelled import LabelledSegments


@dataclass(frozen=True, eq=False)
class Novelty:
    """How new the sound is, over time; a boundary or onset is where it reaches the threshold.

    Attributes
    ----------
    times : np.ndarray [shape=(n,)]
        Seconds.
    values : np.ndarray [shape=(n,)]
        Novelty.
    unit : str
        What the values are, in words.
    """

    times: np.ndarray
    values: np.ndarray
    unit: str

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values, dtype=dtype, copy=copy)


@dataclass(frozen=True, eq=False)
class Segmentation(LabelledSegments):
    """Segments of a recording: :class:`~.labelled.LabelledSegments` that may know their analysis.

    Attributes
    ----------
    analysis : Analysis, optional
        What other thresholds, numbers and levels follow from; None for imported segments.
    """

    analysis: Analysis | None = field(default=None, repr=False)

    @property
    def novelty(self) -> Novelty | None:
        """The novelty curve that the threshold cuts; None for imported segments."""
        if self.analysis is None:
            return None
        candidates = self._candidates()
        return Novelty(candidates.curve_times, candidates.curve, candidates.unit)

    @property
    def candidates(self) -> Candidates | None:
        """Places that could be boundaries or onsets, with salience; None for imported segments."""
        return None if self.analysis is None else self._candidates()

    @checked
    def with_threshold(self, threshold: Annotated[float, Real(0, 1e9)]) -> Segmentation:
        """Segments for another threshold, without analysing again.

        Parameters
        ----------
        threshold : float >= 0
            What novelty has to reach. A higher threshold never gives more segments, and those
            that it gives begin where segments of the lower one begin.
        """
        candidates = self._candidates()
        return self._picked(np.flatnonzero(candidates.salience >= threshold), threshold)

    @checked
    def with_n_segments(self, n_segments: Count) -> Segmentation:
        """The ``n_segments`` clearest segments (fewer where the recording has no more places)."""
        candidates = self._candidates()
        n_places = n_segments
        if self.level != "events":  # which cover everything: the borders are there already
            n_places = max(0, n_segments - 1 - len(self._analysed().borders))
        order = np.argsort(-candidates.salience, kind="stable")
        chosen = np.sort(order[:n_places])
        edge = (
            candidates.salience[chosen].min() if len(chosen) else candidates.salience.max(initial=0)
        )
        return self._picked(chosen, float(edge))

    @checked
    def at_level(self, level: str | Seconds, method: str | None = None) -> Segmentation:
        """Segments of the same recording at another level of the hierarchy.

        Parameters
        ----------
        level : {"events", "sections"} or float
            As in :func:`segment`.
        method : str, optional
            As in :func:`segment`.
        """
        return _at_level(self._analysed(), level, method)

    @checked
    def with_labels(self, labels: Sequence[Any]) -> Segmentation:
        """Same segments with other names, one for each."""
        if len(labels) != len(self):
            raise ParameterError(f"{len(self)} segments need as many labels, not {len(labels)}.")
        return replace(self, labels=tuple(str(label) for label in labels))

    @checked
    def with_segments(
        self, segments: Sequence[tuple[float, float]], labels: Sequence[Any] | None = None
    ) -> Segmentation:
        """Other segments of the same recording: edited by hand, or found elsewhere.

        Parameters
        ----------
        segments : list of (start, stop)
            Seconds, in any order.
        labels : list, optional
            A name for each; numbers in order of time if None.

        Raises
        ------
        ParameterError
            If a segment is empty or lies outside the recording.
        """
        starts, stops, names = as_samples(segments, labels, self.sample_rate, self.n_samples)
        return replace(
            self, starts=starts, stops=stops, labels=names, method="edited", threshold=None
        )

    @checked
    def export(
        self,
        folder: PathArg,
        formats: str | Sequence[str] = ("audacity", "csv", "json"),
        y: Samples | None = None,
        name: str = "segments",
        fade_seconds: Position = 0.0,
        overwrite: bool = False,
    ) -> list[Path]:
        """Write the segments for other programs.

        Parameters
        ----------
        folder : path
            Where to; made if there is none.
        formats : str or list of str
            Out of "wav", "audacity", "csv", "json", "cue", "reaper", "sfz", "sonic_pi", "bounce";
            see :mod:`~mimikit_nb.analysis.export`.
        y : np.ndarray [shape=(N,) or (C, N)], optional
            The recording, for the formats that hold sound; the analysed one if None.
        name : str, default "segments"
            What the files are called.
        fade_seconds : float >= 0, default 0
            Fade at both ends of each cut sound; without one the samples are exact.
        overwrite : bool, default False
            Whether existing files may be replaced.

        Returns
        -------
        list of Path
            The files.

        Raises
        ------
        ParameterError
            If a format is unknown or needs sound that isn't there, or a file exists.
        """
        if y is None and self.analysis is not None:
            y = self.analysis.y
        return export(self, folder, formats, y, name, fade_seconds, overwrite)

    def _analysed(self) -> Analysis:
        if self.analysis is None:
            raise ParameterError(
                "These segments were imported, so there is no novelty to pick from. "
                "Call segment(y, sr) for an analysis."
            )
        return self.analysis

    def _candidates(self) -> Candidates:
        method = None if self.method in ("edited", "imported") else self.method
        return self._analysed().candidates(self.level, method)

    def _picked(self, chosen: np.ndarray, threshold: float) -> Segmentation:
        """Segments that begin (events) or change (other levels) at the chosen candidates."""
        analysis = self._analysed()
        positions = self._candidates().positions[chosen]
        if self.level == "events":
            starts, stops = positions, analysis.ends(positions)
        else:
            edges = np.unique(np.concatenate([[0], positions, analysis.borders, [self.n_samples]]))
            starts, stops = edges[:-1], edges[1:]
        labels = tuple(str(i + 1) for i in range(len(starts)))
        return replace(self, starts=starts, stops=stops, labels=labels, threshold=threshold)


def segment(
    y: np.ndarray,
    sr: int,
    level: str | float = "events",
    n_segments: int | None = None,
    threshold: float | None = None,
    method: str | None = None,
    *,
    borders: Sequence[int] = (),
    progress: Watch | None = None,
) -> Segmentation:
    """Segment a recording into events, sections, or parts of about so many seconds.

    Events are sounds: from the true start of each (on a zero crossing) to where it has died away
    or the next begins. Sections cover the whole recording without gaps and change where
    the sounds do. The same input always gives the same segments.

    Parameters
    ----------
    y : np.ndarray [shape=(N,) or (C, N)]
        The recording. It isn't copied; it is kept for exports and other levels.
    sr : int > 0
        Its rate in Hz.
    level : {"events", "sections"} or float > 0
        What to look for; a number asks for sections of about so many seconds on average.
    n_segments : int > 0, optional
        About how many; solves for the threshold.
    threshold : float >= 0, optional
        What novelty has to reach: for events the rise of level in dB, for sections what a boundary
        has to explain. Found from the recording if neither this nor ``n_segments`` is given.
    method : str, optional
        For events "onsets"; for the others "change_points" (default: where the distribution of
        sounds changes), "checkerboard" (where a window sounds unlike the next) or "recurrence"
        (where another family of returning sounds begins).
    borders : sequence of int, default ()
        Samples where one recording ends and the next begins; no segment goes across.
    progress : Progress or callable, optional
        Told how far it is; a function is called with it, and what it raises ends the work.

    Returns
    -------
    Segmentation
        With ``.boundaries_seconds``, ``.onsets_seconds``, ``.segments``, ``.labels``, ``.novelty``,
        ``.threshold``, ``.with_threshold(...)``, ``.at_level(...)`` and ``.export(...)``.

    Raises
    ------
    ParameterError
        If the sound, the level or the method can't be used, or both ``n_segments`` and
        ``threshold`` are given.
    """
    if n_segments is not None and threshold is not None:
        raise ParameterError(
            "n_segments solves for the threshold: give one of them, not "
            f"n_segments={n_segments} and threshold={threshold}."
        )
    check_level(level, method)
    analysis = Analysis(y, sr, borders, progress)
    found = _at_level(analysis, level, method, automatic=n_segments is None)
    if n_segments is not None:
        found = found.with_n_segments(n_segments)
    elif threshold is not None:
        found = found.with_threshold(threshold)
    analysis.progress = Progress()  # other levels are asked for by whoever holds the result
    return found


def _at_level(
    analysis: Analysis, level: str | float, method: str | None, automatic: bool = True
) -> Segmentation:
    """Segments at a level; without ``automatic`` only the empty frame to pick into."""
    method = check_level(level, method)
    nothing = np.zeros(0, np.int64)
    empty = Segmentation(
        analysis.sample_rate,
        analysis.n_samples,
        nothing,
        nothing,
        (),
        level,
        method,
        None,
        analysis,
    )
    if not automatic:
        return empty
    if isinstance(level, str):
        return empty.with_threshold(analysis.candidates(level, method).threshold)
    return empty.with_n_segments(max(1, round(empty.duration_seconds / level)))


def as_samples(
    segments: Sequence[tuple[float, float]],
    labels: Sequence[Any] | None,
    sample_rate: int,
    n_samples: int,
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Segments in seconds as samples, in order of time, checked.

    Parameters
    ----------
    segments : list of (start, stop)
        Seconds.
    labels : list, optional
        A name for each; numbers if None.
    sample_rate : int
        In Hz.
    n_samples : int
        Length of the recording; a segment may exceed it by rounding only.

    Returns
    -------
    starts, stops : np.ndarray [shape=(n,), dtype=int64]
        Samples.
    labels : tuple of str
        Names.
    """
    times = np.asarray(segments, np.float64).reshape(-1, 2)
    if labels is not None and len(labels) != len(times):
        raise ParameterError(f"{len(times)} segments need as many labels, not {len(labels)}.")
    samples = np.round(times * sample_rate)
    inside = np.clip(samples, 0, n_samples)
    slack = sample_rate // 100
    for (start, stop), (a, b), (first, end) in zip(times, samples, inside, strict=True):
        if not (np.isfinite([a, b]).all() and -1 <= a and first < end and b <= n_samples + slack):
            raise ParameterError(
                f"The segment from {start} to {stop} s is empty or lies outside the recording, "
                f"which lasts {n_samples / sample_rate:.3f} s."
            )
    samples = inside.astype(np.int64)
    order = np.lexsort((samples[:, 1], samples[:, 0]))
    names = [str(i + 1) for i in range(len(times))] if labels is None else [str(x) for x in labels]
    if labels is not None:
        names = [names[i] for i in order]
    return samples[order, 0], samples[order, 1], tuple(names)
