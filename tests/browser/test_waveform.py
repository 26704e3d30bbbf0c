"""The waveform player in JupyterLab, used as a person would: by mouse and keyboard."""

import numpy as np
import pytest
import soundfile
from playwright.sync_api import expect

from tests.browser.lab import Notebook, write_notebook

SECONDS = 8.0
SR = 22050
SETUP = "import numpy as np\nfrom mimikit_nb.widgets.player.waveform import player"
MARKED = """
p = player("takes/tone.wav", points=[(1.0, "kick")],
           segments=[(2, 3, "verse"), dict(start=5, stop=6, label="fixed", editable=False)],
           metadata={"prompt_end_seconds": 1.5, "temperature": 0.9, "seed": 3,
                     "made by": "many" + 6 * "\\nhands"}, spectrogram=True)
p
"""
ARRAY = f"""
y = np.stack([0.3 * np.sin(np.arange({SR} * 2) / 9), np.linspace(-1.2, 1.2, {SR} * 2)])
q = player(y, {SR}, title="<b>array</b>")
q
"""
STATE = """(n) => { const found = [...document.querySelectorAll('.mnb-waveform')][n];
    return { text: found.innerText, elements: found.querySelectorAll('b').length }; }"""


@pytest.fixture(scope="module")
def opened(browser, lab):
    """A notebook with two players, opened once."""
    folder = lab.root / "waveform"
    (folder / "takes").mkdir(parents=True, exist_ok=True)
    t = np.arange(int(SECONDS * SR)) / SR
    y = np.stack(
        [0.5 * np.sin(2 * np.pi * 220 * t), 0.3 * np.sin(2 * np.pi * 330 * t) * (t > 4)], 1
    )
    soundfile.write(folder / "takes" / "tone.wav", y, SR)
    write_notebook(folder / "players.ipynb", SETUP, MARKED, ARRAY)
    with lab.notebook(browser) as notebook:
        yield notebook.open("waveform/players.ipynb")


@pytest.fixture
def page(opened):
    """The notebook with two new players, both drawn; at the end nothing may have gone wrong."""
    opened.command("notebook:clear-all-cell-outputs")
    opened.run_all()
    for player in (0, 1, 0):  # drawn when they come into sight
        root = opened.page.locator(".mnb-waveform").nth(player)
        root.scroll_into_view_if_needed()
        expect(root).to_have_attribute("data-ready", "true")
    yield opened
    opened.assert_clean()


class Hand:
    """A hand on one of the players."""

    def __init__(self, notebook: Notebook, index: int = 0, seconds: float = SECONDS) -> None:
        self.notebook, self.page, self.seconds = notebook, notebook.page, seconds
        self.root = notebook.page.locator(".mnb-waveform").nth(index)
        self.root.scroll_into_view_if_needed()

    def button(self, name: str):
        return self.root.get_by_role("button", name=name, exact=True)

    def place(self, time: float, height: float = 0.5) -> tuple[float, float]:
        box = self.root.locator(".zoom").bounding_box()
        return box["x"] + box["width"] * time / self.seconds, box["y"] + box["height"] * height

    def click(self, time: float, height: float = 0.5) -> None:
        self.page.mouse.click(*self.place(time, height))

    def drag(self, start: float, stop: float, height: float = 0.5) -> None:
        self.page.mouse.move(*self.place(start, height))
        self.page.mouse.down()
        self.page.mouse.move(*self.place(stop, height), steps=6)
        self.page.mouse.up()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)


def close(expression: str, value: float, tolerance: float = 0.05) -> str:
    return f"abs({expression} - {value}) < {tolerance}"


def test_it_draws_marks_metadata_and_spectrogram(page, screenshots):
    hand = Hand(page)
    expect(hand.root.locator(".labels span")).to_have_text(["verse", "fixed"])
    expect(hand.root.locator(".entry").first).to_contain_text("prompt")
    generated = hand.root.locator(".entry").nth(1)
    expect(generated).to_contain_text("generated · temperature 0.9 · seed 3")
    generated.hover()
    expect(hand.root.get_by_role("tooltip")).to_contain_text("seed: 3")
    hand.page.mouse.move(*hand.place(2.5))
    expect(hand.root.get_by_role("tooltip")).to_contain_text("verse")
    page.poll(lambda: brightness(page, ".spectrogram canvas") > 0, what="the spectrogram is drawn")
    page.page.screenshot(path=screenshots / "waveform.png")
    hand.button("Spectrogram").click()
    expect(hand.root.locator(".spectrogram")).to_be_hidden()
    generated.hover()
    tip, root = hand.root.get_by_role("tooltip").bounding_box(), hand.root.bounding_box()
    assert tip["y"] >= root["y"] and tip["y"] + tip["height"] <= root["y"] + root["height"]


def brightness(page: Notebook, selector: str) -> int:
    """Brightest red of a canvas of the first player."""
    return page.page.evaluate(
        """(s) => { const canvas = document.querySelector('.mnb-waveform ' + s);
        const { width, height } = canvas;
        const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
        return data.reduce((most, value, i) => (i % 4 ? most : Math.max(most, value)), 0); }""",
        selector,
    )


def test_segments_and_points_are_dragged_and_python_knows(page):
    hand = Hand(page)
    hand.drag(2.5, 3.5)
    page.eventually(close("p.segments[0]['start']", 3.0), True)
    page.eventually(close("p.segments[0]['stop']", 4.0), True)
    hand.drag(4.0, 4.5)
    page.eventually(close("p.segments[0]['stop']", 4.5), True)
    page.eventually(close("p.segments[0]['start']", 3.0), True)
    hand.drag(1.0, 0.5, height=0.2)
    page.eventually(close("p.points[0]['time']", 0.5), True)
    hand.drag(5.5, 6.5)
    hand.press("Control+z", "Control+z", "Control+z")
    page.eventually(
        "(p.points[0]['time'], p.segments[0]['start'], p.segments[0]['stop'])", [1, 2, 3]
    )
    page.eventually("p.segments[1]['start']", 5)
    hand.press("Control+y")
    page.eventually(close("p.segments[0]['start']", 3.0), True)


def test_marks_are_made_named_and_deleted(page):
    hand = Hand(page)
    hand.drag(3.5, 4.5)
    page.eventually("[round(t, 1) for t in p.selection or ()]", [3.5, 4.5])
    hand.press("s")
    page.eventually("len(p.segments)", 3)
    page.eventually("p.selection", None)
    hand.press("Enter")
    hand.page.keyboard.type("a new name")
    hand.press("Enter")
    page.eventually("p.segments[1]['label']", "a new name")
    expect(hand.root.locator(".labels")).to_contain_text("a new name")
    hand.root.get_by_label("Kind").select_option("copy")
    page.eventually("p.segments[1]['kind']", "copy")
    hand.root.get_by_label("Stop in seconds").fill("4.8")
    hand.press("Enter")
    page.eventually("p.segments[1]['stop']", 4.8)
    hand.press("Delete")
    page.eventually("len(p.segments)", 2)
    hand.press("Control+z")
    page.eventually("p.segments[1]['label']", "a new name")
    hand.click(7)
    hand.press("m")
    page.eventually("[round(x['time'], 1) for x in p.points]", [1.0, 7.0])


def test_marks_of_python_are_drawn(page):
    hand = Hand(page)
    page.execute("p.segments = [(1, 4, 'from Python')]; p.selection = (6, 7)")
    expect(hand.root.locator(".labels span")).to_have_text(["from Python"])
    expect(hand.root.locator(".inspector")).to_contain_text("Selection, 1.000 s")
    hand.drag(2, 3)
    page.eventually(close("p.segments[0]['start']", 2.0), True)


def test_names_close_to_each_other_stay_readable(page, screenshots):
    page.execute("p.segments = [(2 + i / 4, 2.25 + i / 4, f'segment {i}') for i in range(4)]")
    page.execute("p.points = [(1, 'onset'), (1.05, 'boundary'), (1.1, 'beat')]")
    names = Hand(page).root.locator(".labels span")
    expect(names).to_have_count(4)
    boxes = [name.bounding_box() for name in names.all()]
    pairs = [(a, b) for i, a in enumerate(boxes) for b in boxes[i + 1 :]]
    assert all(a["x"] + a["width"] <= b["x"] or a["y"] + a["height"] <= b["y"] + 1
               or b["y"] + b["height"] <= a["y"] + 1 for a, b in pairs)  # fmt: skip
    page.page.screenshot(path=screenshots / "waveform_crowded.png")


def test_it_really_plays_pauses_and_seeks(page):
    hand = Hand(page)
    hand.button("Loop").click()  # so that it doesn't end before a slow machine has looked
    hand.click(4.0)
    page.eventually(close("p.time", 4.0), True)
    meter = hand.root.locator("canvas.meter")
    at_rest = meter.evaluate("canvas => canvas.toDataURL()")
    hand.button("Play").click()
    page.eventually("p.playing", True)
    page.poll(lambda: page.value("p.time") > 4.1, what="time goes on")
    played = hand.root.locator("audio").evaluate(
        "({played, volume, muted}) => [played.length > 0, volume, muted]"
    )
    assert played == [True, 1, False]
    page.poll(
        lambda: meter.evaluate("canvas => canvas.toDataURL()") != at_rest, what="the meter moves"
    )
    hand.button("Pause").click()
    page.eventually("p.playing", False)
    page.execute("p.loop = False; p.time = 1.25")
    expect(hand.root.locator(".now")).to_have_text("0:01.25")
    page.execute("p.play(6.0, 6.4)")
    page.eventually("(p.playing, round(p.time, 1))", [False, 6.4])


def test_a_passage_is_looped(page):
    hand = Hand(page)
    page.execute("seen = []; p.observe(lambda c: seen.append(c['new']), 'time')")
    page.execute("p.selection = (3.0, 3.4)")
    hand.button("Loop").click()
    page.eventually("p.loop", True)
    hand.button("Play").click()
    backwards = "sum(b < a for a, b in zip(seen[1:], seen[2:])) >= 2"
    page.eventually(backwards, True)
    page.eventually("max(seen) < 3.6", True)
    page.execute("p.pause()")
    page.eventually("p.playing", False)


def test_starting_one_player_pauses_the_other(page):
    first, second = Hand(page, 0), Hand(page, 1, 2.0)
    first.button("Loop").click()
    first.button("Play").click()
    page.eventually("(p.playing, q.playing)", [True, False])
    second.button("Loop").click()
    second.button("Play").click()
    page.eventually("(p.playing, q.playing)", [False, True])
    expect(first.button("Play")).to_be_visible()


def test_clipping_lights_up(page):
    hand = Hand(page, 1, 2.0)
    expect(hand.root.locator(".about")).to_contain_text("CLIPS")
    page.execute("q.loop = True; q.play(1.8, 1.95)")  # a page that stalls misses one of them
    expect(hand.root.locator(".clip")).to_have_attribute("data-on", "true")
    hand.button("Pause").click()
    page.eventually("q.playing", False)
    page.execute("q.loop = False")
    hand.button("Clipped; press to reset").click()
    expect(hand.root.locator(".clip")).to_have_attribute("data-on", "false")


def test_titles_are_shown_as_text(page):
    assert "<b>array</b>" in page.page.evaluate(STATE, 1)["text"]
    assert page.page.evaluate(STATE, 1)["elements"] == 0


def test_keys_never_reach_the_notebook(page):
    hand = Hand(page)
    before = [cell["id"] for cell in page.cells()]
    hand.click(6.8)
    hand.press("a", "b", "d", "d", "x", "z", "y", "Shift+Enter", "Control+Enter", "m", "Delete")
    hand.press("Escape", "s", "Enter")
    hand.page.keyboard.type("bad name")
    hand.press("Enter")
    page.eventually("[s['label'] for s in p.segments]", ["verse", "fixed", "bad name"])
    assert [cell["id"] for cell in page.cells()] == before


def test_everything_works_by_keyboard_alone(page):
    hand = Hand(page)
    hand.root.focus()
    hand.press("]")
    expect(hand.root.get_by_label("Label")).to_have_value("kick")
    hand.press("Alt+ArrowRight")
    page.eventually("p.points[0]['time'] > 1.0", True)
    hand.press("]", "Alt+Shift+ArrowRight")
    page.eventually("p.segments[0]['stop'] > 3.0", True)
    hand.press("Escape", "End")
    page.eventually("p.time", SECONDS)
    hand.press("Home", "Shift+ArrowRight")
    page.eventually(close("p.time", SECONDS / 10, 0.1), True)
    hand.press("l", " ")
    page.eventually("(p.playing, p.loop)", [True, True])
    hand.press(" ")
    page.eventually("p.playing", False)
    hand.press("+", "+")
    expect(hand.button("Zoom out")).to_be_enabled()
    hand.press("0")
    expect(hand.button("Zoom out")).to_be_disabled()


def test_every_control_has_a_name(page):
    hand = Hand(page)
    page.execute("p.selection = (6, 7)")
    expect(hand.root.locator(".inspector")).to_be_visible()
    controls = hand.root.locator("button, input, select, canvas[role]")
    unnamed = controls.evaluate_all(
        "all => all.filter(e => !e.ariaLabel && !e.innerText.trim()).map(e => e.outerHTML)"
    )
    assert not unnamed


def test_zooming_keeps_everything_in_step(page):
    hand = Hand(page)
    page.execute("p.time = 1.5")
    expect(hand.root.locator(".now")).to_have_text("0:01.50")
    for _ in range(4):
        hand.button("Zoom in").click()
    edges = [hand.root.locator(s).first.bounding_box() for s in (".rule", ".playhead", ".zoom")]
    rule, playhead, left = (edge["x"] for edge in edges)
    right = left + edges[2]["width"]
    assert left < playhead < right
    assert rule == pytest.approx(playhead, abs=4)  # both at 1.5 s, the end of the prompt
    expect(hand.root.locator(".labels span")).to_have_count(0)
    box = hand.root.locator(".zoom").bounding_box()
    hand.page.mouse.move(box["x"] + 50, box["y"] + 50)
    hand.page.keyboard.down("Control")
    hand.page.mouse.wheel(0, 100)
    hand.page.keyboard.up("Control")
    hand.button("Show all").click()
    expect(hand.root.locator(".labels span")).to_have_count(2)


def test_sound_comes_from_the_server_if_it_can(page):
    page.execute("p.play(0.0, 0.2)")
    page.eventually("round(p.time, 1)", 0.2)
    served, sent = (Hand(page, i).root.locator("audio") for i in (0, 1))
    address = f"{page.lab.url}/files/waveform/takes/tone.wav"
    assert served.evaluate("audio => audio.currentSrc") == address
    page.execute("q.play(0.0, 0.2)")  # an array: by a message
    page.eventually("round(q.time, 1)", 0.2)
    assert sent.evaluate("audio => audio.currentSrc").startswith("blob:")


def test_a_saved_notebook_stays_small(page):
    assert page.save() < 20_000


def test_of_fifty_players_only_those_in_sight_are_drawn(notebook, lab):
    many = "ps = [player(0.1 * np.sin(np.arange(22050) / (5 + i)), 22050) for i in range(50)]\n"
    many += "from ipywidgets import VBox\nVBox([p.widget for p in ps])"
    write_notebook(lab.root / "many.ipynb", SETUP, many)
    notebook.open("many.ipynb").run_all()
    all_players, ready = (notebook.page.locator(f".mnb-waveform{s}") for s in ("", "[data-ready]"))
    expect(all_players).to_have_count(50)
    notebook.poll(lambda: ready.count() > 2, 30, "the first players are drawn")
    assert ready.count() < 25
    notebook.execute("ps[30].play(0.0, 0.3)")  # one out of sight
    notebook.eventually("round(ps[30].time, 1)", 0.3)
    all_players.last.scroll_into_view_if_needed()
    expect(ready.last).to_contain_text("0:01.00")
    expect(all_players.last).to_have_attribute("data-ready", "true")
    assert notebook.save() < 20_000
    notebook.assert_clean()


def test_a_player_is_drawn_before_it_comes_into_sight(notebook, lab):
    """It lies above what is shown: by less than a screen's height, then by more."""
    around = """
import ipywidgets as W
box = W.VBox()
W.VBox([box, W.HTML('<div style="height: 3000px"></div>')])
"""
    write_notebook(lab.root / "sight.ipynb", SETUP, around)
    notebook.open("sight.ipynb").run_all()
    player = notebook.page.locator(".mnb-waveform")
    for screens, is_drawn in ((0.9, True), (2.5, False)):
        notebook.execute("box.children = [W.HTML('<div style=\"height: 250px\"></div>')]")
        expect(player).to_have_count(0)
        notebook.page.locator(".jp-WindowedPanel-outer").evaluate(
            "(panel, screens) => panel.scrollTo(0, screens * panel.clientHeight)", screens
        )
        notebook.execute(
            "p = player(np.zeros(44100), 22050, title='far'); box.children = [p.widget]"
        )
        expect(player).to_have_count(1)
        if is_drawn:
            expect(player).to_have_attribute("data-ready", "true")
        else:
            notebook.page.wait_for_timeout(1000)
            expect(player).not_to_have_attribute("data-ready", "true")
            player.scroll_into_view_if_needed()
            expect(player).to_have_attribute("data-ready", "true")
    notebook.assert_clean()
