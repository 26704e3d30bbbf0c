"""Latent frames: what comes back from the components, anywhere and at any rate."""

from __future__ import annotations

import copy
import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mimikit_nb.errors import ConfigError, FeatureError
from mimikit_nb.features.latent import Latent, LatentConfig, principal_components, round_trip_db

RATE = 22050


def fitted(y: torch.Tensor, rate: int = RATE, **options) -> Latent:
    feature = LatentConfig(**options).build(rate)
    feature.fit([(len(y), lambda start, stop: y[start:stop])])
    return feature


@pytest.fixture(scope="module")
def y(music) -> torch.Tensor:
    return torch.from_numpy(music)


@pytest.fixture(scope="module")
def latent(y) -> Latent:
    return fitted(y)


@pytest.mark.parametrize(
    ("rate", "n_fft", "hop_length", "unit_frames"),
    [(22050, 2048, 512, 2), (22050, 2048, 512, 4), (44100, 4096, 1024, 2), (8000, 512, 128, 1)],
)
def test_what_comes_back_is_what_the_components_hold(y, rate, n_fft, hop_length, unit_frames):
    sizes = {"n_fft": n_fft, "hop_length": hop_length, "unit_frames": unit_frames}
    assert round_trip_db(fitted(y, rate, **sizes), y) < -14


def test_all_components_leave_nothing_out_but_phases(y):
    assert round_trip_db(fitted(y, n_components=256, unit_components=1024), y) < -25


def test_components_are_those_of_a_singular_value_decomposition():
    X = torch.randn(200, 3) @ torch.randn(3, 10) + 5 * torch.randn(10)
    mean, V, deviation = principal_components(X.split(70), 3)
    torch.testing.assert_close(mean, X.mean(0))
    torch.testing.assert_close(V.T @ V, torch.eye(3), atol=1e-4, rtol=0)
    _, S, expected = torch.linalg.svd(X - X.mean(0), full_matrices=False)
    torch.testing.assert_close(deviation, S[:3] / 200**0.5, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close((V.T @ expected[:3].T).abs(), torch.eye(3), atol=1e-3, rtol=0)


def test_vectors_have_a_variance_around_one_and_the_deviations_that_are_said(latent, y):
    x = latent.grid_values(y)
    assert 0.9 < float(x.square().mean().sqrt()) < 1.1
    torch.testing.assert_close(x.std(0), latent.tensors["deviation"], rtol=0.05, atol=0.01)


@given(start=st.integers(0, 60), n=st.integers(1, 30))
def test_a_window_has_the_values_of_the_whole(latent, y, start, n):
    whole = latent.frames(y)[start : start + n]
    first = start * latent.axis.hop_length
    window = y[first : first + latent.axis.n_samples(len(whole))]
    torch.testing.assert_close(latent.frames(window), whole, atol=1e-3, rtol=1e-3)


def test_units_follow_each_other_on_the_grid(latent, y):
    on_grid, units = latent.grid_values(y), latent.frames(y)
    stride = latent.grid_stride
    torch.testing.assert_close(on_grid[::stride][: len(units)], units, atol=1e-3, rtol=1e-3)
    assert len(latent.grid_values(y[: latent.axis.n_samples(1)])) == 1
    assert len(latent.grid_values(y[: latent.axis.n_samples(1) - 1])) == 0


def test_any_leading_shape(latent, y):
    rows = y[: 6 * (len(y) // 6)].view(2, 3, -1)
    x = latent.forward(rows)
    assert x.shape[:2] == (2, 3) and x.shape[-1] == latent.kind.dim
    torch.testing.assert_close(x[1, 2], latent.forward(rows[1, 2]), atol=1e-3, rtol=1e-3)
    assert latent.inverse(x).shape == (2, 3, latent.axis.n_samples(x.shape[2]))


def test_no_bin_is_louder_than_in_the_recording(latent, y):
    loudest = latent.stft.magnitude(y).amax(0)
    wild = 20 * torch.randn(50, latent.kind.dim)
    assert (latent.to_magnitude(wild) <= 1.01 * loudest + 1e-3).all()


def test_the_stream_gives_the_sound_of_whole_units(latent, y):
    x = latent.forward(y)[None]
    whole = latent.inverse_stream(1)
    sound = torch.cat([whole.push(x), whole.flush()], 1)
    assert sound.shape[1] == latent.axis.n_samples(x.shape[1])
    parts = latent.inverse_stream(1)
    pushed = torch.cat([parts.push(part) for part in x.split((1, 5, 20, x.shape[1] - 26), 1)], 1)
    torch.testing.assert_close(pushed, sound[:, : pushed.shape[1]], atol=1e-4, rtol=0)
    S, found = latent.stft.magnitude(y), latent.stft.magnitude(sound[0])
    n = min(len(S), len(found))
    assert 20 * torch.log10((found[:n] - S[:n]).norm() / S[:n].norm()) < -10


def test_tensors_make_an_equal_feature(latent, y):
    other = LatentConfig().build(RATE)
    assert not other.is_learned
    with pytest.raises(FeatureError, match="has to be fitted to a corpus first"):
        other.forward(y)
    with pytest.raises(FeatureError, match="needs tensors of the shapes"):
        other.load({})
    other.load(latent.tensors)
    assert torch.equal(other.forward(y), latent.forward(y))
    with pytest.raises(FeatureError, match="learned already"):
        other.load(latent.tensors)
    assert copy.deepcopy(latent) is latent


def test_more_sound_than_is_needed_is_fitted_in_evenly_spaced_blocks(y, monkeypatch):
    monkeypatch.setattr("mimikit_nb.features.latent._MOST_VALUES", 200 * 129)
    read: list[tuple[int, int]] = []

    def sound(start: int, stop: int) -> torch.Tensor:
        read.append((start, stop))
        return y[torch.arange(start, stop) % len(y)]

    monkeypatch.setattr("mimikit_nb.features.latent._BLOCK_FRAMES", 32)
    feature = LatentConfig(n_fft=256, hop_length=128).build(RATE)
    feature.fit([(100 * RATE, sound)])
    starts = [start for start, _ in read]
    assert 2 < len(read) < 10 and len({b - a for a, b in itertools.pairwise(starts)}) == 1
    assert starts[-1] > 80 * RATE


@pytest.mark.parametrize("y", [torch.zeros(RATE), torch.randn(500)])
def test_silence_and_too_little_sound_are_refused(y):
    with pytest.raises(FeatureError, match="no sound to fit latent frames to"):
        fitted(y)


def test_settings_that_fit_no_inverse_are_refused():
    with pytest.raises(ConfigError, match="must overlap by half"):
        LatentConfig(n_fft=1024, hop_length=1024)


def test_a_few_frames_of_much_the_same_can_be_fitted():
    y = torch.sin(torch.arange(4096) * 0.1)
    feature = fitted(y)
    assert torch.isfinite(feature.inverse(feature.forward(y))).all()
