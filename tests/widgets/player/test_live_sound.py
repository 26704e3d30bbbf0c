"""Blocks for the browser: how many are made ahead, how fast that is, and what ends it."""

import time

import numpy as np
import pytest
from IPython.core.events import EventManager, available_events

from mimikit_nb.errors import ParameterError
from mimikit_nb.widgets.cells import Cells
from mimikit_nb.widgets.player import live_sound
from mimikit_nb.widgets.player.live_sound import LiveSound
from mimikit_nb.widgets.player.play_clock import PlayClock
from tests.widgets.page import send

SR = 8000
SOON = 20.0
AHEAD = live_sound.AHEAD_SECONDS


class Browser:
    """The page's half: notes what it was sent, and reports what it is told to."""

    def __init__(self, blocks, **options) -> None:
        self.sound = LiveSound(blocks, SR, **options)
        self.sent: list[tuple[dict, list]] = []
        self.sound.send = lambda message, buffers=None: self.sent.append((message, buffers or []))

    def orders(self, kind: str) -> list[dict]:
        return [message for message, _ in self.sent if message["type"] == kind]

    def samples(self) -> np.ndarray:
        parts = [np.frombuffer(b[0], np.float32) for m, b in self.sent if m["type"] == "block"]
        return np.concatenate(parts)

    def report(self, played: int, starts: int = 1, **facts) -> None:
        said = {"sounding": True, "done": False, "underruns": 0, **facts}
        run = self.orders("begin")[-1]["run"]
        self.tell({"type": "report", "run": run, "played": played, "starts": starts, **said})

    def tell(self, message: dict) -> None:
        send(self.sound, message)


def until(condition) -> None:
    end = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def silence(n: int = 400):
    while True:
        yield np.zeros((1, n))


def test_no_more_is_made_than_waits_to_be_heard():
    page = Browser(silence, foreground=True)
    page.tell({"type": "play", "press": 3})
    assert page.orders("begin")[0]["press"] == 3
    page.report(0, 0, sounding=False)
    assert page.sound.state == "buffering"
    threshold = page.orders("begin")[0]["threshold"]
    assert threshold == round(AHEAD * SR)
    first = len(page.samples())
    assert threshold <= first < threshold + 400
    page.report(0, 0, sounding=False)
    assert len(page.samples()) == first  # nothing was played, nothing is wanted
    page.report(900)
    assert page.sound.state == "playing"
    assert threshold + 900 <= len(page.samples()) < threshold + 0.1 * SR + 900


def test_a_thread_makes_them_beside_the_notebook_and_stop_ends_it():
    page = Browser(silence, foreground=False)
    page.sound.play()
    until(lambda: page.sound.buffered_seconds >= AHEAD)
    page.report(0)
    until(lambda: len(page.samples()) >= 2 * AHEAD * SR)  # by the clock, without another report
    page.tell({"type": "stop"})
    assert page.sound.state == "stopped"
    assert page.orders("stop")
    made = len(page.samples())
    page.report(made)  # what comes too late changes nothing
    assert page.sound.state == "stopped"


def test_samples_arrive_as_they_were_made_and_silly_ones_as_silence():
    blocks = [np.array([0.5, np.nan, np.inf]), np.array([[0.25, -0.25]])]
    page = Browser(lambda: blocks, foreground=True)
    page.sound.play()
    page.report(0, 0, sounding=False)
    assert page.samples().tolist() == [0.5, 0, 1, 0.25, -0.25]
    assert page.orders("finish")
    page.report(5, done=True)
    assert page.sound.state == "ended"


def test_gaps_are_counted_and_let_more_wait():
    page = Browser(silence, foreground=True)
    page.sound.play()
    page.report(0, 0, sounding=False)
    page.report(2400, underruns=1, sounding=False)
    assert page.sound.underruns == 1
    assert page.orders("threshold")[-1]["threshold"] == pytest.approx((AHEAD + 0.05) * SR)
    for count in range(2, 9):
        page.report(2400, underruns=count, sounding=False)
    assert page.orders("threshold")[-1]["threshold"] == pytest.approx(0.35 * SR)


def test_what_is_made_slowly_waits_longer_and_says_how_slow_it_is(monkeypatch):
    monkeypatch.setattr(live_sound, "MOST_AT_ONCE_SECONDS", 60.0)

    def slowly():
        for block in silence():
            time.sleep(0.1)
            yield block

    page = Browser(slowly, foreground=True)
    monkeypatch.setattr(live_sound, "SLOW_AHEAD_SECONDS", 0.5)
    page.sound.play()
    page.report(0, 0, sounding=False)
    assert page.orders("threshold")[-1]["threshold"] == 0.5 * SR
    assert 0.2 < page.sound.factor < 0.55
    assert "Slower than real time here: 0." in page.sound.message


def test_an_error_ends_it_in_words():
    page = Browser(lambda: iter([np.zeros((3, 10))]), foreground=True)
    page.sound.play()
    page.report(0, 0, sounding=False)
    assert page.sound.state == "failed"
    assert "it must be (1, samples)" in page.sound.message
    page.sound.play()
    assert page.sound.message == live_sound.ON_DEMAND


def test_a_page_that_was_closed_is_noticed(monkeypatch):
    monkeypatch.setattr(live_sound, "GONE_SECONDS", 0.1)
    page = Browser(silence, foreground=False)
    page.sound.play()
    until(lambda: page.sound.state == "stopped")
    assert "silent for" in page.sound.message
    assert len(page.samples()) <= (AHEAD + 0.1) * SR


class Shell:
    """The kernel's shell, as far as cells are watched: it executes cells and widgets' messages."""

    def __init__(self, message: str) -> None:
        self.events = EventManager(None, available_events)
        self.kernel = self
        self.executes(message)

    def executes(self, message: str) -> None:
        self.message = message

    def get_parent(self) -> dict:
        return {"header": {"msg_type": self.message}}

    def tell(self, event: str, message: str) -> None:
        before = self.message
        self.executes(message)
        self.events.trigger(event)
        self.executes(before)


@pytest.fixture
def shell(monkeypatch):
    """A kernel's shell that is watched, and pages that are gone after half a second."""
    made = Shell("comm_msg")
    cells = Cells(made)
    monkeypatch.setattr(live_sound, "GONE_SECONDS", 0.5)
    monkeypatch.setattr(live_sound, "watch_cells", lambda: cells)
    return made


def test_a_page_is_not_gone_while_a_cell_runs(shell):
    """Its reports wait until the kernel has time for them."""
    page = Browser(silence, foreground=False)
    shell.tell("pre_execute", "execute_request")
    page.sound.play()
    time.sleep(0.5)
    shell.tell("pre_execute", "comm_msg")  # another widget is heard meanwhile
    shell.tell("post_execute", "comm_msg")
    time.sleep(1.0)
    assert page.sound.is_on
    ended = time.monotonic()
    shell.tell("post_execute", "execute_request")
    until(lambda: page.sound.state == "stopped")
    assert time.monotonic() - ended > 0.5


def test_other_widgets_do_not_keep_a_sound_that_nobody_hears(shell):
    page = Browser(silence, foreground=False)
    page.sound.play()

    def is_stopped() -> bool:
        shell.tell("pre_execute", "comm_msg")
        shell.tell("post_execute", "comm_msg")
        return page.sound.state == "stopped"

    until(is_stopped)


def test_what_a_cell_makes_knows_that_the_cell_runs():
    assert Cells(Shell("execute_request")).idle_since > 0
    assert Cells(Shell("comm_msg")).idle_since == -np.inf
    assert Cells(None).idle_since == -np.inf


def test_a_stop_of_a_sound_before_does_not_stop_this_one():
    page = Browser(silence, foreground=True)
    page.sound.play()
    page.sound.play()
    earlier, now = (order["run"] for order in page.orders("begin"))
    page.tell({"type": "stop", "run": earlier})
    assert page.sound.is_on
    page.tell({"type": "stop", "run": now})
    assert page.sound.state == "stopped"


def test_more_than_a_server_passes_on_is_refused():
    with pytest.raises(ParameterError, match="mix them to fewer"):
        LiveSound(silence, 44100, 8)


def test_the_clock_believes_the_report_that_came_soonest():
    clock = PlayClock(1000)
    assert clock.played(5.0, 100) == 0
    clock.report(0, 1, True, now=10.00)
    clock.report(1000, 1, True, now=11.30)  # 300 ms late
    assert clock.played(12.0, 10_000) == 2000
    assert clock.played(12.0, 1500) == 1500  # not more than there is
    clock.report(1900, 2, True, now=13.0)  # after a gap nothing else counts
    assert clock.played(13.5, 10_000) == 2400
    clock.report(2400, 2, False, now=14.0)
    assert clock.played(20.0, 10_000) == 2400
