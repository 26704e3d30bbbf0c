"""What the containers of sound files say about themselves: chunks, and whether all of it is there.

libsndfile reads a file that was cut off (a broken download, a full disk) without complaint and
returns what is left, and it believes a header that says 0. :func:`survey` looks before anything
is decoded. The same walk over the chunks of a WAV finds the text that :mod:`.recall` writes.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .parts import Contents, Part, joined
from .streams import is_flac, is_mpeg, survey_flac, survey_mpeg, survey_ogg

OPEN_ENDED = 0x7FFFF000
"Sizes from here on are written by programs that stream and don't know the length."

MOST_EXCESS = 64
"Bytes that a header may announce too many, by careless writers, without being refused."

_RIFF = (b"RIFF", b"RF64", b"BW64", b"RIFX")
_BIG_ENDIAN = (b"FORM", b"RIFX")
_W64 = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
_SAMPLES = (b"data", b"SSND", b"BODY")
_ASF = b"\x30\x26\xb2\x75"
_ASF_PROPERTIES = b"\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65"

_READ_BY_LIBSNDFILE = {1, 2, 3, 6, 7, 0x11, 0x31, 0xFFFE}
_ENCODINGS = {
    **{0x0014: "G.723 ADPCM", 0x0040: "G.721 ADPCM", 0x0045: "G.726 ADPCM", 0x0050: "MPEG audio"},
    **{0x0055: "MP3", 0x0064: "G.726 ADPCM", 0x0065: "G.722 ADPCM", 0x00FF: "AAC"},
    **{0x0160: "WMA", 0x0161: "WMA", 0x0162: "WMA", 0x2000: "AC-3", 0x2001: "DTS"},
    **{0x0020: "Yamaha ADPCM", 0x0069: "Xbox ADPCM", 0x566F: "Vorbis", 0xF1AC: "FLAC"},
}
"WAVE format tags; libsndfile reads some of these, but only guesses the length."


@dataclass(frozen=True)
class Chunk:
    """A chunk of a RIFF or AIFF file: its name, and where its content lies, in bytes."""

    name: bytes
    start: int
    size: int


@dataclass(frozen=True)
class _Sound:
    """What a container says about its samples.

    Attributes
    ----------
    start : int
        Where they begin, in bytes.
    size : int or None
        Their bytes; None where the header leaves it open.
    fields : tuple
        Where the header says it: position, format of :mod:`struct`, and what is added to the size.
    n_behind : int
        Bytes behind them that are no chunks.
    """

    start: int
    size: int | None
    fields: tuple[tuple[int, str, int], ...]
    n_behind: int = 0


def walk(file: BinaryIO, start: int = 0) -> Iterator[Chunk]:
    """Go through the top-level chunks of a WAV (RIFF, RF64) or AIFF file; none for others."""
    head = _read(file, start, 12)
    if head[:4] not in (*_RIFF, b"FORM") or len(head) < 12:
        return
    order = ">" if head[:4] in _BIG_ENDIAN else "<"
    position, data_size = start + 12, None
    while True:
        header = _read(file, position, 8)
        if len(header) < 8:
            return
        name, size = struct.unpack(f"{order}4sI", header)
        if name == b"ds64":
            data_size = int.from_bytes(_read(file, position + 16, 8), "little")
        if name == b"data" and data_size is not None and size == 0xFFFFFFFF:
            size = data_size
        yield Chunk(name, position + 8, size)
        if not any(name):  # space that was never written
            return
        position += 8 + size + size % 2


def survey(path: Path) -> Contents:
    """Look which sounds a file holds, whether all of them is there, and what is odd.

    Parameters
    ----------
    path : Path
        A file of any kind.

    Returns
    -------
    Contents
        The whole file as one part, if nothing is known about its kind.
    """
    with open(path, "rb") as file:
        length = file.seek(0, os.SEEK_END)
        file.seek(0)
        head = file.read(40)
        if head[:4] in (*_RIFF, b"FORM") and len(head) >= 12:
            return _survey_chunks(file, length)
        sound = _w64(file) or _au(file, length) or _caf(file)
        if sound is not None:
            return _one(file, 0, length, sound)
        if head[:4] == b"OggS":
            return survey_ogg(file, length)
        if is_flac(file):
            return survey_flac(file, length)
        if is_mpeg(file):
            return survey_mpeg(file, length)
        if head[:3] == b"ID3" or head[:1] == b"\xff":  # libsndfile would take it for MP3
            return Contents((Part(0, length, is_exact=False),))
        is_cut = _is_cut_mp4(file, length) or _is_cut_matroska(file, length)
        return Contents((Part(0, length),), is_truncated=is_cut or _is_cut_asf(file, length))


def _survey_chunks(file: BinaryIO, length: int) -> Contents:
    """WAV and AIFF files, perhaps several that were joined; other files of chunks (AVI)."""
    chunks = list(walk(file))
    is_next = [c.name in _RIFF and _read(file, c.start, 4) == b"WAVE" for c in chunks]
    starts = [0, *(c.start - 8 for c, is_wave in zip(chunks, is_next, strict=True) if is_wave)]
    found = []
    for start, stop in zip(starts, [*starts[1:], length], strict=True):
        own = [c for c in walk(file, start) if c.start <= stop]
        sound = _of_chunks(file, own, start, stop)
        if sound is not None:
            found.append(_one(file, start, stop, sound, _encoding(file, own)))
    if not found:
        order = ">" if _read(file, 0, 4) in _BIG_ENDIAN else "<"
        announced = struct.unpack(f"{order}I", _read(file, 4, 4))[0]
        end = max([12, *(c.start + c.size for c in chunks if any(c.name))])  # of what was written
        is_cut = max(end, 8 + announced % OPEN_ENDED) > length + MOST_EXCESS
        return Contents((Part(0, min(end, length)),), is_truncated=is_cut)
    return joined(found)


def _one(file: BinaryIO, start: int, stop: int, sound: _Sound, encoding: str = "") -> Contents:
    """Contents of one sound file, whose header may not fit what is there."""
    n_there, is_exact = stop - sound.start, not encoding
    n_missing = (sound.size or 0) - n_there
    part, said = Part(start, stop, is_exact=is_exact), ""
    if 0 < n_missing <= MOST_EXCESS:
        said = f"its header announces {n_missing} bytes more than there are"
    elif not sound.size and n_there > 0:
        said = "its header says that it holds 0 bytes, as where a recorder lost power"
        if sound.size is None:
            said = "its header leaves the length open, as where a program wrote it to a pipe"
        part = Part(sound.start, stop, _mended(file, start, sound, n_there), is_exact)
    return Contents(
        (part,),
        (f"{said}; read to the end of the file",) if said else (),
        is_truncated=n_missing > MOST_EXCESS,
        left_out=sound.n_behind / sound.size if sound.size else 0.0,
        encoding=encoding,
    )


def _mended(file: BinaryIO, start: int, sound: _Sound, size: int) -> bytes:
    """Header up to the samples, with their true number of bytes in it."""
    head = bytearray(_read(file, start, sound.start - start))
    for position, kind, more in sound.fields:
        most = 2 ** (8 * struct.calcsize(kind)) - 1
        struct.pack_into(kind, head, position - start, min(size + more, most))
    return bytes(head)


def _of_chunks(file: BinaryIO, chunks: list[Chunk], start: int, stop: int) -> _Sound | None:
    """Samples of a WAV or AIFF file; None if there are none."""
    number = next((i for i, c in enumerate(chunks) if c.name in _SAMPLES), None)
    if number is None:
        return None
    chunk, n_before = chunks[number], chunks[number].start - start
    order = ">" if _read(file, start, 4) in _BIG_ENDIAN else "<"
    fields = [(start + 4, f"{order}I", n_before - 8), (chunk.start - 4, f"{order}I", 0)]
    for wide in (c for c in chunks if c.name == b"ds64"):
        fields = [(wide.start, "<Q", n_before - 8), (wide.start + 8, "<Q", 0)]
    is_open = OPEN_ENDED <= chunk.size <= 0xFFFFFFFF and stop - start < chunk.size // 2
    n_behind = stop - chunk.start - chunk.size
    if n_behind <= MOST_EXCESS or all(map(_is_chunk, chunks[number + 1 :])):
        n_behind = 0
    if chunk.size == 0 and not n_behind:
        return _Sound(stop, 0, ())  # it is empty indeed
    return _Sound(chunk.start, None if is_open else chunk.size, tuple(fields), n_behind)


def _is_chunk(chunk: Chunk) -> bool:
    """Whether what stands between the samples and the end of a file looks like a chunk."""
    return chunk.name.isascii() and chunk.name.decode().isprintable()


def _encoding(file: BinaryIO, chunks: list[Chunk]) -> str:
    """Name of the encoding of a WAV, where libsndfile doesn't read it or guesses its length."""
    for chunk in chunks:
        if chunk.name == b"fmt " and chunk.size >= 14:
            tag = int.from_bytes(_read(file, chunk.start, 2), "little")
            if tag not in _READ_BY_LIBSNDFILE:
                return f"{_ENCODINGS.get(tag, 'an unknown encoding')} (format tag 0x{tag:04x})"
    return ""


def _w64(file: BinaryIO) -> _Sound | None:
    """Samples of a Wave64 file: chunks of 24 bytes of name and size, at multiples of 8."""
    if _read(file, 0, 16) != _W64:
        return None
    position = 40
    while len(header := _read(file, position, 24)) == 24 and any(header[:16]):
        size = struct.unpack("<Q", header[16:])[0]
        if header[:4] == b"data":
            fields = ((16, "<Q", position + 24), (position + 16, "<Q", 24))
            return _Sound(position + 24, max(0, size - 24), fields)
        position += max(24, size + -size % 8)
    return None


def _au(file: BinaryIO, length: int) -> _Sound | None:
    """Samples of a Sun or NeXT file, in either order of bytes."""
    head = _read(file, 0, 12)
    order = {b".snd": ">", b"dns.": "<"}.get(head[:4])
    if order is None or len(head) < 12:
        return None
    start, size = struct.unpack(f"{order}II", head[4:])
    n_behind = max(0, length - start - size) if size else 0
    is_open = size == 0xFFFFFFFF
    return _Sound(start, None if is_open else size, ((8, f"{order}I", 0),), n_behind)


def _caf(file: BinaryIO) -> _Sound | None:
    """Samples of an Apple Core Audio file, whose last chunk may be of size -1."""
    if _read(file, 0, 4) != b"caff":
        return None
    position = 8
    while len(header := _read(file, position, 12)) == 12 and any(header[:4]):
        name, size = struct.unpack(">4sq", header)
        if name == b"data":
            fields = ((position + 4, ">q", 0),)
            return _Sound(position + 12, None if size == -1 else max(0, size), fields)
        position += 12 + max(0, size)
    return None


def _is_cut_mp4(file: BinaryIO, length: int) -> bool:
    """Whether a box of an MP4 or QuickTime file ends behind the file, or its index is missing."""
    if _read(file, 4, 4) not in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return False
    position, names = 0, set()
    while position + 8 <= length:
        size, name = struct.unpack(">I4s", _read(file, position, 8))
        if size == 1:
            size = int.from_bytes(_read(file, position + 8, 8), "big")
        names.add(name)
        if size == 0:
            break
        position += max(8, size)
    return position > length or b"moov" not in names


def _is_cut_matroska(file: BinaryIO, length: int) -> bool:
    """Whether the segment of a Matroska or WebM file is longer than the file."""
    if _read(file, 0, 4) != b"\x1a\x45\xdf\xa3":
        return False
    size, n_bytes = _ebml_size(_read(file, 4, 8))
    position = 4 + n_bytes + size
    if _read(file, position, 4) != b"\x18\x53\x80\x67":
        return True
    size, n_bytes = _ebml_size(_read(file, position + 4, 8))
    is_known = size != 2 ** (7 * n_bytes) - 1
    return is_known and position + 4 + n_bytes + size > length


def _ebml_size(data: bytes) -> tuple[int, int]:
    """Size that an EBML element announces, and the number of bytes that say it."""
    n_bytes = 9 - data[0].bit_length() if data and data[0] else 1
    return int.from_bytes(data[:n_bytes], "big") & (2 ** (7 * n_bytes) - 1), n_bytes


def _is_cut_asf(file: BinaryIO, length: int) -> bool:
    """Whether a Windows Media file is shorter than its properties say."""
    head = _read(file, 0, 2**16)
    place = head.find(_ASF_PROPERTIES)
    return (
        head[:4] == _ASF
        and place > 0
        and length < int.from_bytes(head[place + 40 : place + 48], "little")
    )


def _read(file: BinaryIO, start: int, size: int) -> bytes:
    """Read some bytes; fewer or none where a damaged header leads behind the end."""
    try:
        file.seek(start)
    except (OSError, ValueError, OverflowError):  # farther than any file can reach
        return b""
    return file.read(size)
