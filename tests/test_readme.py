"""What the README says is there, is there."""

import ast
import re
import shlex
import shutil
from pathlib import Path

import h5py
import pytest

import mimikit_nb as mnb
from mimikit_nb.batch import Notebook, find_notebook
from mimikit_nb.cli import build_parser
from mimikit_nb.grids import combine

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.S)


COMMANDS = [line for block in blocks("sh") for line in block.splitlines() if line]


def test_every_notebook_has_its_row():
    rows = re.findall(r"^\| \[`(\w+)`\]\((notebooks/\w+\.ipynb)\) \| .+ \|$", TEXT, re.M)
    assert [path for _, path in rows] == sorted(
        str(path.relative_to(ROOT)) for path in (ROOT / "notebooks").glob("*.ipynb")
    )
    assert all(Path(path).stem == name for name, path in rows)


def test_every_module_has_its_row():
    rows = re.findall(r"^\| `mimikit_nb\.(\w+)` \| .+ \|$", TEXT, re.M)
    here = {
        path.stem
        for path in (ROOT / "mimikit_nb").iterdir()
        if not path.name.startswith("_") and (path.suffix == ".py" or path.is_dir())
    }
    assert set(rows) == here and len(rows) == len(here)


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("make")])
def test_every_make_target_exists(command):
    target = command.split()[1]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:", makefile, re.M)


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("mimikit-nb")])
def test_every_command_is_understood(command):
    options = build_parser().parse_args(shlex.split(command)[1:])
    if hasattr(options, "notebook"):
        notebook = Notebook.read(find_notebook(options.notebook))
        if hasattr(options, "grid"):
            grid = {name: values for name, *values in options.grid}
            assert len(combine(notebook, grid, Path())) == 6
        else:
            notebook.check(dict(options.parameters))


def test_there_are_no_other_commands():
    assert all(command.startswith(("make ", "mimikit-nb ")) for command in COMMANDS)


@pytest.mark.parametrize("block", blocks("python"))
def test_every_public_name_in_the_python_examples_exists(block):
    names = {
        node.attr
        for node in ast.walk(ast.parse(block))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "mnb"
    }
    assert names and names <= set(mnb.__all__)


SHORTER = {
    "corpora/mine.h5": "mine.h5",
    "max_minutes=5": "max_steps=2",
    "seconds=20.0, n=4": "seconds=0.3",
    "paths[0], seconds=60.0": "paths[0], seconds=0.1",
    "seconds=None": "seconds=0.3",  # it would go on until it is interrupted
    "seconds=60.0,": "seconds=1.0,",
    '"seconds": [1, 3]': '"seconds": [0.1, 0.3]',
    '"seconds": 4,': '"seconds": 0.4,',
    '"seconds": 1.5}': '"seconds": 0.5}',
    '    "runs/second",\n    hooks': '    "runs/second",\n    seconds=0.2,\n    hooks',
    "from_seconds=4.0": "from_seconds=0.1",
}


def test_the_library_examples_run_one_after_the_other(tmp_path, monkeypatch):
    """The examples themselves, with shorter times and the embedded music."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(mnb.demo_corpus().path, "mine.h5")
    examples = "\n".join(blocks("python")[1:])  # the first one runs a notebook
    build = 'mnb.build_corpus("path/to/folder", "corpora/mine.h5")'
    assert build in examples
    short = examples.replace(build, 'mnb.open_corpus("mine.h5")')
    for text, instead in SHORTER.items():
        assert text in short
        short = short.replace(text, instead)
    names: dict = {}
    exec(compile(short, "README.md", "exec"), names)
    assert [path.exists() for path in names["paths"]] == [True]
    assert names["run"].folder == Path("runs/first")
    assert names["mix"].audio.shape[-1] >= 22050
    with h5py.File("outputs/inside.h5") as inside:
        assert len(inside) > 0


def test_linked_files_exist():
    for target in re.findall(r"\]\(([^)h][^)]*)\)", TEXT):
        assert (ROOT / target).exists()
