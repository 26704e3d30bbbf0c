"""Reading between samples: nearly exact, and the same through any window."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mimikit_nb.errors import ParameterError
from mimikit_nb.features.resample import margin, read_between


def sine(frequency: float, position: torch.Tensor) -> torch.Tensor:
    return torch.sin(2 * math.pi * frequency * position + 0.3)


def read(y: torch.Tensor, position: torch.Tensor, step: float) -> torch.Tensor:
    whole = position.floor()
    return read_between(y, whole.to(torch.int64), position - whole, step)


@settings(max_examples=30, deadline=None)
@given(step=st.floats(0.2, 6.0), relative=st.floats(0.001, 0.4), start=st.floats(0, 1))
def test_a_sine_is_read_where_it_is(step, relative, start):
    frequency = relative / max(1.0, step)
    y = sine(frequency, torch.arange(2 * margin(step) + 400, dtype=torch.float64))
    position = margin(step) + start + step * torch.arange(int(398 / step), dtype=torch.float64)
    found = read(y.float()[None], position, step)[0]
    assert (found - sine(frequency, position)).abs().max() < 10 ** (-70 / 20)


def test_what_the_lower_rate_cannot_hold_is_filtered():
    step = 2.0
    y = sine(0.6 / step, torch.arange(2000, dtype=torch.float64)).float()
    assert read(y[None], 200 + step * torch.arange(500), step).abs().max() < 10 ** (-80 / 20)


def test_whole_positions_give_the_samples(music):
    y = torch.from_numpy(music[None, :500])
    found = read(y, torch.arange(100, 300, dtype=torch.float64), 1.0)
    torch.testing.assert_close(found, y[:, 100:300], atol=1e-6, rtol=0)


@settings(max_examples=20, deadline=None)
@given(step=st.floats(0.3, 3.0), cut=st.integers(1, 150))
def test_a_window_gives_the_same_values_as_the_whole(step, cut):
    y = torch.rand(2, 1000, generator=torch.Generator().manual_seed(0))
    position = cut + margin(step) + step * torch.arange(100, dtype=torch.float64)
    last = int(position[-1]) + margin(step) + 1
    window = read(y[:, cut:last], position - cut, step)
    torch.testing.assert_close(window, read(y, position, step), atol=1e-6, rtol=1e-5)


def test_each_row_may_have_its_own_positions():
    y = torch.rand(2, 500)
    position = torch.stack([100 + 0.5 * torch.arange(50), 120 + 0.7 * torch.arange(50)]).double()
    together = read(y, position, 1.0)
    for row in range(2):
        torch.testing.assert_close(together[row], read(y[row : row + 1], position[row], 1.0)[0])


@pytest.mark.parametrize("step", [0.0, 65.0])
def test_extreme_steps_are_refused(step):
    with pytest.raises(ParameterError, match="at most 64"):
        margin(step)
