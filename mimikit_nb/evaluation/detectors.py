"""Detectors of what is wrong with a sound: silent, noise, stuck, clipped, clicking ...

Training asks it of every preview, the evaluation of every generated file. A sound is first
measured (:mod:`.health`), then each measure is compared with a limit
(:func:`detect`). Where the corpus itself goes beyond a limit (a corpus of rain *is* noise, one
of techno *does* repeat), a :class:`CorpusProfile` raises the limit to what 98 % of the corpus'
own excerpts stay below: a flag then means "worse than the limit *and* than the corpus".

=========== ========================================================================== ==========
flag        measure                                                                    limit
=========== ========================================================================== ==========
silent      share of 20 ms frames louder than -60 dB RMS; or: silence up to the end    < 0.02
noise       share of the audible time that is steady, unpitched, flat in spectrum      > 0.5
stuck       longest frozen or looping run (:mod:`.stuck`)                              > 30 %
clipped     share of samples in flat tops (full scale; or the sound's own peak)        > .05 (1)%
dc          largest offset of a channel                                                > 0.05
drifting    steady rise or fall of the level from beginning to end                     > 20 dB
            (and further than the corpus' excerpts move up and down)
clicks      single jumps far above everything around them, per second                  > 5
nonfinite   NaN or infinite samples                                                    > 0
=========== ========================================================================== ==========

Main names: :func:`detect`, :func:`flags_of`, :class:`CorpusProfile`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np

from ..errors import ParameterError
from .health import SILENCE_DB, Health, measure_health
from .stuck import MIN_RUN_SECONDS

QUIET_CORPUS_DB = 40.0
"A corpus whose loud moments lie below -20 dB moves the limit of silence: 40 dB below them."

LIMITS: dict[str, float] = {
    "sounding_share": 0.02,  # a drum hit in ten seconds still sounds
    "silent_tail_share": 0.5,  # a network that has died away does not come back
    "noise_share": 0.5,  # of any colour; counts beside a corpus only: without, a drone may be it
    "flat_noise_share": 0.5,
    "frozen_share": 0.3,
    "loop_share": 0.3,
    "clipped_share": 0.0005,  # a few flat tops pass unheard; a piano 6 dB too loud has 0.4 %
    "flat_top_share": 0.01,  # low sines have 1 to 2 % so near their peak, but no edge there
    "dc": 0.05,
    "drift_db": 20.0,  # 10 s of music may fade by less
    "clicks_per_second": 5.0,  # drum loops have up to 4 onsets that jump in one sample
}
"Limits without a corpus."

REMEDIES: dict[str, str] = {
    "silent": "nothing is heard any more; a higher temperature or another prompt wakes it up",
    "noise": "noise without a pitch; train longer, or lower the temperature",
    "stuck": "it hangs or loops; a higher temperature or another prompt frees it",
    "clipped": "the tops are cut off; lower the temperature, or take quieter recordings",
    "dc": "the samples aren't centred; train longer, or look for an offset in the recordings",
    "drifting": "the level only rises or only falls; train longer, or change the temperature",
    "clicks": "single samples jump; a temperature of 0.9 or top_p = 0.99 leaves them out",
    "nonfinite": "samples are NaN or infinite; go back to an earlier checkpoint",
    "copy": "a passage of the recordings is played back; an earlier checkpoint copies less",
}
"What a flag means and what helps, in words."

USUAL_PERCENT = 98
"What this share of the corpus' own excerpts stays below is usual."

_MIN_STUCK_SECONDS = 2.0
_STUCK_UP_TO_THE_END_SECONDS = 3.0  # stuck when it ended: it would not have come out again


@dataclass(frozen=True)
class CorpusProfile:
    """What is usual in a corpus: the 98th percentile of each measure over its excerpts.

    Nine measures are compared: each that let more real excerpts pass the limit would flag as many
    of them. A single broken excerpt of forty doesn't raise it much.

    Attributes
    ----------
    level_db : float
        Level of the loud moments (of the loudest excerpts).
    silent_tail_share, noise_share, flat_noise_share, frozen_share, loop_share : float
        As shares of an excerpt; ``noise_share`` counts noise of any colour.
    clipped_share, flat_top_share, dc, drift_db, level_range_db, clicks_per_second : float
        As in :class:`Health`.
    """

    level_db: float
    silent_tail_share: float
    noise_share: float
    flat_noise_share: float
    frozen_share: float
    loop_share: float
    clipped_share: float
    flat_top_share: float
    dc: float
    drift_db: float
    level_range_db: float
    clicks_per_second: float

    @property
    def silence_db(self) -> float:
        """Level below which a sound is silent beside this corpus, in dB full scale."""
        return min(SILENCE_DB, self.level_db - QUIET_CORPUS_DB)

    @classmethod
    def from_healths(cls, healths: Iterable[Health]) -> CorpusProfile:
        """Profile of excerpts that have been measured already."""
        rows = [_comparable(h) for h in healths]
        if not rows:
            raise ParameterError("A corpus profile needs at least one excerpt.")
        names = [f.name for f in fields(cls)]
        return cls(
            **{n: float(np.percentile([row[n] for row in rows], USUAL_PERCENT)) for n in names}
        )

    @classmethod
    def from_signal(
        cls,
        signal: np.ndarray,
        sample_rate: int,
        excerpt_seconds: float = 10.0,
        max_excerpts: int = 40,
    ) -> CorpusProfile:
        """Profile of a corpus, from excerpts spread evenly over it.

        Parameters
        ----------
        signal : np.ndarray [shape=(C, N) or (N,)]
            The corpus' signal, in memory or mapped; only the excerpts are read.
        sample_rate : int > 0
            In Hz.
        excerpt_seconds : float > 0
            Length of an excerpt; best that of the sounds to judge.
        max_excerpts : int > 0
            Excerpts to measure at most; 40 of 10 s take about 4 s.

        Returns
        -------
        CorpusProfile
            Its usual values.
        """
        signal = signal[None] if signal.ndim == 1 else signal
        n_total, length = signal.shape[1], round(excerpt_seconds * sample_rate)
        n_excerpts = int(np.clip(n_total // length, 1, max_excerpts))
        starts = np.linspace(0, max(0, n_total - length), n_excerpts).astype(int)
        return cls.from_healths(
            measure_health(signal[:, s : s + length], sample_rate) for s in starts
        )


def detect(y: np.ndarray, sample_rate: int, reference: CorpusProfile | None = None) -> set[str]:
    """Say what is wrong with a sound.

    Parameters
    ----------
    y : np.ndarray [shape=(N,) or (C, N)], float32
        The sound, full scale at 1.
    sample_rate : int > 0
        In Hz.
    reference : CorpusProfile, optional
        What is usual in the corpus; without it the limits of the table above hold alone.

    Returns
    -------
    set of str
        Any of "silent", "noise", "stuck", "clipped", "dc", "drifting", "clicks", "nonfinite";
        empty for a healthy sound. A silent sound has no other flags but "nonfinite" and "dc".

    Raises
    ------
    ParameterError
        If there are no samples, or more than two dimensions.

    Examples
    --------
    >>> import numpy as np
    >>> detect(np.zeros(22050, np.float32), 22050)
    {'silent'}
    """
    silence_db = SILENCE_DB if reference is None else reference.silence_db
    return flags_of(measure_health(y, sample_rate, silence_db), reference)


def flags_of(health: Health, reference: CorpusProfile | None = None) -> set[str]:
    """Flags of a sound that has been measured already; see :func:`detect`."""
    value = _comparable(health)
    limit = {
        name: max(LIMITS.get(name, -np.inf), usual) for name, usual in _usual(reference).items()
    }
    # Where loud and quiet follow each other, a rise or fall within that range is no drift.
    limit["drift_db"] = max(limit["drift_db"], limit["level_range_db"])

    def exceeds(name: str) -> bool:
        return bool(value[name] > limit[name])

    tail_is_long = health.silent_tail_seconds >= _MIN_STUCK_SECONDS
    is_silent = health.sounding_share < LIMITS["sounding_share"]
    flags = {
        "silent": is_silent or (tail_is_long and exceeds("silent_tail_share")),
        "nonfinite": health.n_nonfinite > 0,
        "dc": exceeds("dc"),
    }
    if not is_silent:
        is_coloured = reference is not None and exceeds("noise_share")
        flags |= {
            "noise": exceeds("flat_noise_share") or is_coloured,
            "stuck": _is_stuck(health, limit),
            "clipped": exceeds("clipped_share") or exceeds("flat_top_share"),
            "drifting": exceeds("drift_db"),
            "clicks": exceeds("clicks_per_second"),
        }
        flags["stuck"] &= not flags["noise"]  # steady noise is frozen too; one word is enough
    return {name for name, is_raised in flags.items() if is_raised}


def _comparable(health: Health) -> dict[str, float]:
    """Measures under the names that limits and profiles use."""
    return {
        "level_db": health.level_db,
        "silent_tail_share": health.share(health.silent_tail_seconds),
        "noise_share": health.coloured_noise_share,
        "flat_noise_share": health.noise_share,
        "frozen_share": health.share(health.frozen_seconds),
        "loop_share": health.share(health.loop_seconds),
        "clipped_share": health.clipped_share,
        "flat_top_share": health.flat_top_share,
        "dc": health.dc,
        "drift_db": abs(health.drift_db),
        "level_range_db": health.level_range_db,
        "clicks_per_second": health.clicks_per_second,
    }


def _usual(reference: CorpusProfile | None) -> dict[str, float]:
    if reference is None:
        return dict.fromkeys((f.name for f in fields(CorpusProfile)), -np.inf)
    return {f.name: getattr(reference, f.name) for f in fields(CorpusProfile)}


def _is_stuck(health: Health, limit: dict[str, float]) -> bool:
    """Whether one run is long for the sound (or lasts up to its end) and for the corpus."""
    shortest = min(_MIN_STUCK_SECONDS, max(MIN_RUN_SECONDS, 0.9 * health.seconds))
    runs = {"frozen_share": health.frozen_seconds, "loop_share": health.loop_seconds}
    for name, seconds in runs.items():
        is_last = seconds == health.stuck_tail_seconds >= _STUCK_UP_TO_THE_END_SECONDS
        is_usual = limit[name] > LIMITS[name]
        share = health.share(seconds)
        is_long = share > limit[name] or (is_last and not is_usual)
        if seconds >= shortest and is_long:
            return True
    return False
