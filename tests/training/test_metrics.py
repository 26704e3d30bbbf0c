import math

import pytest

from mimikit_nb.training.metrics import MetricsFile


@pytest.fixture
def metrics(tmp_path):
    file = MetricsFile(tmp_path / "metrics.csv", ["step", "loss", "held_out_loss"])
    for step in (2, 4, 6):
        file.append({"step": step, "loss": math.pi * step})
    return file


def test_numbers_read_back_as_they_were(metrics):
    rows = [line.split(",") for line in metrics.path.read_text().splitlines()]
    assert rows[0] == ["step", "loss", "held_out_loss"]
    assert [float(row[1]) for row in rows[1:]] == [math.pi * step for step in (2, 4, 6)]
    assert rows[1][2] == ""


def test_cut_removes_later_rows(metrics):
    before = metrics.path.read_text().splitlines()
    assert metrics.cut(4) == 1
    assert metrics.path.read_text().splitlines() == before[:3]
    assert metrics.cut(4) == 0
    assert metrics.cut(0) == 2
    assert metrics.path.read_text() == before[0] + "\n"


@pytest.mark.parametrize("length", [1, 3, 9, 15, 22])
def test_a_row_that_was_cut_off_is_removed(metrics, length):
    text = metrics.path.read_bytes()
    metrics.path.write_bytes(text + b"8,25.132741228718345,"[:length])
    metrics.cut(100)
    assert metrics.path.read_bytes() == text


def test_a_header_that_was_cut_off_is_written_again(metrics):
    metrics.path.write_text("step,lo")
    metrics.cut(100)
    assert metrics.path.read_text() == "step,loss,held_out_loss\n"


def test_no_file_is_no_row(tmp_path):
    metrics = MetricsFile(tmp_path / "metrics.csv", ["step"])
    assert metrics.cut(3) == 0
    metrics.sync()
    assert not metrics.path.exists()
