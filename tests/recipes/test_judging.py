"""Judging generated sounds by numbers."""

import numpy as np
import pytest

from mimikit_nb.errors import ParameterError
from mimikit_nb.generation.output import Generated
from mimikit_nb.recipes.judging import EXCERPT, NOISE, SILENCE, judge


@pytest.fixture
def made(tiny_corpus):
    """The corpus itself behind a silent prompt, and noise behind the same."""
    y = np.array(tiny_corpus.signal[None, :, :66150])
    y = np.concatenate([y, np.random.default_rng(0).normal(0, 0.1, y.shape)]).astype(np.float32)
    y[..., :22050] = 0
    return Generated(y, tiny_corpus.sample_rate, 1.0, [{}, {}])


def test_music_of_the_corpus_is_nearer_than_noise_and_silence(made, tiny_corpus):
    table = judge(made, tiny_corpus).set_index("sound")
    assert list(table.index) == ["generated 1", "generated 2", EXCERPT, NOISE, SILENCE]
    near, far = table.distance_db["generated 1"], table.distance_db[["generated 2", NOISE, SILENCE]]
    assert near < far.min() / 2 and table.distance_db[EXCERPT] < far.min() / 2
    assert table["flags"]["generated 1"] == "" and "noise" in table["flags"]["generated 2"]
    assert table["flags"][SILENCE] == "silent" and table.peak_dbfs[SILENCE] == -np.inf
    assert table.seconds["generated 1"] == 2.0  # the prompt isn't judged


def test_several_networks_are_named(made, tiny_corpus):
    one = Generated(made.audio[:1], made.sample_rate, 1.0, [{}])
    table = judge({"a": one, "b": made}, tiny_corpus)
    assert list(table.sound)[:3] == ["a", "b 1", "b 2"]


def test_the_same_seed_gives_the_same_table(made, tiny_corpus):
    assert judge(made, tiny_corpus, seed=1).equals(judge(made, tiny_corpus, seed=1))


def test_what_cannot_be_compared_is_refused(made, tiny_corpus):
    with pytest.raises(ParameterError, match="8000 Hz"):
        judge(Generated(made.audio, 8000, 1.0, made.recall), tiny_corpus)
    with pytest.raises(ParameterError, match="no sounds"):
        judge({}, tiny_corpus)
