"""Make a second environment with Colab's ipywidgets and IPython in front of everything else.

    python tests/hosts/colab_env.py .venv-colab

It takes seconds: only what ``colab.txt`` names is installed, all other packages are found in the
environment that runs this, by a path file that stands behind the new environment's own packages.
"""

import subprocess
import sys
import sysconfig
import venv
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PINS = HERE / "colab.txt"
SHOW = """
import importlib.metadata
print(*(f"{name}=={importlib.metadata.version(name)}" for name in ("ipywidgets", "ipython")))
"""


def make(folder: Path) -> Path:
    """Make the environment in ``folder``; its Python."""
    requirements = ["--retries=10", "--requirement", str(PINS)]
    python = put_in_front(folder, requirements, shows=[str(ROOT)])
    versions = subprocess.check_output([str(python), "-c", SHOW], text=True, cwd=HERE)
    if not all(pin in PINS.read_text(encoding="utf-8").split() for pin in versions.split()):
        raise SystemExit(f"{folder} finds {versions}, which {PINS.name} doesn't name.")
    print(f"{folder}: {versions.strip()}, everything else from {sysconfig.get_path('purelib')}")
    return python


def put_in_front(folder: Path, what: Sequence[str], shows: Sequence[str] = ()) -> Path:
    """Environment of its own in front of the packages of this one; its Python.

    Parameters
    ----------
    folder : Path
        Where it is made anew.
    what : sequence of str
        What pip installs into it, without dependencies.
    shows : sequence of str
        Folders that are importable, too.
    """
    venv.EnvBuilder(clear=True, symlinks=True).create(folder)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install"]
    subprocess.run([*pip, "--quiet", "--no-deps", *what], check=True)
    find = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own = subprocess.check_output([str(python), "-c", find], text=True).strip()
    paths = [*shows, sysconfig.get_path("purelib")]
    Path(own, "zz_shared.pth").write_text("\n".join([*paths, ""]), encoding="utf-8")
    return python


if __name__ == "__main__":
    make(Path(sys.argv[1]).resolve())
