"""The examples in the docstrings of public functions, run as they stand.

They go on from a corpus of the embedded music, a short training in ``runs/first`` and a sound of
it, as ``mimikit_nb``'s own docstring says.
"""

import doctest
import inspect
import shutil
from pathlib import Path

import pytest

import mimikit_nb as mnb
from mimikit_nb.engine.stages import EagerExecutor
from mimikit_nb.generation.engine_options import EngineOptions

PUBLIC = {
    **{f"mnb.{name}": getattr(mnb, name) for name in mnb.__all__},
    **{f"mnb.hooks.{name}": getattr(mnb.hooks, name) for name in mnb.hooks.__all__},
}
EXAMPLES = {
    name: test
    for name, value in PUBLIC.items()
    if (doc := value.__doc__) and not inspect.ismodule(value)
    if (test := doctest.DocTestParser().get_doctest(doc, {}, name, None, 0)).examples
}
RUN_ELSEWHERE = {"mnb.run_notebook", "mnb.sweep"}  # they take long: notebooks/test_runs, test_grids


def test_every_public_function_has_an_example_that_is_run():
    functions = {name for name, value in PUBLIC.items() if inspect.isfunction(value)}
    assert functions <= EXAMPLES.keys()
    skipped = {
        name
        for name, test in EXAMPLES.items()
        if any(doctest.SKIP in example.options for example in test.examples)
    }
    assert skipped == RUN_ELSEWHERE


@pytest.fixture(scope="module")
def session(tmp_path_factory) -> Path:
    """Folder with what the examples go on from."""
    folder = tmp_path_factory.mktemp("session")
    corpus = mnb.demo_corpus(path=folder / "corpus.h5")
    options = {"max_steps": 4, "checkpoint_every_steps": 2, "preview_every_steps": 0}
    mnb.train(corpus, "latent_rnn/tiny", folder / "runs" / "first", **options)
    return folder


@pytest.mark.parametrize("name", sorted(EXAMPLES.keys() - RUN_ELSEWHERE))
def test_an_example_says_what_happens(name, session, tmp_path, monkeypatch):
    monkeypatch.setattr(EngineOptions, "compile", lambda _, stages, state: EagerExecutor(stages))
    shutil.copytree(session, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    corpus = mnb.open_corpus("corpus.h5")
    test = EXAMPLES[name]
    test.globs = {"mnb": mnb, "corpus": corpus}
    if any("made" in example.source for example in test.examples):
        test.globs["made"] = mnb.generate("runs/first", corpus, seconds=1.0)
    said: list[str] = []
    doctest.DocTestRunner().run(test, out=said.append, clear_globs=False)
    assert not said, "".join(said)
