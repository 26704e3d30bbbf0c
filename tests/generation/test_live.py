"""Voices that are steered while they sound."""

import numpy as np
import pytest

from mimikit_nb.errors import ParameterError
from mimikit_nb.features.waveform import MuLawConfig
from mimikit_nb.generation.controls import Controls
from mimikit_nb.generation.live import (
    LivePlay,
    LiveSettings,
    Tail,
)
from mimikit_nb.generation.sound import SoundStream
from mimikit_nb.io.variable import IOSpec, VariableConfig
from mimikit_nb.networks.sampler_transformer import SamplerTransformerConfig
from mimikit_nb.recipes.playing import keep
from tests.contracts.catalog import make_network as make_latent_network
from tests.generation.test_stream import RATE, make_network, make_prompt, make_stream

BLOCK = 400


def make_play(n: int = 2, n_channels: int = 1, **settings) -> LivePlay:
    network = make_network("samples")
    prompts = [make_prompt(seed=s) for s in range(n)]

    def make(temperature, top_p, **controls):
        controls = Controls(temperature, 0, top_p, **controls)
        return SoundStream.from_prompts(network, prompts, n_channels, list(range(n)), controls)

    return LivePlay(make, LiveSettings(**settings))


def take(play: LivePlay, n_blocks: int) -> np.ndarray:
    return np.concatenate([next(play) for _ in range(n_blocks)], -1)


def make_transformer():
    io = IOSpec(sample_rate=RATE, variables={"signal": VariableConfig(feature=MuLawConfig())})
    tiny = {"frame_sizes": (8, 4, 4), "windows": (3,), "hidden_dim": 16, "n_heads": 2}
    return SamplerTransformerConfig(**tiny).build(io)


@pytest.mark.parametrize("name", ["samples", "frames", "attention"])
def test_behind_another_prompt_a_stream_goes_on_as_one_made_for_it(name):
    network = make_transformer() if name == "attention" else make_network(name)
    other = [make_prompt(0.3, seed=s) for s in (5, 6)]
    stream = make_stream(network)
    stream.take(1000)
    stream.reseed([1, 2])
    stream.restart(stream.read(np.stack([p.audio for p in other])))
    again = stream.take(2000)
    np.testing.assert_array_equal(again, make_stream(network, other).take(2000))


def test_untouched_voices_are_the_streams_that_they_would_be_alone():
    mix = take(make_play(), 10)
    network = make_network("samples")
    alone = make_stream(network, [make_prompt(seed=s) for s in range(2)], seeds=(0, 1)).take(4000)
    np.testing.assert_allclose(mix, alone.sum(0), atol=1e-6)


def make_recorded_play(io: str, **settings) -> LivePlay:
    network = make_latent_network("latent_rnn-0", io)
    prompts = [make_prompt()]

    def make(temperature, top_p, **controls):
        given = Controls(temperature, 0, top_p, **controls)
        return SoundStream.from_prompts(network, prompts, 1, [0], given)

    return LivePlay(make, LiveSettings(temperature=0.9, **settings))


def test_networks_that_play_their_recording_have_more_settings():
    unread = make_recorded_play("flow").settings
    assert (unread.recorded, unread.follow) == (None, None)
    units = make_recorded_play("units").settings
    assert units.recorded is None and units.follow > 0
    play = make_recorded_play("flow_units")
    assert play.settings == LiveSettings(temperature=0.9).with_own(
        make_latent_network("latent_rnn-0", "flow_units").io.own_controls
    )
    assert make_recorded_play("units", follow=1.0).settings.follow == 1.0
    with pytest.raises(ParameterError, match="leave recorded out"):
        make_recorded_play("units", recorded=1.0)
    own = take(play, 4)
    play = make_recorded_play("flow_units")
    play.settings = play.settings.replace(recorded=0.0)
    new = take(play, 4)
    assert not np.array_equal(new, own)
    changes = play.kept(1.0)[1]["changes"]
    assert {"recorded": 0.0, "follow": play.settings.follow}.items() <= changes[0].items()
    play = make_recorded_play("flow")
    take(play, 1)
    assert "recorded" not in play.kept(1.0)[1]["changes"][0]


def test_temperature_and_top_p_act_from_the_next_block_on():
    play, other = make_play(), make_play()
    assert np.array_equal(take(play, 3), take(other, 3))
    play.settings = LiveSettings(temperature=0.0)
    assert not np.array_equal(take(play, 3), take(other, 3))
    narrow = make_play(top_p=1e-4)  # of one class only
    likeliest = make_play(temperature=0.0)
    np.testing.assert_array_equal(take(narrow, 3), take(likeliest, 3))


def test_levels_and_gain_move_without_a_step_and_mute_silences_one():
    play, other = make_play(n=1), make_play(n=1)
    loud = take(other, 4)
    play.voices[0].level = 0.5
    play.settings = LiveSettings(gain_db=-6.0206)
    mix = take(play, 2)
    factor = mix / loud[:, : 2 * BLOCK]
    assert np.nanmax(np.abs(np.diff(factor))) < 0.01
    np.testing.assert_allclose(mix[:, BLOCK:], loud[:, BLOCK : 2 * BLOCK] / 4, atol=1e-4)
    play.voices[0].is_muted = True
    assert not take(play, 2)[:, BLOCK:].any()


def test_a_frozen_moment_goes_round_and_what_comes_after_is_not_lost():
    play, other = make_play(), make_play()
    take(play, 20)
    play.is_frozen = True
    play.settings = LiveSettings(freeze_seconds=0.1)
    frozen = take(play, 10)
    round_ = round(0.1 * RATE)
    np.testing.assert_allclose(
        frozen[:, 2 * round_ : 3 * round_], frozen[:, 3 * round_ : 4 * round_]
    )
    assert np.abs(np.diff(frozen)).max() < 1.5 * np.abs(np.diff(take(other, 20))).max()
    play.settings = LiveSettings(freeze_seconds=0.2)
    assert take(play, 4).shape == (1, 4 * BLOCK)
    play.is_frozen = False
    after, expected = take(play, 5), take(other, 5)
    fade = round(0.02 * RATE)
    np.testing.assert_array_equal(after[:, fade:], expected[:, fade:])


def test_re_prompting_begins_from_what_was_just_played():
    play = make_play()
    take(play, 10)
    heard = play._played.last(play._first.shape[-1])
    play.reprompt()
    after = take(play, 10)
    network = make_network("samples")
    fresh = make_stream(network, seeds=(0, 1))
    fresh.take(10 * BLOCK + round(0.02 * RATE))  # the same random numbers were drawn before
    fresh.restart(fresh.read(heard))
    fade = round(0.02 * RATE)
    np.testing.assert_allclose(after[:, fade:], fresh.take(10 * BLOCK).sum(0)[:, fade:], atol=1e-6)


def test_the_same_seed_from_the_prompts_plays_the_same_again():
    play = make_play(seed=3)
    take(play, 10)
    parts = []
    for _ in range(2):
        play.from_prompts()
        play.settings = LiveSettings(seed=4)
        take(play, 1)
        play.from_prompts()
        play.settings = LiveSettings(seed=3)
        parts.append(take(play, 10)[:, round(0.02 * RATE) :])
    np.testing.assert_array_equal(*parts)


def test_what_is_kept_is_what_was_heard_and_says_how_it_came_about(tmp_path):
    play = make_play(n_channels=2)
    play.recall[0]["prompt"] = {"kind": "corpus", "position_seconds": 1.0}
    with pytest.raises(ParameterError, match="Nothing was heard"):
        play.kept(1.0)
    mix = take(play, 10)
    play.settings = LiveSettings(temperature=0.5)
    mix = np.concatenate([mix, take(play, 10)], -1)
    audio, recall = play.kept(0.5, n_unheard=100)
    np.testing.assert_array_equal(audio, mix[:, -100 - RATE // 2 : -100])
    assert recall["to_sample"] - recall["from_sample"] == RATE // 2
    assert recall["voices"][0]["prompt"]["position_seconds"] == 1.0
    assert recall["changes"][0]["temperature"] == 1.0
    assert recall["changes"][1] == {"sample": 10 * BLOCK, "temperature": 0.5}
    first, second = keep(play, tmp_path, 0.5), keep(play, tmp_path, 60.0)
    assert (first.name, second.name) == ("live_001.wav", "live_002.wav")
    with pytest.raises(ParameterError, match="last 60 s"):
        play.kept(61.0)


def test_a_tail_holds_the_last_samples_only():
    tail = Tail((1,), 5)
    tail.append(np.arange(3.0)[None])
    assert tail.last(10).tolist() == [[0, 1, 2]]
    tail.append(np.arange(3.0, 12.0)[None])
    assert tail.last(10).tolist() == [[7, 8, 9, 10, 11]]
    assert tail.last(2).tolist() == [[10, 11]]
