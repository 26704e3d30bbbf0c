from __future__ import annotations

import numpy as np
import pytest

from mimikit_nb.evaluation.spectra import log_mel, mel_filters

from .sounds import SR


def test_opposite_channels_do_not_cancel(music):
    both = np.stack([music, -music])
    arguments = {"frame_length": 1024, "hop_length": 512, "n_mels": 40}
    assert np.allclose(log_mel(both, SR, **arguments), log_mel(music[None], SR, **arguments))


def test_filters_are_shared_and_read_only():
    filters = mel_filters(SR, 1024, 40, 40.0, 9000.0)
    assert filters is mel_filters(SR, 1024, 40, 40.0, 9000.0)
    with pytest.raises(ValueError, match="read-only"):
        filters[0, 0] = 1
