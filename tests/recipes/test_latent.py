"""Networks on latent frames from end to end: trained, resumed, extended, averaged, exported."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import mimikit_nb as mnb
from mimikit_nb.audio.write import write
from mimikit_nb.errors import CheckpointError, ConfigError, ParameterError
from mimikit_nb.evaluation.reading import MEASURES
from mimikit_nb.generation.ensemble.studio import own_controls
from mimikit_nb.recipes.previews import Previewer
from mimikit_nb.recipes.replaying import HELD_OUT
from mimikit_nb.training import resume
from tests.recipes.test_recipes import train

RATE = 22050


@pytest.fixture(scope="module")
def corpus(_built_corpus):
    return mnb.open_corpus(_built_corpus)


@pytest.fixture(scope="module")
def run(corpus, tmp_path_factory):
    return train(corpus, "latent_rnn", tmp_path_factory.mktemp("latent") / "run")


def test_one_file_holds_the_feature_and_the_units(run, corpus, tmp_path):
    ck = mnb.load_checkpoint(run)
    assert ck.io.features["signal"].is_learned
    assert len(ck.network().heads["signal"].memory) > 100
    expected = mnb.generate(ck, corpus, seconds=0.3, seed=1)
    folder = mnb.export(ck, tmp_path / "exported")
    shared = mnb.load_checkpoint(folder)
    assert shared.hash == ck.hash
    prompt = (expected.audio[0][:, : round(expected.prompt_end_seconds * RATE)], RATE)
    alone = mnb.generate(shared, prompt=prompt, seconds=0.3, seed=1)
    assert np.isfinite(alone.audio).all() and alone.continuation.std() > 0


def test_a_resumed_run_has_the_losses_of_an_uninterrupted_one(run, corpus, tmp_path):
    train(corpus, "latent_rnn", tmp_path / "run", max_steps=3)
    mnb.resume(tmp_path / "run", 6, corpus=corpus, device="cpu")
    a, b = mnb.load_checkpoint(run), mnb.load_checkpoint(tmp_path / "run")
    assert a.hash == b.hash
    for name, value in a.tensors("network").items():
        assert torch.equal(value, b.tensors("network")[name]), name


@pytest.mark.parametrize("controls", [{}, {"recorded": 0.0}, {"recorded": 1.0, "follow": 0.1}])
def test_extended_sound_is_what_it_would_have_been(run, corpus, controls):
    whole = mnb.generate(run.folder, corpus, seconds=0.6, seed=3, **controls)
    part = mnb.generate(run.folder, corpus, seconds=0.25, seed=3, **controls)
    extended = mnb.extend(part, 0.35)
    n = min(whole.audio.shape[-1], extended.audio.shape[-1])
    np.testing.assert_array_equal(extended.audio[..., :n], whole.audio[..., :n])


def test_sounds_are_what_they_would_be_alone(run, corpus):
    both = mnb.generate(run.folder, corpus, prompt=[0.5, 2.0], seconds=0.5, seed=[3, 9])
    alone = mnb.generate(run.folder, corpus, prompt=2.0, seconds=0.5, seed=9)
    np.testing.assert_array_equal(both.audio[1], alone.audio[0])


def test_two_networks_that_know_the_same_sound_can_be_averaged(run, corpus, tmp_path):
    ck = mnb.load_checkpoint(run)
    other = train(corpus, "latent_rnn", tmp_path / "run", learning_rate=1e-3)
    average = mnb.average_checkpoints([ck, mnb.load_checkpoint(other)])
    assert np.isfinite(mnb.generate(average, corpus, seconds=0.1).audio).all()


def test_a_feature_can_be_kept_but_units_of_other_sound_are_not_averaged(run, corpus, tmp_path):
    ck = mnb.load_checkpoint(run)
    other = mnb.load_checkpoint(
        train(corpus, "latent_rnn", tmp_path / "run", io=ck.io, seed=5, held_out=0.2)
    )
    first, second = (c.io.features["signal"].tensors["unit_map"] for c in (ck, other))
    assert torch.equal(first, second)
    with pytest.raises(CheckpointError, match="remember different sound"):
        mnb.average_checkpoints([ck, other])


def test_a_run_that_goes_on_with_other_sound_remembers_that(corpus, tmp_path, music):
    train(corpus, "latent_rnn", tmp_path / "run", max_steps=3)
    write(tmp_path / "b.wav", music[::-1].copy(), RATE)
    other = mnb.build_corpus(tmp_path / "b.wav", tmp_path / "b.h5", sample_rate=RATE)
    resume(tmp_path / "run", other, 6, other_corpus=True, device="cpu")
    before, after = (
        mnb.load_checkpoint(tmp_path / "run", step=step).network().heads["signal"].memory.units
        for step in (3, 6)
    )
    assert before.shape != after.shape or not torch.allclose(before, after)


def test_a_corpus_of_another_rate_is_refused_in_words(corpus, tmp_path):
    io = mnb.plan("latent_rnn", 16000).io
    with pytest.raises(ConfigError, match="build the corpus with sample_rate=16000"):
        mnb.train(corpus, "latent_rnn", tmp_path / "run", io=io, max_steps=1, device="cpu")


def test_steps_of_a_run_can_be_averaged_and_runs_on_other_sound_not(run, corpus, tmp_path):
    first, last = mnb.load_checkpoint(run, step=3), mnb.load_checkpoint(run, step=6)
    average = mnb.average_checkpoints([first, last])
    made = mnb.generate(average, corpus, seconds=0.2)
    assert np.isfinite(made.audio).all()
    mnb.export(average, tmp_path / "average")
    assert mnb.load_checkpoint(tmp_path / "average").hash == average.hash
    other = train(corpus, "latent_rnn", tmp_path / "other", held_out=0.3)
    with pytest.raises(CheckpointError, match="learned from different sound"):
        mnb.average_checkpoints([last, mnb.load_checkpoint(other)])


def test_a_checkpoint_without_its_feature_is_refused(run, tmp_path):
    from safetensors import safe_open
    from safetensors.torch import save_file

    path = max(run.checkpoints.items())[1]
    with safe_open(path, "pt") as file:
        kept = {n: file.get_tensor(n) for n in file.keys() if not n.startswith("features/")}
        save_file(kept, tmp_path / "cut.safetensors", file.metadata())
    with pytest.raises(CheckpointError, match="learned features"):
        mnb.generate(tmp_path / "cut.safetensors", seconds=0.1)


def test_what_is_recorded_is_tabulated_beside_held_out_sound(run, corpus):
    made = mnb.generate(run.folder, corpus, seconds=1.0, recorded=1.0, follow=100.0)
    table = mnb.replayed({"all recorded": made}, run.folder).set_index("sound")
    assert list(table.index) == ["all recorded", HELD_OUT]
    assert (0 <= table.recorded_share).all() and (table.recorded_share <= 1).all()
    again = mnb.replayed(made, mnb.load_checkpoint(run), corpus)
    assert again.recorded_share[0] == table.recorded_share.iloc[0]


def test_only_networks_on_latent_frames_tell_what_is_recorded(run, corpus, tmp_path):
    made = mnb.generate(run.folder, corpus, seconds=0.1)
    wavenet = train(corpus, "wavenet", tmp_path / "wavenet")
    with pytest.raises(ParameterError, match="reads mu_law"):
        mnb.replayed(made, wavenet.folder, corpus)


def test_previews_say_how_much_is_recorded(run, corpus, tmp_path):
    previewer = Previewer(corpus, tmp_path, seconds=0.5)
    network = mnb.load_checkpoint(run).network()
    first, second = (previewer(network, step)[0] for step in (1, 2))
    assert first.replay == second.replay and 0 <= first.replay.share <= 1


def test_stereo_is_two_streams_with_common_randomness(tmp_path, music):
    write(tmp_path / "a.wav", np.stack([music, -0.4 * music]), RATE)
    corpus = mnb.build_corpus(tmp_path / "a.wav", tmp_path / "stereo.h5", sample_rate=RATE)
    run = train(corpus, "latent_rnn", tmp_path / "run")
    made = mnb.generate(run.folder, corpus, seconds=0.3)
    assert made.audio.shape[1] == 2 and np.isfinite(made.audio).all()


def test_turns_of_a_score_say_how_far_the_recording_is_followed(run, corpus):
    turn = {"generator": str(run.folder), "seconds": 0.3, "recorded": 1.0, "follow": [0.1, 0.2]}
    score = [turn, {**turn, "recorded": 0.0}]
    mix = mnb.ensemble(score, corpus, seconds=0.6, seed=2)
    assert [t.parameters["recorded"] for t in mix.turns] == [1.0, 0.0]
    assert 0.1 <= mix.turns[0].parameters["follow"] <= 0.2
    assert mnb.Score(score).to_list()[0]["follow"] == [0.1, 0.2]
    plain = mnb.ensemble([{**turn, "recorded": 0.0}] * 2, corpus, seconds=0.6, seed=2)
    assert not np.array_equal(plain.audio, mix.audio)


def test_an_event_names_controls_in_their_range_and_for_those_that_read_them(run, corpus):
    with pytest.raises(ConfigError, match="recorded = 2"):
        mnb.Score([{"generator": str(run.folder), "recorded": 2.0}])
    assert own_controls(str(run.folder)) == {"recorded", "follow"}
    average = {"average": [str(run.folder), {"checkpoint": str(run.folder), "step": 3}]}
    assert own_controls(average) == {"recorded", "follow"}
    assert not own_controls("silence") | own_controls({"region": [0, 1]}) | own_controls("no/run")


def test_an_evaluation_tells_how_much_is_recorded(run, corpus, tmp_path):
    given = {"n": 1, "seconds": 1.0, "prompt_seconds": 0.3, "steps": [3, 6], "out": tmp_path}
    table = mnb.evaluate(run.folder, corpus, **given)
    assert table.recorded_share.between(0, 1).all() and (table.longest_run_seconds >= 0).all()
    assert {"recorded_share", "longest_run_seconds"} <= set(MEASURES)
    again = mnb.evaluate(run.folder, corpus, **given)
    assert list(again.recorded_share) == list(table.recorded_share)
