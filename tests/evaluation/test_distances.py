from __future__ import annotations

import numpy as np
import pytest

from mimikit_nb.errors import ParameterError
from mimikit_nb.evaluation.distances import (
    SpectralStatistics,
    band_distance,
    frechet_distance,
    log_mel_distance,
)
from mimikit_nb.evaluation.kernel import kernel_distance

from .sounds import SR, plucked

DISTANCES = [
    band_distance,
    frechet_distance,
    lambda a, b: frechet_distance(a, b, on="log_mel"),
    kernel_distance,
    lambda a, b: kernel_distance(a, b, on="log_mel"),
]


@pytest.fixture(scope="module")
def spectra() -> SpectralStatistics:
    return SpectralStatistics.of(plucked(40, seed=1), SR)


def statistics(y):
    return SpectralStatistics.of(y.astype(np.float32), SR)


@pytest.mark.parametrize("distance", DISTANCES)
def test_music_of_the_same_kind_is_nearer_than_noise_silence_and_a_tone(distance, spectra, music):
    rng = np.random.default_rng(0)
    near = distance(statistics(music), spectra)
    rms = music.std()
    tone = rms * np.sin(np.arange(10 * SR) * 0.06)
    for far in (rms * rng.normal(size=10 * SR), np.zeros(10 * SR), tone):
        assert distance(statistics(far), spectra) > 2 * near


@pytest.mark.parametrize("distance", DISTANCES)
def test_a_sound_is_at_no_distance_from_itself(distance, spectra):
    assert distance(spectra, spectra) == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("distance", DISTANCES[:3])
def test_distances_are_symmetric(distance, spectra, music):
    a = statistics(music)
    assert distance(a, spectra) == pytest.approx(distance(spectra, a), rel=1e-6)


def test_gain_is_read_in_decibels(music):
    a, b = statistics(music), statistics(0.5 * music)
    assert 4 < band_distance(a, b) <= 6.1  # less than 6: the floor does not move
    assert log_mel_distance(music, 0.5 * music, SR) == pytest.approx(band_distance(a, b))


def test_order_in_time_does_not_count(spectra, music):
    assert band_distance(statistics(music[::-1].copy()), statistics(music)) < 1.0


def test_sounds_of_different_rates_are_compared_below_the_lower_one(music):
    half = music[::2]  # aliased, but of half the rate
    a = SpectralStatistics.of(half, SR // 2)
    b = SpectralStatistics.of(music, SR, sample_rate_limit=SR // 2)
    assert band_distance(a, b) < 5
    with pytest.raises(ParameterError, match="lower one"):
        band_distance(a, statistics(music))


def test_a_long_corpus_is_sampled():
    y = np.random.default_rng(0).normal(size=700 * 8000).astype(np.float32)
    assert len(SpectralStatistics.of(y, 8000).bands) < 601 * 8000 / 184


def test_short_sounds_have_distances(spectra):
    tiny = statistics(plucked(0.02, seed=3))
    assert all(np.isfinite(distance(tiny, spectra)) for distance in DISTANCES)


def test_an_unknown_feature_is_refused(spectra):
    with pytest.raises(ParameterError, match="'mfcc' or 'log_mel'"):
        frechet_distance(spectra, spectra, on="chroma")
