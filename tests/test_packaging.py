"""What is declared about the package is true: dependencies, files, notebooks, imports."""

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import mimikit_nb as mnb
from hatch_build import BUNDLE, SOURCES, stamp

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LARGEST_FILE = 250_000  # bytes
CONDA_NAMES = {
    "torch": "pytorch",
    "soundfile": "pysoundfile",
    "soxr": "soxr-python",
    "matplotlib": "matplotlib-base",
    "dask": "dask-core",
}
HEAVY = {"torch", "torchaudio", "librosa", "matplotlib", "h5py", "scipy", "sklearn", "numpy"}


def requirements(*extras: str) -> list[Requirement]:
    """Declared requirements of the package with some extras."""
    optional = PROJECT["optional-dependencies"]
    return [
        Requirement(r)
        for part in [PROJECT["dependencies"], *map(optional.get, extras)]
        for r in part
    ]


def tracked_files(pattern: str = "*") -> list[Path]:
    """Files under version control that match a pattern."""
    listing = subprocess.check_output(["git", "ls-files", "-z", "--", pattern], cwd=ROOT, text=True)
    return [path for name in listing.split("\0") if name and (path := ROOT / name).is_file()]


def test_conda_environment_equals_the_declared_dependencies():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    conda = dict(line.split(maxsplit=1) for line in environment["dependencies"] if " " in line)
    declared = {
        CONDA_NAMES.get(r.name, r.name): set(map(str, r.specifier))
        for r in requirements("batch", "formats", "lab")
    }
    declared["python"] = {PROJECT["requires-python"]}
    assert {name: set(bounds.split(",")) for name, bounds in conda.items()} == declared


def test_every_dependency_has_a_reason():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lines = [line.strip() for line in text.splitlines()]
    for requirement in requirements("batch", "formats", "lab", "test"):
        declared = [line for line in lines if line.startswith(f'"{requirement.name}>')]
        assert declared
        assert all("# " in line for line in declared), f"say what {requirement.name} is for"


def test_constraints_pin_every_dependency_within_its_bounds():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.split("==") for line in lines if not line.startswith("#")]
    versions = {canonicalize_name(name): version for name, version in pins}
    for requirement in requirements("batch", "formats", "lab", "test"):
        version = versions[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement


def test_no_upper_bounds_but_for_the_widgets():
    """Colab preinstalls most dependencies; a bound that forces another version breaks it."""
    for requirement in requirements():
        operators = {s.operator for s in requirement.specifier}
        assert operators == {">="} or requirement.name == "ipywidgets", requirement


def test_the_version_is_that_of_the_installed_package_which_has_it_from_a_tag(tmp_path):
    assert mnb.__version__ == importlib.metadata.version("mimikit-nb")
    for name in ("pyproject.toml", "README.md", "LICENSE", "hatch_build.py"):
        shutil.copy(ROOT / name, tmp_path)

    def run(*command: str) -> str:
        return subprocess.check_output(command, cwd=tmp_path, text=True, stderr=subprocess.STDOUT)

    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b.c")
    version = (sys.executable, "-m", "hatchling", "metadata", "version")
    assert run(*version).strip() == "0.1.0.dev0"  # no git, as in an archive
    run(*git, "init")
    run(*git, "add", ".")
    run(*git, "commit", "--message", "first")
    run(*git, "tag", "v1.2.0")
    assert run(*version).strip() == "1.2.0"
    run(*git, "commit", "--allow-empty", "--message", "second")
    assert run(*version).startswith("1.2.1.dev1+g")


def test_no_large_files_are_tracked():
    large = {str(p): p.stat().st_size for p in tracked_files() if p.stat().st_size > LARGEST_FILE}
    assert not large


def test_the_bundle_is_not_tracked():
    assert not tracked_files("mimikit_nb/widgets/static")


def test_the_lock_file_has_no_download_addresses():
    text = (ROOT / "mimikit_nb/widgets/js/package-lock.json").read_text(encoding="utf-8")
    packages = json.loads(text)["packages"]
    assert not [name for name, entry in packages.items() if "resolved" in entry]


def test_notebooks_are_tracked_without_outputs():
    for path in tracked_files("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        assert not any(cell["outputs"] or cell["execution_count"] for cell in code), path


def test_importing_the_package_loads_nothing_heavy():
    code = "import mimikit_nb, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())


def test_the_bundle_was_built_from_these_sources():
    """A player's script that is older than its sources would be tested in vain."""
    built = (ROOT / BUNDLE).read_text(encoding="utf-8")
    assert built.startswith(stamp(ROOT / SOURCES)), "run `make install`: it builds the bundle anew"


def test_make_installs_once_and_again_only_when_the_sources_of_the_environment_changed(tmp_path):
    for name in ("Makefile", "pyproject.toml", "constraints.txt", "hatch_build.py"):
        shutil.copy(ROOT / name, tmp_path)
    bundle = tmp_path / "mimikit_nb" / "widgets" / "static" / "waveform.js"
    bundle.parent.mkdir(parents=True)

    def planned() -> str:
        command = ["make", "--dry-run", "setup", "VENV=env", "PYTHON=python3"]
        alone = {name: value for name, value in os.environ.items() if "MAKE" not in name}
        return subprocess.check_output(command, cwd=tmp_path, env=alone, text=True)

    def install() -> None:
        ready = re.search(r"touch (env/\.ready-\S+)", planned())
        (tmp_path / "env").mkdir(exist_ok=True)
        (tmp_path / ready[1]).touch()

    install()
    assert "pip install" in planned()  # the bundle is missing
    bundle.touch()
    assert "pip install" not in planned()
    (tmp_path / "constraints.txt").write_text("torch==9")
    assert "pip install" in planned()
    install()
    assert "pip install" not in planned()
