"""Marks: what may be given, and what comes of it."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimikit_nb.errors import ParameterError
from mimikit_nb.widgets.player.marks import (
    PALETTE,
    as_entries,
    as_points,
    as_segments,
    colour_of,
    colours_of,
    flatten,
)

SECONDS = 10.0
times = st.floats(0, SECONDS)


def test_points_from_numbers_tuples_and_mappings():
    points = as_points(
        [3, (1.5, "kick"), {"time": 2, "kind": "onset", "metadata": {"a": 1}}], SECONDS
    )
    assert [p["time"] for p in points] == [1.5, 2.0, 3.0]
    assert [p["label"] for p in points] == ["kick", "", ""]
    assert [p["kind"] for p in points] == ["point", "onset", "point"]
    assert len({p["id"] for p in points}) == 3
    assert all(p["editable"] for p in points)


def test_segments_from_tuples_and_mappings():
    segments = as_segments([(4, 5, "b"), {"start": 1, "stop": 2, "editable": False}], SECONDS)
    assert [(s["start"], s["stop"], s["label"]) for s in segments] == [(1, 2, ""), (4, 5, "b")]
    assert [s["editable"] for s in segments] == [False, True]


@settings(deadline=None)
@given(st.lists(st.tuples(times, times, st.text(max_size=5))))
def test_complete_marks_stay_as_they_are(drawn):
    given_segments = [(min(a, b), max(a, b), label) for a, b, label in drawn]
    segments = as_segments(given_segments, SECONDS)
    assert as_segments(segments, SECONDS) == segments
    assert json.loads(json.dumps(segments)) == segments
    assert len({s["id"] for s in segments}) == len(segments)


def test_rounding_at_the_ends_is_forgiven():
    (segment,) = as_segments([(-0.01, 10.02)], SECONDS)
    assert (segment["start"], segment["stop"]) == (0.0, SECONDS)


@pytest.mark.parametrize(
    ("segment", "message"),
    [
        ((1, 44100), "lasts 10 s"),
        ((5, 4), "swap"),
        ((float("nan"), 4), "start is nan"),
        ({"start": 1}, "lacks 'stop'"),
        ({"start": 1, "stop": 2, "colour": "red"}, "colour"),
    ],
)
def test_bad_segments_are_named(segment, message):
    with pytest.raises(ParameterError, match=message):
        as_segments([segment], SECONDS)


def test_metadata_of_the_whole_sound_marks_the_prompt():
    facts, entries = as_entries(
        {"prompt_end_seconds": 2, "corpus_position_seconds": 7.5, "checkpoint": {"step": 500}},
        SECONDS,
    )
    assert facts == {"corpus_position_seconds": 7.5, "checkpoint.step": 500}
    prompt, generated = entries
    assert (prompt["start"], prompt["stop"], prompt["kind"]) == (0, 2, "prompt")
    assert prompt["metadata"] == {"corpus_position_seconds": 7.5}
    assert (generated["start"], generated["stop"]) == (2, SECONDS)
    assert generated["metadata"] == {"checkpoint.step": 500}
    assert not any(entry["editable"] for entry in entries)


def test_a_prompt_that_is_everything_leaves_nothing_generated():
    _, entries = as_entries({"prompt_end_seconds": SECONDS}, SECONDS)
    assert [entry["kind"] for entry in entries] == ["prompt"]


def test_metadata_of_passages():
    facts, entries = as_entries(
        [{"start": 0, "stop": 4, "kind": "turn", "temperature": 0.9}, {"start": 4, "seed": 3}],
        SECONDS,
    )
    assert facts == {}
    assert [(e["start"], e["stop"], e["label"]) for e in entries] == [
        (0, 4, "turn"),
        (4, 10, "event"),
    ]
    assert entries[0]["metadata"] == {"temperature": 0.9}


def test_values_that_json_lacks_become_text():
    assert flatten({"a": {"b": Path("x"), "c": None}, "d": (1, 2)}) == {"a.b": "x", "d": "(1, 2)"}


def test_kinds_keep_their_colours():
    assert colour_of("prompt") != colour_of("generated")
    assert colour_of("my own kind") == colour_of("my own kind")


@given(st.sets(st.text(), max_size=2 * len(PALETTE)))
def test_kinds_side_by_side_share_no_colour_while_there_are_colours_left(kinds):
    colours = colours_of(kinds)
    assert colours == colours_of(sorted(kinds, reverse=True))
    assert len(set(colours.values())) >= min(len(kinds), len(PALETTE))
