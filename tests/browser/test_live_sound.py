"""Sound from Python, block by block, as it leaves the page: whole, in order, soon, and silent."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.capture import Capture
from tests.browser.lab import AS_THE_KERNEL_LIKES

SR = 22050
SETUP = f"""
import itertools, time
import numpy as np
from mimikit_nb.widgets.player import live_sound
from mimikit_nb.widgets.player.live_sound import LiveSound
live_sound.SLOW_AHEAD_SECONDS = 0.6  # for the slow one, so that the test isn't
noise = np.random.default_rng(0).uniform(-0.5, 0.5, (2, {SR} * 60)).astype(np.float32)
def blocks(n, pause=0.0, most=10**9):
    for i in range(min(most, noise.shape[1] // n)):
        time.sleep(pause)
        yield noise[:, i * n : (i + 1) * n]
"""
STEREO = f"""
sound = LiveSound(lambda: blocks(1000), {SR}, 2, title="Noise")
sound
"""
SLOW = f"""
slow = LiveSound(lambda: blocks(1000, pause=2000 / {SR}), {SR}, 2)
slow
"""
SHORT = f"""
short = LiveSound(lambda: blocks(1000, most=20), {SR}, 2)
short
"""
WRONG = f"""
wrong = LiveSound(lambda: iter([np.zeros((3, 100))]), {SR}, 2)
wrong
"""
PULLED = f"""
pulled = LiveSound(lambda: blocks(1000), {SR}, 2, foreground=True)
pulled
"""
CELLS = ["sound", "slow", "short", "wrong", "pulled"]
Heard = tuple[int, Any]
"Underruns, and what else is asked of a play."


@pytest.fixture(scope="module")
def opened(browser, lab):
    cells = (SETUP, STEREO, SLOW, SHORT, WRONG, PULLED)
    with lab.opened(browser, "live_sound", *cells) as notebook:
        yield notebook


def view(notebook, name: str):
    found = notebook.page.locator(".mnb-live").nth(CELLS.index(name))
    found.scroll_into_view_if_needed()
    return found


def press(notebook, name: str, button: str) -> None:
    view(notebook, name).get_by_role("button", name=button, exact=True).click()


def sent() -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.5, 0.5, (2, SR * 60)).astype(np.float32)


def beginning(y: np.ndarray) -> int:
    """Where the sound begins in what was captured; its first samples may be faded to nothing."""
    first = int(np.flatnonzero(np.abs(y).max(0))[0])
    settled = slice(SR // 4, SR // 4 + 200)
    faded = [
        n
        for n in range(100)
        if np.allclose(y[:, first - n :][:, settled], sent()[:, settled], atol=1e-4)
    ]
    return first - (faded[0] if faded else 0)


def without_a_gap(play: Callable[[], Heard], n: int = 3) -> Heard:
    """What play() brought; again where there was a gap, which a machine that is busy with other
    things may make."""
    for _ in range(n):
        underruns, found = play()
        if not underruns:
            return underruns, found
    return underruns, found


def test_every_sample_is_heard_once_and_in_order(opened, screenshots):
    def play() -> Heard:
        capture = Capture(opened, SR, CELLS.index("sound"))
        press(opened, "sound", "Play")
        opened.eventually("sound.state", "playing")
        opened.execute("time.sleep(1.5)")  # another cell keeps the kernel busy meanwhile
        opened.poll(lambda: capture.seconds() > 3, what="three seconds")
        said = re.compile(r"playing.*0\.\d\d s ahead · \d+ und")
        expect(view(opened, "sound")).to_contain_text(said)
        view(opened, "sound").screenshot(path=screenshots / "live_sound.png")
        buffered, underruns = opened.value("(sound.buffered_seconds, sound.underruns)")
        y, _ = capture.heard()
        press(opened, "sound", "Stop")
        opened.eventually("sound.state", "stopped")
        return underruns, (buffered, y)

    underruns, (buffered, y) = without_a_gap(play)
    assert underruns == 0
    begin = beginning(y)
    heard = y[:, begin : begin + 2 * SR]
    settled = slice(SR // 4, None)  # behind the fade and the volume's approach
    np.testing.assert_allclose(heard[:, settled], sent()[:, : 2 * SR][:, settled], atol=1e-4)
    assert 0.1 < buffered < 0.5


def test_it_goes_on_during_a_cell_that_is_longer_than_a_page_may_be_silent(opened):
    def play() -> Heard:
        press(opened, "sound", "Play")
        opened.eventually("sound.state", "playing")
        opened.execute("time.sleep(5)")
        opened.execute("time.sleep(0.5)")
        state, underruns = opened.value("(sound.state, sound.underruns)")
        press(opened, "sound", "Stop")
        opened.eventually("sound.state", "stopped")
        return underruns, state

    opened.execute(f"{AS_THE_KERNEL_LIKES}\nlive_sound.GONE_SECONDS = 2.0")
    try:
        assert without_a_gap(play) == (0, "playing")
    finally:
        opened.execute("live_sound.GONE_SECONDS = 20.0")
        opened.execute("from mimikit_nb.widgets.ipykernel_compat import keep_order; keep_order()")


def test_stop_is_silent_within_200_ms_and_play_begins_anew(opened):
    delays = [delay_of_stop(opened)]
    while min(delays) >= 0.2 and len(delays) < 3:  # on a machine that is busy with other things
        delays.append(delay_of_stop(opened))
    assert min(delays) < 0.2
    press(opened, "sound", "Play")
    opened.eventually("sound.state", "playing")
    opened.execute("sound.stop()")
    expect(view(opened, "sound")).to_contain_text("stopped")


def delay_of_stop(opened) -> float:
    """Seconds from the press on Stop until nothing leaves the page any more."""
    capture = Capture(opened, SR, CELLS.index("sound"))
    press(opened, "sound", "Play")
    opened.poll(lambda: capture.seconds() > 1, what="it plays")
    press(opened, "sound", "Stop")
    stopped = capture.acted("click")
    opened.page.wait_for_timeout(500)
    opened.eventually("sound.state", "stopped")
    y, times = capture.heard()
    assert np.abs(y[:, times < stopped]).max() > 0.3
    return capture.silent_after(stopped)


def test_what_is_made_too_slowly_waits_and_says_so(opened):
    press(opened, "slow", "Play")
    expect(view(opened, "slow")).to_contain_text("Slower than real time here: 0.")
    opened.eventually("slow.underruns > 0", True)
    expect(view(opened, "slow")).to_contain_text(re.compile(r"buffering.*of 0\.60 s · [1-9]"))
    assert 0.3 < opened.value("slow.factor") < 0.55
    press(opened, "sound", "Play")  # one sound at a time
    opened.eventually("(slow.state, sound.state)", ["stopped", "playing"])
    press(opened, "sound", "Stop")


def test_a_sound_with_an_end_ends_without_an_underrun(opened):
    def play() -> Heard:
        capture = Capture(opened, SR, CELLS.index("short"))
        press(opened, "short", "Play")
        opened.eventually("short.state", "ended")
        opened.page.wait_for_timeout(200)  # until the last of it was captured
        return opened.value("short.underruns"), capture.heard()[0]

    underruns, y = without_a_gap(play)
    assert underruns == 0
    begin = beginning(y)
    heard = y[:, begin + SR // 4 : begin + 20_000]
    np.testing.assert_allclose(heard, sent()[:, SR // 4 : 20_000], atol=1e-4)
    assert np.abs(y[:, begin + 20_000 + SR // 50 :]).max(initial=0) < 1e-3
    expect(view(opened, "short").get_by_role("button", name="Play", exact=True)).to_be_enabled()


def test_an_error_is_said_in_the_view(opened):
    press(opened, "wrong", "Play")
    expect(view(opened, "wrong")).to_contain_text("it must be (2, samples)")
    opened.eventually("wrong.state", "failed")


def test_without_threads_blocks_are_made_when_the_browser_asks(opened):
    def play() -> Heard:
        capture = Capture(opened, SR, CELLS.index("pulled"))
        press(opened, "pulled", "Play")
        expect(view(opened, "pulled")).to_contain_text("on the browser's demand")
        opened.poll(lambda: capture.seconds() > 2, what="two seconds")
        opened.eventually("pulled.state", "playing")
        underruns, (y, _) = opened.value("pulled.underruns"), capture.heard()
        press(opened, "pulled", "Stop")
        opened.eventually("pulled.state", "stopped")
        return underruns, y

    _, y = without_a_gap(play)
    begin = beginning(y)
    heard = y[:, begin + SR // 4 : begin + SR]
    np.testing.assert_allclose(heard, sent()[:, SR // 4 : SR], atol=1e-4)


def test_keys_and_names_reach_every_control(opened):
    root = view(opened, "sound")
    cells = len(opened.cells())
    volume = root.get_by_role("slider", name="Volume")
    volume.focus()
    for key in ("Home", "a", "b", "ArrowRight"):
        opened.page.keyboard.press(key)
    opened.eventually("round(sound.volume, 2)", 0.01)
    assert len(opened.cells()) == cells
    root.get_by_role("button", name="Play", exact=True).press("Enter")
    opened.eventually("sound.state", "playing")
    root.get_by_role("button", name="Stop", exact=True).press("Enter")
    opened.eventually("sound.state", "stopped")
    expect(root.get_by_role("status").first).to_have_text("stopped")
    expect(root).to_have_attribute("aria-label", "Noise")


def test_pages_without_worklets_play_too(notebook, lab, opened):
    notebook.page.add_init_script(
        "Object.defineProperty(BaseAudioContext.prototype, 'audioWorklet', { value: undefined })"
    )
    notebook.open("live_sound/live_sound.ipynb").run_all()

    def play() -> Heard:
        press(notebook, "short", "Play")
        notebook.eventually("short.state", "ended")
        return notebook.value("short.underruns"), None

    assert without_a_gap(play) == (0, None)
    press(notebook, "sound", "Play")
    notebook.eventually("sound.state", "playing")
    press(notebook, "sound", "Stop")
    notebook.assert_clean()
