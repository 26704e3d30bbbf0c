"""Alignment: exact for any rates, hops and frame lengths."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimikit_nb.errors import ParameterError
from mimikit_nb.features.spectral import MagnitudeConfig, MelConfig
from mimikit_nb.features.waveform import MuLawConfig
from mimikit_nb.io.align import align
from mimikit_nb.io.variable import IOSpec, VariableConfig

rates = st.one_of(
    st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000]), st.integers(1000, 96000)
)
spectra = {
    "n_fft": st.integers(16, 512),
    "hop_length": st.integers(1, 700),
    "center": st.booleans(),
}


@st.composite
def specs(draw) -> IOSpec:
    feature = draw(st.one_of(st.just(MuLawConfig()), st.builds(MagnitudeConfig, **spectra)))
    other = draw(st.builds(MelConfig, **spectra))
    role = draw(st.sampled_from(["fixture", "auxiliary"]))
    return IOSpec(
        sample_rate=draw(rates),
        variables={
            "signal": VariableConfig(feature=feature),
            "mel": VariableConfig(feature=other, role=role, sample_rate=draw(rates)),
        },
    )


@settings(max_examples=60, deadline=None)
@given(specs(), st.integers(0, 10**6), st.integers(1, 100))
def test_a_step_has_the_last_item_not_after_what_it_predicts(io, start_step, n_steps):
    span = align(io, start_step, n_steps)["mel"]
    assert len(span.index) == n_steps
    for t, frame in enumerate(span.frames):
        time = io.step_axis.frame_time(start_step + t + 1)
        assert frame == span.axis.frame_at(time)
        assert span.axis.frame_time(int(frame)) <= time < span.axis.frame_time(int(frame) + 1)


@settings(max_examples=40, deadline=None)
@given(specs(), st.integers(0, 10**6), st.integers(1, 100))
def test_a_window_is_as_small_as_can_be(io, start_step, n_steps):
    for span in align(io, start_step, n_steps).values():
        assert span.index[0] == 0
        assert span.index[-1] == span.n_frames - 1
        assert (np.diff(span.index) >= 0).all()
        assert span.is_plain == (list(span.index) == list(range(span.n_frames)))
        assert span.start == span.axis.frame_start(span.first)
        assert span.stop == span.axis.frame_start(int(span.frames[-1])) + span.axis.frame_length


@settings(max_examples=40, deadline=None)
@given(specs(), st.integers(0, 10**5), st.lists(st.integers(1, 50), min_size=1, max_size=4))
def test_windows_one_after_the_other_are_one_long_window(io, start_step, lengths):
    whole = align(io, start_step, sum(lengths))
    parts, start = [], start_step
    for length in lengths:
        parts.append(align(io, start, length))
        start += length
    mel = np.concatenate([part["mel"].frames for part in parts])
    assert (mel == whole["mel"].frames).all()
    signal = np.concatenate([part["signal"].frames[:-1] for part in parts])
    assert (signal == whole["signal"].frames[:-1]).all()


def test_an_autoregressive_variable_reads_an_item_and_predicts_the_next():
    io = IOSpec(variables={"signal": VariableConfig(feature=MuLawConfig())})
    span = align(io, 5, 3)["signal"]
    assert list(span.frames) == [5, 6, 7, 8]
    assert (span.start, span.stop) == (5, 9)


def test_a_slower_variable_is_held():
    io = IOSpec(
        sample_rate=8000,
        variables={
            "signal": VariableConfig(feature=MagnitudeConfig(n_fft=32, hop_length=10)),
            "mel": VariableConfig(feature=MelConfig(n_fft=32, hop_length=30), role="fixture"),
        },
    )
    assert list(align(io, 0, 7)["mel"].frames) == [0, 0, 1, 1, 1, 2, 2]


def test_of_a_faster_variable_the_latest_item_is_read():
    io = IOSpec(
        sample_rate=8000,
        variables={
            "signal": VariableConfig(feature=MagnitudeConfig(n_fft=32, hop_length=10)),
            "mel": VariableConfig(feature=MelConfig(n_fft=32, hop_length=4), role="fixture"),
        },
    )
    assert list(align(io, 0, 4)["mel"].frames) == [2, 5, 7, 10]


def test_a_computed_variable_has_no_window_of_its_own():
    io = IOSpec(
        variables={
            "signal": VariableConfig(feature=MagnitudeConfig()),
            "mel": VariableConfig(feature=MelConfig(), role="fixture", source="computed:signal"),
        }
    )
    assert set(align(io, 0, 4)) == {"signal"}


def test_no_steps_are_refused():
    io = IOSpec(variables={"signal": VariableConfig(feature=MuLawConfig())})
    with pytest.raises(ParameterError, match="at least 1 step"):
        align(io, 0, 0)
