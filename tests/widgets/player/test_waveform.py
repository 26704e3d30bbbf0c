"""The player's Python half: traits, answers to the browser, and the picture of a headless run."""

import io
import json

import numpy as np
import pytest
import soundfile
from IPython.display import Image
from matplotlib.image import imread

from mimikit_nb.errors import AudioError, ParameterError
from mimikit_nb.widgets.player import waveform
from mimikit_nb.widgets.player.waveform import player, server_url
from tests.widgets.page import send

SR = 22050


@pytest.fixture
def y(tone):
    return np.stack([np.tile(tone, 3), 0.1 * np.tile(tone, 3)])


@pytest.fixture
def live(y):
    """A player with a view, as in a notebook."""
    return player(y, SR, points=[(1, "kick")], segments=[(0.5, 1.5, "a")], headless=False)


@pytest.fixture
def sent(live, monkeypatch):
    """Messages that the view sent to the browser."""
    messages = []
    monkeypatch.setattr(live.widget, "send", lambda *args: messages.append(args))
    return messages


def from_browser(live, **state):
    """What happens in Python when the browser changes something."""
    live.widget.set_state(state)


def ask(live, sent, what, **arguments):
    send(live.widget, {"ask": what, "with": arguments, "id": "1"})
    content, buffers = sent[-1]
    assert (content["type"], content["id"]) == ("answer", "1")
    return content, buffers


def test_marks_dragged_in_the_browser_are_here(live):
    seen = []
    live.observe(lambda change: seen.append(change["new"]), names="segments")
    from_browser(
        live, segments=[{**live.segments[0], "start": 0.75}], selection=[1.0, 2.0], time=0.5
    )
    assert live.segments[0]["start"] == 0.75
    assert live.segments[0]["label"] == "a"
    assert live.selection == (1.0, 2.0)
    assert live.time == 0.5
    assert len(seen) == 1
    from_browser(live, selection=None, points=[])
    assert live.selection is None
    assert live.points == []


def test_marks_set_here_reach_the_browser(live):
    live.segments = [(1, 2, "new"), (0, 1)]
    live.selection = (0.5, 1)
    live.time = 2.5
    state = live.widget.get_state()
    assert [s["label"] for s in state["segments"]] == ["", "new"]
    assert state["selection"] == [0.5, 1.0]
    assert state["time"] == 2.5
    live.selection = None
    assert live.widget.get_state()["selection"] is None


def test_bad_marks_are_refused(live):
    with pytest.raises(ParameterError, match="lasts 3 s"):
        live.points = [4]
    with pytest.raises(ParameterError, match="selection"):
        live.selection = (1, 2, 3)
    assert [p["time"] for p in live.points] == [1.0]


def test_the_saved_state_holds_no_sound_no_peaks_and_no_bundle(live):
    state = live.widget.get_state()
    assert not any(isinstance(value, bytes | memoryview) for value in state.values())
    assert len(json.dumps(state, default=str)) < 10_000


def test_state_of_an_hour_stays_small():
    hour = np.zeros((2, 3600 * 8000), np.float32)
    state = player(hour, 8000, headless=False).widget.get_state()
    assert len(json.dumps(state, default=str)) < 10_000


def test_the_browser_gets_what_it_asks_for(live, sent, y):
    _, (bundle,) = ask(live, sent, "bundle")
    assert b"peaks" in bundle
    _, (peaks,) = ask(live, sent, "waveform", samples_per_bin=8)
    assert len(peaks) == 24 + 4 * -(-y.shape[1] // 8)
    content, (levels,) = ask(live, sent, "meter")
    assert content["step"] * len(levels) / 2 == pytest.approx(3, abs=0.1)
    content, (image,) = ask(live, sent, "spectrogram", start=0, stop=1, columns=20)
    assert len(image) == 20 * content["rows"]
    content, (audio,) = ask(live, sent, "audio", as_is=True)
    assert content["mime"] == "audio/flac"
    assert soundfile.info(io.BytesIO(audio)).frames == y.shape[1]


def test_an_error_is_answered_in_words(sent, live, tmp_path, y):
    path = tmp_path / "gone.wav"
    soundfile.write(path, y.T, SR)
    lost = player(path, headless=False)
    lost.widget.send = lambda *args: sent.append(args)
    path.unlink()
    content, buffers = ask(lost, sent, "audio")
    assert "gone.wav" in content["error"]
    assert buffers == []


def test_play_and_pause(live, sent):
    live.play(1.0, 2.0)
    assert sent[-1] == ({"type": "play", "start": 1.0, "stop": 2.0},)
    from_browser(live, playing=True)
    assert live.playing
    live.pause()
    assert live.widget.get_state()["playing"] is False


def test_headless_is_a_picture_with_the_same_marks(y):
    shown = player(y, SR, points=[1], segments=[(1, 2)], spectrogram=True, headless=True)
    bare = player(y, SR, headless=True)
    assert isinstance(shown.widget, Image)
    picture = imread(io.BytesIO(shown.picture()))
    assert picture.shape[1] == 960
    labels = [text.get_text() for axis in shown.figure().axes for text in axis.texts]
    shown.points = [(1, "$kick_1$")]
    assert "$kick_1$" in [t.get_text() for axis in shown.figure().axes for t in axis.texts]
    assert "$kick_1$" not in labels
    assert bare.picture() != shown.picture()
    shown.time = 1.0
    assert shown.value == {"points": shown.points, "segments": shown.segments, "selection": None}


def test_names_close_to_each_other_take_rows_in_the_picture(y):
    shown = player(y, SR, segments=[(0, 0.1, "first"), (0.1, 1, "second")], headless=True)
    heights = [t.xy[1] for axis in shown.figure().axes for t in axis.texts]
    apart = player(y, SR, segments=[(0, 1, "first"), (2, 3, "second")], headless=True)
    assert len(set(heights)) == 2
    assert len({t.xy[1] for axis in apart.figure().axes for t in axis.texts}) == 1


def test_a_clipped_sound_is_called_so(y):
    title = player(4 * y, SR, title="too loud", headless=True).figure().get_suptitle()
    assert title.startswith("too loud")
    assert "CLIPS" in title


def test_bad_audio_is_named(tmp_path):
    with pytest.raises(AudioError, match="missing"):
        player(tmp_path / "missing.wav")
    with pytest.raises(ParameterError, match="sample rate"):
        player(np.zeros(100))


@pytest.fixture
def server(tmp_path, monkeypatch):
    root = tmp_path / "served"
    root.mkdir()
    record = {"root_dir": str(root), "base_url": "/user/me/"}
    monkeypatch.setattr(waveform, "_server_record", lambda: record)
    return root


def test_files_that_the_server_serves_have_an_address(server, tmp_path):
    assert server_url(server / "a b" / "c#.wav") == "/user/me/files/a%20b/c%23.wav"
    assert server_url(tmp_path / "elsewhere.wav") == ""
    assert server_url(server / ".hidden" / "c.wav") == ""


def test_colab_serves_no_files(server, monkeypatch):
    monkeypatch.setenv("COLAB_RELEASE_TAG", "test")
    assert server_url(server / "a.wav") == ""


def test_without_a_server_there_is_no_address(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    assert server_url(tmp_path / "a.wav") == ""
