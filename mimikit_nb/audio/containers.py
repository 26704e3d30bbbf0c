"""What the containers of sound files say about themselves: chunks, and whether all of it is there.

libsndfile reads a file that was cut off (a broken download, a full disk) without complaint and
returns what is left, and it believes a header that says 0. :func:`survey` looks before anything
is decoded. The same walk over the chunks of a WAV finds the text that :mod:`.recall` writes.
"""

from __future__ import annotations

import functools
import itertools
import os
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from .parts import Contents, Part, joined
from .streams import is_flac, is_mpeg, survey_flac, survey_mpeg, survey_ogg, tag_size

OPEN_ENDED = 0x7FFFF000
"Sizes from here on are written by programs that stream and don't know the length."

MOST_EXCESS = 64
"Bytes that a header may announce too many, by careless writers, without being refused."

_RIFF = (b"RIFF", b"RF64", b"BW64", b"RIFX")
_BIG_ENDIAN = (b"FORM", b"RIFX")
_W64 = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
_FORMS = (b"AIFF", b"AIFC", b"8SVX", b"16SV")
_SAMPLES = (b"data", b"SSND", b"BODY")
_AU = {b".snd": ">", b"dns.": "<"}
_ASF = b"\x30\x26\xb2\x75"
_ASF_PROPERTIES = b"\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65"

_Fields = tuple[tuple[int, str, int], ...]
"Places in a header that say a size, see :class:`_Sound`."

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
    """A chunk of a file: its name, where it begins, and where its content lies, in bytes.

    The size is negative where the header leaves it open.
    """

    name: bytes
    place: int
    start: int
    size: int

    @property
    def stop(self) -> int:
        """Where its content ends."""
        return self.start + max(0, self.size)


@dataclass(frozen=True)
class _Layout:
    """How the chunks of a kind of file lie in it.

    Attributes
    ----------
    first : int
        Bytes before the first one.
    header : str
        Its name and size, as a format of :mod:`struct`.
    excess : int
        What the size counts besides the content.
    unit : int
        Sizes are filled up to a multiple of this.
    """

    first: int
    header: str
    excess: int = 0
    unit: int = 1


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
        Bytes behind them that aren't chunks.
    """

    start: int
    size: int | None
    fields: _Fields
    n_behind: int = 0


def walk(file: BinaryIO, start: int = 0) -> Iterator[Chunk]:
    """Go through the top-level chunks of a WAV, RF64, AIFF, Wave64 or CAF file; none for others."""
    layout = _layout(file, start)
    if layout is None:
        return
    position, data_size, n_bytes = start + layout.first, None, struct.calcsize(layout.header)
    while len(header := _read(file, position, n_bytes)) == n_bytes:
        name, size = struct.unpack(layout.header, header)
        if name == b"ds64":
            data_size = int.from_bytes(_read(file, position + 16, 8), "little")
        if name == b"data" and data_size is not None and size == 0xFFFFFFFF:
            size = data_size
        chunk = Chunk(name, position, position + n_bytes, size - layout.excess)
        yield chunk
        if not any(name) or chunk.size < 0:  # space that was never written; the rest of the file
            return
        position = chunk.stop + -chunk.size % layout.unit


def _layout(file: BinaryIO, start: int) -> _Layout | None:
    """Layout of the chunks of a file that begins here; None if it has none."""
    head = _read(file, start, 16)
    if head[:4] in (*_RIFF, b"FORM") and len(head) >= 12:
        return _Layout(12, ">4sI" if head[:4] in _BIG_ENDIAN else "<4sI", unit=2)
    if head == _W64:
        return _Layout(40, "<16sQ", excess=24, unit=8)
    return _Layout(8, ">4sq") if head[:4] == b"caff" else None


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
    status = os.stat(path)
    if time.time_ns() - status.st_mtime_ns < _SETTLED_NS:
        return _survey(path)
    return _survey_once(path, (status.st_ino, status.st_size, status.st_mtime_ns))


_SETTLED_NS = 2 * 10**9
"Age from which on a change of a file shows in its time."


@functools.lru_cache(2**14)
def _survey_once(path: Path, version: tuple[int, int, int]) -> Contents:
    """What a file holds; a build asks twice, for its channels and for its sound."""
    return _survey(path)


def _survey(path: Path) -> Contents:
    with open(path, "rb") as file:
        length = file.seek(0, os.SEEK_END)
        found = list(_sounds(file, _behind_tag(file), length))
        if found:
            return joined(found)
        head = _read(file, 0, 40)
        if head[:4] in (*_RIFF, b"FORM") and len(head) >= 12:
            return _without_samples(file, length)
        if head[:4] == b"OggS":
            return survey_ogg(file, length)
        if is_flac(file):
            return survey_flac(file, length)
        if is_mpeg(file):
            return survey_mpeg(file, length)
        if head[:3] == b"ID3" or head[:1] == b"\xff":  # libsndfile would take it for MP3
            return Contents((Part(0, length, is_exact=False),))
        for look in (_mp4, _matroska, _true_audio):
            if found := list(look(file, length)):
                return joined(found)
        return Contents((Part(0, length),), is_truncated=_is_cut_asf(file, length))


def _behind_tag(file: BinaryIO) -> int:
    """Where a file begins that says its length itself, in bytes: behind a tag if there is one."""
    n_bytes = tag_size(_read(file, 0, 32), 0)
    return n_bytes if _is_sound(file, n_bytes) else 0


def _is_sound(file: BinaryIO, place: int) -> bool:
    """Whether a file of one of those kinds begins here that say their length themselves."""
    head = _read(file, place, 16)
    return (
        (head[:4] in _RIFF and head[8:12] == b"WAVE")
        or (head[:4] == b"FORM" and head[8:12] in _FORMS)
        or head[:4] in (b"caff", *_AU)
        or head == _W64
    )


def _sounds(file: BinaryIO, start: int, length: int) -> Iterator[Contents]:
    """Contents of the files that say their length themselves and follow each other from here on."""
    while start < length and _is_sound(file, start):
        borders = [  # not all programs fill up odd sizes
            place for c in walk(file, start) for place in (c.place, c.stop, c.stop + 1)
        ]
        sound = _au(file, start)
        if sound is not None and sound.size:
            borders.append(sound.start + sound.size)
        stop = next((b for b in borders if start < b < length and _is_sound(file, b)), length)
        if sound is None:
            yield from _of_chunks(file, start, stop)
        else:
            n_behind = max(0, stop - sound.start - sound.size) if sound.size else 0
            yield _one(file, start, stop, replace(sound, n_behind=n_behind))
        start = stop


def _of_chunks(file: BinaryIO, start: int, stop: int) -> Iterator[Contents]:
    """Contents of a file of chunks; nothing if it holds no samples."""
    chunks = [chunk for chunk in walk(file, start) if chunk.place < stop]
    samples = [chunk for chunk in chunks if chunk.name[:4] in _SAMPLES]
    if not samples:
        return
    fields = _fields(file, chunks, samples[0], start)
    found = [_of_samples(file, chunks, chunk, fields, start, stop) for chunk in samples]
    one = _one(file, start, stop, found[-1], _encoding(file, chunks))
    if len(samples) == 1:
        yield one
        return
    first = samples[0].start
    heads = [_mended(file, start, first, fields, min(c.stop, stop) - c.start) for c in samples]
    parts = [
        Part(chunk.start, min(chunk.stop, stop), head, is_exact=one.parts[0].is_exact)
        for chunk, head in zip(samples, heads, strict=True)
        if chunk.size
    ]
    said = f"its samples lie in {len(samples)} places; all of them are read"
    yield replace(one, parts=tuple(parts), warnings=(said, *one.warnings))


def _without_samples(file: BinaryIO, length: int) -> Contents:
    """Contents of a file of chunks that is no sound file (AVI), or a damaged one."""
    order = ">" if _read(file, 0, 4) in _BIG_ENDIAN else "<"
    announced = struct.unpack(f"{order}I", _read(file, 4, 4))[0]
    end = max([12, *(c.stop for c in walk(file) if any(c.name))])  # of what was written
    is_cut = max(end, 8 + announced % OPEN_ENDED) > length + MOST_EXCESS
    return Contents((Part(0, min(end, length)),), is_truncated=is_cut)


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
        part = Part(
            sound.start, stop, _mended(file, start, sound.start, sound.fields, n_there), is_exact
        )
    return Contents(
        (part,),
        (f"{said}; read to the end of the file",) if said else (),
        is_truncated=n_missing > MOST_EXCESS,
        left_out=sound.n_behind / sound.size if sound.size else 0.0,
        encoding=encoding,
    )


def _mended(file: BinaryIO, start: int, stop: int, fields: _Fields, size: int) -> bytes:
    """Header up to the samples, with their true number of bytes in it."""
    head = bytearray(_read(file, start, stop - start))
    for position, kind, more in fields:
        most = 2 ** (8 * struct.calcsize(kind)) - 1
        struct.pack_into(kind, head, position - start, min(size + more, most))
    return bytes(head)


def _fields(file: BinaryIO, chunks: list[Chunk], chunk: Chunk, start: int) -> _Fields:
    """Where a file of chunks says the size of its samples."""
    n_before, head = chunk.start - start, _read(file, start, 4)
    if head == b"caff":
        return ((chunk.start - 8, ">q", 0),)
    if head == b"riff":
        return ((start + 16, "<Q", n_before), (chunk.start - 8, "<Q", 24))
    for wide in (c for c in chunks if c.name == b"ds64"):
        return ((wide.start, "<Q", n_before - 8), (wide.start + 8, "<Q", 0))
    order = ">" if head in _BIG_ENDIAN else "<"
    return ((start + 4, f"{order}I", n_before - 8), (chunk.start - 4, f"{order}I", 0))


def _of_samples(
    file: BinaryIO, chunks: list[Chunk], chunk: Chunk, fields: _Fields, start: int, stop: int
) -> _Sound:
    """What a file of chunks says about the samples in one of them."""
    layout = _layout(file, start)
    is_open = chunk.size < 0
    if layout is not None and layout.header.endswith("I"):
        is_streamed = OPEN_ENDED <= chunk.size <= 0xFFFFFFFF
        is_open = is_streamed and stop - start < chunk.size // 2
    n_behind = stop - chunk.stop
    behind = chunks[chunks.index(chunk) + 1 :]
    if n_behind <= MOST_EXCESS or all(_is_chunk(c, stop) for c in behind):
        n_behind = 0
    if chunk.size == 0 and not n_behind:
        return _Sound(stop, 0, ())  # it is empty indeed
    return _Sound(chunk.start, None if is_open else chunk.size, fields, n_behind)


def _is_chunk(chunk: Chunk, stop: int) -> bool:
    """Whether what stands between the samples and the end of a file looks like a chunk."""
    is_named = len(chunk.name) == 16 or (chunk.name.isascii() and chunk.name.decode().isprintable())
    return is_named and chunk.stop <= stop + MOST_EXCESS


def _encoding(file: BinaryIO, chunks: list[Chunk]) -> str:
    """Name of the encoding of a WAV, where libsndfile doesn't read it or guesses its length."""
    for chunk in chunks:
        if chunk.name == b"fmt " and chunk.size >= 14:
            tag = int.from_bytes(_read(file, chunk.start, 2), "little")
            if tag not in _READ_BY_LIBSNDFILE:
                return f"{_ENCODINGS.get(tag, 'an unknown encoding')} (format tag 0x{tag:04x})"
    return ""


def _au(file: BinaryIO, start: int) -> _Sound | None:
    """Samples of a Sun or NeXT file, in either order of bytes."""
    head = _read(file, start, 12)
    order = _AU.get(head[:4])
    if order is None or len(head) < 12:
        return None
    n_before, size = struct.unpack(f"{order}II", head[4:])
    is_open = size == 0xFFFFFFFF
    return _Sound(start + n_before, None if is_open else size, ((start + 8, f"{order}I", 0),))


def _mp4(file: BinaryIO, length: int) -> Iterator[Contents]:
    """Contents of an MP4 or QuickTime file; of several, if they were joined."""
    if _read(file, 4, 4) not in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return
    if _read(file, length - 128, 3) == b"TAG":
        length -= 128
    boxes = list(_boxes(file, length))
    starts = [0, *(box.place for box in boxes[1:] if box.name == b"ftyp")]
    for start, stop in itertools.pairwise([*starts, length]):
        own = [box for box in boxes if start <= box.place < stop]
        n_indexes = sum(box.name == b"moov" for box in own)
        has_sound = any(box.name == b"mdat" for box in own)
        said = (f"it has {n_indexes} indexes; only one is read",) if n_indexes > 1 else ()
        is_cut = own[-1].stop > stop or not n_indexes or not has_sound
        yield Contents((Part(start, stop),), said, is_truncated=is_cut)


def _boxes(file: BinaryIO, length: int) -> Iterator[Chunk]:
    """Go through the boxes of an MP4 file."""
    position = 0
    while position + 8 <= length:
        size, name = struct.unpack(">I4s", _read(file, position, 8))
        if size == 1:
            size = int.from_bytes(_read(file, position + 8, 8), "big")
        size = max(8, size) if size else length - position
        yield Chunk(name, position, position + 8, size - 8)
        position += size


def _matroska(file: BinaryIO, length: int) -> Iterator[Contents]:
    """Contents of a Matroska or WebM file; of several, if they were joined."""
    start = 0
    while start < length and _read(file, start, 4) == b"\x1a\x45\xdf\xa3":
        size, n_bytes = _ebml_size(_read(file, start + 4, 8))
        segment = start + 4 + n_bytes + size
        is_there = _read(file, segment, 4) == b"\x18\x53\x80\x67"
        size, n_bytes = _ebml_size(_read(file, segment + 4, 8))
        is_known = is_there and size != 2 ** (7 * n_bytes) - 1
        stop = segment + 4 + n_bytes + size if is_known else length
        if _read(file, stop, 4) != b"\x1a\x45\xdf\xa3":
            is_cut, stop = stop > length or not is_there, length
            said = () if is_known else ("it doesn't tell whether it is complete",)
            yield Contents((Part(start, length),), said, is_truncated=is_cut)
        else:
            yield Contents((Part(start, stop),))
        start = stop


def _true_audio(file: BinaryIO, length: int) -> Iterator[Contents]:
    """Contents of a True Audio file; of several, if they were joined."""
    start = 0
    while start < length and _read(file, start, 4) == b"TTA1":
        head = _read(file, start, 22)
        if len(head) < 22:
            return
        rate, n_samples = struct.unpack("<II", head[10:18])
        n_frames = -(-n_samples // max(1, 256 * rate // 245))
        table = _read(file, start + 22, 4 * min(n_frames, length // 4))
        sizes = struct.unpack(f"<{len(table) // 4}I", table[: len(table) // 4 * 4])
        stop = start + 22 + len(table) + 4 + sum(sizes)
        stop += tag_size(_read(file, stop, 32), 0)
        is_next = _read(file, stop, 4) == b"TTA1"
        yield Contents((Part(start, stop if is_next else length),), is_truncated=stop > length)
        start = stop if is_next else length


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
