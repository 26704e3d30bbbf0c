"""Generating without a browser: what is chosen, made, gone on with, and saved."""

import threading
import time

import numpy as np
import pytest

import mimikit_nb as mnb
from mimikit_nb.errors import CheckpointError, ConfigError, ParameterError
from mimikit_nb.widgets.generate import generate
from mimikit_nb.widgets.generate import panel as generate_panel
from mimikit_nb.widgets.generate.app import GenerateView
from tests.spectra import magnitude_io

SOON = 120


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs of a few steps on one corpus, on magnitudes: they remember nothing of it."""
    folder = tmp_path_factory.mktemp("runs")
    corpus = mnb.demo_corpus()
    settings = {"io": magnitude_io(corpus.sample_rate, 512, 128), "residual_channels": 16}
    settings |= {"max_steps": 2, "checkpoint_every_steps": 1}
    for name in ("a", "b"):
        mnb.train(corpus, "freqnet/tiny", folder / "nested" / name, **settings, device="cpu")
    return folder


def open_view(runs, tmp_path, **options) -> GenerateView:
    given = {"seconds": 0.4, "prompt_seconds": 0.3, "out": tmp_path / "made", **options}
    return generate(runs, **{"headless": True, **given})


def test_a_headless_run_saves_what_the_parameters_say(runs, tmp_path, capsys):
    view = open_view(runs, tmp_path, prompts=[2.0, 4.0], variations=2, seed=5, temperature=0.8)
    paths = view.run()
    assert view.widget is None
    assert len(paths) == 4 and capsys.readouterr().out.split() == list(map(str, paths))
    recalls = [mnb.read_recall(path) for path in paths]
    assert [r["prompt"]["position_seconds"] for r in recalls] == [2.0, 2.0, 4.0, 4.0]
    assert [r["seed"] for r in recalls] == [5, 6, 7, 8]
    assert {r["controls"]["temperature"] for r in recalls} == {0.8}
    one = mnb.extend(paths[1], 0.2)
    assert one.seconds == pytest.approx(0.3 + 0.4 + 0.2, abs=0.03)


def test_runs_are_found_wherever_they_lie_and_the_newest_comes_first(runs, tmp_path):
    view = open_view(runs, tmp_path)
    assert list(view.runs) == ["nested/b", "nested/a"]
    assert view.checkpoint.step == 2 and len(view.positions) == 3
    view.choose("nested/a", 1)
    assert view.checkpoint.path.parts[-4:-1] == ("nested", "a", "checkpoints")
    assert view.checkpoint.step == 1
    with pytest.raises(CheckpointError, match="no run with a checkpoint"):
        generate(tmp_path / "empty", headless=True)


def test_one_of_a_batch_goes_on_as_if_it_had_not_stopped(runs, tmp_path):
    view = open_view(runs, tmp_path, prompts=[2.0, 4.0])
    view.make()
    view.save()
    before = [made.audio for made in view.value]
    view.extend(1, 0.3)
    assert sorted(view.saved) == [0]
    whole = mnb.generate(view.checkpoint, None, [2.0, 4.0], 0.3, 0.7)
    np.testing.assert_allclose(view.value[1].audio[0], whole.audio[1], atol=1e-5)
    np.testing.assert_array_equal(view.value[0].audio, before[0])
    assert view.save(1)[0].name == "sound_003.wav"


def test_a_file_and_a_setting_out_of_range(runs, tmp_path):
    with pytest.raises(ConfigError, match="variations"):
        open_view(runs, tmp_path, variations=0)
    view = open_view(runs, tmp_path, prompts=[1.0], variations=8)
    for _ in range(3):
        view.make()
    with pytest.raises(ParameterError, match="Clear"):
        view.make()


def test_the_panel_follows_and_says_what_is_wrong(runs, tmp_path):
    view = open_view(runs, tmp_path, prompts=[1.0], headless=False, foreground=True)
    assert view.widget is not None
    panel = view.panel
    panel.player.points = [*panel.player.points, {"time": 3.0, "kind": "prompt"}]
    assert view.positions == [1.0, 3.0]
    assert [s["stop"] for s in panel.player.segments] == pytest.approx([1.3, 3.3])
    panel.settings.children["prompt_seconds"].text.value = "0.5"
    assert [s["stop"] for s in panel.player.segments] == pytest.approx([1.5, 3.5])
    panel.buttons["Generate"].click()
    assert view.job.wait(SOON)
    assert len(view.value) == len(panel.sounds.children) / 2 == 2
    view.positions = [1e6]
    panel.buttons["Generate"].click()
    assert view.job.wait(SOON)
    assert "outside the corpus" in panel.message.value
    panel.buttons["Clear"].click()
    assert panel.sounds.children == ()


def test_two_that_refresh_at_once_show_every_sound_once(runs, tmp_path, monkeypatch):
    view = open_view(runs, tmp_path, prompts=[1.0], headless=False, foreground=True)
    panel, both = view.widget and view.panel, threading.Barrier(2)
    view.make()
    make_player = generate_panel.player

    def slowly(*args, **options):
        time.sleep(0.2)
        return make_player(*args, **options)

    monkeypatch.setattr(generate_panel, "player", slowly)
    threads = [threading.Thread(target=lambda: (both.wait(), panel.refresh())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(panel.cards) == len(panel.sounds.children) / 2 == 1


def test_a_sound_that_is_extended_while_it_is_saved_can_be_saved_again(runs, tmp_path):
    view = open_view(runs, tmp_path, prompts=[1.0])
    view.make()
    short = view.value[0]
    save = short.save

    def extended_meanwhile(folder):
        view.extend(0, 0.3)
        return save(folder)

    object.__setattr__(short, "save", extended_meanwhile)
    (first,) = view.save()
    assert view.saved == {}
    (second,) = view.save()
    assert first != second and view.saved == {0: second}


@pytest.fixture(scope="module")
def latent_run(tmp_path_factory):
    """A run of a few steps whose network remembers the recording."""
    folder = tmp_path_factory.mktemp("latent")
    settings = {"hidden_dim": 16, "max_steps": 2, "batch_size": 2, "chunk_steps": 8}
    corpus = mnb.demo_corpus()
    return mnb.train(corpus, "latent_rnn/tiny", folder / "run", **settings, device="cpu").folder


def test_what_a_network_reads_is_set_from_its_own_numbers_on(latent_run, tmp_path):
    view = open_view(latent_run, tmp_path, prompts=[2.0], seconds=1.0)
    own = view.checkpoint.io.own_controls
    assert (view.settings.recorded, view.settings.follow) == (own["recorded"], own["follow"])
    view = open_view(latent_run, tmp_path, prompts=[2.0], seconds=1.0, recorded=1.0, follow=60)
    view.make()
    recall = view.value[0].recall[0]
    assert recall["controls"]["recorded"] == 1.0 and 0 <= recall["replay"]["share"] <= 1
    (path,) = view.save()
    assert mnb.read_recall(path)["replay"] == recall["replay"]
    view.extend(0, 0.5)
    longer = view.value[0].recall[0]
    assert longer["controls"] == recall["controls"] and "replay" in longer
    whole = mnb.generate(latent_run, None, [2.0], 0.3, 1.5, recorded=1.0, follow=60.0)
    np.testing.assert_allclose(view.value[0].audio, whole.audio, atol=1e-5)


def test_the_panel_shows_only_controls_that_the_network_reads(latent_run, runs, tmp_path):
    view = open_view(latent_run, tmp_path, headless=False, foreground=True, seconds=0.6)
    panel = view.widget and view.panel
    recorded = panel.settings.children["recorded"]
    assert recorded.label == "New … Recorded"
    assert float(recorded.text.value) == view.checkpoint.io.own_controls["recorded"]
    recorded.text.value = "0.2"
    assert view.settings.recorded == 0.2
    panel.buttons["Generate"].click()
    assert view.job.wait(SOON)
    assert "of the recording" in panel.sounds.children[1].children[-1].value
    assert panel.cards[0][1].facts["recorded"] == 0.2
    view.runs["b"] = next(iter(open_view(runs, tmp_path).runs.values()))
    panel.run.options = list(view.runs)
    panel.run.value = "b"
    assert recorded.widget.layout.display == "none" and view.settings.recorded is None
    with pytest.raises(ParameterError, match="leave follow out"):
        open_view(runs, tmp_path, follow=1.0)
