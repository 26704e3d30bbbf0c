import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mimikit_nb.corpus import open_corpus
from mimikit_nb.corpus.tracks import LabelTrack
from mimikit_nb.errors import CorpusError, MimikitError
from mimikit_nb.units import TimeAxis


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    edges=st.lists(st.integers(0, 100_000), min_size=2, max_size=8, unique=True),
    label=st.integers(-5, 5) | st.text(st.characters(exclude_characters="\0", codec="utf-8")),
)
def test_labels_come_back_as_written(tiny_corpus, edges, label):
    edges = sorted(edges)
    labels = [label] * (len(edges) - 1)
    tiny_corpus.write_labels("mine", edges[:-1], edges[1:], labels, overwrite=True)
    track = open_corpus(tiny_corpus.path).tracks["mine"]
    assert list(track.start) == edges[:-1]
    assert list(track.stop) == edges[1:]
    assert track.label.tolist() == labels
    assert list(track.codes) == [0] * len(labels)


def test_classes_and_codes():
    track = LabelTrack.of([0, 5, 9], [5, 9, 12], ["b", "a", "b"], 100)
    assert list(track.classes) == ["a", "b"]
    assert list(track.codes) == [1, 0, 1]
    assert len(LabelTrack.of([], [], [], 100)) == 0


@pytest.mark.parametrize(
    "values", [np.arange(12.0), np.ones((5, 3), np.float32), np.arange(6).astype(np.int16)]
)
def test_features_come_back_as_written(tiny_corpus, values):
    tiny_corpus.write_feature("loudness", values, 512, frame_length=2048, center=True)
    track = tiny_corpus.tracks["loudness"]
    np.testing.assert_array_equal(track.values, values)
    assert track.values.dtype == values.dtype
    assert track.axis(22050) == TimeAxis(22050, 512, 2048, center=True)
    assert len(track) == len(values)


def test_tracks_are_a_mapping(tiny_corpus):
    assert dict(tiny_corpus.tracks) == {}
    tiny_corpus.write_labels("b", [0], [1], [1])
    tiny_corpus.write_feature("a", np.ones(3), 10)
    assert list(tiny_corpus.tracks) == ["a", "b"]
    assert "a" in tiny_corpus.tracks and "c" not in tiny_corpus.tracks
    tiny_corpus.remove_track("a")
    assert list(tiny_corpus.tracks) == ["b"]
    with pytest.raises(CorpusError, match="no track 'c'; it has b"):
        tiny_corpus.tracks["c"]
    with pytest.raises(CorpusError, match="no track 'a'"):
        tiny_corpus.remove_track("a")


def test_a_track_is_not_replaced_unless_told(tiny_corpus):
    tiny_corpus.write_labels("mine", [0], [1], ["first"])
    with pytest.raises(CorpusError, match="overwrite=True"):
        tiny_corpus.write_labels("mine", [0], [1], ["second"])
    assert tiny_corpus.tracks["mine"].label[0] == "first"


def test_signal_and_files_do_not_change_with_the_tracks(tiny_corpus):
    before = np.array(tiny_corpus.signal)
    tiny_corpus.write_feature("a", np.ones(100_000), 10)
    again = open_corpus(tiny_corpus.path)
    np.testing.assert_array_equal(again.signal, before)
    assert (again.hash, again.files) == (tiny_corpus.hash, tiny_corpus.files)
    assert os.listdir(tiny_corpus.path.parent) == ["corpus.h5"]


@pytest.mark.parametrize(
    ("start", "stop", "label", "said"),
    [
        ([0, 1], [1], ["a"], "as many"),
        ([0], [10**9], ["a"], "lie in 0 to"),
        ([5], [5], ["a"], "at least a sample"),
        ([-1], [5], ["a"], "lie in 0 to"),
        ([0.5], [5.0], ["a"], "integers"),
        ([0], [5], [0.5], "whole numbers or words"),
    ],
)
def test_labels_that_do_not_fit_are_refused(tiny_corpus, start, stop, label, said):
    with pytest.raises(CorpusError, match=said):
        tiny_corpus.write_labels("mine", start, stop, label)
    assert len(tiny_corpus.tracks) == 0


@pytest.mark.parametrize(
    ("values", "hop", "said"),
    [
        (["a"], 1, "numbers"),
        ([], 1, "numbers"),
        (np.ones((2, 2, 2)), 1, "shape"),
        ([1.0], 0, "hop"),
    ],
)
def test_features_that_do_not_fit_are_refused(tiny_corpus, values, hop, said):
    with pytest.raises(MimikitError, match=said):
        tiny_corpus.write_feature("mine", np.array(values), hop)


@pytest.mark.parametrize("name", ["", "a/b", "../x", ".", "a" * 101, "ü"])
def test_names_that_cannot_be(tiny_corpus, name):
    with pytest.raises(CorpusError, match="can't be called"):
        tiny_corpus.write_labels(name, [0], [1], [0])
