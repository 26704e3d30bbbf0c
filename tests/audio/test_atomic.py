import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from mimikit_nb.audio.atomic import replacing


def test_the_file_appears_at_the_end(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_an_error_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_link_is_kept_and_its_file_replaced(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to(tmp_path / "a.txt")
    with replacing(tmp_path / "link.txt") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "a.txt").read_text() == "new"


def test_threads_that_write_the_same_file_do_not_meet(tmp_path):
    path = tmp_path / "a.txt"

    def work(text: str) -> None:
        for _ in range(20):
            with replacing(path) as temporary:
                temporary.write_text(text)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, ["a" * 9999, "b" * 9999, "c" * 9999, "d" * 9999]))
    assert path.read_text() in ["a" * 9999, "b" * 9999, "c" * 9999, "d" * 9999]
    assert os.listdir(tmp_path) == ["a.txt"]


def test_what_a_killed_process_left_is_swept_by_the_next(tmp_path):
    code = (
        "import os, sys, signal, pathlib\n"
        "from mimikit_nb.audio.atomic import replacing\n"
        "with replacing(pathlib.Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = tmp_path / "a.txt"
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert [name for name in os.listdir(tmp_path) if name.endswith(".part")]
    (tmp_path / ".a.txt.elsewhere-1-1.part").write_text("another machine's")
    with replacing(path) as temporary:
        temporary.write_text("new")
    assert sorted(os.listdir(tmp_path)) == [".a.txt.elsewhere-1-1.part", "a.txt"]
