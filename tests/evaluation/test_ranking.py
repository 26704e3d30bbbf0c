from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimikit_nb.errors import ParameterError
from mimikit_nb.evaluation.ranking import (
    bootstrap_interval,
    near_duplicates,
    pareto_front,
    rank,
    rank_correlation,
)

from .sounds import plucked, raised_20_cents

SR = 22050
TABLE = pd.DataFrame(
    {
        "novelty": [0.9, 0.5, 0.8, 1.0],
        "fidelity": [0.9, 0.8, 0.7, 0.0],
        "loss": [3.0, 2.0, 1.0, 9.0],
        "flags": ["", "", "stuck", "noise clicks"],
    },
    index=list("abcd"),
)


def test_the_best_in_all_comes_first_and_the_flagged_last():
    assert list(rank(TABLE).index) == ["a", "b", "c", "d"]


def test_weights_decide():
    assert list(rank(TABLE, {"novelty": 1}, penalise_flags=False).index) == ["d", "a", "c", "b"]
    assert next(iter(rank(TABLE, {"loss": -1}, penalise_flags=False).index)) == "c"


def test_missing_scores_count_as_the_worst():
    table = TABLE.assign(novelty=[np.nan, 0.5, 0.8, 1.0])
    assert rank(table, {"novelty": 1}, penalise_flags=False).index[-1] == "a"


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=12))
def test_the_front_is_what_nothing_beats(points):
    table = pd.DataFrame(points, columns=["novelty", "fidelity"])
    front = pareto_front(table)
    for i, (x, y) in enumerate(points):
        is_beaten = any(a >= x and b >= y and (a > x or b > y) for a, b in points)
        assert front[i] == (not is_beaten)
    assert front[table["novelty"].idxmax()] or len(points) > 1


def test_a_missing_score_is_not_on_the_front():
    table = pd.DataFrame({"novelty": [np.nan, 0.1], "fidelity": [1.0, 0.1]})
    assert list(pareto_front(table)) == [False, True]


def test_near_duplicates_are_families():
    a, b = plucked(6, 0), plucked(6, 1)
    shifted = np.concatenate([np.zeros(3000, np.float32), 0.5 * raised_20_cents(a)])
    assert near_duplicates([a, shifted, b, b[SR:], a[: 5 * SR]], SR) == [0, 0, 2, 2, 0]
    silence = np.zeros(SR, np.float32)
    assert near_duplicates([silence, silence, a[:100]], SR) == [0, 1, 2]


def test_what_joins_two_families_makes_them_one():
    a, b = plucked(4, 0), plucked(4, 1)
    assert near_duplicates([a, b, np.concatenate([a, b])], SR) == [0, 0, 0]


def test_half_a_sound_makes_a_duplicate_and_a_quarter_does_not():
    a, b = plucked(8, 0), plucked(8, 1)
    for seconds, family in ((5, 0), (2, 1)):
        spliced = np.concatenate([b[: (8 - seconds) * SR], a[2 * SR : (2 + seconds) * SR]])
        assert near_duplicates([a, spliced], SR) == [0, family]


def test_the_interval_holds_the_mean_and_shrinks():
    values = np.random.default_rng(0).normal(size=400)
    few, many = bootstrap_interval(values[:20]), bootstrap_interval(values)
    assert many[0] < values.mean() < many[1]
    assert many[1] - many[0] < few[1] - few[0]
    assert bootstrap_interval(values) == many
    assert np.isnan(bootstrap_interval([np.nan])).all()


def test_order_is_compared():
    assert rank_correlation([1, 2, 3], [10, 20, 30]) == 1
    assert rank_correlation([1, 2, 3], [3, 2, 1]) == -1


def test_bad_arguments_are_refused():
    with pytest.raises(ParameterError, match="no column 'beauty'"):
        rank(TABLE, {"beauty": 1})
    with pytest.raises(ParameterError, match="at least one"):
        rank(TABLE, {"novelty": 0})
    with pytest.raises(ParameterError, match="between 0 and 1"):
        bootstrap_interval([1.0], confidence=95)
    with pytest.raises(ParameterError, match="must match"):
        rank_correlation([1], [1, 2])
