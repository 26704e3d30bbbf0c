"""A file that is cut anywhere is refused, read with a warning, or whole; never silently short."""

import functools
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mimikit_nb.audio.containers import survey
from mimikit_nb.audio.files import RefusedError, opened
from mimikit_nb.audio.parts import Part, PartFile
from tests.audio.encode import WRITERS, by_ffmpeg, by_soundfile

RATE = 48000
N_SAMPLES = 20_000
CUT_OFF = {
    **{name: writer for name, writer in WRITERS.items() if name != "Windows Media"},
    "MP4 with its index in front": functools.partial(
        by_ffmpeg, codec="aac", container="mp4", muxer={"movflags": "faststart"}
    ),
    "fragmented MP4": functools.partial(
        by_ffmpeg, codec="aac", container="mp4", muxer={"movflags": "frag_keyframe+empty_moov"}
    ),
    "SVX": functools.partial(by_soundfile, kind="SVX", subtype="PCM_16"),
    "NIST": functools.partial(by_soundfile, kind="NIST", subtype="PCM_16"),
    "AVR": functools.partial(by_soundfile, kind="AVR", subtype="PCM_16"),
    "MAT4": functools.partial(by_soundfile, kind="MAT4", subtype="PCM_16"),
    "IRCAM": functools.partial(by_soundfile, kind="IRCAM", subtype="PCM_16"),
}
SUFFIXES = {
    **{"WebM": ".webm", "Matroska": ".mka", "M4A": ".m4a", "Windows": ".wma", "WavPack": ".wv"},
    **{"True Audio": ".tta", "sound of an MP4": ".mp4", "sound of a Quick": ".mov"},
    **{"sound of a WebM": ".webm", "sound of a Matroska": ".mkv", "WAV, G": ".wav"},
}


@functools.cache
def content_of(name: str) -> bytes:
    """Bytes of a file of this format."""
    suffix = next((s for start, s in SUFFIXES.items() if name.startswith(start)), ".bin")
    rate = 8000 if name == "WAV, G.726" else RATE
    y = 0.3 * np.sin(np.arange(N_SAMPLES) * 0.03)[None].astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"a{suffix}")
        CUT_OFF[name](path, y, rate)
        return path.read_bytes()


def read(path: Path) -> tuple[int, list[str]]:
    """Samples that are read, and what is said about them."""
    with opened(path) as sound:
        n_samples = sum(y.shape[1] for y in sound.blocks())
        return n_samples, sound.warnings


@pytest.mark.parametrize("name", CUT_OFF)
@settings(max_examples=25)
@given(share=st.floats(0, 1, exclude_max=True))
@example(share=0.001)
@example(share=0.3)
@example(share=0.9)
@example(share=0.99)
@example(share=0.9999)
@example(share=0.009765625)
@example(share=0.0078125)
@example(share=0.0014605780273173607)
@example(share=0.146484375)  # behind the index of a fragmented MP4
def test_a_file_that_is_cut_anywhere_is_never_silently_short(name, share, tmp_path_factory):
    content = content_of(name)
    path = tmp_path_factory.getbasetemp() / f"cut {len(content)}.bin"
    path.write_bytes(content)
    n_whole, _ = read(path)
    path.write_bytes(content[: int(share * len(content))])
    try:
        n_read, warnings = read(path)
    except RefusedError as refusal:
        assert refusal.reason and refusal.remedy
        return
    assert warnings or n_read == n_whole, f"{n_read} of {n_whole} samples"


@pytest.mark.parametrize("name", CUT_OFF)
def test_a_whole_file_is_one_part_without_remark(name, tmp_path):
    (tmp_path / "a").write_bytes(content_of(name))
    contents = survey(tmp_path / "a")
    assert len(contents.parts) == 1 and not contents.is_truncated and not contents.warnings


@pytest.mark.parametrize("n_samples", [1, 4095, 4096, 4097, 600_000])
@pytest.mark.parametrize("name", ["FLAC, 16 bits", "FLAC, 24 bits"])
def test_the_last_frame_of_a_flac_tells_its_length(name, n_samples, tmp_path):
    noise = np.random.default_rng(n_samples).uniform(-0.9, 0.9, (2, n_samples))
    CUT_OFF[name](tmp_path / "a.flac", noise, RATE)
    data = bytearray((tmp_path / "a.flac").read_bytes())
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    (tmp_path / "a.flac").write_bytes(data)
    n_read, warnings = read(tmp_path / "a.flac")
    assert n_read == n_samples and "length open" in warnings[0]


@given(
    head=st.binary(max_size=8),
    start=st.integers(0, 50),
    length=st.integers(0, 50),
    moves=st.lists(st.tuples(st.integers(0, 70), st.integers(0, 30)), max_size=8),
)
def test_a_part_reads_as_the_bytes_that_it_is(head, start, length, moves, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "part.bin"
    path.write_bytes(bytes(range(100)))
    expected = head + bytes(range(start, start + length))
    with PartFile(path, Part(start, start + length, head)) as file:
        assert file.read() == expected
        for place, size in moves:
            file.seek(place)
            found = b""
            while len(found) < size and (more := file.read(size - len(found))):
                found += more
            assert found == expected[place : place + size]


BEGINNINGS = (
    *(b"RIFF\0\0\0\0WAVEfmt ", b"RF64\xff\xff\xff\xffWAVEds64", b"FORM\0\0\0\0AIFF"),
    *(b"OggS\0\2", b"fLaC\0\0\0\x22", b"\xff\xfb\x90\xc4", b"ID3\3\0\0\0\0\0\0\xff\xfb\x90\xc4"),
    *(b".snd\0\0\0\x20", b"caff\0\1\0\0desc", b"\0\0\0\x18ftypM4A ", b"\x1a\x45\xdf\xa3"),
    *(content_of("Wave64")[:60], content_of("WebM, Opus")[:60], content_of("FLAC, 16 bits")[:60]),
)


@settings(max_examples=300)
@given(
    beginning=st.sampled_from(BEGINNINGS),
    rest=st.binary(max_size=300),
    times=st.integers(1, 40),
)
@example(beginning=b"fLaC\0\0\0\x22", rest=b"\xff\xf8\x00\x00\x80" + bytes(20), times=9)
def test_any_bytes_are_surveyed_and_read_or_refused(beginning, rest, times, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "any.bin"
    path.write_bytes(beginning + times * rest)
    contents = survey(path)
    assert contents.parts
    try:
        read(path)
    except RefusedError as refusal:
        assert refusal.reason and refusal.remedy


def test_a_file_is_surveyed_once_and_again_when_it_changed(tmp_path):
    path = tmp_path / "a.wav"
    for n in (100, 200, 300):
        by_soundfile(path, np.zeros((1, n)), 8000, "WAV", "PCM_16")
        assert survey(path).parts[0].stop == path.stat().st_size  # too fresh to be remembered
        os.utime(path, (1000, 1000 + n))
        assert survey(path) is survey(path)
