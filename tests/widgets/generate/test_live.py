"""Live play without a browser: a file of so many seconds, and the panel's controls."""

import numpy as np
import pytest

import mimikit_nb as mnb
from mimikit_nb.audio.files import load
from mimikit_nb.errors import ConfigError, ParameterError, PromptError
from mimikit_nb.widgets.generate import live
from mimikit_nb.widgets.generate.live_app import LiveView


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of a few steps, and its corpus."""
    folder = tmp_path_factory.mktemp("live")
    corpus = mnb.demo_corpus()
    settings = {"hidden_dim": 16, "max_steps": 2, "batch_size": 2, "chunk_steps": 256}
    run = mnb.train(corpus, "sample_rnn/tiny", folder / "run", **settings, device="cpu")
    return run.folder, corpus


def open_live(trained, tmp_path, **options) -> LiveView:
    given = {"prompt_seconds": 0.3, "out": tmp_path / "live", "headless": True, **options}
    return live(*trained, **given)


def test_a_headless_run_writes_so_many_seconds(trained, tmp_path, capsys):
    view = open_live(trained, tmp_path, prompt=[1.0, 2.0], seconds=0.5, temperature=0.7, seed=3)
    assert view.widget is None
    path = view.run()
    assert str(path) in capsys.readouterr().out
    assert load(path, None).shape == (1, round(0.5 * trained[1].sample_rate))
    recall = mnb.read_recall(path)
    assert [voice["seed"] for voice in recall["voices"]] == [3, 4]
    assert recall["changes"][0]["temperature"] == 0.7
    assert recall["changes"][0]["gain_db"] == -3.0  # two are about as loud as one
    again = open_live(trained, tmp_path, prompt=[1.0, 2.0], seconds=0.5, temperature=0.7, seed=3)
    np.testing.assert_array_equal(load(again.run(), None), load(path, None))
    assert [p.name for p in (path, again.kept[0])] == ["live_001.wav", "live_002.wav"]


def test_controls_are_set_from_the_panel(trained, tmp_path):
    view = open_live(trained, tmp_path, n=2, headless=False)
    panel, play = view.panel, view.play
    panel.settings.children["temperature"].text.value = "0.25"
    assert view.value.temperature == 0.25
    panel.settings.children["temperature"].text.value = "hot"
    assert view.value.temperature == 0.25
    assert "temperature" in panel.settings.problems()
    panel.buttons["Freeze"].click()
    assert play.is_frozen and panel.buttons["Freeze"].description == "Release"
    panel.buttons["Freeze"].click()
    assert not play.is_frozen
    panel.buttons["Keep the last"].click()
    assert "Nothing was heard yet" in panel.message.value
    next(play)
    panel.buttons["Re-prompt from here"].click()
    assert panel.reader.wait(60)
    assert panel.reader.error is None
    next(play)
    next(play)
    _, recall = play.kept(1.0)
    assert [change["did"] for change in recall["changes"] if "did" in change] == ["re-prompt"]


def test_bad_input_is_refused_in_words(trained, tmp_path):
    with pytest.raises(ConfigError, match="temperature"):
        open_live(trained, tmp_path, temperature=5.0)
    with pytest.raises(PromptError, match="outside the corpus"):
        open_live(trained, tmp_path, prompt=1e6)
    with pytest.raises(ParameterError, match="above 0"):
        open_live(trained, tmp_path, seconds=0.0)
