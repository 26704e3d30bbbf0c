"""The clustering view without a browser."""

import numpy as np
import pytest

import mimikit_nb as mnb
from mimikit_nb.widgets.analyse import cluster
from mimikit_nb.widgets.kept import KEPT
from tests.analysis.sounds import SR, place
from tests.widgets.page import send

KINDS = ["noise", "low", "high"] * 4
ONSETS = [0.2 + 0.4 * i for i in range(len(KINDS))]


@pytest.fixture(autouse=True)
def _fresh():
    KEPT.clear()


@pytest.fixture(scope="module")
def hits() -> np.ndarray:
    return place(list(zip(ONSETS, KINDS, strict=True)), 5.2)


@pytest.fixture
def app(hits, tmp_path):
    times = [(start, start + 0.25) for start in ONSETS]
    made = cluster(hits, SR, times, 3, out=tmp_path / "out", headless=False)
    made.run()
    made.session.wait()
    made.panel.refresh()
    return made


def test_a_headless_view_finds_what_the_function_finds(hits, tmp_path):
    app = cluster(hits, SR, n_clusters=3, out=tmp_path, headless=True)
    assert app.widget is None
    assert app.run().png().startswith(b"\x89PNG")
    assert app.value.labels.tolist() == mnb.cluster(hits, SR, n_clusters=3).labels.tolist()
    assert app.waveform_picture().png().startswith(b"\x89PNG")
    assert app.table()["segments"].tolist() == [4, 4, 4]


def test_map_player_and_rows_show_the_clusters(app):
    panel = app.panel
    assert len(np.frombuffer(panel.map.points, np.float32)) == 2 * len(KINDS)
    assert panel.map.labels == app.value.labels.tolist()
    assert [s["label"] for s in panel.player.segments] == list(app.value.named_labels)
    assert len(panel.rows.children) == 3
    colours = {s["label"]: s["kind"] for s in panel.player.segments}
    assert colours == {"A": "cluster 0", "B": "cluster 1", "C": "cluster 2"}


def test_clusters_are_renamed_joined_split_and_undone(app):
    panel = app.panel
    panel.rows.children[0].children[2].value = "hiss"
    assert app.value.names[0] == "hiss"
    for row in panel.rows.children[:2]:
        row.children[0].value = True
    panel.edits["Merge"].click()
    assert app.value.n_clusters == 2 == len(panel.rows.children)
    panel.rows.children[0].children[0].value = True
    panel.edits["Split"].click()
    assert app.value.n_clusters == 3
    for _ in range(3):
        panel.edits["Undo"].click()
    assert app.value.names == ("A", "B", "C") and panel.edits["Undo"].disabled
    panel.edits["Redo"].click()
    assert app.value.names[0] == "hiss"


def test_a_lasso_selects_what_is_given_to_a_cluster(app):
    panel = app.panel
    assert panel.assign.disabled
    panel.map.selection = [0, 1, 2]
    assert "3 selected" in panel.status.value
    panel.name.value = "mine"
    panel.assign.click()
    assert app.value.named_labels[:3] == ("mine",) * 3
    panel.name.value = ""
    panel.assign.click()
    assert "give it a name" in panel.status.value


def test_the_map_plays_what_it_is_asked_for(app):
    heard = []
    app.panel.turns.play = lambda passages, gap=0.0: heard.append(passages)
    send(app.panel.map, {"type": "play", "index": 2})
    send(app.panel.map, {"type": "play", "index": 99})
    app.panel.map.selection = [1, 3]
    app.panel.play.click()
    app.panel.rows.children[0].children[4].click()
    members = [app.value.segments[i] for i in np.flatnonzero(app.value.labels == 0)]
    assert heard == [
        [app.value.segments[2]],
        [app.value.segments[1], app.value.segments[3]],
        members,
    ]


def test_bounce_writes_a_file_per_cluster(app):
    app.panel.exports.formats.value = ("bounce",)
    app.panel.exports.export.click()
    names = {path.name for path in (app.out / "export_001").rglob("*.wav")}
    assert names == {"A.wav", "B.wav", "C.wav"}


def test_other_settings_from_the_fields(app):
    app.panel.n_clusters.value, app.panel.method.value = 2, "agglomerative"
    app.panel.features.value = ("mfcc", "chroma")
    app.panel.analyse.click()
    app.session.job.wait()
    assert app.value.n_clusters == 2 and app.value.method == "agglomerative"
    app.panel.features.value = ()
    app.panel.analyse.click()
    assert "at least one feature" in app.panel.status.value


def test_edits_survive_running_the_cell_again(app, hits):
    app.panel.rows.children[0].children[2].value = "hiss"
    times = [(start, start + 0.25) for start in ONSETS]
    again = cluster(hits.copy(), SR, times, 3, out=app.out, headless=False)
    again.run()
    assert again.value.names[0] == "hiss"
    assert again.panel.rows.children[0].children[2].value == "hiss"


def test_names_are_shown_as_text(app):
    app.panel.rows.children[0].children[2].value = "<b>$x$</b>"
    assert "<b>$" not in app.panel.status.value and "&lt;b&gt;" in app.panel.status.value
    assert app.picture().png().startswith(b"\x89PNG")
