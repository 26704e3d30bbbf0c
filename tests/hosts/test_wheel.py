"""The wheel of `make dist`: it installs without npm, and brings all that the notebooks need."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.hosts.colab_env import put_in_front

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    target = re.search(r"^dist:.*\n\t\$\(BIN\)/(.*) -d dist", makefile(), re.M)[1]
    command = [sys.executable, "-m", *target.split(), "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.iterdir()
    return path


def makefile() -> str:
    return (ROOT / "Makefile").read_text(encoding="utf-8")


def test_it_holds_the_bundle_and_all_notebooks_and_nothing_to_build_or_test_with(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in names if name.endswith("/static/waveform.js")]
    shipped = {name.split("/")[-1] for name in names if "/_notebooks/" in name}
    there = {
        p.name for p in (ROOT / "notebooks").rglob("*.*") if ".ipynb_checkpoints" not in p.parts
    }
    assert shipped == there
    folders = {name.split("/")[0] for name in names}
    assert {f for f in folders if not f.endswith(".dist-info")} == {"mimikit_nb"}
    assert not [name for name in names if "node_modules" in name or "test_" in name]


@pytest.mark.long
def test_installed_in_a_fresh_environment_without_a_network_it_runs_the_quick_start(
    wheel, tmp_path
):
    python = put_in_front(tmp_path / "env", ["--no-index", str(wheel)])
    home = tmp_path / "home"
    home.mkdir()
    alone = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    command = [python.with_name("mimikit-nb"), "run", "quickstart", "--out", "outputs/demo"]
    command += ["-p", "max_steps", "3", "-p", "min_steps", "1", "-p", "seconds", "0.5"]
    done = subprocess.run(command, cwd=home, env=alone, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "outputs/demo/00_quickstart.ipynb"
    assert len(list((home / "outputs" / "demo" / "sounds").glob("*.wav"))) == 3
    assert (home / "outputs" / "demo" / "report.html").is_file()
    where = "import mimikit_nb as mnb; print(mnb.__file__, mnb.__version__)"
    file, version = subprocess.check_output(
        [python, "-c", where], cwd=home, env=alone, text=True
    ).split()
    assert Path(file).is_relative_to(tmp_path / "env")
    assert version in wheel.name
