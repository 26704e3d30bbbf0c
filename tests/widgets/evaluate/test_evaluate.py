"""The evaluation view, without a browser: traits are set, Python state is read."""

import html
import re
import shutil

import pandas as pd
import pytest

import mimikit_nb as mnb
from mimikit_nb.audio.write import write
from mimikit_nb.checkpoint import Run
from mimikit_nb.evaluation.detectors import REMEDIES
from mimikit_nb.widgets.evaluate import chosen_sound as audition
from mimikit_nb.widgets.evaluate import evaluate
from mimikit_nb.widgets.evaluate import model as evaluation
from mimikit_nb.widgets.evaluate.checkpoint_actions import TYPED
from mimikit_nb.widgets.evaluate.prompt_picker import MARKED, PromptPicker
from mimikit_nb.widgets.evaluate.scatter import position
from mimikit_nb.widgets.evaluate.score_pictures import neighbours_picture
from tests.recipes.test_evaluating import trained
from tests.widgets.page import press, sent_to_page

__all__ = ["trained"]


@pytest.fixture
def app(trained, tmp_path):
    corpus, run = trained
    made = evaluate(*(run, corpus), n=2, seconds=2.0, out=tmp_path, headless=False, foreground=True)
    assert made.widget is not None
    return made


@pytest.fixture
def panel(app):
    app.panel.buttons["Start"].click()
    assert app.job.error is None, app.job.details
    return app.panel


def test_a_press_on_start_fills_the_grid(app, panel):
    assert app.state == "finished" and len(app.value) == 4
    assert set(panel.grid.buttons) == set(app.value.path)
    assert "4 sounds" in panel.status.value and panel.curves.value[:4] == b"\x89PNG"


def test_a_sound_gets_stars_and_is_kept_with_a_contact_sheet(app, panel):
    path = app.value.path[1]
    panel.grid.buttons[path].click()
    assert panel.chosen == path and panel.audition.sound.children
    told = [f"{flag}: {REMEDIES[flag]}" for flag in app.value["flags"][1].split()] or ["no flags"]
    assert all(html.escape(words) in panel.audition.title.value for words in told)
    panel.audition.stars.value = 4
    panel.audition.note.value = "this one"
    assert app.notes.stars(path) == 4 and "★4" in panel.grid.buttons[path].description
    panel.keeping["Keep starred"].click()
    files = {file.suffix: file for file in app.kept.iterdir()}
    assert set(files) == {".wav", ".csv", ".html"}
    assert pd.read_csv(files[".csv"]).note[0] == "this one"
    page = files[".html"].read_text(encoding="utf-8")
    assert "data:audio/mpeg;base64" in page and "://" not in page  # base64 may spell "http"
    assert all(found.startswith("data:") for found in re.findall(r'src="([^"]*)', page))


def test_a_press_on_another_sound_does_not_move_stars(app, panel):
    first, second = app.value.path[:2]
    panel.pick(first)
    panel.audition.stars.value = 3
    panel.pick(second)
    assert (
        panel.audition.stars.value == 0
        and app.notes.stars(first) == 3
        and app.notes.stars(second) == 0
    )


def test_sorting_and_filters_change_the_grid(app, panel):
    panel.pick(app.value.path[2])
    panel.audition.stars.value = 2
    panel.least_stars.value = 1
    assert list(panel.grid.buttons) == [app.value.path[2]]
    panel.least_stars.value = 0
    panel.sort.value = "training step"
    assert panel.table().step.is_monotonic_increasing
    panel.flag.value = "none"
    assert set(panel.grid.buttons) == set(app.value.path[app.value["flags"] == ""])


def test_a_click_on_a_point_picks_its_sound(app, panel):
    row = app.value.dropna(subset=["novelty", "fidelity"]).iloc[0]
    panel.scatter.click(*position(row.novelty, row.fidelity))
    chosen = app.value[app.value.path == panel.chosen].iloc[0]
    assert (chosen.novelty, chosen.fidelity) == (row.novelty, row.fidelity)
    before = panel.chosen
    panel.scatter.click(1, 1)
    assert panel.chosen == before


def test_blind_pairs_hide_names_and_count_votes(app, panel):
    panel.is_blind.value = True
    assert panel.open_part.layout.display == "none" and len(panel.blind.sounds.children) == 2
    known = [sent_to_page(view, "_info") for view in panel.blind.sounds.children]
    assert [info["title"] for info in known] == ["A", "B"]
    assert "step" not in str(known)
    by_path = app.value.set_index("path").checkpoint
    better, worse = (by_path[path] for path in panel.blind.pair)
    press(panel.blind.widget, "A is better")
    assert app.notes.votes == [(better, worse)]
    panel.blind.reveal()
    assert better in panel.blind.result.value and "1 of 1" in panel.blind.result.value
    panel.is_blind.value = False
    assert panel.open_part.layout.display == ""


def test_weights_rank_anew(app, panel):
    panel.weights["novelty"].value = 0.0
    assert app.value.rank_score.is_monotonic_decreasing
    unflagged = app.value[app.value["flags"] == ""]
    assert unflagged.fidelity.is_monotonic_decreasing
    panel.weights["fidelity"].value = 0.0
    assert "All weights are 0" in panel.message.value


def test_the_best_of_those_shown_are_kept_and_near_copies_hidden(app, panel):
    app.table["alike"] = [0, 0, 2, 3]
    panel.how_many.value = 2
    panel.keeping["Keep the best"].click()
    kept = pd.read_csv(app.kept / "kept.csv")
    assert list(kept.path) == [app.value.path[0], app.value.path[2]]
    panel.is_distinct.value = True
    assert len(panel.grid.buttons) == 3


def test_prompts_are_marked_on_the_waveform(app):
    picker = app.panel.prompts
    app.panel.prompts_fold.children[0].value = True
    spread = [point["time"] for point in picker.marks.points]
    assert len(spread) == 2 and picker.settings["prompts"] == "spread"
    picker.count.value = 3
    assert len(picker.marks.points) == 3
    picker.marks.points = [{"time": 2.5}, {"time": 0.25}]  # as the browser does
    assert picker.source.value == MARKED
    picker.count.value = 4
    assert picker.settings["prompts"] == [0.25, 2.5]
    picker.seconds.value, picker.minutes.value = 0.5, 5.0
    picker.temperatures.value = "0.5, 1"
    app.panel.buttons["Start"].click()
    assert app.state == "finished", app.panel.message.value
    assert set(app.value.prompt) == {0.25, 2.5} and set(app.value.temperature) == {0.5, 1.0}
    assert set(app.value.seconds) == {0.5} and app.settings["max_minutes"] == 5.0
    picker.temperatures.value = "warm"
    app.panel.buttons["Start"].click()
    assert "warm" in app.panel.message.value


def test_held_out_files_are_prompts_too(app, trained, tmp_path):
    corpus, _ = trained
    path = tmp_path / "voice.wav"
    write(path, corpus.signal[:, :44100].copy(), corpus.sample_rate)
    picker = app.panel.prompts
    picker.add([path])
    picker.files[str(path)].points = [{"time": 0.5}]
    picker.marks.points = []
    assert picker.settings["prompts"] == [f"{path}#t=0.500"]
    again = PromptPicker(
        {"prompts": picker.settings["prompts"]}, app.find_corpus, app.place_prompts, tmp_path
    )
    assert again.settings["prompts"] == picker.settings["prompts"]
    again.show()
    assert again.settings["prompts"] == picker.settings["prompts"]


def test_checkpoints_are_averaged_compared_and_exported(app, panel):
    actions = panel.checkpoints
    panel.actions_fold.children[0].value = True
    assert actions.names.options == ("step_00000003", "step_00000006")
    actions.buttons["Average"].click()
    assert "choose two or more" in panel.message.value
    actions.names.value = actions.names.options
    actions.shares.value = TYPED
    actions.typed.value = "0.3 0.7"
    actions.buttons["Average"].click()
    assert "average_3_6_001" in actions.result.value
    panel.buttons["Start"].click()
    assert set(app.value.checkpoint) == {*actions.names.options} and len(app.value) == 6
    actions.names.value = ["step_00000006", "average_3_6_001"]
    actions.buttons["Compare"].click()
    for said in ("step_00000006", "average_3_6_001", "distance", "fidelity", " to "):
        assert said in actions.result.value
    actions.names.value = ["average_3_6_001"]
    actions.buttons["Export"].click()
    folder = app.folder / "exported" / "average_3_6_001_001"
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "An average of" in card and "0.7" in card and "fidelity" in card


def test_nothing_is_pruned_unasked(trained, tmp_path):
    corpus, run = trained
    mine = shutil.copytree(run, tmp_path / "run")
    app = evaluate(mine, corpus, headless=False, foreground=True)
    assert app.widget is not None
    panel, actions = app.panel, app.panel.checkpoints
    panel.actions_fold.children[0].value = True
    actions.names.value = ["step_00000006"]
    actions.buttons["Prune"].click()
    assert "step_00000003" in actions.question.value and actions.asked.layout.display == ""
    actions.buttons["Keep all"].click()
    assert actions.asked.layout.display == "none" and list(Run(mine).checkpoints) == [3, 6]
    actions.buttons["Delete for good"].click()  # nothing was asked
    assert list(Run(mine).checkpoints) == [3, 6]
    actions.buttons["Prune"].click()
    actions.buttons["Delete for good"].click()
    assert list(Run(mine).checkpoints) == [6] and actions.names.options == ("step_00000006",)


def test_measures_are_read_beside_real_audio(panel):
    for said in ("meaning", "real_50%", "noise", "clicks_per_second", "frechet_log_mel"):
        assert said in panel.readings.value


def test_what_a_sound_follows_is_drawn(app, panel):
    panel.pick(app.value.path[0])
    assert panel.audition.trace.value[:4] == b"\x89PNG"
    assert neighbours_picture(app.value.path[0]) is not None
    assert neighbours_picture("nowhere.wav") is None


def test_a_sound_is_extended_in_a_copy(app, panel):
    path = app.value.path[0]
    size = len(open(path, "rb").read())
    panel.pick(path)
    panel.audition.actions["Extend by 10 s"].click()
    (longer,) = (app.folder / "extended").glob("*.wav")
    assert len(longer.read_bytes()) > 3 * size
    assert len(open(path, "rb").read()) == size
    assert str(longer) in panel.message.value


def test_an_extension_does_not_take_the_place_of_what_is_heard_by_then(app, panel, monkeypatch):
    first, second = app.value.path[:2]
    panel.pick(first)
    monkeypatch.setattr(audition, "extend_sound", lambda path, *_, **__: panel.pick(second) or path)
    panel.audition.actions["Extend by 10 s"].click()
    assert panel.audition.chosen == second
    assert panel.audition.player.title == app.value.checkpoint[1]
    assert f"Written: {first}" in panel.message.value


def test_sounds_that_come_while_ranks_are_made_stay(app, panel, monkeypatch):
    finished = app.value.iloc[:3].copy()
    ranked = evaluation.ranked

    def rank_slowly(table, *rest):
        if len(table) == 4:
            app.table = finished
        return ranked(table, *rest)

    monkeypatch.setattr(evaluation, "ranked", rank_slowly)
    app.weigh({"novelty": 0.0})
    assert len(app.value) == 3
    assert app.value.rank_score.is_monotonic_decreasing


def test_before_anything_was_heard_the_view_says_what_to_do(app):
    panel = app.panel
    assert app.state == "ready" and len(app.value) == 0
    panel.keeping["Keep starred"].click()
    assert "star" in panel.message.value
    panel.is_blind.value = True
    assert not panel.is_blind.value and "Start" in panel.message.value
    assert app.export_best("nowhere") is None


def test_an_error_is_said_in_the_view(trained, tmp_path):
    corpus, run = trained
    app = evaluate(*(run, corpus), batch_size=0, out=tmp_path, headless=False, foreground=True)
    assert app.widget is not None
    app.panel.buttons["Start"].click()
    assert (
        app.state == "failed"
        and "batch_size must be a whole number from 1" in app.panel.message.value
    )


def test_headless_makes_no_widget_and_keeps_the_best(trained, tmp_path, capsys):
    corpus, run = trained
    settings = {"n": 2, "seconds": 1.0, "keep_best": 1, "out": tmp_path}
    app = evaluate(run, corpus, **settings, headless=True)
    app.run()
    assert app.widget is None and len(app.value) == 4
    assert len(list(app.kept.glob("*.wav"))) == 1 and (app.kept / "contact_sheet.html").exists()
    assert str(app.kept) in capsys.readouterr().out
    folder = app.export_best(tmp_path / "chosen")
    assert mnb.load_checkpoint(folder).step in (3, 6)
    assert "fidelity" in (folder / "README.md").read_text(encoding="utf-8")
