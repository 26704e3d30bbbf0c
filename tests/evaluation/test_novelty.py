from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimikit_nb.errors import ParameterError
from mimikit_nb.evaluation.copies import Search
from mimikit_nb.evaluation.novelty import coverage, novelty_of


def found(places, similarity=0.5) -> Search:
    places = np.asarray(places, float)
    return Search(np.arange(len(places)) * 0.4, np.full(len(places), similarity), places)


def test_the_score_is_relative_to_real_audio():
    walk = np.arange(25) * 3.0
    assert novelty_of(found(walk, 1.0), 0.4, 100).score == 0
    assert novelty_of(found(walk, 0.8), 0.4, 100).score == pytest.approx(0.5)
    assert novelty_of(found(walk, 0.2), 0.4, 100).score == 1


def test_wandering_has_entropy_and_a_trap_has_none():
    wandering = novelty_of(found(np.arange(25) * 3.0), 0.4, 100)
    trapped = novelty_of(found(np.full(25, 7.2)), 0.4, 100)
    assert wandering.entropy[-1] == 1 and wandering.coverage == 1
    assert trapped.entropy[-1] == 0 and trapped.coverage == pytest.approx(0.1)


def test_the_curve_of_a_sound_that_gets_trapped_falls():
    curve = novelty_of(found([*np.arange(12) * 3.0, *[50.0] * 30]), 0.4, 100).entropy
    assert curve[11] == 1 and curve[-1] < 0.6


def test_coming_back_is_a_repeat_and_going_on_is_not():
    passage = np.arange(15) * 0.4
    assert novelty_of(found(passage), 0.4, 100).repeat_rate == 0
    again = novelty_of(found([*passage, *passage]), 0.4, 100)
    assert again.repeat_rate == pytest.approx(0.5, abs=0.1)


def test_what_hardly_moves_is_left_out():
    still = found(np.arange(10.0))
    still.similarity[:] = np.nan
    novelty = novelty_of(still, 0.4, 100)
    assert np.isnan(novelty.score) and novelty.coverage == novelty.repeat_rate == 0


@given(st.lists(st.floats(0, 99), min_size=1, max_size=80))
def test_measures_stay_in_their_range(places):
    novelty = novelty_of(found(places), 0.4, 100)
    assert 0 <= novelty.coverage <= 1 and 0 <= novelty.repeat_rate <= 1
    assert ((novelty.entropy >= 0) & (novelty.entropy <= 1)).all()


def test_several_sounds_cover_more():
    walks = [np.arange(25) * 0.4 + start for start in (0, 30)]
    assert coverage(walks, 0.4, 100) == pytest.approx(1)
    assert coverage([walks[0], walks[0]], 0.4, 100) == pytest.approx(0.5)
    assert coverage([], 0.4, 100) == 0


def test_a_distance_of_nothing_is_refused():
    with pytest.raises(ParameterError, match="above 0"):
        novelty_of(found([1, 2]), 0.0, 10)
