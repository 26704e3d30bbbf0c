"""Which module may import which, beyond the order of the layers (tests/test_layers.py)."""

import pytest

from .sources import imports_of, modules, reached_from

FRONTEND = {"ipywidgets", "ipycanvas", "anywidget", "IPython", "traitlets"}
MODELS = [n for n in modules() if n.startswith("mimikit_nb.widgets.") and n.endswith("model")]


def test_no_module_imports_itself_by_way_of_others():
    in_cycles = {
        name: sorted(n for n in reached_from(name) if n in modules() and name in imports_of(n))
        for name in modules()
        if any(name in reached_from(n) for n in imports_of(name) if n in modules())
    }
    assert not in_cycles


def test_imports_are_found_in_functions_and_for_types_too():
    assert "mimikit_nb.training.advice" in imports_of("mimikit_nb.widgets.pictures")
    assert "pandas" in imports_of("mimikit_nb.widgets.pictures")  # for types only
    assert "IPython" in reached_from("mimikit_nb.widgets.train")


@pytest.mark.parametrize("name", MODELS)
def test_a_model_knows_nothing_of_the_frontend(name):
    assert not reached_from(name) & FRONTEND


@pytest.mark.parametrize("view", ["train", "evaluate", "analyse", "generate", "ensemble"])
def test_every_view_has_a_model(view):
    assert f"mimikit_nb.widgets.{view}.model" in MODELS


def test_panels_and_models_import_no_app():
    apps = {name for name in modules() if name.endswith("app")}
    for name in modules():
        if not name.endswith("app") and name.startswith("mimikit_nb.widgets."):
            is_package = any(app.startswith(f"{name}.") for app in apps)
            assert is_package or not imports_of(name) & apps, name
