import os
from pathlib import Path

import pytest

from mimikit_nb.audio.find import find
from mimikit_nb.errors import AudioError, ParameterError


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_folders_are_searched_to_any_depth_in_any_case(tmp_path):
    _touch(tmp_path, "b.WAV", "a.flac", "deep/er/c.Mp3", "notes.txt", ".hidden.wav", ".git/d.wav")
    found = find(tmp_path)
    assert [p.relative_to(tmp_path).as_posix() for p in found.files] == [
        "a.flac",
        "b.WAV",
        "deep/er/c.Mp3",
    ]
    assert found.ignored == {".txt": 1}


def test_formats_that_must_be_converted_are_not_passed_over(tmp_path):
    _touch(tmp_path, "phone.m4a")
    assert [p.name for p in find(tmp_path).files] == ["phone.m4a"]


def test_named_files_are_taken_whatever_they_are_called_and_none_twice(tmp_path):
    _touch(tmp_path, "take", "a.wav")
    found = find([tmp_path / "take", str(tmp_path), tmp_path / "a.wav"])
    assert [p.name for p in found.files] == ["take", "a.wav"]


def test_patterns(tmp_path):
    _touch(tmp_path, "a1.wav", "a2.wav", "b1.wav", "[x].wav")
    assert [p.name for p in find(tmp_path / "a*.wav").files] == ["a1.wav", "a2.wav"]
    assert [p.name for p in find(tmp_path / "[x].wav").files] == ["[x].wav"]


def test_a_link_that_leads_back_up_ends(tmp_path):
    _touch(tmp_path, "sub/a.wav")
    os.symlink(tmp_path, tmp_path / "sub" / "up", target_is_directory=True)
    assert len(find(tmp_path).files) == 1


@pytest.mark.parametrize("missing", ["nowhere", "*.nothing"])
def test_what_is_missing_is_named(tmp_path, missing):
    with pytest.raises(AudioError, match=r"nowhere|\*.nothing"):
        find(tmp_path / missing)


def test_no_path_at_all():
    with pytest.raises(AudioError, match="No path"):
        find([])


def test_an_empty_path_is_not_the_current_folder():
    with pytest.raises(ParameterError, match="is empty"):
        find("")


def test_a_folder_without_permission_is_reported(as_somebody_else):
    folder, without_rights = as_somebody_else
    _touch(folder, "open/a.wav", "closed/b.wav")
    (folder / "closed").chmod(0)
    with without_rights():
        found = find(folder)
    assert [p.name for p in found.files] == ["a.wav"]
    assert found.unreadable == {folder / "closed": "Permission denied"}
