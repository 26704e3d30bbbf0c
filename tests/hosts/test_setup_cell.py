"""The set-up cell of a notebook, as it is in Colab: what is there stays as it is."""

import json
import os
import re
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import nbformat
import pytest
from packaging.version import Version

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
REPORT = "PIP_REPORT=report.json"
KEPT = ("torch", "torchaudio", "numpy", "ipywidgets", "ipython")


def wheel(folder: Path, name: str, number: str, *needs: str) -> Path:
    """An empty package."""
    path = folder / f"{name}-{number}-py3-none-any.whl"
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n"
    about += "".join(f"Requires-Dist: {need}\n" for need in needs)
    how = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(path, "w") as file:
        for inside, text in {"METADATA": about, "WHEEL": how, "RECORD": ""}.items():
            file.writestr(f"{name}-{number}.dist-info/{inside}", text)
    return path


def install(
    name: str, folder: Path, constraint: str = "--constraint kept.txt"
) -> subprocess.CompletedProcess[str]:
    """Run the set-up's lines of pip for another package, and write only the list of what is kept.

    Another one, because this one is there already.
    """
    cell = nbformat.read(NOTEBOOKS[0], as_version=4).cells[3].source
    lines = re.findall(r"^ +%pip (.*)$", cell, re.M)
    assert "--constraint kept.txt" in lines[-1] and '"mimikit-nb[formats]"' in lines[-1]
    lines[-1] = lines[-1].replace("--constraint kept.txt", constraint).replace("mimikit-nb", name)
    commands = [f"'{sys.executable}' -m pip {line}" for line in lines]
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PIP_CONFIG_FILE": os.devnull}
    return subprocess.run(
        "\n".join(["set -e", *commands[:-1], f"export PIP_DRY_RUN=1 {REPORT}", commands[-1]]),
        shell=True,
        cwd=folder,
        env={**os.environ, **offline},
        capture_output=True,
        text=True,
        check=False,
    )


def test_all_notebooks_are_set_up_alike():
    cells = [nbformat.read(path, as_version=4).cells[3].source for path in NOTEBOOKS]
    assert len({cell.split("import mimikit_nb as mnb")[0] for cell in cells}) == 1


def test_only_what_is_missing_is_installed(tmp_path):
    wheel(tmp_path, "mnb_missing", "1.0")
    there = [name for name in KEPT if name != "ipywidgets"]  # the lane lacks its notebook server
    bounds = [f"{name}>={Version(version(name)).base_version}" for name in there]
    wheel(tmp_path, "mnb_toy", "1.0", "mnb_missing", *bounds)
    made = install("mnb_toy", tmp_path)
    assert made.returncode == 0, made.stderr
    kept = (tmp_path / "kept.txt").read_text().split()
    assert sorted(kept) == sorted(f"{name}=={version(name)}" for name in KEPT)
    would = json.loads((tmp_path / "report.json").read_text())["install"]
    assert {item["metadata"]["name"] for item in would} == {"mnb_missing", "mnb_toy"}


@pytest.mark.parametrize("name", KEPT)
def test_what_colab_brings_is_never_replaced(name, tmp_path):
    """A newer one is there for the taking, and wanted; pip says no and leaves all as it is."""
    wheel(tmp_path, name, "99.0")
    wheel(tmp_path, "mnb_toy", "1.0", f"{name}>=99")
    made = install("mnb_toy", tmp_path)
    assert made.returncode != 0
    assert "conflicting dependencies" in made.stderr
    unkept = install("mnb_toy", tmp_path, constraint="")
    assert unkept.returncode == 0, unkept.stderr
