"""Every public function, every argument, every hostile value: a result or an error of ours.

What is public is found, not listed: a function that is added is walked, too. It needs nothing
but a name for its arguments that :class:`Examples` knows.
"""

import importlib
import inspect
import os
import pkgutil
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mimikit_nb as mnb
from mimikit_nb import audio
from mimikit_nb.arguments import Arguments
from mimikit_nb.audio.demo import demo_music
from mimikit_nb.audio.write import write
from mimikit_nb.widgets.evaluate import evaluate
from mimikit_nb.widgets.pictures import corpus_overview
from tests.generation.ensemble.networks import make_checkpoint, make_run
from tests.notebooks.toy import write_notebook
from tests.safety.hostile import OwnError, hostile_values

SECONDS = 10.0
ENDLESS = {
    ("recipes.generating.extend", "seconds", "None"),
    ("recipes.generating.generate", "seconds", "None"),
}
"Until it is interrupted, as it is asked to be."
LONGER = {"batch.run_notebook": 60.0, "grids.sweep": 60.0}
"Seconds for what starts a process of Python for each harmless value."
RATE = 8000
KEYWORDS = {
    "recipes.training.train": {"max_steps": 1, "preview_every_steps": 0},
    "widgets.train.app.train": {"max_steps": 1},
    "widgets.generate.app.generate": {"run": "run"},
    "widgets.evaluate.app.evaluate": {"out": "heard"},
}
SMALL = {"kind": "wavenet", "n_layers": 2, "residual_channels": 4, "skip_channels": 4}


# -- what is public --------------------------------------------------------------------------------


def _members() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Checked functions and methods of the package, by module and name."""
    for found in pkgutil.walk_packages(mnb.__path__, "mimikit_nb."):
        module = importlib.import_module(found.name)
        for name, value in vars(module).items():
            if getattr(value, "__module__", "") != module.__name__:
                continue
            yield f"{module.__name__.removeprefix('mimikit_nb.')}.{name}", value
            if inspect.isclass(value):
                for method, function in vars(value).items():
                    yield f"{module.__name__.removeprefix('mimikit_nb.')}.{name}.{method}", function


PUBLIC = {
    name: function
    for name, function in _members()
    if isinstance(getattr(function, "arguments", None), Arguments)
}
ARGUMENTS = [
    (name, argument)
    for name, function in sorted(PUBLIC.items())
    for argument in inspect.signature(function).parameters
    if argument != "self" and not argument.startswith("_")
]


def test_every_function_that_the_package_offers_is_checked():
    offered = [getattr(mnb, name) for name in mnb.__all__]
    offered += [getattr(mnb.hooks, name) for name in mnb.hooks.__all__]
    offered += [getattr(audio, name) for name in audio.__all__]
    functions = [value for value in offered if inspect.isfunction(value)]
    unchecked = [f.__name__ for f in functions if not hasattr(f, "arguments")]
    assert len(functions) > 30
    assert not unchecked


# -- good arguments --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with everything that a function may ask for."""
    folder = tmp_path_factory.mktemp("material")
    (folder / "sounds").mkdir()
    music = demo_music(RATE, 3.0)
    write(folder / "sounds" / "take.wav", music, RATE)
    write(folder / "more.wav", demo_music(RATE, 1.0, seed=1), RATE)
    corpus = mnb.build_corpus(folder / "sounds", folder / "corpus.h5", sample_rate=RATE)
    corpus.write_labels("parts", [0, 8000], [8000, 16000], ["a", "b"])
    make_run(folder / "network", "wavenet")
    mnb.train(corpus, SMALL, folder / "run", max_steps=2, checkpoint_every_steps=1, device="cpu")
    latent = {"kind": "latent_rnn", "hidden_dim": 8}
    sizes = {"n_fft": 256, "hop_length": 128, "chunk_steps": 8}
    mnb.train(corpus, latent, folder / "latent", max_steps=1, device="cpu", **sizes)
    made = mnb.generate(folder / "network", corpus, 0.5, 0.1, 0.1)
    made.save(folder / "made")
    record = mnb.hooks.Record(path=str(folder / "record.h5"))
    mnb.generate(folder / "network", corpus, 0.5, 0.1, 0.1, hooks=[record])
    write_notebook(folder / "toy.ipynb", "print(seconds)")
    (folder / "labels.csv").write_text("start,end,label\n0,0.5,a\n0.5,1,b\n")
    return folder


class Examples:
    """Good arguments by their names, in a folder that is made anew for each argument."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.corpus = mnb.open_corpus(folder / "corpus.h5")
        self.y = np.array(self.corpus.signal[:, :16000])

    def of(self, function: str, name: str) -> Any:
        """Example of an argument of a function."""
        own = {
            "audio.doctor.check": {"paths": "sounds"},
            "corpus.build.build_corpus": {"path": "new.h5", "sample_rate": RATE},
            "corpus.build.add_files": {"path": "corpus.h5", "paths": "more.wav"},
            "corpus.store.open_corpus": {"path": "corpus.h5"},
            "corpus.demo.demo_corpus": {"path": "demo.h5"},
            "corpus.store.Corpus.remove_track": {"name": "parts"},
            "analysis.read_labels.read_labels": {"path": "labels.csv"},
            "generation.hooks.storing.read_record": {"path": "record.h5"},
            "recipes.activity.read_activity": {"path": "record.h5"},
            "widgets.pictures.decisions": {"activity": self._activity()},
            "recipes.activity.Activity.beside": {"made": "generated", "number": 0},
            "generation.hooks.inserting.find_modules": {"network": self._checkpoint().network()},
            "audio.recall.read_recall": {"path": "made/sound_001.wav"},
            "recipes.workspace.new_folder": {"path": "folder"},
            "recipes.workspace.choose_corpus": {"sounds": "sounds", "path": "chosen.h5"},
            "recipes.training.resume": {"folder": "run", "max_steps": 3},
            "recipes.evaluating.evaluate": {"run": "network", "n": 1, "seconds": 1.0},
            "recipes.generating.extend": {"sound": "made/sound_001.wav"},
            "recipes.judging.judge": {"sounds": "generated"},
            "recipes.replaying.replayed": {"sounds": "generated", "ck": "latent"},
            "batch.run_notebook": {"name": "toy.ipynb"},
            "widgets.report.write_report": {"path": "report.html"},
            "widgets.player.cards.listen": {"sounds": self.y, "sr": RATE},
            "widgets.generate.app.generate": {"run": "run"},
            "widgets.evaluate.app.evaluate": {"run": "network"},
            "analysis.tracks.write_track": {"track": "others"},
            "analysis.segmentation.Segmentation.with_labels": {
                "labels": ["a"] * len(mnb.segment(self.corpus))
            },
            "audio.write.write": {"path": "new.wav"},
            "audio.files.info": {"path": "more.wav"},
            "audio.files.load": {"path": "more.wav"},
            "audio.files.blocks": {"path": "more.wav"},
            "audio.recall.write_recall": {"path": "made/sound_001.wav"},
            "analysis.clustering.Clustering.split": {"cluster": 0},
            "analysis.clustering.Clustering.rename": {"names": {0: "x"}},
            "analysis.clustering.Clustering.merge": {"clusters": [0]},
            "analysis.clustering.Clustering.assign": {"segments": [0], "name": "x"},
        }.get(function, {})
        value = own[name] if name in own else self._common(name)
        made = {"generated": self._generated, "segmentation": self._segmentation}
        return made[value]() if isinstance(value, str) and value in made else value

    def _common(self, name: str) -> Any:
        common = {
            "paths": "sounds",
            "path": "new",
            "corpus": self.corpus,
            "ck": "network",
            "checkpoint": self._checkpoint(),
            "checkpoints": [make_checkpoint("wavenet"), make_checkpoint("wavenet", seed=1)],
            "a": make_checkpoint("wavenet"),
            "b": make_checkpoint("wavenet", seed=1),
            "source": "network",
            "keep": [1],
            "confirm": lambda files: False,
            "run": "run",
            "folder": "out",
            "out": "out",
            "y": self.y,
            "audio": self.y,
            "sound": self.y,
            "sr": RATE,
            "sample_rate": RATE,
            "sample": 5,
            "level": "events",
            "threshold": 1.0,
            "n_segments": 2,
            "segments": [(0.0, 0.5)],
            "labels": ["a"],
            "label": ["a"],
            "start": [0],
            "stop": [100],
            "name": "mine",
            "values": np.zeros(10),
            "hop_length": 100,
            "found": "segmentation",
            "track": "parts",
            "score": [{"generator": "silence", "seconds": 0.1}],
            "seconds": 0.1,
            "prompt_seconds": 0.1,
            "prompt": 0.5,
            "network": SMALL,
            "max_steps": 1,
            "device": "cpu",
            "notebook": "toy.ipynb",
            "grid": {"n_layers": [1]},
            "n": 1,
            "title": "title",
            "recall": {"seed": 1},
            "row": 0,
            "sounds": "sounds",
            "sections": {"a": "b"},
            "headless": True,
            "config": mnb.Curve(points=[(0, 1)]),
            "table": self._table,
        }
        value = common[name]
        return value() if callable(value) and name == "table" else value

    def instance(self, function: str) -> Any:
        """What a method is called on."""
        owner = function.split(".")[-2]
        return {
            "Corpus": lambda: self.corpus,
            "MadeSound": self._generated,
            "Checkpoint": self._checkpoint,
            "Segmentation": lambda: mnb.segment(self.corpus),
            "Clustering": lambda: mnb.cluster(self.corpus, None, self._segmentation(), 1),
            "Picture": lambda: corpus_overview(self.corpus),
            "Evaluation": lambda: evaluate("network", self.corpus, out="evaluation", headless=True),
            "Activity": self._activity,
            "Ensemble": lambda: mnb.ensemble(self._common("score"), sample_rate=RATE),
        }[owner]()

    def _activity(self) -> Any:
        return mnb.hooks.read_activity(self.folder / "record.h5")

    def _checkpoint(self) -> Any:
        return make_checkpoint("wavenet")

    def _generated(self) -> Any:
        return mnb.generate("network", self.corpus, 0.5, 0.1, 0.1)

    def _segmentation(self) -> Any:
        return mnb.read_labels("labels.csv", RATE, self.corpus.n_samples)

    def _table(self) -> Any:
        return mnb.evaluate("network", self.corpus, 1, 1.0, prompt_seconds=0.1, out="table")


@pytest.fixture
def examples(material: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Examples:
    shutil.copytree(material, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIMIKIT_NB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("builtins.input", lambda *_: "no")
    return Examples(tmp_path)


def good_arguments(examples: Examples, name: str) -> dict[str, Any]:
    """What the function needs, and what keeps a call short."""
    parameters = inspect.signature(PUBLIC[name]).parameters.values()
    short = {
        "corpus",
        "n",
        "seconds",
        "sr",
        "prompt_seconds",
        "max_steps",
        "out",
        "device",
        "headless",
        "prompt",
    }
    return {
        p.name: examples.of(name, p.name)
        for p in parameters
        if p.name != "self"
        and p.kind is not p.VAR_KEYWORD
        and (p.default is p.empty or p.name in short)
    } | KEYWORDS.get(name, {})


def bound(examples: Examples, name: str) -> Callable[..., Any]:
    """The function, or the method of an example."""
    owner, _, method = name.rpartition(".")
    if "self" not in inspect.signature(PUBLIC[name]).parameters:
        return PUBLIC[name]
    if method == "__init__":
        return getattr(mnb, owner.rpartition(".")[2])
    return getattr(examples.instance(name), method)


# -- the walk --------------------------------------------------------------------------------------


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise a TimeoutError in what takes longer."""

    def stop(number: int, frame: Any) -> None:
        raise TimeoutError(f"still at it after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def written(folder: Path) -> dict[str, tuple[int, int]]:
    """Files and folders with their sizes and times."""
    found = {}
    for path in folder.rglob("*"):
        if "cache" in path.parts:  # compiled loops
            continue
        with suppress(OSError):
            status = path.lstat()
            is_folder = path.is_dir()
            found[str(path)] = (0, 0) if is_folder else (status.st_size, status.st_mtime_ns)
    return found


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_good_arguments_give_a_result(examples, name):
    """Else a hostile value would be refused for the others' sake."""
    bound(examples, name)(**good_arguments(examples, name))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("name", "argument"), ARGUMENTS)
def test_a_hostile_value_gives_a_result_or_an_error_of_ours(examples, name, argument):
    call, good = bound(examples, name), good_arguments(examples, name)
    parameter = inspect.signature(PUBLIC[name]).parameters[argument]
    given = "odd" if parameter.kind is parameter.VAR_KEYWORD else argument
    faults = []
    for kind, value in hostile_values().items():
        if (name, argument, kind) in ENDLESS:
            continue
        before = written(examples.folder)
        try:
            with at_most(LONGER.get(name, SECONDS)):
                call(**{**good, given: value})
        except mnb.MimikitError:
            new = written(examples.folder)
            changed = sorted(path for path in new if new[path] != before.get(path))
            if changed or len(new) < len(before):
                faults.append(f"{kind}: refused, but wrote {changed[:3]}")
        except OwnError:
            pass
        except BaseException as error:
            faults.append(f"{kind}: {type(error).__name__}: {str(error)[:150]}")
    assert not faults, "\n".join([f"{name}({argument}=...)", *faults])


if os.name != "posix":
    pytest.skip("needs alarms", allow_module_level=True)
