"""The nearest neighbour: knows where a sound comes from, and where else it could go on."""

import numpy as np
import pytest

import mimikit_nb as mnb
from mimikit_nb.audio.demo import demo_music
from mimikit_nb.audio.write import write
from mimikit_nb.errors import ConfigError, ParameterError
from mimikit_nb.generation.ensemble.matching import PlaceIndex
from mimikit_nb.generation.ensemble.morphing import morph

RATE = 22050


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("music")
    for seed in range(3):
        write(folder / f"{seed}.wav", demo_music(RATE, seconds=12.0, seed=seed), RATE)
    return mnb.build_corpus(folder, folder / "corpus.h5", sample_rate=RATE)


@pytest.fixture(scope="module")
def index(corpus):
    return PlaceIndex(corpus)


@pytest.mark.parametrize("seed", range(20))
def test_a_sound_of_the_corpus_is_found_where_it_is(corpus, index, seed):
    files = corpus.segments
    start, stop = files[seed % len(files)]
    place = int(np.random.default_rng(seed).integers(start + RATE, stop - RATE))
    found = index.find(corpus.signal[:, place - RATE : place])[0]
    assert found.sample == place and found.correlation > 0.999


def test_places_are_described_alike_when_asked_and_when_built(corpus, index):
    i = len(index) // 2
    place = int(index.samples[i])
    frames = index._frames(corpus.signal[0, place - index.context : place])
    np.testing.assert_allclose(
        (index._describe(frames) @ index._basis)[0], index.points[i], atol=1e-3
    )


def test_every_place_stands_in_a_leaf_of_bounded_size(index):
    n_lost = 0  # halves of equal values are told apart by their order alone
    for tree in index._trees:
        assert set(tree.leaves.ravel()) == set(range(len(index)))
        assert tree.leaves.shape[1] <= 32
        n_lost += sum(i not in tree.near(index.points[i]) for i in range(0, 1000, 10))
    assert n_lost < 0.02 * 100 * len(index._trees)


def test_a_prompt_out_of_the_corpus_continues_at_its_place(corpus):
    event = {"generator": "nearest_neighbour", "seconds": 3, "prompt": {"corpus": 3.21}}
    out = mnb.ensemble([event], corpus).audio[:, 500:-500]
    start = round(3.21 * RATE) + RATE + 500
    np.testing.assert_array_equal(out, corpus.signal[:, start : start + out.shape[1]])


def test_what_was_played_lately_is_not_played_again(corpus):
    spec = {"nearest_neighbour": None, "k": 4, "grain_seconds": 0.5, "forbid_seconds": 1.0}
    score = [{"generator": spec, "seconds": 4, "prompt": {"corpus": 3.0}}]
    a, b, c = (mnb.ensemble(score, corpus, seed=seed).audio for seed in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)
    straight = corpus.signal[:, 4 * RATE : 8 * RATE]
    assert not np.allclose(a[:, 2 * RATE :], straight[:, 2 * RATE :], atol=1e-3)
    jumps = np.abs(np.diff(np.asarray(corpus.signal))).max()
    assert np.abs(np.diff(a)).max() < 2 * jumps


def test_passages_may_turn_into_each_other(corpus):
    spec = {"nearest_neighbour": None, "k": 4, "grain_seconds": 0.6, "forbid_seconds": 1.0}
    sounds = [
        mnb.ensemble(
            [{"generator": spec | {"morph_seconds": m}, "seconds": 4, "prompt": {"corpus": 3.0}}],
            corpus,
            seed=1,
        ).audio
        for m in (0.0, 0.5)
    ]
    assert not np.allclose(*sounds)
    jumps = np.abs(np.diff(np.asarray(corpus.signal))).max()
    assert np.abs(np.diff(sounds[1])).max() < 1.5 * jumps


def test_a_morph_begins_as_one_sound_and_ends_as_the_other():
    t = np.arange(8000) / 8000
    low, high = (0.5 * np.sin(2 * np.pi * f * t)[None].astype(np.float32) for f in (300, 900))
    y = morph(low, high)
    np.testing.assert_allclose(y[:, :20], low[:, :20], atol=5e-3)
    np.testing.assert_allclose(y[:, -20:], high[:, -20:], atol=5e-3)
    np.testing.assert_allclose(morph(low, low), low, atol=1e-4)
    middle = np.abs(np.fft.rfft(y[0, 3600:4400] * np.hanning(800)))  # bins of 10 Hz
    loudest = np.flatnonzero(middle > 0.3 * middle.max())
    assert set(loudest) <= {*range(27, 34), *range(87, 94)}
    opposite = morph(low, -low)[0, 1500:-1500]  # a crossfade would be silent in the middle
    assert np.sqrt(np.mean(opposite**2)) > 0.2
    assert morph(low[:, :100], high[:, :100]).shape == (1, 100)


def test_it_takes_turns_at_other_rates(corpus):
    score = [
        {"generator": "nearest_neighbour", "seconds": 0.7},
        {"generator": {"region": [20.0, 22.0]}, "seconds": 0.4},
    ]
    out = mnb.ensemble(score, corpus, seconds=2.5, sample_rate=16000)
    assert out.audio.shape == (1, 40000) and np.abs(out.audio).max() > 0.01


def test_mistakes_are_named(corpus, tmp_path):
    with pytest.raises(ParameterError, match="needs a corpus"):
        mnb.ensemble(["nearest_neighbour"])
    with pytest.raises(ConfigError, match="forbid_seconds"):
        mnb.ensemble([{"generator": {"nearest_neighbour": None, "forbid": 1}}], corpus)
    write(tmp_path / "short.wav", demo_music(RATE, seconds=1.05), RATE)
    short = mnb.build_corpus(tmp_path / "short.wav", tmp_path / "short.h5", sample_rate=RATE)
    with pytest.raises(ParameterError, match="long enough"):
        mnb.ensemble([{"generator": "nearest_neighbour"}], short)
