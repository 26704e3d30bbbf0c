import os
import subprocess
import sys

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
    (tmp_path / ".a.txt.elsewhere-1.part").write_text("another machine's")
    with replacing(path) as temporary:
        temporary.write_text("new")
    assert sorted(os.listdir(tmp_path)) == [".a.txt.elsewhere-1.part", "a.txt"]
