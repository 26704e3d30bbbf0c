"""Whether a copied run is the same recording, or the same music played again.

A piece that repeats its parts makes real excerpts follow the rest of it for ten seconds note for
note; by the notes alone nobody can tell a copy from a reprise. The waveform can: where a sound
is cut from a recording, its samples correlate with it by 1 whatever its gain; a passage played
again, even rendered from the same score with the same samples, stays alike for a second or two
and falls out of step with the next chord. A copy that was sped up or slowed down is compared
after undoing that.

Main names: :func:`same_recording_seconds`.
"""

from __future__ import annotations

import itertools

import numpy as np
import scipy.signal

from .copies import CopiedRun
from .spectra import as_channels

COHERENCE = 0.995
"""Correlation of half a second from which it is the same recording. Eight bits cost 0.001;
chords played again on the same sampled piano reach it now and then."""

MOST_CENTS = 50.0
"Speeds that are tried: half a semitone to both sides."

_WINDOW_SECONDS, _HOP_SECONDS = 0.5, 0.125
_AROUND_SECONDS = 0.25  # fingerprints know places so well
_STEP_SECONDS = 0.02  # how far a window may stray from where the speed puts it
_RATE, _HIGHEST_HZ = 8000, 1000.0  # what is higher falls out of step by the least error of speed
_SEARCH = ((MOST_CENTS, 2.0), (2.0, 0.5), (0.5, 0.1))
"""Half-widths and steps of the search for the speed, in cents, each around the best so far. A cent
puts 1000 Hz out of step by a seventh of a period at the ends of a window: 2 can't miss it."""
_QUIET = 1e-4  # of the run's mean power: nothing to compare


def same_recording_seconds(
    y: np.ndarray, signal: np.ndarray, sample_rate: int, run: CopiedRun
) -> float:
    """Longest stretch of a copied run that is cut from the very recording.

    Parameters
    ----------
    y : np.ndarray [shape=(C, N)]
        The sound.
    signal : np.ndarray [shape=(C, M)]
        The corpus' signal, in memory or mapped; only the run's place is read.
    sample_rate : int > 0
        Of both, in Hz.
    run : CopiedRun
        From :func:`~.copies.search`.

    Returns
    -------
    float >= 0
        In seconds, in steps of an eighth; 0 for less than half a second.
    """
    margin = 2 * _AROUND_SECONDS + 0.03 * run.seconds
    place = max(0.0, run.position_seconds - margin)
    sound, rate = _low(y, sample_rate, run.start_seconds, run.seconds)
    original, _ = _low(signal, sample_rate, place, run.seconds + 2 * margin)
    width, hop = round(_WINDOW_SECONDS * rate), round(_HOP_SECONDS * rate)
    starts = np.arange(0, len(sound) - width + 1, hop)
    if not len(starts):
        return 0.0
    power = np.array([np.square(sound[s : s + width]).mean() for s in starts])
    middle = slice(len(starts) // 4, max(1, -(-3 * len(starts) // 4)))
    anchor = int(starts[middle][power[middle].argmax()])
    at = (run.position_seconds - place) * rate + anchor
    around, step = round(_AROUND_SECONDS * rate), round(_STEP_SECONDS * rate)
    window = sound[anchor : anchor + width]
    speed, at = _speed_and_place(window, original, at, around)
    is_same = [
        power[i] <= _QUIET * power.mean()
        or _coherence(sound[s : s + width], original, at + (s - anchor) * speed, speed, step)[0]
        >= COHERENCE
        for i, s in enumerate(starts.tolist())
    ]
    n = max((len(list(g)) for same, g in itertools.groupby(is_same) if same), default=0)
    return (hop * (n - 1) + width) / rate if n else 0.0


def _low(
    y: np.ndarray, sample_rate: int, start_seconds: float, seconds: float
) -> tuple[np.ndarray, float]:
    """Low part of a stretch, mixed to one channel, and its sample rate."""
    start, stop = (round(t * sample_rate) for t in (start_seconds, start_seconds + seconds))
    mono = as_channels(y[:, start:stop]).mean(axis=0, dtype=np.float64)
    factor = max(1, sample_rate // _RATE)
    rate = sample_rate / factor
    low = scipy.signal.butter(4, _HIGHEST_HZ, fs=sample_rate, output="sos")
    filtered: np.ndarray = scipy.signal.sosfiltfilt(low, mono, padlen=min(50, len(mono) - 1))
    return filtered[::factor], rate


def _speed_and_place(
    window: np.ndarray, original: np.ndarray, at: float, around: int
) -> tuple[float, float]:
    """Speed and place at which a window is most coherent with the original."""
    coherence, place = _coherence(window, original, at, 1.0, around)
    if coherence >= COHERENCE:
        return 1.0, place
    found = (coherence, 1.0, place)
    for half_width, step in _SEARCH:
        middle = 1200 * np.log2(found[1])
        for cents in np.arange(middle - half_width, middle + half_width + step / 2, step):
            speed = 2 ** (cents / 1200)
            coherence, place = _coherence(window, original, at, speed, around)
            found = max(found, (coherence, speed, place))
    return found[1], found[2]


def _coherence(
    window: np.ndarray, original: np.ndarray, at: float, speed: float, around: int
) -> tuple[float, float]:
    """Highest correlation of a window with the original around a place, and where that is."""
    places = at + np.arange(-around, len(window) + around) * speed
    other = np.interp(places, np.arange(len(original)), original, 0.0, 0.0)
    products = scipy.signal.correlate(other, window, mode="valid", method="fft")
    energy = np.concatenate([[0.0], np.cumsum(np.square(other))])
    energy = energy[len(window) :] - energy[: -len(window)]
    scale = np.sqrt(np.maximum(energy, 1e-12) * max(float(np.square(window).sum()), 1e-12))
    correlation = products / scale
    peak = int(correlation.argmax())
    if not 0 < peak < len(correlation) - 1:
        return float(correlation[peak]), float(places[peak])
    before, here, after = correlation[peak - 1 : peak + 2]
    bend = before - 2 * here + after
    shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return float(here - 0.25 * (before - after) * shift), float(places[peak] + shift * speed)
