"""Only what changed is made anew, and it is what the whole piece would have been."""

import numpy as np
import pytest

import mimikit_nb as mnb
from mimikit_nb.engine.stages import EagerExecutor
from mimikit_nb.errors import ParameterError
from mimikit_nb.generation.ensemble import blend, checkpoints
from tests.generation.ensemble.networks import make_checkpoint

RATE = 8000
calls: list[str] = []


def tone(prompt, sample_rate, n_samples, rng):
    """A tone whose pitch follows from what it heard, so that nothing can be hidden."""
    calls.append("tone")
    frequency = 200 + 400 * float(np.abs(prompt[:, -400:]).mean()) + 20 * rng.random()
    return 0.3 * np.sin(2 * np.pi * frequency * np.arange(n_samples) / sample_rate)


def hiss(prompt, sample_rate, n_samples, rng):
    calls.append("hiss")
    return 0.05 * rng.standard_normal(n_samples)


@pytest.fixture(autouse=True)
def _plain_steps(monkeypatch):
    calls.clear()
    for module in (blend, checkpoints):
        monkeypatch.setattr(module, "compile_stages", lambda stages, _: EagerExecutor(stages))


def turns(*generators, **settings):
    return [{"generator": g, "seconds": 0.4, "prompt_seconds": 0.2} | settings for g in generators]


def play(score, corpus=None, earlier=None, seed=0, seconds=None):
    """A kept piece and its sound."""
    options = {"sample_rate": RATE, "keep": True, "earlier": earlier}
    piece = mnb.stream_ensemble(score, corpus, seconds, seed, **options)
    return piece, np.concatenate(list(piece), 1)


def changed(score, index, **values):
    return [{**event, **values} if i == index else event for i, event in enumerate(score)]


def check(before, after, corpus=None):
    """A changed score gives the same with and without the earlier version; its first change."""
    piece, old = play(before, corpus)
    again, new = play(after, corpus, piece)
    fresh, whole = play(after, corpus)
    np.testing.assert_array_equal(new, whole)
    assert again.turns == fresh.turns
    n = min(old.shape[1], new.shape[1])
    differ = np.flatnonzero((old[:, :n] != new[:, :n]).any(0))
    return int(differ[0]) if len(differ) else n


@pytest.fixture(scope="module")
def network():
    return make_checkpoint("sample_rnn")


def test_bytes_before_a_changed_turn_are_unchanged_and_nothing_before_it_is_called():
    score = turns(tone, hiss, tone, hiss)
    piece, old = play(score)
    calls.clear()
    again, new = play(changed(score, 2, generator=hiss), earlier=piece)
    assert calls == ["hiss", "hiss"]
    start = round(again.turns[2].start * RATE)
    assert new[:, :start].tobytes() == old[:, :start].tobytes()
    assert not np.array_equal(new[:, start : start + 800], old[:, start : start + 800])


@pytest.mark.parametrize(
    "change",
    [
        {"seconds": 0.7},
        {"crossfade_seconds": 0.2},
        {"crossfade_seconds": 0.0, "crossfade": "linear"},
        {"gain_db": -6},
        {"prompt_noise": 0.5},
        {"level": "match"},
        {"seed": 5},
    ],
    ids=str,
)
def test_any_change_gives_what_the_whole_piece_would_be(change, network, tiny_corpus):
    score = turns(network, {"region": [1.0, 2.0]}, tone, "silence", tone, network)
    first = check(score, changed(score, 4, **change), tiny_corpus)
    assert first >= round(1.6 * RATE)


def test_turns_can_be_put_in_left_out_and_moved(tiny_corpus):
    score = turns(tone, hiss, {"region": [1.0, 2.0]}, tone)
    assert check(score, [*score, *turns(hiss)], tiny_corpus) >= round(1.2 * RATE)
    assert check(score, score[:-1], tiny_corpus) >= round(0.8 * RATE)
    assert check(score, [*score[:2], score[3], score[2]], tiny_corpus) >= round(0.8 * RATE)
    assert check(score, turns(hiss) + score, tiny_corpus) < round(0.4 * RATE)
    assert check(score, score, tiny_corpus) == round(1.6 * RATE)


def test_a_nearest_neighbour_remembers_what_it_played_before_the_change(tiny_corpus):
    spec = {"nearest_neighbour": None, "k": 3, "grain_seconds": 0.3, "forbid_seconds": 0.5}
    score = turns(spec, tone, spec, spec, seconds=0.8)
    assert check(score, changed(score, 3, temperature=2.0), tiny_corpus) >= round(2.4 * RATE)


def test_a_voice_that_changed_leaves_the_others_as_they_are():
    below = turns(hiss, hiss, hiss)
    score = [{"parallel": [turns(tone, tone, tone), below], "seconds": 1.2}]
    other = [{"parallel": [turns(tone, tone, tone), changed(below, 1, gain_db=-9)], "seconds": 1.2}]
    piece, _ = play(score)
    calls.clear()
    play(other, earlier=piece)
    assert calls == ["hiss", "hiss"]
    assert check(score, other) >= round(0.4 * RATE)


def test_voices_that_listen_are_made_anew_when_others_change():
    listening = {**turns(tone)[0], "prompt": {"voice": 0}}
    score = [{"parallel": [turns(hiss, hiss), [*turns("silence"), listening]], "seconds": 0.8}]
    loud = [{"parallel": [turns(hiss, tone), [*turns("silence"), listening]], "seconds": 0.8}]
    check(score, loud)


def test_a_stopped_piece_goes_on_where_it_stopped():
    score = turns(tone, hiss, tone)
    piece = mnb.stream_ensemble(score, sample_rate=RATE, keep=True)
    while piece.n_samples < 0.9 * RATE:
        next(piece)
    calls.clear()
    _, new = play(score, earlier=piece)
    assert calls == ["tone"]
    np.testing.assert_array_equal(new, play(score)[1])


def test_a_version_in_other_surroundings_is_refused():
    piece, _ = play(turns(tone, hiss))
    with pytest.raises(ParameterError, match="seed = 0, not 1"):
        play(turns(tone), earlier=piece, seed=1)
    loose = mnb.stream_ensemble(turns(tone), sample_rate=RATE)
    with pytest.raises(ParameterError, match="keep"):
        play(turns(tone), earlier=loose)


def test_muted_voices_play_on_unheard():
    score = [{"parallel": [turns(tone, tone), turns(hiss, hiss)], "seconds": 0.8}]
    piece, both = play(score)
    stems = []
    for voice in (0, 1):
        again = mnb.stream_ensemble(score, sample_rate=RATE, earlier=piece)
        again.muted.add(1 - voice)
        stems.append(np.concatenate(list(again), 1))
    np.testing.assert_allclose(sum(stems), both, atol=1e-6)
    assert np.abs(stems[1]).mean() < np.abs(stems[0]).mean()


def test_the_next_turn_can_be_called_for():
    piece = mnb.stream_ensemble(turns(tone, hiss, seconds=60), sample_rate=RATE)
    next(piece)
    piece.hand_over()
    for _ in range(3):
        next(piece)
    first, second = piece.turns
    assert second.start == first.stop < 1 and second.generator == "hiss"
