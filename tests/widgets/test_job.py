"""Work beside the notebook: threads that really run."""

import threading

import pytest

from mimikit_nb.widgets.job import Job

SOON = 30.0


def test_the_result_is_kept():
    job = Job(lambda progress: 42)
    assert not job.is_alive
    assert job.start()
    assert job.wait(SOON)
    assert job.result == 42
    assert job.error is None


def test_the_caller_goes_on_at_once_and_only_one_works():
    go = threading.Event()
    job = Job(lambda progress: go.wait(SOON))
    assert job.start()
    assert job.is_alive
    assert not job.start()
    go.set()
    assert job.wait(SOON)
    assert job.start()  # again, once it is over
    assert job.wait(SOON)


def test_an_exception_is_kept_and_painted():
    painted = threading.Event()
    job = Job(lambda progress: 1 / 0, lambda: job.error and painted.set())
    job.start()
    assert painted.wait(SOON)
    assert isinstance(job.error, ZeroDivisionError)
    assert "1 / 0" in job.details


def test_many_touches_are_few_paintings():
    n_painted = []

    def work(progress):
        for _ in range(100_000):
            job.touch()

    job = Job(work, lambda: n_painted.append(threading.current_thread().name), hz=5)
    job.start()
    assert job.wait(SOON)
    assert len(n_painted) < 100
    assert set(n_painted) <= {"job view"}


def test_the_last_state_is_painted():
    seen, done = [], threading.Event()

    def paint():
        seen.append(job.is_alive)
        if not job.is_alive:
            done.set()

    job = Job(lambda progress: None, paint)
    job.start()
    assert done.wait(SOON)
    assert seen[-1] is False


def test_a_view_that_fails_does_not_end_the_work():
    def paint():
        raise RuntimeError("no page")

    def work(progress):
        job.paint_now()
        return "done"

    job = Job(work, paint)
    job.start()
    assert job.wait(SOON)
    assert job.result == "done"
    assert "no page" in job.details


def test_in_the_foreground_everything_happens_in_this_thread():
    here = threading.current_thread()
    seen = []

    def work(progress):
        job.touch()
        return threading.current_thread()

    job = Job(work, lambda: seen.append(threading.current_thread()))
    job.start(foreground=True)
    assert job.result is here
    assert set(seen) == {here}
    assert not job.is_alive


def test_an_interrupt_in_the_foreground_ends_the_work():
    def work(progress):
        raise KeyboardInterrupt

    job = Job(work)
    job.start(foreground=True)
    assert isinstance(job.error, KeyboardInterrupt)


@pytest.mark.parametrize("foreground", [True, False])
def test_an_old_error_is_forgotten(foreground):
    fails = [True, False]
    job = Job(lambda progress: 1 / 0 if fails.pop(0) else "good")
    job.start()
    assert job.wait(SOON)
    job.start(foreground=foreground)
    assert job.wait(SOON)
    assert job.error is None
    assert job.result == "good"
