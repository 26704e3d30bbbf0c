"""Spectra: as librosa has them, and back to sound within stated errors."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mimikit_nb.audio.files import load
from mimikit_nb.audio.find import find
from mimikit_nb.errors import ConfigError, FeatureError
from mimikit_nb.features.spectral import MagnitudeConfig, MelConfig, MFCCConfig
from mimikit_nb.features.stft import STFT

RATE = 22050


def convergence_db(S: torch.Tensor, found: torch.Tensor) -> float:
    """Spectral convergence: error of magnitudes against their size."""
    return float(20 * torch.log10((found - S).norm() / S.norm()))


@pytest.fixture(scope="module")
def recordings(audio_folder) -> list[torch.Tensor]:
    """Two seconds each of three recordings of different kinds."""
    longest = sorted(find(audio_folder).files, key=lambda path: -path.stat().st_size)
    chosen = (
        {path.parent: path for path in reversed(longest)}.values() if len(longest) > 3 else longest
    )
    return [torch.from_numpy(load(path, RATE, seconds=2.0).mean(0)) for path in chosen]


@pytest.mark.parametrize("center", [False, True])
def test_magnitudes_are_librosas(music, center):
    feature = MagnitudeConfig(n_fft=1024, hop_length=300, win_length=800, center=center).build(RATE)
    expected = np.abs(
        librosa.stft(music, n_fft=1024, hop_length=300, win_length=800, center=center)
    )
    found = feature.forward(torch.from_numpy(music)).numpy().T
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_mel_bands_are_librosas(music):
    feature = MelConfig(n_mels=40, fmin=50, fmax=8000, scale="linear").build(RATE)
    expected = librosa.feature.melspectrogram(
        y=music,
        sr=RATE,
        n_fft=2048,
        hop_length=512,
        center=False,
        power=1,
        n_mels=40,
        fmin=50,
        fmax=8000,
    )
    np.testing.assert_allclose(
        feature.forward(torch.from_numpy(music)).numpy().T, expected, atol=1e-3
    )


def test_mfcc_are_librosas(music):
    feature = MFCCConfig().build(RATE)
    mel = librosa.feature.melspectrogram(y=music, sr=RATE, center=False)
    expected = librosa.feature.mfcc(S=librosa.power_to_db(mel, top_db=None), n_mfcc=20)
    np.testing.assert_allclose(
        feature.forward(torch.from_numpy(music)).numpy().T, expected, atol=0.05
    )


@pytest.mark.parametrize("config", [MelConfig(), MFCCConfig()])
@pytest.mark.parametrize("scale", ["linear", "log1p"])
def test_what_is_computed_from_magnitudes_is_what_the_sound_gives(config, scale, music):
    source, feature = MagnitudeConfig(scale=scale).build(RATE), config.build(RATE)
    y = torch.from_numpy(music[:20_000])
    found = feature.from_values(source, source.forward(y))
    torch.testing.assert_close(found, feature.forward(y), atol=2e-2, rtol=1e-3)


def test_magnitudes_of_other_frames_are_refused():
    with pytest.raises(FeatureError, match="same frames"):
        MelConfig(hop_length=256).build(RATE).check_source(MagnitudeConfig().build(RATE))


@settings(max_examples=20, deadline=None)
@given(scale=st.sampled_from(["linear", "log1p"]), gain=st.floats(1e-3, 1))
def test_values_lead_back_to_magnitudes(scale, gain):
    feature = MagnitudeConfig(n_fft=64, hop_length=16, scale=scale).build(RATE)
    y = gain * torch.randn(500, generator=torch.Generator().manual_seed(1))
    S = feature.stft.magnitude(y)
    torch.testing.assert_close(feature.to_magnitude(feature.forward(y)), S, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("scale", ["linear", "log1p"])
def test_no_sound_in_full_scale_goes_beyond_the_stated_highest_value(scale):
    feature = MagnitudeConfig(n_fft=64, hop_length=16, scale=scale).build(RATE)
    square = torch.sign(torch.randn(20, 64, generator=torch.Generator().manual_seed(0)))
    loudest = torch.cat([square, torch.ones(1, 64)])
    assert feature.forward(loudest).max() == pytest.approx(feature.kind.high, rel=1e-4)


def test_the_inverse_finds_the_magnitudes_of_music(music):
    feature = MagnitudeConfig().build(RATE)
    y = torch.from_numpy(music[: 3 * RATE])
    S = feature.forward(y)
    assert convergence_db(S, feature.forward(feature.inverse(S))) < -28


def test_the_streaming_inverse_finds_the_magnitudes_of_music(music):
    feature = MagnitudeConfig(scale="log1p").build(RATE)
    y = torch.from_numpy(music[: 3 * RATE])
    stream, x = feature.inverse_stream(1), feature.forward(y)
    found = torch.cat([stream.push(x[None]), stream.flush()], 1)[0]
    S = feature.stft.magnitude(y)
    assert convergence_db(S, feature.stft.magnitude(found)) < -20


def test_both_inverses_find_the_magnitudes_of_recordings(recordings):
    feature = MagnitudeConfig().build(RATE)
    for y in recordings:
        S = feature.forward(y)
        stream = feature.inverse_stream(1)
        found = torch.cat([stream.push(S[None]), stream.flush()], 1)[0]
        assert convergence_db(S, feature.forward(found)) < -12
        assert convergence_db(S, feature.forward(feature.inverse(S))) < -18


def test_iterations_come_nearer(music):
    y = torch.from_numpy(music[:RATE])
    S = MagnitudeConfig().build(RATE).forward(y)
    found = [MagnitudeConfig(n_iter=n).build(RATE) for n in (0, 8, 32)]
    errors = [convergence_db(S, feature.forward(feature.inverse(S))) for feature in found]
    assert errors[0] > errors[1] > errors[2]


def test_mel_bands_lead_back_to_a_sound_with_the_same_bands(music):
    feature = MelConfig(scale="linear").build(RATE)
    x = feature.forward(torch.from_numpy(music[: 2 * RATE]))
    assert convergence_db(x, feature.forward(feature.inverse(x))) < -15


@pytest.mark.parametrize("center", [False, True])
def test_silence_stays_silence(center):
    feature = MagnitudeConfig(n_fft=256, hop_length=64, center=center).build(RATE)
    x = torch.zeros(1, 10, 129)
    stream = feature.inverse_stream(1)
    for y in (feature.inverse(x), stream.push(x), stream.flush()):
        assert (y.abs() < 1e-6).all()


def test_what_a_network_makes_below_zero_counts_as_zero():
    feature = MagnitudeConfig(n_fft=256, hop_length=64).build(RATE)
    assert torch.equal(feature.to_magnitude(torch.full((3, 129), -2.0)), torch.zeros(3, 129))


@settings(max_examples=20, deadline=None)
@given(
    n_fft=st.integers(16, 128),
    divisor=st.integers(2, 5),
    n_frames=st.integers(1, 9),
    seed=st.integers(0, 9),
)
def test_spectra_lead_back_to_their_sound(n_fft, divisor, n_frames, seed):
    stft = STFT(n_fft, n_fft // divisor, n_fft, "hamming")
    n_samples = (n_frames - 1) * stft.hop_length + n_fft
    y = torch.randn(2, n_samples, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(stft.inverse(stft.forward(y)), y, atol=1e-3, rtol=1e-3)


def test_frames_too_far_apart_cannot_be_inverted():
    feature = MagnitudeConfig(n_fft=256, hop_length=200).build(RATE)
    with pytest.raises(FeatureError, match="at most 128"):
        feature.inverse(torch.ones(3, 129))
    with pytest.raises(FeatureError, match="at most 128"):
        feature.inverse_stream(1)


def test_lengths_that_do_not_fit_are_refused():
    with pytest.raises(ConfigError, match="at most n_fft = 512"):
        MagnitudeConfig(n_fft=512, win_length=600)
    with pytest.raises(ConfigError, match="at most n_mels = 10"):
        MFCCConfig(n_mfcc=11, n_mels=10)
    with pytest.raises(FeatureError, match=r"half the sample rate, 4000 Hz"):
        MelConfig(fmax=5000).build(8000)
