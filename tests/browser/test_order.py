"""What is typed before a button is pressed is handled before it, and while a cell runs, too."""

import pytest

CELL = """
import threading, time
import ipywidgets as W
import mimikit_nb.widgets
seen, slow = [], 0.0
def note(what):
    time.sleep(slow)
    seen.append((what, threading.current_thread().name, time.monotonic()))
text, button = W.IntText(description="number"), W.Button(description="Apply")
text.observe(lambda change: note(change.new), "value")
button.on_click(lambda _: seen.append((f"applied {text.value}", threading.current_thread().name,
                                       time.monotonic())))
W.VBox([text, button])
"""


@pytest.fixture(scope="module")
def opened(browser, lab):
    with lab.opened(browser, "order", CELL) as notebook:
        yield notebook


@pytest.fixture
def page(opened):
    """A number and a button of which nothing was heard yet."""
    opened.execute("seen.clear(); slow = 0.0; text.value = 0; seen.clear()")
    return opened


def type_and_press(page, number: int) -> None:
    field = page.page.get_by_role("spinbutton", name="number")
    field.fill(str(number))
    field.press("Tab")
    page.page.get_by_role("button", name="Apply").click()


def test_what_was_typed_is_taken_before_the_press_that_followed(page):
    type_and_press(page, 1)
    page.eventually("[what for what, *_ in seen]", [1, "applied 1"])
    page.execute("slow = 0.5")  # a kernel with much to do
    type_and_press(page, 2)
    page.eventually("[what for what, *_ in seen[2:]]", [2, "applied 2"])
    assert page.value("len({thread for _, thread, _ in seen[2:]})") == 1


def test_a_button_is_heard_while_a_cell_runs(page):
    type_and_press(page, 1)
    page.eventually("len(seen)", 2)
    page.execute("button.disabled = True; button.disabled = False")  # the cell tells its view
    page.page.evaluate(
        """() => { window.ran = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel
        .requestExecute({code: 'time.sleep(4); ended = time.monotonic()', silent: true}).done; }"""
    )
    page.page.get_by_role("button", name="Apply").click()
    page.page.evaluate("() => window.ran")
    page.eventually("len(seen)", 3)
    assert page.value("seen[2][2] < ended - 1")
