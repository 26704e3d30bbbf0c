"""What `make quick` runs: all laws, then the tests that a change touches, nearest first."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.quick import LAWS, changed_files, touched_tests

ROOT = Path(__file__).parents[1]


def test_all_laws_are_there():
    assert all((ROOT / law).exists() for law in LAWS)


def test_the_tests_of_a_module_come_first_then_those_that_use_it():
    tests = touched_tests(["mimikit_nb/evaluation/stuck.py"])
    assert tests[0] == "tests/evaluation/test_stuck.py"
    near, far = (
        tests.index(f"tests/{name}.py")
        for name in ("evaluation/test_detectors", "recipes/test_judging")
    )
    assert 0 < near < far
    assert "tests/features/test_waveform.py" not in tests  # features know nothing of evaluation


def test_a_changed_test_is_run_and_so_are_those_that_a_helper_serves():
    assert touched_tests(["tests/audio/test_find.py"]) == ["tests/audio/test_find.py"]
    served = touched_tests(["tests/contracts/catalog.py"])
    assert "tests/contracts/test_networks.py" in served
    assert "tests/audio/test_find.py" not in served
    beside = touched_tests(["tests/checkpoint/conftest.py"])
    assert {Path(test).parent.name for test in beside} == {"checkpoint"}


def test_sources_that_are_not_python_touch_the_tests_of_their_module():
    assert (
        touched_tests(["mimikit_nb/features/phase_kernel.c"])[0]
        == "tests/features/test_phase_stream.py"
    )


def test_a_changed_notebook_is_checked_and_run_alone():
    tests = touched_tests(["notebooks/40_segment.ipynb"])
    assert tests[0] == "tests/notebooks/test_anatomy.py"
    assert [test for test in tests if "test_runs" in test] == [
        "tests/notebooks/test_runs.py::test_papermill_runs_it_and_nbval_runs_it_again[segment]"
    ]


def test_a_changed_page_touches_the_tests_of_what_it_says():
    assert "tests/test_readme.py" in touched_tests(["README.md"])


def test_nothing_changed_touches_nothing():
    assert touched_tests([]) == []


def test_what_changed_is_what_git_says(monkeypatch):
    said = {"merge-base": "abc\n", "diff": "b.py\na.py\n", "ls-files": "new.py\n"}
    asked = []

    def git(command, **_):
        asked.append(command)
        return subprocess.CompletedProcess(command, 0, said[command[1]], "")

    monkeypatch.setattr("scripts.quick.subprocess.run", git)
    assert changed_files() == ["a.py", "b.py", "new.py"]
    assert ["git", "diff", "--name-only", "abc"] in asked


@pytest.fixture
def law_and_test(tmp_path) -> list[str]:
    """A law and another test, of which none may begin any more."""
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_units.py").write_text("def test_it(): pass")
    other = "import pytest\n\n@pytest.mark.parametrize('path', ['a/b'])\ndef test_it(path): pass"
    (folder / "test_other.py").write_text(other)
    return ["tests/test_units.py", "tests/test_other.py"]


def test_when_the_time_is_over_only_laws_are_begun_and_the_rest_is_listed(tmp_path, law_and_test):
    command = [sys.executable, "-m", "pytest", "-c", "none.ini", "--rootdir", ".", *law_and_test]
    command += ["-p", "tests.deadline", "--seconds=-1", "-p", "no:cacheprovider"]
    (tmp_path / "none.ini").write_text("[pytest]")
    path = {"PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run(command, cwd=tmp_path, env=path, capture_output=True, text=True)
    assert re.search(r"1 passed, 1 skipped", done.stdout), done.stdout + done.stderr
    assert "make test runs them" in done.stdout and "1 in tests\n" in done.stdout
