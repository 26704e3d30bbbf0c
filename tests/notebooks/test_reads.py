"""Recordings are decoded once, however often a notebook speaks of them."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

import mimikit_nb as mnb
from mimikit_nb.audio import doctor
from mimikit_nb.batch import find_notebook

RECORDINGS = {"piece.wav", "variation.flac", "too_short.wav", "no_sound.wav"}


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("quickstart", ["parameters", "check"]),
        ("build_corpus", ["parameters", "build", "check", "levels", "add"]),
    ],
)
def test_a_notebook_decodes_every_recording_once(
    name: str, cells: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded, open_sound = list[str](), doctor.opened

    def opened_and_noted(path: Path):
        decoded.append(path.name)
        return open_sound(path)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(doctor, "opened", opened_and_noted)
    notebook = nbformat.read(find_notebook(name), as_version=4)
    source = {cell.id: cell.source for cell in notebook.cells}
    names = {"mnb": mnb}
    for cell in cells:
        exec(source[cell], names)
    assert len(names["corpus"].report.records) == len(RECORDINGS)
    assert sorted(decoded) == sorted(RECORDINGS)
