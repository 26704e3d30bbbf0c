"""Files of every format that is read, damaged at random: a result or our error, and soon.

Nothing is written or changed by reading. A few examples run with the other tests; the campaign
(``pytest -m long tests/safety/test_mutations.py``) tries more, as many per format as the variable
MIMIKIT_NB_EXAMPLES says.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import resource
import shutil
import signal
import struct
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import mimikit_nb as mnb
from mimikit_nb import grids
from mimikit_nb.analysis import Segmentation, read_labels
from mimikit_nb.audio.files import load
from mimikit_nb.audio.recall import read_recall
from mimikit_nb.audio.write import write
from mimikit_nb.batch import Notebook
from mimikit_nb.checkpoint.file import Header, write_file
from mimikit_nb.checkpoint.format import export
from mimikit_nb.checkpoint.run import Run
from mimikit_nb.corpus import open_corpus
from mimikit_nb.corpus.bank import OutputBank, bank_sounds, read_bank
from mimikit_nb.errors import MimikitError
from mimikit_nb.evaluation.index import CorpusIndex
from mimikit_nb.generation.end_state import EndState
from mimikit_nb.generation.ensemble.score import Score
from mimikit_nb.networks.wavenet import WaveNetConfig
from mimikit_nb.recipes.audition import Notes
from mimikit_nb.training.config import TrainConfig
from tests.audio.encode import WRITERS
from tests.notebooks.toy import write_notebook

RATE = 8000
SECONDS = 10.0
MOST_MEMORY = 16 * 2**30  # addresses, most of them torch's own
HDF5_LOOPS = "HDF5 loops, or takes all memory, where it reads text from a damaged heap"
N_EXAMPLES = int(os.environ.get("MIMIKIT_NB_EXAMPLES", "400"))

# -- files and how they are read -------------------------------------------------------------------

Subject = tuple[str, Callable[[Path], Any]]
"The file that is damaged, and what reads it."


def _hear(path: Path) -> None:
    mnb.check(path)
    load(path, RATE)


def _enter_corpus(path: Path) -> None:
    corpus = open_corpus(path)
    assert np.asarray(corpus.signal[:, :100]).shape[1] <= 100
    assert len(corpus.files) == len({(file.path, file.start) for file in corpus.files})
    _ = dict(corpus.tracks), corpus.parameters, corpus.rights, corpus.report, corpus.hash


def _build_network(path: Path) -> None:
    checkpoint = mnb.load_checkpoint(path)
    checkpoint.network()
    _ = checkpoint.hash, checkpoint.metrics, checkpoint.training


def _look_at_run(path: Path) -> None:
    folder = path.parent
    run = Run(folder)
    for name in ("config", "metrics", "state", "message", "checkpoints"):
        try:
            getattr(run, name)
        except MimikitError:
            pass


def _play_score(path: Path) -> None:
    list(itertools.islice(Score(path).events(np.random.default_rng(0)), 100))


def _read_bank(path: Path) -> None:
    for name in bank_sounds(path):
        read_bank(path, name)


def _read_notebook(path: Path) -> None:
    notebook = Notebook.read(path)
    notebook.check({name: parameter.default for name, parameter in notebook.parameters.items()})


def _read_notes(path: Path) -> None:
    notes = Notes(path)
    _ = notes.stars("a.wav"), notes.note("a.wav"), notes.votes, notes.wins()


IO = WaveNetConfig.default_io(RATE)
SCORE = [
    {"generator": "corpus", "seconds": 2, "gain_db": [-6, 0]},
    {"repeat": [{"generator": "corpus", "seconds": {"choice": [1, 2]}}], "times": 2},
]
SOUNDS = {
    "wav": "WAV, 16 bits", "rf64": "RF64", "w64": "Wave64", "aiff": "AIFF", "au": "AU",
    "caf": "CAF", "flac": "FLAC, 16 bits", "ogg": "Ogg Vorbis", "opus": "Ogg Opus",
    "mp3": "MP3, variable bit rate", "m4a": "M4A, AAC", "webm": "WebM, Opus",
    "wma": "Windows Media", "wv": "WavPack",
}  # fmt: skip
SUBJECTS: dict[str, Subject] = {
    **{f"sound.{end}": (f"sound.{end}", _hear) for end in SOUNDS},
    "recall": ("recalled.wav", read_recall),
    "corpus": ("corpus.h5", _enter_corpus),
    "bank": ("bank.h5", _read_bank),
    "index": ("index.safetensors", CorpusIndex.load),
    "checkpoint": ("run/checkpoints/step_00000005.safetensors", _build_network),
    "exported network": ("exported/model.safetensors", lambda path: _build_network(path.parent)),
    "exported config": ("exported/config.json", lambda path: _build_network(path.parent)),
    "run config": ("run/config.yaml", _look_at_run),
    "run metrics": ("run/metrics.csv", _look_at_run),
    "run state": ("run/state.json", _look_at_run),
    "config": ("config.yaml", TrainConfig.from_yaml),
    "score": ("score.yaml", _play_score),
    "audacity": ("segments.txt", lambda path: read_labels(path, RATE)),
    "csv": ("segments.csv", lambda path: read_labels(path, RATE)),
    "json": ("segments.json", lambda path: read_labels(path, RATE)),
    "reaper": ("segments_regions.csv", lambda path: read_labels(path, RATE)),
    "cues": ("segments_cue.wav", read_labels),
    "sweep": ("sweep.csv", grids._read_rows),
    "notebook": ("notebook.ipynb", _read_notebook),
    "notes": ("notes.json", _read_notes),
    "end state": ("end.safetensors", EndState.load),
}


@pytest.fixture(scope="session")
def intact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a whole file of each format."""
    folder = tmp_path_factory.mktemp("intact")
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, RATE).astype(np.float32)
    _write_sounds(folder, noise)
    _write_corpus(folder, noise)
    _write_networks(folder)
    _write_labels(folder, noise)
    _write_texts(folder)
    return folder


def _write_sounds(folder: Path, noise: np.ndarray) -> None:
    for end, kind in SOUNDS.items():
        WRITERS[kind](folder / f"sound.{end}", np.repeat(noise, 6)[None], 48000)
    write(folder / "recalled.wav", noise, RATE, recall={"seed": 1, "controls": {"top_p": 0.5}})


def _write_corpus(folder: Path, noise: np.ndarray) -> None:
    path = folder / "recalled.wav"
    corpus = mnb.build_corpus([path, folder / "sound.flac"], folder / "corpus.h5", RATE)
    corpus.write_labels("parts", np.array([0, 100]), np.array([100, 200]), np.array(["a", "b"]))
    bank = OutputBank(folder / "bank.h5", RATE, 1, [{"seed": 1}])
    bank.append(noise[None, None])
    bank.close()
    long = SimpleNamespace(signal=np.tile(noise, 12)[None], sample_rate=RATE)
    CorpusIndex.build(long, cache=folder / "index.safetensors")


def _write_networks(folder: Path) -> None:
    config, io = WaveNetConfig(n_layers=2, residual_channels=4, skip_channels=4), IO
    weights = config.build(io).state_dict()
    header = Header(network=config, io=io, step=5, training=TrainConfig().to_dict())
    path = Run(folder / "run").checkpoint_path(5)
    write_file(path, header, {f"network/{name}": weight for name, weight in weights.items()})
    export(mnb.load_checkpoint(path), folder / "exported")
    EndState({"network/x": torch.zeros(1, 2)}, {"seed": 1}).save(folder / "end.safetensors")
    stored = {"network": config.to_dict(), "io": io.to_dict(), "training": header.training}
    stored["corpus"] = {"path": "corpus.h5", "hash": "c0ffee"}
    (folder / "run/config.yaml").write_text(yaml.safe_dump(stored))
    (folder / "run/metrics.csv").write_text("step,loss,held_out_loss\n1,2.5,\n2,2.25,3\n")
    (folder / "run/state.json").write_text('{"state": "finished", "message": "done"}')


def _write_labels(folder: Path, noise: np.ndarray) -> None:
    starts, stops = np.array([0, 2000, 4000]), np.array([1000, 3000, 8000])
    found = Segmentation(RATE, RATE, starts, stops, ("kick", "ä, b", "3"))
    found.export(folder, ["audacity", "csv", "json", "reaper", "cue"], y=noise)


def _write_texts(folder: Path) -> None:
    TrainConfig().to_yaml(folder / "config.yaml")
    Score(SCORE).to_yaml(folder / "score.yaml")
    rows = {f"a_{i}": {"seed": i, "state": "finished", "seconds": 1.5, "folder": f"a_{i}"}
            for i in range(2)}  # fmt: skip
    grids._write_rows(folder / "sweep.csv", rows)
    write_notebook(folder / "notebook.ipynb", "print(seconds)")
    notes = Notes(folder / "notes.json")
    notes.set("a.wav", 3, "good")
    notes.vote("a", "b")


# -- damage ----------------------------------------------------------------------------------------

NUMBERS = (b"-1", b"0", b"1e300", b"nan", b"9" * 30, b"null", b"[]", b'"x"', b"true", b"2.5", b"{}")
SIZES = tuple(struct.pack("<I", n) for n in (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF))
Damage = tuple[str, float, Any]
"What is done, where (from 0, the beginning, to 1, the end), and with what."


def damaged(data: bytes, kind: str, place: float, what: Any) -> bytes:
    """Data with one damage."""
    at = min(len(data), int(place * (len(data) + 1)))
    before, after = data[:at], data[at:]
    if kind == "flip":
        return before + bytes(byte ^ what for byte in after[:1]) + after[1:]
    if kind == "number":
        return _with_number(data, place, what)
    if kind in ("cut", "repeat"):
        return before if kind == "cut" else before + after[:what] * 2 + after[what:]
    if kind in ("zero", "delete"):
        return before + (bytes(len(after[:what])) if kind == "zero" else b"") + after[what:]
    return before + what + (after if kind == "insert" else after[len(what) :])


def _with_number(data: bytes, place: float, what: bytes) -> bytes:
    """Data with another number or word in the place of one; of the same length in binary files."""
    found = list(re.finditer(rb"-?\d+(?:\.\d+)?|\b[a-z_]{3,}\b", data))
    if not found:
        return data + what
    match = found[min(len(found) - 1, int(place * len(found)))]
    is_text = b"\0" not in data
    new = what if is_text else what[: len(match[0])].ljust(len(match[0]))
    return data[: match.start()] + new + data[match.end() :]


# Headers are where damage tells: every other place lies in the first hundredths.
places = st.floats(0, 1) | st.floats(0, 1).map(lambda x: x**6)
lengths = st.integers(1, 64) | st.integers(64, 20_000)
damages = st.one_of(
    st.tuples(st.just("flip"), places, st.integers(1, 255)),
    st.tuples(st.sampled_from(["cut", "repeat", "zero", "delete"]), places, lengths),
    st.tuples(
        st.sampled_from(["insert", "set"]), places, st.binary(max_size=16) | st.sampled_from(SIZES)
    ),
    st.tuples(st.just("number"), st.floats(0, 1), st.sampled_from(NUMBERS)),
)
several = st.lists(damages, min_size=1, max_size=4)


def _content(folder: Path) -> dict[str, tuple[bytes, int]]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}


def _survives(subject: str, damage: list[Damage], intact: Path) -> None:
    """Damage a copy of a file and read it: a result or our error, soon, and nothing is changed."""
    name, read = SUBJECTS[subject]
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / name
        shutil.copytree((intact / name).parent, path.parent, dirs_exist_ok=True,
                        ignore=_all_but(intact, name))  # fmt: skip
        data = path.read_bytes()
        for kind, place, what in damage:
            data = damaged(data, kind, place, what)
        path.write_bytes(data)
        before, began = _content(Path(temporary)), time.monotonic()
        (_read_apart if path.suffix == ".h5" else _read_here)(read, path)
        assert time.monotonic() - began < SECONDS
        assert _content(Path(temporary)) == before


def _read_here(read: Callable[[Path], Any], path: Path) -> None:
    with warnings.catch_warnings(), contextlib.suppress(MimikitError):
        warnings.simplefilter("ignore")
        read(path)


def _read_apart(read: Callable[[Path], Any], path: Path) -> None:
    """Read in a process of its own: nothing ends HDF5's code once it loops."""
    pid = os.fork()
    if not pid:
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
        signal.alarm(round(SECONDS))
        try:
            _read_here(read, path)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code == 0, f"ended with {code}"


def _all_but(intact: Path, name: str) -> Callable[[str, list[str]], list[str]]:
    """What isn't copied: in the topmost folder all but the file, in others nothing."""

    def left_out(folder: str, names: list[str]) -> list[str]:
        return [other for other in names if other != name] if Path(folder) == intact else []

    return left_out


@pytest.mark.parametrize("subject", SUBJECTS)
def test_whole_files_are_read(subject: str, intact: Path) -> None:
    name, read = SUBJECTS[subject]
    read(intact / name)


@pytest.mark.parametrize("subject", SUBJECTS)
@settings(max_examples=6, derandomize=True, suppress_health_check=list(HealthCheck))
@given(damage=several)
@example(damage=[("number", 0.0, b"-1")])  # a name that is a number
@example(damage=[("number", 0.65625, b"-1")])  # a cell without a type
@example(damage=[("cut", 0.0, 1), ("number", 0.0, b"-1")])  # nothing but a number
@example(damage=[("number", 0.3125, b"-1")])  # text in text that is no JSON
@example(damage=[("flip", 0.0006, 1)])  # a stream without a codec
@example(damage=[("repeat", 0.0, 17)])  # a chunk that ends where no file can
@example(damage=[("flip", 0.0078125, 1)])  # a sound that is in the table only
@example(damage=[("set", 0.02, b"\xff" * 8)])  # a bank that was read again for minutes
@example(damage=[("delete", 0.0, 36)])  # frames that FFmpeg decodes and can't convert
@example(damage=[("number", 0.9609375, b"-1")])  # a notebook of a version from -1 on
def test_a_damaged_file_is_read_or_refused(
    subject: str, damage: list[Damage], intact: Path
) -> None:
    _survives(subject, damage, intact)


@pytest.mark.parametrize("end", SOUNDS)
def test_megabytes_of_zeros_behind_a_header_are_looked_through_at_once(
    end: str, intact: Path, tmp_path: Path
) -> None:
    path, began = tmp_path / f"a.{end}", time.monotonic()
    path.write_bytes((intact / f"sound.{end}").read_bytes()[:40] + bytes(10**7))
    _read_here(_hear, path)
    assert time.monotonic() - began < SECONDS


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    "subject",
    [pytest.param(name, marks=pytest.mark.xfail(strict=False, reason=HDF5_LOOPS))
     if name == "bank" else name for name in SUBJECTS],
)  # fmt: skip
@settings(max_examples=N_EXAMPLES, database=None, suppress_health_check=list(HealthCheck))
@given(damage=several)
def test_no_damage_ends_in_a_foreign_error(
    subject: str, damage: list[Damage], intact: Path
) -> None:
    _survives(subject, damage, intact)
