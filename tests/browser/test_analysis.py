"""Segmentation and clustering in JupyterLab, used as a person would: by mouse and keyboard."""

import re
import shutil

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from tests.analysis.sounds import SR, place
from tests.browser.lab import Notebook, write_notebook

ONSETS = [0.2, 0.71, 1.3, 1.62, 2.4, 3.05]
SECONDS = 3.6
SEGMENT = """from mimikit_nb.widgets.analyse import segment
app = segment("hits.wav", out="segments")
app.run()
"""
CLUSTER = f"""from mimikit_nb.widgets.analyse import cluster
times = [(start, start + 0.25) for start in {ONSETS}]
families = cluster("hits.wav", segments=times, n_clusters=3, out="clusters")
families.run()
"""
WATCH = "seen = []; {}.panel.player.observe(lambda c: seen.append(c['new']), 'time')"


@pytest.fixture(scope="module")
def folder(lab):
    made = lab.root / "analysis"
    made.mkdir(exist_ok=True)
    y = place(list(zip(ONSETS, ["noise", "low", "high"] * 2, strict=True)), SECONDS)
    soundfile.write(made / "hits.wav", y, SR)
    write_notebook(made / "segment.ipynb", SEGMENT)
    write_notebook(made / "cluster.ipynb", CLUSTER)
    return made


def opened(notebook: Notebook, name: str) -> Notebook:
    shutil.rmtree(notebook.lab.root / "analysis" / "segments" / "edited", ignore_errors=True)
    notebook.open(f"analysis/{name}.ipynb").run_all()
    player = notebook.page.locator(".mnb-waveform")
    player.scroll_into_view_if_needed()
    expect(player).to_have_attribute("data-ready", "true")
    return notebook


def button(notebook: Notebook, name: str):
    """A button of the view; the player inside it has an Undo of its own, with an icon."""
    made = notebook.page.locator(".mnb-view button.jupyter-button")
    return made.filter(has_text=re.compile(f"^{name}$"))


def at(notebook: Notebook, seconds: float, height: float = 0.5) -> tuple[float, float]:
    """Place in the player's waveform."""
    box = notebook.page.locator(".mnb-waveform .zoom").bounding_box()
    return box["x"] + box["width"] * seconds / SECONDS, box["y"] + box["height"] * height


def drag(notebook: Notebook, start: tuple[float, float], stop: tuple[float, float]) -> None:
    mouse = notebook.page.mouse
    mouse.move(*start)
    mouse.down()
    mouse.move(*stop, steps=8)
    mouse.up()


def split_at(page: Notebook, seconds: float) -> None:
    """Split the segment at a time, by mouse."""
    page.page.locator(".mnb-waveform").scroll_into_view_if_needed()
    page.page.mouse.click(*at(page, seconds))
    page.poll(lambda: abs(page.value("app.panel.player.time") - seconds) < 0.05, what="a new place")
    button(page, "Split").click()


def edit(page: Notebook, code: str) -> None:
    """Put other segments in the place of those that were found."""
    page.execute(f"times = {code}")
    page.execute("app.session.edit(app.session.found.with_segments(times)); app.panel.refresh()")


def test_keys_and_buttons_undo_the_same_and_an_analysis_forgets_it(notebook, folder):
    page = opened(notebook, "segment")
    page.eventually("len(app.value)", 6)
    player = page.page.locator(".mnb-waveform")
    split_at(page, ONSETS[4] + 0.1)
    page.eventually("len(app.value)", 7)
    expect(player.get_by_role("button", name="Undo", exact=True)).to_be_enabled()
    player.press("Control+z")
    page.eventually("len(app.value)", 6)
    expect(button(page, "Undo")).to_be_disabled()
    button(page, "Redo").click()
    page.eventually("len(app.value)", 7)
    edge = page.value("app.value.segments[1][0]")
    drag(page, at(page, edge + 0.002), at(page, edge - 0.1))
    page.poll(lambda: page.value("app.value.segments[1][0]") < edge - 0.05, what="a moved edge")
    player.press("Control+z")
    page.eventually("app.value.segments[1][0]", edge)
    button(page, "Undo").click()
    page.eventually("app.value is app.session.found", True)
    button(page, "Analyse").click()
    expect(button(page, "Redo")).to_be_disabled()
    expect(player.get_by_role("button", name="Redo", exact=True)).to_be_disabled()
    player.press("Control+y")
    page.eventually("app.value is app.session.found and len(app.value)", 6)
    page.assert_clean()


def test_a_boundary_is_taken_from_near_and_moves_what_touches_it(notebook, folder, screenshots):
    page = opened(notebook, "segment")
    page.eventually("len(app.value)", 6)
    edit(page, "[(0.5, 1.5), (1.5, 2.5)]")
    page.page.locator(".mnb-waveform").scroll_into_view_if_needed()
    expect(page.page.locator(".mnb-waveform .boundaries")).to_have_attribute("data-count", "3")
    ends = "[round(t, 1) for segment in app.value.segments for t in segment]"

    def move(start: float, stop: float, slip: int) -> None:
        places = at(page, start), at(page, stop)
        drag(page, *((x + slip, y) for x, y in places))

    move(1.5, 1.2, slip=3)  # and two more: the waveform shows a little more than the sound
    page.eventually(ends, [0.5, 1.2, 1.2, 2.5])
    page.page.screenshot(path=screenshots / "boundaries.png")
    page.page.keyboard.down("Alt")
    move(1.2, 0.9, slip=-4)
    page.page.keyboard.up("Alt")
    page.eventually(ends, [0.5, 0.9, 1.2, 2.5])
    move(1.2, 0.2, slip=3)  # as far as its neighbour
    page.eventually(ends, [0.5, 0.9, 0.9, 2.5])
    move(0.9, 3.3, slip=3)
    page.eventually(ends, [0.5, 2.5, 2.5, 2.5])
    page.assert_clean()


def test_names_are_shown_where_their_parts_have_room(notebook, folder, screenshots):
    page = opened(notebook, "segment")
    page.eventually("len(app.value)", 6)
    names = page.page.locator(".mnb-waveform .labels span")
    expect(names).to_have_count(6)
    edit(page, f"[(i * {SECONDS} / 150, (i + 1) * {SECONDS} / 150) for i in range(150)]")
    expect(page.page.locator(".mnb-waveform .boundaries")).to_have_attribute("data-count", "151")
    expect(names).to_have_count(0)
    page.page.locator(".mnb-waveform").scroll_into_view_if_needed()
    page.page.screenshot(path=screenshots / "crowded.png")
    zoom = page.page.get_by_role("button", name="Zoom in", exact=True)
    for _ in range(3):
        zoom.click()
    expect(names.first).to_have_text("1")
    page.assert_clean()


def test_an_import_says_what_it_did_and_the_curve_agrees(notebook, folder):
    page = opened(notebook, "segment")
    page.eventually("len(app.value)", 6)
    (folder / "two.txt").write_text("0.5\t1.0\ta\n1.5\t2.0\tb\n")
    page.page.locator(".mnb-drop input").set_input_files(folder / "two.txt")
    view = page.page.locator(".mnb-view")
    expect(view).to_contain_text("2 segments from two.txt in the place of 6")
    count = page.page.locator(".mnb-novelty output")
    expect(count).to_have_text("2 segments, edited by hand")
    button(page, "Undo").click()
    expect(count).to_have_text("6 segments")
    page.assert_clean()


def test_edits_outlive_the_kernel(notebook, folder):
    page = opened(notebook, "segment")
    page.eventually("len(app.value)", 6)
    split_at(page, ONSETS[4] + 0.1)
    page.eventually("len(app.value)", 7)
    page.shut_kernels()
    page.reopen("analysis/segment.ipynb").run_all()
    page.eventually("len(app.value)", 7)
    expect(button(page, "Undo")).to_be_enabled()
    page.assert_clean()


def test_segments_by_threshold_by_hand_and_back_from_a_file(notebook, lab, folder, screenshots):
    page = opened(notebook, "segment")
    page.eventually("len(app.value)", 6)
    count = page.page.locator(".mnb-novelty output")
    count.scroll_into_view_if_needed()
    expect(count).to_have_text("6 segments")
    box = page.page.locator(".mnb-novelty canvas").bounding_box()
    x = box["x"] + box["width"] / 2
    page.page.mouse.move(x, box["y"] + 80)
    page.page.mouse.down()
    page.page.mouse.move(x, box["y"] + 30, steps=5)
    expect(count).not_to_have_text("6 segments")  # while the line is still held
    page.page.mouse.up()
    page.poll(
        lambda: (n := page.value("len(app.value)")) < 6 and count.inner_text() == f"{n} segments",
        what="fewer segments, in Python as in the page",
    )
    button(page, "Undo").click()
    page.eventually("len(app.value)", 6)
    page.page.locator(".mnb-waveform").scroll_into_view_if_needed()
    page.page.screenshot(path=screenshots / "segment.png", full_page=True)
    edge = page.value("app.value.segments[1][0]")
    drag(page, at(page, edge + 0.002), at(page, edge - 0.1))
    page.poll(lambda: page.value("app.value.segments[1][0]") < edge - 0.05, what="a moved edge")
    page.page.mouse.click(*at(page, ONSETS[4] + 0.1))
    page.poll(lambda: abs(page.value("app.panel.player.time") - 2.5) < 0.05, what="a new place")
    button(page, "Split").click()
    page.eventually("len(app.value)", 7)
    for _ in range(2):
        button(page, "Undo").click()
    page.eventually("(len(app.value), round(app.value.segments[1][0], 2))", [6, round(edge, 2)])
    button(page, "Export").click()
    page.poll(lambda: (folder / "segments" / "export_001" / "segments.txt").exists(), 30, "a file")
    labels = folder / "segments" / "export_001" / "edited.txt"
    labels.write_text("0.5\t1.0\tfrom elsewhere\n")
    field = page.page.get_by_placeholder("or its path: .txt, .csv, .tsv, .json, .wav")
    field.fill(str(labels))
    field.press("Tab")
    button(page, "Import").click()
    page.eventually("app.value.labels", ["from elsewhere"])
    expect(page.page.locator(".mnb-waveform .labels")).to_contain_text("from elsewhere")
    page.run_all()  # the cell again: nothing is lost
    page.eventually("app.value.labels", ["from elsewhere"])
    page.assert_clean()


def test_the_curve_and_the_levels_follow_the_zoom_and_a_part_is_heard(
    notebook, folder, screenshots
):
    page = opened(notebook, "segment")
    page.eventually("len(app.session.found)", 6)
    page.execute("app.session.history.__init__(); app.session.edit(app.session.found)")
    page.execute("app.panel.refresh(); " + WATCH.format("app"))
    strip = page.page.locator(".mnb-levels canvas")
    strip.scroll_into_view_if_needed()
    page.eventually("app.panel.levels.counts[-1]", 6)
    box = strip.bounding_box()
    x = box["x"] + 9 + (box["width"] - 18) * 1.4 / SECONDS  # within the third event
    page.page.mouse.move(x, box["y"] + box["height"] - 8)
    expect(page.page.locator(".mnb-levels .tip")).to_contain_text("events, 3 of 6")
    page.page.mouse.click(x, box["y"] + box["height"] - 8)
    page.eventually("app.panel.player.selection == app.value.segments[2]", True)
    page.poll(lambda: page.value("any(1.3 < t < 1.6 for t in seen)"), 30, "the third is heard")
    strip.click(position={"x": x - box["x"], "y": 8})  # the section around it
    page.eventually(
        "app.panel.player.selection == app.value.at_level('sections').segments[0]", True
    )
    zoom = page.page.get_by_role("button", name="Zoom in", exact=True)
    for _ in range(2):
        zoom.click()
    page.poll(lambda: len(page.value("app.panel.curve.range")) == 2, what="a passage")
    page.poll(
        lambda: np.ptp(page.value("app.panel.curve.range")) == pytest.approx(SECONDS / 4, rel=0.1),
        what="the passage that the waveform shows",
    )
    page.eventually("app.panel.levels.range == app.panel.curve.range", True)
    page.page.screenshot(path=screenshots / "segment_zoomed.png", full_page=True)
    page.page.get_by_role("button", name="Show all", exact=True).click()
    page.poll(lambda: np.ptp(page.value("app.panel.curve.range")) > 3.5, what="everything")
    page.assert_clean()


def test_cue_points_are_exported_and_a_chosen_file_is_read_back(notebook, folder):
    page = opened(notebook, "segment")
    page.eventually("len(app.session.found)", 6)
    page.execute("app.session.history.__init__(); app.session.edit(app.session.found)")
    page.execute("app.panel.exports.formats.value = ('cue',); app.panel.refresh()")
    page.eventually("len(app.value)", 6)
    before = set(folder.glob("segments/export_*"))
    button(page, "Export").click()
    page.poll(lambda: set(folder.glob("segments/export_*")) - before, 30, "a folder")
    (made,) = set(folder.glob("segments/export_*")) - before
    page.poll(lambda: list(made.glob("*.wav")), 30, "a file with cue points")
    (path,) = made.glob("*.wav")
    page.execute("were = app.value.segments")
    page.page.locator(".mnb-waveform").scroll_into_view_if_needed()
    page.page.mouse.click(*at(page, ONSETS[4] + 0.1))
    page.poll(lambda: abs(page.value("app.panel.player.time") - 2.5) < 0.05, what="a new place")
    button(page, "Split").click()
    page.eventually("len(app.value)", 7)
    page.page.locator(".mnb-drop input").set_input_files(path)
    page.eventually("app.value.segments == were", True)
    assert (folder / "segments" / "labels" / path.name).exists()
    page.assert_clean()


def test_sounds_are_played_in_turn(notebook, folder):
    page = opened(notebook, "segment")
    page.execute(WATCH.format("app"))
    button(page, "Play all in turn").click()
    page.poll(lambda: page.value("max(seen, default=0)") > 1.3, 30, "the third sound is heard")
    button(page, "Be silent").click()
    page.eventually("app.panel.player.playing", False)


def test_a_lasso_on_the_map_selects_what_is_heard_and_named(notebook, folder, screenshots):
    page = opened(notebook, "cluster")
    page.eventually("families.value.n_clusters", 3)
    canvas = page.page.locator(".mnb-map canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    points = page.value("families.value.embedding.tolist()")

    def place_of(i: int) -> tuple[float, float]:
        u, v = points[i]
        return (
            box["x"] + 16 + (u + 1) / 2 * (box["width"] - 32),
            box["y"] + 16 + (1 - v) / 2 * (box["height"] - 32),
        )

    page.execute(
        "seen = []; families.panel.player.observe(lambda c: seen.append(c['new']), 'time')"
    )
    page.page.mouse.move(*place_of(2))
    expect(page.page.locator(".mnb-map .tip")).to_contain_text("1.30 s")
    page.poll(lambda: page.value("any(1.3 < t < 1.6 for t in seen)"), 30, "a sound under the hand")
    page.page.screenshot(path=screenshots / "cluster.png", full_page=True)
    mouse = page.page.mouse
    corners = [(2, 2), (box["width"] - 3, 2), (box["width"] - 3, box["height"] - 3)]
    corners += [(2, box["height"] - 3), (2, 4)]
    mouse.move(box["x"] + 2, box["y"] + 2)
    mouse.down()
    for a, b in corners:
        mouse.move(box["x"] + a, box["y"] + b, steps=4)
    mouse.up()
    page.eventually("families.panel.map.selection", list(range(6)))
    page.execute("seen.clear()")
    button(page, "Play selection").click()
    page.poll(lambda: page.value("any(0.7 < t < 0.95 for t in seen)"), 30, "the second is heard")
    button(page, "Be silent").click()
    name = page.page.get_by_placeholder("name of a cluster")
    name.fill("all of them")
    name.press("Tab")
    button(page, "Give to cluster").click()
    page.eventually("families.value.names", ["all of them"])
    expect(page.page.locator(".mnb-waveform .labels")).to_contain_text("all of them")
    button(page, "Undo").click()
    page.eventually("families.value.n_clusters", 3)
    page.run_all()
    page.eventually("families.value.n_clusters", 3)
    page.assert_clean()
    assert np.isfinite(points).all()
