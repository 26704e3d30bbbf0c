"""The package as source text: its modules, what they import, and what they read of each other."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "mimikit_nb"


@cache
def modules() -> dict[str, ast.Module]:
    """Syntax trees of all modules by name."""
    return {_name(path): ast.parse(path.read_text("utf-8")) for path in PACKAGE.rglob("*.py")}


@cache
def imports_of(name: str) -> frozenset[str]:
    """What a module imports: modules of the package, and others by their first name.

    Imports inside functions and those for type checkers count too. That Python runs the
    ``__init__`` of a package before a module in it is no import here.
    """
    found: set[str] = set()
    for node in ast.walk(modules()[name]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(name, node)
            parts = {f"{base}.{alias.name}" for alias in node.names}
            found |= {part if part in modules() else base for part in parts}
    return frozenset(n if n in modules() else n.split(".")[0] for n in found) - {name}


@cache
def reached_from(name: str) -> frozenset[str]:
    """A module and all that it imports, that those import, and so on."""
    reached: set[str] = set()
    left = [name]
    while left:
        module = left.pop()
        if module not in reached:
            reached.add(module)
            left += imports_of(module) if module in modules() else ()
    return frozenset(reached)


def _name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _absolute(name: str, node: ast.ImportFrom) -> str:
    """Name of the module that a statement imports from."""
    if not node.level:
        return str(node.module)
    is_package = any(other.startswith(f"{name}.") for other in modules())
    parts = name.split(".") if is_package else name.split(".")[:-1]
    parts = parts[: len(parts) - node.level + 1]
    return ".".join([*parts, *([node.module] if node.module else [])])
