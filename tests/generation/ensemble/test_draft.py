"""Drafts: unrolled scores that sound as they did, and edits that keep everything else."""

import numpy as np
import pytest

import mimikit_nb as mnb
from mimikit_nb.errors import ParameterError
from mimikit_nb.generation.ensemble.draft import Draft, as_turn
from mimikit_nb.generation.ensemble.event import Event

SCORE = [
    {
        "repeat": [
            {"generator": {"region": [1.0]}, "seconds": [0.2, 0.5], "gain_db": [-6, 0]},
            {"choice": ["silence", {"generator": {"region": [3.0]}, "seconds": 0.2}]},
        ]
    }
]


def sound(draft, corpus, seed, variation=0):
    score, seconds = draft.score(variation), draft.piece_seconds(variation)
    return mnb.ensemble(score, corpus, seconds, seed).audio


def test_a_score_that_is_unrolled_sounds_as_it_did(tiny_corpus):
    draft = Draft.of(SCORE, seed=3, seconds=2.5)
    whole = mnb.ensemble(SCORE, tiny_corpus, 2.5, seed=3)
    np.testing.assert_array_equal(sound(draft, tiny_corpus, 3), whole.audio)
    assert draft.seconds == pytest.approx(2.5) and draft.n_turns == len(whole.turns)
    assert all(isinstance(turn.seed, int) for turn in draft.rows[0])
    with pytest.raises(ParameterError, match="no end"):
        Draft.of(SCORE)


def test_voices_become_rows_and_come_back(tiny_corpus):
    voices = [[{"generator": {"region": [1.0]}, "seconds": 0.4}] * 2, ["silence"]]
    score = [{"parallel": voices, "seconds": 1.0}]
    draft = Draft.of(score, seed=1)
    assert [len(row) for row in draft.rows] == [3, 1]
    np.testing.assert_array_equal(
        sound(draft, tiny_corpus, 1), mnb.ensemble(score, tiny_corpus, seed=1).audio
    )
    again = Draft.of(draft.score().to_list(), seed=1)
    assert again.rows == draft.rows


@pytest.mark.parametrize("n_rows", [1, 2])
def test_prompts_are_variations_that_lead_back_to_themselves(n_rows, tiny_corpus):
    row = (Event(generator={"region": [2.0]}, seconds=0.4, seed=7),)
    draft = Draft((row,) * n_rows, prompts=((1.0, 0.3), (4.0, 0.5)))
    assert draft.n_variations == 2
    a, b = (sound(draft, tiny_corpus, 0, k) for k in range(2))
    assert b.shape[1] - a.shape[1] == round(0.5 * 22050) - round(0.3 * 22050)
    wanted = tiny_corpus.signal[:, 4 * 22050 :][:, : round(0.5 * 22050)]
    np.testing.assert_array_equal(b[:, 500 : wanted.shape[1]], wanted[:, 500:])
    back = Draft.of(draft.score(1).to_list())
    assert back.prompts == ((4.0, 0.5),)
    np.testing.assert_array_equal(sound(back, tiny_corpus, 0), b)
    unheard = Draft((row,) * n_rows, draft.prompts, is_prompt_heard=False)
    assert sound(unheard, tiny_corpus, 0).shape[1] == round(0.4 * 22050)


def test_edits_make_new_drafts():
    a, b, c = (Event(generator=name) for name in "abc")
    draft = Draft(((a, b), ()))
    assert draft.with_turn((0, 1), c).rows == ((a, c, b), ())
    assert draft.without((0, 0)).rows == ((b,), ())
    assert draft.moved((0, 0), (0, 9)) == (Draft(((b, a), ())), (0, 1))
    assert draft.moved((0, 0), (1, 0)) == (Draft(((b,), (a,))), (1, 0))
    assert draft.changed((0, 1), c).start_of((0, 2)) == 4.0
    assert draft.with_voice().rows == ((a, b), (), ())
    assert draft.without_voice(0).rows == ((),)
    with pytest.raises(ParameterError, match="no such turn"):
        draft.at((1, 0))
    with pytest.raises(ParameterError, match="no turns yet"):
        Draft().score()


def test_new_seeds_from_a_time_on_leave_what_is_before():
    turns = tuple(Event(generator="a", seconds=1.0, seed=i) for i in range(3))
    new = Draft((turns, turns)).reseeded(1.0, np.random.default_rng(0))
    for row in new.rows:
        assert row[0] == turns[0] and row[1].seed != 1 and row[2].seed != 2


def test_a_range_of_seconds_is_drawn():
    rng = np.random.default_rng(0)
    turn = as_turn(Event(generator="a", seconds=[1, 3]), rng)
    assert 1 <= turn.seconds <= 3
