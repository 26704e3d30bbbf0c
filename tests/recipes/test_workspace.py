"""Folders and examples for notebooks: made once, never replaced."""

import threading

import pytest

from mimikit_nb.audio.doctor import check
from mimikit_nb.errors import AudioError, CorpusError, ParameterError
from mimikit_nb.recipes.workspace import choose_corpus, demo_recordings, new_folder


def test_every_call_makes_a_new_folder(tmp_path):
    folders = [new_folder(tmp_path / "deep" / "run.a") for _ in range(3)]
    assert [folder.name for folder in folders] == ["run.a_001", "run.a_002", "run.a_003"]
    assert all(folder.is_dir() for folder in folders)


def test_two_who_ask_at_once_get_two_folders(tmp_path):
    found = []
    ask = [
        threading.Thread(target=lambda: found.append(new_folder(tmp_path / "run")))
        for _ in range(8)
    ]
    for thread in ask:
        thread.start()
    for thread in ask:
        thread.join()
    assert len(set(found)) == 8


def test_a_place_that_cannot_hold_folders_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ParameterError, match="Choose another place"):
        new_folder(tmp_path / "file" / "run")
    with pytest.raises(AudioError, match="Choose another place"):
        demo_recordings(tmp_path / "file" / "run")


def test_the_demo_recordings_show_what_can_be_used_and_what_not(tmp_path):
    folder = demo_recordings(tmp_path / "recordings")
    report = check(folder)
    assert {r.path.name for r in report.accepted} == {"piece.wav", "variation.flac"}
    assert {r.path.name for r in report.refused} == {"too_short.wav", "no_sound.wav"}
    (folder / "piece.wav").write_text("mine")
    demo_recordings(folder)
    assert (folder / "piece.wav").read_text() == "mine"


def test_a_corpus_is_embedded_opened_or_built(tmp_path, tiny_corpus):
    assert choose_corpus("").files[0].path == "demo_music"
    assert choose_corpus(tiny_corpus.path).hash == tiny_corpus.hash
    takes = demo_recordings(tmp_path / "recordings") / "variation.flac"
    built = choose_corpus(takes, tmp_path / "c.h5", 11025)
    assert built.sample_rate == 11025 and built.path == tmp_path / "c.h5"
    assert choose_corpus(takes, tmp_path / "c.h5", 11025).hash == built.hash
    with pytest.raises(CorpusError):
        choose_corpus(tmp_path / "none.h5")
    with pytest.raises(AudioError):
        choose_corpus(tmp_path / "nowhere", tmp_path / "d.h5")
