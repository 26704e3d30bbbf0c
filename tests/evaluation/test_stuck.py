from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimikit_nb.evaluation.stuck import Run, band_levels, longest_frozen_run, longest_loop

from .sounds import SR, noise, plucked


def test_music_neither_stands_still_nor_loops(music):
    levels = band_levels(music[None], SR)
    assert longest_frozen_run(levels) == longest_loop(levels) == Run()


def test_a_frozen_run_is_found_where_it_lies(music):
    tone = 0.2 * np.sin(2 * np.pi * 330 * np.arange(3 * SR) / SR)
    y = np.concatenate([music[: 4 * SR], tone, music[4 * SR : 7 * SR]]).astype(np.float32)
    run = longest_frozen_run(band_levels(y[None], SR))
    assert run.start_seconds == pytest.approx(4, abs=0.3)
    assert run.stop_seconds == pytest.approx(7, abs=0.3)


@settings(max_examples=6, deadline=None)
@given(period=st.floats(0.25, 1.5), start=st.floats(0, 3), seed=st.integers(0, 50))
def test_a_loop_is_found_where_it_lies(period, start, seed):
    y, n = plucked(8, seed), round(period * SR)
    begin = round(start * SR)
    loop = np.tile(y[5 * SR : 5 * SR + n], max(6, round(4 / period)))
    looped = np.concatenate([y[:begin], loop, plucked(2, seed + 100)])
    run = longest_loop(band_levels(looped[None], SR))
    # A passage that holds few strokes may repeat within itself, and so begin or end elsewhere.
    assert run.seconds > 0.7 * len(loop) / SR
    assert run.start_seconds > start - period - 0.6
    assert run.stop_seconds < start + len(loop) / SR + period + 0.6


def test_fades_noise_and_silence_do_not_loop(music):
    fade = np.exp(-np.arange(8 * SR) / SR) * np.sin(np.arange(8 * SR) * 0.05)
    for y in (fade.astype(np.float32), noise(8), np.zeros(8 * SR, np.float32)):
        assert longest_loop(band_levels(y[None], SR)) == Run()


def test_three_times_the_same_bar_is_music(music):
    bar = music[3 * SR : 5 * SR]
    y = np.concatenate([bar, bar, bar, music[:SR]])
    assert longest_loop(band_levels(y[None], SR)).seconds == 0


def test_a_sound_of_a_few_samples_has_no_runs():
    levels = band_levels(np.ones((1, 10), np.float32), SR)
    assert longest_frozen_run(levels) == longest_loop(levels) == Run()
