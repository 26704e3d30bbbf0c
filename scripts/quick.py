"""List what `make quick` runs: all laws, then the tests that a change touches, nearest first.

    python scripts/quick.py

What changed is found out from git: files that aren't committed, and the commits of this branch that
main lacks. A test is touched by a module that it imports, or that is imported by one it imports,
and so on; the fewer imports lie between, the nearer it is.
"""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[1]
PACKAGE = "mimikit_nb"
PUBLIC = f"{PACKAGE}.recipes"  # behind the names that `import mimikit_nb as mnb` gives
LAWS = (
    "tests/test_layers.py",
    "tests/test_units.py",
    "tests/io/test_align.py",
    "tests/features/test_base.py",
    "tests/contracts",
)
"""What holds for every layer, length, feature and network."""
RUNS = "tests/notebooks/test_runs.py"
RUN = RUNS + "::test_papermill_runs_it_and_nbval_runs_it_again"
TOLD = (
    "tests/test_readme.py",
    "tests/test_contributing.py",
    "tests/test_badges.py",
    "tests/test_packaging.py",
    "tests/test_layers.py",
)
"""Tests of what stands in files outside the package: pages, settings, declarations."""


def changed_files() -> list[str]:
    """Paths that differ from main, or from what is committed on it."""
    base = _git("merge-base", "HEAD", "main").strip() or "HEAD"
    new = _git("ls-files", "--others", "--exclude-standard")
    return sorted({*_git("diff", "--name-only", base).splitlines(), *new.splitlines()})


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return done.stdout


def touched_tests(changed: Iterable[str]) -> list[str]:
    """Test files that changed files touch, nearest first.

    Parameters
    ----------
    changed : iterable of str
        Paths below the repository, with slashes.
    """
    changed = list(changed)
    modules = distances({m for path in changed if (m := module_of(path))})
    found: dict[str, int] = {}
    for test in test_files():
        near = [modules[m] + 1 for m in imports(test) if m in modules]
        near += [0 for path in changed if path == test or test == mirror(path)]
        near += [1 for path in changed if path in helpers(test)]
        if near:
            found[test] = min(near)
    if any("/" not in path for path in changed):
        found.update(dict.fromkeys(TOLD, 0))
    found.pop(RUNS, None)  # all of them take minutes: only those of changed notebooks
    for path in (path for path in changed if path.endswith(".ipynb")):
        found["tests/notebooks/test_anatomy.py"] = 0
        found[f"{RUN}[{PurePosixPath(path).stem.partition('_')[2]}]"] = 0
    return sorted(found, key=lambda test: (found[test], test))


def module_of(path: str) -> str | None:
    """Module of a file of the package; of a script, the module beside it or its package."""
    if not path.startswith(f"{PACKAGE}/"):
        return None
    source = PurePosixPath(path).with_suffix(".py")
    if not (ROOT / source).exists():  # C and JavaScript, or a file that was deleted
        source = source.parent / "__init__.py"
    return ".".join(source.with_suffix("").parts).removesuffix(".__init__")


def distances(modules: set[str]) -> dict[str, int]:
    """How many imports lie between some modules and all that import them."""
    import grimp

    graph = grimp.build_graph(PACKAGE)
    found: dict[str, int] = {}
    ring, steps = modules & graph.modules, 0
    while ring:
        found.update(dict.fromkeys(ring, steps))
        importers = (graph.find_modules_that_directly_import(m) for m in ring)
        ring, steps = set().union(*importers) - found.keys(), steps + 1
    return found


def mirror(path: str) -> str:
    """Where the tests of a module stand: ``mimikit_nb/a/b.py`` and ``tests/a/test_b.py``."""
    source = PurePosixPath(path)
    return str(PurePosixPath("tests", *source.parts[1:-1], f"test_{source.stem}.py"))


@cache
def test_files() -> list[str]:
    """All files of tests."""
    return sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py"))


@cache
def imports(path: str) -> frozenset[str]:
    """Modules of the package that a file of the tests imports, itself or by its helpers."""
    own = {name for name in _imported(path) if name.split(".")[0] == PACKAGE}
    by_helpers = (imports(helper) for helper in helpers(path))
    return frozenset(own).union(*by_helpers)


@cache
def helpers(path: str) -> frozenset[str]:
    """Other files of the tests that a file imports; of a test, also the fixtures beside it."""
    found = {name.replace(".", "/") + ".py" for name in _imported(path)}
    if path in test_files():
        found.add(str(PurePosixPath(path).parent / "conftest.py"))
    found -= {path, "tests/conftest.py"}  # that one would be beside nearly all
    return frozenset(p for p in found if p.startswith("tests/") and (ROOT / p).is_file())


def _imported(path: str) -> Iterator[str]:
    """Names of all modules that a file may import, and of what it takes from them."""
    here = PurePosixPath(path).parent.parts
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (PUBLIC if a.name == PACKAGE else a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = here[: len(here) - node.level + 1] if node.level else ()
            name = ".".join([*above, *([node.module] if node.module else [])])
            yield name
            yield from (f"{name}.{a.name}" for a in node.names)


if __name__ == "__main__":
    print(*dict.fromkeys([*LAWS, *touched_tests(changed_files())]))
