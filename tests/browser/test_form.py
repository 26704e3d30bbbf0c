"""Forms in JupyterLab, filled in as a person would: by mouse and by keyboard."""

import pytest
from playwright.sync_api import expect

from tests.browser.lab import write_notebook

FORM = """
from mimikit_nb.recipes.facts import plan_facts
from mimikit_nb.recipes.training import plan
from mimikit_nb.widgets.train.settings_form import facts_in_words, settings_form

base = plan("sample_rnn/tiny", max_minutes=2, learning_rate=0.0123)
as_words = lambda p: facts_in_words(plan_facts(p), None, p, None, "cpu", False)
f = settings_form(base, lambda settings: as_words(settings.plan(base, 22050)), headless=False)
f
"""


@pytest.fixture(scope="module")
def opened(browser, lab):
    write_notebook(lab.root / "form.ipynb", FORM)
    with lab.notebook(browser, 1100, 1700) as notebook:
        yield notebook.open("form.ipynb")


@pytest.fixture
def page(opened):
    """A new form, drawn; at the end nothing may have gone wrong."""
    opened.command("notebook:clear-all-cell-outputs")
    opened.run_all()
    expect(field(opened, "frame sizes")).to_have_value("16, 8, 8")
    yield opened
    opened.assert_clean()


def field(notebook, name):
    return notebook.page.get_by_role("textbox", name=name, exact=True)


def button(notebook, name):
    return notebook.page.locator(".mnb-view").get_by_role("button", name=name)


def test_showing_a_form_changes_nothing(page, screenshots):
    button(page, "Training").click()
    button(page, "Feature").click()
    expect(field(page, "ema decay")).to_be_visible()
    expect(field(page, "learning rate")).to_have_value("0.0123")  # between two steps of its slider
    assert page.value("(f.value == f._first, f.problems)") == [True, {}]
    page.page.screenshot(path=screenshots / "form.png")


def test_what_is_wrong_stands_at_the_field_while_one_types(page, screenshots):
    parameters = page.page.get_by_role("row", name="parameters").get_by_role("cell").last
    before = parameters.inner_text()
    field(page, "hidden dim").fill("96")
    page.eventually("f.value.network.hidden_dim", 96)
    expect(parameters).not_to_have_text(before)
    field(page, "hidden dim").press_sequentially("x")
    alert = page.page.get_by_role("alert").filter(has_text="whole number")
    expect(alert).to_be_visible()
    text, said = field(page, "hidden dim").bounding_box(), alert.bounding_box()
    assert 0 < said["y"] - text["y"] < 50 and abs(said["x"] - text["x"]) < 20
    expect(page.page.locator(".mnb-view")).to_contain_text("Not usable: hidden dim")
    page.page.screenshot(path=screenshots / "form_wrong.png")
    assert page.value("f.value.network.hidden_dim") == 96
    button(page, "Reset").click()
    expect(field(page, "hidden dim")).to_have_value("64")
    expect(alert).to_be_hidden()


def test_another_kind_swaps_the_fields(page):
    page.page.get_by_label("network", exact=True).select_option("wavenet")
    expect(field(page, "frame sizes")).to_have_count(0)
    expect(field(page, "n layers")).to_be_visible()
    page.eventually("f.value.network.kind", "wavenet")
    preset = page.page.get_by_label("preset")
    expect(preset).to_have_value("edited")
    preset.select_option("laptop")
    page.eventually("f.value == f._presets['laptop'](f.value)", True)
    field(page, "n layers").fill("5")
    expect(preset).to_have_value("edited")
    preset.select_option("as given")
    page.eventually("f.value == f._first", True)
    expect(field(page, "frame sizes")).to_have_value("16, 8, 8")


def test_it_is_filled_in_by_keyboard_alone(page):
    before = [cell["id"] for cell in page.cells()]
    field(page, "hidden dim").focus()
    for _ in ("its meaning", "its slider"):
        page.page.keyboard.press("Tab")
    slider = page.page.get_by_role("slider", name="hidden dim")
    expect(slider).to_be_focused()
    page.page.keyboard.press("ArrowRight")
    page.eventually("f.value.network.hidden_dim", 128)
    expect(field(page, "hidden dim")).to_have_value("128")
    expect(slider).to_have_attribute("aria-valuetext", "128")
    page.page.keyboard.press("Home")
    page.eventually("f.value.network.hidden_dim", 1)
    button(page, "Training").focus()
    page.page.keyboard.press("Space")
    page.page.get_by_role("checkbox", name="augment").focus()
    page.page.keyboard.press("Space")
    page.eventually("f.value.training.augment is None", False)
    field(page, "speed").fill("0.9, 1.1")
    page.eventually("f.value.training.augment.speed", [0.9, 1.1])
    assert [cell["id"] for cell in page.cells()] == before


def test_every_control_has_a_name_and_its_meaning(page, screenshots):
    for name in ("Feature", "Training", "YAML"):
        button(page, name).click()
    expect(page.page.get_by_label("settings", exact=True)).to_be_visible()
    controls = page.page.locator(".mnb-view").locator("input, select, textarea, button")
    unnamed = controls.evaluate_all(
        """all => all.filter(e => !(e.ariaLabel || e.innerText.trim() || e.labels?.[0]?.innerText
            || e.closest('label')?.innerText.trim())).map(e => e.outerHTML)"""
    )
    assert not unnamed
    meaning = page.page.get_by_role("note", name="Size of the optimizer's steps.", exact=True)
    meaning.focus()
    shown = "e => getComputedStyle(e, '::after').content"
    assert "Size of the optimizer" in meaning.evaluate(shown)
    page.page.get_by_role("note", name="What the recurrent layers start from").hover()
    page.page.screenshot(path=screenshots / "form_hint.png")


def test_settings_go_out_and_in_as_yaml(page):
    field(page, "hidden dim").fill("32")
    page.eventually("f.value.network.hidden_dim", 32)
    button(page, "YAML").click()
    text = page.page.get_by_label("settings", exact=True)
    page.poll(lambda: "hidden_dim: 32" in text.input_value(), what="the settings are shown")
    button(page, "Save to file").click()
    expect(page.page.get_by_role("status").filter(has_text="settings.yaml")).to_be_visible()
    assert "hidden_dim: 32" in (page.lab.root / "settings.yaml").read_text()
    text.fill(text.input_value().replace("hidden_dim: 32", "hidden_dim: 48"))
    button(page, "Use this text").click()
    expect(field(page, "hidden dim")).to_have_value("48")
    text.fill("network: {kind: nothing}")
    button(page, "Use this text").click()
    expect(page.page.get_by_role("status").filter(has_text="nothing")).to_be_visible()
    button(page, "Load from file").click()
    expect(field(page, "hidden dim")).to_have_value("32")
