"""Nothing of others is written over, and two who write at once lose nothing of each other."""

import errno
import importlib.util
import json
import multiprocessing
import os
import pickle
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import types
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import h5py
import nbformat
import numpy as np
import pytest
import soundfile as sf

import mimikit_nb as mnb
from mimikit_nb import cli, grids
from mimikit_nb.analysis.export import FORMATS
from mimikit_nb.audio import locks
from mimikit_nb.audio.locks import Lock, held_folder, lock_of
from mimikit_nb.audio.write import _FORMATS, write
from mimikit_nb.batch import NotebookRun
from mimikit_nb.checkpoint import Run
from mimikit_nb.corpus import add_files, build_corpus, open_corpus
from mimikit_nb.corpus.bank import OutputBank
from mimikit_nb.errors import (
    AudioError,
    CheckpointError,
    ConfigError,
    CorpusError,
    MimikitError,
    NotebookError,
    ParameterError,
)
from mimikit_nb.evaluation.index import CorpusIndex
from mimikit_nb.generation.ensemble.piece import Ensemble
from mimikit_nb.recipes import generating
from mimikit_nb.recipes.audition import Notes
from mimikit_nb.training.config import TrainConfig
from tests.generation.ensemble.networks import make_checkpoint

RATE = 22050
TINY = {"frame_sizes": (8, 4, 4), "hidden_dim": 16, "chunk_steps": 64, "batch_size": 4}
TINY |= {"max_steps": 3, "checkpoint_every_steps": 3, "preview_every_steps": 0}
TINY |= {"held_out_every_steps": 3, "log_every_steps": 1}
is_posix = pytest.mark.skipif(os.name != "posix", reason="needs fork, links or signals")


@pytest.fixture
def take(tmp_path: Path, music: np.ndarray) -> Path:
    """A recording."""
    return write(tmp_path / "take.wav", music, RATE)


@pytest.fixture(scope="module")
def _trained(tmp_path_factory: pytest.TempPathFactory, music: np.ndarray) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    corpus = build_corpus(write(folder / "a.wav", music, RATE), folder / "c.h5")
    mnb.train(corpus, "sample_rnn", folder / "run", device="cpu", **TINY)
    return folder


@pytest.fixture
def trained(_trained: Path, tmp_path: Path) -> Path:
    """Folder with a corpus ``c.h5`` and a run ``run``; each test has its own copy."""
    return shutil.copytree(_trained, tmp_path / "trained")


@pytest.fixture
def start():
    """Start Python code in another process; goes on when that has said "ready"."""
    running = []

    def begin(code: str, *arguments: object) -> subprocess.Popen:
        command = [sys.executable, "-c", code, *map(str, arguments)]
        process = subprocess.Popen(command, stdin=-1, stdout=-1, text=True)
        running.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield begin
    for process in running:
        process.kill()
        process.wait()


_PROCESSES = multiprocessing.get_context("forkserver" if os.name == "posix" else "spawn")
_PROCESSES.set_forkserver_preload([__name__])  # each begins with everything imported


def _at_once(work: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Call a function in several processes at once; what each gives."""
    with ProcessPoolExecutor(len(arguments), _PROCESSES) as pool:
        return [future.result() for future in [pool.submit(work, *each) for each in arguments]]


def _who(process: subprocess.Popen) -> str:
    """What a refusal must say of the process that holds something."""
    host = re.escape(socket.gethostname())
    return rf"process {process.pid} on {host} since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d"


# -- what may be written over ----------------------------------------------------------------------


def _foreign(kind: str, path: Path, tone: np.ndarray) -> None:
    if kind == "a recording":
        sf.write(path, tone, RATE, format="WAV")
    elif kind == "an empty file":
        path.touch()
    elif kind == "a text":
        path.write_text("mimikit_nb corpus: my notes on it")
    elif kind == "HDF5 of others":
        with h5py.File(path, "w") as file:
            file["signal"] = tone
    elif kind == "a bank":
        OutputBank(path, RATE, 1, [{}]).close()


@pytest.mark.parametrize(
    "kind", ["a recording", "an empty file", "a text", "HDF5 of others", "a bank"]
)
def test_a_corpus_replaces_nothing_but_a_corpus(kind, take, tmp_path, tone):
    target = tmp_path / "there.h5"
    _foreign(kind, target, tone)
    before = target.read_bytes()
    with pytest.raises(CorpusError, match="isn't a corpus; only a corpus is replaced by a corpus"):
        build_corpus(take, target, overwrite=True)
    assert target.read_bytes() == before


@is_posix
@pytest.mark.timeout(60)
def test_a_corpus_replaces_no_folder_and_no_pipe(take, tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("folder", "pipe"):
        with pytest.raises(CorpusError, match=f"{name}.* is a .*{name}"):
            build_corpus(take, tmp_path / name, overwrite=True)


def test_a_corpus_replaces_a_corpus_also_a_damaged_or_newer_one(take, tmp_path):
    target = tmp_path / "c.h5"
    build_corpus(take, target)
    with pytest.raises(CorpusError, match=r"exists\. .*overwrite=True"):
        build_corpus(take, target)
    build_corpus(take, target, overwrite=True)
    target.write_bytes(target.read_bytes()[:5000])
    assert open_corpus(build_corpus(take, target, overwrite=True).path).n_samples
    with h5py.File(target, "r+") as file:
        file.attrs["format_version"] = 99
    assert open_corpus(build_corpus(take, target, overwrite=True).path).n_samples


@is_posix
@pytest.mark.parametrize("way", ["its name", "a link", "a hard link", "another way", "of a folder"])
def test_what_is_read_is_never_written_over(way, take, tmp_path):
    before, target, paths = take.read_bytes(), take, take
    if way == "a link":
        target = tmp_path / "link.h5"
        target.symlink_to(take)
    elif way == "a hard link":
        target = tmp_path / "hard.h5"
        target.hardlink_to(take)
    elif way == "another way":
        target = tmp_path / "x" / ".." / "take.wav"
        (tmp_path / "x").mkdir()
    elif way == "of a folder":
        paths = tmp_path
    with pytest.raises(CorpusError, match="one of the files that are read"):
        build_corpus(paths, target, overwrite=True)
    assert take.read_bytes() == before


def test_what_appears_while_a_corpus_is_built_is_not_replaced(take, tmp_path):
    target = tmp_path / "c.h5"

    def appears(progress: object) -> None:
        target.write_text("somebody's")

    with pytest.raises(CorpusError, match="exists"):
        build_corpus(take, target, progress=appears)
    assert target.read_text() == "somebody's"


def test_a_sound_replaces_nothing_but_sound(tmp_path, tone):
    path = tmp_path / "a.wav"
    write(path, tone, RATE)
    write(path, tone[:100], RATE, overwrite=True)
    assert sf.info(path).frames == 100
    path.write_text("a text that was saved under this name")
    with pytest.raises(AudioError, match="isn't a sound file"):
        write(path, tone, RATE, overwrite=True)
    assert path.read_text().startswith("a text")


@pytest.mark.parametrize("suffix", _FORMATS)
def test_a_sound_of_any_format_that_is_written_is_replaced(suffix, tmp_path, tone):
    path = write(tmp_path / f"a{suffix}", np.tile(tone, 4), 48000)
    before = path.read_bytes()
    assert write(path, tone, 48000, overwrite=True).read_bytes() != before


@pytest.mark.parametrize(
    "content",
    [
        b"RIFF\x10\0\0\0WEBPVP8 picture",
        b"RIFF\x10\0\0\0AVI LIST",
        b"FORM\0\0\0\x10ILBMBMHD",
        "text of some length".encode("utf-16"),
        b"\xff\xd8\xff\xe0 photo",
    ],
)
def test_what_only_begins_like_a_sound_is_not_replaced(content, tmp_path, tone):
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(AudioError, match="isn't a sound file"):
        write(path, tone, RATE, overwrite=True)
    assert path.read_bytes() == content


def test_an_export_replaces_nothing_but_an_export(tmp_path, tone):
    found, kinds = mnb.segment(np.concatenate([0 * tone, tone]), RATE), list(FORMATS)
    paths = found.export(tmp_path, kinds)
    assert found.export(tmp_path, kinds, overwrite=True) == paths
    for path in paths:
        other = b"RIFF of a take" if path.suffix == ".wav" else b"notes of mine\n1.0\t2.0\n"
        ours = path.read_bytes()
        path.write_bytes(other)
        with pytest.raises(AudioError, match="isn't an export of segments"):
            found.export(tmp_path, kinds, overwrite=True)
        assert path.read_bytes() == other
        path.write_bytes(ours)
    sf.write(paths[-1], tone, RATE)  # a sound, but none that was exported
    with pytest.raises(AudioError, match="isn't an export of segments"):
        found.export(tmp_path, kinds, overwrite=True)


@pytest.mark.parametrize("make", ["config", "score"])
def test_yaml_replaces_nothing_but_its_kind_and_only_if_told(make, tmp_path):
    path = tmp_path / "s.yaml"
    if make == "config":
        first, other = TrainConfig(max_steps=5), TrainConfig(max_steps=6)
    else:
        first, other = (mnb.Score([{"generator": "silence", "seconds": n}]) for n in (1, 2))
    text = first.to_yaml(path)
    assert first.to_yaml(path) == text  # nothing is to be done
    with pytest.raises(ConfigError, match=r"s\.yaml exists.*overwrite=True"):
        other.to_yaml(path)
    assert path.read_text() == text
    assert path.read_text() != other.to_yaml(path, overwrite=True) == path.read_text()
    for foreign in (b"", b"shopping: milk", b"[1, 2", b"\xff\xfe\0", b"- a\n- b\n"):
        path.write_bytes(foreign)
        with pytest.raises(ConfigError, match=r"s\.yaml (holds something else|exists)"):
            first.to_yaml(path, overwrite=True)
        assert path.read_bytes() == foreign
    assert list(tmp_path.iterdir()) == [path]


def test_a_piece_leaves_the_files_beside_it_alone(tmp_path, tone):
    beside = [tmp_path / f"ensemble_00{i}{s}" for i, s in enumerate([".txt", ".csv", ".yaml"], 1)]
    beside.append(tmp_path / "ensemble_004_stem_1.wav")
    for path in beside:
        path.write_text("mine")
    score = mnb.Score([{"generator": "silence", "seconds": 1}])
    piece = Ensemble(tone[None], RATE, [], score, {"ensemble": score.to_list()}, {"a": tone[None]})
    paths = piece.save(tmp_path)
    assert [path.name for path in paths] == [
        f"ensemble_005{s}" for s in (".wav", ".yaml", ".txt", ".csv", "_stem_1.wav")
    ]
    written = mnb.ensemble(score, seconds=1.0, out=tmp_path, stems=True)
    assert written.paths[0].name == "ensemble_006.wav"
    assert {path.read_text() for path in beside} == {"mine"}


def test_an_end_state_replaces_nothing_else(trained):
    made = mnb.generate(trained / "run", seconds=0.1, prompt_seconds=0.1)
    state = trained / "sound_001.state.safetensors"
    state.write_text("mine")
    with pytest.raises(AudioError, match="isn't an end state"):
        made.save(trained)
    with pytest.raises(AudioError, match="isn't an end state"):
        mnb.generate(trained / "run", seconds=0.1, out=trained / "sound_001.wav")
    assert state.read_text() == "mine" and not (trained / "sound_001.wav").exists()


def test_an_evaluation_leaves_tables_and_notes_of_others_alone(trained):
    out = trained / "out"
    out.mkdir()
    (out / "table.csv").write_text("path,price\na,1\n")
    with pytest.raises(ParameterError, match="isn't a table of an evaluation"):
        mnb.evaluate(trained / "run", n=1, seconds=0.2, prompt_seconds=0.2, out=out)
    assert (out / "table.csv").read_text() == "path,price\na,1\n"
    for foreign in ("[1, 2]", '{"a": 1}', "notes"):
        (out / "notes.json").write_text(foreign)
        with pytest.raises(ParameterError, match="can't be read"):
            Notes(out / "notes.json")


def test_a_sweep_leaves_a_table_of_others_alone(tmp_path):
    (tmp_path / "sweep.csv").write_text("folder,price\na,1\n")
    notebook = _notebook(tmp_path / "t.ipynb")
    with pytest.raises(NotebookError, match="is no table of a sweep"):
        grids.sweep(notebook, {"n": [1]}, tmp_path)
    assert (tmp_path / "sweep.csv").read_text() == "folder,price\na,1\n"


def test_an_exported_network_is_never_written_over_and_by_one_at_a_time(start, trained):
    checkpoint, folder = mnb.load_checkpoint(trained / "run"), trained / "exported"
    folder.mkdir()
    first = start(_HOLD, folder / ".lock")
    with pytest.raises(CheckpointError, match=_who(first)):
        mnb.export(checkpoint, folder)
    first.kill()
    first.wait()
    assert {path.name for path in mnb.export(checkpoint, folder).iterdir()} == {
        *("README.md", "config.json", "model.safetensors")
    }
    with pytest.raises(CheckpointError, match="exists and is not overwritten"):
        mnb.export(checkpoint, folder)


def test_an_index_replaces_nothing_else(trained, music):
    path = trained / "index"
    index = CorpusIndex.build(open_corpus(trained / "c.h5"), excerpt_seconds=1.0, cache=path)
    index.save(path)  # the same again
    path.write_text("mine")
    with pytest.raises(CorpusError, match="isn't an index of a corpus"):
        index.save(path)
    assert path.read_text() == "mine"


def test_a_foreign_folder_among_checkpoints_does_not_stop_a_training(trained):
    (trained / "run" / "checkpoints" / ".ipynb_checkpoints").mkdir()
    run = mnb.resume(trained / "run", 4, device="cpu")
    assert run.state == "finished"


# -- who holds it ----------------------------------------------------------------------------------

_HOLD = """
import sys, time
from pathlib import Path
from mimikit_nb.audio.locks import Lock
assert Lock(Path(sys.argv[1])).take()
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_lock_says_who_holds_it_and_is_free_when_that_is_killed(start, tmp_path):
    path = tmp_path / ".x.lock"
    owner = start(_HOLD, path)
    lock = Lock(path)
    assert lock.is_held and not lock.take(0.1)
    assert re.fullmatch(_who(owner), lock.owner)
    owner.kill()  # a SIGKILL: nothing of the owner's runs any more
    owner.wait()
    assert path.exists() and not lock.is_held
    began = time.monotonic()
    assert lock.take()
    assert time.monotonic() - began < 0.3
    assert json.loads(path.read_text())["pid"] == os.getpid()
    lock.release()
    assert not path.exists() and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["mine", '{"pid": "of mine"}', "[1]"])
def test_a_file_of_ones_own_is_no_lock(text, tmp_path):
    path = tmp_path / "lock"
    path.write_text(text)
    before = path.stat()
    with pytest.raises(AudioError, match=r"'lock' isn't this package's.*move it"):
        locks.hold_for(Path(), path, AudioError, AudioError)
    with (
        pytest.raises(AudioError, match=r"'lock' isn't this package's.*move it"),
        held_folder(tmp_path, "is used", AudioError, name="lock"),
    ):
        pass
    assert not Lock(path).is_held
    assert (path.read_text(), path.stat()) == (text, before)


def test_files_of_ones_own_named_like_locks_are_kept(trained):
    corpus, checkpoint = open_corpus(trained / "c.h5"), mnb.load_checkpoint(trained / "run")
    out = trained / "mine"
    out.mkdir()
    names = ["lock", ".lock", ".names.lock", ".a.wav.lock", ".a.h5.lock", ".c.h5.lock"]
    for path in [out / name for name in names] + [trained / ".c.h5.lock"]:
        path.write_text("mine")
    short = {"seconds": 0.1, "prompt_seconds": 0.1}
    for act, error in (
        (lambda: mnb.train(corpus, "sample_rnn", out, device="cpu", **TINY), CheckpointError),
        (lambda: mnb.export(checkpoint, out), CheckpointError),
        (lambda: mnb.evaluate(trained / "run", out=out, n=1, **short), ParameterError),
        (lambda: mnb.generate(checkpoint, corpus, **short, out=out), AudioError),
        (lambda: mnb.generate(checkpoint, corpus, **short, out=out / "a.wav"), AudioError),
        (lambda: mnb.generate(checkpoint, corpus, **short, out=out / "a.h5"), CorpusError),
        (lambda: corpus.write_labels("a", np.array([0]), np.array([5]), ["x"]), CorpusError),
    ):
        with pytest.raises(error, match="lock' isn't this package's"):
            act()
    assert sorted(path.name for path in out.iterdir()) == sorted(names)
    assert {path.read_text() for path in out.iterdir()} == {"mine"}


def test_a_lock_that_was_left_behind_is_taken(tmp_path):
    path = tmp_path / "lock"
    for text in ("", json.dumps({"pid": 1, "host": "elsewhere", "since": "2020-01-01 00:00:00"})):
        path.write_text(text)
        lock = Lock(path)
        assert not lock.is_held and lock.take()
        lock.release()
        assert not path.exists()


def test_a_disk_that_fills_up_leaves_no_half_lock(tmp_path, monkeypatch):
    def no_space(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(AudioError, match="No space left"):
        patch.setattr(os, "write", no_space)
        locks.hold_for(Path(), tmp_path / "lock", AudioError, AudioError)
    assert Lock(tmp_path / "lock").take()


@is_posix
def test_whoever_may_only_read_sees_that_a_lock_is_held(as_somebody_else):
    folder, somebody_else = as_somebody_else
    lock = Lock(folder / "lock")
    assert lock.take()
    lock.path.chmod(0o444)
    with somebody_else():
        assert Lock(folder / "lock").is_held
    lock.release()


@is_posix
def test_folders_that_are_read_only_are_said_in_words(as_somebody_else):
    folder, somebody_else = as_somebody_else
    short = {"prompt": 0.1 * np.sin(np.arange(RATE)), "seconds": 0.1, "prompt_seconds": 0.1}
    checkpoint = make_checkpoint("wavenet")
    paths = folder / "a.wav", folder / "a.h5"
    for path in paths:
        mnb.generate(checkpoint, out=path, **short)
    folder.chmod(0o555)
    with somebody_else():
        for path in paths:
            with pytest.raises(MimikitError, match=f"{folder} can't be written to: Permission"):
                mnb.generate(checkpoint, out=path.with_stem("b"), **short)
            with pytest.raises(MimikitError, match=f"{folder} can't be written to: Permission"):
                mnb.extend(path, 0.1, ck=checkpoint)


def test_what_was_refused_can_be_tried_again_while_the_error_is_kept(trained):
    short = {"seconds": 0.1, "prompt_seconds": 0.1}
    kept = []  # as a notebook keeps the latest traceback

    def tried(out: Path) -> str:
        try:
            mnb.generate(trained / "run", out=out, **short)
        except MimikitError as error:
            kept.append(error)
            return str(error)
        return ""

    for name, obstacle in (
        ("a.h5", "a.h5"),
        ("b.h5", "b.sound_001.state.safetensors"),
        ("c.wav", "c.wav"),
        ("d.wav", "d.state.safetensors"),
    ):
        (trained / obstacle).write_text("mine")
        first, second = tried(trained / name), tried(trained / name)
        assert first and "right now" not in second
        (trained / obstacle).unlink()
        assert tried(trained / name) == ""
    assert kept and not list(trained.glob(".*lock"))


def test_another_part_of_this_process_is_called_so(trained):
    short = {"seconds": 0.1, "prompt_seconds": 0.1}
    mnb.generate(trained / "run", out=trained / "made.wav", **short)

    def again(progress: object) -> None:
        mnb.extend(trained / "made.wav", 0.1)

    with pytest.raises(AudioError, match="right now by another cell of this notebook, or another"):
        mnb.extend(trained / "made.wav", 0.1, progress=again)
    mnb.extend(trained / "made.wav", 0.1)


def test_many_processes_hold_a_lock_one_after_the_other(tmp_path):
    code = (
        "import sys, time; from pathlib import Path\n"
        "from mimikit_nb.audio.locks import held, MimikitError\n"
        "count = Path(sys.argv[1]) / 'count'\n"
        "for _ in range(50):\n"
        "    with held(Path(sys.argv[1]) / '.lock', MimikitError, MimikitError, 60):\n"
        "        n = int(count.read_text()); count.write_text(str(n + 1))\n"
    )
    (tmp_path / "count").write_text("0")
    command = [sys.executable, "-c", code, str(tmp_path)]
    processes = [subprocess.Popen(command) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    assert (tmp_path / "count").read_text() == "200"
    assert not (tmp_path / ".lock").exists()


@is_posix
def test_on_disks_without_locks_the_owner_that_is_named_counts(tmp_path, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(locks.fcntl, "flock", no_locks)
    first, second = Lock(tmp_path / "lock"), Lock(tmp_path / "lock")
    assert first.take() and second.is_held and not second.take(0.1)
    first.release()
    assert second.take()
    second.release()
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    for facts, is_free in (
        ({"pid": done.pid, "host": socket.gethostname()}, True),
        ({"pid": done.pid, "host": "elsewhere"}, False),
        ({"pid": os.getppid(), "host": socket.gethostname()}, False),
    ):
        (tmp_path / "lock").write_text(json.dumps({**facts, "since": "today"}))
        assert first.take(0.1) == is_free
        first.release()


def test_locks_as_windows_knows_them(tmp_path, monkeypatch):
    taken: dict[tuple[int, int], int] = {}

    def locking(descriptor: int, mode: int, n: int) -> None:
        key = (os.fstat(descriptor).st_ino, os.lseek(descriptor, 0, os.SEEK_CUR))
        alive = key in taken and _is_open(taken[key])
        if alive and taken[key] != descriptor:
            raise OSError(errno.EACCES, "locked")
        taken[key] = descriptor

    def _is_open(descriptor: int) -> bool:
        try:
            os.fstat(descriptor)
        except OSError:
            return False
        return True

    fake = types.ModuleType("msvcrt")
    fake.locking, fake.LK_NBLCK = locking, 2
    monkeypatch.setitem(sys.modules, "msvcrt", fake)
    monkeypatch.setattr(sys, "platform", "win32")
    spec = importlib.util.spec_from_file_location("mimikit_nb.audio.locks_windows", locks.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    first, second = module.Lock(tmp_path / "lock"), module.Lock(tmp_path / "lock")
    assert first.take() and second.is_held and not second.take(0.1)
    assert second.owner.startswith("another cell of this notebook, or another part of this process")
    first.release()
    assert not second.is_held and second.take()
    second.release()
    assert not (tmp_path / "lock").exists()


def test_a_folder_that_cannot_be_written_to_is_said_in_words(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(AudioError, match=r"file/sub can't be written to.*another folder"),
        held_folder(tmp_path / "file" / "sub", "is used", AudioError),
    ):
        pass


# -- two at once -----------------------------------------------------------------------------------


def _notebook(path: Path, code: str = "") -> Path:
    cell = nbformat.v4.new_code_cell("n: int = 1  # n", metadata={"tags": ["parameters"]})
    cells = [cell, nbformat.v4.new_code_cell(code)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def _sweep(folder: Path, seconds: float, values: list[int]) -> list[str]:
    """Sweep with runs that only take time; states of the table."""

    def run(path: Path, parameters: dict[str, Any], out: Path) -> NotebookRun:
        with open(out / "runs.txt", "a") as file:
            file.write("x")
        time.sleep(seconds)
        return NotebookRun(out / "t.ipynb", out, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grids, "run_notebook", run)
        table = grids.sweep(folder / "t.ipynb", {"n": values}, folder / "out")
    return list(table["state"])


def test_two_sweeps_of_one_folder_keep_each_others_rows(tmp_path):
    _notebook(tmp_path / "t.ipynb")
    states = _at_once(_sweep, [(tmp_path, 0.15, [1, 2, 3]), (tmp_path, 0.2, [4, 5, 6])])
    assert states == [["finished"] * 3] * 2
    rows = grids._read_rows(tmp_path / "out" / "sweep.csv")
    assert sorted(row["n"] for row in rows.values()) == [1, 2, 3, 4, 5, 6]
    assert {row["state"] for row in rows.values()} == {"finished"}


def test_two_sweeps_of_the_same_grid_run_nothing_twice(tmp_path):
    _notebook(tmp_path / "t.ipynb")
    for states in _at_once(_sweep, [(tmp_path, 0.5, [1, 2, 3])] * 2):
        assert set(states) <= {"finished", "elsewhere"}
    rows = grids._read_rows(tmp_path / "out" / "sweep.csv")
    assert [row["state"] for row in rows.values()] == ["finished"] * 3
    runs = list((tmp_path / "out").glob("*/runs.txt"))
    assert [path.read_text() for path in runs] == ["x"] * 3


def test_what_another_sweep_runs_has_not_failed(start, tmp_path):
    path, out = _notebook(tmp_path / "t.ipynb"), tmp_path / "out"
    assert _sweep(tmp_path, 0.0, [1, 2]) == ["finished"] * 2
    held = grids.combine(grids.Notebook.read(path), {"n": [3]}, out)[0].folder
    held.mkdir()
    first = start(_HOLD, held / ".lock")
    before = (out / "sweep.csv").read_text()
    table = grids.sweep(path, {"n": [1, 3]}, out)
    assert list(table["state"]) == ["finished", "elsewhere"]
    assert re.search(rf"is run in another sweep right now by {_who(first)}", table["error"][1])
    assert (out / "sweep.csv").read_text() == before  # what it says there is the other's to say
    assert cli.main(["sweep", str(path), "-p", "n", "1", "3", "--out", str(out)]) == 0
    first.kill()
    first.wait()
    assert _sweep(tmp_path, 0.0, [1, 3]) == ["finished"] * 2


_TRAIN = """
import sys, mimikit_nb as mnb
folder = sys.argv[1]
print("ready", flush=True)
mnb.train(folder + "/c.h5", "sample_rnn", folder + "/busy", device="cpu", frame_sizes=(8, 4, 4),
    hidden_dim=16, chunk_steps=64, batch_size=4, max_steps=10**6, preview_every_steps=0)
"""


def test_a_second_training_is_told_who_trains(start, trained):
    first = start(_TRAIN, trained)
    run, end = Run(trained / "busy"), time.monotonic() + 60
    while not (run.is_locked and run.state == "running"):
        assert time.monotonic() < end and first.poll() is None
        time.sleep(0.1)
    corpus = open_corpus(trained / "c.h5")
    with pytest.raises(CheckpointError, match=_who(first)):
        mnb.train(corpus, "sample_rnn", run.folder, device="cpu", **TINY)
    with pytest.raises(CheckpointError, match=_who(first)):
        mnb.resume(run.folder, device="cpu")
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert run.state == "interrupted"
    assert mnb.resume(run.folder, 1, device="cpu").state == "finished"


_EVALUATE = """
import sys, mimikit_nb as mnb
def wait(progress):
    print("ready", flush=True)
    sys.stdin.read()
mnb.evaluate(sys.argv[1], n=1, seconds=0.5, prompt_seconds=0.2, progress=wait)
"""


def test_a_second_evaluation_is_told_who_evaluates(start, trained):
    first = start(_EVALUATE, trained / "run")
    options = {"n": 1, "seconds": 0.5, "prompt_seconds": 0.2}
    with pytest.raises(ParameterError, match=_who(first)):
        mnb.evaluate(trained / "run", **options)
    assert len(mnb.evaluate(trained / "run", **options, out=trained / "other")) == 1
    first.kill()
    first.wait()
    assert len(mnb.evaluate(trained / "run", **options)) == 1


def test_two_views_keep_each_others_stars(tmp_path):
    here, there = Notes(tmp_path / "notes.json"), Notes(tmp_path / "notes.json")
    here.set("a.wav", 3)
    there.set("b.wav", 4, "bright")
    here.vote("x", "y")
    there.set("a.wav", note="dark")
    for notes in (there, Notes(tmp_path / "notes.json")):
        assert (notes.stars("a.wav"), notes.note("a.wav"), notes.stars("b.wav")) == (3, "dark", 4)
        assert notes.votes == [("x", "y")]


_LABELS = """
import sys, numpy as np
from mimikit_nb.corpus import open_corpus
corpus = open_corpus(sys.argv[1])
print("ready", flush=True)
for i in range(8):
    corpus.write_labels(f"t{sys.argv[2]}_{i}", np.array([i]), np.array([i + 5]), ["a"])
"""


def test_tracks_that_several_write_at_once_are_all_there(start, trained, music):
    path = trained / "c.h5"
    writers = [start(_LABELS, path, number) for number in range(3)]
    more = write(trained / "more.wav", music / 2, RATE)
    end = time.monotonic() + 60
    while True:  # refused while a track is being written, and never in its place
        try:
            corpus = add_files(path, more)
            break
        except CorpusError as error:
            assert "being written right now by process" in str(error) and time.monotonic() < end
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    corpus = open_corpus(path)
    assert sorted(corpus.tracks) == sorted(f"t{n}_{i}" for n in range(3) for i in range(8))
    assert len(corpus.files) == 2 and corpus.n_samples == 2 * len(music)


_ADD = """
import sys
from mimikit_nb.corpus import add_files, build_corpus
def wait(progress):
    print("ready", flush=True)
    sys.stdin.readline()
{"add": add_files, "build": lambda c, p, progress: build_corpus(p, c, progress=progress)}[
    sys.argv[1]](sys.argv[2], sys.argv[3], progress=wait)
"""


@pytest.mark.parametrize("what", ["add", "build"])
def test_a_second_writer_of_a_corpus_is_told_who_writes(what, start, trained, music, tone):
    path = trained / ("c.h5" if what == "add" else "new.h5")
    more = write(trained / "more.wav", music / 2, RATE)
    other = write(trained / "other.wav", tone, RATE)
    first = start(_ADD, what, path, more)
    with pytest.raises(CorpusError, match=_who(first)):
        add_files(path, other) if what == "add" else build_corpus(other, path)
    first.communicate()
    assert open_corpus(path).files[-1].path == str(more)
    add_files(path, other)


def _make_sounds(trained: Path, out: Path) -> None:
    options = {"seconds": 0.05, "n": 2, "prompt_seconds": 0.05}
    for _ in range(2):
        mnb.generate(trained / "run", **options, out=out)
        mnb.generate(trained / "run", **options).save(out)


def test_sounds_that_two_make_in_one_folder_are_all_there(trained):
    out = trained / "out"
    _at_once(_make_sounds, [(trained, out)] * 2)
    sounds = sorted(out.glob("*.wav"))
    assert [path.name for path in sounds] == [f"sound_{i + 1:03d}.wav" for i in range(16)]
    assert all(abs(sf.info(path).frames - 0.1 * RATE) < 2 for path in sounds)
    assert {path.suffix for path in out.iterdir()} == {".wav", ".safetensors"}


_EXTEND = """
import sys, mimikit_nb as mnb
def wait(progress):
    print("ready", flush=True)
    sys.stdin.readline()
mnb.extend(sys.argv[1], 0.2, progress=wait)
"""


@pytest.mark.parametrize("name", ["made.wav", "bank.h5"])
def test_a_sound_is_extended_by_one_at_a_time(name, start, trained):
    path = trained / name
    mnb.generate(trained / "run", seconds=0.1, prompt_seconds=0.1, out=path)
    first = start(_EXTEND, path)
    with pytest.raises(MimikitError, match=_who(first)):
        mnb.extend(path, 0.1)
    first.kill()
    first.wait()
    whole = mnb.extend(path, 0.1)
    assert whole.audio.shape[-1] >= round(0.3 * RATE)


def test_a_sound_that_was_extended_meanwhile_is_not_cut(trained, monkeypatch):
    path = trained / "made.wav"
    mnb.generate(trained / "run", seconds=0.1, prompt_seconds=0.1, out=path)
    reopen = generating.reopen_sink

    def late(sounds, stream):
        monkeypatch.setattr(generating, "reopen_sink", reopen)
        mnb.extend(path, 0.2)  # somebody else, between the reading of the state and the writing
        return reopen(sounds, stream)

    monkeypatch.setattr(generating, "reopen_sink", late)
    with pytest.raises(AudioError, match="extended by somebody else meanwhile"):
        mnb.extend(path, 0.1)
    assert sf.info(path).frames == round(0.4 * RATE)


_BANK = """
import sys
from mimikit_nb.corpus.bank import OutputBank
bank = OutputBank(sys.argv[1], 8000, 1, [{}])
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_bank_has_one_writer_at_a_time(start, tmp_path):
    path = tmp_path / "bank.h5"
    first = start(_BANK, path)
    with pytest.raises(CorpusError, match=_who(first)):
        OutputBank(path, 8000, 1, [{}])
    first.kill()
    first.wait()
    bank = OutputBank(path, 8000, 1, [{}])
    assert bank.names == ["sound_002"]
    bank.close()
    assert not lock_of(path).exists()


# -- a corpus that is another one by now -----------------------------------------------------------


@pytest.fixture
def rebuilt(tmp_path, take, tone):
    """A corpus object whose file holds other sounds by now."""
    old = build_corpus(take, tmp_path / "c.h5")
    old.write_labels("old", np.array([0]), np.array([5]), ["a"])
    build_corpus(write(tmp_path / "short.wav", tone, RATE), old.path, overwrite=True)
    open_corpus(old.path).write_labels("new", np.array([0]), np.array([5]), ["b"])
    return old


def test_tracks_never_land_on_another_corpus(rebuilt):
    before = rebuilt.path.read_bytes()
    values = np.zeros((1000, 2), np.float32)
    for act in (
        lambda: rebuilt.write_feature("x", values, 100),
        lambda: rebuilt.write_labels("x", np.array([0]), np.array([5]), ["a"]),
        lambda: rebuilt.write_labels("new", np.array([0]), np.array([5]), ["a"], overwrite=True),
        lambda: rebuilt.remove_track("new"),
        lambda: rebuilt.tracks["new"],
        lambda: list(rebuilt.tracks),
        lambda: "new" in rebuilt.tracks,
        lambda: pickle.loads(pickle.dumps(rebuilt)),
    ):
        with pytest.raises(CorpusError, match="replaced by a corpus of other sounds"):
            act()
    assert rebuilt.path.read_bytes() == before


def test_a_corpus_that_gained_tracks_or_recordings_is_the_same(tmp_path, take, tone):
    old = build_corpus(take, tmp_path / "c.h5")
    again = pickle.loads(pickle.dumps(old))
    open_corpus(old.path).write_labels("a", np.array([0]), np.array([5]), ["x"])
    longer = add_files(old.path, write(tmp_path / "more.wav", tone, RATE))
    old.write_labels("b", np.array([7]), np.array([9]), ["y"])
    again.write_labels("c", np.array([7]), np.array([9]), ["y"])
    assert list(longer.tracks) == list(old.tracks) == ["a", "b", "c"]
    assert old.tracks["b"].start[0] == 7
    assert pickle.loads(pickle.dumps(old)).n_samples == longer.n_samples


def test_a_corpus_built_again_of_the_same_sounds_is_the_same(tmp_path, take):
    old = build_corpus(take, tmp_path / "c.h5")
    build_corpus(take, old.path, overwrite=True, rights="mine")
    old.write_labels("a", np.array([0]), np.array([5]), ["x"])
    assert list(open_corpus(old.path).tracks) == ["a"]
