"""A file that is cut anywhere is refused, read with a warning, or whole; never silently short."""

import functools
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
