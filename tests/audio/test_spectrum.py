from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimikit_nb.audio.spectrum import power_of_frames, power_spectra


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, dict]:
    """A sound of a few channels, and how it is to be looked at."""
    channels, n_samples = draw(st.integers(1, 3)), draw(st.integers(0, 3000))
    y = np.random.default_rng(draw(st.integers(0, 9))).normal(size=(channels, n_samples))
    frame_length = draw(st.integers(2, 300))
    how = {
        "frame_length": frame_length,
        "hop_length": draw(st.integers(1, 400)),
        "n_fft": draw(st.none() | st.integers(frame_length, 320)),
        "is_centred": draw(st.booleans()),
    }
    return y.astype(np.float32), how


def spectra(y: np.ndarray, **how) -> np.ndarray:
    return np.concatenate([*power_spectra(y, **how)])


def frame_at(y: np.ndarray, place: int, length: int, is_mirrored: bool) -> np.ndarray:
    """One frame of a channel, sample by sample."""
    n, frame = len(y), np.zeros(length, np.float32)
    for i in range(length):
        at = place + i
        while is_mirrored and at >= n > 1:
            at = abs(2 * (n - 1) - at)
        if 0 <= at < n:
            frame[i] = y[at]
    return frame


def close(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-4, atol=1e-7)


@settings(max_examples=150, deadline=None)
@given(case=cases(), per_block=st.integers(1, 40))
def test_blocks_change_nothing(case, per_block) -> None:
    y, how = case
    blocks = [*power_spectra(y, **how, frames_per_block=per_block)]
    assert max(map(len, blocks)) <= per_block
    assert close(np.concatenate(blocks), spectra(y, **how, frames_per_block=10**6))


@settings(max_examples=100, deadline=None)
@given(case=cases(), chosen=st.floats(0, 1))
def test_each_frame_is_what_it_would_be_alone(case, chosen) -> None:
    y, how = case
    found = spectra(y, **how)
    n = round(chosen * (len(found) - 1))
    length, is_centred = how["frame_length"], how["is_centred"]
    place = n * how["hop_length"] - (length // 2 if is_centred else 0)
    frames = np.stack([frame_at(channel, place, length, is_centred) for channel in y])
    assert close(found[n], power_of_frames(frames, how["n_fft"]).mean(axis=0))


@settings(max_examples=50, deadline=None)
@given(case=cases())
def test_frames_reach_from_the_first_sample_to_the_last(case) -> None:
    y, how = case
    n, hop, length = y.shape[1], how["hop_length"], how["frame_length"]
    last = (len(spectra(y, **how)) - 1) * hop
    if how["is_centred"]:
        assert last <= n < last + hop
    else:
        assert last == 0 or last + length <= n
        assert n < last + hop + length


@settings(max_examples=50, deadline=None)
@given(case=cases())
def test_power_is_the_mean_over_channels_whatever_their_order_and_sign(case) -> None:
    y, how = case
    mono = [spectra(channel[None], **how) for channel in y]
    assert close(spectra(-y[::-1], **how), np.mean(mono, axis=0))


@settings(max_examples=50, deadline=None)
@given(case=cases(), n_bands=st.integers(1, 5))
def test_bands_are_weighted_sums_of_bins(case, n_bands) -> None:
    y, how = case
    power = spectra(y, **how)
    weights = np.random.default_rng(0).random((power.shape[1], n_bands)).astype(np.float32)
    assert close(spectra(y, **how, bands=weights), power @ weights)


@pytest.mark.parametrize("frame_length", [1024, 1000])
def test_a_sine_has_the_power_of_its_amplitude(frame_length: int) -> None:
    y = 0.5 * np.sin(2 * np.pi * 100 / frame_length * np.arange(8 * frame_length))
    assert spectra(y[None], frame_length=frame_length, hop_length=256)[:, 100] == pytest.approx(
        0.25, rel=1e-3
    )


def test_what_is_not_finite_counts_as_silence() -> None:
    y = np.random.default_rng(0).normal(size=(1, 2000)).astype(np.float32)
    broken = y.copy()
    broken[0, [300, 700, 900]] = [np.nan, np.inf, -np.inf]
    y[0, [300, 700, 900]] = 0
    how = {"frame_length": 256, "hop_length": 100}
    assert np.array_equal(spectra(broken, **how), spectra(y, **how))


def test_memory_does_not_grow_with_the_sound() -> None:
    class Watched(np.ndarray):
        most = 0

        def __getitem__(self, key):
            found = np.asarray(self)[key]
            Watched.most = max(Watched.most, found.size)
            return found

    y = np.zeros((2, 10**7), np.float32).view(Watched)
    n_frames = sum(len(block) for block in power_spectra(y, 1024, 2048))
    assert n_frames == 1 + (10**7 - 1024) // 2048
    assert Watched.most < 0.5 * y.size
