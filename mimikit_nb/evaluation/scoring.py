"""The score of one sound against a corpus: novelty, fidelity, health, each beside real audio.

The last station before the table: :mod:`.ranking` sorts what :func:`score` gives.

Main names: :func:`score`, :class:`Score`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ..audio.arrays import as_sound
from ..units import check_rate
from .calibration import Calibration
from .detectors import flags_of
from .health import Health
from .index import CorpusIndex, CorpusLike, index_of
from .measures import measure_sound
from .novelty import Novelty, novelty_of
from .reading import beside
from .spectra import as_channels


@dataclass(frozen=True)
class Score:
    """What one sound scores against one corpus.

    Attributes
    ----------
    novelty : float in [0, 1]
        0 for a copy, about 0.8 for real excerpts, near 1 for what the corpus has nothing like
        (noise too: read it beside the fidelity). NaN if nothing moves. See :mod:`.novelty`.
    longest_copy_seconds : float
        Longest stretch that follows the corpus note for note; 0 if none.
    copy_position_seconds, copy_start_seconds : float
        Where the original begins in the corpus, and the copy in the sound; NaN if none.
    same_recording_seconds : float
        Longest part of that stretch that is cut from the very recording, at any gain and
        perhaps at another speed; a passage that is only played again has little of it.
    fidelity : float in [0, 1]
        1 as near to the corpus' timbre, pitches and rhythm as its own excerpts, 0 as far as
        noise. See :meth:`~.calibration.Calibration.fidelity`.
    flags : set of str
        As :func:`~.detectors.detect` gives them, relative to the corpus, and "copy" for a copy
        longer than real excerpts have: of the notes
        (:attr:`~.calibration.Calibration.copy_limit_seconds`) or of the recording itself
        (:attr:`~.calibration.Calibration.same_recording_limit_seconds`).
    values : dict of str to float
        Every measure by name; :mod:`.reading` says what each one means.
    details : Novelty
        Distance and neighbours in time, entropy, repeats, coverage.
    health : Health
        What the flags are made of.
    calibration : Calibration
        What real audio scores.
    """

    novelty: float
    longest_copy_seconds: float
    copy_position_seconds: float
    copy_start_seconds: float
    same_recording_seconds: float
    fidelity: float
    flags: set[str]
    values: dict[str, float]
    details: Novelty = field(repr=False)
    health: Health = field(repr=False)
    calibration: Calibration = field(repr=False)

    def to_row(self) -> dict[str, Any]:
        """Scores as one row of a table: plain numbers, flags as one string."""
        return {
            **self.values,
            "copy_position_seconds": self.copy_position_seconds,
            "copy_start_seconds": self.copy_start_seconds,
            "flags": " ".join(sorted(self.flags)),
        }

    def beside_real_audio(self) -> pd.DataFrame:
        """Each measure beside what real excerpts and planted cases score.

        Returns
        -------
        pandas.DataFrame
            Rows: the measures; columns: this sound, real excerpts (5 %, median, 95 %), noise,
            silence, loop, copy.
        """
        return beside(self.values, self.calibration.real, self.calibration.planted)


def score(y: np.ndarray, sr: int, corpus: CorpusLike | CorpusIndex) -> Score:
    """Score one sound against a corpus.

    Parameters
    ----------
    y : np.ndarray [shape=(N,) or (C, N)], float32
        The sound, full scale at 1.
    sr : int > 0
        Sample rate in Hz; other rates than the corpus' are resampled.
    corpus : Corpus or CorpusIndex
        What to compare with. Of a corpus the index is made at the first call (seconds to a
        minute) and kept in memory.

    Returns
    -------
    Score
        All measures.

    Raises
    ------
    ParameterError
        If ``y`` isn't sound, or the rate can't be worked at.
    CorpusError
        If the corpus is shorter than 2 s.

    Examples
    --------
    >>> s = score(out.audio[0], out.sample_rate, corpus)          # doctest: +SKIP
    >>> s.novelty, s.longest_copy_seconds, s.flags                # doctest: +SKIP
    (0.91, 0.0, set())
    """
    sr, y = check_rate(sr, "sr"), as_sound(y, loudest=np.inf, nonfinite=True)
    is_finite, y = bool(np.isfinite(y).all()), as_channels(y)
    index = index_of(corpus)
    references, calibration = index.references, index.calibration
    if sr != references.sample_rate:
        y = _resampled(y, sr, references.sample_rate)
    measures = measure_sound(y, references)
    details = novelty_of(measures.found, calibration.real_distance, references.seconds)
    copied, values = details.copied, measures.values(details)
    values["fidelity"] = calibration.fidelity(values)
    flags = flags_of(measures.health, calibration.profile)
    is_long = copied.seconds > calibration.copy_limit_seconds
    if is_long or measures.same_recording_seconds > calibration.same_recording_limit_seconds:
        flags.add("copy")
    if not is_finite:
        flags.add("nonfinite")
    return Score(
        novelty=details.score,
        longest_copy_seconds=copied.seconds,
        copy_position_seconds=copied.position_seconds if copied.seconds else float("nan"),
        copy_start_seconds=copied.start_seconds if copied.seconds else float("nan"),
        same_recording_seconds=measures.same_recording_seconds,
        fidelity=values["fidelity"],
        flags=flags,
        values=values,
        details=details,
        health=measures.health,
        calibration=calibration,
    )


def _resampled(y: np.ndarray, sample_rate: int, target_rate: int) -> np.ndarray:
    import librosa

    resampled: np.ndarray = librosa.resample(y, orig_sr=sample_rate, target_sr=target_rate)
    return resampled
