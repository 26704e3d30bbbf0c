import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mimikit_nb.audio import files
from mimikit_nb.audio.channels import to_channels
from mimikit_nb.audio.containers import survey
from mimikit_nb.audio.files import Resampler, blocks, info, load
from mimikit_nb.audio.write import write
from mimikit_nb.errors import AudioError, ParameterError

FILES = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

# container, encoding, largest error of a sample; None: lossy
LOSSLESS = [
    *(("WAV", "PCM_U8", 2**-7), ("WAV", "PCM_16", 2**-15), ("WAV", "PCM_24", 2**-22)),
    *(("WAV", "PCM_32", 2**-22), ("WAV", "FLOAT", 2**-22), ("WAV", "DOUBLE", 2**-22)),
    *(("FLAC", "PCM_16", 2**-15), ("FLAC", "PCM_24", 2**-22), ("RF64", "PCM_24", 2**-22)),
    *(("AIFF", "PCM_24", 2**-22), ("AIFF", "PCM_16", 2**-15), ("AIFF", "DOUBLE", 2**-22)),
]
RATES = [8000, 11025, 16000, 22050, 32000, 44100, 48000, 88200, 96000, 176400, 192000]


def _tones(n_samples: int, sample_rate: int, channels: int) -> np.ndarray:
    time = np.arange(n_samples) / sample_rate
    return np.stack([0.5 * np.sin(2 * np.pi * 200 * (c + 1) * time) for c in range(channels)])


@FILES
@given(
    encoding=st.sampled_from(LOSSLESS),
    sample_rate=st.sampled_from(RATES),
    channels=st.integers(1, 8),
    n_samples=st.integers(1, 5000),
)
def test_every_depth_rate_and_number_of_channels_is_read_as_written(
    tmp_path, encoding, sample_rate, channels, n_samples
):
    container, subtype, error = encoding
    y = _tones(n_samples, sample_rate, channels)
    path = tmp_path / f"sound.{container.lower()}"
    sf.write(path, y.T, sample_rate, subtype, format=container)
    found, loaded = info(path), load(path)
    assert (found.sample_rate, found.channels, found.n_samples) == (
        sample_rate,
        channels,
        n_samples,
    )
    assert loaded.dtype == np.float32
    np.testing.assert_allclose(loaded, y, atol=error)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    ("name", "kind", "rate"),
    [
        ("a.mp3", {"format": "MP3"}, 44100),
        ("a.ogg", {"format": "OGG", "subtype": "VORBIS"}, 22050),
        ("a.opus", {"format": "OGG", "subtype": "OPUS"}, 48000),
    ],
)
def test_lossy_formats_sound_like_what_was_written(tmp_path, name, kind, rate, channels):
    y = _tones(rate, rate, channels)
    sf.write(tmp_path / name, y.T, rate, **kind)
    loaded = load(tmp_path / name)
    assert loaded.shape == y.shape
    assert np.abs(loaded - y)[:, 2000:-2000].max() < 0.02
    assert info(tmp_path / name).bit_depth is None


@FILES
@given(
    from_rate=st.sampled_from(RATES),
    to_rate=st.sampled_from(RATES),
    n_samples=st.integers(1, 20_000),
    block=st.integers(1, 7000),
)
def test_resampling_gives_the_exact_length_and_does_not_depend_on_blocks(
    tmp_path, from_rate, to_rate, n_samples, block
):
    y = _tones(n_samples, from_rate, 2)
    path = write(tmp_path / "a.wav", y, from_rate, "FLOAT", overwrite=True)
    whole = load(path, to_rate)
    assert abs(whole.shape[1] - n_samples * to_rate / from_rate) <= 0.5
    pieces = np.concatenate(list(blocks(path, to_rate, block_samples=block)), axis=1)
    np.testing.assert_allclose(pieces, whole, atol=1e-6)


@pytest.mark.parametrize("from_rate", [8000, 44100, 96000, 192000])
def test_resampled_tones_keep_pitch_phase_and_level(tmp_path, from_rate):
    path = write(tmp_path / "a.wav", _tones(from_rate, from_rate, 2), from_rate, "FLOAT")
    expected = _tones(22050, 22050, 2)
    error = np.abs(load(path, 22050) - expected)[:, 1000:-1000].max()
    assert error < 1e-4  # -80 dB; soxr promises less, the ends of a finite tone cost the rest


def test_resampling_keeps_out_what_the_new_rate_cannot_hold():
    time = np.arange(96000) / 96000
    y = np.sin(2 * np.pi * 15000 * time).astype(np.float32)[None]
    resample = Resampler(96000, 22050, 1)
    resampled = np.concatenate([resample(y), resample(y[:, :0], last=True)], axis=1)
    assert np.abs(resampled[:, 1000:-1000]).max() < 1e-5


def test_parts_of_a_file(tmp_path):
    y = _tones(44100, 44100, 2)
    path = write(tmp_path / "a.wav", y, 44100, "FLOAT")
    part = load(path, start_seconds=0.25, seconds=0.5)
    np.testing.assert_allclose(part, y[:, 11025 : 11025 + 22050], atol=1e-6)
    np.testing.assert_allclose(load(path, mono=True), y.mean(axis=0, keepdims=True), atol=1e-6)
    with pytest.raises(AudioError, match=r"lasts 1\.00 s"):
        load(path, start_seconds=1.5)
    for seconds in (0, -1.0):
        with pytest.raises(ParameterError, match="seconds must be a number above 0"):
            load(path, seconds=seconds)


def test_a_file_is_opened_once_to_be_loaded(tmp_path, monkeypatch):
    path = write(tmp_path / "a.wav", _tones(1000, 44100, 2), 44100)
    surveyed = []
    monkeypatch.setattr(files, "survey", lambda path: (surveyed.append(path), survey(path))[1])
    load(path, 22050, mono=True)
    assert surveyed == [path]


def test_a_long_file_is_read_in_bounded_memory(tmp_path):
    n_samples = 3_000_000
    path = write(tmp_path / "long.wav", np.zeros((2, n_samples)), 48000, "PCM_16")
    tracemalloc.start()
    total = sum(y.shape[1] for y in blocks(path, 22050))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == n_samples * 22050 // 48000
    assert peak < 5_000_000  # the whole would be 24 MB


def test_channels():
    stereo = np.array([[1.0, 0.0], [0.0, 0.5]])
    assert to_channels(stereo, 2) is stereo
    np.testing.assert_array_equal(to_channels(stereo, 1), [[0.5, 0.25]])
    np.testing.assert_array_equal(to_channels(stereo[:1], 3), np.repeat(stereo[:1], 3, axis=0))
    np.testing.assert_array_equal(to_channels(stereo, 3), np.full((3, 2), [0.5, 0.25]))


@pytest.mark.parametrize("container", ["wav", "flac", "aiff", "ogg", "opus", "mp3", "rf64", "caf"])
@pytest.mark.parametrize("share", [0.001, 0.3, 0.9, 0.99])
def test_a_truncated_file_is_an_error_at_whatever_place_it_is_cut(tmp_path, container, share):
    whole, cut = tmp_path / f"whole.{container}", tmp_path / f"cut.{container}"
    y = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 96000))
    write(whole, y, 48000)
    content = whole.read_bytes()
    cut.write_bytes(content[: int(share * len(content))])
    assert load(whole).shape == (2, 96000)
    with pytest.raises(AudioError, match=r"truncated|malformed|not a sound file"):
        load(cut)


@pytest.mark.parametrize("name", ["text.wav", "text.mp3", "text.flac", "text.ogg", "text.aiff"])
def test_a_renamed_text_file_is_not_audio(tmp_path, name):
    (tmp_path / name).write_text("These are the words of a song.\n" * 1000)
    with pytest.raises(AudioError, match="not a sound file"):
        info(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.wav", b"", r"empty \(0 bytes\)"),
        ("a.m4a", b"\0\0\0\x1cftypM4A ", "truncated"),
        ("a.wav", b"RIFF\x24\0\0\0WAVEfmt ", "malformed|not a sound file"),
        ("a.wav", bytes(range(256)) * 400, "not a sound file"),
    ],
)
def test_what_is_no_sound_is_refused_in_words(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AudioError, match=said):
        info(tmp_path / name)


def test_a_flac_of_unknown_length_from_a_pipe_is_read_to_its_last_frame(tmp_path):
    path = write(tmp_path / "a.flac", np.zeros(1000), 8000, "PCM_16")
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0  # the 36 bits of STREAMINFO that tell the number of samples
    content[22:26] = bytes(4)
    path.write_bytes(content)
    assert info(path).n_samples == 1000
    assert "length open" in info(path).warnings[0]
    assert load(path).shape == (1, 1000)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(AudioError, match="no such file"):
        info(tmp_path / "a.wav")
    with pytest.raises(AudioError, match="is a folder"):
        info(tmp_path)


def test_a_wav_of_unknown_length_from_a_pipe_is_whole(tmp_path):
    path = write(tmp_path / "a.wav", np.zeros(1000), 8000, "PCM_16")
    content = bytearray(path.read_bytes())
    data = content.index(b"data")
    content[4:8] = content[data + 4 : data + 8] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    assert load(path).shape == (1, 1000)


def test_real_recordings_are_read(audio_folder: Path):
    from mimikit_nb.audio.find import find

    for path in find(audio_folder).files[:5]:
        found = info(path)
        part = load(path, seconds=min(1.0, found.duration_seconds))
        assert part.shape[0] == found.channels
        assert np.isfinite(part).all()
