"""Make a second environment with Colab's ipywidgets and IPython in front of everything else.

    python tests/hosts/colab_env.py .venv-colab

It takes seconds: only what ``colab.txt`` names is installed, all other packages are found in the
environment that runs this, by a path file that stands behind the new environment's own packages.
"""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PINS = HERE / "colab.txt"
SHOW = """
import importlib.metadata, sysconfig
print(sysconfig.get_path("purelib"))
print(*(f"{name}=={importlib.metadata.version(name)}" for name in ("ipywidgets", "ipython")))
"""


def make(folder: Path) -> Path:
    """Make the environment in ``folder``; its Python."""
    shared = sysconfig.get_path("purelib")
    venv.EnvBuilder(clear=True, symlinks=True).create(folder)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--retries=10"]
    subprocess.run([*pip, "--quiet", "--no-deps", "--requirement", str(PINS)], check=True)
    own, _ = ask(python)
    Path(own, "zz_shared.pth").write_text(f"{ROOT}\n{shared}\n", encoding="utf-8")
    _, versions = ask(python)
    if not all(pin in PINS.read_text(encoding="utf-8").split() for pin in versions.split()):
        raise SystemExit(f"{folder} finds {versions}, which {PINS.name} doesn't name.")
    print(f"{folder}: {versions}, everything else from {shared}")
    return python


def ask(python: Path) -> tuple[str, str]:
    """Where an environment's packages lie, and which ipywidgets and IPython it finds."""
    said = subprocess.check_output([str(python), "-c", SHOW], text=True, cwd=HERE).splitlines()
    return said[0], said[1]


if __name__ == "__main__":
    make(Path(sys.argv[1]).resolve())
