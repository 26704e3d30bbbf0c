"""Augmentation: drawn reproducibly, applied as drawn."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mimikit_nb.errors import ConfigError
from mimikit_nb.features.augment import Augmentation, AugmentConfig

RATE = 22050


def change(speed=1.0, pitch=0.0, gain=0.0) -> Augmentation:
    return Augmentation(np.array([speed]), np.array([pitch]), np.array([gain]))


def tone(frequency: float, n: int = 12_000) -> torch.Tensor:
    return 0.5 * torch.sin(2 * math.pi * frequency / RATE * torch.arange(n))[None]


def apply(augmentation: Augmentation, y: torch.Tensor, n: int = 4000) -> torch.Tensor:
    return augmentation.apply(y, np.full(len(y), float(augmentation.margin)), n)


def frequency_of(y: torch.Tensor) -> float:
    spectrum = torch.fft.rfft(y[0] * torch.hann_window(y.shape[1]), 2**17).abs()
    return float(spectrum.argmax()) * RATE / 2**17


def test_the_same_generator_draws_the_same():
    config = AugmentConfig(speed=(0.9, 1.1), pitch_semitones=(-2, 2), gain_db=(-6, 0))
    a, b = (config.draw(np.random.default_rng(3), 5) for _ in range(2))
    for name in ("speed", "pitch_semitones", "gain_db"):
        assert (getattr(a, name) == getattr(b, name)).all()
        assert len(set(getattr(a, name))) == 5
        assert getattr(a, name).min() >= getattr(config, name)[0]
        assert getattr(a, name).max() <= getattr(config, name)[1]


def test_without_ranges_nothing_changes(music):
    y = torch.from_numpy(music[None, :2000])
    augmentation = AugmentConfig().draw(np.random.default_rng(0), 1)
    edge = augmentation.margin
    torch.testing.assert_close(
        apply(augmentation, y, 1000), y[:, edge : edge + 1000], atol=1e-6, rtol=0
    )


@pytest.mark.parametrize("speed", [0.8, 1.0, 1.25])
def test_speed_moves_the_pitch_with_it(speed):
    assert frequency_of(apply(change(speed=speed), tone(440))) == pytest.approx(
        440 * speed, rel=2e-3
    )


@pytest.mark.parametrize("semitones", [-3.0, 2.5])
def test_pitch_moves_without_the_speed(semitones):
    y = tone(440, 16_000)
    changed = apply(change(pitch=semitones), y)
    assert frequency_of(changed) == pytest.approx(440 * 2 ** (semitones / 12), rel=2e-3)
    assert changed.square().mean().sqrt() == pytest.approx(float(y.square().mean().sqrt()), rel=0.2)


def test_an_onset_stays_in_its_place_when_the_pitch_moves():
    y = torch.zeros(1, 16_000)
    augmentation = change(pitch=4.0)
    place = augmentation.margin + 2000
    y[:, place:] = tone(300, 16_000 - place)
    loud = apply(augmentation, y)[0].abs() > 0.2
    assert int(loud.nonzero()[0]) == pytest.approx(2000, abs=600)


@pytest.mark.parametrize("gain", [-12.0, 6.0])
def test_gain_is_in_decibels(gain):
    y = tone(440)
    expected = 10 ** (gain / 20) * apply(change(), y)
    torch.testing.assert_close(apply(change(gain=gain), y), expected)


@given(st.integers(1, 10_000), st.floats(0.25, 4.0))
def test_a_span_holds_what_the_fastest_row_reads(n, speed):
    config = AugmentConfig(speed=(0.25, speed))
    assert math.ceil((n - 1) * speed) < config.span_samples(n)


def test_a_row_is_what_it_is_alone(music):
    y = torch.from_numpy(music[:9000]).view(2, 4500)
    both = Augmentation(np.array([0.9, 1.3]), np.zeros(2), np.zeros(2))
    together = both.apply(y, np.full(2, 200.0), 1000)
    for row in range(2):
        alone = change(speed=both.speed[row]).apply(y[row : row + 1], np.array([200.0]), 1000)
        torch.testing.assert_close(together[row], alone[0])


@pytest.mark.parametrize(
    "ranges", [{"speed": (1.1, 0.9)}, {"gain_db": (0, 60)}, {"pitch_semitones": (-20, 0)}]
)
def test_ranges_outside_their_limits_are_refused(ranges):
    with pytest.raises(ConfigError, match=next(iter(ranges))):
        AugmentConfig(**ranges)
