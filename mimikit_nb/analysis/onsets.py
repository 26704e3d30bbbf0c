"""Where sounds begin and end: coarse spectra find the candidates, a fine envelope places them.

An onset is a rise of level. :func:`onset_strength` measures it in dB per mel band, through
windows and over lags of several lengths, and lets bands that rise strongly count more than many
that hardly rise. Every local maximum is a candidate; each is then walked back, along the
envelope of one value per millisecond, to where its sound really starts. What a threshold keeps
is decided afterwards, so that moving it costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.ndimage

from ..progress import Progress, Watch
from .frames import Frames
from .spacing import strongest_spaced

LAGS_SECONDS = (0.0116, 0.0232, 0.0464)
FLOOR_DB = QUIETEST_DB = -80.0
FAINTEST_DB = 1.5
"Rises below this are fluctuations, whatever the recording."
TYPICAL_FRACTION = 0.4
"An onset rises by at least this fraction of the typical onset of the recording."
_NORM = 3
_PEAK_SECONDS = 0.04
_GAP_SECONDS = 0.03
_BLOCK_FRAMES = 2**15


@dataclass(frozen=True, eq=False)
class Onsets:
    """Candidates for onsets, in order of time.

    Attributes
    ----------
    starts : np.ndarray [shape=(n,), dtype=int64]
        Samples where the sounds begin.
    salience : np.ndarray [shape=(n,), dtype=float64]
        Rise in dB; an onset is what reaches the threshold.
    strength : np.ndarray [shape=(N,), dtype=float32]
        Rise of every frame in dB: the novelty curve.
    """

    starts: np.ndarray
    salience: np.ndarray
    strength: np.ndarray

    @property
    def threshold(self) -> float:
        """Rise in dB that separates the onsets of this recording from what happens inside sounds.

        The clearly strong candidates (above Otsu's threshold of the logarithms) say how much an
        onset typically rises here; what rises by a good part of that is an onset as well.
        """
        strong = self.salience[self.salience >= otsu_threshold(self.salience, FAINTEST_DB)]
        typical = float(np.median(strong)) if len(strong) else 0.0
        return max(FAINTEST_DB, TYPICAL_FRACTION * typical)


def find_onsets(y: np.ndarray, frames: Frames, progress: Watch | None = None) -> Onsets:
    """Find all candidates for onsets in a mono recording.

    Parameters
    ----------
    y : np.ndarray [shape=(N,)]
        The recording, for placing starts on zero crossings.
    frames : Frames
        Its analysis.
    progress : Progress or callable, optional
        Told how far it is.
    """
    progress = Progress.of(progress)
    strength = onset_strength(frames, progress.part(0.0, 0.6))
    width = max(1, round(_PEAK_SECONDS * float(frames.axis.frame_rate) * 0.87))
    highest = scipy.ndimage.maximum_filter1d(strength, 2 * width + 1)
    peaks = np.flatnonzero((strength >= highest) & (strength > 0.3))
    peaks = peaks[_is_heard(peaks * frames.axis.hop_length, frames)]
    places = _true_starts(peaks * frames.axis.hop_length, frames, progress.part(0.6, 1.0))
    starts = snap_to_zero(y, places, frames.sample_rate)
    kept = strongest_spaced(starts, strength[peaks], round(_GAP_SECONDS * frames.sample_rate))
    return Onsets(starts[kept], strength[peaks][kept].astype(np.float64), strength)


def _is_heard(positions: np.ndarray, frames: Frames) -> np.ndarray:
    """Whether a rise can be told from the breaking off of the recording."""
    margin = round(0.06 * frames.sample_rate)
    heard: np.ndarray = (positions < frames.n_samples - margin) | (positions < margin)
    return heard


def onset_strength(frames: Frames, progress: Watch | None = None) -> np.ndarray:
    """Rise of level per frame in dB [shape=(N,), dtype=float32].

    For each mel band, window and lag: how much louder than a lag before, the neighbouring bands
    included, so that vibrato is no onset. Averaged over windows and lags; then the
    cubic mean over bands, for a bass drum under cymbals raises few bands, but those a lot.
    """
    lags = [max(1, round(seconds * float(frames.axis.frame_rate))) for seconds in LAGS_SECONDS]
    floors = [_noise_floor(levels) for levels in frames.levels]
    strength = np.empty(len(frames), np.float32)
    progress, margin = Progress.of(progress), max(lags)
    for first in range(0, len(frames), _BLOCK_FRAMES):
        last = min(len(frames), first + _BLOCK_FRAMES)
        rise = np.zeros((last - first, frames.levels[0].shape[1]), np.float32)
        for levels, floor in zip(frames.levels, floors, strict=True):
            part = _padded(levels, floor, first - margin, last + margin)
            widened = scipy.ndimage.maximum_filter1d(part, 3, axis=1)
            for lag in lags:
                now = np.arange(margin, margin + last - first) + lag // 2
                rise += np.maximum(part[now] - widened[now - lag], 0)
        rise /= len(lags) * len(frames.levels)
        strength[first:last] = np.cbrt((rise**_NORM).mean(axis=1))
        progress.tell(last, len(frames))
    return strength


def _noise_floor(levels: np.ndarray) -> np.ndarray:
    """Level per band below which changes don't count: a little above what is always there."""
    sounding = levels[levels.max(axis=1) > -90]
    if len(sounding) == 0:
        return np.full(levels.shape[1], FLOOR_DB, np.float32)
    every = max(1, len(sounding) // 20000)
    quiet: np.ndarray = np.percentile(sounding[::every], 10, axis=0) + 6
    return np.maximum(quiet, FLOOR_DB).astype(np.float32)


def _padded(levels: np.ndarray, floor: np.ndarray, first: int, last: int) -> np.ndarray:
    """Levels of the frames ``first`` to ``last``, with silence outside the recording."""
    inside = np.maximum(levels[max(0, first) : last], floor)
    before, after = max(0, -first), max(0, last - len(levels))
    parts = [np.tile(floor, (before, 1)), inside]
    if after:  # a recording that goes on being as loud as it was: its end is no onset
        parts.append(np.tile(inside[-1], (after, 1)))
    return np.concatenate(parts)


def _true_starts(positions: np.ndarray, frames: Frames, progress: Progress) -> np.ndarray:
    """Walk each candidate back to where its sound starts, in samples."""
    envelope, hop = frames.envelope, frames.envelope_hop
    per_second = frames.sample_rate / hop
    back, ahead, step = (max(2, round(s * per_second)) for s in (0.05, 0.03, 0.01))
    starts = np.array(positions, np.int64)
    for i, position in enumerate(positions // hop):
        if i % 256 == 0:
            progress.tell(i, len(positions))
        low = max(0, position - back)
        window = envelope[low : position + ahead + 1]
        if len(window) <= step:
            continue
        steepest = low + int(np.argmax(window[step:] - window[:-step])) + step
        starts[i] = hop * _walk_back(envelope, steepest, back, 2 * step)
    return starts


def _walk_back(envelope: np.ndarray, place: int, back: int, ahead: int) -> int:
    """Index where the rise towards ``place`` starts.

    The start is where the level leaves the lowest quarter (in dB) of the rise, or comes within
    40 dB of its top. While the level keeps falling by 6 dB and more further back, as in
    breaths and bowed notes, the walk goes on.
    """
    top = peak = float(envelope[place : place + ahead].max(initial=-80.0))
    for turn in range(4):
        before = envelope[max(0, place - back) : place + 1]
        low = float(before.min()) if place > back else QUIETEST_DB  # nothing precedes a recording
        if peak - low < 1e-6 or (turn and low > envelope[place] - 6):
            break
        edge = max(low + 0.25 * (top - low), peak - 40)
        begin = place
        while place > 0 and envelope[place - 1] > edge:
            place -= 1
        if place == begin:
            break
        top = float(envelope[place])
    return place


def snap_to_zero(
    y: np.ndarray, positions: np.ndarray, sr: int, seconds: float = 0.002
) -> np.ndarray:
    """Move positions to the nearest zero crossing, so that cuts don't click.

    Parameters
    ----------
    y : np.ndarray [shape=(N,)]
        Mono audio.
    positions : np.ndarray [shape=(n,), dtype=int]
        Samples.
    sr : int > 0
        Rate in Hz.
    seconds : float > 0, default 0.002
        How far to look on either side; the quietest sample there if nothing crosses zero.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=int64]
        First samples after a crossing (or exact zeros).
    """
    reach = max(1, round(seconds * sr))
    snapped = np.clip(positions, 0, max(0, len(y) - 1)).astype(np.int64)
    for i, position in enumerate(snapped):
        low = max(0, position - reach)
        part = y[low : position + reach + 1]
        is_crossing = (part[1:] == 0) | (np.signbit(part[1:]) != np.signbit(part[:-1]))
        crossing = low + 1 + np.flatnonzero(is_crossing)
        if low == 0:  # where the recording begins, nothing clicks either
            crossing = np.append(0, crossing)
        if len(crossing):
            snapped[i] = crossing[np.argmin(np.abs(crossing - position))]
        else:
            snapped[i] = low + int(np.argmin(np.abs(part)))
    return snapped


def find_ends(y: np.ndarray, frames: Frames, starts: np.ndarray) -> np.ndarray:
    """Find where the sounds that begin at ``starts`` end.

    A sound ends where it has become 40 dB quieter than its loudest moment, or hardly
    louder than the quietest second of the recording; at the latest where the next one begins.

    Parameters
    ----------
    y : np.ndarray [shape=(N,)]
        The recording.
    frames : Frames
        Its analysis.
    starts : np.ndarray [shape=(n,), dtype=int64]
        Samples in ascending order.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=int64]
        First samples after each sound.
    """
    hop, n = frames.envelope_hop, frames.n_samples
    limits = np.append(starts[1:], n)[: len(starts)]
    noise = _quietest(frames) + 6
    ends = limits.copy()
    for i, (start, limit) in enumerate(zip(starts, limits, strict=True)):
        part = frames.envelope[start // hop : max(start // hop + 1, limit // hop)]
        peak = float(part.max(initial=-80.0))
        edge = min(max(peak - 40, noise), peak - 12)
        ends[i] = (start // hop + 1 + int(np.flatnonzero(part >= min(edge, peak))[-1])) * hop
    ends = snap_to_zero(y, np.minimum(ends, limits), frames.sample_rate)
    touching = limits - ends < 0.02 * frames.sample_rate
    return np.where(touching, limits, np.maximum(ends, starts + 1))


def _quietest(frames: Frames) -> float:
    """Level of the quietest stretches of the recording in dB."""
    width = max(1, round(0.05 * frames.sample_rate / frames.envelope_hop))
    usable = len(frames.envelope) // width * width
    if usable == 0:
        return -80.0
    return float(np.percentile(frames.envelope[:usable].reshape(-1, width).mean(axis=1), 1))


def otsu_threshold(values: np.ndarray, lowest: float) -> float:
    """Threshold between two groups of positive values, on a logarithmic scale (Otsu's method).

    Parameters
    ----------
    values : np.ndarray [shape=(n,)]
        Positive values.
    lowest : float > 0
        Values up to this are ignored; also the answer where there is too little to separate.

    References
    ----------
    .. [1] Otsu, "A threshold selection method from gray-level histograms", 1979.
    """
    x = np.sort(np.log(values[values > lowest]))
    if len(x) < 4:
        return lowest
    n_low = np.arange(1, len(x))
    total = np.cumsum(x)
    low = total[:-1] / n_low
    high = (total[-1] - total[:-1]) / (len(x) - n_low)
    best = int(np.argmax(n_low * (len(x) - n_low) * (high - low) ** 2))
    return float(np.exp((x[best] + x[best + 1]) / 2))
