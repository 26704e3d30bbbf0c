import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimikit_nb.audio.demo import demo_music
from mimikit_nb.audio.loudness import k_weighting
from mimikit_nb.audio.meters import LevelMeter, measure
from mimikit_nb.errors import ParameterError


def _sine(frequency: float, seconds: float, sample_rate: int, amplitude: float = 1.0) -> np.ndarray:
    return amplitude * np.sin(
        2 * np.pi * frequency * np.arange(int(seconds * sample_rate)) / sample_rate
    )


def test_silence_shows_as_silence():
    levels = measure(np.zeros((2, 44100)), 44100)
    assert levels.lufs == levels.peak_dbfs == levels.rms_dbfs == -math.inf
    assert levels.silence_share == 1.0
    assert levels.swing == levels.n_clipped == levels.n_clicks == 0


def test_an_empty_sound_has_levels_too():
    assert measure(np.zeros((1, 0)), 44100).lufs == -math.inf


def test_filters_are_those_of_the_standard_at_48_khz():
    expected = [  # ITU-R BS.1770-4, tables 1 and 2
        [
            1.53512485958697,
            -2.69169618940638,
            1.19839281085285,
            1,
            -1.69065929318241,
            0.73248077421585,
        ],
        [1.0, -2.0, 1.0, 1, -1.99004745483398, 0.99007225036621],
    ]
    np.testing.assert_allclose(k_weighting(48000), expected, atol=1e-8)


@pytest.mark.parametrize("sample_rate", [8000, 22050, 44100, 48000, 96000, 192000])
def test_a_full_scale_tone_of_997_hz_has_minus_3_lufs(sample_rate):
    assert measure(_sine(997, 3, sample_rate), sample_rate).lufs == pytest.approx(-3.01, abs=0.1)


def test_two_equal_channels_are_3_db_louder_than_one():
    y = _sine(997, 2, 48000, 0.1)
    one, two = measure(y, 48000), measure(np.stack([y, y]), 48000)
    assert two.lufs - one.lufs == pytest.approx(3.01, abs=0.01)
    assert two.rms == pytest.approx(one.rms)


def test_pauses_do_not_lower_the_loudness():
    y = _sine(997, 4, 48000, 0.1)
    paused = np.concatenate([y, np.zeros(8 * 48000)])
    assert measure(paused, 48000).lufs == pytest.approx(measure(y, 48000).lufs, abs=0.3)
    assert measure(paused, 48000).silence_share == pytest.approx(2 / 3, abs=0.01)


def test_short_sounds_have_a_loudness():
    assert -20 < measure(_sine(997, 0.05, 48000), 48000).lufs < 0
    assert -20 < measure(_sine(997, 0.01, 48000), 48000).lufs < 0


@settings(max_examples=20, deadline=None)
@given(
    n_samples=st.integers(1, 40_000),
    cuts=st.lists(st.integers(0, 40_000), max_size=6),
    sample_rate=st.sampled_from([8000, 11025, 44100]),
)
def test_levels_do_not_depend_on_how_a_sound_is_cut(n_samples, cuts, sample_rate):
    rng = np.random.default_rng(n_samples)
    y = np.clip(
        rng.standard_normal((2, n_samples)) * rng.choice([0, 1e-4, 2], (1, n_samples)), -1, 1
    )
    meter = LevelMeter(sample_rate, 2)
    edges = [0, *sorted(min(cut, n_samples) for cut in cuts), n_samples]
    for start, stop in itertools.pairwise(edges):
        meter.update(y[:, start:stop])
    cut, whole = meter.levels(), measure(y, sample_rate)
    for name, value in vars(whole).items():
        assert getattr(cut, name) == pytest.approx(value, rel=1e-5, abs=1e-6), name


@settings(max_examples=20, deadline=None)
@given(gain=st.floats(0.01, 1.0))
def test_levels_follow_the_gain_decibel_by_decibel(gain):
    y = demo_music(8000, seconds=3.0)
    before, after = measure(y, 8000), measure(gain * y, 8000)
    assert after.peak == pytest.approx(gain * before.peak, rel=1e-4)
    assert after.rms_dbfs - before.rms_dbfs == pytest.approx(20 * math.log10(gain), abs=0.01)


def test_offset_and_swing():
    levels = measure(np.stack([np.full(8000, 0.5), np.zeros(8000)]), 8000)
    assert levels.dc == pytest.approx(0.5)
    assert levels.swing == pytest.approx(0.0, abs=1e-6)


def test_clipped_samples_are_counted_and_full_scale_tones_are_not():
    clipped = np.clip(_sine(100, 1, 44100, 2.0), -1, 1)
    assert measure(clipped, 44100).n_clipped > 10_000
    assert measure(np.round(_sine(100, 1, 44100) * 32767) / 32768, 44100).n_clipped == 0


@pytest.mark.parametrize("sample_rate", [8000, 44100])
def test_clicks_are_counted_and_music_is_not(sample_rate):
    y = demo_music(sample_rate, seconds=5.0)
    before = measure(y, sample_rate).n_clicks
    assert before <= 2
    for second in range(1, 5):
        y[second * sample_rate + 7] += 0.9
    assert measure(y, sample_rate).n_clicks >= before + 3
    noise = np.random.default_rng(0).uniform(-1, 1, 5 * sample_rate)
    assert measure(noise, sample_rate).n_clicks == 0


def test_nan_and_infinity_are_counted_and_do_not_spoil_the_rest():
    y = _sine(440, 1, 22050, 0.5)
    y[[10, 500]] = np.nan, np.inf
    levels = measure(y, 22050)
    assert levels.n_nonfinite == 2
    assert levels.peak == pytest.approx(0.5, abs=1e-3)
    assert math.isfinite(levels.lufs)


def test_a_wrong_number_of_channels_is_an_error():
    with pytest.raises(ParameterError, match=r"\[2, n\]"):
        LevelMeter(8000, 2).update(np.zeros((1, 5)))
