"""Nothing of a sound file is lost in decoding: all of it is read, or it is refused, or named."""

import re
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

import mimikit_nb as mnb
from mimikit_nb.audio import decoders
from mimikit_nb.audio.containers import walk
from mimikit_nb.audio.decoders import FFmpegDecoder, UnreadableError
from mimikit_nb.audio.files import RefusedError, blocks, info, load
from mimikit_nb.audio.parts import Part
from mimikit_nb.audio.report import FileRecord
from mimikit_nb.corpus import build_corpus
from mimikit_nb.generation.prompts import prompt_from_file
from mimikit_nb.widgets.forms.drop import ACCEPT
from mimikit_nb.widgets.player.sound import open_sound
from tests.audio.encode import WRITERS, by_ffmpeg, by_soundfile, without_count
from tests.audio.test_formats import ROWS

RATE = 44100


def tones(seconds: float, rate: int = RATE, pitch: float = 220.0, channels: int = 1) -> np.ndarray:
    """Tones that swell [shape=(C, n)], each channel at a pitch of its own."""
    time = np.arange(round(seconds * rate)) / rate
    pitches = pitch * (1 + np.arange(channels))[:, None]
    return 0.3 * np.sin(2 * np.pi * pitches * time) * (0.6 + 0.4 * np.sin(7 * time))


def likeness(z: np.ndarray, y: np.ndarray) -> float:
    """Correlation of two sounds of about the same length."""
    n = min(z.shape[1], y.shape[1])
    return float(np.corrcoef(z[:, :n].ravel(), y[:, :n].ravel())[0, 1])


@pytest.fixture
def without_ffmpeg(monkeypatch):
    """As where PyAV isn't installed."""
    monkeypatch.setattr(decoders, "has_ffmpeg", lambda: False)


# -- MP3 whose header doesn't count its frames -----------------------------------------------------


@pytest.fixture
def mp3(tmp_path) -> Path:
    """Eight seconds of a soft tone and eight of noise, at a variable bit rate."""
    noise = np.random.default_rng(0).normal(0, 0.2, 8 * RATE)
    y = np.concatenate([0.02 * tones(8.0)[0], noise])[None]
    path = tmp_path / "a.mp3"
    by_soundfile(
        path, y, RATE, "MP3", "MPEG_LAYER_III", bitrate_mode="VARIABLE", compression_level=0.5
    )
    return path


def _count(path: Path, count: int, n_bytes: int | None = None) -> None:
    data = bytearray(path.read_bytes())
    place = data.index(b"Xing") + 8
    struct.pack_into(">I", data, place, count)
    if n_bytes is not None:
        struct.pack_into(">I", data, place + 4, n_bytes)
    path.write_bytes(data)


def _counted(path: Path) -> int:
    data = path.read_bytes()
    return struct.unpack_from(">I", data, data.index(b"Xing") + 8)[0]


def test_a_variable_bit_rate_without_a_header_is_read_to_the_end(mp3, tmp_path):
    whole = load(mp3)
    without_count(mp3)
    corpus = build_corpus(mp3, tmp_path / "c.h5", sample_rate=RATE)
    assert 16.0 <= corpus.duration_seconds < 16.1
    assert corpus.report.accepted[0].decoder == "FFmpeg"
    start = 1105  # what encoder and decoder need to begin; only a header says so
    assert likeness(corpus.signal[:, start:], whole) > 0.999


def test_without_ffmpeg_it_is_refused_with_the_remedy(mp3, without_ffmpeg):
    without_count(mp3)
    (record,) = mnb.check(mp3).refused
    assert "can only be estimated" in record.reason
    assert "pip install 'mimikit_nb[formats]'" in record.remedy


@pytest.mark.parametrize("factor", [0.0, 0.1, 0.5, 10.0])
@pytest.mark.parametrize("is_there", [True, False], ids=["FFmpeg", "libsndfile only"])
def test_a_header_that_miscounts_is_corrected(mp3, factor, is_there, monkeypatch):
    monkeypatch.setattr(decoders, "has_ffmpeg", lambda: is_there)
    whole, counted = load(mp3), _counted(mp3)
    _count(mp3, round(factor * counted))
    (record,) = mnb.check(mp3).accepted
    assert f"there are {counted}; all of them are read" in record.warnings[0]
    np.testing.assert_array_equal(load(mp3), whole)


def test_a_cut_mp3_is_still_told_from_one_that_miscounts(mp3):
    content = mp3.read_bytes()
    mp3.write_bytes(content[: len(content) // 10])
    assert "truncated" in mnb.check(mp3).refused[0].reason


@pytest.mark.parametrize("junk", [b"\0" * 3000, b"xyz" * 700], ids=["zeros", "text"])
def test_what_lies_between_frames_is_passed_over_with_a_warning(mp3, junk):
    whole, content = load(mp3), mp3.read_bytes()
    middle = content.index(b"\xff\xfb", len(content) // 2)
    mp3.write_bytes(content[:middle] + junk + content[middle:])
    (record,) = mnb.check(mp3).accepted
    assert "something else between its frames" in " ".join(record.warnings)
    assert record.seconds == pytest.approx(whole.shape[1] / RATE, abs=0.1)


@pytest.mark.parametrize("tag", [b"TAG" + bytes(125), b"APETAGEX" + bytes(24), bytes(5000)])
def test_tags_behind_the_frames_are_no_fault(mp3, tag):
    whole = load(mp3)
    mp3.write_bytes(mp3.read_bytes() + tag)
    assert info(mp3).warnings == ()
    np.testing.assert_array_equal(load(mp3), whole)
    mp3.write_bytes(mp3.read_bytes() + 20_000 * b"no sound ")
    assert "something else" in info(mp3).warnings[0]
    np.testing.assert_allclose(load(mp3), whole, atol=0.01)


# -- files that were joined ------------------------------------------------------------------------

JOINED = {
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "flac": ("FLAC", "PCM_16"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "wav": ("WAV", "PCM_16"),
}


def _joined(folder: Path, kind: str, *sounds: tuple[np.ndarray, int]) -> Path:
    content = b""
    for y, rate in sounds:
        by_soundfile(folder / "part", y, rate, *JOINED[kind])
        content += (folder / "part").read_bytes()
    path = folder / f"joined.{kind}"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("is_there", [True, False], ids=["FFmpeg", "libsndfile only"])
@pytest.mark.parametrize("n_parts", [2, 3])
@pytest.mark.parametrize("kind", JOINED)
def test_joined_files_are_read_to_the_end(kind, n_parts, is_there, tmp_path, monkeypatch):
    monkeypatch.setattr(decoders, "has_ffmpeg", lambda: is_there)
    sounds = [tones(1.5, 48000, 200.0 * (i + 1)) for i in range(n_parts)]
    path = _joined(tmp_path, kind, *((y, 48000) for y in sounds))
    y, z = np.concatenate(sounds, axis=1), load(path)
    assert z.shape == y.shape and info(path).n_samples == y.shape[1]
    assert likeness(z, y) > 0.99
    (record,) = mnb.check(path).accepted
    assert f"{n_parts} sounds joined to one file; all of them are read" in record.warnings


@pytest.mark.parametrize("kind", ["ogg", "flac", "mp3", "wav"])
def test_joined_parts_may_differ_in_rate_and_channels(kind, tmp_path):
    parts = [(tones(2.0, 44100), 44100), (tones(2.0, 22050, channels=2), 22050)]
    path = _joined(tmp_path, kind, *parts)
    (record,) = mnb.check(path).accepted
    assert (record.sample_rate, record.channels) == (44100, 2)
    assert record.seconds == pytest.approx(4.0, abs=0.001)
    assert "22050, 44100 Hz; all become 44100 Hz" in " ".join(record.warnings)
    assert "1, 2 channels; mono goes to all 2" in " ".join(record.warnings)
    y = load(path)
    np.testing.assert_array_equal(y[0, :80000], y[1, :80000])
    assert likeness(y[:, -88200:], tones(2.0, 44100, channels=2)) > 0.99


@pytest.mark.parametrize("kind", ["ogg", "flac", "mp3", "wav"])
def test_stereo_behind_mono_stays_stereo(kind, tmp_path):
    y = tones(2.0)
    path = _joined(tmp_path, kind, (y, RATE), (np.concatenate([y, -y]), RATE))
    corpus = build_corpus(path, tmp_path / "c.h5", sample_rate=RATE)
    assert corpus.n_channels == 2
    second = corpus.signal[:, 2 * RATE :]
    assert likeness(second, np.concatenate([y, -y])) > 0.99
    with pytest.warns(UserWarning, match="channels cancel each other: .* as mono"):
        load(path, mono=True, start_seconds=2.5)


def test_parts_whose_channels_do_not_fit_are_refused(tmp_path):
    path = _joined(tmp_path, "wav", (tones(1.0, channels=2), RATE), (tones(1.0, channels=3), RATE))
    assert "parts have 2, 3 channels" in mnb.check(path).refused[0].reason


def test_a_change_of_channels_in_the_midst_is_named(tmp_path):
    content = b""
    for channels in (1, 2):
        by_ffmpeg(tmp_path / "a.aac", tones(2.0, channels=channels), RATE, "aac")
        content += (tmp_path / "a.aac").read_bytes()
    (tmp_path / "a.aac").write_bytes(content)
    (record,) = mnb.check(tmp_path / "a.aac").accepted
    assert "it changes to 2 channels at 44100 Hz" in " ".join(record.warnings)


def test_a_joined_file_that_is_cut_is_refused(tmp_path):
    for kind in JOINED:
        path = _joined(tmp_path, kind, (tones(2.0, 48000), 48000), (tones(2.0, 48000), 48000))
        path.write_bytes(path.read_bytes()[:-2000])
        reason = mnb.check(path).refused[0].reason
        assert "truncated" in reason or "malformed" in reason, kind


REFUSED_JOINED = {"Windows Media", "WavPack"}


@pytest.mark.parametrize(("name", "suffix"), [(row[0], row[1].split()[0]) for row in ROWS])
def test_two_files_of_any_format_that_were_joined_are_read_or_refused(name, suffix, tmp_path):
    rate = 8000 if name == "WAV, G.726" else 48000
    sounds = [tones(1.3, rate, pitch) for pitch in (200.0, 300.0)]
    for number, y in enumerate(sounds):
        WRITERS[name](tmp_path / f"{number}{suffix}", y, rate)
    path = tmp_path / f"joined{suffix}"
    path.write_bytes(b"".join((tmp_path / f"{i}{suffix}").read_bytes() for i in (0, 1)))
    (record,) = mnb.check(path).records
    if name in REFUSED_JOINED:
        assert "truncated" in record.reason or "malformed" in record.reason
        return
    assert "2 sounds joined to one file; all of them are read" in record.warnings
    whole = np.concatenate([load(tmp_path / f"{i}{suffix}") for i in (0, 1)], axis=1)
    np.testing.assert_array_equal(load(path), whole)


def test_files_of_different_kinds_that_were_joined_are_read(tmp_path):
    content, kinds = b"", ("AU", "AIFF", "WAV", "CAF", "RF64", "W64", "SVX", "WAV")
    for kind in kinds:
        by_soundfile(tmp_path / "part", tones(1.0), RATE, kind, "PCM_16")
        content += (tmp_path / "part").read_bytes()
    (tmp_path / "a.wav").write_bytes(content)
    assert load(tmp_path / "a.wav").shape == (1, len(kinds) * RATE)


@pytest.mark.parametrize("kind", ["M4A", "FLAC", "OGG", "MP3"])
def test_what_another_kind_of_file_behind_a_wav_holds_is_refused_or_named(kind, tmp_path):
    by_soundfile(tmp_path / "a.wav", tones(1.0), RATE, "WAV", "PCM_16")
    if kind == "M4A":
        by_ffmpeg(tmp_path / "b.m4a", tones(1.0), RATE, "aac")
    else:
        subtype = {"FLAC": "PCM_16", "OGG": "VORBIS", "MP3": "MPEG_LAYER_III"}[kind]
        by_soundfile(tmp_path / "b.m4a", tones(1.0), RATE, kind, subtype)
    with open(tmp_path / "a.wav", "ab") as file:
        file.write((tmp_path / "b.m4a").read_bytes())
    (record,) = mnb.check(tmp_path / "a.wav").accepted
    assert "behind its announced end is left out" in record.warnings[0]


@pytest.mark.parametrize("kind", ["WAV", "RF64", "AIFF", "CAF", "W64"])
def test_samples_in_several_chunks_are_read(kind, tmp_path):
    path, sounds = tmp_path / "a", [tones(1.0, pitch=pitch) for pitch in (200.0, 300.0)]
    contents = list[bytes]()
    for y in sounds:
        by_soundfile(path, y, RATE, kind, "PCM_16")
        contents.append(path.read_bytes())
    with open(path, "rb") as file:
        place = next(c.place for c in walk(file) if c.name[:4] in (b"data", b"SSND"))
    path.write_bytes(contents[0] + contents[1][place:])
    (record,) = mnb.check(path).accepted
    assert "its samples lie in 2 places; all of them are read" in record.warnings
    np.testing.assert_allclose(load(path), np.concatenate(sounds, axis=1), atol=2**-14)
    path.write_bytes(path.read_bytes()[:-1000])
    assert "truncated" in mnb.check(path).refused[0].reason


def test_a_second_index_in_a_video_is_named(tmp_path):
    path = tmp_path / "a.mov"
    by_ffmpeg(path, tones(1.0), RATE, "pcm_s16le")
    content = path.read_bytes()
    path.write_bytes(content + content[content.index(b"ftyp") + 16 :])
    assert "it has 2 indexes; only one is read" in mnb.check(path).accepted[0].warnings


# -- tags ------------------------------------------------------------------------------------------

ID3 = b"ID3\x03\x00\x00\x00\x00\x01\x00" + bytes(128)


@pytest.mark.parametrize("kind", ["WAV", "AIFF", "AU", "CAF", "W64", "RF64"])
def test_a_file_behind_a_tag_is_read(kind, tmp_path):
    path, y = tmp_path / "a.wav", tones(1.0)
    by_soundfile(path, y, RATE, kind, "PCM_16")
    path.write_bytes(ID3 + path.read_bytes())
    assert info(path).warnings == ()
    np.testing.assert_allclose(load(path), y, atol=2**-14)


@pytest.mark.parametrize("suffix", [".m4a", ".mov", ".tta"])
def test_a_tag_behind_a_file_is_no_fault(suffix, tmp_path):
    path = tmp_path / f"a{suffix}"
    by_ffmpeg(path, tones(1.0), RATE, {".m4a": "aac", ".mov": "pcm_s16le", ".tta": "tta"}[suffix])
    whole = load(path)
    path.write_bytes(path.read_bytes() + b"TAG" + b"A song".ljust(125))
    assert info(path).warnings == ()
    np.testing.assert_array_equal(load(path), whole)


# -- headers that say less than there is -----------------------------------------------------------


@pytest.fixture
def take() -> np.ndarray:
    """Three seconds that a header denies."""
    return tones(3.0, 22050)


def _deny(path: Path, size: int = 0) -> None:
    """Set all sizes in a header to 0, as before a recorder comes to write them."""
    data = bytearray(path.read_bytes())
    kind = bytes(data[:4])
    if kind == b"RF64":
        struct.pack_into("<QQQ", data, 20, 0, 0, 0)
    elif kind in (b"RIFF", b"FORM"):
        name = b"data" if kind == b"RIFF" else b"SSND"
        struct.pack_into("<I", data, 4, size)
        struct.pack_into("<I", data, data.index(name) + 4, size)
    elif kind == b"riff":
        struct.pack_into("<Q", data, 16, 0)
        struct.pack_into("<Q", data, data.index(b"data\xf3\xac") + 16, 24)
    elif kind == b".snd":
        struct.pack_into(">I", data, 8, 0)
    elif kind == b"caff":
        struct.pack_into(">q", data, data.index(b"data") + 4, 0)
    path.write_bytes(data)


@pytest.mark.parametrize("kind", ["WAV", "RF64", "W64", "AIFF", "AU", "CAF"])
def test_a_recorder_that_lost_power_leaves_all_its_sound(kind, take, tmp_path):
    path = tmp_path / "take.wav"
    by_soundfile(path, take, 22050, kind, "PCM_16")
    _deny(path)
    (record,) = mnb.check(path).accepted
    assert "says that it holds 0 bytes" in record.warnings[0]
    assert "read to the end" in record.warnings[0]
    assert record.seconds == pytest.approx(3.0, abs=0.01)
    np.testing.assert_allclose(load(path)[:, :60000], take[:, :60000], atol=2**-14)


def test_an_empty_recording_is_empty(tmp_path):
    path = tmp_path / "a.wav"
    sf.write(path, np.zeros(0), 22050)
    assert "no samples" in mnb.check(path).refused[0].reason
    path.write_bytes(path.read_bytes() + b"LIST" + struct.pack("<I", 4) + b"INFO")
    assert "no samples" in mnb.check(path).refused[0].reason


def test_a_header_that_is_some_bytes_too_long_is_read_with_a_warning(take, tmp_path):
    path = tmp_path / "a.wav"
    by_soundfile(path, take, 22050, "WAV", "PCM_16")
    path.write_bytes(path.read_bytes()[:-16])
    (record,) = mnb.check(path).accepted
    assert "16 bytes more than there are" in record.warnings[0]
    np.testing.assert_allclose(load(path), take[:, :-8], atol=2**-14)
    path.write_bytes(path.read_bytes()[:-50])
    assert "truncated" in mnb.check(path).refused[0].reason


def test_sound_behind_the_announced_end_is_named_with_its_seconds(take, tmp_path):
    path = tmp_path / "a.wav"
    by_soundfile(path, take, 22050, "WAV", "PCM_16")
    data = bytearray(path.read_bytes())
    place = data.index(b"data") + 4
    struct.pack_into("<I", data, place, 2 * 22050)  # as written after the first second
    struct.pack_into("<I", data, 4, place - 4 + 2 * 22050)
    data[place + 4 + 2 * 22050 :][:4] = b"\x90\x01\x80\x02"
    path.write_bytes(data)
    (record,) = mnb.check(path).accepted
    assert record.seconds == 1.0
    assert "left out, 2.0 s" in record.warnings[0]


@pytest.mark.parametrize("announced", [0, 1000])
def test_a_flac_that_holds_more_than_it_announces_is_read_to_the_end(announced, take, tmp_path):
    path = tmp_path / "a.flac"
    by_soundfile(path, take, 22050, "FLAC", "PCM_16")
    data = bytearray(path.read_bytes())
    shape = int.from_bytes(data[18:26], "big")
    data[18:26] = (shape - 66150 + announced).to_bytes(8, "big")
    path.write_bytes(data)
    assert load(path).shape == (1, 66150)
    assert mnb.check(path).accepted[0].warnings


# -- headers that say more than there is -----------------------------------------------------------

CUT = ["WAV", "RF64", "W64", "AIFF", "AU", "CAF", "SVX", "WAVEX"]


@pytest.mark.parametrize("kind", CUT)
def test_half_of_a_file_is_refused(kind, take, tmp_path):
    path = tmp_path / "cut.wav"
    by_soundfile(path, take, 22050, kind, "PCM_16")
    path.write_bytes(path.read_bytes()[:60_000])
    (record,) = mnb.check(path).refused
    assert "truncated" in record.reason and "again" in record.remedy


@pytest.mark.parametrize("kind", ["AVR", "NIST", "PAF", "IRCAM", "MAT4", "MPC2K"])
def test_formats_that_do_not_tell_whether_they_are_complete_say_so(kind, take, tmp_path):
    path = tmp_path / "a.wav"
    by_soundfile(path, take, 22050, kind, "PCM_16")
    assert f"{kind} files don't tell" in mnb.check(path).accepted[0].warnings[0]


@pytest.mark.parametrize(
    ("suffix", "codec", "muxer"),
    [(".aac", "aac", {}), (".ac3", "ac3", {}), (".ts", "aac", {}), (".mka", "aac", {"live": "1"})],
)
def test_so_do_those_that_ffmpeg_reads(suffix, codec, muxer, tmp_path):
    path = tmp_path / f"a{suffix}"
    by_ffmpeg(path, tones(1.0), RATE, codec, muxer=muxer)
    (warning,) = mnb.check(path).accepted[0].warnings
    assert re.search(r"(don't|doesn't) tell whether", warning)


def test_a_fifth_of_a_second_is_missed(memo):
    with FFmpegDecoder(memo, Part(0, memo.stat().st_size)) as decoder:
        decoder.n_samples += RATE // 5
        with pytest.raises(UnreadableError, match=r"truncated: it ends after 3\.0"):
            list(decoder.blocks(10_000))


def test_damage_in_the_midst_is_placed_and_not_called_an_end(memo, tmp_path):
    path = tmp_path / "a.flac"
    by_soundfile(path, tones(4.0), RATE, "FLAC", "PCM_16")
    for damaged in (path, memo):
        content = bytearray(damaged.read_bytes())
        middle = len(content) // 2
        content[middle : middle + 3000] = bytes(3000)
        damaged.write_bytes(content)
    (record,) = mnb.check(path).refused
    assert re.search(r"it is damaged between 1\.49 and 2\.97 s", record.reason)
    assert "psf_" not in record.reason
    (record,) = mnb.check(memo).accepted
    assert "packets can't be decoded and are left out" in record.warnings[0]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", {"codec": "aac", "muxer": {"movflags": "faststart"}}),
        ("a.m4a", {"codec": "aac"}),
        ("a.m4a", {"codec": "alac"}),
        ("a.webm", {"codec": "libopus"}),
        ("a.mka", {"codec": "flac"}),
        ("a.wma", {"codec": "wmav2", "bit_rate": 128_000}),
        ("a.wv", {"codec": "wavpack"}),
    ],
)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_half_of_what_ffmpeg_reads_is_refused(name, options, share, tmp_path):
    path = tmp_path / name
    by_ffmpeg(path, tones(4.0, 48000), 48000, **options)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    (record,) = mnb.check(path).refused
    assert "truncated" in record.reason or "malformed" in record.reason


@pytest.mark.parametrize("rate", [1, 100, 3999])
def test_a_rate_that_no_recording_has_is_refused(rate, tmp_path):
    path = tmp_path / "a.wav"
    sf.write(path, tones(1.0)[0, :2000], rate)
    (record,) = mnb.check(path).refused
    assert f"says {rate} Hz; recordings of 4000 to 768000 Hz" in record.reason
    with pytest.raises(RefusedError, match=f"{rate} Hz"):
        load(path, 22050)
    assert load(path).shape == (1, 2000)  # as it is


# -- what only FFmpeg reads ------------------------------------------------------------------------


@pytest.fixture
def memo(tmp_path) -> Path:
    """A phone's voice memo."""
    path = tmp_path / "memo.m4a"
    by_ffmpeg(path, tones(3.0), RATE, "aac", bit_rate=128_000)
    return path


def test_every_way_in_reads_the_same_set_of_files(memo, tmp_path):
    y = load(memo)
    assert y.shape == (1, 3 * RATE)
    (record,) = mnb.check(memo.parent).accepted
    assert (record.decoder, record.format) == ("FFmpeg", "MOV AAC")
    corpus = build_corpus(memo, tmp_path / "c.h5", sample_rate=RATE)
    np.testing.assert_array_equal(corpus.signal, y)
    prompt = prompt_from_file(memo, RATE, prompt_seconds=1.0)
    np.testing.assert_array_equal(prompt.audio, y[:, :RATE])
    seen = open_sound(memo)
    assert (seen.sample_rate, seen.n_samples) == (RATE, 3 * RATE)
    np.testing.assert_array_equal(seen.read(1000, 2000), y[:, 1000:2000])
    assert seen.encode()[1] == "audio/flac"
    assert {".m4a", ".wma", ".mp4", ".wav"} <= set(ACCEPT.split(","))


def test_without_ffmpeg_a_memo_is_refused_with_the_remedy(memo, without_ffmpeg):
    (record,) = mnb.check(memo).refused
    assert ".m4a can only be read with FFmpeg" in record.reason
    assert "pip install 'mimikit_nb[formats]'" in record.remedy


def test_the_decoder_shows_in_the_report(memo, tone):
    sf.write(memo.with_name("a.wav"), tone, 22050)
    report = mnb.check(memo.parent)
    assert "Read by FFmpeg (1), libsndfile (1)." in str(report)
    assert "<td>FFmpeg</td>" in report._repr_html_()
    assert set(report.to_frame().decoder) == {"FFmpeg", "libsndfile"}
    old = {k: v for k, v in report.accepted[0].to_dict().items() if k != "decoder"}
    assert FileRecord.from_dict(old).decoder == ""


def test_a_video_without_sound_is_refused(tmp_path):
    import av

    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as file:
        picture = file.add_stream("mpeg4", rate=10)
        picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
        for _ in range(10):
            file.mux(picture.encode(av.VideoFrame(64, 64, "yuv420p")))
        file.mux(picture.encode(None))
    assert "there is no sound in it" in mnb.check(path).refused[0].reason


def test_a_playlist_leads_nowhere(tmp_path, take):
    """FFmpeg would open what it names, even elsewhere."""
    sf.write(tmp_path / "real.wav", take.T, 22050)
    path = tmp_path / "list.wav"
    path.write_text(f"#EXTM3U\n#EXTINF:3,\n{tmp_path}/real.wav\n#EXT-X-ENDLIST\n")
    assert "not a sound file" in mnb.check(path).refused[0].reason


def test_mp3_in_a_wav_is_read_or_named(tmp_path, monkeypatch):
    path = tmp_path / "a.wav"
    by_ffmpeg(path, tones(3.0), RATE, "libmp3lame")
    (record,) = mnb.check(path).accepted
    assert record.decoder == "FFmpeg" and 3.0 <= record.seconds < 3.05
    monkeypatch.setattr(decoders, "has_ffmpeg", lambda: False)
    (record,) = mnb.check(path.rename(tmp_path / "b.wav")).refused  # that isn't known yet
    assert "a WAV of MP3 (format tag 0x0055)" in record.reason


# -- an hour in bounded memory ---------------------------------------------------------------------


def test_what_ffmpeg_reads_comes_in_blocks_and_is_let_go(tmp_path):
    path = tmp_path / "a.m4a"
    by_ffmpeg(path, tones(20.0), RATE, "aac", times=3)
    tracemalloc.start()
    lengths = [y.shape[1] for y in blocks(path, block_samples=10_000)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(lengths) == 60 * RATE
    assert max(lengths) < 13_000
    assert peak < 2_000_000  # the whole would be 10 MB


# -- messages of libmpg123 -------------------------------------------------------------------------

READ_ALL = """
import os, sys, threading
from mimikit_nb.audio.containers import walk
from mimikit_nb.audio.decoders import FFmpegDecoder, UnreadableError
from mimikit_nb.audio.files import RefusedError, opened
stop = threading.Event()
def write():
    while not stop.wait(0.0005):
        os.write(2, b"Note: mine\\n")
other = threading.Thread(target=write)
other.start()
warnings = []
for path in sys.argv[1:]:
    try:
        with opened(path) as sound:
            for y in sound.blocks():
                pass
        warnings += sound.warnings
    except RefusedError as error:
        pass
stop.set()
other.join()
print(any("damaged" in warning for warning in warnings))
"""


def test_what_libmpg123_says_does_not_reach_the_terminal(mp3, tmp_path):
    rng, paths = np.random.default_rng(1), []
    content = np.frombuffer(mp3.read_bytes(), np.uint8)
    for number in range(12):
        damaged = content.copy()
        places = rng.integers(2000, len(damaged), 10 * (number + 1))
        damaged[places] = rng.integers(0, 256, len(places))
        paths.append(tmp_path / f"{number}.mp3")
        paths[-1].write_bytes(damaged.tobytes())
    done = subprocess.run(
        [sys.executable, "-c", READ_ALL, *map(str, paths)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "True"
    assert set(done.stderr.splitlines()) == {"Note: mine"}  # another thread's lines go through


CHILDREN = """
import subprocess, sys, threading
from mimikit_nb.audio.files import blocks
stop = threading.Event()
def decode():
    while not stop.is_set():
        for y in blocks(sys.argv[1]):
            if stop.is_set():
                break
other = threading.Thread(target=decode)
other.start()
say = "import sys, time; time.sleep(0.2); print('heard', file=sys.stderr)"
children = [subprocess.Popen([sys.executable, "-S", "-c", say]) for _ in range(12)]
for child in children:
    child.wait()
stop.set()
other.join()
"""


def test_processes_that_start_while_an_mp3_is_decoded_are_heard(mp3):
    command = [sys.executable, "-c", CHILDREN, str(mp3)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr.count("heard") == 12


def test_all_formats_of_the_table_can_be_trained_on(tmp_path):
    """The preflight and the corpus agree on every format."""
    (tmp_path / "in").mkdir()
    for number, name in enumerate(("M4A, ALAC", "Ogg FLAC", "WavPack", "FLAC, 16 bits")):
        suffix = {"M4A, ALAC": "m4a", "WavPack": "wv"}.get(name, "flac")
        WRITERS[name](tmp_path / "in" / f"{number}.{suffix}", tones(1.0), RATE)
    report = mnb.check(tmp_path / "in", RATE)
    corpus = build_corpus(tmp_path / "in", tmp_path / "c.h5", sample_rate=RATE)
    assert [r.path for r in report.accepted] == [r.path for r in corpus.report.accepted]
    for file in corpus.files:
        y = corpus.signal[:, file.start : file.stop]
        np.testing.assert_allclose(y, tones(1.0), atol=2**-14)
