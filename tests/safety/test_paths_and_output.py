"""Paths of every kind, and output on every terminal."""

import json
import ntpath
import os
import re
import socket
import subprocess
import sys
from pathlib import Path, PureWindowsPath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mimikit_nb as mnb
from mimikit_nb.audio import doctor
from mimikit_nb.audio.files import load
from mimikit_nb.audio.names import file_name, readable
from mimikit_nb.audio.recall import read_recall
from mimikit_nb.audio.write import write
from mimikit_nb.cli import main
from mimikit_nb.corpus import add_files, build, build_corpus, open_corpus
from mimikit_nb.errors import (
    AudioError,
    CheckpointError,
    ConfigError,
    CorpusError,
    MimikitError,
)
from mimikit_nb.recipes.audition import keep
from mimikit_nb.widgets.pictures import corpus_overview
from mimikit_nb.widgets.player import listen

RATE = 22050
TINY = {"frame_sizes": (8, 4, 4), "hidden_dim": 16, "chunk_steps": 64, "batch_size": 4}
TINY |= {"max_steps": 3, "checkpoint_every_steps": 3, "preview_every_steps": 3}
TINY |= {"preview_seconds": 0.1, "held_out_every_steps": 3, "log_every_steps": 1}
is_posix = pytest.mark.skipif(os.name != "posix", reason="names are text, and no pipes are files")

# -- names that aren't text ------------------------------------------------------------------------


@pytest.fixture
def odd(tmp_path: Path, tone: np.ndarray) -> Path:
    """Folder whose own name, and that of a recording in it, has a Latin-1 byte."""
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xfcben"))
    folder.mkdir()
    write(folder / "good.wav", tone, RATE)
    write(Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.wav")), np.tile(tone, 2), RATE)
    return folder


@is_posix
def test_a_name_that_is_no_text_is_checked_like_any_other(odd):
    report = mnb.check(odd)
    assert sorted(r.seconds for r in report.accepted) == [1.0, 2.0]
    for text in (str(report), report._repr_html_(), str(mnb.check(odd, window_seconds=1.5))):
        text.encode("utf-8")  # what a page or a terminal would do
    assert r"\xfcben" in str(mnb.check(odd, window_seconds=1.5))
    json.dumps(report.to_dict()).encode("ascii")
    assert doctor.Report.from_dict(report.to_dict()).records == report.records
    assert len(report.to_frame()) == 2


@is_posix
def test_a_name_that_is_no_text_goes_through_a_corpus(odd, music):
    corpus = build_corpus(odd, odd / "c.h5")
    assert [Path(f.path).exists() for f in open_corpus(corpus.path).files] == [True, True]
    more = Path(os.fsdecode(os.fsencode(odd) + b"/\xff.flac"))
    write(more, music, RATE)
    assert len(add_files(corpus.path, more).files) == 3
    again = build_corpus(odd, corpus.path, reuse=True)
    assert again.hash == open_corpus(corpus.path).hash
    again.write_labels("marks", np.array([0]), np.array([5]), ["a"])
    assert list(again.tracks) == ["marks"]


@is_posix
def test_a_name_that_is_no_text_is_trained_on_and_prompts(odd):
    corpus = build_corpus(odd, odd / "c.h5")
    run = mnb.train(corpus, "sample_rnn", odd / "run", device="cpu", **TINY)
    assert run.config["corpus"]["path"] == str(corpus.path)
    prompt = next(r.path for r in corpus.report.accepted if r.seconds == 2.0)
    made = mnb.generate(run.folder, prompt=[prompt], prompt_seconds=0.2, seconds=0.2)
    (path,) = made.save(odd)
    assert read_recall(path)["prompt"]["path"] == str(prompt)
    assert load(path).shape[1] == made.audio.shape[-1]
    (longer,) = mnb.extend(path, 0.1).paths
    assert load(longer).shape[1] == made.audio.shape[-1] + RATE // 10
    table = mnb.evaluate(run, n=1, seconds=0.5, prompts=[prompt], prompt_seconds=0.2)
    again = mnb.evaluate(run, n=1, seconds=0.5, prompts=[prompt], prompt_seconds=0.2)
    assert list(table["path"]) == list(again["path"]) and len(table) == 1
    assert len(list(keep(table, odd / "kept").glob("*.wav"))) == 1


@is_posix
def test_a_name_that_is_no_text_is_drawn_and_shown(odd):
    corpus = build_corpus(odd, odd / "c.h5")
    picture = corpus_overview(corpus)
    assert picture.png()[:4] == b"\x89PNG"
    path = next(r.path for r in corpus.report.accepted if r.seconds == 2.0)
    for shown in (listen(path)._repr_html_(), repr(corpus), str(AudioError(f"{path} is odd"))):
        shown.encode()
    with pytest.raises(MimikitError) as error:
        mnb.open_corpus(path)
    assert r"caf\xe9.wav" in str(error.value)


def test_readable_text_of_a_path_is_the_path_where_that_is_text():
    assert readable("名前 🎸.wav") == "名前 🎸.wav"
    assert readable("caf\udce9.wav") == r"caf\xe9.wav"


# -- one bad file never stops the others -----------------------------------------------------------


@pytest.mark.parametrize(
    ("breaks", "where"), [("opened", doctor), ("blocks", doctor.OpenSound)], ids=["open", "read"]
)
def test_whatever_goes_wrong_with_one_file_the_others_are_read(
    breaks, where, tmp_path, tone, monkeypatch
):
    write(tmp_path / "a.wav", tone, RATE)
    write(tmp_path / "b.wav", tone / 2, RATE)
    real = getattr(where, breaks)

    def fails(given, *options):
        path = given.info.path if isinstance(given, doctor.OpenSound) else Path(given)
        if path.name == "a.wav":
            raise ZeroDivisionError("no one thought of this")
        return real(given, *options)

    monkeypatch.setattr(where, breaks, fails)
    for report in (mnb.check(tmp_path), build_corpus(tmp_path, tmp_path / "c.h5").report):
        assert [r.path.name for r in report.accepted] == ["b.wav"]
        assert "ZeroDivisionError: no one thought of this" in report.refused[0].reason
        assert "a.wav" in str(report)


# -- pipes, sockets, devices -----------------------------------------------------------------------


@pytest.fixture
def pipes(tmp_path: Path, tone: np.ndarray):
    """Folder with a recording, a pipe and a socket."""
    write(tmp_path / "a.wav", tone, RATE)
    os.mkfifo(tmp_path / "pipe.wav")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s.wav"))
        yield tmp_path


@is_posix
@pytest.mark.timeout(30)
def test_pipes_and_sockets_among_recordings_are_ignored_and_named(pipes):
    for report in (mnb.check(pipes), build_corpus(pipes, pipes / "c.h5").report):
        assert [r.path.name for r in report.records] == ["a.wav"]
        assert report.ignored["named pipe"] == report.ignored["socket"] == 1
        assert "named pipe (1), socket (1)" in str(report)


@is_posix
@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", ["pipe.wav", "s.wav", "/dev/zero"])
def test_a_pipe_that_is_named_is_refused_unopened(pipes, name):
    (record,) = mnb.check(pipes / name).records
    assert "not a file" in record.reason
    for read in (load, read_recall, mnb.segment):
        with pytest.raises(AudioError, match="not a file"):
            read(pipes / name)
    with pytest.raises(mnb.MimikitError, match="No corpus was built"):
        build_corpus(pipes / name, pipes / "c.h5")
    with pytest.raises(mnb.MimikitError):
        open_corpus(pipes / name)


# -- terminals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_every_name_can_be_printed_on_every_terminal(encoding, tmp_path):
    write(tmp_path / "名前 🎸.wav", np.zeros(RATE), RATE)
    code = "import sys; from mimikit_nb.cli import main; sys.exit(main(['check', '.']))"
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True
    )
    assert done.returncode == 1 and b"Traceback" not in done.stderr, done.stderr
    name = "名前 🎸.wav".encode() if encoding == "utf-8" else rb"\u540d\u524d \U0001f3b8.wav"
    assert name in done.stdout


def test_the_command_line_says_errors_on_every_terminal(tmp_path):
    code = "import sys; from mimikit_nb.cli import main; sys.exit(main(['check', '名前.wav']))"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True
    )
    assert done.returncode == 2
    assert rb"\u540d\u524d.wav" in done.stderr and b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("encoding", "shown"), [("ascii", rb"\u540d \xb7"), ("utf-8", "名 ·".encode())]
)
def test_what_notebooks_print_can_be_printed_everywhere(encoding, shown):
    code = "from mimikit_nb.runtime import say; say('名 ·', 'caf\\udce9')"
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [shown, rb"caf\udce9"]


def test_nothing_but_the_command_line_prints_by_itself():
    package = Path(mnb.__file__).parent
    prints = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if re.search(r"^\s*print\(", path.read_text(encoding="utf-8"), re.M)
    }
    assert prints == {"cli.py", "runtime.py"}


def test_a_terminal_is_left_as_it_was_found_by_the_tests(capsys, tmp_path, tone):
    write(tmp_path / "a.wav", tone, RATE)
    assert main(["check", str(tmp_path)]) == 0
    assert "1 of 1 sound files accepted" in capsys.readouterr().out


# -- names made of text ----------------------------------------------------------------------------


def _is_reserved(name: str) -> bool:
    known = getattr(ntpath, "isreserved", None)
    return known(name) if known else PureWindowsPath(name).is_reserved()


@pytest.mark.parametrize(
    "text",
    [
        "CON", "nul", "aux.wav", "COM1.txt", "lpt¹", "conin$", "take.", "take ", " . ", "", "..",
        "a/b", "a\\b", "C:x.wav", "C:\\x.wav", "\\\\?\\C:\\x", "\\\\server\\share\\x", "x:stream",
        "what?*<>|\"", "tab\there", "a\0b", "caf\udce9", "名前 🎸", "x" * 300, "🎸" * 200,
    ],
)  # fmt: skip
def test_any_text_becomes_a_name_that_windows_takes(text):
    _check_name(file_name(text))
    _check_name(file_name(text, spaces=False))


@given(st.text(st.characters(codec=None)))
def test_any_text_at_all_becomes_a_name(text):
    _check_name(file_name(text))


def _check_name(name: str) -> None:
    path = PureWindowsPath("D:\\out") / name
    assert path.parent == PureWindowsPath("D:\\out") and path.name == name and not path.stem == ""
    assert not _is_reserved(name) and not name.endswith((".", " "))
    assert 0 < len(os.fsencode(name)) <= 250
    assert file_name(name) == name  # once is enough


def test_letters_of_all_scripts_stay():
    assert file_name("名前 Größe-1.5") == "名前 Größe-1.5"
    assert file_name("a b  c", spaces=False) == "a_b_c"


# -- another file than the one that is asked for ---------------------------------------------------


@pytest.mark.parametrize("name", ["out.wav", "out.FLAC", "out.m4a"])
@pytest.mark.parametrize("options", [{}, {"overwrite": True}, {"reuse": True}])
def test_a_corpus_is_not_called_like_a_sound_file(name, options, tmp_path, monkeypatch, tone):
    source = write(tmp_path / "a.wav", tone, 22050)
    monkeypatch.setattr(build, "examine", None)  # nothing is read
    with pytest.raises(CorpusError, match=r"named like a sound file; .* such as out\.h5"):
        build_corpus(source, tmp_path / name, **options)
    assert sorted(tmp_path.iterdir()) == [source]


def test_a_corpus_is_known_by_its_content(tiny_corpus, tmp_path):
    path = tmp_path / "renamed.wav"
    path.write_bytes(tiny_corpus.path.read_bytes())
    assert open_corpus(path).n_samples == tiny_corpus.n_samples


@pytest.mark.parametrize("takes_corpus", [open_corpus, lambda path: mnb.train(path, out="run")])
def test_what_isnt_a_corpus_is_named_with_the_way_to_one(
    tmp_path, tone, takes_corpus, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("takes").mkdir()
    write(tmp_path / "takes" / "a.wav", tone, RATE)
    with pytest.raises(
        CorpusError, match=r"takes is a folder.* build_corpus\('.*takes', 'takes\.h5'"
    ):
        takes_corpus("takes")
    with pytest.raises(CorpusError, match=r"a\.wav is a sound file.* build_corpus\(.*, 'a\.h5'\)"):
        takes_corpus("takes/a.wav")
    assert os.listdir() == ["takes"]


def test_what_isnt_a_checkpoint_is_named(tmp_path, tone, tiny_corpus) -> None:
    write(tmp_path / "a.wav", tone, RATE)
    for path, what in [
        (tmp_path / "a.wav", "is a sound file, not a checkpoint"),
        (tiny_corpus.path, "is an HDF5 file, such as a corpus, not a checkpoint"),
        (tmp_path, "isn't a run's folder: expected"),
        (tmp_path / "none", "doesn't exist: expected"),
    ]:
        for takes_checkpoint in (mnb.load_checkpoint, mnb.generate):
            with pytest.raises(CheckpointError, match=what):
                takes_checkpoint(path)


def test_what_isnt_a_score_is_named(tmp_path, tone, tiny_corpus) -> None:
    write(tmp_path / "a.wav", tone, RATE)
    for path, what in [
        (tmp_path / "a.wav", "is a sound without a score"),
        (tiny_corpus.path, "it isn't text"),
        (tmp_path, "it isn't a file"),
        (tmp_path / "none.yaml", "No such file"),
    ]:
        with pytest.raises(ConfigError, match=what) as error:
            mnb.ensemble(path)
        assert str(path) in str(error.value) and "A score is a list of events" in str(error.value)


def test_a_corpus_keeps_numbers_of_numpy_as_numbers(tmp_path, tone) -> None:
    write(tmp_path / "a.wav", tone, RATE)
    rate = mnb.check(tmp_path).to_frame()["sample_rate"].mode()[0]
    assert isinstance(rate, np.integer)
    corpus = build_corpus(tmp_path, tmp_path / "c.h5", rate, window_seconds=np.float64(0.5))
    assert corpus.parameters["window_seconds"] == 0.5 and corpus.sample_rate == RATE


def test_recall_data_keep_numbers_of_numpy_as_numbers(tmp_path, tone) -> None:
    recall = {"seed": np.int64(3), "curve": np.arange(2), "prompt": {"path": Path("a")}}
    write(tmp_path / "a.wav", tone, RATE, recall=recall)
    found = read_recall(tmp_path / "a.wav")
    assert {name: found[name] for name in recall} == {
        "seed": 3, "curve": [0, 1], "prompt": {"path": "a"}
    }  # fmt: skip
