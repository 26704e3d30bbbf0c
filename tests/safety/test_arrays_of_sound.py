"""Arrays handed in as sound: integers at their scale, everything else that isn't sound refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import mimikit_nb as mnb
from mimikit_nb.audio.arrays import LOUDEST, as_sound
from mimikit_nb.audio.files import Resampler, load
from mimikit_nb.audio.meters import measure
from mimikit_nb.audio.write import write
from mimikit_nb.errors import MimikitError, ParameterError, PromptError
from mimikit_nb.generation.prompts import prompt_from_array
from mimikit_nb.recipes.generating import _read_prompts
from mimikit_nb.units import check_rate
from mimikit_nb.widgets.player.sound import open_sound

SR = 22050
INTEGERS = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]
NO_RATES = [0, -1, float("nan"), float("inf"), None, "44100", True, 44100.5, 2**70, [44100], 1j]


def as_integers(y, dtype):
    """A sound as files of integers store it."""
    bits = 8 * np.dtype(dtype).itemsize
    zero = 2.0 ** (bits - 1) if np.dtype(dtype).kind == "u" else 0.0
    return (np.float64(y) * (2.0 ** (bits - 1) * 0.999) + zero).astype(dtype)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_are_scaled_by_their_type(tone, dtype):
    sound = as_sound(as_integers(tone, dtype))
    assert (sound.dtype, sound.shape) == (np.float32, (1, len(tone)))
    np.testing.assert_allclose(sound[0], tone, atol=0.01)


def test_the_bounds_of_integers_are_full_scale():
    assert as_sound(np.array([-32768, 0, 32767], np.int16))[0, :2].tolist() == [-1, 0]
    assert as_sound(np.array([0, 128, 255], np.uint8))[0].tolist() == [-1, 0, 127 / 128]


def test_floats_are_taken_as_they_are_without_a_copy(tone):
    assert np.shares_memory(as_sound(tone), tone)
    assert as_sound(tone.astype(np.float64)).tolist() == [tone.tolist()]
    np.testing.assert_array_equal(as_sound(np.stack([8 * tone, tone])), np.stack([8 * tone, tone]))


REFUSED = {
    "int16 as floats": (np.array([0.0, 12000.0, -3000.0]), "divided by 32768"),
    "just too loud": (np.array([0.0, LOUDEST * 1.01]), "full scale is 1"),
    "int16 as int64": (np.array([0, 12000, -3000]), "astype"),
    "NaN": (np.array([0.0, np.nan, 0.5]), "NaN"),
    "infinite": (np.array([0.0, -np.inf, 0.5]), "NaN"),
    "booleans": (np.array([True, False]), "bool"),
    "complex": (np.array([1j, 0.5]), "complex"),
    "objects": (np.array([None, "a"], object), "object"),
    "texts": (np.array(["0.1", "0.2"]), "<U3"),
    "ragged": ([[0.1, 0.2], [0.1]], "can't be made an array"),
    "transposed": (np.zeros((SR, 2)), "transpose"),
    "transposed, quadrophonic": (np.zeros((10, 4)), "transpose"),
    "a batch": (np.zeros((3, 2, 100)), r"y\[0\]"),
    "empty": (np.zeros(0), "at least one sample"),
    "a number": (np.float32(0.5), "shape"),
    "None": (None, "NoneType"),
    "as scipy reads it": ((SR, np.zeros(SR)), "pair"),
    "with its rate": ((np.zeros(SR), SR), "pair"),
    "bytes": (b"RIFF", "bytes"),
    "dates": (np.array(["2020-01-01"], "M8[D]"), "datetime"),
    "records": (np.zeros(4, [("left", "f4"), ("right", "f4")]), "real numbers"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_sound_is_refused_in_words(what):
    y, words = REFUSED[what]
    with pytest.raises(ParameterError, match=words):
        as_sound(y)


ARRAYS = npst.arrays(
    st.one_of(npst.scalar_dtypes()), npst.array_shapes(min_dims=0, max_dims=3, min_side=0)
)


@given(ARRAYS)
def test_any_array_is_sound_or_our_error(y):
    try:
        sound = as_sound(y)
    except ParameterError:
        return
    assert sound.dtype == np.float32
    assert sound.ndim == 2
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() <= LOUDEST


# -- where they are handed in -------------------------------------------------------------------


def test_an_integer_prompt_is_as_loud_as_its_file(tone):
    prompt = prompt_from_array(as_integers(tone, np.int16), SR, SR)
    assert np.abs(prompt.audio).max() == pytest.approx(0.5, abs=0.01)


class _Checkpoint:
    class io:
        sample_rate = SR


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ((SR, np.zeros(SR, np.float32)), "wrong order"),
        ([(SR, np.zeros(SR, np.float32))], "wrong order"),
        ([], "empty"),
        ((), "empty"),
        ((np.zeros(SR), None), "rate is None"),
        ((np.zeros(SR), "44100"), "rate is '44100'"),
    ],
)
def test_a_prompt_that_is_none_is_named(prompt, words):
    with pytest.raises(MimikitError, match=words):
        _read_prompts(_Checkpoint, None, prompt, 1.0, 1)


@pytest.mark.parametrize("rate", [44100, 44100.0, np.int64(44100), np.float32(44100)])
def test_whole_numbers_of_any_type_are_rates(tone, rate):
    assert prompt_from_array(tone, rate, SR).audio.shape == (1, SR // 2)


@pytest.mark.parametrize("rate", NO_RATES, ids=repr)
def test_what_is_no_rate_is_refused_with_its_range(tone, tiny_corpus, rate, tmp_path):
    for call in (
        lambda: check_rate(rate),
        lambda: prompt_from_array(tone, rate, SR),
        lambda: Resampler(rate, SR, 1),
        lambda: Resampler(SR, rate, 1),
        lambda: mnb.segment(tone, rate),
        lambda: mnb.cluster(tone, rate),
        lambda: mnb.player(tone, rate),
        lambda: mnb.score(tone, rate, tiny_corpus),
        lambda: mnb.check(tmp_path, sample_rate=rate),
        lambda: write(tmp_path / "a.wav", tone, rate),
    ):
        with pytest.raises(ParameterError):
            call()
    assert not (tmp_path / "a.wav").exists()


@pytest.mark.parametrize("rate", [1, 999, 384_001])
def test_rates_that_nobody_works_at_are_refused(tone, rate):
    with pytest.raises(ParameterError, match="from 1000 to 384000 Hz"):
        prompt_from_array(tone, rate, SR)


def test_integers_are_segmented_like_floats(music):
    found, same = (mnb.segment(y, SR) for y in (music, as_integers(music, np.int16)))
    assert len(found) > 3
    assert same.segments == found.segments


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.uint8])
def test_integers_are_shown_measured_and_written_at_their_scale(tone, tmp_path, dtype):
    y = as_integers(tone, dtype)
    shown = open_sound(y, SR)
    assert shown.peak_dbfs == pytest.approx(-6, abs=0.2)
    assert np.abs(shown.read(0, SR)).max() == pytest.approx(0.5, abs=0.01)
    assert measure(y, SR).peak == pytest.approx(0.5, abs=0.01)
    np.testing.assert_allclose(load(write(tmp_path / "a.wav", y, SR))[0], tone, atol=0.01)


def test_faded_cuts_of_integers_keep_their_level(music, tmp_path):
    found = mnb.segment(as_integers(music, np.int16), SR, level=2.0)
    paths = found.export(tmp_path, "wav", fade_seconds=0.01)
    loudest = max(np.abs(load(path)).max() for path in paths)
    assert loudest == pytest.approx(np.abs(music).max(), rel=0.02)


def test_broken_sound_can_be_judged_but_unscaled_sound_not(music, tiny_corpus):
    broken = music.copy()
    broken[100] = np.nan
    assert "nonfinite" in mnb.score(broken, SR, tiny_corpus).flags
    with pytest.raises(ParameterError, match="32768"):
        mnb.score(music * 32768, SR, tiny_corpus)


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.uint8])
def test_a_function_may_return_integers(dtype):
    def low_tone(prompt, sample_rate, n_samples, rng):
        t = np.arange(n_samples) / sample_rate
        return as_integers(0.5 * np.sin(2 * np.pi * 100 * t), dtype)

    piece = mnb.ensemble([{"generator": low_tone, "seconds": 0.5}], sample_rate=SR)
    assert np.abs(piece.audio).max() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda n: np.full(n, 3000.0), "32768"),
        (lambda n: np.full(n, np.nan), "NaN"),
        (lambda n: np.zeros((n, 2)), "transpose"),
        (lambda n: np.zeros(n - 1), "must return"),
        (lambda n: None, "NoneType"),
    ],
)
def test_a_function_that_returns_no_sound_is_named(made, words):
    def mine(prompt, sample_rate, n_samples, rng):
        return made(n_samples)

    with pytest.raises(ParameterError, match=f"function mine.*{words}"):
        mnb.ensemble([mine], seconds=0.5, sample_rate=SR)


def test_prompts_say_that_they_are_no_sound():
    with pytest.raises(PromptError, match="transpose"):
        prompt_from_array(np.zeros((SR, 2)), SR, SR)
