"""Samples, frames and times: the laws of the only place that converts them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimikit_nb.errors import ParameterError
from mimikit_nb.units import TimeAxis, samples_to_seconds, seconds_to_samples

AXES = st.builds(
    TimeAxis,
    sample_rate=st.integers(1, 200_000),
    hop_length=st.integers(1, 4096),
    frame_length=st.integers(1, 4096),
    center=st.booleans(),
)


@given(AXES, st.integers(1, 1000))
def test_n_samples_is_the_fewest_that_give_so_many_frames(axis, n_frames):
    n_samples = axis.n_samples(n_frames)
    assert axis.n_frames(n_samples) >= n_frames
    assert axis.n_frames(n_samples - 1) < n_frames


@given(AXES, st.integers(-100, 100_000))
def test_every_counted_frame_lies_in_the_padded_signal(axis, n_samples):
    n_frames = axis.n_frames(n_samples)
    if n_frames:
        last = axis.frame_start(n_frames - 1) + axis.frame_length
        assert axis.frame_start(0) == -axis.padding
        assert last <= n_samples + axis.padding < last + axis.hop_length
    assert (n_frames == 0) == (n_samples < 1 or n_samples + 2 * axis.padding < axis.frame_length)


@given(AXES, st.integers(-(10**9), 10**9))
def test_frame_at_inverts_frame_time(axis, frame):
    time = axis.frame_time(frame)
    assert axis.frame_at(time) == frame
    assert axis.frame_at(time + Fraction(1, 10**9 * axis.sample_rate)) == frame
    assert axis.frame_at(time - Fraction(1, 10**9 * axis.sample_rate)) == frame - 1


@given(AXES)
def test_frame_rate_is_exact(axis):
    assert axis.frame_rate * axis.hop_length == axis.sample_rate


def test_no_frames_need_no_samples():
    axis = TimeAxis(22050, 512, 2048)
    assert axis.n_samples(0) == 0
    assert axis.n_frames(2047) == 0
    assert axis.n_frames(2048) == 1


@given(st.integers(0, 10**10), st.integers(1, 400_000))
def test_seconds_and_samples_are_inverse(n_samples, sample_rate):
    assert seconds_to_samples(samples_to_seconds(n_samples, sample_rate), sample_rate) == n_samples


@pytest.mark.parametrize("name", ["sample_rate", "hop_length", "frame_length"])
def test_an_axis_refuses_lengths_below_one(name):
    with pytest.raises(ParameterError, match=f"{name} is 0"):
        TimeAxis(**{"sample_rate": 8000, name: 0})


@pytest.mark.parametrize("seconds", [float("nan"), float("inf")])
def test_a_duration_is_finite(seconds):
    with pytest.raises(ParameterError, match="finite"):
        seconds_to_samples(seconds, 8000)
