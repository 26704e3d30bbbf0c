"""Fingerprints: what of a sound is compared to find where it was copied from.

A copy can be quieter, a little higher or faster, and begin anywhere between two frames. What
survives is *how each frequency band moves in time*: the log-mel spectrum every 50 ms, less its
own mean over 0.8 s. Gain and equalisation fall out with the mean, 20 cents move little energy
from one of 32 bands to the next, and steady sound, of which no one can say whether it was
copied, leaves nothing.

Where neighbours are looked for, and not copies, other views of a sound will do as well
(:data:`FEATURES`): its timbre alone, or its tones whatever plays them.

A *patch* is 0.8 s of that, 16 frames; two patches are alike by their correlation: 1 for a copy,
0.95 to 0.99 for a copy 6 dB quieter and 20 cents higher, 0.3 to 0.9 for other places in the same
recording.

Main names: :class:`Fingerprint`, :func:`fingerprints`, :func:`patch_similarity`,
:func:`similarity_along`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import scipy.fft
import torch
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from ..errors import ParameterError
from .spectra import log_bands, log_mel, nearest_power_of_two

Feature = Literal["bands", "timbre", "tones"]
FEATURES: tuple[Feature, ...] = get_args(Feature)
"""What is compared: 32 log-mel bands; their cepstrum without its mean, which hears timbre more
than pitch; or twelve pitch classes, which hear pitch whatever plays it."""

HOP_SECONDS = 0.05
PATCH_FRAMES = 16
N_BANDS, N_CEPSTRA = 32, 14

N_PHASES = 2
"Times a sound is fingerprinted, half a hop apart: where a copy begins isn't known."

MIN_MOVEMENT_DB = 1.0
"Patches that move less (RMS over bands and frames) have nothing to compare."

_FRAME_SECONDS = 0.1
_RANGE_DB = 40.0  # under the loudest band of the same 0.8 s: masked, and where noise floors lie
_SILENCE_DB = -80.0


@dataclass(frozen=True)
class Fingerprint:
    """Movement of the bands of a sound.

    Attributes
    ----------
    movement : np.ndarray [shape=(frames, bands)], float32
        In dB, mean 0 around every frame; 32 bands, or as many as the feature has.
    norms : np.ndarray [shape=(patches,)], float32
        Norm of the patch that begins at each frame, at least that of :data:`MIN_MOVEMENT_DB`.
    is_moving : np.ndarray [shape=(patches,)], bool
        Whether there is something to compare.
    hop_seconds : float
        From frame to frame: 50 ms in whole samples.
    """

    movement: np.ndarray
    norms: np.ndarray
    is_moving: np.ndarray
    hop_seconds: float

    @classmethod
    def of(cls, y: np.ndarray, sample_rate: int, feature: Feature = "bands") -> Fingerprint:
        """Fingerprint of ``y [C, N]``, in memory or mapped; an hour takes some ten seconds."""
        hop_length = round(HOP_SECONDS * sample_rate)
        bands = _levels(y, sample_rate, hop_length, feature)
        loudest = maximum_filter1d(bands.max(axis=1), PATCH_FRAMES)[:, None]
        bands = np.maximum(bands, np.maximum(loudest - _RANGE_DB, _SILENCE_DB))
        if feature == "timbre":
            bands = np.asarray(scipy.fft.dct(bands, axis=1, norm="ortho")[:, 1:N_CEPSTRA])
        movement = bands - uniform_filter1d(bands, PATCH_FRAMES, axis=0)
        return cls.of_movement(movement, hop_length / sample_rate)

    @classmethod
    def of_movement(cls, movement: np.ndarray, hop_seconds: float) -> Fingerprint:
        """Fingerprint whose movement is known."""
        if len(movement) < PATCH_FRAMES:
            return cls(movement, np.zeros(0, np.float32), np.zeros(0, bool), hop_seconds)
        energy = np.concatenate([[0.0], np.cumsum(np.square(movement).sum(axis=1, dtype=float))])
        energy = np.maximum(energy[PATCH_FRAMES:] - energy[:-PATCH_FRAMES], 0)
        least = MIN_MOVEMENT_DB * np.sqrt(PATCH_FRAMES * movement.shape[1])
        norms = np.sqrt(energy).astype(np.float32)
        return cls(movement, np.maximum(norms, np.float32(least)), norms >= least, hop_seconds)

    @property
    def n_patches(self) -> int:
        """Patches, one every 50 ms; 0 for a sound shorter than 0.8 s."""
        return len(self.norms)

    @property
    def patch_seconds(self) -> float:
        """Length of a patch."""
        return PATCH_FRAMES * self.hop_seconds


def _levels(y: np.ndarray, sample_rate: int, hop_length: int, feature: Feature) -> np.ndarray:
    """What moves, in dB ``[frames, bands]``."""
    if feature not in FEATURES:
        raise ParameterError(
            f"The feature is {feature!r}; it must be {', '.join(map(repr, FEATURES))}."
        )
    frame_length = nearest_power_of_two(_FRAME_SECONDS * sample_rate)
    if feature == "tones":
        return log_bands(y, _pitch_filters(sample_rate, frame_length), hop_length)
    return log_mel(
        y,
        sample_rate,
        frame_length=frame_length,
        hop_length=hop_length,
        n_mels=N_BANDS,
        fmin=60.0,
    )


def _pitch_filters(sample_rate: int, frame_length: int) -> np.ndarray:
    """Which pitch class each bin belongs to, ``[F, 12]``, where bins are finer than semitones."""
    frequencies = np.arange(1 + frame_length // 2) * sample_rate / frame_length
    finest = 17.0 * sample_rate / frame_length  # a semitone is 1/17 of its frequency
    is_used = (frequencies >= finest) & (frequencies < min(5000.0, 0.45 * sample_rate))
    filters = np.zeros((len(frequencies), 12), np.float32)
    classes = np.round(12 * np.log2(frequencies[is_used] / 440)).astype(int) % 12
    filters[np.flatnonzero(is_used), classes] = 1
    return filters


def fingerprints(y: np.ndarray, sample_rate: int, feature: Feature = "bands") -> list[Fingerprint]:
    """Fingerprints of a sound from several starts within a hop, cut to the same length.

    Parameters
    ----------
    y : np.ndarray [shape=(C, N)]
        The sound.
    sample_rate : int > 0
        In Hz.
    feature : {"bands", "timbre", "tones"}
        What is compared.

    Returns
    -------
    list of Fingerprint
        :data:`N_PHASES` of them, empty for a sound too short for one patch.
    """
    shift = round(HOP_SECONDS * sample_rate / N_PHASES)
    if y.shape[1] <= N_PHASES * shift:
        return []
    made = [
        Fingerprint.of(y[:, phase * shift :], sample_rate, feature) for phase in range(N_PHASES)
    ]
    n_frames = min(len(f.movement) for f in made)
    made = [Fingerprint.of_movement(f.movement[:n_frames], f.hop_seconds) for f in made]
    return made if made[0].n_patches else []


def patch_similarity(query: Fingerprint, corpus: Fingerprint, patches: np.ndarray) -> np.ndarray:
    """Correlation of some patches of a query with all patches of a corpus.

    Parameters
    ----------
    query, corpus : Fingerprint
        What to compare.
    patches : np.ndarray of int [shape=(n,)]
        Patches of the query; their number bounds the memory.

    Returns
    -------
    np.ndarray [shape=(n, corpus.n_patches)], float32
        In -1 to 1; small where either hardly moves.
    """
    windows = np.lib.stride_tricks.sliding_window_view(query.movement, PATCH_FRAMES, axis=0)
    kernels = np.ascontiguousarray(windows[patches] / query.norms[patches, None, None])
    bands = torch.from_numpy(corpus.movement).T[None]
    similarity = torch.nn.functional.conv1d(bands, torch.from_numpy(kernels))[0].numpy()
    similarity /= corpus.norms
    return similarity


def similarity_along(
    query: Fingerprint, corpus: Fingerprint, offsets: np.ndarray, half_width: int
) -> np.ndarray:
    """Correlation of all patches of a query with those near some diagonals of a corpus.

    Parameters
    ----------
    query, corpus : Fingerprint
        What to compare.
    offsets : np.ndarray of int [shape=(k,)]
        Diagonals: patch of the corpus less patch of the query.
    half_width : int >= 0
        How far to look on both sides.

    Returns
    -------
    np.ndarray [shape=(k, query.n_patches, 2 * half_width + 1)], float32
        -1 outside the corpus.
    """
    n_frames, n_patches = len(query.movement), query.n_patches
    sides = np.arange(-half_width, half_width + 1)
    columns = (
        np.arange(n_frames)[:, None] + sides
    )  # of the first diagonal, and all others by offset
    found = np.empty((len(offsets), n_patches, len(sides)), np.float32)
    for k, offset in enumerate(offsets):
        at = columns + offset
        frames = corpus.movement[np.clip(at, 0, len(corpus.movement) - 1)]
        products = np.einsum("fk,fbk->fb", query.movement, frames)
        sums = np.lib.stride_tricks.sliding_window_view(products, PATCH_FRAMES, axis=0).sum(axis=2)
        at = at[:n_patches]
        norms = corpus.norms[np.clip(at, 0, corpus.n_patches - 1)] * query.norms[:, None]
        is_inside = (at >= 0) & (at < corpus.n_patches)
        found[k] = np.where(is_inside, sums / norms, -1)
    return found
