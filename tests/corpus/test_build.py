import hashlib
from pathlib import Path

import h5py
import numpy as np
import pytest
import soundfile as sf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mimikit_nb.audio import doctor
from mimikit_nb.audio.demo import demo_music
from mimikit_nb.audio.doctor import check
from mimikit_nb.audio.files import load
from mimikit_nb.audio.write import write
from mimikit_nb.corpus import add_files, build_corpus, open_corpus
from mimikit_nb.errors import AudioError, CorpusError, ParameterError

RATE = 22050


@pytest.fixture
def takes(tmp_path: Path, music: np.ndarray) -> Path:
    """Folder with two mono takes."""
    folder = tmp_path / "takes"
    folder.mkdir()
    write(folder / "a.wav", music[:RATE], RATE, "FLOAT")
    write(folder / "b.wav", music[RATE : 3 * RATE], RATE, "FLOAT")
    return folder


def test_a_corpus_holds_the_sounds_as_they_are(takes, tmp_path, music):
    corpus = build_corpus(takes, tmp_path / "c.h5", RATE, rights="mine")
    assert corpus.signal.shape == (1, 3 * RATE)
    assert corpus.signal.dtype == np.float32
    np.testing.assert_array_equal(corpus.signal[0], music[: 3 * RATE])
    assert [(Path(f.path).name, f.start, f.stop) for f in corpus.files] == [
        ("a.wav", 0, RATE),
        ("b.wav", RATE, 3 * RATE),
    ]
    assert (corpus.duration_seconds, corpus.sample_rate, corpus.n_channels) == (3.0, RATE, 1)
    assert corpus.rights == "mine"
    assert len(corpus.report.accepted) == 2


def test_recordings_are_decoded_once_for_the_corpus_its_report_and_the_check(
    takes, tmp_path, monkeypatch
):
    decoded, hashed = list[str](), list[str]()

    def noting(names: list[str], function):
        def noted(file, *rest):
            names.append(Path(getattr(file, "name", file)).name)
            return function(file, *rest)

        return noted

    monkeypatch.setattr(doctor, "opened", noting(decoded, doctor.opened))
    monkeypatch.setattr(hashlib, "file_digest", noting(hashed, hashlib.file_digest))
    corpus = build_corpus(takes, tmp_path / "c.h5", RATE)
    assert check(takes, RATE).to_dict() == corpus.report.to_dict()
    build_corpus(takes, tmp_path / "c.h5", RATE, reuse=True)
    assert decoded == hashed == ["a.wav", "b.wav"]


def test_the_file_is_laid_out_as_agreed(takes, tmp_path):
    corpus = build_corpus(takes, tmp_path / "c.h5")
    with h5py.File(corpus.path) as file:
        signal = file["signal"]
        assert signal.chunks is None and signal.compression is None
        assert signal.dtype == np.dtype("<f4")
        np.testing.assert_array_equal(signal[:], corpus.signal)  # the map shows what HDF5 reads
        assert file["files"].dtype.names[:3] == ("path", "start", "stop")
        assert len(file["files"]["sha256"][0]) == 64
        assert file.attrs["format_version"] == 1
        assert file.attrs["sample_rate"] == 22050
        assert "window_seconds" in file.attrs["parameters"]
        assert len(file["tracks"]) == 0


def test_real_recordings(audio_folder, tmp_path):
    folder = audio_folder / "birds" if (audio_folder / "birds").is_dir() else audio_folder
    corpus = build_corpus(folder, tmp_path / "c.h5")
    assert corpus.duration_seconds == pytest.approx(corpus.report.duration_seconds, abs=0.01)
    first = corpus.files[0]
    expected = load(first.path, 22050)
    np.testing.assert_allclose(corpus.signal[:, : first.stop], expected, atol=1e-6)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    data=st.data(),
    sample_rate=st.sampled_from([8000, 22050, 48000]),
    channels=st.none() | st.integers(1, 3),
)
def test_any_mix_of_formats_rates_and_channels(tmp_path, data, sample_rate, channels):
    folder = tmp_path / "mix"
    kinds = st.tuples(
        st.sampled_from(
            [("wav", "PCM_U8"), ("wav", "DOUBLE"), ("flac", "PCM_24"), ("aiff", "PCM_16")]
        ),
        st.sampled_from([8000, 44100, 192000]),
        st.integers(1, 8),
        st.integers(20_000, 30_000),
    )
    folder.mkdir(exist_ok=True)
    [path.unlink() for path in folder.iterdir()]
    made = data.draw(st.lists(kinds, min_size=1, max_size=4))
    for i, ((container, subtype), rate, n, length) in enumerate(made):
        y = np.outer(np.sin(np.arange(length) / 9), np.ones(n)) * 0.5
        sf.write(folder / f"{i}.{container}", y, rate, subtype)
    corpus = build_corpus(folder, tmp_path / "c.h5", sample_rate, channels, overwrite=True)
    counts = {n for _, _, n, _ in made}
    expected = channels or (counts.pop() if len(counts) == 1 else 2 if 2 in counts else 1)
    assert corpus.n_channels == expected
    for file, (_, rate, n, length) in zip(corpus.files, made, strict=True):
        assert abs(file.stop - file.start - length * sample_rate / rate) <= 0.5
        assert (file.sample_rate, file.channels) == (rate, n)
    assert corpus.files[-1].stop == corpus.n_samples
    assert np.isfinite(corpus.signal).all()
    assert 0.3 < np.abs(corpus.signal).max(axis=1).min() < 0.7  # every channel sounds


def test_stereo_is_kept_and_mono_goes_to_both_sides(tmp_path, music):
    left, right = music[:RATE], music[RATE : 2 * RATE]
    write(tmp_path / "mono.wav", left, RATE, "FLOAT")
    write(tmp_path / "stereo.wav", np.stack([left, right]), RATE, "FLOAT")
    corpus = build_corpus(tmp_path, tmp_path / "c.h5")
    np.testing.assert_array_equal(corpus.signal[:, :RATE], np.stack([left, left]))
    np.testing.assert_array_equal(corpus.signal[:, RATE:], np.stack([left, right]))
    mono = build_corpus(tmp_path, tmp_path / "mono.h5", channels=1)
    np.testing.assert_allclose(mono.signal[0, RATE:], (left + right) / 2, atol=1e-7)
    assert "mixed to mono" in mono.report.accepted[1].warnings[0]


def test_a_refused_stereo_file_does_not_make_the_corpus_stereo(tmp_path, music):
    write(tmp_path / "mono.wav", music[:RATE], RATE)
    write(tmp_path / "silent.wav", np.zeros((2, RATE)), RATE)
    assert build_corpus(tmp_path, tmp_path / "c.h5").n_channels == 1


def test_refused_files_leave_no_trace_in_the_signal(takes, tmp_path, music):
    content = (takes / "b.wav").read_bytes()
    (takes / "aa.wav").write_bytes(content[: len(content) // 2])
    sf.write(takes / "ab.wav", np.where(np.arange(RATE) == 5, np.nan, 0.1), RATE, "FLOAT")
    corpus = build_corpus(takes, tmp_path / "c.h5")
    np.testing.assert_array_equal(corpus.signal[0], music[: 3 * RATE])
    assert {r.path.name for r in corpus.report.refused} == {"aa.wav", "ab.wav"}
    assert open_corpus(tmp_path / "c.h5").report == corpus.report


def test_the_same_sound_twice_is_kept_and_said(takes, tmp_path):
    (takes / "copy.wav").write_bytes((takes / "a.wav").read_bytes())
    corpus = build_corpus(takes, tmp_path / "c.h5")
    assert "the same sound as" in corpus.report.accepted[2].warnings[0]


@pytest.mark.parametrize("content", [None, b"", b"no sound"])
def test_an_empty_result_is_an_error_that_says_why(tmp_path, content):
    if content is not None:
        (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(CorpusError, match=r"a\.wav: .*(empty|not a sound)|no sound files"):
        build_corpus(tmp_path, tmp_path / "c.h5")
    assert not (tmp_path / "c.h5").exists()


def test_an_existing_corpus_is_not_overwritten_unless_told(takes, tmp_path):
    path = build_corpus(takes, tmp_path / "c.h5").path
    before = path.read_bytes()
    with pytest.raises(CorpusError, match=r"exists.*overwrite=True.*reuse=True"):
        build_corpus(takes, path)
    assert path.read_bytes() == before
    corpus = build_corpus(takes / "a.wav", path, overwrite=True)
    assert len(corpus.files) == 1


def test_a_notebook_can_be_run_again_from_the_top(takes, tmp_path):
    first = build_corpus(takes, tmp_path / "c.h5", reuse=True)
    first.write_labels("mine", [0], [100], ["x"])
    again = build_corpus(takes, tmp_path / "c.h5", reuse=True)
    assert again.hash == first.hash
    assert "mine" in again.tracks
    write(tmp_path / "more.wav", demo_music(RATE, 1.0), RATE)
    add_files(tmp_path / "c.h5", tmp_path / "more.wav")
    assert len(build_corpus(takes, tmp_path / "c.h5", reuse=True).files) == 3


def test_what_differs_is_said_instead_of_reusing(takes, tmp_path):
    build_corpus(takes, tmp_path / "c.h5")
    with pytest.raises(CorpusError, match="sample_rate is 22050, not 16000"):
        build_corpus(takes, tmp_path / "c.h5", 16000, reuse=True)
    with pytest.raises(CorpusError, match="rights is '', not 'mine'"):
        build_corpus(takes, tmp_path / "c.h5", rights="mine", reuse=True)
    (takes / "b.wav").unlink()
    with pytest.raises(CorpusError, match="other sounds"):
        build_corpus(takes, tmp_path / "c.h5", reuse=True)


def test_the_hash_names_the_content_not_the_place(takes, tmp_path):
    here = build_corpus(takes, tmp_path / "c.h5")
    moved = takes.rename(tmp_path / "elsewhere")
    there = build_corpus(moved, tmp_path / "d.h5", rights="mine")
    assert here.hash == there.hash
    assert build_corpus(moved, tmp_path / "e.h5", 16000).hash != here.hash


def test_files_are_added_without_decoding_the_old_ones_again(takes, tmp_path, music):
    corpus = build_corpus(takes, tmp_path / "c.h5")
    corpus.write_labels("mine", [0, 500], [100, 600], ["x", "y"])
    corpus.write_feature("loudness", np.arange(10.0), 512)
    before = np.array(corpus.signal)
    for path in takes.iterdir():
        path.unlink()  # nothing can be decoded again
    more = tmp_path / "more"
    more.mkdir()
    write(more / "c.wav", music[3 * RATE :], RATE, "FLOAT")
    longer = add_files(corpus.path, more)
    np.testing.assert_array_equal(longer.signal[:, : before.shape[1]], before)
    np.testing.assert_array_equal(longer.signal[0, before.shape[1] :], music[3 * RATE :])
    assert [record.path.name for record in longer.report.records] == ["c.wav"]
    assert len(open_corpus(corpus.path).report.records) == 3
    assert list(longer.tracks["mine"].label) == ["x", "y"]
    assert longer.tracks["loudness"].hop_length == 512
    assert longer.hash != corpus.hash
    np.testing.assert_array_equal(corpus.signal, before)  # who reads the old one goes on


def test_adding_again_changes_nothing_and_says_so(takes, tmp_path):
    corpus = build_corpus(takes, tmp_path / "c.h5")
    again = add_files(corpus.path, takes)
    assert again.hash == corpus.hash
    assert all("already" in record.reason for record in again.report.refused)
    assert "Nothing is new" in str(again.report)
    (takes / "text.wav").write_text("x")
    beside = add_files(corpus.path, takes)  # known files, and one that is of no use
    assert "Nothing is new" in str(beside.report) and "not a sound file" in str(beside.report)
    assert open_corpus(corpus.path).hash == corpus.hash
    (tmp_path / "text.wav").write_text("x")
    with pytest.raises(CorpusError, match=r"Nothing was added(.|\n)*not a sound file"):
        add_files(corpus.path, tmp_path / "text.wav")
    assert open_corpus(corpus.path).hash == corpus.hash


def test_arguments_out_of_range(takes, tmp_path):
    with pytest.raises(ParameterError, match="sample_rate"):
        build_corpus(takes, tmp_path / "c.h5", sample_rate=0)
    with pytest.raises(ParameterError, match="channels"):
        build_corpus(takes, tmp_path / "c.h5", channels=0)
    with pytest.raises(AudioError, match="nowhere"):
        build_corpus(tmp_path / "nowhere", tmp_path / "c.h5")


def test_progress_is_reported(takes, tmp_path):
    shares = []
    build_corpus(takes, tmp_path / "c.h5", progress=lambda now: shares.append(now.share))
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1)
