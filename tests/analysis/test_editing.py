from __future__ import annotations

import numpy as np
import pytest

from mimikit_nb.analysis import Segmentation, cluster
from mimikit_nb.analysis.editing import merge, split
from mimikit_nb.errors import ParameterError

from .sounds import SR


def test_a_segment_is_split_where_it_does_not_click(
    sections: Segmentation, form: np.ndarray
) -> None:
    first = sections.segments[0]
    found = split(sections, 1.1)
    assert len(found) == len(sections) + 1
    (start, place), (other, stop) = found.segments[:2]
    assert (start, stop) == first and place == other and abs(place - 1.1) < 0.003
    assert found.labels[:2] == (sections.labels[0],) * 2
    at = round(place * SR)
    assert form[at] == 0 or form[at - 1] * form[at] <= 0


def test_joining_the_halves_undoes_a_split(sections: Segmentation) -> None:
    found = split(sections, 1.1)
    again = merge(found, 0.9, 1.3)
    assert again.segments == sections.segments and again.labels == sections.labels


def test_a_passage_joins_what_it_touches(events: Segmentation) -> None:
    found = merge(events, 0.3, 1.35)
    assert len(found) == len(events) - 2
    assert found.segments[0] == (events.segments[0][0], events.segments[2][1])


@pytest.mark.parametrize("seconds", [-1.0, 0.1, 99.0])
def test_where_there_is_no_segment_nothing_is_split(events: Segmentation, seconds: float) -> None:
    with pytest.raises(ParameterError, match="no segment"):
        split(events, seconds)


def test_one_segment_cannot_be_joined(events: Segmentation) -> None:
    with pytest.raises(ParameterError, match="at least two"):
        merge(events, 0.25, 0.3)


def test_clusters_are_split_and_made_by_hand(events: Segmentation, hits: np.ndarray) -> None:
    families = cluster(hits, SR, events, 2)
    largest = np.flatnonzero(families.labels == 0)
    parts = families.split(0)
    assert parts.n_clusters == 3 and len(parts.names) == 3
    assert {parts.named_labels[i] for i in largest} == {"A", "A2"}
    made = families.assign([0, 1], "mine")
    assert made.named_labels[:2] == ("mine", "mine") and "mine" in made.names
    assert families.assign(list(range(6)), "A").names == ("A",)
    with pytest.raises(ParameterError, match="segments 0 to 5"):
        families.assign([6], "A")
    with pytest.raises(ParameterError, match="name"):
        families.assign([0], " ")
    with pytest.raises(ParameterError, match="can't be split"):
        families.split(0, 10)
