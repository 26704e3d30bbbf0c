"""Toy notebooks for the tests of what runs notebooks."""

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

PARAMETERS = """\
seconds: float = 1.5  # length = how long it sounds
name: str = "a # b"  # what it's called
n_layers: int = 2
levels: list[float] = [0.5, 1.0]  # of each
max_steps: int | None = None  # none: no limit
out: str = "outputs/toy"  # folder for everything made here
headless: bool = False  # no widgets"""


def write_notebook(path: Path, *code: str, parameters: str | None = PARAMETERS) -> Path:
    cells = [new_markdown_cell("# A toy")]
    if parameters is not None:
        cells.append(new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    for i, source in enumerate(code):
        cells += [new_markdown_cell(f"## Part {i + 1}"), new_code_cell(source)]
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": spec}), path)
    return path


def printed(path: Path) -> str:
    cells = nbformat.read(path, as_version=4).cells
    return "".join(o.get("text", "") for c in cells if c.cell_type == "code" for o in c.outputs)
