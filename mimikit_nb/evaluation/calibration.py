"""What real audio, noise, silence, a loop and a copy score against one corpus.

A distance of 4.2 means nothing; "real excerpts of this corpus score 3 to 5, noise 27" does. The
calibration measures excerpts of the corpus as if they were generated (each judged by the rest
of it, held-out parts first) and four planted cases, and turns distances into scores.

Main names: :class:`Calibration`, :func:`calibrate`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from .copies import COPY_SIMILARITY
from .detectors import CorpusProfile
from .measures import DISTANCES, Measures, References, measure_sound
from .novelty import novelty_of, visited

FOLLOWED_SECONDS = 4.0
"""Shortest passage followed note for note that is flagged: two bars at 120 beats a minute. Real
excerpts of mixed recordings follow others for 2.5 to 3.5 s (a pattern of drums)."""

COPY_SECONDS = 3.0
"Shortest passage cut from the very recording that is flagged."

MIN_SEPARATION = 1.25
"Distances that put noise and silence less than this factor beyond real audio aren't used."

FEWEST_EXCERPTS, MOST_EXCERPTS = 20, 40
"Real excerpts of a short corpus, which overlap, and of one that has so many."

_LOOP_SECONDS = 1.0


@dataclass(frozen=True)
class Calibration:
    """What real audio and planted cases score against one corpus.

    Attributes
    ----------
    profile : CorpusProfile
        What is usual in the corpus' health.
    real_distance : float
        Median distance of real excerpts to their nearest neighbours, at least that from which
        a patch is no copy (a piece whose parts are played twice would say 0); see
        :mod:`.novelty`.
    real : dict of str to list of float
        Every measure that :meth:`~.measures.Measures.values` gives, and the fidelity; one value
        for each real excerpt.
    planted : dict of str to dict
        The same for "noise" (white, as loud as the corpus), "silence", "loop" (one second of the
        corpus) and "copy".
    places_seconds : list of (start, stop)
        Where the real excerpts stand in the corpus.
    visited_seconds : list of list of float
        Where their nearest neighbours lie.
    """

    profile: CorpusProfile
    real_distance: float
    real: dict[str, list[float]]
    planted: dict[str, dict[str, float]]
    places_seconds: list[tuple[float, float]]
    visited_seconds: list[list[float]]

    @property
    def copy_limit_seconds(self) -> float:
        """Longest copied run that isn't flagged: 4 s, or 0.5 s more than real excerpts reach.

        A piece whose parts are played twice makes its own excerpts copies of one another; there
        only :attr:`same_recording_limit_seconds` tells a copy from a reprise.
        """
        return max(FOLLOWED_SECONDS, max(self.real["longest_copy_seconds"], default=0.0) + 0.5)

    @property
    def same_recording_limit_seconds(self) -> float:
        """Longest stretch cut from the very recording that isn't flagged: 3 s, or 0.25 s more.

        It exceeds 3 s where the corpus holds the same recording twice, as sequenced loops do.
        """
        return max(COPY_SECONDS, max(self.real["same_recording_seconds"], default=0.0) + 0.25)

    def fidelity(self, values: dict[str, float]) -> float:
        """How near a sound is to the corpus: 1 as near as real excerpts, 0 as far as noise.

        For each distance ``d``: ``(far - d) / (far - real)``, cut to 0 ... 1, with ``real`` the
        median of real excerpts and ``far`` the nearer of white noise and silence; the mean over
        the distances that tell them apart (:data:`MIN_SEPARATION`).

        Parameters
        ----------
        values : dict of str to float
            With the :data:`~.measures.DISTANCES`, as ``"kernel_distance"``.

        Returns
        -------
        float in [0, 1]
            NaN if no distance tells this corpus from noise.
        """
        parts = []
        for name in (f"{distance}_distance" for distance in DISTANCES):
            real = float(np.median(self.real[name]))
            far = min(self.planted[case][name] for case in ("noise", "silence"))
            if far > MIN_SEPARATION * real:
                parts.append(np.clip((far - values[name]) / (far - real), 0, 1))
        return float(np.mean(parts)) if parts else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """Plain dict, for a file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Calibration:
        """Calibration from what :meth:`to_dict` gave."""
        known = {field.name: values[field.name] for field in fields(cls)}
        places = [(start, stop) for start, stop in known["places_seconds"]]
        profile = CorpusProfile(**known["profile"])
        return cls(**known | {"profile": profile, "places_seconds": places})


def calibrate(
    signal: np.ndarray,
    references: References,
    excerpt_seconds: float,
    held_out: list[tuple[int, int]],
    seed: int,
) -> Calibration:
    """Measure real excerpts and planted cases.

    Parameters
    ----------
    signal : np.ndarray [shape=(C, N)]
        Of the corpus; only the excerpts are read.
    references : References
        Of the corpus.
    excerpt_seconds : float > 0
        Length of an excerpt: that of the sounds to score. At most a quarter of the corpus.
    held_out : list of (start, stop)
        In samples; what was held out of training is the best real audio there is.
    seed : int
        Of the noise and the places.

    Returns
    -------
    Calibration
        All they score.
    """
    length = max(1, min(round(excerpt_seconds * references.sample_rate), signal.shape[1] // 4))
    rate, corpus_seconds = references.sample_rate, references.seconds
    starts = _places(signal.shape[1], length, held_out)
    places = [(start / rate, (start + length) / rate) for start in starts]
    excerpts = [np.asarray(signal[:, start : start + length]) for start in starts]
    real = [
        measure_sound(y, references, own_place=place)
        for y, place in zip(excerpts, places, strict=True)
    ]
    near = np.concatenate([1 - m.found.similarity for m in real])
    near = near[np.isfinite(near)]
    real_distance = max(1 - COPY_SIMILARITY, float(np.median(near))) if len(near) else 1.0

    def values(measures: Measures) -> dict[str, float]:
        return measures.values(novelty_of(measures.found, real_distance, corpus_seconds))

    planted = _planted(excerpts, rate, np.random.default_rng(seed))
    rows = [values(m) for m in real]
    found = Calibration(
        profile=CorpusProfile.from_healths(m.health for m in real),
        real_distance=real_distance,
        real={name: [row[name] for row in rows] for name in rows[0]},
        planted={case: values(measure_sound(y, references)) for case, y in planted.items()},
        places_seconds=places,
        visited_seconds=[visited(m.found).tolist() for m in real],
    )
    found.real["fidelity"] = [found.fidelity(row) for row in rows]
    for case in found.planted.values():
        case["fidelity"] = found.fidelity(case)
    return found


def _places(n_samples: int, length: int, held_out: list[tuple[int, int]]) -> list[int]:
    """Where excerpts begin: all over the held-out parts, the rest spread over the corpus."""
    n = int(np.clip(n_samples // length, FEWEST_EXCERPTS, MOST_EXCERPTS))
    inside = [
        start + i * length for start, stop in held_out for i in range((stop - start) // length)
    ]
    if len(inside) > n:
        inside = [inside[i] for i in np.linspace(0, len(inside) - 1, n).astype(int)]
    spread = np.linspace(0, n_samples - length, n - len(inside))
    return inside + sorted(set(spread.astype(int).tolist()) - set(inside))


def _planted(
    excerpts: list[np.ndarray], sample_rate: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Noise, silence, a loop and a copy of the length of an excerpt."""
    loudest = max(excerpts, key=lambda y: float(np.square(y).mean()))
    level = float(np.median([y.std() for y in excerpts])) or float(loudest.std()) or 0.1
    loop = loudest[:, : min(loudest.shape[1], round(_LOOP_SECONDS * sample_rate))]
    n_repeats = -(-loudest.shape[1] // loop.shape[1])
    return {
        "noise": (level * rng.standard_normal(loudest.shape)).astype(np.float32),
        "silence": np.zeros_like(loudest),
        "loop": np.tile(loop, n_repeats)[:, : loudest.shape[1]],
        "copy": loudest,
    }
