"""Nothing of a recording is lost on its way into a corpus or a prompt without a word."""

import numpy as np
import pytest

import mimikit_nb as mnb
from mimikit_nb.audio.channels import ChannelMeter, keep_channels
from mimikit_nb.audio.write import write
from mimikit_nb.corpus import add_files, build_corpus, open_corpus
from mimikit_nb.errors import CorpusError, ParameterError, PromptError
from mimikit_nb.generation.prompts import prompt_from_array, stack_prompts

RATE = 22050

# -- channels that cancel each other ---------------------------------------------------------------


@pytest.fixture
def inverted(tmp_path, music):
    """Stereo recording whose right side is its left one with the opposite sign."""
    return write(tmp_path / "takes" / "inverted.wav", np.stack([music, -music]), RATE, "FLOAT")


@pytest.fixture(autouse=True)
def _takes(tmp_path):
    (tmp_path / "takes").mkdir()


def test_sides_that_cancel_are_named_before_anything_is_built(inverted):
    (record,) = mnb.check(inverted).records
    assert record.is_accepted
    assert "nothing of it is left as mono" in record.warnings[0]
    assert "channels=2" in record.warnings[0] and "'left'" in record.warnings[0]
    (record,) = mnb.check(inverted, channels=1).records
    assert "silent as mono" in record.reason and "channels=2" in record.remedy


def test_a_mono_corpus_refuses_what_the_mix_makes_silent(inverted, tmp_path, tone):
    write(inverted.with_name("good.wav"), tone, RATE)
    corpus = build_corpus(inverted.parent, tmp_path / "c.h5", channels=1)
    (refused,) = corpus.report.refused
    assert refused.path == inverted and "silent as mono" in refused.reason
    assert corpus.n_samples == len(tone)
    with pytest.raises(CorpusError, match="silent as mono"):
        build_corpus(inverted, tmp_path / "d.h5", channels=1)


def test_a_stereo_corpus_keeps_both_sides(inverted, tmp_path, music):
    corpus = build_corpus(inverted, tmp_path / "c.h5")
    np.testing.assert_array_equal(corpus.signal, np.stack([music, -music]))
    assert "nothing of it is left as mono" in corpus.report.accepted[0].warnings[0]


@pytest.mark.parametrize(("side", "sign"), [("left", 1), ("right", -1)])
def test_one_side_may_be_kept(side, sign, inverted, tmp_path, music, tone):
    write(inverted.with_name("mono.wav"), tone, RATE, "FLOAT")
    corpus = build_corpus(inverted.parent, tmp_path / "c.h5", channels=side)
    np.testing.assert_array_equal(corpus.signal[0, : len(music)], sign * music)
    np.testing.assert_array_equal(corpus.signal[0, len(music) :], tone)  # mono stays
    assert f"only its {side} side is kept" in corpus.report.accepted[0].warnings
    assert open_corpus(corpus.path).parameters["channels"] == side
    other = {"left": "right", "right": "left"}[side]
    build_corpus(inverted.parent, corpus.path, channels=side, reuse=True)
    with pytest.raises(CorpusError, match=f"channels is '{side}', not '{other}'"):
        build_corpus(inverted.parent, corpus.path, channels=other, reuse=True)
    more = write(tmp_path / "more.wav", np.stack([music, -music])[:, 100:], RATE, "FLOAT")
    longer = add_files(corpus.path, more)
    np.testing.assert_array_equal(longer.signal[0, corpus.n_samples :], sign * music[100:])


def test_a_side_that_is_silent_is_refused(tmp_path, music):
    path = write(tmp_path / "takes" / "left.wav", np.stack([music, 0 * music]), RATE)
    assert mnb.check(path, channels="left").accepted
    (record,) = mnb.check(path, channels="right").refused
    assert record.reason == "its right side is silent"
    quiet = write(tmp_path / "takes" / "quiet.wav", np.stack([music, 0.01 * music]), RATE)
    (record,) = mnb.check(quiet, channels="right").accepted
    assert "its right side is 37 dB quieter than the mean" in record.warnings[0]


@pytest.mark.parametrize(
    ("right", "loss"),
    [
        ("the same", 0.0),
        ("another", 3.0),
        ("nothing", 3.0),
        ("inverted, at 45 % of the level", 10 * np.log10((1 + 0.45**2) / 2 / (0.55 / 2) ** 2)),
    ],
)
def test_real_stereo_is_no_cancellation(right, loss, tmp_path):
    left, noise = np.random.default_rng(0).normal(0, 0.1, (2, 5 * RATE)).astype(np.float32)
    sides = {"the same": left, "another": noise, "nothing": 0 * left}
    y = np.stack([left, sides.get(right, np.float32(-0.45) * left)])
    meter = ChannelMeter()
    for start in range(0, y.shape[1], 1000):
        meter.update(y[:, start : start + 1000])
    assert meter.loss_db == pytest.approx(loss, abs=0.1)
    path = write(tmp_path / "takes" / "a.wav", y, RATE)
    assert mnb.check(path, channels=1).records[0].warnings == ()


def test_much_that_is_lost_in_the_mix_is_said(tmp_path, music):
    path = write(tmp_path / "takes" / "a.wav", np.stack([music, -0.8 * music]), RATE)
    corpus = build_corpus(path, tmp_path / "c.h5", channels=1)
    assert "as mono it loses 19 dB" in corpus.report.accepted[0].warnings[0]
    four = write(tmp_path / "takes" / "b.wav", np.stack([music, -music] * 2), RATE)
    assert "silent as mono" in mnb.check(four, channels=2).records[0].reason


def test_an_offset_is_no_sound(tmp_path, music):
    y = np.stack([0.3 + music / 2, 0.3 - music / 2])
    path = write(tmp_path / "takes" / "a.wav", y, RATE, "FLOAT")
    assert "silent as mono" in mnb.check(path, channels=1).records[0].reason


@pytest.mark.parametrize("channels", [0, 65, "middle", 1.5])
def test_channels_that_there_are_not(channels, inverted, tmp_path):
    with pytest.raises(ParameterError, match="channels"):
        build_corpus(inverted, tmp_path / "c.h5", channels=channels)
    with pytest.raises(ParameterError, match="channels"):
        mnb.check(inverted, channels=channels)
    assert list(tmp_path.glob("*.h5")) == []


def test_a_prompt_whose_sides_cancel_is_refused_by_a_mono_network(music):
    prompt = prompt_from_array(np.stack([music, -music]), RATE, RATE)
    with pytest.raises(PromptError, match="nothing of it is left as mono"):
        stack_prompts([prompt], 1)
    np.testing.assert_array_equal(stack_prompts([prompt], 2)[0], prompt.audio)
    quieter = prompt_from_array(np.stack([music, -0.8 * music]), RATE, RATE)
    with pytest.warns(UserWarning, match="as mono it loses 19 dB"):
        stack_prompts([quieter], 1)


@pytest.mark.parametrize("take_in", [mnb.segment, mnb.cluster])
def test_an_analysis_says_that_the_mix_is_silent(take_in, inverted):
    with pytest.warns(UserWarning, match="nothing is left as mono"):
        take_in(inverted)


def test_one_side_of_mono_is_mono(music):
    mono, many = music[None], np.stack([music, 2 * music, 3 * music])
    assert keep_channels(mono, "right") is mono
    np.testing.assert_array_equal(keep_channels(many, "right"), many[1:2])
    assert keep_channels(many, None) is many
