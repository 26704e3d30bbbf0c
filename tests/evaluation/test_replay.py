"""Recorded passages in sound that was made of latent frames."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mimikit_nb.errors import ParameterError
from mimikit_nb.evaluation.replay import SHORTEST_SECONDS, ReplayIndex
from mimikit_nb.features.latent import LatentConfig

RATE = 22050


@pytest.fixture(scope="module")
def recording() -> torch.Tensor:
    """Twelve seconds that never repeat themselves: tones of random pitch, each with a stroke."""
    rng, t = np.random.default_rng(0), np.arange(RATE // 4) / RATE
    notes = [
        np.exp(-6 * t) * (np.sin(2 * np.pi * f * t) + 0.3 * np.sin(2 * np.pi * g * t))
        for f, g in rng.uniform(100, 3000, (48, 2))
    ]
    return torch.from_numpy(0.4 * np.concatenate(notes)).float()


def stretch(y: torch.Tensor):
    return len(y), lambda start, stop: y[start:stop]


@pytest.fixture(scope="module")
def index(recording) -> ReplayIndex:
    feature = LatentConfig(unit_frames=2).build(RATE)
    feature.fit([(len(recording), lambda start, stop: recording[start:stop])])
    halves = recording[: 6 * RATE], recording[6 * RATE :]
    return ReplayIndex(feature, [stretch(half) for half in halves])


@pytest.mark.parametrize("offset", [0, 100, 256, 400])
def test_a_copy_is_recorded_wherever_it_begins(index, recording, offset):
    start = RATE + offset
    found = index.replay(recording[start : start + 3 * RATE])
    assert found.share > 0.9 and found.longest_seconds > 2.0
    assert str(found).endswith(f"the longest {found.longest_seconds:.1f} s")


def test_a_copy_is_found_behind_the_network(index, recording):
    """Through the latent frames and streaming phases, as generated sound comes out."""
    feature, y = index.feature, recording[8 * RATE : 11 * RATE]
    stream = feature.inverse_stream(1)
    made = torch.cat([stream.push(feature.frames(y)[None]), stream.flush()], 1)[0]
    assert index.replay(made).share > 0.8


def test_a_copied_part_is_found_where_it_is(index, recording):
    rng = np.random.default_rng(1)
    other = torch.from_numpy(0.1 * rng.standard_normal(2 * RATE)).float()
    found = index.replay(torch.cat([other, recording[RATE : 2 * RATE], other]))
    assert 0.1 < found.share < 0.3
    assert 1.7 < found.longest_at_seconds < 2.3 and 0.6 < found.longest_seconds < 1.1


def test_passages_end_where_a_stretch_of_the_recording_ends(index, recording):
    """The two halves are different stretches: what goes across counts as two passages."""
    found = index.replay(recording[5 * RATE : 7 * RATE])
    assert found.longest_seconds < 1.2 and found.share > 0.8


def test_other_sound_and_short_figures_are_not_recorded(index, recording):
    assert index.replay(torch.randn(RATE)).share == 0
    assert index.replay(torch.zeros(0)).share == 0
    rng = np.random.default_rng(2)
    places = rng.integers(0, 11 * RATE, 20)
    length = round(RATE * SHORTEST_SECONDS / 3)
    mosaic = torch.cat([recording[p : p + length] for p in places])
    assert index.replay(mosaic).share < 0.2


def test_a_recording_shorter_than_a_frame_is_refused(index):
    with pytest.raises(ParameterError, match="shorter than a frame"):
        ReplayIndex(index.feature, [stretch(torch.zeros(100))])
