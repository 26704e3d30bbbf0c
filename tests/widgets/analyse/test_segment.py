"""The segmentation view without a browser: what buttons do, what headless runs leave."""

import threading
from pathlib import Path

import numpy as np
import pytest

import mimikit_nb as mnb
from mimikit_nb.errors import ParameterError
from mimikit_nb.widgets.analyse import segment
from mimikit_nb.widgets.kept import KEPT
from mimikit_nb.widgets.player.passages import Turns
from tests.analysis.sounds import SR, place
from tests.widgets.page import drop, send

ONSETS = [0.2, 0.71, 1.3, 1.62, 2.4, 3.05]


@pytest.fixture(autouse=True)
def _fresh():
    KEPT.clear()


@pytest.fixture(scope="module")
def hits() -> np.ndarray:
    return place(list(zip(ONSETS, ["noise", "low", "high"] * 2, strict=True)), 3.6)


@pytest.fixture
def app(hits, tmp_path):
    made = segment(hits, SR, out=tmp_path / "out", headless=False)
    made.run()
    made.session.wait()
    made.panel.refresh()
    return made


def press(app, name: str) -> None:
    app.panel.edits[name].click()


def test_a_headless_view_finds_what_the_function_finds(hits, tmp_path):
    app = segment(hits, SR, out=tmp_path, headless=True)
    assert app.widget is None
    assert app.run().png().startswith(b"\x89PNG")
    assert app.value.segments == mnb.segment(hits, SR).segments
    assert "6 segments" in app.novelty_picture().title
    assert app.table()["label"].tolist() == list("123456")


def test_the_player_shows_the_segments(app):
    shown = [(s["start"], s["stop"]) for s in app.panel.player.segments]
    assert shown == app.value.segments
    assert "6 events" in app.panel.status.value and "finished" in app.panel.status.value


def test_the_threshold_picks_anew_and_a_drag_is_one_change(app, monkeypatch):
    slow = 60.0  # however slow the machine is
    monkeypatch.setattr("mimikit_nb.widgets.analyse.session.DRAG_SECONDS", slow)
    salience = np.sort(app.value.candidates.salience)
    for level in salience[-4:-1]:
        app.panel.curve.threshold = float(level)
    assert len(app.value) == len(app.panel.player.segments) == 2
    press(app, "Undo")
    assert len(app.value) == 6 == len(app.panel.player.segments)
    press(app, "Redo")
    assert len(app.value) == 2


def test_what_is_dragged_in_the_browser_is_edited_and_can_be_undone(app):
    marks = [dict(mark) for mark in app.panel.player.segments]
    marks[0]["start"] += 0.05
    marks[1]["label"] = "kick"
    app.panel.player.segments = marks
    assert app.value.segments[0][0] == pytest.approx(ONSETS[0] + 0.05, abs=0.01)
    assert app.value.labels[1] == "kick"
    assert "not exported" in app.panel.status.value
    press(app, "Undo")
    assert app.panel.player.segments[0]["start"] == pytest.approx(ONSETS[0], abs=0.01)


def test_split_and_merge(app):
    app.panel.player.time = ONSETS[1] + 0.1
    press(app, "Split")
    assert len(app.value) == 7
    press(app, "Merge")  # the one at the playhead and the next
    assert len(app.value) == 6
    app.panel.player.selection = (0.25, 1.4)
    press(app, "Merge")
    assert len(app.value) == 4 and app.panel.player.selection is None
    app.panel.player.time = 0.05
    press(app, "Split")
    assert "no segment" in app.panel.status.value and len(app.value) == 4


def test_edits_survive_running_the_cell_again(app, hits):
    app.panel.player.time = ONSETS[1] + 0.1
    press(app, "Split")
    again = segment(hits.copy(), SR, out=app.out, headless=False)
    again.run()
    assert len(again.value) == len(again.panel.player.segments) == 7
    press(again, "Undo")
    assert len(again.value) == 6


def test_keys_in_the_player_and_buttons_undo_the_same(app):
    app.panel.player.time = ONSETS[1] + 0.1
    press(app, "Split")
    assert app.panel.player.widget.history == {"undo": True, "redo": False}
    send(app.panel.player.widget, {"do": "undo"})
    assert len(app.value) == 6 and not app.panel.redo.disabled
    press(app, "Redo")
    assert len(app.value) == 7 and app.panel.player.widget.history["undo"]


def test_an_analysis_begins_a_new_history(app):
    app.panel.player.time = ONSETS[1] + 0.1
    press(app, "Split")
    press(app, "Undo")
    app.panel.about.value = 3
    app.panel.analyse.click()
    app.session.job.wait()
    app.panel.refresh()
    assert len(app.value) == 3
    assert app.panel.undo.disabled and app.panel.redo.disabled
    send(app.panel.player.widget, {"do": "redo"})
    assert len(app.value) == 3


def opened_another_day(app, hits):
    KEPT.clear()
    again = segment(hits, SR, out=app.out, headless=False)
    again.run()
    again.session.job.wait()
    again.panel.refresh()
    return again


def test_edits_are_there_when_the_kernel_begins_anew(app, hits):
    app.panel.player.time = ONSETS[1] + 0.1
    press(app, "Split")
    again = opened_another_day(app, hits)
    assert again.value.segments == app.value.segments and len(again.value) == 7
    assert str(again.edits) in again.panel.status.value
    press(again, "Undo")
    assert len(opened_another_day(again, hits).value) == 6


def test_edits_that_an_analysis_replaces_can_be_imported(app, hits):
    app.panel.player.time = ONSETS[1] + 0.1
    press(app, "Split")
    app.panel.analyse.click()
    (before,) = app.edits.parent.glob("*_before.json")
    assert str(before) in app.panel.status.value
    app.session.job.wait()
    assert len(opened_another_day(app, hits).value) == 6
    app.panel.label_file.value = str(before)
    app.panel.read.click()
    assert len(app.value) == 7


def test_an_import_says_what_it_did_and_the_curve_counts_what_the_list_holds(app, tmp_path):
    (tmp_path / "two.txt").write_text("0.5\t1.0\ta\n1.5\t2.0\tb\n")
    app.panel.label_file.value = str(tmp_path / "two.txt")
    app.panel.read.click()
    assert "2 segments from two.txt in the place of 6" in app.panel.status.value
    assert app.panel.curve.by_hand == len(app.value) == 2
    press(app, "Undo")
    assert app.panel.curve.by_hand == -1 and "two.txt" not in app.panel.status.value


def test_other_settings_analyse_anew_unless_there_are_edits(app, hits):
    other = segment(hits, SR, level="sections", n_segments=2, out=app.out, headless=False)
    other.run()
    assert len(other.value) == 2 and other.value.level == "sections"


def test_export_writes_into_a_new_folder_and_import_reads_back(app):
    app.panel.exports.formats.value = ("audacity", "wav")
    app.panel.exports.export.click()
    folder = app.out / "export_001"
    assert len(list((folder / "segments").glob("*.wav"))) == 6
    assert str(folder) in app.panel.exports.paths.value
    assert not app.session.is_edited
    text = (folder / "segments.txt").read_text().splitlines()
    (folder / "edited.txt").write_text("\n".join(text[:3]) + "\n")
    app.panel.label_file.value = str(folder / "edited.txt")
    app.panel.read.click()
    assert len(app.value) == 3 == len(app.panel.player.segments)
    app.panel.label_file.value = str(folder / "nothing.txt")
    app.panel.read.click()
    assert "be read" in app.panel.status.value and len(app.value) == 3
    app.panel.exports.export.click()
    assert (app.out / "export_002").is_dir()


def test_cue_points_come_back_by_path_and_by_drop(app):
    app.panel.exports.formats.value = ("cue",)
    app.panel.exports.export.click()
    (path,) = (app.out / "export_001").glob("*.wav")
    was = app.value.segments
    app.panel.player.time = ONSETS[1] + 0.1
    press(app, "Merge")
    assert len(app.value) == 5
    app.panel.label_file.value = str(path)
    app.panel.read.click()
    assert app.value.segments == was
    drop(app.panel.drop, path)
    assert app.value.segments == was and app.session.history.can_undo
    app.panel.label_file.value = ""
    app.panel.read.click()
    assert "path" in app.panel.status.value


def test_levels_stand_above_each_other_and_a_part_can_be_chosen(app):
    strip = app.panel.levels
    assert strip.names[-1] == "events" and strip.counts[-1] == 6
    assert strip.names[0] == "sections" and strip.counts[0] == len(app.value.at_level("sections"))
    assert strip.names[strip.current] == "events"
    edges = np.frombuffer(strip.edges, np.float32).reshape(-1, 2)
    np.testing.assert_allclose(edges[-6:], app.value.segments, atol=1e-5)
    app.panel.player.time = ONSETS[1] + 0.1
    press(app, "Merge")
    assert strip.counts[strip.current] == 5
    send(strip, {"type": "choose", "row": 0, "index": 0})
    assert app.panel.player.selection == app.value.at_level("sections").segments[0]
    press(app, "Merge")  # all events of the section
    assert len(app.value) < 5
    assert app.levels_picture().png().startswith(b"\x89PNG")
    assert f"{len(app.value)} events" in app.levels_picture().title


def test_the_curve_of_a_passage_is_finer_than_that_of_the_whole(app):
    sent = []
    app.panel.curve.send = lambda content, buffers: sent.append((content, buffers))
    send(app.panel.curve, {"ask": "curve", "start": 0.6, "stop": 0.9})
    ((content, (buffer,)),) = sent
    fine = np.frombuffer(buffer, np.float32)
    whole = np.frombuffer(app.panel.curve.curve, np.float32)
    assert content == {"start": 0.6, "stop": 0.9} and len(fine) == len(whole)
    peak = 0.6 + 0.3 * (fine.argmax() + 0.5) / len(fine)
    assert peak == pytest.approx(ONSETS[1], abs=0.03)
    assert fine.max() == pytest.approx(whole[200:300].max(), rel=0.05)


def test_a_track_is_written_to_the_corpus(tiny_corpus, tmp_path):
    app = segment(tiny_corpus, out=tmp_path / "out", headless=False)
    app.run()
    n = len(app.value)
    app.panel.refresh()
    app.panel.exports.write.click()
    assert len(mnb.read_track(mnb.open_corpus(tiny_corpus.path), "segments")) == n
    app.panel.edits["Merge"].click()  # the first two
    app.panel.exports.write.click()
    assert "overwrite" in app.panel.status.value
    app.panel.exports.replace.value = True
    app.panel.exports.write.click()
    assert "overwrite" not in app.panel.status.value


def test_stop_ends_the_analysis_and_says_so(hits, tmp_path):
    app = segment(np.tile(hits, 60), SR, out=tmp_path, headless=False)
    app.run()
    app.panel.stop.click()
    with pytest.raises(ParameterError, match="stopped"):
        app.session.wait()
    app.panel.refresh()
    assert "stopped" in app.panel.status.value and not app.panel.analyse.disabled
    app.panel.analyse.click()
    assert len(app.value) > 100


def test_what_is_played_in_turn():
    class Fake:
        loop = True
        played: list[tuple[float, float]] = []  # noqa: RUF012

        def play(self, start: float, stop: float) -> None:
            self.played.append((start, stop))

        def pause(self) -> None:
            pass

    fake = Fake()
    Turns(lambda: fake).play([(0.0, 0.01), (0.5, 0.52)], gap_seconds=0.0)
    (thread,) = (t for t in threading.enumerate() if t.name == "turns")
    thread.join(60)
    assert fake.played == [(0.0, 0.01), (0.5, pytest.approx(0.52))] and fake.loop is False


def test_a_wrong_level_is_refused_at_once(hits):
    with pytest.raises(ParameterError, match="level"):
        segment(hits, SR, level="bars")


def test_files_are_taken_from_where_they_lie(hits, tmp_path):
    from mimikit_nb.audio.write import write

    write(tmp_path / "hits.wav", hits, SR)
    app = segment(tmp_path / "hits.wav", out=tmp_path / "out", headless=True)
    assert len(app.value) == 6
    assert Path(app.sound) == tmp_path / "hits.wav"
