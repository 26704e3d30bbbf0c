"""Prompts: from a corpus, a file, an array."""

import numpy as np
import pytest

from mimikit_nb.audio.write import write
from mimikit_nb.errors import PromptError
from mimikit_nb.generation.prompts import (
    prompt_from_array,
    prompt_from_corpus,
    prompt_from_file,
    spread_positions,
    stack_prompts,
)


def test_a_prompt_is_cut_where_asked(tiny_corpus):
    prompt = prompt_from_corpus(tiny_corpus, 1.5, 0.5)
    start = round(1.5 * tiny_corpus.sample_rate)
    np.testing.assert_array_equal(prompt.audio, tiny_corpus.signal[:, start : start + 11025])
    assert prompt.source["position_seconds"] == 1.5


@pytest.mark.parametrize("position", [-0.1, 5.8, 100.0])
def test_a_prompt_outside_the_corpus_is_refused_with_the_range(tiny_corpus, position):
    with pytest.raises(PromptError, match=r"0 to 5\.50 s"):
        prompt_from_corpus(tiny_corpus, position, 0.5)


def test_spread_positions_never_cross_a_border_of_files(tiny_corpus):
    positions = spread_positions(tiny_corpus, 9, 1.0)
    assert positions == sorted(positions)
    for position in positions:
        start = round(position * tiny_corpus.sample_rate)
        stop = start + tiny_corpus.sample_rate
        assert any(f.start <= start and stop <= f.stop for f in tiny_corpus.files)


def test_prompts_longer_than_every_file_are_refused(tiny_corpus):
    with pytest.raises(PromptError, match="No file of the corpus"):
        spread_positions(tiny_corpus, 1, 4.0)


def test_files_and_arrays_of_any_rate_are_resampled(tmp_path, tone):
    write(tmp_path / "a.wav", tone, 22050)
    from_file = prompt_from_file(tmp_path / "a.wav", 11025, 0.5)
    from_array = prompt_from_array(tone, 22050, 11025)
    assert from_file.audio.shape == (1, 5512)
    assert from_array.audio.shape == (1, 11025)
    assert abs(from_array.audio).max() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("bad", [np.zeros(0), np.full(10, np.nan), np.zeros((1, 2, 3))])
def test_arrays_that_are_no_sound_are_refused(bad):
    with pytest.raises(PromptError, match="must be"):
        prompt_from_array(bad, 8000, 8000)


def test_channels_are_matched(tone):
    mono, stereo = (
        prompt_from_array(tone, 8000, 8000),
        prompt_from_array(np.stack([tone, -tone / 2]), 8000, 8000),
    )
    assert stack_prompts([mono, stereo], 2).shape == (2, 2, len(tone))
    np.testing.assert_allclose(stack_prompts([stereo], 1)[0, 0], tone / 4, atol=1e-7)
