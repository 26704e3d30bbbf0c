"""Progress and tasks: told by who works, halted and ended by who watches."""

from __future__ import annotations

import math
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimikit_nb.progress import Progress, Stopped, Task

# -- progress --------------------------------------------------------------------------------------


def test_a_listener_hears_everything_that_is_told() -> None:
    heard: list[tuple[float, str]] = []
    progress = Progress(lambda now: heard.append((now.share, now.words)))
    progress.tell(1, 4, "one")
    progress.tell(2, 4)
    progress.tell(0, 0, "nothing to do")
    assert heard == [(0.25, "one"), (0.5, "one"), (1.0, "nothing to do")]
    assert str(progress) == "100% nothing to do"


def test_work_without_an_end_has_no_share_and_no_time_left() -> None:
    progress = Progress()
    progress.tell(100.0, math.inf)
    assert progress.share == 0.0 and progress.seconds_left == math.inf


def test_what_a_listener_raises_ends_the_work() -> None:
    def refuse(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Progress(refuse).tell(0.5)


def test_cancelled_work_is_stopped_when_it_tells_how_far_it_is() -> None:
    progress = Progress()
    progress.cancel("enough")
    progress.note(0.5)
    assert progress.share == 0.5
    with pytest.raises(Stopped, match="enough"):
        progress.tell(0.6)
    with pytest.raises(Stopped, match="enough"):
        progress.part(0.0, 0.5).tell(0.1)


@given(
    nested=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted), max_size=4),
    shares=st.lists(st.floats(0, 1), min_size=1).map(sorted),
)
def test_parts_of_parts_lie_within_them_and_never_go_back(nested, shares) -> None:
    heard: list[float] = []
    part = whole = Progress(lambda now: heard.append(now.share))
    low, high = 0.0, 1.0
    for first, last in nested:
        part = part.part(first, last)
        low, high = low + (high - low) * first, low + (high - low) * last
    for share in shares:
        part.tell(share)
    assert heard == sorted(heard) and len(heard) == len(shares)
    assert low - 1e-9 <= heard[0] and heard[-1] <= high + 1e-9
    assert whole.share == heard[-1]


def test_words_of_a_part_are_its_own_or_those_it_was_given() -> None:
    whole = Progress()
    part = whole.part(0.0, 0.5, "the first half")
    part.tell(0.1)
    assert whole.words == "the first half"
    part.tell(0.2, words="a detail")
    assert whole.words == "a detail"


def test_a_function_or_nothing_can_stand_for_a_progress() -> None:
    progress, heard = Progress(), list[Progress]()
    assert Progress.of(progress) is progress
    Progress.of(heard.append).tell(0.5)
    Progress.of(None).tell(0.5)
    assert [now.share for now in heard] == [0.5]


def test_a_pause_costs_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    progress = Progress()
    now = 10.0
    progress.note(1, 4)
    assert progress.seconds_left == 30.0
    with progress.holding():
        assert progress.is_held
        now = 1000.0
    assert not progress.is_held and progress.seconds_left == 30.0


# -- tasks -----------------------------------------------------------------------------------------


class Steps:
    """Work of many steps, each of which waits until it is allowed."""

    def __init__(self) -> None:
        self.allowed = threading.Semaphore(0)
        self.told: list[float] = []

    def __call__(self, progress: Progress) -> str:
        for i in range(1, 5):
            self.allowed.acquire(timeout=10)
            progress.tell(i, 4, f"step {i}")
            self.told.append(progress.share)
        return "done"


def until(condition) -> None:
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it didn't come about in ten seconds")


def test_a_task_goes_from_ready_to_finished_and_can_be_begun_again() -> None:
    steps = Steps()
    task = Task(steps)
    assert task.state == "ready" and not task.is_alive
    for _ in range(2):
        steps.told.clear()
        assert task.start()
        assert task.state == "running" and not task.start()
        steps.allowed.release(4)
        assert task.wait(10)
        assert task.state == "finished" and task.result == "done" and task.error is None
        assert steps.told == [0.25, 0.5, 0.75, 1.0]


def test_a_paused_task_halts_until_it_is_resumed() -> None:
    steps = Steps()
    task = Task(steps)
    task.start()
    task.pause()
    assert task.state == "pausing"
    steps.allowed.release(4)
    until(lambda: task.state == "paused")
    assert steps.told == [] and task.progress.share == 0.25
    task.resume()
    assert task.wait(10) and task.state == "finished" and len(steps.told) == 4


@pytest.mark.parametrize("is_paused", [False, True])
def test_a_stopped_task_ends_and_has_no_result(is_paused: bool) -> None:
    steps = Steps()
    task = Task(steps)
    task.start()
    if is_paused:
        task.pause()
        steps.allowed.release(1)
        until(lambda: task.state == "paused")
    task.stop()
    steps.allowed.release(4)
    assert task.wait(10)
    assert task.state == "stopped" and task.result is None and task.error is None


def test_work_that_ends_early_by_itself_keeps_what_it_has() -> None:
    def work(progress: Progress) -> str:
        try:
            progress.tell(0.5)
        except Stopped:
            return "half of it"
        raise AssertionError

    task = Task(work, kind=cancelled_from_the_beginning)
    task.start(foreground=True)
    assert task.state == "stopped" and task.result == "half of it"


def cancelled_from_the_beginning(listener) -> Progress:
    progress = Progress(listener)
    progress.cancel()
    return progress


@pytest.mark.parametrize(
    ("error", "state"), [(ValueError("no"), "failed"), (KeyboardInterrupt(), "stopped")]
)
def test_what_ended_a_task_is_kept(error: BaseException, state: str) -> None:
    def work(progress: Progress) -> None:
        raise error

    task = Task(work)
    task.start(foreground=True)
    assert task.state == state and task.error is error and "raise error" in task.details


def test_all_listeners_hear_of_steps_pauses_and_the_end() -> None:
    task = Task(lambda progress: progress.tell(0.5, 1.0, "half"))
    first, second = list[tuple[str, str]](), list[str]()
    task.listen(lambda: first.append((task.state, task.progress.words)))
    forget = task.listen(lambda: second.append(task.state))
    task.start(foreground=True)
    assert first == [("running", ""), ("running", "half"), ("finished", "half")]
    assert second == ["running", "running", "finished"]
    forget()
    task.start(foreground=True)
    assert len(first) == 6 and len(second) == 3


def test_a_listener_that_fails_does_not_end_the_work_and_hears_the_rest() -> None:
    def fail() -> None:
        called.append(1)
        raise ValueError("a view that is gone")

    called = list[int]()
    task = Task(lambda progress: progress.tell(0.5) or "done")
    task.listen(fail)
    task.start(foreground=True)
    assert task.result == "done" and called == [1, 1, 1] and "a view that is gone" in task.details


def test_a_finished_task_is_all_done_and_a_stopped_one_is_as_far_as_it_came() -> None:
    finished, stopped = Task(lambda progress: progress.tell(0.5)), Task(stopped_by_itself)
    for task in (finished, stopped):
        task.start(foreground=True)
    assert (finished.state, finished.share) == ("finished", 1.0)
    assert (stopped.state, stopped.share) == ("stopped", 0.5)


def stopped_by_itself(progress: Progress) -> None:
    progress.note(0.5)
    progress.cancel()
    progress.tell(0.5)
