"""Every notebook is built alike; the rules of its anatomy, read from the files."""

import ast
import json
import re
from pathlib import Path

import nbformat
import pytest

import mimikit_nb as mnb
from mimikit_nb.batch import Notebook
from mimikit_nb.networks.presets import SIZES

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ALLOWED_IMPORTS = {"importlib.util", "mimikit_nb", "mimikit_nb.widgets"}
FORBIDDEN = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.Try),
    *(ast.For, ast.While, ast.With, ast.Global, ast.Delete),
)


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request) -> Path:
    return request.param


@pytest.fixture
def cells(path):
    return nbformat.read(path, as_version=4).cells


def code_of(cells):
    """Code cells, parsed; the set-up's lines of pip read as `pass`."""
    return [
        ast.parse(re.sub(r"^(\s*)%pip .*$", r"\1pass", cell.source, flags=re.M))
        for cell in cells
        if cell.cell_type == "code"
    ]


def test_numbers_and_names_say_which_notebook_is_meant():
    numbers, names = zip(*(path.stem.split("_", 1) for path in NOTEBOOKS), strict=True)
    assert all(len(number) == 2 and number.isdigit() for number in numbers)
    assert len(set(numbers)) == len(set(names)) == len(NOTEBOOKS) > 0


def test_the_file_is_nbformat_4_5_with_ids_and_without_outputs(path, cells):
    content = json.loads(path.read_text(encoding="utf-8"))
    nbformat.validate(nbformat.read(path, as_version=4))
    assert (content["nbformat"], content["nbformat_minor"]) == (4, 5)
    assert content["metadata"]["kernelspec"]["name"] == "python3"
    assert len({cell.id for cell in cells}) == len(cells)
    for cell in cells:
        assert set(cell.metadata) <= {"tags"}
        if cell.cell_type == "code":
            assert not cell.outputs and cell.execution_count is None


def test_the_order_is_title_parameters_setup_sections_save_and_what_next(cells):
    kinds = "".join(cell.cell_type[0] for cell in cells)
    assert kinds.startswith("mc" + "mc") and kinds.endswith("m") and "mm" not in kinds
    assert cells[0].source.startswith("# ") and "minute" in cells[0].source
    assert "mnb.start(headless=headless" in cells[3].source
    headings = [c.source.splitlines()[0] for c in cells[1:] if c.cell_type == "markdown"]
    assert headings[0] == "## Set up" and headings[-2:] == ["## Keep it", "## Try next"]
    assert 5 <= sum(bool(re.match(r"## \d", h)) for h in headings) <= 8
    assert len(re.findall(r"^- ", cells[-1].source, re.M)) == 3


def test_sections_are_explained_in_two_to_five_sentences(cells):
    for cell in cells[2:-1]:
        if cell.cell_type == "markdown":
            text = cell.source.split("\n", 1)[1]
            sentences = re.findall(r"[.?!](?=\s|$)", re.sub(r"`[^`]*`|\([^)]*\)", "x", text))
            assert 2 <= len(sentences) <= 5, cell.source


def test_parameters_are_at_most_fifteen_typed_and_commented_literals(path, cells):
    (tagged,) = [cell for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    assert cells.index(tagged) == 1
    parameters = Notebook.read(path).parameters
    assert 0 < len(parameters) <= 15
    assert len(tagged.source.splitlines()) == len(parameters)  # nothing else in the cell
    for parameter in parameters.values():
        assert len(parameter.help) > 5
        assert parameter.parse(parameter.default) == parameter.default
    last = list(parameters.values())[-1]
    assert (last.name, last.type, last.default) == ("headless", "bool", False)


def test_code_is_short_and_holds_no_logic(cells):
    for cell, tree in zip((c for c in cells if c.cell_type == "code"), code_of(cells), strict=True):
        if "parameters" not in cell.metadata.get("tags", []):
            most = 14 if cell is cells[3] else 12  # the set-up names its imports line by line
            assert len(cell.source.splitlines()) <= most, cell.source
        found = [node for node in ast.walk(tree) if isinstance(node, FORBIDDEN)]
        assert not found, cell.source
        assert not re.search(r"^\s*!", cell.source, re.M)


def test_only_the_package_is_imported_and_no_parameter_reassigned(path, cells):
    names = set(Notebook.read(path).parameters)
    for tree in code_of(cells)[1:]:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                assert {alias.name for alias in node.names} <= ALLOWED_IMPORTS
            if isinstance(node, ast.ImportFrom):
                assert node.module in ALLOWED_IMPORTS or node.module.startswith(
                    "mimikit_nb.widgets."
                )
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                assert node.id not in names


def test_the_setup_touches_nothing_that_colab_brings(cells):
    lines = [line for line in cells[3].source.splitlines() if "pip" in line]
    assert lines == [
        "    %pip list --format=freeze"
        ' | grep -E "^(torch|torchaudio|numpy|ipywidgets|ipython)=" > kept.txt',
        '    %pip install --quiet "mimikit-nb[formats]" --constraint kept.txt',
    ]
    assert 'if find_spec("mimikit_nb") is None:' in cells[3].source


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "path", [p for p in NOTEBOOKS if "_train_" in p.stem], ids=lambda p: p.stem
)
def test_every_size_of_a_training_notebook_is_that_size(path, size):
    """What a notebook's parameters leave open is as the named size has it, for all sizes."""
    cells = nbformat.read(path, as_version=4).cells
    (cell,) = [c.source for c in cells if "plan = mnb.plan(" in c.source]
    names = {p.name: p.default for p in Notebook.read(path).parameters.values()}
    names["network"] = f"{names['network'].split('/')[0]}/{size}"
    planning = cell[: cell.index("\n", cell.index("plan = "))]  # below it is shown
    exec(compile(planning, str(path), "exec"), found := {"mnb": mnb, **names})
    whole = mnb.plan(names["network"])
    assert (found["plan"].network, found["plan"].io) == (whole.network, whole.io)
