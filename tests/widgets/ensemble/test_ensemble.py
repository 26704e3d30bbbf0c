"""The ensemble view without a browser: what buttons do, what headless runs leave."""

import numpy as np
import pytest
import soundfile

import mimikit_nb as mnb
from mimikit_nb.audio.demo import demo_music
from mimikit_nb.audio.write import write
from mimikit_nb.engine.stages import EagerExecutor
from mimikit_nb.errors import ParameterError
from mimikit_nb.generation.ensemble import checkpoints
from mimikit_nb.recipes.palette import look
from mimikit_nb.widgets.ensemble import ensemble, turn_form
from mimikit_nb.widgets.kept import KEPT
from tests.generation.ensemble.networks import make_run
from tests.widgets.page import send

RATE = 8000


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    KEPT.clear()
    monkeypatch.setattr(checkpoints, "compile_stages", lambda stages, _: EagerExecutor(stages))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("ensemble")
    write(made / "music.wav", demo_music(RATE, seconds=6.0), RATE)
    mnb.build_corpus(made / "music.wav", made / "runs" / "music.h5", sample_rate=RATE)
    make_run(made / "runs" / "tiny", "sample_rnn", RATE)
    make_run(made / "runs" / "deep" / "other", "wavenet", RATE)
    return made


@pytest.fixture
def app(folder, tmp_path):
    corpus = folder / "runs" / "music.h5"
    made = ensemble((), corpus, runs=folder / "runs", out=tmp_path / "out", headless=False)
    assert made.widget is not None
    return made


def add(app, generator: str, seconds: float) -> None:
    app.panel.turns.generator.value = generator
    app.panel.turns.seconds.value = seconds
    app.panel.turns.add.click()


def press(app, name: str) -> None:
    buttons = app.panel.work | app.panel.turns.buttons
    buttons[name].click()


def generate(app, name: str) -> np.ndarray:
    press(app, name)
    app.composer.job.wait(60)
    app.panel.refresh()
    assert app.composer.job.state == "finished", app.composer.message
    return app.value.audio


def ask(app, kind: str, **values) -> None:
    """What the timeline's page sends."""
    send(app.panel.turns.lanes, {"type": kind, **values})


def names(app) -> list[list[str]]:
    return [[turn["label"] for turn in row] for row in app.panel.turns.lanes.rows]


def test_networks_and_corpora_are_found_in_a_folder(folder, tmp_path):
    found = look(folder / "runs")
    assert set(found.networks) == {
        "tiny",
        "deep/other",
    }
    assert list(found.corpora) == ["music.h5"]
    with pytest.raises(ParameterError, match="no folder"):
        look(tmp_path / "nothing")


def test_turns_are_made_generated_and_only_what_changed_is_made_anew(app):
    add(app, "tiny", 0.3)
    add(app, "nearest neighbour", 0.4)
    add(app, "silence", 0.3)
    assert names(app) == [["runs/tiny", "nearest neighbour", "silence"]]
    assert not any(turn["done"] for turn in app.panel.turns.lanes.rows[0])
    y = generate(app, "Generate all")
    assert y.shape == (1, RATE) and all(t["done"] for t in app.panel.turns.lanes.rows[0])
    ask(app, "move", place=[0, 2], to=[0, 1])
    assert names(app) == [["runs/tiny", "silence", "nearest neighbour"]]
    assert [t["done"] for t in app.panel.turns.lanes.rows[0]] == [True, False, False]
    z = generate(app, "Only what changed")
    start = round(0.3 * RATE)
    assert z[:, :start].tobytes() == y[:, :start].tobytes() and not np.array_equal(y, z)
    assert "0.30 s kept" in app.panel.status.value
    np.testing.assert_array_equal(generate(app, "Generate all"), z)


def test_another_continuation_from_here(app):
    for _ in range(3):
        add(app, "tiny", 0.2)
    y = generate(app, "Generate all")
    ask(app, "choose", place=[0, 1])
    z = generate(app, "From here")
    n = round(0.2 * RATE)
    assert z[:, :n].tobytes() == y[:, :n].tobytes() and not np.array_equal(y[:, n:], z[:, n:])
    press(app, "Undo")
    np.testing.assert_array_equal(generate(app, "Only what changed"), y)


def test_two_prompts_are_two_variations(app):
    add(app, "tiny", 0.3)
    for seconds in (3.0, 1.0):
        app.panel.sources.player.time = seconds
        app.panel.sources.prompt_seconds.value = 0.5
        app.panel.sources.add.click()
    assert app.composer.draft.prompts == ((1.0, 0.5), (3.0, 0.5))
    assert [s["label"] for s in app.panel.sources.player.segments] == ["prompt 1", "prompt 2"]
    y = generate(app, "Generate all")
    assert y.shape == (1, round(0.8 * RATE)) and len(app.composer.takes) == 2
    corpus = app.composer.corpus
    np.testing.assert_array_equal(y[:, 200:4000], corpus.signal[:, RATE + 200 : RATE + 4000])
    app.panel.takes.chooser.value = 1
    assert app.panel.takes.player.points[0]["time"] == 0.5
    marks = [dict(mark) for mark in app.panel.sources.player.segments]
    marks[1]["start"] += 0.1
    app.panel.sources.player.segments = marks  # dragged in the browser
    assert app.composer.draft.prompts[1] == (3.1, 0.4)
    press(app, "Undo")
    assert app.panel.sources.player.segments[1]["start"] == 3.0


def test_turns_are_edited_in_the_form(app):
    add(app, "tiny", 0.3)
    fields = app.panel.turns.form.control.children
    fields["temperature"].text.value = "0.5"
    fields["crossfade_seconds"].text.value = "0.1"
    turn = app.composer.draft.rows[0][0]
    assert (turn.temperature, turn.crossfade_seconds) == (0.5, 0.1)
    assert app.panel.turns.lanes.rows[0][0]["detail"] == "temperature 0.5"
    fields["seconds"].text.value = "[0.2, 0.4]"
    assert 0.2 <= app.composer.draft.rows[0][0].seconds <= 0.4
    fields["temperature"].text.value = "hot"
    assert "temperature" in app.panel.turns.form.control.problems()
    assert app.composer.draft.rows[0][0].temperature == 0.5
    app.panel.turns.form.chooser.value = "silence"
    assert app.composer.draft.rows[0][0].generator == "silence"


def test_controls_that_only_some_networks_read_are_shown_for_those(app, monkeypatch):
    add(app, "tiny", 0.3)
    form = app.panel.turns.form
    recorded = form.control.children["recorded"]
    assert recorded.widget.layout.display == "none"
    monkeypatch.setattr(turn_form, "own_controls", lambda spec: {"recorded"})
    form.chooser.value = "silence"  # which would read it
    assert recorded.widget.layout.display == ""
    assert form.control.children["follow"].widget.layout.display == "none"
    recorded.text.value = "0.5"
    assert app.composer.draft.rows[0][0].recorded == 0.5
    assert app.panel.turns.lanes.rows[0][0]["detail"] == "recorded 0.5"


def test_an_edit_that_arrives_after_another_turn_was_chosen_changes_its_own(app):
    add(app, "tiny", 0.3)
    add(app, "silence", 0.2)
    turns = app.panel.turns
    ask(app, "choose", place=[0, 1])
    turns.form.show(app.composer.draft.rows[0][0], (0, 0))  # as it was before it is drawn again
    turns.form.control.children["temperature"].text.value = "0.5"
    first, second = app.composer.draft.rows[0]
    assert (first.temperature, first.seconds) == (0.5, 0.3)
    assert (second.generator, second.seconds) == ("silence", 0.2)
    assert turns.chosen == (0, 1)


def test_voices_sound_at_once_and_their_stems_add_up(app, tmp_path):
    add(app, "tiny", 0.4)
    app.panel.turns.add_voice.click()
    app.panel.turns.chosen = None
    add(app, "nearest neighbour", 0.6)
    assert names(app) == [["runs/tiny"], ["nearest neighbour"]]
    y = generate(app, "Generate all")
    paths = app.save(with_stems=True)
    kinds = [p.suffix for p in paths]
    assert kinds == [".wav", ".yaml", ".txt", ".csv", ".wav", ".wav", ".png"]
    stems = [soundfile.read(p, dtype="float32")[0] for p in paths[4:6]]
    np.testing.assert_allclose(sum(stems), y[0], atol=1e-6)
    ask(app, "resize", place=[1, 0], seconds=0.5)
    z = generate(app, "Only what changed")
    assert z.shape[1] == round(0.5 * RATE)
    ask(app, "delete", place=[1, 0])
    assert names(app) == [["runs/tiny"]]


def test_a_saved_sound_leads_back_to_its_score(app, folder, tmp_path):
    add(app, "tiny", 0.3)
    add(app, "nearest neighbour", 0.4)
    app.panel.seed.value = 5
    y = generate(app, "Generate all")
    app.panel.files.save.click()
    mix = app.out / "ensemble_001.wav"
    assert "ensemble_001.wav" in app.panel.status.value
    other = ensemble((), folder / "runs" / "music.h5", out=tmp_path / "b", headless=False)
    other.panel.files.path.value = str(mix)
    other.panel.files.open.click()
    assert names(other) == names(app) and other.panel.seed.value == 5
    np.testing.assert_array_equal(generate(other, "Generate all"), y)
    recall = mnb.read_recall(mix)
    np.testing.assert_array_equal(
        mnb.ensemble(mix, folder / "runs" / "music.h5", seed=recall["seed"]).audio, y
    )
    other.panel.files.path.value = str(tmp_path / "nothing.yaml")
    other.panel.files.open.click()
    assert "read the score" in other.panel.status.value and names(other) == names(app)


def test_the_cell_again_finds_everything(app, folder):
    add(app, "tiny", 0.3)
    y = generate(app, "Generate all")
    corpus = folder / "runs" / "music.h5"
    again = ensemble((), corpus, runs=folder / "runs", out=app.out, headless=False)
    assert names(again) == [["runs/tiny"]]
    np.testing.assert_array_equal(again.value.audio, y)


def test_stop_keeps_what_was_made(app):
    for _ in range(2):
        add(app, "tiny", 30.0)
    press(app, "Generate all")
    press(app, "Stop")
    assert app.composer.job.wait(30) and app.composer.job.state == "stopped"
    app.panel.refresh()
    assert "can be gone on from" in app.panel.status.value
    assert not app.panel.work["Generate all"].disabled


def test_what_is_missing_is_said(app):
    press(app, "Generate all")
    assert "no turns yet" in app.panel.status.value
    app.panel.files.save.click()
    assert "nothing to save" in app.panel.status.value
    app.panel.live.next.click()
    assert "Nothing plays" in app.panel.status.value


def test_live_goes_round_and_hears_edits(app):
    add(app, "silence", 0.1)
    add(app, "nearest neighbour", 0.2)
    live = app.panel.live
    blocks = live.play()
    piece = live.piece
    for _ in range(12):
        next(blocks)
    heard = [turn.generator for turn in piece.room.turns[1:]]
    assert heard[:4] == ["silence", "nearest_neighbour"] * 2
    assert "nearest_neighbour" in live.now.value or "silence" in live.now.value
    piece.muted.add(0)
    assert not np.any(next(blocks))
    piece.muted.clear()
    ask(app, "delete", place=[0, 0])
    for _ in range(8):
        next(blocks)
    assert [turn.generator for turn in piece.room.turns[-3:]] == ["nearest_neighbour"] * 3
    ask(app, "resize", place=[0, 0], seconds=30.0)
    for _ in range(8):
        next(blocks)
    n = len(piece.room.turns)
    next(blocks)
    assert len(piece.room.turns) == n  # one long turn
    piece.hand_over()
    for _ in range(2):
        next(blocks)
    assert len(piece.room.turns) == n + 1


def test_a_headless_view_writes_sounds_and_pictures(folder, tmp_path):
    score = [{"repeat": [{"generator": str(folder / "runs" / "tiny"), "seconds": [0.1, 0.2]},
                         {"generator": "nearest_neighbour", "seconds": 0.2}]}]  # fmt: skip
    corpus = folder / "runs" / "music.h5"
    app = ensemble(
        *(score, corpus), seconds=1.0, seed=2, out=tmp_path, headless=True, prompts=((1.0, 0.5),)
    )
    assert app.widget is None
    assert app.run().png().startswith(b"\x89PNG")
    assert app.timeline_picture().png().startswith(b"\x89PNG")
    assert app.value.audio.shape == (1, round(1.5 * RATE))
    kinds = [path.suffix for path in app.paths]
    assert kinds == [".wav", ".yaml", ".txt", ".csv", ".wav", ".wav", ".wav", ".png"]
    plain = ensemble(score, corpus, seconds=1.0, seed=2, out=tmp_path / "b", headless=True)
    plain.run()
    np.testing.assert_array_equal(plain.value.audio, mnb.ensemble(score, corpus, 1.0, seed=2).audio)
    with pytest.raises(ParameterError, match="no end"):
        ensemble(score, corpus, out=tmp_path)
