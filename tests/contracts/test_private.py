"""What begins with an underscore is read in its own module only."""

import ast

import pytest

from .sources import modules

OF_OTHERS = {
    "_canvas_manager",  # ipycanvas has no other way to say which canvas is drawn on
    "_current_canvas",
    "_compiled_call_impl",  # torch has no other way to take torch.compile back
    "_fields",  # of a named tuple
    "_foreach_lerp_",  # torch
    "_foreach_norm",
    "_getframe",  # sys
    "_log_softmax",  # aten
    "_ops",  # torch
    "_repr_html_",  # IPython's protocol
    "_softmax",
    "_to_copy",
    "_unsafe_view",
}
"Names of other packages, where there is no public way."


def private_reads(tree: ast.Module) -> set[str]:
    """Names with an underscore that a module reads of what isn't its own."""
    own = {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            own.add(node.attr) if _is_self(node.value) else None
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            own.add(node.id)
    read = {
        n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute) and not _is_self(n.value)
    }
    read |= {
        alias.name for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) for alias in n.names
    }
    return {n for n in read - own if n.startswith("_") and not n.startswith("__")}


def _is_self(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "super"
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def test_a_private_read_is_seen():
    tree = ast.parse("class A:\n  def f(self, other):\n    self._x = other._y + other._x")
    assert private_reads(tree) == {"_y"}


@pytest.mark.parametrize("name", sorted(modules()))
def test_nothing_private_is_read_of_another_module(name):
    assert private_reads(modules()[name]) <= OF_OTHERS


def test_every_exception_is_needed():
    assert OF_OTHERS <= set().union(*map(private_reads, modules().values()))
