"""Grids of notebook runs: checked as a whole, each in a folder, one table, gone on with."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mimikit_nb as mnb
from mimikit_nb import cli, grids
from mimikit_nb.batch import Notebook
from mimikit_nb.errors import NotebookError, ParameterError
from tests.notebooks.toy import printed, write_notebook

CODE = """
import pathlib, time
log = pathlib.Path(out).parent / "begun.txt"
with log.open("a") as file: print(seconds, n_layers, file=file)
assert (seconds, n_layers) != (2.5, 3), "this one fails"
print(seconds, n_layers, levels, headless)"""


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    return write_notebook(tmp_path / "toy.ipynb", CODE)


def begun(out: Path) -> list[str]:
    return sorted((out / "begun.txt").read_text().splitlines())


def test_all_combinations_run_and_the_one_that_fails_stops_no_other(toy, tmp_path):
    out, heard = tmp_path / "grid", []
    grid = {"seconds": [1, 2.5], "n_layers": [2, 3], "levels": [[1.0]]}
    table = mnb.sweep(
        toy, grid, out, progress=lambda now: heard.append((now.done, now.total, now.words))
    )
    assert table.seconds.notna().all()
    assert list(zip(table["n_layers"], table["state"], strict=True)) == [
        (2, "finished"), (3, "finished"), (2, "finished"), (3, "failed"),
    ]  # fmt: skip
    assert "this one fails" in table.error[3] and not table.error[:3].any()
    assert table.folder.nunique() == 4
    assert table.folder[0].startswith("toy_seconds=1.0_n_layers=2_levels=_1.0")
    assert printed(Path(table.notebook[1])).strip() == "1.0 3 [1.0] True"
    assert [(over, total) for over, total, _ in heard] == [(i, 4) for i in (1, 2, 3, 4)]
    assert heard[-1][2] == f"{table.folder[3]}: failed"
    assert len(pd.read_csv(out / "sweep.csv")) == 4


def test_what_has_finished_is_not_run_again(toy, tmp_path):
    out = tmp_path / "grid"
    grid = {"seconds": [1, 2.5], "n_layers": [3]}
    first = mnb.sweep(toy, grid, out)
    assert begun(out) == ["1.0 3", "2.5 3"]
    heard = []
    wider = mnb.sweep(
        toy,
        {"seconds": [1, 2.5, 4], "n_layers": [3]},
        out,
        progress=lambda now: heard.append((now.done, now.total, now.words)),
    )
    assert [over for over, *_ in heard] == [2, 3]
    assert begun(out) == ["1.0 3", "2.5 3", "2.5 3", "4.0 3"]  # what failed is tried again
    assert list(wider.state) == ["finished", "failed", "finished"]
    pd.testing.assert_frame_equal(wider[:1], first[:1])


@pytest.mark.parametrize(
    "values", [["01", "1e1"], np.array([1, 10]), pd.Series([1, 10]), range(1, 11, 9), (1, 10.0)]
)
def test_values_of_a_grid_are_read_like_those_of_a_run(toy, tmp_path, values):
    combinations = grids.combine(Notebook.read(toy), {"n_layers": values}, tmp_path)
    assert [combination.values for combination in combinations] == [
        {"n_layers": 1}, {"n_layers": 10}
    ]  # fmt: skip
    assert [c.folder.name for c in combinations] == ["toy_n_layers=1", "toy_n_layers=10"]


@pytest.mark.parametrize(
    ("grid", "error", "text"),
    [
        ({"second": [1]}, NotebookError, "no parameter 'second'"),
        ({"n_layers": [1, "many"]}, NotebookError, "declared int"),
        ({"n_layers": []}, ParameterError, "at least one value"),
        ({}, ParameterError, "at least one value"),
        ({"out": ["a", "b"]}, ParameterError, "folder of its own"),
    ],
)
def test_nothing_begins_if_one_combination_is_wrong(toy, tmp_path, grid, error, text):
    with pytest.raises(error, match=text):
        mnb.sweep(toy, grid, tmp_path / "grid")
    assert not (tmp_path / "grid").exists()


def test_folders_are_named_after_what_varies_and_differ(toy):
    notebook = Notebook.read(toy)
    names = ["a/b", "a b", "a:b", 100 * "x", 101 * "x", "ä"]
    found = grids.combine(notebook, {"name": names}, Path("out"))
    folders = [combination.folder.name for combination in found]
    assert len(set(folders)) == len(names)
    assert all(len(f) < 100 and "/" not in f for f in folders)
    assert folders[-1] == "toy_name=ä"


def test_a_table_of_something_else_is_left_alone(toy, tmp_path):
    (tmp_path / "sweep.csv").write_text("mine,too\n1,2\n")
    with pytest.raises(NotebookError, match="no table of a sweep"):
        mnb.sweep(toy, {"seconds": [1]}, tmp_path)
    assert (tmp_path / "sweep.csv").read_text() == "mine,too\n1,2\n"


def test_the_losses_of_a_training_stand_in_the_table(tmp_path):
    code = """
import mimikit_nb as mnb
mnb.train(mnb.demo_corpus(), "sample_rnn/tiny", f"{out}/run_001", frame_sizes=(8, 4, 4),
          seed=n_layers, hidden_dim=8, batch_size=2, chunk_steps=32, max_steps=4,
          held_out_every_steps=2, log_every_steps=1, preview_every_steps=0, device="cpu")"""
    toy = write_notebook(tmp_path / "toy.ipynb", code)
    (row,) = mnb.sweep(toy, {"n_layers": [1]}, tmp_path / "grid").itertuples()
    metrics = pd.read_csv(tmp_path / "grid" / row.folder / "run_001" / "metrics.csv")
    assert row.loss == metrics.loss.iloc[-1]
    assert row.held_out_loss == metrics.held_out_loss.min()


def test_two_processes_share_the_work_and_one_that_dies_is_a_failed_run(tmp_path):
    code = (
        CODE
        + """
import os, signal
if seconds == 3.0: os.kill(os.getppid(), signal.SIGKILL)  # the worker whose kernel this is"""
    )
    toy = write_notebook(tmp_path / "toy.ipynb", code)
    table = mnb.sweep(toy, {"seconds": [3, 1, 2]}, tmp_path / "grid", scheduler=2)
    assert list(table.state) == ["failed", "finished", "finished"]
    assert "KilledWorker" in table.error[0]
    assert len(begun(tmp_path / "grid")) == 3  # what kills isn't tried again


def test_no_scheduler_and_no_process_are_errors(toy, tmp_path, monkeypatch):
    monkeypatch.setattr(grids, "ANSWER_SECONDS", 0.5)
    with pytest.raises(ParameterError, match="No Dask scheduler answers"):
        mnb.sweep(toy, {"seconds": [1]}, tmp_path, scheduler="tcp://127.0.0.1:1")
    with pytest.raises(ParameterError, match="scheduler must be a whole number from 1"):
        mnb.sweep(toy, {"seconds": [1]}, tmp_path, scheduler=0)


def test_an_interrupted_sweep_goes_on_where_it_was(tmp_path, capsys):
    """Ctrl-C in the second of two; the same command again runs only that one."""
    go = tmp_path / "go"
    slow = f"{CODE}\nif n_layers == 2 and not pathlib.Path({str(go)!r}).exists(): time.sleep(60)"
    toy = write_notebook(tmp_path / "toy.ipynb", slow)
    arguments = ["sweep", str(toy), "-p", "n_layers", "1", "2"]
    arguments += ["--out", str(tmp_path / "grid")]
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    main = f"{heed}; from mimikit_nb.cli import main; raise SystemExit(main())"
    command = [sys.executable, "-c", main, *arguments]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    log, end = tmp_path / "grid" / "begun.txt", time.monotonic() + 60
    while not (log.exists() and len(log.read_text().splitlines()) == 2):
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(60) == 130
    go.touch()
    assert cli.main(arguments) == 0
    assert begun(tmp_path / "grid") == ["1.5 1", "1.5 2", "1.5 2"]
    assert "finished" in capsys.readouterr().out


def test_the_command_says_by_its_exit_code_that_one_failed(toy, tmp_path, capsys):
    arguments = ["sweep", str(toy), "-p", "seconds", "2.5", "-p", "n_layers", "3"]
    assert cli.main([*arguments, "--out", str(tmp_path / "grid")]) == 1
    said = capsys.readouterr()
    assert "this one fails" in said.out
    assert said.err.splitlines()[-1] == "[1/1] toy_seconds=2.5_n_layers=3: failed"
