from __future__ import annotations

import numpy as np
import pytest

from mimikit_nb.evaluation.distances import SpectralStatistics, frechet_distance
from mimikit_nb.evaluation.kernel import kernel_distance
from mimikit_nb.evaluation.sets import SET_DISTANCES, real_set_distances, set_distances

from .sounds import SR, noise, plucked


def spectra(y: np.ndarray) -> SpectralStatistics:
    return SpectralStatistics.of(y, SR)


@pytest.fixture(scope="module")
def corpus() -> SpectralStatistics:
    return spectra(plucked(60, seed=1))


@pytest.fixture(scope="module")
def sounds() -> list[SpectralStatistics]:
    return [spectra(plucked(5, seed=seed)) for seed in range(10, 18)]


def test_a_value_lies_in_its_interval_and_more_sounds_narrow_it(sounds, corpus):
    few, many = set_distances(sounds[:3], corpus), set_distances(sounds, corpus)
    for name in SET_DISTANCES:
        for found in (few[name], many[name]):
            assert 0 <= found.low <= found.value <= found.high
    for name in ("frechet_mfcc", "frechet_log_mel"):
        assert many[name].high - many[name].low < few[name].high - few[name].low
        assert many[name].value < few[name].value


def test_one_sound_scores_as_it_does_alone_and_has_no_interval(sounds, corpus):
    found = set_distances(sounds[:1], corpus)
    for on in ("mfcc", "log_mel"):
        alone = frechet_distance(sounds[0], corpus, on), kernel_distance(sounds[0], corpus, on)
        together = found[f"frechet_{on}"], found[f"kernel_{on}"]
        assert [t.value for t in together] == pytest.approx(alone, rel=1e-4)
        assert all(np.isnan([t.low, t.high]).all() for t in together)


def test_noise_is_far_beyond_the_interval_of_music(sounds, corpus):
    near = set_distances(sounds, corpus)
    far = set_distances([spectra(noise(5, seed=seed)) for seed in range(4)], corpus)
    assert all(far[name].low > 2 * near[name].high for name in SET_DISTANCES)


def test_a_network_that_always_plays_the_same_is_further_than_one_that_varies(sounds, corpus):
    varied, same = set_distances(sounds, corpus), set_distances([sounds[0]] * 8, corpus)
    assert all(same[name].value > varied[name].value for name in SET_DISTANCES)


def test_real_excerpts_are_as_near_as_music_of_the_same_kind(sounds, corpus):
    signal, places = plucked(60, seed=1), [(s, s + 5.0) for s in range(0, 60, 5)]
    excerpts = [spectra(signal[s * SR : (s + 5) * SR]) for s in range(0, 60, 5)]
    real = real_set_distances(excerpts, places, corpus, n=6)
    music = set_distances(sounds[:6], corpus)
    for name in SET_DISTANCES:
        assert len(real[name]) == 10
        assert music[name].value < 2.5 * max(real[name])


def test_more_excerpts_than_half_of_the_corpus_are_not_drawn(corpus):
    places = [(0.0, 29.0), (30.0, 59.0), (31.0, 60.0)]
    excerpts = [spectra(plucked(29, seed=seed)) for seed in range(3)]
    real = real_set_distances(excerpts, places, corpus, n=30)
    assert np.isfinite(list(real.values())).all()
