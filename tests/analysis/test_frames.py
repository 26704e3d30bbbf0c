from __future__ import annotations

import numpy as np
import pytest

from mimikit_nb.analysis.frames import analyse_frames, mel_weights
from mimikit_nb.audio import spectrum

from .sounds import SR, place


def test_blocks_leave_no_trace(hits: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = analyse_frames(hits, SR)
    monkeypatch.setattr(spectrum, "_BLOCK_SAMPLES", 17 * 1024)
    parts = analyse_frames(hits, SR)
    for a, b in zip(whole.levels, parts.levels, strict=True):
        assert np.abs(a - b).max() < 1e-3


def test_frames_lie_on_the_axis() -> None:
    y = place([(0.7, "noise")], 1.5)
    found = analyse_frames(y, SR)
    assert len(found) == found.axis.n_frames(len(y))
    assert all(levels.shape == (len(found), 40) for levels in found.levels)
    loudest = int(found.levels[0].max(axis=1).argmax()) * found.axis.hop_length
    assert abs(loudest - round(0.7 * SR)) < 0.03 * SR


def test_silence_is_the_floor() -> None:
    found = analyse_frames(np.zeros(SR, np.float32), SR)
    assert (found.levels[0] == -110).all()
    assert (found.envelope == -80).all()


@pytest.mark.parametrize("sr", [4000, 8000, 22050, 48000, 192000])
def test_every_mel_band_hears_something(sr: int) -> None:
    weights = mel_weights(sr, round(sr * 512 / 22050), 40)
    assert np.allclose(weights.sum(axis=0), 1, atol=1e-5)
    assert (weights >= 0).all()
