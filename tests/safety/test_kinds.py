"""The table of faults names tests that exist."""

import ast
from pathlib import Path

import pytest

from tests.safety.kinds import FAULTS, KINDS

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_that_was_found_has_its_test(fault):
    file, name = FAULTS[fault]
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_each_file_of_safety_tests_has_its_kind():
    files = {path.name for path in Path(__file__).parent.glob("test_*.py")}
    assert files - {Path(__file__).name} == set(KINDS)
