"""All measures of one sound against one corpus, before they are read beside real audio.

:mod:`.index` holds the references and calibrates; :mod:`.scoring` turns measures into scores.

Main names: :class:`References`, :class:`Measures`, :func:`measure_sound`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .copies import LOOK_EVERY, Search, neighbours, search
from .distances import SpectralStatistics, band_distance, frechet_distance
from .fingerprints import Feature, Fingerprint, fingerprints
from .health import Health, measure_health
from .kernel import kernel_distance
from .music import PitchAndRhythm, pitch_distance, rhythm_distance
from .novelty import Novelty
from .verbatim import same_recording_seconds

DISTANCES = ("log_mel", "frechet", "kernel", "pitch", "rhythm")
"What fidelity is made of."

HEALTH = (
    *("level_db", "sounding_share", "silent_tail_seconds", "noise_share", "coloured_noise_share"),
    *("frozen_seconds", "loop_seconds", "clipped_share", "flat_top_share", "dc", "drift_db"),
    *("level_range_db", "clicks_per_second"),
)
"What the flags are made of; see :class:`~.health.Health`."

SHORTEST_RUN_SECONDS = 2.0
"Copied runs from which the waveforms are compared too."

_MOST_RUNS = 3


@dataclass(frozen=True)
class References:
    """What a corpus is compared by.

    Attributes
    ----------
    sample_rate : int
        Of the corpus, in Hz.
    seconds : float
        Its length.
    fingerprint : Fingerprint
        For copies and neighbours.
    is_held_out : np.ndarray [shape=(fingerprint.n_patches,)], bool
        Patches that touch what was held out of training: nothing can be copied from there.
    spectra : SpectralStatistics
        For the spectral distances.
    music : PitchAndRhythm
        For the musical ones.
    silence_db : float
        RMS of a frame below which it is silent.
    signal : np.ndarray [shape=(C, N)] or None
        The corpus itself, mapped; without it no waveforms are compared.
    feature : {"bands", "timbre", "tones"}
        What neighbours are near in.
    neighbours : Fingerprint or None
        For neighbours, if that isn't what copies are found by.
    """

    sample_rate: int
    seconds: float
    fingerprint: Fingerprint
    is_held_out: np.ndarray
    spectra: SpectralStatistics
    music: PitchAndRhythm
    silence_db: float
    signal: np.ndarray | None = None
    feature: Feature = "bands"
    neighbours: Fingerprint | None = None

    @property
    def look_seconds(self) -> float:
        """From one patch of a sound whose neighbour is looked for to the next."""
        return LOOK_EVERY * self.fingerprint.hop_seconds

    def patches_touching(self, start_seconds: float, stop_seconds: float) -> np.ndarray:
        """Which patches of the corpus share samples with a stretch of it, as booleans."""
        hop, patch = self.fingerprint.hop_seconds, self.fingerprint.patch_seconds
        begins = np.arange(self.fingerprint.n_patches) * hop
        touching: np.ndarray = (begins + patch + hop > start_seconds) & (
            begins - hop < stop_seconds
        )
        return touching


@dataclass(frozen=True)
class Measures:
    """Measures of one sound.

    Attributes
    ----------
    health : Health
        Of the sound alone.
    found : Search
        Neighbours and copies in the corpus.
    same_recording_seconds : float
        Longest stretch of the copied run that is the very recording; see :mod:`.verbatim`.
    distances : dict of str to float
        :data:`DISTANCES` from the corpus.
    spectra : SpectralStatistics
        Of the sound.
    """

    health: Health
    found: Search
    same_recording_seconds: float
    distances: dict[str, float]
    spectra: SpectralStatistics

    def values(self, novelty: Novelty) -> dict[str, float]:
        """All measures by name, with what was made of :attr:`found`; see :mod:`.reading`."""
        copied, moved = self.found.copied, novelty.entropy[np.isfinite(novelty.entropy)]
        return {
            "novelty": novelty.score,
            "longest_copy_seconds": copied.seconds,
            "same_recording_seconds": self.same_recording_seconds,
            **{f"{name}_distance": self.distances[name] for name in DISTANCES},
            "entropy": float(moved[-1]) if len(moved) else float("nan"),
            "repeat_rate": novelty.repeat_rate,
            "coverage": novelty.coverage,
            **{name: float(getattr(self.health, name)) for name in HEALTH},
        }


def measure_sound(
    y: np.ndarray, references: References, own_place: tuple[float, float] | None = None
) -> Measures:
    """Measure one sound against a corpus.

    Parameters
    ----------
    y : np.ndarray [shape=(C, N)]
        The sound, at the corpus' rate.
    references : References
        Of the corpus.
    own_place : (start, stop), optional
        For an excerpt of the corpus itself: where it stands, in seconds. It is judged by the
        rest.

    Returns
    -------
    Measures
        All of them.
    """
    excluded, corpus = references.is_held_out, references.spectra
    if own_place is not None:
        excluded = excluded | references.patches_touching(*own_place)
        corpus = corpus.without(own_place)
    spectra = SpectralStatistics.of(y, references.sample_rate)
    music = PitchAndRhythm.of(y, references.sample_rate, spectra)
    found = search(fingerprints(y, references.sample_rate), references.fingerprint, excluded)
    if references.neighbours is not None:
        other = fingerprints(y, references.sample_rate, references.feature)
        near = neighbours(other, references.neighbours, excluded)
        found = replace(near, runs=found.runs)
    found, same_seconds = _original_first(y, found, references)
    return Measures(
        spectra=spectra,
        health=measure_health(y, references.sample_rate, references.silence_db),
        found=found,
        same_recording_seconds=same_seconds,
        distances={
            "log_mel": band_distance(spectra, corpus),
            "frechet": frechet_distance(spectra, corpus),
            "kernel": kernel_distance(spectra, corpus),
            "pitch": pitch_distance(music, references.music),
            "rhythm": rhythm_distance(music, references.music),
        },
    )


def _original_first(y: np.ndarray, found: Search, references: References) -> tuple[Search, float]:
    """Of several places that a sound follows, put the one it was cut from first."""
    signal, rate = references.signal, references.sample_rate
    runs = [run for run in found.runs if run.seconds >= SHORTEST_RUN_SECONDS][:_MOST_RUNS]
    if signal is None or not runs:
        return found, 0.0
    seconds = [same_recording_seconds(y, signal, rate, run) for run in runs]
    first = int(np.argmax(seconds))
    others = tuple(run for run in found.runs if run is not runs[first])
    return replace(found, runs=(runs[first], *others)), seconds[first]
