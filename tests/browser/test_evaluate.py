"""The evaluation view in JupyterLab: the grid, the scatter, and blind pairs, by the mouse."""

import pytest
from playwright.sync_api import expect

import mimikit_nb as mnb
from mimikit_nb.audio.demo import demo_music
from mimikit_nb.audio.write import write
from mimikit_nb.widgets.evaluate.scatter import NEAR, position
from tests.browser.lab import write_notebook

SR = 22050
CELL = """
from mimikit_nb.widgets.evaluate import evaluate
app = evaluate("run", "corpus.h5", n=2, seconds=2.0)
app.run()
"""


def opened(page, title):
    """Open a section of the view by a press on its name."""
    name = page.page.locator(".mnb-view .mnb-fold", has_text=title)
    if "mod-active" not in name.get_attribute("class"):
        name.click()


@pytest.fixture(scope="module")
def page(browser, lab):
    """A run of two checkpoints, evaluated by a press on Start."""
    folder = lab.folder("evaluate")
    write(folder / "music.wav", demo_music(SR, seconds=12.0), SR)
    corpus = mnb.build_corpus(folder / "music.wav", folder / "corpus.h5", SR)
    settings = {"n_fft": 512, "hop_length": 256, "residual_channels": 16, "groups": 1}
    settings |= {"max_steps": 20, "checkpoint_every_steps": 10, "preview_every_steps": 0}
    mnb.train(corpus, "freqnet/tiny", folder / "run", **settings, device="cpu")
    write_notebook(folder / "evaluate.ipynb", CELL)
    with lab.notebook(browser, height=1900) as notebook:
        notebook.open("evaluate/evaluate.ipynb").run_all()
        notebook.page.get_by_role("button", name="Start", exact=True).last.click()
        notebook.eventually("app.state", "finished", timeout=240)
        yield notebook
        notebook.assert_clean()


def test_a_press_in_the_grid_plays_the_sound(page, screenshots):
    sounds = page.page.locator(".mnb-view button", has_text=" · ")
    expect(sounds).to_have_count(4)
    sounds.nth(1).click()
    page.eventually("bool(app.panel.chosen)", True)
    player = page.page.locator(".mnb-waveform").first
    expect(player).to_have_attribute("data-ready", "true")
    page.eventually("app.panel.audition.player.time > 1.0", True)
    page.page.get_by_role("button", name="★★★", exact=True).click()
    page.eventually("app.notes.stars(app.panel.chosen)", 3)
    expect(page.page.locator(".mnb-view button", has_text="★3").first).to_be_visible()
    trace = page.page.locator(".mnb-view img").nth(0)
    expect(trace).to_be_visible()
    page.page.locator(".mnb-view").first.screenshot(path=screenshots / "evaluate.png")


def test_a_click_on_the_scatter_plays_the_sound(page):
    novelty, fidelity = page.value("app.value[['novelty', 'fidelity']].dropna().iloc[-1].tolist()")
    page.execute("app.panel.audition.chosen = ''; app.panel.audition.player.time = 0.0")
    canvas = page.page.locator(".mnb-view canvas").first
    canvas.scroll_into_view_if_needed()
    x, y = position(novelty, fidelity)
    canvas.click(position={"x": x, "y": y})
    page.eventually("bool(app.panel.chosen)", True)
    row = "app.value.set_index('path').loc[app.panel.chosen]"
    found = position(*page.value(f"{row}[['novelty', 'fidelity']].tolist()"))
    assert found == pytest.approx((x, y), abs=NEAR)
    page.eventually("app.panel.audition.player.time > 1.0", True)
    colour = canvas.evaluate(
        """(c, [x, y]) => [...c.getContext('2d').getImageData(x, y, 1, 1).data].slice(0, 3)""",
        [x, y],
    )
    assert colour != [255, 255, 255]


def test_blind_pairs_show_no_names_until_they_are_revealed(page, screenshots):
    page.page.get_by_text("blind pairs").click()
    blind = page.page.locator(".mnb-blind")
    expect(blind.locator(".mnb-waveform")).to_have_count(2)
    for index in range(2):
        expect(blind.locator(".mnb-waveform").nth(index)).to_have_attribute("data-ready", "true")
    assert "step_" not in blind.inner_text()
    expect(page.page.locator(".mnb-view button", has_text=" · ").first).to_be_hidden()
    page.page.locator(".mnb-view").first.screenshot(path=screenshots / "blind.png")
    page.page.get_by_role("button", name="A is better", exact=True).click()
    page.eventually("len(app.notes.votes)", 1)
    page.page.get_by_role("button", name="Reveal", exact=True).click()
    expect(blind.get_by_text("1 of 1")).to_be_visible()
    assert "step_" in blind.inner_text()
    page.page.get_by_text("blind pairs").click()
    expect(page.page.locator(".mnb-view button", has_text=" · ").first).to_be_visible()


def test_prompts_are_placed_on_the_waveform_and_dragged(page, screenshots):
    opened(page, "Prompts and budget")
    wave = page.page.locator('.mnb-waveform[aria-label="Waveform player corpus"]')
    expect(wave).to_have_attribute("data-ready", "true")
    page.eventually("len(app.panel.prompts.marks.points)", 2)
    before = page.value("[p['time'] for p in app.panel.prompts.marks.points]")
    how_many = page.page.get_by_label("how many")
    how_many.fill("1")
    how_many.press("Enter")
    page.eventually("len(app.panel.prompts.marks.points)", 1)
    page.execute("app.panel.prompts.marks.time = 3.0")
    wave.get_by_role("button", name="point").first.click()
    page.eventually("app.panel.prompts.source.value", "as marked below")
    page.eventually("[round(p['time'], 1) for p in app.panel.prompts.marks.points][0]", 3.0)
    page.page.locator(".mnb-view").first.screenshot(path=screenshots / "prompts.png")
    minutes = page.page.get_by_label("minutes")
    minutes.fill("4")
    minutes.press("Enter")
    page.page.get_by_role("button", name="Start", exact=True).last.click()
    page.eventually("app.settings['max_minutes']", 4.0)
    page.eventually("app.state", "finished", timeout=240)
    marked = page.value("sorted(set(app.value.prompt))")
    assert len(marked) == 2 and 3.0 in [round(m, 1) for m in marked] and marked != before
    page.page.locator(".mnb-view .mnb-fold", has_text="Prompts and budget").click()


def test_checkpoints_are_averaged_compared_and_pruned_after_asking(page, screenshots):
    opened(page, "Average, compare, export, prune")
    part = page.page.locator(".mnb-checkpoints")
    part.scroll_into_view_if_needed()
    part.locator("select").first.select_option(["step_00000010", "step_00000020"])
    part.get_by_role("button", name="Average", exact=True).click()
    page.eventually("list(app.panel.checkpoints.names.options)[-1]", "average_10_20_001")
    part.get_by_role("button", name="Compare", exact=True).click()
    expect(part.get_by_role("columnheader", name="step_00000010")).to_be_visible()
    part.screenshot(path=screenshots / "checkpoints.png")
    part.locator("select").first.select_option(["step_00000020"])
    part.get_by_role("button", name="Prune", exact=True).click()
    expect(part.get_by_text("Delete 1 checkpoint")).to_be_visible()
    part.screenshot(path=screenshots / "prune.png")
    part.get_by_role("button", name="Keep all", exact=True).click()
    expect(part.get_by_text("Delete 1 checkpoint")).to_be_hidden()
    files = "sorted(p.name for p in Path(app.source, 'checkpoints').iterdir())"
    page.execute("from pathlib import Path")
    assert len(page.value(files)) == 2
    part.get_by_role("button", name="Prune", exact=True).click()
    part.get_by_role("button", name="Delete for good", exact=True).click()
    page.eventually(files, ["step_00000020.safetensors"])


def test_measures_are_explained_beside_real_audio(page, screenshots):
    opened(page, "What the scores mean")
    table = page.page.locator(".mnb-readings table")
    expect(table.get_by_role("columnheader", name="real_50%")).to_be_visible()
    expect(table.get_by_role("rowheader", name="frechet_log_mel")).to_be_visible()
    page.page.locator(".mnb-readings").screenshot(path=screenshots / "readings.png")
