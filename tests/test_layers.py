"""The order of the layers, as pyproject.toml writes it down."""

import re
import tomllib
from pathlib import Path

from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[1]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]


def test_every_layer_imports_only_from_those_below_it(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    # It would silence the loggers of all modules that are imported, for the tests that follow.
    monkeypatch.setattr("importlinter.cli.logging_config.dictConfig", lambda config: None)
    assert lint_imports(no_cache=True, no_logo=True) == 0, capsys.readouterr().out


def test_the_drawing_shows_the_layers_of_the_contract_in_their_order():
    drawing = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("```")[1]
    shown = re.findall(r"^  \| (\w+(?: \| \w+)*)  ", drawing, re.M)
    first = CONTRACTS["contracts"][0]
    assert first["containers"] == ["mimikit_nb"]
    assert shown == [re.sub(r"[()]", "", layer) for layer in first["layers"]]


def test_the_contracts_have_no_exceptions():
    assert "ignore_imports" not in str(CONTRACTS)
    assert not CONTRACTS.get("exclude_type_checking_imports")
