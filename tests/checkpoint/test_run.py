import threading

import pytest

from mimikit_nb.audio.locks import _lock
from mimikit_nb.checkpoint import Run
from mimikit_nb.errors import CheckpointError


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path)


def test_missing_folder_is_an_empty_run(tmp_path):
    run = Run(tmp_path / "none")
    assert not run.exists
    assert run.state == "empty"
    assert run.checkpoints == {}
    assert len(run.metrics) == 0
    assert not (tmp_path / "none").exists()


def test_checkpoints_are_listed_by_step_as_numbers(run):
    for step in (100_000_000, 20, 3):
        run.checkpoint_path(step).parent.mkdir(exist_ok=True)
        run.checkpoint_path(step).touch()
    (run.folder / "checkpoints" / "step_x.safetensors").touch()
    (run.folder / "checkpoints" / ".step_00000004.safetensors.1.part").touch()
    assert list(run.checkpoints) == [3, 20, 100_000_000]
    assert run.checkpoint_path(20).name == "step_00000020.safetensors"
    assert run.exists
    run.sweep()
    assert list(run.checkpoints) == [3, 20, 100_000_000]
    assert len(list((run.folder / "checkpoints").iterdir())) == 4


def test_keep_last_deletes_the_oldest(run):
    for step in (1, 2, 3):
        run.checkpoint_path(step).parent.mkdir(exist_ok=True)
        run.checkpoint_path(step).touch()
    assert run.keep_last(2) == [run.checkpoint_path(1)]
    assert list(run.checkpoints) == [2, 3]


def test_metrics_as_a_table(run):
    run.metrics_path.write_text("step,loss\n1,0.5\n2,0.25\n")
    assert run.metrics["loss"].tolist() == [0.5, 0.25]


def test_state_is_running_only_while_somebody_holds_it(run):
    with run.locked():
        run.set_state("running")
        assert Run(run.folder).state == "running"
        assert run.is_locked
    assert Run(run.folder).state == "interrupted"
    run.set_state("finished", "2000 steps")
    assert (run.state, run.message) == ("finished", "2000 steps")


def test_nobody_trains_in_a_folder_twice_at_once(run):
    with (
        run.locked(),
        pytest.raises(CheckpointError, match="being trained right now"),
        run.locked(),
    ):
        pass
    with run.locked():
        pass


def test_who_only_looks_stops_nobody_from_training(run):
    with run.locked():
        pass
    stop = threading.Event()

    def look():
        while not stop.is_set():
            _ = Run(run.folder).is_locked

    lookers = [threading.Thread(target=look) for _ in range(3)]
    for looker in lookers:
        looker.start()
    try:
        for _ in range(20):
            with run.locked():
                assert run.is_locked
    finally:
        stop.set()
        for looker in lookers:
            looker.join()


def test_two_who_look_do_not_see_each_other(run):
    with run.locked():
        pass
    path = run.folder / "lock"
    with path.open("w") as file:
        assert _lock(file.fileno(), path, is_shared=True)
        assert not run.is_locked


def test_log_adds_lines(run):
    run.log("one")
    run.log("two")
    lines = (run.folder / "log.txt").read_text().splitlines()
    assert [line.split("  ")[1] for line in lines] == ["one", "two"]
