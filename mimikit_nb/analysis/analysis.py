"""One analysis of a recording, from which all levels of segments are picked.

:class:`Analysis` reads a recording once, lazily, and remembers candidates for onsets and
boundaries. Everything is a function of the samples: no random numbers, no state but the cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..config import did_you_mean
from ..errors import ParameterError
from ..progress import Progress, Watch
from .frames import Frames, analyse_frames, to_mono
from .onsets import Onsets, find_ends, find_onsets
from .sections import METHODS, MIN_SECONDS, find_boundaries

LEVELS = ("events", "sections")
_FRAMES_SHARE, _ONSETS_SHARE = 0.5, 0.7  # of the time an analysis takes, where they end


@dataclass(frozen=True, eq=False)
class Candidates:
    """Places where segments may begin, with the curve they were found on.

    Attributes
    ----------
    positions : np.ndarray [shape=(n,), dtype=int64]
        Samples.
    salience : np.ndarray [shape=(n,)]
        A place is picked if this reaches the threshold.
    threshold : float
        Threshold that the recording itself suggests.
    curve_times, curve : np.ndarray [shape=(m,)]
        The novelty curve, in seconds and in ``unit``.
    unit : str
        What salience is measured in.
    """

    positions: np.ndarray
    salience: np.ndarray
    threshold: float
    curve_times: np.ndarray
    curve: np.ndarray
    unit: str


def check_level(level: str | float, method: str | None) -> str:
    """Method for a level; a ParameterError if they don't go together.

    Parameters
    ----------
    level : {"events", "sections"} or float > 0
        What to look for.
    method : str, optional
        The level's own if None.
    """
    if isinstance(level, str):
        if level not in LEVELS:
            raise ParameterError(
                f"Unknown level {level!r}; give 'events', 'sections' or a number of seconds."
            )
    elif not (np.isfinite(level) and level > 0):
        raise ParameterError(f"level is {level}; as a number of seconds it must be above 0.")
    known = ("onsets",) if level == "events" else tuple(METHODS)
    if method is not None and method not in known:
        raise ParameterError(
            f"Level {level!r} has no method {method!r}. {did_you_mean(str(method), known)}"
        )
    return method or known[0]


class Analysis:
    """What is known about a recording.

    Parameters
    ----------
    y : np.ndarray [shape=(N,) or (C, N)]
        The recording; kept, not copied.
    sr : int > 0
        Its rate in Hz.
    borders : sequence of int, default ()
        Samples where one recording ends and the next begins; no segment goes across.
    progress : Progress or callable, optional
        Told how far it is; a function is called with it, and what it raises ends the work.
    """

    def __init__(
        self,
        y: np.ndarray,
        sr: int,
        borders: Sequence[int] = (),
        progress: Watch | None = None,
    ) -> None:
        self.y = np.asarray(y)
        self.borders = np.unique(np.asarray(borders, np.int64))
        self.progress = Progress.of(progress)
        self.mono = to_mono(self.y, sr)
        self.sample_rate = int(sr)
        self.n_samples = len(self.mono)
        self._candidates: dict[tuple[str | float, str], Candidates] = {}

    @cached_property
    def frames(self) -> Frames:
        """Spectra and envelope."""
        progress = self.progress.part(0.0, _FRAMES_SHARE)
        return analyse_frames(self.mono, self.sample_rate, progress=progress)

    @cached_property
    def onsets(self) -> Onsets:
        """Candidates for onsets."""
        progress = self.progress.part(_FRAMES_SHARE, _ONSETS_SHARE)
        return find_onsets(self.mono, self.frames, progress)

    @cached_property
    def onset_samples(self) -> np.ndarray:
        """Onsets at the threshold that the recording suggests [shape=(n,)]."""
        chosen: np.ndarray = self.onsets.starts[self.onsets.salience >= self.onsets.threshold]
        return chosen

    def ends(self, starts: np.ndarray) -> np.ndarray:
        """Where the sounds that begin at ``starts`` end, in samples."""
        ends = find_ends(self.mono, self.frames, starts)
        if not len(self.borders):
            return ends
        following = np.searchsorted(self.borders, starts, side="right")
        limits = np.append(self.borders, self.n_samples)[following]
        return np.minimum(ends, limits)

    def candidates(self, level: str | float, method: str | None = None) -> Candidates:
        """Candidates of a level, found at the first call.

        Parameters
        ----------
        level : {"events", "sections"} or float > 0
            What to look for.
        method : str, optional
            The level's own if None.
        """
        key = (level, check_level(level, method))
        if key not in self._candidates:
            found = self._events() if level == "events" else self._sections(*key)
            self._candidates[key] = found
        return self._candidates[key]

    def _events(self) -> Candidates:
        onsets, axis = self.onsets, self.frames.axis
        times = np.arange(len(onsets.strength)) * (axis.hop_length / axis.sample_rate)
        return Candidates(
            onsets.starts, onsets.salience, onsets.threshold, times, onsets.strength, "rise in dB"
        )

    def _sections(self, level: str | float, method: str) -> Candidates:
        shortest = MIN_SECONDS if isinstance(level, str) else level / 2
        onsets, frames = self.onset_samples, self.frames
        progress = self.progress.part(_ONSETS_SHARE, 1.0)
        found = find_boundaries(self.mono, frames, onsets, method, shortest, progress)
        times = found.positions / self.sample_rate
        return Candidates(
            found.positions, found.salience, found.threshold, times, found.salience, found.unit
        )
