"""Tracks as classes and values."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mimikit_nb.corpus.tracks import LabelTrack
from mimikit_nb.errors import ConfigError, FeatureError
from mimikit_nb.features.labels import (
    ClusterLabelConfig,
    LabelConfig,
    SegmentLabelConfig,
    ValuesConfig,
)
from mimikit_nb.units import TimeAxis

RATE = 8000


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20), st.integers(0, 4)), max_size=8),
    st.integers(0, 4),
)
def test_an_item_has_the_label_of_the_stretch_that_began_last(stretches, unlabelled):
    start, length, label = np.array(stretches, dtype=np.int64).reshape(-1, 3).T
    expected = np.full(100, unlabelled)
    for i in np.argsort(start, kind="stable"):
        expected[start[i] : start[i] + length[i]] = label[i]
    feature = LabelConfig(n_classes=5, unlabelled=unlabelled).build(RATE)
    found = feature.at(start, start + length, label, np.arange(100).reshape(4, 25))
    assert (found == expected.reshape(4, 25)).all()


def test_words_are_classes_in_the_order_they_are_listed():
    feature = LabelConfig(n_classes=3, names=("rest", "snare", "kick")).build(RATE)
    assert (feature.classes_of(np.array(["kick", "rest", "snare"])) == [2, 0, 1]).all()


def test_segments_are_classes_as_they_come_and_clusters_by_how_many_they_are():
    start = np.array([0, 30, 10, 20])
    track = LabelTrack.of(start, start + 10, np.array(["b", "a", "c", "c"]), 40)
    assert SegmentLabelConfig.of(track).names == ("none", "b", "c", "a")
    feature = ClusterLabelConfig.of(track)
    assert feature.names == ("none", "c", "a", "b")
    classes = feature.build(RATE).at(track.start, track.stop, track.label, np.arange(0, 60, 10))
    assert classes.tolist() == [3, 1, 1, 2, 0, 0]


@pytest.mark.parametrize(
    ("config", "labels", "message"),
    [
        (LabelConfig(n_classes=2, names=("a", "b")), ["a", "c"], "Label c has no class"),
        (LabelConfig(n_classes=2), [0, 2], "Label 2 has no class"),
        (LabelConfig(n_classes=2), [-1], "Label -1 has no class"),
        (LabelConfig(n_classes=2), ["a"], "list them as the label feature's names"),
    ],
)
def test_labels_without_a_class_are_refused(config, labels, message):
    with pytest.raises(FeatureError, match=message):
        config.build(RATE).classes_of(np.array(labels))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"n_classes": 2, "names": ("a",)}, "as many different names"),
        ({"n_classes": 2, "names": ("a", "a")}, "as many different names"),
        ({"n_classes": 2, "unlabelled": 2}, "below 2"),
    ],
)
def test_configs_that_do_not_fit_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        LabelConfig(**values)


def test_values_are_those_of_the_last_frame():
    feature = ValuesConfig(dim=2).build(RATE)
    values = np.arange(8.0).reshape(4, 2)
    found = feature.at(values, TimeAxis(RATE, 10), np.array([[0, 9, 10], [25, 39, 99]]))
    assert found.dtype == np.float32
    assert (found[..., 0] == [[0, 0, 2], [4, 6, 6]]).all()


def test_values_of_another_length_are_refused():
    with pytest.raises(FeatureError, match="set its dim to 2"):
        ValuesConfig(dim=1).build(RATE).at(np.zeros((4, 2)), TimeAxis(RATE), np.zeros(1, int))


@pytest.mark.parametrize("hop_length", [1, 3])
def test_items_of_samples_lie_a_hop_apart(hop_length):
    labels = LabelConfig(n_classes=100, hop_length=hop_length).build(RATE)
    values = ValuesConfig(dim=2, hop_length=hop_length).build(RATE)
    y = torch.arange(20)
    n_frames = labels.axis.n_frames(20)
    assert torch.equal(labels.forward(y), hop_length * torch.arange(n_frames))
    assert values.forward(torch.rand(3, 2, 20)).shape == (3, n_frames, 2)
