"""The ensemble view in JupyterLab: a piece made by hand, heard, changed, kept and found again."""

import re
from pathlib import Path

import pytest
import soundfile
from playwright.sync_api import expect

import mimikit_nb as mnb
from mimikit_nb.audio.demo import demo_music
from mimikit_nb.audio.write import write
from tests.browser.lab import Notebook, write_notebook
from tests.generation.ensemble.networks import make_run

RATE, SECONDS = 8000, 12.0
CELL = """from mimikit_nb.widgets.ensemble import ensemble
app = ensemble((), "music.h5", runs="runs", out="made")
app.run()
"""
SOUND = "app.composer.known({}).made.audio"
DIGEST = "__import__('hashlib').sha256({}.tobytes()).hexdigest()"


@pytest.fixture
def folder(lab):
    made = lab.folder("ensemble")
    write(made / "music.wav", demo_music(RATE, seconds=SECONDS), RATE)
    mnb.build_corpus(made / "music.wav", made / "music.h5", sample_rate=RATE)
    make_run(made / "runs" / "tiny", "sample_rnn", RATE)
    write_notebook(made / "piece.ipynb", CELL)
    return made


def button(notebook: Notebook, name: str):
    made = notebook.page.locator(".mnb-view button.jupyter-button")
    return made.filter(has_text=re.compile(f"^{name}$"))


def field(notebook: Notebook, name: str):
    return notebook.page.locator(".mnb-view .jupyter-widgets").get_by_label(name, exact=True)


def add_turn(notebook: Notebook, generator: str, seconds: float) -> None:
    field(notebook, "generator").first.select_option(generator)
    length = field(notebook, "seconds").first
    length.fill(str(seconds))
    length.press("Tab")
    button(notebook, "Add turn").click()


def generate(notebook: Notebook, name: str) -> None:
    made = "id(getattr(app.composer.known(0), 'piece', None))"
    before = notebook.value(made)
    button(notebook, name).click()
    notebook.poll(lambda: notebook.value(made) != before, 60, "another piece")
    notebook.eventually("(app.composer.job.state, app.composer.is_busy)", ["finished", False], 60)


def turn(notebook: Notebook, place: str):
    return notebook.page.locator(f'.mnb-lanes .turn[data-place="{place}"]')


def labels(notebook: Notebook) -> list[str]:
    return notebook.value("[t['label'] for row in app.panel.turns.lanes.rows for t in row]")


def drag(notebook: Notebook, start: tuple[float, float], stop: tuple[float, float]) -> None:
    mouse = notebook.page.mouse
    mouse.move(*start)
    mouse.down()
    mouse.move(*stop, steps=8)
    mouse.up()


def test_a_piece_made_by_hand(notebook, lab, folder, screenshots):
    page = notebook.open("ensemble/piece.ipynb").run_all()
    corpus = page.page.locator(".mnb-waveform").first
    corpus.scroll_into_view_if_needed()
    expect(corpus).to_have_attribute("data-ready", "true")
    box = corpus.locator(".zoom").bounding_box()
    for seconds in (2.0, 7.0):  # two prompts
        page.page.mouse.click(box["x"] + box["width"] * seconds / SECONDS, box["y"] + 40)
        page.poll(lambda s=seconds: abs(page.value("app.panel.sources.player.time") - s) < 0.1)
        button(page, "Add prompt").click()
    page.poll(lambda: len(page.value("app.composer.draft.prompts")) == 2, what="two prompts")
    for n, turn_ in enumerate((("tiny", 1.0), ("nearest neighbour", 1.5), ("silence", 0.5))):
        add_turn(page, *turn_)
        page.poll(lambda n=n: len(labels(page)) == n + 1, what="another turn")
    assert labels(page) == ["runs/tiny", "nearest neighbour", "silence"]
    assert turn(page, "0,2").get_attribute("aria-label").startswith("Turn 3 of voice 1: silence")

    generate(page, "Generate all")
    assert page.value("sorted(app.composer.takes) == sorted(app.composer.draft.prompts)")
    assert page.value(f"{SOUND.format(0)}.shape[1] != 0")
    played = page.page.locator(".mnb-waveform").nth(1)
    played.scroll_into_view_if_needed()
    expect(played).to_have_attribute("data-ready", "true")
    expect(played).to_contain_text("prompt · temperature")
    assert page.value("app.panel.takes.player.points[0]['label']") == "prompt ends"
    page.page.screenshot(path=screenshots / "ensemble.png", full_page=True)
    page.execute("app.panel.takes.player.play(1.2, 1.8)")
    page.poll(lambda: page.value("app.panel.turns.lanes.time") > 0.3, 30, "the playhead moves")

    before = page.value(DIGEST.format(f"{SOUND.format(0)}[:, :{2 * RATE}]"))
    turn(page, "0,2").scroll_into_view_if_needed()
    silent, found = (turn(page, p).bounding_box() for p in ("0,2", "0,1"))
    y = silent["y"] + 20
    drag(page, (silent["x"] + 20, y), (found["x"] + 4, y))  # silence before the neighbour
    page.poll(lambda: labels(page) == ["runs/tiny", "silence", "nearest neighbour"])
    expect(turn(page, "0,0")).not_to_have_class(re.compile("todo"))
    expect(turn(page, "0,1")).to_have_class(re.compile("todo"))
    whole = page.value(DIGEST.format(SOUND.format(0)))
    generate(page, "Only what changed")
    start = "round(app.composer.known(0).piece.turns[2].start * 8000)"
    assert page.value(f"{start} >= {2 * RATE}")  # the prompt and the first turn
    assert page.value(DIGEST.format(f"{SOUND.format(0)}[:, :{2 * RATE}]")) == before
    assert page.value(DIGEST.format(SOUND.format(0))) != whole
    n_kept = page.value("app.composer.known(0).n_kept")
    assert n_kept >= page.value(start)

    turn(page, "0,0").scroll_into_view_if_needed()  # a longer first turn, and back by Undo
    edge = turn(page, "0,0").bounding_box()
    y = edge["y"] + 20
    drag(page, (edge["x"] + edge["width"] - 4, y), (edge["x"] + edge["width"] + 60, y))
    page.poll(lambda: page.value("app.composer.draft.rows[0][0].seconds") > 1.1)
    page.page.keyboard.press("Control+z")
    page.eventually("app.composer.draft.rows[0][0].seconds", 1.0)
    page.page.keyboard.press("ArrowRight")
    page.eventually("app.panel.turns.chosen", [0, 1])

    button(page, "Save piece").click()
    page.poll(lambda: (folder / "made" / "ensemble_002.png").exists(), 60, "files")
    mixes = sorted((folder / "made").glob("ensemble_00?.wav"))
    assert len(mixes) == 2 and (folder / "made" / "ensemble_001.csv").exists()
    check_reload(page, mixes[1])
    page.assert_clean()


def check_reload(page: Notebook, mix: Path) -> None:
    """The page again, and another piece: the saved sound leads back to its score."""
    page.reopen("ensemble/piece.ipynb").run_all()
    assert labels(page) == ["runs/tiny", "silence", "nearest neighbour"]
    page.execute("app.composer.edit(type(app.composer.draft)()); app.panel.refresh()")
    page.eventually("app.composer.draft.n_turns", 0)
    path = page.page.get_by_placeholder("score.yaml, or a saved .wav")
    path.fill(str(mix))
    path.press("Tab")
    button(page, "Open").click()
    page.poll(lambda: labels(page) == ["runs/tiny", "silence", "nearest neighbour"], 30, "turns")
    generate(page, "Generate all")
    y = soundfile.read(mix, dtype="float32", always_2d=True)[0].T
    page.execute(f"import soundfile; saved = soundfile.read({str(mix)!r}, dtype='float32')[0]")
    assert page.value(f"bool((saved == {SOUND.format(0)}[0]).all())"), y.shape
