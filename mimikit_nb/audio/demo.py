"""The embedded music: a short piece for plucked strings, bells and drums, made by code.

So that everything can be tried, shown and tested without a recording, and without anybody's
rights. The same arguments give the same samples, bit for bit, on the same machine. Main name:
:func:`demo_music`.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator

import numpy as np
import scipy  # scipy.signal takes a second to load: loaded where it is used

from ..arguments import Seconds, Seed, StoredRate, checked
from ..errors import ParameterError
from ..units import seconds_to_samples

BEAT_SECONDS = 0.625  # 96 beats a minute: sixteen bars of four beats last 40 s
PEAK = 0.8

Note = tuple[float, str, int, float]
"Beat, instrument, MIDI pitch, loudness."

_VERSE = (
    (38, (57, 60, 64, 65)),
    (34, (53, 57, 62, 65)),
    (41, (53, 57, 60, 64)),
    (36, (55, 60, 62, 64)),
)
_BRIDGE = (
    (43, (55, 58, 62, 65)),
    (45, (57, 62, 65, 69)),
    (34, (58, 62, 65, 69)),
    (45, (57, 62, 64, 67)),
)
"Bass note and chord of each bar, as MIDI pitches: Dm9 B7 F7 C9, Gm7 Dm B7 A7sus."

_FIGURES = ((0, 1, 2, 3, 2, 3, 1, 2), (0, 2, 1, 3, 2, 3, 1, 3), (3, 2, 1, 0, 1, 2, 3, 2))
_MELODY = (
    (0.0, 77),
    (1.5, 76),
    (2.0, 72),
    (5.0, 74),
    (6.0, 77),
    (8.0, 76),
    (9.5, 72),
    (10.0, 69),
    (13.0, 72),
    (14.0, 74),
)
_ANSWER = (
    (0.0, 74),
    (1.0, 77),
    (2.0, 79),
    (4.5, 81),
    (6.0, 77),
    (8.0, 77),
    (9.0, 74),
    (10.5, 72),
    (12.0, 74),
    (14.0, 76),
)


@checked
def demo_music(
    sample_rate: StoredRate = 22050, seconds: Seconds = 40.0, seed: Seed = 0
) -> np.ndarray:
    """Render the embedded piece.

    A quiet verse for strings, a second one with bells and bass, a bridge with drums, and all
    together again; 40 s long. Longer requests repeat it with other variations.

    Parameters
    ----------
    sample_rate : int in [8000, 192000], default 22050
        In Hz.
    seconds : float > 0, default 40
        Length; the end is faded.
    seed : int >= 0, default 0
        Draws the variations: figures, accents, the colour of the strings.

    Returns
    -------
    np.ndarray [shape=(N,), dtype=float32]
        Mono, peak 0.8.

    Raises
    ------
    ParameterError
        If a value lies outside its range.

    Examples
    --------
    >>> demo_music(seconds=2.0).shape
    (44100,)
    """
    if not 8000 <= sample_rate <= 192_000 or not 0 < seconds <= 3600 or seed < 0:
        raise ParameterError(
            f"demo_music({sample_rate=}, {seconds=}, {seed=}): the rate must lie in 8000 to 192000 "
            "Hz, the length in 0 to 3600 s, and the seed can't be negative."
        )
    n_samples = max(1, seconds_to_samples(seconds, sample_rate))
    y = np.zeros(n_samples + 4 * sample_rate)  # notes may ring beyond the end

    @functools.cache
    def sound_of(instrument: str, pitch: int) -> np.ndarray:
        rng = np.random.default_rng([seed, pitch, *instrument.encode()])
        return _INSTRUMENTS[instrument](sample_rate, 440 * 2 ** ((pitch - 69) / 12), rng)

    for beat, instrument, pitch, loudness in _play(seed):
        start = round(beat * BEAT_SECONDS * sample_rate)
        if start >= n_samples:
            break
        sound = sound_of(instrument, pitch)
        y[start : start + len(sound)] += loudness * sound
    y = _in_a_room(y, sample_rate, np.random.default_rng([seed, 1]))[:n_samples]
    y *= _fades(n_samples, sample_rate)
    y = np.tanh(2 / max(np.abs(y).max(), 1e-9) * y)  # rounds the attacks, lifts what is soft
    music: np.ndarray = (PEAK / np.tanh(2) * y).astype(np.float32)
    return music


def _play(seed: int) -> Iterator[Note]:
    """All notes in order of time, without end."""
    rng = np.random.default_rng([seed, 0])
    for bar in itertools.count():
        section, in_section = bar // 4 % 4, bar % 4
        bass, chord = (_BRIDGE if section == 2 else _VERSE)[in_section]
        notes = list(_strings(chord, section, rng))
        if section > 0:
            notes += [
                (0.0, "string", bass, 0.9),
                (2.5, "string", bass + 12 * (in_section % 2), 0.6),
            ]
            notes += _bells(_ANSWER if section == 2 else _MELODY, in_section)
        if section > 1:
            notes += _drums(in_section, rng)
        yield from sorted((4 * bar + beat, name, pitch, loud) for beat, name, pitch, loud in notes)


def _strings(chord: tuple[int, ...], section: int, rng: np.random.Generator) -> Iterator[Note]:
    """Broken chord of a bar in quavers; sometimes a string an octave higher, or a rest."""
    figure = _FIGURES[0] if section == 0 else _FIGURES[rng.integers(len(_FIGURES))]
    for quaver, string in enumerate(figure):
        accent = 0.75 if quaver % 4 == 0 else 0.5
        octave = 12 if section > 0 and rng.random() < 0.12 else 0
        if quaver == 0 or rng.random() > 0.06:
            yield quaver / 2, "string", chord[string] + octave, accent + rng.uniform(-0.1, 0.1)


def _bells(melody: tuple[tuple[float, int], ...], bar: int) -> list[Note]:
    return [(b - 4 * bar, "bell", p, 0.35) for b, p in melody if 4 * bar <= b < 4 * bar + 4]


def _drums(bar: int, rng: np.random.Generator) -> Iterator[Note]:
    yield from (
        (beat, "kick", 0, 0.8) for beat in ((0.0, 2.0) if bar % 2 == 0 else (0.0, 1.5, 2.5))
    )
    yield from ((beat, "snare", 0, 0.33) for beat in (1.0, 3.0))
    yield from ((q / 2, "hat", 0, 0.10 + 0.06 * (q % 2) + rng.uniform(0, 0.03)) for q in range(8))
    if bar == 3:
        yield from ((beat, "snare", 0, 0.2) for beat in (3.5, 3.75))


def _string(sample_rate: int, frequency: float, rng: np.random.Generator) -> np.ndarray:
    """Plucked string after Karplus and Strong: a noise burst in a damped loop of one period."""
    period = sample_rate / frequency
    delay = int(period - 0.5)  # the averaging below delays by another half sample
    fraction = period - 0.5 - delay
    decay = 10 ** (-3 / (frequency * (1.2 + 260 / frequency)))  # 60 dB in so many seconds
    loop = -decay * np.convolve([0.5, 0.5], [1 - fraction, fraction])
    burst = rng.uniform(-1, 1, delay)
    # Softened: plucked with a finger, not with a plectrum.
    burst = scipy.signal.lfilter([0.35], [1, -0.65], burst - burst.mean())
    n_samples = int(2.2 * sample_rate)
    burst = np.concatenate([burst, np.zeros(n_samples - delay)])
    y = scipy.signal.lfilter([1.0], np.concatenate([[1.0], np.zeros(delay - 1), loop]), burst)
    return _damped(y / np.abs(y).max(), sample_rate)


def _bell(sample_rate: int, frequency: float, rng: np.random.Generator) -> np.ndarray:
    """Bell of inharmonic partials; the higher, the sooner they fade."""
    t = np.arange(int(2.5 * sample_rate)) / sample_rate
    y = np.zeros_like(t)
    for ratio, level in ((1, 1.0), (2.0, 0.5), (2.76, 0.35), (4.07, 0.2), (5.4, 0.12), (6.8, 0.07)):
        if ratio * frequency < 0.45 * sample_rate:
            phase = 2 * np.pi * ratio * frequency * t + rng.uniform(0, 2 * np.pi)
            y += level * np.sin(phase) * np.exp(-t * (1.6 + 0.9 * ratio))
    y *= 1 - np.exp(-t / 0.002)
    return _damped(y / np.abs(y).max(), sample_rate)


def _kick(sample_rate: int, frequency: float, rng: np.random.Generator) -> np.ndarray:
    t = np.arange(int(0.45 * sample_rate)) / sample_rate
    phase = 2 * np.pi * (48 * t + 70 * 0.03 * (1 - np.exp(-t / 0.03)))  # falls from 118 to 48 Hz
    return _damped(np.sin(phase) * np.exp(-t / 0.11) * (1 - np.exp(-t / 0.001)), sample_rate)


def _snare(sample_rate: int, frequency: float, rng: np.random.Generator) -> np.ndarray:
    t = np.arange(int(0.3 * sample_rate)) / sample_rate
    band = scipy.signal.butter(
        2, [900, min(6000, 0.45 * sample_rate)], "bandpass", fs=sample_rate, output="sos"
    )
    brush = scipy.signal.sosfilt(band, rng.standard_normal(len(t))) * np.exp(-t / 0.07)
    y = brush / np.abs(brush).max() + 0.5 * np.sin(2 * np.pi * 185 * t) * np.exp(-t / 0.05)
    return _damped(y * (1 - np.exp(-t / 0.001)), sample_rate)


def _hat(sample_rate: int, frequency: float, rng: np.random.Generator) -> np.ndarray:
    t = np.arange(int(0.12 * sample_rate)) / sample_rate
    high = scipy.signal.butter(
        2, min(6500, 0.4 * sample_rate), "highpass", fs=sample_rate, output="sos"
    )
    y = scipy.signal.sosfilt(high, rng.standard_normal(len(t))) * np.exp(-t / 0.025)
    return _damped(y / np.abs(y).max(), sample_rate)


_INSTRUMENTS = {"string": _string, "bell": _bell, "kick": _kick, "snare": _snare, "hat": _hat}


def _damped(y: np.ndarray, sample_rate: int) -> np.ndarray:
    """End a note at zero, so that it doesn't click where it is cut."""
    n_fade = min(len(y), int(0.05 * sample_rate))
    y[-n_fade:] *= np.linspace(1, 0, n_fade)
    return y


def _in_a_room(y: np.ndarray, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Add the echo of a small room: noise that fades within a second."""
    t = np.arange(int(1.1 * sample_rate)) / sample_rate
    echo = scipy.signal.lfilter([0.3], [1, -0.7], rng.standard_normal(len(t))) * np.exp(-t / 0.22)
    echo *= 0.22 / np.sqrt(np.sum(echo**2))
    wet: np.ndarray = y + scipy.signal.oaconvolve(y, echo)[: len(y)]
    return wet


def _fades(n_samples: int, sample_rate: int) -> np.ndarray:
    """From silence in 5 ms, into silence over the last two seconds (or fifth)."""
    gain = np.ones(n_samples)
    n_in, n_out = int(0.005 * sample_rate), min(2 * sample_rate, n_samples // 5)
    gain[:n_in] *= np.linspace(0, 1, min(n_in, n_samples))
    if n_out:
        gain[-n_out:] *= np.cos(np.linspace(0, np.pi / 2, n_out)) ** 2
    return gain
