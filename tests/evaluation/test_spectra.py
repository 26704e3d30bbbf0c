from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimikit_nb.evaluation.spectra import log_mel, mel_filters, power_frames

from .sounds import SR


def test_a_sine_has_the_power_of_its_amplitude():
    y = 0.5 * np.sin(2 * np.pi * 100 / 1024 * np.arange(8192)).astype(np.float32)
    power = np.concatenate(list(power_frames(y[None], 1024, 256)))
    assert power[:, 100] == pytest.approx(0.25, rel=1e-3)


@settings(max_examples=30, deadline=None)
@given(
    n_samples=st.integers(1, 5000),
    hop=st.integers(1, 400),
    per_block=st.integers(1, 50),
    channels=st.integers(1, 3),
)
def test_blocks_do_not_change_the_frames(n_samples, hop, per_block, channels):
    y = np.random.default_rng(0).normal(size=(channels, n_samples)).astype(np.float32)
    whole = np.concatenate(list(power_frames(y, 256, hop, 10**6)))
    parts = np.concatenate(list(power_frames(y, 256, hop, per_block)))
    assert np.allclose(whole, parts, rtol=1e-5, atol=1e-9)
    assert len(whole) == max(1, 1 + (n_samples - 256) // hop)


def test_opposite_channels_do_not_cancel(music):
    both = np.stack([music, -music])
    arguments = {"frame_length": 1024, "hop_length": 512, "n_mels": 40}
    assert np.allclose(log_mel(both, SR, **arguments), log_mel(music[None], SR, **arguments))


def test_filters_are_shared_and_read_only():
    filters = mel_filters(SR, 1024, 40, 40.0, 9000.0)
    assert filters is mel_filters(SR, 1024, 40, 40.0, 9000.0)
    with pytest.raises(ValueError, match="read-only"):
        filters[0, 0] = 1
