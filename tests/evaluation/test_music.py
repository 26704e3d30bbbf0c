from __future__ import annotations

import numpy as np
import pytest

from mimikit_nb.evaluation.distances import SpectralStatistics
from mimikit_nb.evaluation.music import PitchAndRhythm, pitch_distance, rhythm_distance

from .sounds import SR, noise, plucked


def music_of(y: np.ndarray) -> PitchAndRhythm:
    y = y.astype(np.float32)[None]
    return PitchAndRhythm.of(y, SR, SpectralStatistics.of(y, SR))


def chord(*midi: int) -> np.ndarray:
    time = np.arange(2 * SR) / SR
    tones = [np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * time) for pitch in midi]
    return 0.1 * np.sum(tones, axis=0)


def pulse(period: float) -> np.ndarray:
    y = 0.001 * noise(8)
    for start in np.arange(0, 7.5, period):
        y[round(start * SR) : round(start * SR) + 800] += noise(1)[:800]
    return y


def test_pitch_classes_are_those_of_the_chord():
    classes = music_of(chord(60, 64, 67)).pitch_classes
    assert set(np.argsort(classes)[-3:]) == {0, 4, 7}
    assert classes[[0, 4, 7]].sum() > 0.9


def test_the_octave_does_not_count_and_the_key_does():
    c_major = music_of(chord(60, 64, 67))
    assert pitch_distance(c_major, music_of(chord(72, 64, 55))) < 0.15
    assert pitch_distance(c_major, music_of(chord(66, 70, 73))) > 0.8


def test_rhythms_of_the_same_tempo_are_nearer():
    slow = music_of(pulse(0.5))
    near = rhythm_distance(slow, music_of(pulse(0.5)[2000:]))
    assert near < 0.1
    assert rhythm_distance(slow, music_of(pulse(0.37))) > 2 * near


@pytest.mark.parametrize("y", [np.zeros(SR), np.ones(10), plucked(0.1, 0)], ids=len)
def test_silence_and_short_sounds_have_distances(y):
    a, b = music_of(y), music_of(chord(60))
    assert 0 <= pitch_distance(a, b) <= 1
    assert rhythm_distance(a, b) >= 0
