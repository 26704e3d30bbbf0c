"""Notebooks run headless: parameters checked, copies kept, failures in words."""

import itertools
import re
import shutil
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path, PureWindowsPath

import nbformat
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell

from mimikit_nb import batch
from mimikit_nb.batch import Notebook, Parameter, find_notebook, find_notebooks, run_notebook
from mimikit_nb.errors import NotebookError
from tests.notebooks.toy import printed, write_notebook


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    return write_notebook(
        tmp_path / "toy.ipynb", "print(seconds, name, n_layers, levels, headless)"
    )


def test_parameters_are_read_with_type_default_and_help(toy):
    parameters = Notebook.read(toy).parameters
    assert list(parameters) == [
        "seconds", "name", "n_layers", "levels", "max_steps", "out", "headless"
    ]  # fmt: skip
    assert parameters["seconds"] == Parameter(
        "seconds", "float", 1.5, "length = how long it sounds"
    )
    assert parameters["name"].default == "a # b"
    assert parameters["levels"].default == [0.5, 1.0]
    assert parameters["n_layers"].help == ""


@pytest.mark.parametrize(
    ("declared", "text", "value"),
    [
        ("int", "12", 12),
        ("float", "12", 12.0),
        ("float", "-1e-3", -1e-3),
        ("bool", "true", True),
        ("bool", "no", False),
        ("str", "007", "007"),
        ("str", "none", "none"),
        ("str | None", "none", None),
        ("str | None", "7", "7"),
        ("int | None", "None", None),
        ("int | None", "7", 7),
        ("list[int]", "[1, 2]", [1, 2]),
        ("Literal['a', 'b']", "b", "b"),
        ("Literal['7', 'on']", "7", "7"),
        ("int", "010", 10),
        ("int", "1_000", 1000),
        ("int", "1e3", 1000),
        ("int", " -5 ", -5),
        ("float", "010", 10.0),
        ("float", ".5", 0.5),
        ("bool", "on", True),
        ("bool", "OFF", False),
        ("bool", "1", True),
        ("int | None", "", None),
        ("int | None", "null", None),
        ("str | None", "", ""),
        ("str", "", ""),
        ("list", "[010, 1.5, 1:30, yes, true, None, 2020-01-01]",
         [10, 1.5, "1:30", "yes", True, None, "2020-01-01"]),
        ("list[int]", "[1e3, 08]", [1000, 8]),
        ("list[str]", "[a.wav, 'b c.wav']", ["a.wav", "b c.wav"]),
        ("list[bool]", "[yes, no]", [True, False]),
        ("dict", "{a: 010, 'b': [1]}", {"a": 10, "b": [1]}),
        ("dict[str, float]", '{"a": 1}', {"a": 1.0}),
    ],
)  # fmt: skip
def test_text_becomes_the_declared_type(declared, text, value):
    parsed = Parameter("x", declared, None, "").parse(text)
    assert parsed == value and type(parsed) is type(value)


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        ("int", "1.5"), ("int", "many"), ("float", "[1]"), ("bool", "maybe"),
        ("Literal[1, 2]", "3"),
        ("int", "true"), ("float", "false"), ("int", "0x10"), ("int", ""), ("bool", ""),
        ("int", "1;2"),
        ("list", "[1, 2"), ("list", "1, 2"), ("dict", "a"), ("float", "1,5"), ("int", "!!int x"),
        ("list", "[[["), ("dict", "{1: 2}"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_refused_with_name_value_and_type(declared, value):
    with pytest.raises(NotebookError, match="Parameter x is") as error:
        Parameter("x", declared, 1, "").parse(value)
    assert value in str(error.value) and declared in str(error.value)


@pytest.mark.parametrize("text", ["1:30", "1:02:03", "0:05.5"])
def test_a_time_with_colons_is_no_number(text):
    with pytest.raises(NotebookError, match=r"Give times as one number: 90 or 1\.5, not 1:30"):
        Parameter("minutes", "float", 1.0, "").parse(text)


@pytest.mark.parametrize("declared", ["int", "int | None", "list", "dict", "list[int]"])
@pytest.mark.parametrize(
    "text", ["9" * 5000, "[" * 5000, "&a [*a]", "*a", "\0", "\udce9", "@x", "%"]
)
def test_odd_text_is_refused_in_words(declared, text):
    with pytest.raises(NotebookError) as error:
        Parameter("x", declared, None, "").parse(text)
    assert len(str(error.value)) < 700


@pytest.mark.parametrize(
    ("declared", "value", "plain"),
    [
        ("int", np.int64(3), 3),
        ("int", np.float32(3), 3),
        ("int", np.array(3), 3),
        ("float", np.float32(0.5), 0.5),
        ("bool", np.bool_(True), True),
        ("str", np.str_("a"), "a"),
        ("str", Path("a/b"), str(Path("a/b"))),
        ("str", PureWindowsPath("c:/a"), "c:\\a"),
        ("str", date(2020, 1, 2), "2020-01-02"),
        ("str", pd.Timestamp("2020-01-02"), "2020-01-02T00:00:00"),
        ("str", np.datetime64("2020-01-02"), "2020-01-02"),
        ("str | None", Path("a"), "a"),
        ("list", np.arange(3), [0, 1, 2]),
        ("list", [np.int64(1), (np.float64(0.5), Path("a"))], [1, [0.5, "a"]]),
        ("list", pd.Series([1, 2]), [1, 2]),
        ("list[float]", (1, 2), [1.0, 2.0]),
        ("list", range(2), [0, 1]),
        ("dict", {"a": np.arange(2), "b": {"c": np.int8(1)}}, {"a": [0, 1], "b": {"c": 1}}),
        ("int | float", np.int64(3), 3),
    ],
)
def test_values_that_stand_for_plain_ones_become_them(declared, value, plain):
    found = Parameter("x", declared, None, "").parse(value)
    assert repr(found) == repr(plain)


CYCLIC: list[object] = []
CYCLIC.append(CYCLIC)


@pytest.mark.parametrize("declared", ["list", "dict", "str", "int", "float | None", "list[int]"])
@pytest.mark.parametrize(
    "value",
    [
        {1, 2}, b"bytes", 1j, object(), {1: 2}, [b"x"], [{1}], [{2: 1}], 10**5000, CYCLIC,
        itertools.count(), (i for i in [1]), [itertools.count()], ["\udce9"], int,
        np.arange(2) * 1j, np.timedelta64(1, "D"), pd.DataFrame({"a": [1]}),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_a_notebook_cannot_hold_is_refused_with_name_and_type(declared, value):
    with pytest.raises(NotebookError, match=re.escape(f"but it is declared {declared}")) as error:
        Parameter("x", declared, None, "").parse(value)
    assert str(error.value).startswith("Parameter x is ") and len(str(error.value)) < 700


@given(value=st.integers() | st.booleans() | st.floats(allow_nan=False) | st.text())
def test_a_value_of_the_declared_type_stays_what_it_is(value):
    assert Parameter("x", type(value).__name__, value, "").parse(value) == value


def test_an_annotation_is_never_run(tmp_path):
    flag = tmp_path / "ran"
    parameter = Parameter("x", f"open({str(flag)!r}, 'w')", 1, "")
    with pytest.raises(NotebookError, match="declared"):
        parameter.parse(1)
    assert not flag.exists()


def test_an_unknown_parameter_is_an_error_that_lists_the_known_ones_with_help(toy, tmp_path):
    with pytest.raises(NotebookError) as error:
        run_notebook(toy, {"secnods": 2}, out=tmp_path / "out")
    text = str(error.value)
    assert "no parameter 'secnods'" in text and "Did you mean 'seconds'?" in text
    assert "max_steps: int | None = None  # none: no limit" in text
    assert not (tmp_path / "out").exists()  # nothing was started


@pytest.mark.parametrize(
    "parameters", [None, "x = 1  # no type", "x: int", "x: int = 1 +", "x: int = y"]
)
def test_parameters_that_cannot_be_read_are_an_error(parameters, tmp_path):
    path = write_notebook(tmp_path / "bad.ipynb", "1", parameters=parameters)
    with pytest.raises(NotebookError, match="parameters"):
        Notebook.read(path)


def test_two_parameters_cells_are_an_error(tmp_path, toy):
    content = nbformat.read(toy, as_version=4)
    content.cells.append(new_code_cell("y: int = 1", metadata={"tags": ["parameters"]}))
    nbformat.write(content, toy)
    with pytest.raises(NotebookError, match="2 cells tagged"):
        Notebook.read(toy)


def test_a_file_that_is_no_notebook_is_an_error(tmp_path):
    path = tmp_path / "text.ipynb"
    path.write_text("no notebook")
    with pytest.raises(NotebookError, match="can't be read"):
        run_notebook(path)


def test_a_run_writes_a_numbered_copy_and_tells_its_progress(toy, tmp_path):
    seen = []
    before = toy.read_bytes()
    run = run_notebook(
        str(toy),
        {"seconds": "2"},
        out=tmp_path / "out",
        progress=lambda now: seen.append((now.done, now.total, now.words)),
    )
    again = run_notebook(toy, out=tmp_path / "out")
    assert run.path == tmp_path / "out" / "toy.ipynb"
    assert again.path == tmp_path / "out" / "toy_002.ipynb"
    assert printed(run.path) == "2.0 a # b 2 [0.5, 1.0] True\n"
    assert printed(again.path) == "1.5 a # b 2 [0.5, 1.0] True\n"
    assert run.parameters["out"] == str(tmp_path / "out") and run.parameters["n_layers"] == 2
    assert seen == [(1, 2, "A toy"), (2, 2, "Part 1")]
    assert toy.read_bytes() == before


def test_without_a_folder_the_notebooks_own_is_taken(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write_notebook(tmp_path / "{braces}.ipynb", "print(out, headless)")
    run = run_notebook(path, {"headless": False})
    assert run.path == Path("outputs/toy/{braces}.ipynb")
    assert printed(run.path) == "outputs/toy False\n"


def test_a_failing_cell_is_told_in_words_and_its_notebook_kept(tmp_path):
    path = write_notebook(
        tmp_path / "fails.ipynb",
        "print('so far')",
        "from mimikit_nb.errors import CorpusError\nraise CorpusError('The corpus is empty.')",
    )
    with pytest.raises(NotebookError) as error:
        run_notebook(path, out=tmp_path / "out")
    kept = tmp_path / "out" / "fails.ipynb"
    assert "The corpus is empty." in str(error.value) and "Traceback" not in str(error.value)
    assert "from mimikit_nb.errors" in str(error.value) and str(kept) in str(error.value)
    assert "so far" in printed(kept)


def test_sigterm_interrupts_the_cell_before_the_kernel_ends(tmp_path):
    """So that a training in it leaves a checkpoint."""
    began, ended = tmp_path / "began", tmp_path / "ended"
    path = write_notebook(
        tmp_path / "long.ipynb",
        "import pathlib, time\n"
        f"try:\n    pathlib.Path({str(began)!r}).touch()\n    time.sleep(60)\n"
        f"except KeyboardInterrupt:\n    time.sleep(6)\n    pathlib.Path({str(ended)!r}).touch()",
    )
    code = "import sys; from mimikit_nb.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "run", str(path), "--out", str(tmp_path / "out")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        while not began.exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.terminate()
    assert process.returncode == 128 + signal.SIGTERM
    assert ended.exists()


def test_a_notebook_needs_no_kernel_of_its_own_but_one_that_is_here(tmp_path):
    path = write_notebook(tmp_path / "toy.ipynb", "print(name)")
    content = nbformat.read(path, as_version=4)
    content.metadata["kernelspec"]["name"] = "elsewhere"
    nbformat.write(content, path)
    with pytest.raises(NotebookError, match="kernel 'elsewhere', which isn't installed"):
        run_notebook(path, out=tmp_path / "out")
    del content.metadata["kernelspec"]
    nbformat.write(content, path)
    assert printed(run_notebook(path, out=tmp_path / "out").path) == "a # b\n"


def test_a_dying_kernel_is_an_error_of_ours(tmp_path):
    path = write_notebook(tmp_path / "dies.ipynb", "import os\nos._exit(1)")
    with pytest.raises(NotebookError, match="ended without a word"):
        run_notebook(path, out=tmp_path)


def test_a_folder_that_cannot_be_written_is_an_error(toy, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NotebookError, match="can't be written"):
        run_notebook(toy, out=tmp_path / "file")


def test_notebooks_are_found_with_and_without_number():
    names = [notebook.path.stem for notebook in find_notebooks()]
    assert names == sorted(names) and "00_quickstart" in names
    assert find_notebook("quickstart") == find_notebook("00_quickstart")
    assert find_notebook("21_train_sample_rnn").stem == "21_train_sample_rnn"
    assert find_notebook("20_train_freqnet").stem == "25_train_freqnet"  # its former number


def test_an_unknown_notebook_is_an_error_with_the_nearest_names(tmp_path):
    with pytest.raises(NotebookError, match="Did you mean 'quickstart'"):
        find_notebook("quikstart")
    with pytest.raises(NotebookError, match="check the path"):
        find_notebook(tmp_path / "none.ipynb")


def test_an_installed_package_takes_the_current_folders_notebooks_or_its_own(
    tmp_path, monkeypatch, toy
):
    monkeypatch.setattr(
        batch, "__file__", str(tmp_path / "site-packages" / "mimikit_nb" / "batch.py")
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotebookError, match="No notebooks found"):
        find_notebook("toy")
    own = tmp_path / "site-packages" / "mimikit_nb" / "_notebooks"
    own.mkdir(parents=True)
    shutil.copy(toy, own / "03_toy.ipynb")
    assert find_notebook("toy").name == "03_toy.ipynb"
    (tmp_path / "notebooks").mkdir()
    toy.rename(tmp_path / "notebooks" / "05_toy.ipynb")
    assert find_notebook("toy").name == "05_toy.ipynb"


@pytest.mark.parametrize("declared", ["list", "list[int]", "list[float]"])
def test_numbers_of_numpy_arrive_as_numbers(tmp_path, declared):
    parameters = f"xs: {declared} = []\ndays: list = []\nwhere: str = ''"
    path = write_notebook(
        tmp_path / "a.ipynb", "print(sum(xs), days, where)", parameters=parameters
    )
    values = {"xs": list(np.arange(3)), "days": [date(2020, 1, 2)], "where": tmp_path / 'q"\\'}
    run = run_notebook(path, values, tmp_path / "out")
    total = 3.0 if declared == "list[float]" else 3
    assert printed(run.path) == f"{total} ['2020-01-02'] {tmp_path / values['where']}\n"


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"kernelspec": {"name": "python3", "display_name": ".venv"}},
        {"kernelspec": {"name": "python3"}, "language_info": {"name": "python"}},
        {"language_info": {"name": "python", "version": "3.13"}},
        {"kernelspec": {}},
        {"vscode": {"interpreter": {"hash": "0"}}},
    ],
    ids=lambda metadata: " ".join(metadata) or "nothing",
)
def test_a_notebook_of_another_editor_runs(tmp_path, metadata):
    path = write_notebook(tmp_path / "a.ipynb", "print(n)", parameters="n: int = 1  # n")
    content = nbformat.read(path, as_version=4)
    content.metadata = nbformat.from_dict(metadata)
    nbformat.write(content, path)
    assert printed(run_notebook(path, {"n": 2}, tmp_path / "out").path) == "2\n"
