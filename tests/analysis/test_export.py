from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

from mimikit_nb.analysis import Segmentation, read_cues, read_labels, segment
from mimikit_nb.analysis.export import FORMATS
from mimikit_nb.analysis.segmentation import as_samples
from mimikit_nb.errors import AudioError, ParameterError

from .sounds import SR

LABELS = ["kick", "bell; 2", 'quote " and, comma', "ä/ö:\\", "kick", " "]


@pytest.fixture
def labelled(events: Segmentation) -> Segmentation:
    return events.with_labels(LABELS)


def _same(a: Segmentation, b: Segmentation) -> bool:
    return (
        np.array_equal(a.starts, b.starts)
        and np.array_equal(a.stops, b.stops)
        and a.labels == b.labels
        and (a.sample_rate, a.n_samples) == (b.sample_rate, b.n_samples)
    )


@pytest.mark.parametrize(
    ("kind", "suffix"), [("audacity", "txt"), ("csv", "csv"), ("json", "json")]
)
def test_labels_come_back_as_they_went(
    labelled: Segmentation, tmp_path: Path, kind: str, suffix: str
) -> None:
    (path,) = labelled.export(tmp_path, kind)
    assert path == tmp_path / f"segments.{suffix}"
    assert _same(read_labels(path, like=labelled), labelled)
    assert _same(read_labels(path, sr=SR, n_samples=labelled.n_samples), labelled)


@settings(deadline=None, max_examples=40)
@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 10**8), st.integers(1, 10**6), st.text("abc ,;\"'\tü", max_size=8)
        ),
        max_size=8,
    ),
    sr=st.sampled_from([8000, 22050, 44100, 96000, 192000]),
)
def test_any_segments_come_back_to_the_sample(
    rows: list[tuple[int, int, str]], sr: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("labels")
    times = [(a / sr, (a + n) / sr) for a, n, _ in rows]
    starts, stops, labels = as_samples(times, [row[2] for row in rows], sr, 2 * 10**8)
    found = Segmentation(sr, 2 * 10**8, starts, stops, labels)
    for path in found.export(folder, ["audacity", "csv", "json"]):
        back = read_labels(path, sr=sr, n_samples=found.n_samples)
        assert np.array_equal(back.starts, starts)
        assert np.array_equal(back.stops, stops)


def test_cue_points_come_back(labelled: Segmentation, hits: np.ndarray, tmp_path: Path) -> None:
    (path,) = labelled.export(tmp_path, "cue")
    assert _same(read_cues(path), labelled)
    assert _same(read_labels(path), labelled)
    assert read_labels(path, like=labelled).analysis is labelled.analysis
    y, sr = sf.read(path, dtype="float32")
    assert sr == SR
    assert np.array_equal(y, hits)


def test_a_wav_file_without_cue_points_has_no_labels(hits: np.ndarray, tmp_path: Path) -> None:
    sf.write(tmp_path / "plain.wav", hits, SR)
    with pytest.raises(AudioError, match="no cue points"):
        read_labels(tmp_path / "plain.wav")


def test_cut_sounds_are_exact(labelled: Segmentation, hits: np.ndarray, tmp_path: Path) -> None:
    paths = labelled.export(tmp_path, "wav")
    assert [path.name for path in paths[:4]] == [
        "0001_kick.wav",
        "0002_bell_ 2.wav",
        "0003_quote _ and_ comma.wav",
        "0004_ä_ö__.wav",
    ]
    for path, start, stop in zip(paths, labelled.starts, labelled.stops, strict=True):
        assert np.array_equal(sf.read(path, dtype="float32")[0], hits[start:stop])


def test_fades_touch_the_ends_only(
    labelled: Segmentation, hits: np.ndarray, tmp_path: Path
) -> None:
    path = labelled.export(tmp_path, "wav", fade_seconds=0.01)[0]
    y = sf.read(path, dtype="float32")[0]
    part = hits[labelled.starts[0] : labelled.stops[0]]
    assert y[0] == 0 and abs(y[-1]) <= abs(part[-1])
    assert np.array_equal(y[221:-221], part[221:-221])


def test_stereo_and_whole_numbers_stay_what_they_are(hits: np.ndarray, tmp_path: Path) -> None:
    y = (np.stack([hits, -0.5 * hits]) * 20000).astype(np.int16)
    found = segment(y, SR)
    path = found.export(tmp_path, "wav")[0]
    back, _ = sf.read(path, dtype="int16")
    assert sf.info(path).subtype == "PCM_16"
    assert np.array_equal(back.T, y[:, found.starts[0] : found.stops[0]])


def test_regions_for_reaper(labelled: Segmentation, tmp_path: Path) -> None:
    (path,) = labelled.export(tmp_path, "reaper")
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    assert rows[0] == ["#", "Name", "Start", "End", "Length"]
    assert [row[0] for row in rows[1:]] == [f"R{i}" for i in range(1, 7)]
    for row, (start, stop) in zip(rows[1:], labelled.segments, strict=True):
        minutes, seconds = row[2].split(":")
        assert 60 * int(minutes) + float(seconds) == pytest.approx(start, abs=1e-6)
        assert float(row[4].split(":")[1]) == pytest.approx(stop - start, abs=1e-6)


def test_sfz_names_samples_that_exist(labelled: Segmentation, tmp_path: Path) -> None:
    paths = labelled.export(tmp_path, "sfz")
    patch = next(path for path in paths if path.suffix == ".sfz")
    regions = [line for line in patch.read_text().splitlines() if line.startswith("<region>")]
    assert len(regions) == 6
    for number, line in enumerate(regions):
        sample = line.split("sample=")[1].split(" key=")[0]
        assert (patch.parent / "samples" / sample).exists()
        assert f"key={24 + number} " in line


def test_many_segments_make_several_patches(hits: np.ndarray, tmp_path: Path) -> None:
    many = segment(hits, SR).with_segments([(i / 100, (i + 1) / 100) for i in range(110)])
    patches = [p for p in many.export(tmp_path, "sfz") if p.suffix == ".sfz"]
    assert [p.name for p in patches] == ["segments_1.sfz", "segments_2.sfz"]


def test_a_folder_and_a_bounce_per_label(
    labelled: Segmentation, hits: np.ndarray, tmp_path: Path
) -> None:
    paths = labelled.export(tmp_path, ["sonic_pi", "bounce"], name="set")
    folders = {p.parent.name for p in paths if "sonic_pi" in str(p.parent)}
    assert folders == {"kick", "bell_ 2", "quote _ and_ comma", "ä_ö__", "_"}
    kicks = sf.read(tmp_path / "set_bounce" / "kick.wav", dtype="float32")[0]
    parts = [hits[labelled.starts[i] : labelled.stops[i]] for i in (0, 4)]
    assert np.array_equal(kicks, np.concatenate(parts))


def test_labels_that_look_alike_on_disk_stay_apart(events: Segmentation, tmp_path: Path) -> None:
    paths = events.with_labels(["a?", "a*", "A_", "b", "b", "a?"]).export(tmp_path, "bounce")
    assert len({path.name.lower() for path in paths}) == 4


@pytest.mark.parametrize("kind", FORMATS)
def test_nothing_is_overwritten_unasked(events: Segmentation, tmp_path: Path, kind: str) -> None:
    first = events.export(tmp_path, kind)
    before = {path: path.read_bytes() for path in first}
    with pytest.raises(AudioError, match="exist already"):
        events.with_n_segments(6).export(tmp_path, kind)
    assert {path: path.read_bytes() for path in first} == before
    assert events.export(tmp_path, kind, overwrite=True) == first


def test_a_refused_export_writes_nothing(events: Segmentation, tmp_path: Path) -> None:
    (tmp_path / "segments.json").write_text("mine")
    with pytest.raises(AudioError, match=r"segments\.json"):
        events.export(tmp_path, ["audacity", "json"])
    assert not (tmp_path / "segments.txt").exists()


def test_json_says_how_the_segments_were_found(events: Segmentation, tmp_path: Path) -> None:
    content = json.loads(events.export(tmp_path, "json")[0].read_text())
    assert content["level"] == "events"
    assert content["threshold"] == events.threshold


def test_other_programs_labels_are_read(tmp_path: Path) -> None:
    audacity = tmp_path / "edited.txt"
    audacity.write_text("1.5\t2,0\tb\n\\\t100\t200\n0.25\t0.25\tpoint\n\n", encoding="utf-8-sig")
    found = read_labels(audacity, sr=1000, n_samples=3000)
    assert found.labels == ("point", "b")
    assert found.segments == [(0.25, 1.5), (1.5, 2.0)]
    table = tmp_path / "edited.csv"
    table.write_text("Name;Start;End\nx;0,5;1,0\n")
    assert read_labels(table, sr=1000).segments == [(0.5, 1.0)]
    listed = tmp_path / "edited.json"
    listed.write_text('[{"start": 0.5, "end": 1, "label": "x"}]')
    assert read_labels(listed, sr=1000).labels == ("x",)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "0.5 1.0 x", "line 1: expected start, stop and label"),
        ("a.txt", "0.5\tlater\tx", "line 1: 'later' isn't a time"),
        ("a.csv", "begin,length\n1,2", "no start and stop"),
        ("a.json", "{", "isn't JSON"),
        ("a.json", "{}", "no list of segments"),
        ("a.lab", "", "can't read '.lab'"),
    ],
)
def test_unreadable_labels_say_where(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(AudioError, match=message):
        read_labels(tmp_path / name, sr=1000)


def test_labels_outside_the_recording_are_refused(events: Segmentation, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1.0\t99.0\tx\n")
    with pytest.raises(ParameterError, match="outside the recording"):
        read_labels(tmp_path / "a.txt", like=events)
    with pytest.raises(ParameterError, match="pass sr="):
        read_labels(tmp_path / "a.txt")


def test_imported_segments_have_no_novelty_but_export(
    labelled: Segmentation, hits: np.ndarray, tmp_path: Path
) -> None:
    imported = read_labels(labelled.export(tmp_path, "csv")[0], n_samples=labelled.n_samples)
    assert imported.novelty is None
    with pytest.raises(ParameterError, match="imported"):
        imported.with_threshold(1.0)
    with pytest.raises(ParameterError, match="pass y="):
        imported.export(tmp_path, "wav")
    assert len(imported.export(tmp_path, "wav", y=hits)) == 6


def test_an_unknown_format_is_refused(events: Segmentation, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="Did you mean 'reaper'"):
        events.export(tmp_path, "reapr")


def test_an_export_into_a_folder_that_cannot_be_made_is_said_so(
    labelled: Segmentation, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AudioError, match="can't be made"):
        labelled.export(tmp_path / "file" / "segments", "csv")
