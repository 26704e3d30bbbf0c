"""The order of the layers, as pyproject.toml writes it down."""

import tomllib
from pathlib import Path

from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[1]


def test_every_layer_imports_only_from_those_below_it(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    # It would silence the loggers of all modules that are imported, for the tests that follow.
    monkeypatch.setattr("importlinter.cli.logging_config.dictConfig", lambda config: None)
    assert lint_imports(no_cache=True, no_logo=True) == 0, capsys.readouterr().out


def test_the_contracts_have_no_exceptions():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    assert "ignore_imports" not in str(contracts)
    assert not contracts.get("exclude_type_checking_imports")
