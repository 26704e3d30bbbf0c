"""Turns hand over early: at a section's boundary, when stuck, when they only copy."""

import numpy as np
import pytest

import mimikit_nb as mnb
from mimikit_nb.audio.demo import demo_music
from mimikit_nb.audio.write import write
from mimikit_nb.errors import ConfigError, ParameterError

RATE = 22050


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("music")
    for seed in range(2):
        write(folder / f"{seed}.wav", demo_music(RATE, seconds=12.0, seed=seed), RATE)
    return mnb.build_corpus(folder, folder / "corpus.h5", sample_rate=RATE)


def two_parts(prompt, sample_rate, n_samples, rng):
    """Low tones for 8 s, then noise."""
    t = np.arange(n_samples) / sample_rate
    pulse = 0.5 + 0.5 * np.sign(np.sin(2 * np.pi * 4 * t))
    low = 0.3 * pulse * np.sin(2 * np.pi * 110 * t * (1 + 0.01 * np.floor(t)))
    return np.where(t < 8, low, 0.1 * pulse * rng.standard_normal(n_samples))


def rest(prompt, sample_rate, n_samples, rng):
    return 0.1 * rng.standard_normal(n_samples)


def then_frozen(prompt, sample_rate, n_samples, rng):
    """Music for 4 s, then one tone that never moves."""
    y = 0.3 * np.sin(2 * np.pi * 440 * np.arange(n_samples) / sample_rate)
    n = 4 * sample_rate
    y[:n] = demo_music(sample_rate, seconds=4.0, seed=3).reshape(-1)[:n]
    return y


def first_stop(generator, until, seconds, corpus=None):
    score = [{"generator": generator, "seconds": seconds, "until": until}, {"generator": rest}]
    piece = mnb.stream_ensemble(score, corpus, sample_rate=RATE)
    next(piece)
    return piece.room.turns[0].stop


def test_at_the_boundary_between_sections():
    assert abs(first_stop(two_parts, "section", 14) - 8) < 0.6


def test_when_stuck():
    stop = first_stop(then_frozen, "stuck", 12)
    assert 4.5 < stop < 6.5
    assert first_stop(rest, "stuck", 4) == 4


def test_when_the_novelty_falls_below_a_level(corpus):
    """Noise, then a passage of the corpus as it is."""

    def then_copies(prompt, sample_rate, n_samples, rng):
        y = 0.1 * rng.standard_normal((1, n_samples)) * (1 + np.sin(np.arange(n_samples) / 700))
        y[:, 4 * RATE :] = corpus.signal[:, 2 * RATE : 2 * RATE + n_samples - 4 * RATE]
        return y

    stop = first_stop(then_copies, {"novelty_below": 0.3}, 9, corpus)
    assert 4.5 < stop < 6.5
    assert first_stop(then_copies, {"novelty_below": 0.0}, 9, corpus) == 9
    region = {"region": [1.0]}
    assert first_stop(region, {"novelty_below": 0.3}, 6, corpus) < 3


def test_mistakes_in_rules_are_named(corpus):
    with pytest.raises(ConfigError, match="until"):
        mnb.Score([{"generator": rest, "until": {"novelty_below": "low"}}])
    with pytest.raises(ParameterError, match="from 0 to 1"):
        first_stop(rest, {"novelty_below": 3}, 1, corpus)
    with pytest.raises(ParameterError, match="needs a corpus"):
        first_stop(rest, {"novelty_below": 0.3}, 1)
