"""Generating in JupyterLab: prompts are put on the waveform, sounds made, longer, and saved."""

import re

import pytest
from playwright.sync_api import expect

import mimikit_nb as mnb
from mimikit_nb.audio.demo import demo_music
from mimikit_nb.audio.write import write
from tests.browser.lab import write_notebook

SR = 16000
SECONDS = 10.0
CELL = """
from mimikit_nb.widgets.generate import generate
app = generate("runs", prompts=[2.0, 5.0], seconds=1.0, prompt_seconds=0.5, out="made")
app.run()
"""


@pytest.fixture(scope="module")
def page(browser, lab):
    """A view onto two runs, with two prompts."""
    folder = lab.folder("generate")
    write(folder / "music.wav", demo_music(SR, seconds=SECONDS), SR)
    corpus = mnb.build_corpus(folder / "music.wav", folder / "corpus.h5", SR)
    settings = {"n_fft": 512, "hop_length": 256, "residual_channels": 16, "groups": 1}
    settings |= {"max_steps": 4, "checkpoint_every_steps": 2, "preview_every_steps": 0}
    for name in ("first", "second"):
        run = folder / "runs" / name
        mnb.train(corpus, "freqnet/tiny", run, **settings, device="cpu")
    write_notebook(folder / "generate.ipynb", CELL)
    with lab.notebook(browser, height=1900) as notebook:
        yield notebook.open("generate/generate.ipynb").run_all()
        notebook.assert_clean()


def press(page, name: str) -> None:
    button = page.page.locator(".mnb-view button.jupyter-button")
    button.filter(has_text=re.compile(f"^{re.escape(name)}$")).click()


def place(page, seconds: float, height: float = 0.2) -> tuple[float, float]:
    box = page.page.locator(".mnb-waveform .zoom").first.bounding_box()
    return box["x"] + box["width"] * seconds / SECONDS, box["y"] + box["height"] * height


def drag(page, start: float, stop: float) -> None:
    page.page.mouse.move(*place(page, start))
    page.page.mouse.down()
    page.page.mouse.move(*place(page, stop), steps=6)
    page.page.mouse.up()


def test_run_checkpoint_and_prompts_are_chosen_by_hand(page):
    player = page.page.locator(".mnb-waveform").first
    expect(player).to_have_attribute("data-ready", "true")
    page.page.get_by_label("run", exact=True).select_option("first")
    page.eventually("(app.run_name, app.checkpoint.step)", ["first", 4])
    page.page.get_by_label("checkpoint", exact=True).select_option("2 steps")
    page.eventually("(app.run_name, app.checkpoint.step)", ["first", 2])
    drag(page, 5.0, 6.0)
    page.eventually("[round(p, 1) for p in app.positions]", [2.0, 6.0])
    page.page.mouse.click(*place(page, 8.0, height=0.9))
    press(page, "Add at the playhead")
    page.eventually("[round(p, 1) for p in app.positions]", [2.0, 6.0, 8.0])
    page.page.mouse.click(*place(page, 2.0))
    page.page.keyboard.press("Delete")
    page.eventually("[round(p, 1) for p in app.positions]", [6.0, 8.0])
    page.eventually("[round(s['start'], 1) for s in app.panel.player.segments]", [6.0, 8.0])


def test_sounds_are_made_marked_extended_and_saved(page, lab, screenshots):
    page.page.get_by_label("variations", exact=True).fill("2")
    page.page.get_by_label("variations", exact=True).press("Tab")
    page.eventually("app.settings.variations", 2)
    press(page, "Generate")
    page.eventually("len(app.value)", 4, timeout=90)
    players = page.page.locator(".mnb-waveform")
    expect(players).to_have_count(5)
    shown = players.nth(2)
    shown.scroll_into_view_if_needed()
    expect(shown).to_have_attribute("data-ready", "true")
    expect(shown).to_contain_text("prompt")
    expect(shown).to_contain_text("temperature 1 · seed 1")
    press(page, "Extend 2 by 10 s")
    page.eventually("app.value[1].audio.shape[-1] > 11 * app.value[1].sample_rate", True, 90)
    expect(shown).to_contain_text("/ 0:11")  # the list of sounds is drawn anew
    press(page, "Save 2")
    page.eventually("sorted(app.saved)", [1])
    press(page, "Save all")
    page.eventually("sorted(app.saved)", [0, 1, 2, 3])
    page.page.locator(".mnb-view").first.screenshot(path=screenshots / "generate.png")
    saved = lab.root / "generate" / "made"
    assert sorted(p.name for p in saved.glob("*.wav")) == [f"sound_00{i}.wav" for i in range(1, 5)]
    recall = mnb.read_recall(saved / "sound_001.wav")
    assert recall["checkpoint"]["step"] == 2
    assert recall["prompt"]["position_seconds"] == pytest.approx(6.0, abs=0.1)


def test_a_file_is_a_prompt_and_stop_ends_the_work(page, tmp_path):
    write(tmp_path / "own.wav", demo_music(SR, seconds=2.0, seed=3), SR)
    press(page, "Clear")
    press(page, "Remove all")
    page.eventually("app.prompts", None)
    page.page.get_by_label("or drop sound files as prompts here").set_input_files(
        tmp_path / "own.wav"
    )
    page.eventually("[p.name for p in app.files]", ["own.wav"])
    page.page.get_by_label("seconds", exact=True).fill("120")
    page.page.get_by_label("seconds", exact=True).press("Tab")
    page.eventually("app.settings.seconds", 120.0)
    press(page, "Generate")
    page.eventually("app.job.share > 0", True, 60)
    press(page, "Stop")
    page.eventually("(app.job.is_alive, app.value)", [False, []])
    expect(page.page.get_by_role("alert")).to_contain_text("Stopped")


LIVE = """
from mimikit_nb.widgets.generate import live
voices = live("run", prompt=2.0, prompt_seconds=0.5, out="live")
voices.run()
"""
LATENT = """
from mimikit_nb.widgets.generate import generate
app = generate("run", prompts=[2.0], seconds=2.0, prompt_seconds=0.5, out="made")
app.run()
"""


def test_a_network_that_remembers_its_recording_has_two_more_sliders(browser, lab, screenshots):
    folder = lab.folder("remembers")
    write(folder / "music.wav", demo_music(SR, seconds=SECONDS), SR)
    corpus = mnb.build_corpus(folder / "music.wav", folder / "corpus.h5", SR)
    settings = {"hidden_dim": 32, "max_steps": 20, "preview_every_steps": 0}
    mnb.train(corpus, "latent_rnn/tiny", folder / "run", **settings, device="cpu")
    write_notebook(folder / "n.ipynb", LATENT, LIVE)
    with lab.notebook(browser, height=1700) as page:
        page.open("remembers/n.ipynb").run_all()
        slider = page.page.get_by_role("slider", name="New … Recorded slider").first
        expect(slider).to_be_visible()
        expect(page.page.get_by_role("slider", name="Follow (s) slider").first).to_be_visible()
        slider.focus()
        slider.press("End")
        page.eventually("app.settings.recorded", 1.0)
        press(page, "Generate")
        page.eventually("len(app.value)", 1, timeout=90)
        view = page.page.locator(".mnb-view").first
        expect(view).to_contain_text("of the recording")
        view.screenshot(path=screenshots / "generate_recorded.png")
        assert page.value("app.value[0].recall[0]['controls']['recorded']") == 1.0
        playing = page.page.locator(".mnb-view").nth(1)
        slider = playing.get_by_role("slider", name="New … Recorded slider")
        slider.focus()
        slider.press("Home")
        page.eventually("voices.value.recorded", 0.0)
        playing.screenshot(path=screenshots / "live_recorded.png")
        page.assert_clean()
