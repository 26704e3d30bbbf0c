"""Label files of other programs, trimmed, odd and broken: read, or refused with the line."""

from __future__ import annotations

import csv
import json
import os
import re
import struct
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

from mimikit_nb.analysis import Segmentation, read_cues, read_labels
from mimikit_nb.analysis.segmentation import as_samples
from mimikit_nb.errors import AudioError, MimikitError, ParameterError

SR = 1000
ODD = [
    "",
    " ",
    "a\tb",
    "a\nb\r\nc\rd",
    '"',
    'say "x", y; z',
    "ä鼓🥁",
    "\\1",
    "\0",
    "\u2028\x85",
    "1:30",
]

labels = st.sampled_from([*ODD, "\ud800"]) | st.text(max_size=12)
rates = st.sampled_from([1000, 8000, 22050, 44100, 96000, 192000])


def _segments(spans: Sequence[tuple[int, int, str]], sr: int, n_samples: int) -> Segmentation:
    times = [(start / sr, (start + length) / sr) for start, length, _ in spans]
    return Segmentation(
        sr, n_samples, *as_samples(times, [label for *_, label in spans], sr, n_samples)
    )


def _spans(most: int, most_length: int) -> st.SearchStrategy[list[tuple[int, int, str]]]:
    span = st.tuples(st.integers(0, most), st.integers(1, most_length), labels)
    return st.lists(span, max_size=8)


def _kept(label: str, kind: str) -> str:
    """What a format can keep of a label."""
    if kind == "json":
        return label
    label = label.replace("\ud800", "?")
    if kind == "csv":
        return label
    return label.replace("\0", " ") if kind == "cue" else re.sub(r"[\t\r\n]+", " ", label)


def _assert_same(back: Segmentation, went: Segmentation, kind: str) -> None:
    assert np.array_equal(back.starts, went.starts)
    assert np.array_equal(back.stops, went.stops)
    assert back.labels == tuple(_kept(label, kind) for label in went.labels)


@pytest.mark.parametrize("kind", ["audacity", "csv", "json", "reaper"])
@settings(max_examples=60)
@given(spans=_spans(10**8, 10**6), sr=rates)
def test_every_export_comes_back_with_any_labels(
    kind: str, spans: list[tuple[int, int, str]], sr: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    went = _segments(spans, sr, 2 * 10**8)
    (path,) = went.export(tmp_path_factory.mktemp("labels"), kind)
    _assert_same(read_labels(path, sr=sr, n_samples=went.n_samples), went, kind)


@settings(max_examples=60)
@given(spans=_spans(900, 100), sr=rates)
def test_cue_points_come_back_with_any_labels(
    spans: list[tuple[int, int, str]], sr: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    went = _segments(spans, sr, 1000)
    folder = tmp_path_factory.mktemp("cues")
    (path,) = went.export(folder, "cue", y=np.zeros(1000, np.int16))
    _assert_same(read_cues(path), went, "cue")


def test_our_regions_for_reaper_are_read(tmp_path: Path) -> None:
    went = _segments(
        [(0, 500, "kick"), (70_000, 5, "snare"), (3_700_001, 1, "bell")], SR, 4 * 10**6
    )
    (path,) = went.export(tmp_path, "reaper")
    _assert_same(read_labels(path, sr=SR, n_samples=went.n_samples), went, "reaper")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90), ("1:30", 90), ("1:30.25", 90.25), ("01:30,25", 90.25), ("0:05", 5),
        ("1:02:03.5", 3723.5), ("90:00", 5400), (" 2.5 ", 2.5), ("2,5", 2.5), ("1e1", 10),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("a.txt", "{}\t9999\tx"),
        ("a.csv", "Name;Start;End\nx;{};9999"),
        ("a.tsv", "Name\tStart\tEnd\nx\t{}\t9999"),
        ("a.json", '[{{"name": "x", "start": "{}", "end": 9999}}]'),
    ],
)
def test_times_are_seconds_or_minutes(
    tmp_path: Path, name: str, line: str, text: str, seconds: float
) -> None:
    (tmp_path / name).write_text(line.format(text))
    assert read_labels(tmp_path / name, sr=SR).segments == [(seconds, 9999)]


@pytest.mark.parametrize(
    "text",
    ["1:75", "1:2:3:4", "1.1.0", ":30", "1:", "1_0", "nan", "-inf", "1e300", "1" * 400, "0x1", ""],
)  # fmt: skip
def test_what_is_no_time_is_named_with_its_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.txt").write_text(f"0\t1\tfirst\n{text}\t2\tsecond\n")
    with pytest.raises(AudioError, match=r"a\.txt, line 2: .* isn't a time"):
        read_labels(tmp_path / "a.txt", SR)


# -- markers -----------------------------------------------------------------------------------


def _with_cues(
    path: Path, points: Sequence[tuple[int, int]], texts: Sequence[tuple[int, bytes]] = ()
) -> Path:
    """A second of sound with cue points (number, position) and names (number, name)."""
    sf.write(path, np.zeros(SR), SR)
    cues = b"".join(struct.pack("<II4sIII", i, at, b"data", 0, 0, at) for i, at in points)
    names = b""
    for i, name in texts:
        name += b"\0" * (2 - len(name) % 2)
        names += b"labl" + struct.pack("<II", 4 + len(name), i) + name
    added = b"cue " + struct.pack("<II", 4 + len(cues), len(points)) + cues
    added += b"LIST" + struct.pack("<I", 4 + len(names)) + b"adtl" + names
    path.write_bytes(path.read_bytes() + added)
    return path


@pytest.mark.parametrize("read", [read_labels, read_cues])
def test_cue_points_inside_are_kept_and_those_beyond_the_end_counted(tmp_path: Path, read) -> None:
    path = _with_cues(tmp_path / "trimmed.wav", [(1, 100), (2, 500), (3, 1000), (4, 90_000)])
    with pytest.warns(UserWarning, match=r"2 of 4 cue points .* beyond the end .*1\.000 s"):
        found = read(path)
    assert found.segments == [(0.1, 0.5), (0.5, 1.0)]
    assert found.labels == ("1", "2")


def test_a_region_across_the_end_is_kept_up_to_it(tmp_path: Path) -> None:
    went = _segments([(100, 200, "a"), (600, 400, "b")], SR, SR)
    (path,) = went.export(tmp_path, "cue", y=np.zeros(SR, np.int16))
    data = path.read_bytes()
    at = data.index(b"data") + 4
    cut = data[:at] + struct.pack("<I", 1600) + data[at + 4 : at + 4 + 1600] + data[at + 4 + 2000 :]
    path.write_bytes(cut[:4] + struct.pack("<I", len(cut) - 8) + cut[8:])
    assert read_cues(path).segments == [(0.1, 0.3), (0.6, 0.8)]


def test_cue_points_alone_beyond_the_end_are_an_error_that_counts_them(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="2 of 2 cue points are left out"):
        read_labels(_with_cues(tmp_path / "a.wav", [(1, 5000), (2, 6000)]))


def test_cue_points_that_share_a_number_are_all_kept(tmp_path: Path) -> None:
    found = read_labels(_with_cues(tmp_path / "ids.wav", [(0, 100), (0, 500), (0, 900)]))
    assert found.segments == [(0.1, 0.5), (0.5, 0.9), (0.9, 1.0)]
    assert found.labels == ("1", "2", "3")
    named = [(0, b"a"), (0, "ü".encode("cp1252")), (0, "ü".encode())]
    path = _with_cues(tmp_path / "named.wav", [(0, 100), (0, 500), (0, 900)], named)
    assert read_labels(path).labels == ("a", "ü", "ü")


def test_names_of_cue_points_follow_their_numbers(tmp_path: Path) -> None:
    path = _with_cues(tmp_path / "a.wav", [(7, 500), (3, 100)], [(3, b"three"), (7, b"seven")])
    assert read_labels(path).labels == ("three", "seven")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", "0.5\t0.5\ta\n0.5\t0.5\tb\n1\t1\tc\n"),
        ("a.csv", "#,Name,Start,End,Length\nM1,a,0:00.5,,\nM2,b,0:00.5,,\nM3,c,0:01,,\n"),
        ("a.json", '[{"start": 0.5, "label": "a"}, {"start": 0.5, "label": "b"}, '
                   '{"start": 1, "end": 1, "label": "c"}]'),
    ],
)  # fmt: skip
def test_two_markers_at_one_place_are_both_kept(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    found = read_labels(tmp_path / name, SR, 3 * SR)
    assert found.segments == [(0.5, 1.0), (0.5, 1.0), (1.0, 3.0)]
    assert found.labels == ("a", "b", "c")


def test_a_marker_at_the_end_is_left_out_and_counted(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("0\t0\ta\n2\t2\tend\n")
    with pytest.warns(UserWarning, match=r"1 of 2 labels are left out.*end of the recording"):
        assert read_labels(tmp_path / "a.txt", SR, 2 * SR).segments == [(0, 2)]


# -- text --------------------------------------------------------------------------------------

TEXTS = {
    "a.txt": "0\t1\tTür\n1\t2\tzwei\n",
    "a.csv": "start,end,label\n0,1,Tür\n1,2,zwei\n",
    "a.tsv": "start\tend\tlabel\n0\t1\tTür\n1\t2\tzwei\n",
    "a.json": '[{"start": 0, "end": 1, "label": "Tür"}, {"start": 1, "end": 2, "label": "zwei"}]',
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_text_is_read_in_the_encoding_it_was_saved_in(
    tmp_path: Path, name: str, encoding: str, newline: str
) -> None:
    (tmp_path / name).write_bytes(TEXTS[name].replace("\n", newline).encode(encoding))
    found = read_labels(tmp_path / name, SR)
    assert found.segments == [(0, 1), (1, 2)]
    assert found.labels == ("Tür", "zwei")


@pytest.mark.parametrize("name", TEXTS)
def test_text_of_old_programs_is_read_with_a_warning(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(TEXTS[name].encode("latin-1"))
    with pytest.warns(UserWarning, match="isn't UTF-8 but was read as Windows-1252"):
        assert read_labels(tmp_path / name, SR).labels == ("Tür", "zwei")


def test_a_label_keeps_its_tabs_and_a_number_as_name(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("0\t1\ta\tb\n")
    assert read_labels(tmp_path / "a.txt", SR).labels == ("a\tb",)
    (tmp_path / "a.json").write_text('[{"start": 0, "end": 1, "label": 0}]')
    assert read_labels(tmp_path / "a.json", SR).labels == ("0",)


@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.json"])
def test_an_empty_file_is_no_labels_or_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    if name == "a.txt":  # what is exported without segments
        assert len(read_labels(tmp_path / name, SR)) == 0
    else:
        with pytest.raises(AudioError, match=r"line 1"):
            read_labels(tmp_path / name, SR)


# -- refused -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", '{"sample_rate": 0, "segments": []}', "sample_rate is 0; .* from 1"),
        ("a.json", '{"sample_rate": 1e300, "segments": []}', "sample_rate is 1e"),
        ("a.json", '{"sample_rate": true, "segments": []}', "sample_rate is True"),
        ("a.json", '{"sample_rate": 1, "n_samples": -1, "segments": []}', "n_samples is -1"),
        ("a.csv", "start,end,sample_rate\n0,1,0\n", "line 2: sample_rate is '0'"),
        ("a.csv", 'start,end,label\n0,1,"' + "x" * 200_000 + '"\n', "line 2: field larger"),
        ("a.csv", 'start,end,label\n0,1,"a\n1,2,b\n', "line 2: .* end .* quotation mark missing"),
        ("a.csv", "start,end,label\n0,1,a,b\n", "line 2 has more fields .* quotes"),
        ("a.csv", "0,1,kick\n", "line 1: the header has no start and stop"),
        ("a.json", "[" * 100_000, "too deep"),
        ("a.json", '[{"start": 1' + "0" * 5000 + "}]", "too long"),
        ("a.json", '[{"start": 0, "end": 1}, 3]', "segment 2 is 3"),
        ("a.json", '[{"start": 0, "end": 1, "label": ["a"]}]', "segment 1: the label"),
        ("a.json", '[{"label": "a"}]', "segment 1: None isn't a time"),
        ("a.json", '[\n{"start" 0}]', "line 2: this isn't JSON"),
        ("a.txt", "0\t1\ta\n3\t2\tb\n", r"line 2: 'b' stops at 2 s, before it starts at 3 s"),
        ("a.txt", "0\t1\ta\n1\t1e300\tb\n", "line 2: '1e300' isn't a time"),
        ("a.txt", "\ufeff0 1 a", "expected start, stop and label with tabs"),
        ("a.txt", b"\xff\xfe0", "begins as UTF-16 text"),
        ("a.txt", bytes(range(256)) * 4, r"line 1: .* isn't a time"),
        ("a.txt", b"\0" * 1000, "line 1: expected"),
    ],
)  # fmt: skip
def test_what_is_no_label_file_is_refused_with_the_place(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    data = content if isinstance(content, bytes) else content.encode()
    (tmp_path / name).write_bytes(data)
    with pytest.raises(AudioError, match=message) as error, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read_labels(tmp_path / name, SR)
    assert len(str(error.value)) < 600


@pytest.mark.parametrize("line", ["-3\t-2\tx", "-3\t1\tx", "1\t9\tx", "8\t9\tx", "8\t8\tx"])
def test_a_label_outside_the_recording_is_refused_with_its_line(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.txt").write_text(f"0\t1\ta\n{line}\n")
    with pytest.raises(ParameterError, match=r"line 2: 'x' .* outside the recording, .* 5\.000 s"):
        read_labels(tmp_path / "a.txt", SR, 5 * SR)


def test_a_folder_or_a_pipe_is_no_label_file(tmp_path: Path) -> None:
    (tmp_path / "folder.txt").mkdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.txt")
    for path in tmp_path.iterdir():
        with pytest.raises(AudioError, match="a file; give a file of labels"):
            read_labels(path, SR)
    with pytest.raises(AudioError, match="No such file"):
        read_labels(tmp_path / "none.csv", SR)


@settings(max_examples=300)
@given(
    suffix=st.sampled_from([".txt", ".csv", ".tsv", ".json"]),
    data=st.binary(max_size=200)
    | st.text('0123456789.,:;-\t\n"{}[]estarndlb ', max_size=80).map(str.encode),
)
def test_any_bytes_give_labels_or_our_error(
    suffix: str, data: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("any") / f"a{suffix}"
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = read_labels(path, SR, 10 * SR)
        except MimikitError:
            return
    assert all(0 <= start < stop <= 10 for start, stop in found.segments)


def test_a_table_and_a_list_agree_on_what_they_hold(tmp_path: Path) -> None:
    went = _segments([(0, 500, "a"), (250, 500, "b")], SR, 2 * SR)
    table, listed = went.export(tmp_path, ["csv", "json"])
    with open(table, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    items = json.loads(listed.read_text(encoding="utf-8"))["segments"]
    assert [row["label"] for row in rows] == [item["label"] for item in items] == ["a", "b"]
    assert [int(row["start_sample"]) for row in rows] == [item["start_sample"] for item in items]
