import multiprocessing
import os
import subprocess
import sys

import pytest

from mimikit_nb.engine import build
from mimikit_nb.engine.build import CompilerError, build_library, find_compiler
from mimikit_nb.engine.cache import cache_folder

_SOURCE = '__attribute__((visibility("default"))) int answer(void) { return %d; }'


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("MIMIKIT_NB_CACHE", str(tmp_path))


def test_a_program_is_compiled_once(monkeypatch) -> None:
    library, key = build_library(_SOURCE % 42)
    assert library.answer() == 42
    monkeypatch.setattr(build, "_compile", lambda *args: pytest.fail("compiled again"))
    assert build_library(_SOURCE % 42)[1] == key


def test_the_key_depends_on_source_and_flags() -> None:
    keys = {
        build_library(_SOURCE % 1)[1],
        build_library(_SOURCE % 2)[1],
        build_library(_SOURCE % 1, ("-DX=1",))[1],
    }
    assert len(keys) == 3


def test_a_broken_library_is_built_again() -> None:
    key = build_library(_SOURCE % 7)[1]
    broken = cache_folder() / f"{key}.so"
    broken.unlink()
    broken.write_bytes(b"not a library")
    assert build_library(_SOURCE % 7)[0].answer() == 7


def _build_and_run() -> None:
    assert build_library(_SOURCE % 3)[0].answer() == 3


def test_two_processes_may_build_the_same() -> None:
    context = multiprocessing.get_context("fork")
    both = [context.Process(target=_build_and_run) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    assert not [path for path in cache_folder().iterdir() if path.name.startswith(".")]


def test_what_a_compiler_complains_about_is_said() -> None:
    with pytest.raises(CompilerError, match="error"):
        build_library("int answer(void) { return nothing; }")


def test_no_compiler(monkeypatch) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(build.shutil, "which", lambda name: None)
    monkeypatch.setattr(build.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CompilerError, match="install gcc"):
        find_compiler()


def test_cc_names_the_compiler(monkeypatch) -> None:
    monkeypatch.setenv("CC", "/nowhere/cc -O1")
    assert find_compiler() == ["/nowhere/cc", "-O1"]
    with pytest.raises(CompilerError, match="can't be run"):
        build_library(_SOURCE % 1)


def test_a_cache_that_cannot_be_written_is_replaced(tmp_path, monkeypatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MIMIKIT_NB_CACHE", str(tmp_path / "file"))
    assert build_library(_SOURCE % 5)[0].answer() == 5


def test_a_cache_that_became_another_users_is_replaced(as_somebody_else, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MIMIKIT_NB_CACHE", str(tmp_path / "file"))
    before = cache_folder()
    _, somebody_else = as_somebody_else
    with somebody_else():
        assert build_library(_SOURCE % 6)[0].answer() == 6
    assert os.geteuid() or cache_folder() != before


GENERATE = """
import sys, torch
torch.set_num_threads(1)
from mimikit_nb.engine import compile_stages
from tests.engine.steps import generation_step
stages, state = generation_step("sample_rnn-0")
executor = compile_stages(stages, state, backend=sys.argv[1])
sys.stdin.readline()  # until the other one is as far
executor = compile_stages(stages, state, backend=sys.argv[1])
executor.run(state, 24)
print(state["seq"]["signal"].tolist())
"""


@pytest.mark.parametrize("backend", ["c", pytest.param("numba", marks=pytest.mark.long)])
def test_two_real_processes_share_an_empty_cache(backend, tmp_path) -> None:
    command = [sys.executable, "-c", GENERATE, backend]
    both = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate("go\n")[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert said[0] == said[1] != ""
    assert not [path for path in cache_folder().iterdir() if path.name.startswith(".")]
