"""Live play in JupyterLab: a trained network is heard while it is made, and obeys at once."""

import os
import re

import numpy as np
import pytest
from playwright.sync_api import expect

import mimikit_nb as mnb
from mimikit_nb.audio.demo import demo_music
from mimikit_nb.audio.files import load
from mimikit_nb.audio.write import write
from tests.browser.capture import Capture
from tests.browser.lab import write_notebook

SR = 16000
RUN = os.environ.get("MIMIKIT_NB_LIVE_RUN", "")  # a run to play for a minute, instead of a tiny one
CELL = """
import mimikit_nb as mnb
app = mnb.live("run", "corpus.h5", prompt=[1.0, 4.0], prompt_seconds=0.5, out="kept")
app.run()
"""
PULLED = CELL.replace("out=", "foreground=True, out=")
HEAP = """async () => { const { usedJSHeapSize } = performance.memory; return usedJSHeapSize; }"""


def train(folder, max_steps: int):
    folder.mkdir(exist_ok=True)
    write(folder / "music.wav", demo_music(SR, seconds=20.0), SR)
    corpus = mnb.build_corpus(folder / "music.wav", folder / "corpus.h5", SR)
    settings = {"hidden_dim": 32, "max_steps": max_steps, "preview_every_steps": 0}
    mnb.train(corpus, "sample_rnn/tiny", folder / "run", **settings, device="cpu")


@pytest.fixture(scope="module")
def folder(lab):
    made = lab.root / "live"
    train(made, max_steps=120)
    write_notebook(made / "live.ipynb", CELL)
    write_notebook(made / "pulled.ipynb", PULLED)
    return made


@pytest.fixture
def page(notebook, folder):
    notebook.open("live/live.ipynb").run_all()
    yield notebook
    notebook.assert_clean()


def is_in(part: np.ndarray, y: np.ndarray) -> bool:
    """Whether a piece of sound is somewhere in another."""
    starts = np.flatnonzero(np.abs(y[: 1 - len(part)] - part[0]) < 1e-3)
    starts = [s for s in starts if np.abs(y[s : s + 100] - part[:100]).max() < 1e-3]
    return any(np.abs(y[s : s + len(part)] - part).max() < 1e-3 for s in starts)


def press(notebook, name: str) -> None:
    notebook.page.locator(".mnb-view").get_by_role("button", name=name, exact=True).click()


def roughness(y: np.ndarray, seconds: float = 0.02) -> np.ndarray:
    """Loudness of the differences from sample to sample, in windows."""
    n = round(seconds * SR)
    differences = np.diff(y[0])
    differences = differences[: len(differences) // n * n]
    return np.sqrt((differences.reshape(-1, n) ** 2).mean(1))


def test_a_trained_network_plays_and_obeys_within_half_a_second(page, screenshots):
    capture = Capture(page, SR)
    press(page, "Play")
    page.eventually("app.sound.state", "playing")
    page.poll(lambda: capture.seconds() > 2, what="two seconds")
    page.page.locator(".mnb-view").screenshot(path=screenshots / "live.png")
    delays = [delay_of_a_new_temperature(page, capture)]
    while min(delays) >= 0.5 and len(delays) < 3:  # on a machine that is busy with other things
        delays.append(delay_of_a_new_temperature(page, capture))
    assert min(delays) < 0.5
    assert np.abs(capture.heard()[0]).max() > 0.05  # it wasn't silent
    delays = [delay_of_stop(page, capture)]
    while min(delays) >= 0.2 and len(delays) < 3:
        captured = capture.seconds()
        press(page, "Play")
        page.poll(lambda n=captured: capture.seconds() > n + 2, what="two more seconds")
        delays.append(delay_of_stop(page, capture))
    assert min(delays) < 0.2


def delay_of_stop(page, capture: Capture) -> float:
    """Seconds from the press on Stop until nothing leaves the page any more."""
    press(page, "Stop")
    page.page.wait_for_timeout(500)
    page.eventually("app.sound.state", "stopped")
    return capture.silent_after(capture.acted("click"))


def delay_of_a_new_temperature(page, capture: Capture) -> float:
    """Seconds from moving the slider to 0 until the sound that left the page had changed."""
    field = page.page.get_by_label("temperature", exact=True)
    field.fill("1")
    field.press("Tab")
    page.eventually("app.value.temperature", 1.0)
    begun = capture.now()
    page.poll(lambda: capture.heard()[1][-1] > begun + 2, what="the old temperature is heard")
    page.page.get_by_role("slider", name="temperature slider").press("Home")
    page.eventually("app.value.temperature", 0.0)
    moved = capture.acted("input")
    page.poll(lambda: capture.heard()[1][-1] > moved + 1.5, what="what follows is heard")
    y, times = capture.heard()
    n = round(0.02 * SR)
    rough, when = roughness(y), times[:-1][n // 2 :: n]
    when = when[: len(rough)]
    before = np.median(rough[(when > moved - 1) & (when < moved)])
    after = np.median(rough[when > moved + 0.7])
    print(f"roughness {before:.4f} before, {after:.4f} after", end=", ")
    assert after < 0.5 * before  # the likeliest is smoother than a draw
    smooth = (rough < (before * after) ** 0.5) & (when > moved)
    found = when[smooth & np.roll(smooth, -1)]  # for two windows: silence between isn't it
    print(f"found {found[0] - moved:.3f} s after the slider moved")
    return found[0] - moved


def test_voices_are_muted_frozen_reprompted_and_kept(page, folder, screenshots):
    capture = Capture(page, SR)
    press(page, "Play")
    page.poll(lambda: capture.seconds() > 1, what="it plays")
    press(page, "Freeze")
    page.eventually("app.play.is_frozen", True)
    frozen = capture.seconds()
    page.poll(lambda: capture.seconds() > frozen + 2, what="it goes round")
    y, half = capture.heard()[0][0][-2 * SR :], SR // 2
    apart = [np.abs(y[i : i + half] - y[i + half : i + SR]).max() for i in range(0, SR, 200)]
    assert min(apart) < 1e-4 and y.std() > 0.01  # the same again, half a second later
    press(page, "Release")
    did = "[c['did'] for c in app.play._changes if 'did' in c]"
    press(page, "Re-prompt from here")
    page.eventually(did, ["re-prompt"])
    page.eventually("app.panel.reader.is_alive", False)
    press(page, "From the prompts")
    page.eventually(did, ["re-prompt", "from the prompts"])
    page.page.get_by_label("seconds", exact=True).fill("2")
    page.page.get_by_label("seconds", exact=True).press("Tab")
    press(page, "Keep the last")
    page.eventually("len(app.kept)", 1)
    path = folder / page.value("str(app.kept[0])")
    kept = load(path, None)[0]
    page.poll(lambda: capture.seconds() > 5, what="what was kept is heard")
    y = np.clip(capture.heard()[0][0], -1, 1)
    parts = kept.reshape(8, -1)  # a gap, on a busy machine, is in one of them
    assert sum(is_in(part, y) for part in parts) > 4  # the file holds what left the loudspeakers
    recall = mnb.read_recall(path)
    assert [voice["prompt"]["position_seconds"] for voice in recall["voices"]] == [1.0, 4.0]
    assert len(kept) == recall["to_sample"] - recall["from_sample"] == 2 * SR
    expect(page.page.locator(".mnb-view .mnb-waveform")).to_have_attribute("data-ready", "true")
    page.page.locator(".mnb-view").screenshot(path=screenshots / "live_kept.png")
    page.page.get_by_role("slider", name=re.compile("Level of voice 2")).press("Home")
    delays = [delay_of_mute(page, capture)]
    while min(delays) >= 0.5 and len(delays) < 3:
        press(page, "Mute 1")  # it is a toggle
        unmuted = capture.acted("click")
        page.poll(lambda t=unmuted: capture.heard()[1][-1] > t + 2, what="it is heard again")
        delays.append(delay_of_mute(page, capture))
    assert min(delays) < 0.5
    page.eventually("app.sound.state", "playing")
    press(page, "Stop")


def delay_of_mute(page, capture: Capture) -> float:
    """Seconds from the press on Mute until the only voice that is heard isn't any more."""
    press(page, "Mute 1")
    muted = capture.acted("click")
    page.poll(lambda: capture.heard()[1][-1] > muted + 1.5, what="what follows is heard")
    delay = capture.silent_after(muted)
    assert delay < 1.4  # not just until the end of what was captured
    return delay


def test_without_threads_it_plays_in_the_foreground_and_says_so(notebook, folder):
    notebook.open("live/pulled.ipynb").run_all()
    capture = Capture(notebook, SR)
    press(notebook, "Play")
    expect(notebook.page.locator(".mnb-live")).to_contain_text("Made on the browser's demand")
    notebook.poll(lambda: capture.seconds() > 2, what="two seconds")
    assert np.abs(capture.heard()[0]).max() > 0.05
    slider = notebook.page.get_by_role("slider", name="temperature slider")
    slider.press("Home")
    notebook.eventually("app.value.temperature", 0.0)
    press(notebook, "Stop")
    notebook.eventually("app.sound.state", "stopped")
    notebook.assert_clean()


@pytest.mark.long
def test_a_minute_without_an_underrun_and_in_flat_memory(notebook, lab):
    """On two cores; ``MIMIKIT_NB_LIVE_RUN`` names a run to play instead of a tiny one."""
    made = lab.root / "minute"
    if not RUN:
        train(made, max_steps=300)
    made.mkdir(exist_ok=True)
    cell = (
        f"import mimikit_nb as mnb\napp = mnb.live({RUN or 'run'!r}, prompt_seconds=1.0)\napp.run()"
    )
    write_notebook(made / "minute.ipynb", cell)
    notebook.open("minute/minute.ipynb").run_all()
    devtools = notebook.page.context.new_cdp_session(notebook.page)
    pages = (
        "int(open('/proc/self/statm').read().split()[1]) * __import__('os').sysconf('SC_PAGESIZE')"
    )

    def measured() -> tuple[int, int]:
        devtools.send("HeapProfiler.collectGarbage")
        return notebook.value(pages), notebook.page.evaluate(HEAP)

    def play(seconds: int) -> int:
        """Underruns after the first second; nothing else is asked of the page meanwhile."""
        press(notebook, "Play")
        notebook.eventually("app.sound.state", "playing")
        notebook.page.wait_for_timeout(1000)
        first = notebook.value("app.sound.underruns")
        notebook.page.wait_for_timeout(1000 * seconds)
        facts = "[app.sound.underruns, app.sound.factor, app.sound.buffered_seconds]"
        underruns, factor, buffered = notebook.value(facts)
        print(f"{seconds} s: {underruns} underruns, {first} of them in the first second", end=", ")
        print(f"made {factor:.2f} times as fast as heard, {buffered:.2f} s ahead")
        press(notebook, "Stop")
        notebook.eventually("app.sound.state", "stopped")
        return underruns - first

    play(3)
    before = measured()
    underruns = play(60)
    after = measured()  # collecting garbage halts the page, so it isn't done while it plays
    for name, a, b in zip(("kernel's RSS", "page's heap"), before, after, strict=True):
        print(f"{name}: {a / 1e6:.1f} MB before, {b / 1e6:.1f} MB after")
    assert underruns == 0
    assert after[0] - before[0] < 3e6
    assert after[1] - before[1] < 3e6
