"""The command line: what it prints, and its exit codes."""

import subprocess
import sys

import nbformat
import pytest

from mimikit_nb.audio.write import write
from mimikit_nb.cli import main
from tests.notebooks.toy import printed, write_notebook


def test_check_reports_what_can_be_used(tmp_path, tone, capsys):
    write(tmp_path / "good.wav", tone, 22050)
    (tmp_path / "bad.wav").write_text("no sound")
    assert main(["check", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "1 of 2 sound files accepted" in text and "bad.wav" in text


def test_check_says_by_its_exit_code_that_nothing_can_be_used(tmp_path, capsys):
    (tmp_path / "bad.wav").write_text("no sound")
    assert main(["check", str(tmp_path)]) == 1
    assert "0 of 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "nowhere"],
        ["run", "nothing_like_it"],
        ["run", "quickstart", "-p", "secnods", "3"],
        ["run", "quickstart", "-p", "seed", "many"],
    ],
)
def test_an_error_is_one_line_and_exit_code_2(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("mimikit-nb: ") and error.count("\n") == 1


def test_an_unknown_parameter_lists_the_known_ones(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    main(["run", "quickstart", "-p", "secnods", "3"])
    shown = capsys.readouterr()
    assert "Did you mean 'seconds'" in shown.err
    assert "seed: int = 0" in shown.out and "headless: bool = False" in shown.out
    assert not list(tmp_path.iterdir())


def test_run_executes_a_notebook_with_its_parameters(tmp_path, capsys):
    path = write_notebook(tmp_path / "toy.ipynb", "print(seconds, name, headless)")
    out = tmp_path / "out"
    arguments = ["run", str(path), "-p", "seconds", "-2", "-p", "name", "x y", "--out", str(out)]
    assert main(arguments) == 0
    shown = capsys.readouterr()
    assert shown.out.strip() == str(out / "toy.ipynb")
    assert "[2/2] Part 1" in shown.err
    assert printed(out / "toy.ipynb") == "-2.0 x y True\n"


def test_a_notebook_of_vs_code_runs_with_numbers_as_typed(tmp_path, capsys):
    path = write_notebook(tmp_path / "a.ipynb", "print(seed)", parameters="seed: int = 0  # seed")
    content = nbformat.read(path, as_version=4)
    content.metadata["kernelspec"] = {"name": "python3", "display_name": ".venv"}
    nbformat.write(content, path)
    assert main(["run", str(path), "-p", "seed", "010", "--out", str(tmp_path / "out")]) == 0
    assert printed(tmp_path / "out" / "a.ipynb") == "10\n"
    assert main(["run", str(path), "-p", "seed", "1:30", "--out", str(tmp_path / "out")]) == 2
    assert "Give times as one number" in capsys.readouterr().err


def test_notebooks_lists_all_with_their_parameters(capsys):
    assert main(["notebooks"]) == 0
    text = capsys.readouterr().out
    assert "21_train_sample_rnn" in text and "headless: bool = False" in text


def test_the_command_starts_light_and_without_traceback():
    code = (
        "import sys; from mimikit_nb.cli import main; code = main(['check', '/nowhere/at/all']);"
        "assert 'torch' not in sys.modules and 'papermill' not in sys.modules; sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr and "/nowhere/at/all" in done.stderr
