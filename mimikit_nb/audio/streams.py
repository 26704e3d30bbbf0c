"""Streams of frames or pages: MP3, FLAC and Ogg, which can be joined by writing one after another.

libsndfile reads the first of joined streams, and an MP3 as far as its header or an estimate says.
What is counted here decides how a file is read. Main names: :func:`survey_mpeg`,
:func:`survey_flac`, :func:`survey_ogg`.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from .parts import Contents, Part, joined

Data = bytes | mmap.mmap

_FLAC_BEGINS = (b"\x00\x00\x00\x22", b"\x80\x00\x00\x22")
"Behind its mark, a FLAC stream begins with a description of 34 bytes."

_TAIL = 2**20
"Bytes at the end of a FLAC stream in which its last frame is looked for."

_MOST_TAIL = 2**14
"Bytes behind the last frame of an MP3 that may be a tag of any kind."

_KBPS = {
    (3, 3): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (3, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (3, 1): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 3): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 1): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"Bit rates by version (3: MPEG-1, 2: MPEG-2) and layer (3: I, 2: II, 1: III), as in ISO 11172-3."

_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
"Sample rates by version; 0 is MPEG-2.5."


@dataclass
class _Run:
    """Frames of one kind that follow each other.

    Attributes
    ----------
    start, stop : int
        Place in the file, in bytes.
    n_frames : int
        Number of them.
    is_clean : bool
        Whether there is nothing else between them, and the last one is complete.
    """

    start: int
    stop: int
    n_frames: int = 0
    is_clean: bool = True


def is_flac(file: BinaryIO) -> bool:
    """Whether a file is FLAC, perhaps behind a tag."""
    file.seek(0)
    head = file.read(10)
    file.seek(tag_size(head, 0) if head[:3] == b"ID3" else 0)
    return file.read(4) == b"fLaC"


def is_mpeg(file: BinaryIO) -> bool:
    """Whether a file begins with a frame that another one follows, behind a tag if there is one."""
    file.seek(0)
    head = file.read(2**13)
    if head[:3] == b"ID3":
        file.seek(tag_size(head, 0))
        head = file.read(2**13)
    return head[:1] == b"\xff" and _next_frame(head, 0) == 0


def survey_mpeg(file: BinaryIO, length: int) -> Contents:
    """Count the frames of an MP3 file (or of MPEG audio of another layer).

    Parameters
    ----------
    file : file
        Open for reading.
    length : int
        Its bytes.

    Returns
    -------
    Contents
        A part for each of the streams that were joined.
    """
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        runs = _runs(data)
        contents = joined([_of_run(data, run, is_last=run is runs[-1]) for run in runs])
    part = contents.parts[0]
    if len(contents.parts) == 1 and not part.head and runs[0].is_clean:
        part = Part(0, length, is_exact=part.is_exact)
        return Contents((part,), contents.warnings, contents.is_truncated)
    return contents


def _runs(data: mmap.mmap) -> list[_Run]:
    """Streams of frames; a new one begins where the kind changes or a header counts anew."""
    counting, runs = set(_counting(data)), list[_Run]()
    position, length, kind = 0, len(data), -1
    while position + 4 <= length:
        code = data[position + 1] << 8 | data[position + 2]
        size = _SIZES[code] if data[position] == 0xFF else 0
        if not size:
            position += tag_size(data, position)
            following = _next_frame(data, position)
            is_much = following < 0 and length - position > _MOST_TAIL
            if runs and (following > position or (is_much and any(data[position:length]))):
                runs[-1].is_clean = False
            if following < 0:
                break
            position = following
            continue
        found = code & 0x1E0C | (data[position + 3] >= 0xC0)  # version, layer, rate, mono
        if found != kind or position in counting:
            kind = found
            runs.append(_Run(position, position))
        run = runs[-1]
        run.n_frames += 1
        position += size
        run.stop = min(position, length)
    if position > length:
        runs[-1].is_clean = False
    return runs


def _of_run(data: mmap.mmap, run: _Run, is_last: bool) -> Contents:
    """Part of a file that holds these frames, with a header that counts what is there."""
    warnings = []
    if not run.is_clean:
        warnings.append("there is something else between its frames, or the last one is cut off")
    place = _place_of_count(data, run.start)
    flags = data[place + 7] if place else 0
    if not flags & 1:  # nothing counts the frames: libsndfile takes the first one for all
        return Contents((Part(run.start, run.stop, is_exact=False),), tuple(warnings))
    n_frames, n_bytes = run.n_frames - 1, run.stop - run.start
    announced, announced_bytes = struct.unpack(">II", data[place + 8 : place + 16])
    is_known = bool(flags & 2)
    is_short = announced > n_frames or not run.is_clean
    if is_short and is_last and is_known and n_bytes < announced_bytes:
        return Contents((Part(run.start, run.stop),), tuple(warnings), is_truncated=True)
    head = bytearray(data[run.start : place + 16])
    if announced != n_frames:
        warnings.append(
            f"its header counts {announced} frames, but there are {n_frames}; all of them are read"
        )
        struct.pack_into(">I", head, place + 8 - run.start, n_frames)
    if is_known and abs(n_bytes - announced_bytes) > announced_bytes // 128:
        struct.pack_into(">I", head, place + 12 - run.start, n_bytes)
    if head == data[run.start : place + 16]:
        return Contents((Part(run.start, run.stop, is_exact=run.is_clean),), tuple(warnings))
    part = Part(place + 16, run.stop, bytes(head), is_exact=run.is_clean)
    return Contents((part,), tuple(warnings))


def _frame_sizes() -> list[int]:
    """Bytes of a frame by the second and third byte of its header; 0 for no such header."""
    sizes = [0] * 2**16
    for code in range(0xE000, 2**16):
        version, layer, number = code >> 11 & 3, code >> 9 & 3, code >> 4 & 15
        rate_number, padding = code >> 2 & 3, code >> 1 & 1
        if version == 1 or layer == 0 or number in (0, 15) or rate_number == 3:
            continue
        bits = 1000 * _KBPS[3 if version == 3 else 2, layer][number - 1]
        rate = _RATES[version][rate_number]
        if layer == 3:
            sizes[code] = 4 * (12 * bits // rate + padding)
        else:
            slots = 72 if layer == 1 and version != 3 else 144
            sizes[code] = slots * bits // rate + padding
    return sizes


_SIZES = _frame_sizes()


def _next_frame(data: Data, position: int) -> int:
    """Where the next frame begins that a frame of its kind, or the end, follows; -1 for nowhere."""
    while 0 <= (position := data.find(b"\xff", position)) <= len(data) - 4:
        code = data[position + 1] << 8 | data[position + 2]
        following = position + _SIZES[code]
        if following > position:
            if following + 4 > len(data):
                return position
            next_code = data[following + 1] << 8 | data[following + 2]
            if data[following] == 0xFF and (code ^ next_code) & 0xFE0C == 0:
                return position
        position += 1
    return -1


def _counting(data: mmap.mmap) -> Iterator[int]:
    """Places where a frame may begin that counts the others (of Xing or LAME)."""
    for name in (b"Xing", b"Info"):
        for place in _places(data, name):
            yield from (place - offset for offset in (13, 21, 36))


def _place_of_count(data: mmap.mmap, start: int) -> int:
    """Where the count of frames stands in a frame; 0 if it has none."""
    is_mono, is_mpeg1 = data[start + 3] >= 0xC0, data[start + 1] & 0x08
    offset = (21 if is_mono else 36) if is_mpeg1 else (13 if is_mono else 21)
    place = start + offset
    is_there = data[place : place + 4] in (b"Xing", b"Info") and place + 16 <= len(data)
    return place if is_there else 0


def tag_size(data: Data, position: int) -> int:
    """Bytes of a tag (ID3, APE) that begins here; 0 if there is none."""
    head = bytes(data[position : position + 32])
    if head[:3] == b"ID3" and len(head) >= 10:
        size = 0
        for byte in head[6:10]:
            size = size << 7 | byte & 127
        return 10 + size + (10 if head[5] & 16 else 0)
    if head[:3] == b"TAG":
        return 128
    if head[:8] == b"APETAGEX" and len(head) == 32:
        return 32 + int.from_bytes(head[12:16], "little")
    return 0


def survey_flac(file: BinaryIO, length: int) -> Contents:
    """Look whether a FLAC file holds several streams, or more than its header says.

    Parameters
    ----------
    file : file
        Open for reading.
    length : int
        Its bytes.

    Returns
    -------
    Contents
        A part for each of the streams that were joined.
    """
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        marks = _places(data, b"fLaC")
        starts = [place for place in marks if data[place + 4 : place + 8] in _FLAC_BEGINS] or [0]
        found = [
            _of_flac(data, start, stop)
            for start, stop in zip(starts, [*starts[1:], length], strict=True)
        ]
    return joined(found)


def _of_flac(data: mmap.mmap, start: int, stop: int) -> Contents:
    """Part of a file that is a FLAC stream, with a header that says its true length."""
    part = Part(start, stop)
    if stop - start < 42:
        return Contents((part,))
    shape = int.from_bytes(data[start + 18 : start + 26], "big")
    announced = shape & (2**36 - 1)
    counted = _end_of_flac(data, start, stop)
    if counted <= announced or counted >= 2**36:
        return Contents((part,))
    mended = (shape - announced + counted).to_bytes(8, "big")
    part = Part(start + 26, stop, data[start : start + 18] + mended)
    if not announced:
        return Contents((part,), ("its header leaves the length open; read to the last frame",))
    said = f"its header counts {announced} samples, but there are {counted}; all of them are read"
    return Contents((part,), (said,))


def _end_of_flac(data: mmap.mmap, start: int, stop: int) -> int:
    """Samples up to the end of the last frame, by that frame's own header; 0 if none is found."""
    block = int.from_bytes(data[start + 8 : start + 10], "big")
    tail = data[max(start + 42, stop - _TAIL) : stop]
    place = len(tail)
    while (place := tail.rfind(b"\xff", 0, place)) >= 0:
        end = _end_of_frame(tail[place : place + 16], block)
        if end:
            return end
    return 0


def _end_of_frame(head: bytes, block: int) -> int:
    """Samples up to the end of a FLAC frame; 0 if this isn't a frame's header."""
    if len(head) < 6 or head[1] not in (0xF8, 0xF9) or head[3] & 1 or 0x80 <= head[4] < 0xC0:
        return 0
    size_code, rate_code = head[2] >> 4, head[2] & 15
    if size_code == 0 or rate_code == 15:
        return 0
    n_more = 0 if head[4] < 0x80 else 7 - (head[4] ^ 0xFF).bit_length()  # as in UTF-8
    number = head[4] & (0x7F if head[4] < 0x80 else 0x3F >> n_more)
    for byte in head[5 : 5 + n_more]:
        number = number << 6 | byte & 0x3F
    position = 5 + n_more
    n_size, n_rate = {6: 1, 7: 2}.get(size_code, 0), {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    if n_size:
        size = int.from_bytes(head[position : position + n_size], "big") + 1
    elif size_code < 6:
        size = 192 if size_code == 1 else 576 << size_code - 2
    else:
        size = 1 << size_code
    position += n_size + n_rate
    if len(head) <= position or _crc8(head[:position]) != head[position]:
        return 0
    return (number if head[1] & 1 else number * block) + size


def _crc8(data: bytes) -> int:
    """Check sum of FLAC's headers of frames."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ (0x07 if crc & 0x80 else 0)) & 0xFF
    return crc


def _places(data: mmap.mmap, mark: bytes) -> Iterator[int]:
    place = data.find(mark)
    while place >= 0:
        yield place
        place = data.find(mark, place + 1)


@dataclass
class _Chain:
    """Pages of an Ogg file that belong together: of one stream, or of several side by side."""

    start: int
    stop: int = 0
    is_ended: bool = False
    serials: set[bytes] = field(default_factory=set)

    def add(self, page: bytes, stop: int, is_whole: bool) -> None:
        """Take the next page."""
        self.serials.add(page[14:18])
        self.stop, self.is_ended = stop, bool(page[5] & 4) and is_whole

    def contents(self, is_last: bool) -> Contents:
        """Part of the file that these pages are."""
        part = Part(self.start, self.stop, is_exact=len(self.serials) == 1)
        said = () if self.is_ended or is_last else ("a part of it ends without being complete",)
        return Contents((part,), said, is_truncated=is_last and not self.is_ended)


def survey_ogg(file: BinaryIO, length: int) -> Contents:
    """Look whether an Ogg file holds several streams, and whether the last one is complete.

    Parameters
    ----------
    file : file
        Open for reading.
    length : int
        Its bytes.

    Returns
    -------
    Contents
        A part for each of the streams that were joined.
    """
    chains, position, was_first, n_odd = list[_Chain](), 0, False, 0
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        while position < length:
            page = data[position : position + 27 + 255]
            if page[:5] != b"OggS\0" or len(page) < 27:
                following = data.find(b"OggS\0", position + 1)
                n_odd += max(0, following - position)
                if following < 0:
                    break
                position = following
                continue
            is_first = bool(page[5] & 2)
            if not chains or (is_first and not was_first):
                chains.append(_Chain(position))
            was_first = is_first
            position += 27 + page[26] + sum(page[27 : 27 + page[26]])
            chains[-1].add(page, min(position, length), is_whole=position <= length)
    if not chains:
        return Contents((Part(0, length),), is_truncated=True)
    found = [chain.contents(is_last=chain is chains[-1]) for chain in chains]
    contents = joined(found)
    if n_odd:
        said = f"{n_odd} bytes between its pages are damaged; what they held is missing"
        return replace(contents, warnings=(*contents.warnings, said))
    return contents
