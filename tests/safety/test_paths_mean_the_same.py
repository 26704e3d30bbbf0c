"""``~`` and environment variables mean the same wherever a path is taken."""

import ast
import inspect
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mimikit_nb as mnb
from mimikit_nb.arguments import FilePath, Items
from mimikit_nb.audio.write import write
from mimikit_nb.errors import ParameterError
from tests.generation.ensemble.networks import make_run
from tests.safety.test_arguments import PUBLIC

RATE = 8000
NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1)


def _takes_paths(annotation: Any) -> bool:
    inner = get_args(annotation)
    is_path = any(isinstance(kind, FilePath) for kind in inner)
    several = [kind for kind in inner if isinstance(kind, Items)]
    return is_path or any(map(_takes_paths, [*inner, *(kind.of for kind in several)]))


PATHS = [
    (name, argument)
    for name, function in sorted(PUBLIC.items())
    for argument, annotation in function.arguments.annotations.items()
    if _takes_paths(annotation)
]


def test_there_are_paths_to_look_at():
    assert len(PATHS) > 30


@pytest.mark.parametrize(("name", "argument"), PATHS)
@given(text=NAMES.filter(lambda text: text.strip() and len(text.encode()) < 200))
def test_a_path_is_expanded_before_a_function_sees_it(name, argument, text):
    home = Path.home()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNB_PLACE", "some/where")
        for given_path, wanted in (
            (f"~/x{text}", home / f"x{text}"),
            (Path("~", f"x{text}"), home / f"x{text}"),
            (f"$MNB_PLACE/x{text}", Path("some/where") / f"x{text}"),
            (f"./{text}", Path.cwd() / text if text.startswith("~") else Path(text)),
        ):
            if "$" in text:
                continue
            assert wanted in _read(name, argument, given_path)


def _read(name: str, argument: str, path: Any) -> list[Any]:
    """What arrives of a path; some functions take lists of them only."""
    read = PUBLIC[name].arguments.read_one
    try:
        found = read(argument, path)
    except ParameterError:
        found = read(argument, [path])
    return found if isinstance(found, list) else [found]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home with a sound, a network and a corpus, seen from another folder."""
    folder = tmp_path / "home"
    monkeypatch.setenv("HOME", str(folder))
    (folder / "sounds").mkdir(parents=True)
    write(folder / "sounds" / "a.wav", 0.3 * np.sin(np.arange(2 * RATE) / 9), RATE)
    make_run(folder / "runs" / "a", "wavenet")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return folder


def test_a_whole_session_at_home(home):
    corpus = mnb.build_corpus("~/sounds", "~/c.h5", sample_rate=RATE)
    options = {"prompt_seconds": 0.1, "seconds": 0.1}
    mnb.generate("~/runs/a", "~/c.h5", 0.0, **options, out="~/out")
    made = mnb.generate("~/runs/a", prompt="~/sounds/a.wav", **options)
    made.save("~/saved")
    mnb.extend("~/saved/sound_001.wav", 0.1, ck="~/runs/a")
    score = [{"generator": "~/runs/a", "seconds": 0.1}]
    mnb.ensemble(score, "~/c.h5", out="~/piece")
    (home / "score.yaml").write_text("- {generator: silence, seconds: 0.1}\n")
    mnb.ensemble("~/score.yaml", sample_rate=RATE)
    average = {"average": ["~/runs/a", "~/runs/a"]}
    mnb.ensemble([{"generator": average, "seconds": 0.1}], corpus)
    blend = mnb.hooks.BlendLogits(checkpoint="~/runs/a")
    record = mnb.hooks.Record(path="~/kept.h5")
    mnb.generate("~/runs/a", corpus, 0.0, **options, hooks=[blend, record])
    mnb.hooks.read_record("~/kept.h5")
    small = {"kind": "wavenet", "n_layers": 2, "residual_channels": 4, "skip_channels": 4}
    mnb.train("~/c.h5", small, "~/run", max_steps=1, device="cpu", preview_every_steps=0)
    mnb.resume("~/run", 2, device="cpu")
    mnb.export(mnb.load_checkpoint("~/run"), "~/exported")
    mnb.segment("~/sounds/a.wav").export("~/labels", "csv")
    mnb.player("~/sounds/a.wav", headless=True)
    names = {path.name for path in home.iterdir()}
    made_here = {"c.h5", "out", "saved", "piece", "kept.h5", "run", "exported", "labels"}
    assert made_here <= names
    assert not list(Path.cwd().iterdir())


def test_a_folder_named_like_home_is_not_home(home):
    Path("~").mkdir()
    write(Path.cwd() / "~" / "x.wav", 0.3 * np.sin(np.arange(RATE) / 9), RATE)
    Path.cwd().joinpath("~", "labels.csv").write_text("start,end,label\n0,0.5,a\n")
    assert mnb.check("./~/x.wav").accepted[0].seconds == 1.0
    assert len(mnb.read_labels("./~/labels.csv", RATE)) == 1
    options = {"prompt": "./~/x.wav", "prompt_seconds": 0.1, "seconds": 0.1}
    mnb.generate("~/runs/a", **options, out="./~/made.wav")
    mnb.extend("./~/made.wav", 0.1, ck="~/runs/a")
    mnb.generate("~/runs/a", **options, out="./~/many")
    found = {path.name for path in Path.cwd().joinpath("~").iterdir()}
    assert {"made.wav", "many"} <= found
    assert not (home / "made.wav").exists() and not (home / "many").exists()


def test_only_one_place_knows_the_home_folder():
    package = Path(inspect.getfile(mnb)).parent
    others = [
        path.relative_to(package).as_posix()
        for path in sorted(package.rglob("*.py"))
        if any(
            isinstance(node, ast.Attribute) and node.attr in ("expanduser", "expandvars")
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        )
    ]
    assert others == ["paths.py"]
