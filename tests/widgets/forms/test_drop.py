"""Files that a page sends slice by slice: kept whole beside what is there, or refused in words."""

import pytest

from mimikit_nb.widgets.forms.drop import DropZone
from tests.widgets.page import send


@pytest.fixture
def got():
    return []


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "dropped"


@pytest.fixture
def zone(folder, got):
    return DropZone(folder, got.extend)


def tell(zone, type_, name="a.wav", parts=(), key="one"):
    """Send what a page sends, as far as it is wanted; whether all was taken."""
    answers = []
    zone.send = answers.append
    size, start = sum(map(len, parts)), 0
    if type_ != "part":
        send(zone, {"type": type_, "name": name, "key": key, "id": 7})
    for i, part in enumerate(parts):
        about = {"name": name, "key": key, "start": start, "size": size, "id": 7}
        about |= {"type": type_, "is_last": i == len(parts) - 1}
        send(zone, about, part)
        start += len(part)
    assert all(answer["id"] == 7 for answer in answers)
    assert len(answers) == max(1, len(parts))
    return answers[-1]["is_taken"]


def test_a_file_in_slices_is_handed_over_whole(zone, got, folder):
    assert tell(zone, "part", parts=[b"one ", b"two ", b"three"])
    assert zone.status == "a.wav: 100%"
    assert got == []
    tell(zone, "done")
    assert zone.status == ""
    assert [path.read_bytes() for path in got] == [b"one two three"]
    assert list(folder.iterdir()) == got


def test_dropped_files_replace_nothing(zone, got, tmp_path):
    for content in (b"old", b"new"):
        tell(zone, "part", parts=[content])
        tell(zone, "done")
    assert [path.read_bytes() for path in got] == [b"old", b"new"]
    assert [path.name for path in got] == ["a.wav", "a_002.wav"]


def test_two_files_of_one_name_at_the_same_time_stay_apart(zone, got):
    about = {"type": "part", "name": "a.wav", "size": 4}
    for start, is_last in ((0, False), (2, True)):
        for key, part in (("one", b"11"), ("two", b"22")):
            send(zone, {**about, "key": key, "start": start, "is_last": is_last}, part)
    tell(zone, "done")
    assert sorted(path.read_bytes() for path in got) == [b"1111", b"2222"]


def test_a_name_as_long_as_a_disk_takes_is_kept(zone, got, folder):
    name = 83 * "長" + ".wav"  # 253 bytes
    assert tell(zone, "part", name=name, parts=[b"x"])
    assert not tell(zone, "part", name="a" + 9 * name, parts=[b"x"])
    tell(zone, "done")
    assert [path.name for path in got] == [name]
    assert "can't be kept: File name too long" in zone.status
    assert list(folder.iterdir()) == got


def test_a_path_in_a_name_leads_nowhere(zone, got, folder):
    for name in ("../../a.wav", "..\\..\\a.wav", "/etc/a.wav"):
        tell(zone, "part", name=name, parts=[b"x"])
    tell(zone, "done")
    assert {path.parent for path in got} == {folder}


def test_what_cannot_be_read_is_named_and_the_rest_is_kept(zone, got, folder):
    unfinished = {"type": "part", "name": "half.wav", "key": "one", "start": 0, "size": 9}
    send(zone, {**unfinished, "is_last": False}, b"half")
    tell(zone, "unreadable", name="half.wav")
    tell(zone, "part", name="b.wav", parts=[b"b"], key="two")
    tell(zone, "done")
    assert "half.wav can't be read" in zone.status
    assert [path.name for path in got] == ["b.wav"]
    assert list(folder.iterdir()) == got
    tell(zone, "done")
    assert zone.status == ""


def test_a_folder_that_cannot_be_written_is_said(tmp_path, got):
    (tmp_path / "dropped").write_text("a file stands where the folder should")
    zone = DropZone(tmp_path / "dropped", got.extend)
    assert not tell(zone, "part", parts=[b"x"])
    tell(zone, "done")
    assert "a.wav can't be kept: File exists" in zone.status
    assert got == []


def test_the_page_is_answered_even_if_what_uses_the_files_fails(tmp_path):
    def fail(paths):
        raise ValueError("no")

    zone, answers = DropZone(tmp_path, fail), []
    tell(zone, "part", parts=[b"x"])
    zone.send = answers.append
    send(zone, {"type": "done", "id": 3})
    assert answers == [{"id": 3, "is_taken": False}]
