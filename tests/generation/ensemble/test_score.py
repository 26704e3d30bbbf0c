"""Scores: patterns unfold, amounts are drawn, mistakes are named."""

import itertools
import json

import numpy as np
import pytest

from mimikit_nb.errors import ConfigError
from mimikit_nb.generation.ensemble.event import Event
from mimikit_nb.generation.ensemble.score import Score


def names(source, seed: int = 0, n: int = 50) -> list[str]:
    events = Score(source).events(np.random.default_rng(seed))
    return [e.generator for e in itertools.islice(events, n)]


def test_patterns_unfold_in_each_other():
    assert names(["a", {"repeat": ["b", ["c"]], "times": 2}]) == list("abcbc")
    assert sorted(names([{"shuffle": ["a", "b", {"repeat": "c", "times": 2}]}])) == list("abcc")
    assert names([{"repeat": "a"}], n=7) == ["a"] * 7 and Score([{"repeat": "a"}]).is_endless


def test_weighted_choices_follow_their_weights():
    found = names([{"choice": ["a", "b"], "weights": [3, 1], "times": 2000}], n=2000)
    assert abs(found.count("a") / 2000 - 0.75) < 0.04
    assert "b" not in names([{"choice": ["a", "b"], "weights": [1, 0], "times": 50}])


def test_the_seed_decides_what_is_drawn():
    score = [{"shuffle": list("abcdef")}]
    assert names(score, 1) == names(score, 1) != names(score, 2)
    event = Event(generator="a", seconds=[1, 3], temperature={"normal": [1, 0.1]})
    a, b, c = (event.drawn(np.random.default_rng(s)) for s in (1, 1, 2))
    assert a == b and a.seconds != c.seconds and 1 <= a.seconds <= 3
    assert Event(generator="a", seconds={"choice": [2, 5]}).drawn(
        np.random.default_rng(0)
    ).seconds in (2, 5)


def test_a_seed_of_an_event_changes_nothing_else():
    rng = np.random.default_rng(0), np.random.default_rng(0)
    plain, own = (Event(generator="a", seconds=[1, 3], seed=s) for s in (None, 7))
    assert own.drawn(rng[0]).seed == 7
    assert plain.drawn(rng[1]).seconds == own.drawn(np.random.default_rng(0)).seconds
    assert rng[0].random() == rng[1].random()


def test_yaml_json_and_python_are_the_same_score(tmp_path):
    items = [{"generator": "a", "seconds": [1, 2]}, {"repeat": ["b"], "times": 3}]
    score = Score(items)
    score.to_yaml(tmp_path / "s.yaml")
    (tmp_path / "s.json").write_text(json.dumps(items))
    for source in (tmp_path / "s.yaml", str(tmp_path / "s.json"), score.to_yaml(), items, score):
        assert Score(source).to_list() == score.to_list()


def test_any_iterable_is_read_as_it_goes_on():
    endless = ({"generator": str(i)} for i in itertools.count())
    assert names(endless, n=4) == ["0", "1", "2", "3"]


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (["a", {"generator": "b", "second": 2}], "Event 2: .*'second'.*Did you mean 'seconds'"),
        ([{"repeat": ["a", {"generator": "b", "seconds": -1}]}], r"Event 1 \(repeat\), event 2"),
        ([{"generator": "a", "seconds": [3, 1]}], "Event 1: seconds"),
        ([{"generator": "a", "temperature": "hot"}], "Event 1: temperature"),
        ([{"generator": "a", "prompt": "first"}], "Event 1: prompt"),
        ([{"choice": ["a"], "weights": [1, 2]}], "Event 1: weights"),
        ([{"repeat": ["a"], "times": 1.5}], "Event 1: times"),
        ([{"repeat": ["a"], "time": 1}], "Event 1: a repeat has no 'time'"),
        ([{"parallel": [["a"], [{"seconds": 1}]]}], "Event 1, voice 2, event 1.*generator"),
        ([], "no events"),
        (3, "list of events"),
        ("there_is_no.yaml", "Can't read the score"),
    ],
)
def test_a_mistake_is_named_with_its_event(items, message):
    with pytest.raises(ConfigError, match=message):
        Score(items)
