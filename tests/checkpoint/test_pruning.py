"""Deleting checkpoints, after asking."""

import pytest

from mimikit_nb.checkpoint import Run, prune
from mimikit_nb.errors import CheckpointError, ParameterError


@pytest.fixture
def run(make_file, tmp_path):
    run = Run(tmp_path)
    for step in (5, 10, 15):
        make_file(run.checkpoint_path(step), step=step)
    return run


def test_all_but_the_kept_are_deleted_after_asking(run):
    asked = []
    assert prune(run, [10], confirm=lambda paths: bool(asked.append(paths)) or True) == asked[0]
    assert [path.stem for path in asked[0]] == ["step_00000005", "step_00000015"]
    assert list(run.checkpoints) == [10]


def test_a_no_deletes_nothing(run):
    assert prune(run.folder, [10], confirm=lambda _: False) == []
    assert list(run.checkpoints) == [5, 10, 15]


def test_where_nobody_can_answer_nothing_is_deleted(run, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    monkeypatch.delitem(__import__("sys").modules, "ipykernel", raising=False)
    with pytest.raises(CheckpointError, match="confirm"):
        prune(run, [10])
    assert list(run.checkpoints) == [5, 10, 15]


@pytest.mark.parametrize("keep", [[], [7], [10, 11]])
def test_wrong_steps_are_refused(run, keep):
    with pytest.raises(ParameterError):
        prune(run, keep, confirm=lambda _: True)
    assert list(run.checkpoints) == [5, 10, 15]


def test_a_run_in_training_is_left_alone(run):
    with run.locked(), pytest.raises(CheckpointError, match="being trained"):
        prune(run, [10], confirm=lambda _: True)
    assert list(run.checkpoints) == [5, 10, 15]
