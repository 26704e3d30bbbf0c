"""The README's table of formats: every row is written, read and compared."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from mimikit_nb.audio.files import RefusedError, info, load
from mimikit_nb.audio.find import NEEDS_FFMPEG, READABLE, find
from tests.audio.encode import WRITERS

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (.+) \| ([. \w]+) \| (libsndfile|FFmpeg) \| -(\d+) dB \|$", README, re.M)
N_SAMPLES = 43 * 2048  # whole frames: Windows Media has no others


def _sound(rate: int, channels: int) -> np.ndarray:
    time = np.arange(N_SAMPLES) / rate
    swelling = 0.3 * np.sin(440 * np.pi * time) * (0.6 + 0.4 * np.sin(4 * np.pi * time))
    high = 0.1 * np.sin(2460 * np.pi * time)
    return np.stack([swelling + high, 0.3 * np.sin(660 * np.pi * time)])[:channels]


def test_the_table_has_a_row_for_every_writer():
    assert [name for name, *_ in ROWS] == list(WRITERS)


@pytest.mark.parametrize(("name", "extensions", "decoder", "limit"), ROWS)
def test_what_was_written_is_read(name, extensions, decoder, limit, tmp_path):
    rate = 8000 if name == "WAV, G.726" else 48000 if "Opus" in name else 44100
    y = _sound(rate, 1 if name == "WAV, G.726" else 2)
    suffixes = extensions.split()
    path = tmp_path / f"a{suffixes[0]}"
    WRITERS[name](path, y, rate)
    found, z = info(path), load(path)
    assert (found.decoder, found.sample_rate, found.channels) == (decoder, rate, len(y))
    assert found.warnings == ()
    assert abs(z.shape[1] - N_SAMPLES) <= rate // 1000
    n = min(z.shape[1], N_SAMPLES)
    error, power = np.mean((z[:, :n] - y[:, :n]) ** 2), np.mean(y**2)
    assert 10 * np.log10(error / power + 1e-30) < -int(limit)
    for suffix in suffixes[1:]:
        path = path.rename(path.with_suffix(suffix))
        np.testing.assert_array_equal(load(path), z)


def test_all_extensions_of_the_table_are_found(tmp_path):
    named = {suffix for _, extensions, *_ in ROWS for suffix in extensions.split()}
    assert named <= READABLE and NEEDS_FFMPEG <= READABLE
    for suffix in named:
        (tmp_path / f"a{suffix}").touch()
    (tmp_path / "a.txt").touch()
    assert {path.suffix for path in find(tmp_path).files} == named


@pytest.mark.parametrize(
    ("name", "bits"), [("M4A, ALAC", 16), ("CAF, ALAC", 24), ("Ogg FLAC", 16), ("M4A, AAC", None)]
)
def test_bit_depth_is_that_of_the_file(name, bits, tmp_path):
    suffix = next(extensions.split()[0] for row, extensions, *_ in ROWS if row == name)
    WRITERS[name](tmp_path / f"a{suffix}", _sound(44100, 2), 44100)
    assert info(tmp_path / f"a{suffix}").bit_depth == bits


def _crc(page: bytes) -> int:
    """Checksum of an Ogg page (RFC 3533): polynomial 0x04c11db7, not reflected."""
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc & 0x80000000 else 0)) & 0xFFFFFFFF
    return crc


def _positions(data: bytes) -> list[int]:
    """Position of the last sample that ends in each Ogg page."""
    starts = (match.start() for match in re.finditer(b"OggS\0", data))
    return [int.from_bytes(data[i + 6 : i + 14], "little", signed=True) for i in starts]


def _begun_earlier(data: bytes, n: int) -> bytes:
    """Ogg pages whose positions are ``n`` samples less."""
    pages, starts = [], [*(match.start() for match in re.finditer(b"OggS\0", data)), len(data)]
    for start, stop in itertools.pairwise(starts):
        page = bytearray(data[start:stop])
        position = int.from_bytes(page[6:14], "little", signed=True)
        if position > 0:
            page[6:14] = (position - n).to_bytes(8, "little", signed=True)
        page[22:26] = bytes(4)
        page[22:26] = _crc(bytes(page)).to_bytes(4, "little")
        pages.append(bytes(page))
    return b"".join(pages)


def test_vorbis_that_begins_before_zero_is_whole(tmp_path):
    """As some editors write it: its length counts samples that no decoder gives."""
    path, y = tmp_path / "a.ogg", _sound(44100, 2)
    WRITERS["Ogg Vorbis"](path, y, 44100)
    pages = path.read_bytes()
    first = next(position for position in _positions(pages) if position > 0)
    path.write_bytes(_begun_earlier(pages, first + 104))
    z = load(path)
    assert 0 < N_SAMPLES - z.shape[1] <= first + 104
    assert info(path).warnings == ()
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(RefusedError, match="truncated"):
        load(path)
