import math
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from mimikit_nb.audio import doctor
from mimikit_nb.audio.doctor import check
from mimikit_nb.audio.files import opened
from mimikit_nb.audio.report import FileRecord, Report
from mimikit_nb.audio.write import write
from mimikit_nb.errors import AudioError, ParameterError


@pytest.fixture
def zoo(tmp_path: Path, tone: np.ndarray) -> Path:
    """One file of every kind of trouble, and three that can be used."""
    write(tmp_path / "good.wav", tone, 22050)
    write(tmp_path / "stereo.flac", np.stack([tone, tone]), 44100)
    write(tmp_path / "clipped.wav", np.clip(4 * tone, -1, 1), 22050)
    content = (tmp_path / "good.wav").read_bytes()
    (tmp_path / "truncated.wav").write_bytes(content[: len(content) // 2])
    (tmp_path / "zero_length.wav").write_bytes(b"")
    (tmp_path / "text.wav").write_text("la la la")
    sf.write(tmp_path / "no_samples.wav", np.zeros(0), 22050)
    sf.write(tmp_path / "one_sample.wav", np.ones(1) / 2, 22050)
    sf.write(tmp_path / "short.wav", tone[:100], 22050)
    sf.write(tmp_path / "silent.wav", np.zeros(22050), 22050)
    sf.write(tmp_path / "constant.wav", np.full(22050, 0.5), 22050)
    sf.write(tmp_path / "nan.wav", np.where(np.arange(22050) == 9, np.nan, tone), 22050, "DOUBLE")
    sf.write(tmp_path / "huge.wav", 1e300 * tone.astype(np.float64), 22050, "DOUBLE")
    (tmp_path / "phone.m4a").write_bytes(b"\0\0\0\x1cftypM4A ")
    (tmp_path / "notes.txt").write_text("take 3 is best")
    return tmp_path


def test_every_file_is_accepted_or_refused_with_the_reason(zoo):
    report = check(zoo, sample_rate=22050)
    reasons = {record.path.name: record.reason for record in report.refused}
    expected = {
        "truncated.wav": "truncated",
        "zero_length.wav": "0 bytes",
        "text.wav": "not a sound file",
        "no_samples.wav": "no samples",
        "one_sample.wav": "shorter than one training window",
        "short.wav": "100 samples",
        "silent.wav": "silent",
        "constant.wav": "silent",
        "nan.wav": "1 of its samples are NaN",
        "huge.wav": "NaN or infinite",
        "phone.m4a": "truncated",
    }
    assert reasons.keys() == expected.keys()
    for name, words in expected.items():
        assert words in reasons[name], name
    assert all(record.remedy for record in report.refused)
    assert {r.path.name for r in report.accepted} == {"good.wav", "stereo.flac", "clipped.wav"}
    assert report.ignored == {".txt": 1}
    for record in report.refused:
        assert record.path.name in str(report)


def test_records_carry_what_was_measured(zoo):
    records = {record.path.name: record for record in check(zoo).records}
    good, stereo = records["good.wav"], records["stereo.flac"]
    assert (good.seconds, good.sample_rate, good.channels, good.bit_depth) == (1.0, 22050, 1, 24)
    assert good.peak_dbfs == pytest.approx(-6.02, abs=0.1)
    assert -12 < good.lufs < -8
    assert good.warnings == ()
    assert (stereo.channels, stereo.sample_rate, stereo.format) == (2, 44100, "FLAC PCM_24")
    assert "clipped" in records["clipped.wav"].warnings[0]
    assert len(good.sha256) == 64


def test_windows_are_counted_at_the_settings(zoo, tmp_path):
    report = check(zoo / "good.wav", sample_rate=22050, window_seconds=0.3)
    assert report.n_windows == 3
    assert "3 training windows of 0.3 s" in str(report)
    long = check(zoo / "good.wav", window_seconds=2.0)
    assert "shorter than one training window of 44100 samples" in long.refused[0].reason
    assert long.n_windows == 0


@pytest.mark.parametrize(
    ("sound", "warning"),
    [
        (lambda t: t + 0.1, "DC"),
        (lambda t: 0.001 * t, "very quiet"),
        (lambda t: np.concatenate([t, np.zeros(60000)]), "silence"),
        (lambda t: 3 * t, "beyond full scale"),
    ],
)
def test_what_can_be_used_but_is_worth_knowing(tmp_path, tone, sound, warning):
    write(tmp_path / "a.wav", sound(tone), 22050, "FLOAT")
    report = check(tmp_path)
    assert any(warning in text for text in report.accepted[0].warnings)
    assert warning in str(report)


def test_mixed_rates_are_shown(zoo):
    assert "22050 Hz (2), 44100 Hz (1)" in check(zoo).summary


def test_a_folder_without_sound_gives_an_empty_report(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    report = check(tmp_path)
    assert report.accepted == report.refused == []
    assert "There are no sound files here" in str(report)
    assert len(report.to_frame()) == 0
    with pytest.raises(AudioError, match="no file or folder"):
        check(tmp_path / "nowhere")


def test_files_and_folders_without_permission_are_refused(as_somebody_else, tone):
    folder, without_rights = as_somebody_else
    for name in ("open", "closed"):
        (folder / name).mkdir()
        write(folder / name / "a.wav", tone, 22050)
    write(folder / "locked.wav", tone, 22050).chmod(0)
    (folder / "closed").chmod(0)
    with without_rights():
        report = check(folder)
    assert [record.path.parent.name for record in report.accepted] == ["open"]
    reasons = {record.path.name: record.reason for record in report.refused}
    assert reasons.keys() == {"closed", "locked.wav"}
    assert all("permission" in reason.lower() for reason in reasons.values())


def test_the_table_has_a_row_per_file(zoo):
    frame = check(zoo).to_frame()
    assert len(frame) == 14
    assert frame.is_accepted.sum() == 3
    assert {"path", "reason", "seconds", "lufs", "silence_share"} <= set(frame.columns)


def test_names_of_files_are_escaped_in_the_notebook(tmp_path, tone):
    write(tmp_path / "<img src=x onerror=alert(1)>.wav", tone, 22050)
    shown = check(tmp_path)._repr_html_()
    assert "<img" not in shown
    assert "&lt;img" in shown


def test_progress_runs_from_0_to_1(zoo):
    calls: list[tuple[float, str]] = []
    check(zoo, progress=lambda now: calls.append((now.share, now.words)))
    shares = [share for share, _ in calls]
    assert shares[0] == 0 and shares[-1] == pytest.approx(1)
    assert shares == sorted(shares)
    assert {name for _, name in calls} >= {"good.wav", "silent.wav"}


def test_a_report_survives_json(zoo):
    import json

    report = check(zoo)
    again = Report.from_dict(json.loads(json.dumps(report.to_dict())))
    assert again == report
    assert FileRecord.from_dict({"path": "a", "later": 1}).lufs == -math.inf


@pytest.mark.parametrize("wrong", [{"sample_rate": 10}, {"window_seconds": 0.0}])
def test_settings_outside_their_range(tmp_path, wrong):
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        check(tmp_path, **wrong)


def test_nothing_is_changed_by_checking(zoo):
    before = {path: path.read_bytes() for path in zoo.iterdir()}
    check(zoo)
    assert {path: path.read_bytes() for path in zoo.iterdir()} == before


def test_real_recordings_are_judged_without_exception(audio_folder):
    report = check(audio_folder / "piano" if (audio_folder / "piano").is_dir() else audio_folder)
    assert report.accepted


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are decoded from now on."""
    names = list[str]()

    def opened_and_noted(path: Path):
        names.append(path.name)
        return opened(path)

    monkeypatch.setattr(doctor, "opened", opened_and_noted)
    return names


def test_a_file_that_has_not_changed_is_decoded_once(zoo, decoded):
    first = check(zoo / "stereo.flac", window_seconds=2.0)
    again = check(zoo / "stereo.flac", sample_rate=44100)
    assert decoded == ["stereo.flac"]
    assert "shorter" in first.refused[0].reason and again.n_windows == 5


def test_a_file_that_has_changed_is_decoded_again(zoo, decoded, tone):
    path = zoo / "good.wav"
    before = check(path).accepted[0]
    times, size = path.stat(), path.stat().st_size
    write(path, tone[::-1] / 2, 22050, overwrite=True)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    after = check(path).accepted[0]
    assert path.stat().st_size == size and decoded == ["good.wav", "good.wav"]
    assert after.sha256 != before.sha256 and after.peak_dbfs < before.peak_dbfs - 5


@pytest.mark.parametrize("first", [None, 1, 2, "left", "right"])
@pytest.mark.parametrize("then", [None, 1, 2, "left", "right"])
def test_what_was_measured_before_changes_no_verdict(tmp_path, tone, first, then):
    for name in ("known", "fresh"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "sides.wav", np.stack([tone, -tone]), 22050)
        write(tmp_path / name / "right.wav", np.stack([0 * tone, tone]), 22050)
        write(tmp_path / name / "mono.wav", tone, 22050)
    check(tmp_path / "known", channels=first)
    verdicts = [
        [record.to_dict() | {"path": record.path.name} for record in found.records]
        for found in (check(tmp_path / name, channels=then) for name in ("known", "fresh"))
    ]
    assert verdicts[0] == verdicts[1]
