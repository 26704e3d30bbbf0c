from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimikit_nb.analysis import Segmentation, segment
from mimikit_nb.errors import ParameterError

from .sounds import SR


def test_onsets_lie_where_the_sounds_begin(events: Segmentation, onset_times: np.ndarray) -> None:
    assert len(events) == len(onset_times)
    assert np.abs(events.onsets_seconds - onset_times).max() < 0.005


def test_events_end_in_the_silence_after_them(
    events: Segmentation, hits: np.ndarray, onset_times: np.ndarray
) -> None:
    for (start, stop), onset in zip(events.segments, onset_times, strict=True):
        assert 0.1 < stop - start < 0.28
        assert stop <= onset + 0.27
    inside = np.zeros(len(hits), bool)
    for a, b in zip(events.starts, events.stops, strict=True):
        inside[a:b] = True
    assert np.abs(hits[~inside]).max() < 0.02 * np.abs(hits).max()


def test_the_same_sound_gives_the_same_segments(events: Segmentation, hits: np.ndarray) -> None:
    again = segment(hits.copy(), SR)
    assert again.segments == events.segments
    assert again.threshold == events.threshold
    assert np.array_equal(again.novelty.values, events.novelty.values)


@pytest.mark.parametrize("shift", [256, 1000, 2816, 22050])
def test_a_later_sound_has_later_onsets(events: Segmentation, hits: np.ndarray, shift: int) -> None:
    later = segment(np.concatenate([np.zeros(shift, np.float32), hits]), SR)
    assert len(later) == len(events)
    tolerance = 0 if shift % 2816 == 0 else 0.004 * SR  # hops of the spectra and of the envelope
    assert np.abs(later.starts - events.starts - shift).max() <= tolerance


@pytest.mark.parametrize("gain", [0.01, 0.5, 4.0])
def test_loudness_changes_nothing(events: Segmentation, hits: np.ndarray, gain: float) -> None:
    assert np.array_equal(segment(np.float32(gain) * hits, SR).starts, events.starts)


def test_stereo_is_mixed(events: Segmentation, hits: np.ndarray) -> None:
    assert np.array_equal(segment(np.stack([hits, hits]), SR).starts, events.starts)


@settings(deadline=None, max_examples=30)
@given(thresholds=st.lists(st.floats(0, 60), min_size=2, max_size=6))
def test_a_higher_threshold_never_gives_more_events(
    events: Segmentation, thresholds: list[float]
) -> None:
    picked = [set(events.with_threshold(t).starts.tolist()) for t in sorted(thresholds)]
    assert all(high <= low for low, high in itertools.pairwise(picked))


@settings(deadline=None, max_examples=30)
@given(thresholds=st.lists(st.floats(0, 4), min_size=2, max_size=6))
def test_a_higher_threshold_never_gives_more_sections(
    sections: Segmentation, thresholds: list[float]
) -> None:
    picked = [set(sections.with_threshold(t).starts.tolist()) for t in sorted(thresholds)]
    assert all(high <= low for low, high in itertools.pairwise(picked))


@settings(deadline=None, max_examples=30)
@given(n=st.integers(1, 12))
def test_the_number_of_segments_is_honoured(
    events: Segmentation, sections: Segmentation, n: int
) -> None:
    if n <= 6:
        assert len(events.with_n_segments(n)) == n
    assert len(sections.with_n_segments(n)) == n


def test_the_threshold_of_a_number_gives_that_number(sections: Segmentation) -> None:
    four = sections.with_n_segments(4)
    assert four.with_threshold(four.threshold).segments == four.segments


def test_sections_change_where_the_sounds_change(sections: Segmentation) -> None:
    assert np.abs(sections.boundaries_seconds - [4, 8, 12]).max() < 0.01


def test_sections_cover_everything(sections: Segmentation, form: np.ndarray) -> None:
    assert sections.starts[0] == 0
    assert sections.stops[-1] == len(form)
    assert np.array_equal(sections.starts[1:], sections.stops[:-1])
    assert sections.labels == ("1", "2", "3", "4")


@pytest.mark.parametrize("method", ["checkerboard", "recurrence"])
def test_other_methods_find_the_sections_too(form: np.ndarray, method: str) -> None:
    found = segment(form, SR, level="sections", n_segments=4, method=method)
    assert found.method == method
    assert np.abs(found.boundaries_seconds - [4, 8, 12]).max() < 0.3


def test_levels_of_one_analysis_equal_levels_of_their_own(
    sections: Segmentation, form: np.ndarray
) -> None:
    assert sections.at_level("events").segments == segment(form, SR).segments
    assert sections.at_level(1.0).segments == segment(form, SR, level=1.0).segments
    assert len(sections.at_level(1.0)) == 16
    assert sections.at_level(1.0).at_level("sections").segments == sections.segments


def test_the_novelty_curve_reaches_the_threshold_at_every_onset(events: Segmentation) -> None:
    novelty = events.novelty
    assert novelty.unit == "rise in dB"
    for start in events.onsets_seconds:
        near = np.abs(novelty.times - start) < 0.08
        assert novelty.values[near].max() >= events.threshold


def test_silence_has_no_events_and_one_section() -> None:
    silence = np.zeros(SR, np.float32)
    assert segment(silence, SR).segments == []
    assert segment(silence, SR, level="sections").segments == [(0.0, 1.0)]


@pytest.mark.parametrize("n", [300, 2000, 20000])
def test_short_sounds_are_one_section(tone: np.ndarray, n: int) -> None:
    assert segment(tone[:n], SR, level="sections").segments == [(0.0, n / SR)]
    assert len(segment(tone[:n], SR)) <= 1


@pytest.mark.parametrize("sr", [8000, 44100])
def test_the_rate_does_not_matter(onset_times: np.ndarray, sr: int) -> None:
    t = np.arange(round(3.6 * sr)) / sr
    y = np.zeros_like(t)
    for onset in onset_times:
        after = np.maximum(t - onset, 0)
        y += np.sin(2 * np.pi * 440 * after) * np.exp(-15 * after)
    found = segment(y, sr)
    assert np.abs(found.onsets_seconds - onset_times).max() < 0.006


def test_edited_segments_keep_the_recording(events: Segmentation) -> None:
    edited = events.with_segments([(1.0, 2.0), (0.1, 0.5)], ["b", "a"])
    assert edited.segments[0] == pytest.approx((0.1, 0.5), abs=1e-4)
    assert edited.labels == ("a", "b")
    assert edited.at_level("events").segments == events.segments


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"level": "bars"}, "Unknown level 'bars'"),
        ({"level": -1.0}, "above 0"),
        ({"method": "checkerboard"}, "no method 'checkerboard'"),
        ({"level": "sections", "method": "changes"}, "change_points"),
        ({"n_segments": 0}, "n_segments must be a whole number from 1"),
        ({"threshold": float("nan")}, "threshold must be a number from 0"),
        ({"n_segments": 3, "threshold": 1.0}, "one of them"),
    ],
)
def test_bad_arguments_are_refused_in_words(
    hits: np.ndarray, arguments: dict, message: str
) -> None:
    with pytest.raises(ParameterError, match=message):
        segment(hits, SR, **arguments)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.zeros(10), "at least 10 ms"),
        (np.full(SR, np.nan), "NaN"),
        (np.zeros((2, 3, 4)), "shape"),
    ],
)
def test_bad_sound_is_refused_in_words(y: np.ndarray, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        segment(y, SR)


def test_labels_need_to_be_as_many(events: Segmentation) -> None:
    with pytest.raises(ParameterError, match="6 segments need as many labels, not 2"):
        events.with_labels(["a", "b"])
