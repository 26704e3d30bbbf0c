from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from mimikit_nb.errors import ParameterError
from mimikit_nb.evaluation.detectors import (
    REMEDIES,
    CorpusProfile,
    detect,
    flags_of,
)
from mimikit_nb.evaluation.health import measure_health

from .sounds import SR, plucked

RNG = np.random.default_rng(0)
N = 10 * SR


def mu_law_noise(n: int) -> np.ndarray:
    u = RNG.uniform(-1, 1, n)
    return np.sign(u) * (256 ** np.abs(u) - 1) / 255


def tone(n: int) -> np.ndarray:
    return 0.2 * np.sin(2 * np.pi * 220 * np.arange(n) / SR)


def test_music_has_no_flags(music):
    assert detect(music, SR) == set()
    assert detect(np.stack([music, 0.5 * music]), SR) == set()


@pytest.mark.parametrize(
    "y",
    [np.zeros(N), RNG.normal(size=N) * 1e-4, np.full((2, N), 0.01), np.zeros(1)],
    ids=["digital", "near", "constant", "one sample"],
)
def test_silence_is_found(y):
    assert detect(y.astype(np.float32), SR) == {"silent"}


def test_a_sound_that_dies_away_is_silent(music):
    dead = music.copy()
    dead[4 * SR :] = 0
    assert detect(dead, SR) == {"silent"}


def test_silence_is_relative_to_a_quiet_corpus(music):
    quiet = music * 10 ** (-50 / 20)
    profile = CorpusProfile.from_signal(quiet, SR)
    assert "silent" in detect(quiet, SR)
    assert detect(quiet, SR, profile) == set()
    assert "silent" in detect(quiet * 1e-3, SR, profile)


@pytest.mark.parametrize("sample_rate", [8000, 16000, 22050, 44100])
@pytest.mark.parametrize("seconds", [1.0, 4.0])
def test_white_noise_is_found_at_any_rate(sample_rate, seconds):
    y = 0.1 * RNG.normal(size=round(seconds * sample_rate))
    assert detect(y.astype(np.float32), sample_rate) == {"noise"}


def test_noise_of_uniform_mu_law_classes_is_found():
    assert detect(mu_law_noise(N).astype(np.float32), SR) == {"noise"}


def test_music_that_turns_into_noise_is_found(music):
    y = music.copy()
    y[3 * SR :] = 0.05 * RNG.normal(size=7 * SR)
    assert detect(y, SR) == {"noise"}


def test_a_corpus_of_noise_does_not_flag_noise():
    rain = (0.1 * RNG.normal(size=3 * N)).astype(np.float32)
    profile = CorpusProfile.from_signal(rain, SR)
    assert detect(rain[:N], SR) == {"noise"}
    assert detect(rain[:N], SR, profile) == set()


def test_coloured_noise_is_found_where_the_corpus_is_music(music):
    brown = lfilter([0.02], [1, -0.98], RNG.normal(size=N)).astype(np.float32)
    assert detect(brown, SR) == set()  # wind, surf, steam: who knows
    assert detect(brown, SR, CorpusProfile.from_signal(music, SR)) == {"noise"}


@pytest.mark.parametrize("period", [0.1, 0.2, 0.5, 1.0, 1.7, 2.3])
def test_loops_are_found(music, period):
    n = round(period * SR)
    y = np.tile(music[3 * SR : 3 * SR + n], 1 + N // n)[:N]
    health = measure_health(y, SR)
    assert flags_of(health) - {"clicks"} == {"stuck"}
    if period >= 0.2:
        assert health.loop_period_seconds / period == pytest.approx(
            round(health.loop_period_seconds / period), abs=0.03
        )


def test_a_loop_of_50_ms_is_found(music):
    n = SR // 20
    assert "stuck" in detect(np.tile(music[3 * SR : 3 * SR + n], 200), SR)


def test_a_loop_under_some_noise_is_found(music):
    y = np.tile(music[3 * SR : 4 * SR], 10) + 0.003 * RNG.normal(size=N)
    assert detect(y.astype(np.float32), SR) == {"stuck"}


def test_a_loop_in_a_short_preview_is_found(music):
    assert detect(np.tile(music[3 * SR : 4 * SR], 4), SR) == {"stuck"}
    assert "stuck" in detect(np.tile(music[3 * SR : 3 * SR + SR // 5], 10), SR)


def test_a_tone_that_never_ends_is_found(music):
    assert detect(tone(N).astype(np.float32), SR) == {"stuck"}
    late = np.concatenate([music[: 6 * SR], tone(4 * SR)]).astype(np.float32)
    assert detect(late, SR) == {"stuck"}


def test_a_corpus_of_loops_does_not_flag_loops(music):
    techno = np.tile(music[3 * SR : 4 * SR], 30)
    profile = CorpusProfile.from_signal(techno, SR)
    assert "stuck" not in detect(techno[:N], SR, profile)
    assert "stuck" in detect(tone(N).astype(np.float32), SR, profile)


def test_clipping_is_found(music):
    loud = music / np.abs(music).max()
    assert detect(loud, SR) == set()
    assert "clipped" in detect(np.clip(4 * loud, -1, 1), SR)
    assert "clipped" in detect(4 * loud, SR)  # what a file would clip
    assert "clipped" in detect(0.5 * np.clip(8 * loud, -1, 1), SR)


def test_a_pure_sine_is_not_clipped():
    for frequency in (30, 55, 220):
        y = 0.5 * np.sin(2 * np.pi * frequency * np.arange(SR) / SR)
        assert "clipped" not in detect(np.round(y * 2**15).astype(np.float32) / 2**15, SR)


def test_offset_drift_clicks_and_nan_are_found(music):
    assert detect(0.5 * music + 0.1, SR) == {"dc"}
    time = np.arange(N) / SR
    assert detect((music * 10 ** (-3 * time / 20)).astype(np.float32), SR) == {"drifting"}
    clicking = music + 0.7 * (RNG.random(N) < 0.001)
    assert detect(clicking.astype(np.float32), SR) == {"clicks"}
    broken = music.copy()
    broken[1000] = np.nan
    assert detect(broken, SR) == {"nonfinite"}


def test_a_fade_within_the_range_of_the_corpus_is_no_drift(music):
    faded = (music * 10 ** (-2.5 * np.arange(N) / SR / 20)).astype(np.float32)
    swells = music * 10 ** (-40 * np.abs(np.sin(np.arange(N) / SR / 2)) / 20)
    assert detect(faded, SR, CorpusProfile.from_signal(swells, SR)) == set()
    assert detect(faded, SR, CorpusProfile.from_signal(music, SR)) == {"drifting"}


def test_white_noise_is_found_where_the_corpus_has_coloured_noise(music):
    brown = lfilter([1], [1, -0.98], RNG.normal(size=N))
    profile = CorpusProfile.from_signal(0.1 * brown / brown.std(), SR)
    white = (0.1 * RNG.normal(size=N)).astype(np.float32)
    assert profile.noise_share > 0.5 > profile.flat_noise_share
    assert detect(white, SR, profile) == {"noise"}
    assert detect((0.1 * brown / brown.std()).astype(np.float32), SR, profile) == set()


@settings(max_examples=8, deadline=None)
@given(
    gain_db=st.floats(-20, 6),
    sample_rate=st.sampled_from([11025, 22050, 32000]),
    seed=st.integers(0, 100),
    channels=st.integers(1, 3),
)
def test_flags_of_music_do_not_depend_on_gain_rate_or_channels(
    gain_db, sample_rate, seed, channels
):
    y = plucked(4, seed, sample_rate)
    y *= 0.5 / np.abs(y).max() * 10 ** (gain_db / 20)
    assert detect(np.repeat(y[None], channels, axis=0), sample_rate) == set()


def test_no_samples_or_too_many_dimensions_are_refused():
    with pytest.raises(ParameterError, match="at least one sample"):
        detect(np.zeros(0, np.float32), SR)
    with pytest.raises(ParameterError, match="shape"):
        detect(np.zeros((2, 2, 2), np.float32), SR)
    with pytest.raises(ParameterError, match="at least one excerpt"):
        CorpusProfile.from_healths([])


def test_real_recordings_are_rarely_flagged(audio_folder):
    paths = sorted(p for p in audio_folder.rglob("*") if p.suffix in {".wav", ".flac"})
    sounds = [soundfile.read(p, dtype="float32", frames=2**18) for p in paths[::6]]
    flagged = [flags for y, sr in sounds if (flags := detect(y.T, sr))]
    assert len(flagged) <= 0.05 * len(sounds), flagged
    assert not any(flags & {"silent", "noise"} for flags in flagged)


def test_stereo_noise_is_noise():
    both = (0.1 * np.random.default_rng(0).standard_normal((2, 4 * SR))).astype(np.float32)
    assert detect(both, SR) == {"noise"}
    both[1] = 0
    assert detect(both, SR) == {"noise"}


def test_every_flag_says_what_helps(music):
    health = measure_health(music, SR)
    worst = dict.fromkeys(("noise_share", "clipped_share", "dc", "n_nonfinite"), 1.0)
    bad = replace(health, **worst, drift_db=99.0, level_range_db=0.0, clicks_per_second=99.0)
    stuck, silent = (
        replace(health, loop_seconds=health.seconds),
        replace(health, sounding_share=0.0),
    )
    raised = set.union(*(flags_of(each) for each in (bad, stuck, silent)))
    assert raised | {"copy"} == set(REMEDIES)
