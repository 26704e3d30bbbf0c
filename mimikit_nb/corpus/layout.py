"""The corpus file: how its parts lie in HDF5, written and read here and nowhere else.

=====================  =========================================================================
``/signal``            float32 [C, N], contiguous and uncompressed: memory can be mapped onto it
``/files``             path, start, stop, sample_rate, channels, sha256
``/tracks/<name>``     kind ``labels``: start, stop, label; kind ``feature``: values, hop_length
``/report``            what the preflight said, as JSON
attributes             format, format_version, sample_rate, parameters (JSON), rights, hash
behind its end         a checksum of everything but the signal, see :mod:`.seal`
=====================  =========================================================================

The signal's bytes are written beside HDF5, into the space that HDF5 reserved: a full disk is
then an ordinary error and never a half-closed library.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..audio.find import READABLE, special_kind
from ..audio.locks import SHORT_WORK_SECONDS, held, lock_of
from ..audio.names import readable
from ..audio.report import Report
from ..audio.targets import FileKind, begins_with
from ..config import plain
from ..errors import CorpusError
from .seal import is_damaged, seal, unseal
from .tracks import FeatureTrack, LabelTrack, Track

FORMAT, FORMAT_VERSION = "mimikit_nb corpus", 1


CORPUS = FileKind("a corpus", begins_with(rb"\x89HDF\r\n\x1a\n.*" + FORMAT.encode(), 2**16))
"Of any version, whole or damaged: the format stands near the beginning of the file."


@dataclass(frozen=True)
class CorpusFile:
    """One recording in a corpus.

    Attributes
    ----------
    path : str
        Where it was read from.
    start, stop : int
        Its first sample in the corpus, and the first sample after it.
    sample_rate, channels : int
        As recorded.
    sha256 : str
        Digest of the file's bytes.
    """

    path: str
    start: int
    stop: int
    sample_rate: int
    channels: int
    sha256: str

    @property
    def name(self) -> str:
        """Name without the folder, as it is shown."""
        return readable(Path(self.path).name)


@dataclass(frozen=True)
class Header:
    """Everything a corpus file says about itself, besides signal and tracks.

    Attributes
    ----------
    sample_rate : int
        In Hz.
    shape : tuple of int
        Channels and samples of the signal.
    files : tuple of CorpusFile
        The recordings, in order.
    parameters : dict
        What the corpus was built with.
    rights : str
        Whose recordings these are and what may be done with them.
    report : Report
        What the preflight said.
    """

    sample_rate: int
    shape: tuple[int, int]
    files: tuple[CorpusFile, ...]
    parameters: dict[str, Any]
    rights: str
    report: Report

    @property
    def hash(self) -> str:
        """Digest of what the signal was made from; the same on every machine."""
        parts = [(f.sha256, f.start, f.stop) for f in self.files]
        text = json.dumps([FORMAT_VERSION, int(self.sample_rate), self.shape[0], parts])
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Identity:
    """Which corpus a file holds: that of these recordings, maybe with others added behind.

    Attributes
    ----------
    hash : str
        Of the recordings that were there when the corpus was opened.
    n_files : int
        How many those were.
    """

    hash: str
    n_files: int

    def check(self, path: Path, header: Header) -> None:
        """Raise a CorpusError if a file holds another corpus by now."""
        if replace(header, files=header.files[: self.n_files]).hash != self.hash:
            raise CorpusError(
                f"{path} was replaced by a corpus of other sounds since it was opened here. Open "
                "it again with open_corpus(path), and make anew what belongs to its sounds."
            )


_FILES = np.dtype(
    [
        ("path", h5py.string_dtype()),
        ("start", "<i8"),
        ("stop", "<i8"),
        ("sample_rate", "<i8"),
        ("channels", "<i8"),
        ("sha256", h5py.string_dtype()),
    ]
)


def create(path: Path, header: Header, tracks_from: Path | None = None) -> int:
    """Write a corpus file whose signal is reserved but not filled yet.

    Parameters
    ----------
    path : Path
        Temporary name of the file.
    header : Header
        What it shall say.
    tracks_from : Path, optional
        Corpus whose tracks are copied.

    Returns
    -------
    int
        Where in the file the signal begins, in bytes; row after row of ``<f4``.
    """
    with h5py.File(path, "w", libver=("earliest", "v110")) as file:
        file.attrs.update(
            format=FORMAT,
            format_version=FORMAT_VERSION,
            sample_rate=header.sample_rate,
            parameters=json.dumps(plain(header.parameters)),
            rights=header.rights,
            hash=header.hash,
        )
        reserve = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        reserve.set_layout(h5py.h5d.CONTIGUOUS)
        reserve.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        reserve.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        space = h5py.h5s.create_simple(header.shape)
        signal = h5py.h5d.create(file.id, b"signal", h5py.h5t.IEEE_F32LE, space, reserve)
        rows = [(_bytes(f.path), *list(asdict(f).values())[1:]) for f in header.files]
        file.create_dataset("files", data=np.array(rows, dtype=_FILES))
        file.create_dataset("report", data=json.dumps(plain(header.report.to_dict())))
        if tracks_from is None:
            file.create_group("tracks")
        else:
            with _opened(tracks_from) as source:
                source.copy("tracks", file)
        offset: int = signal.get_offset()
    seal(path, offset, 4 * math.prod(header.shape))
    return offset


def write_track(path: Path, name: str, track: Track | None) -> None:
    """Write a track into a closed corpus file that nobody else reads; None removes it."""
    unseal(path)
    with h5py.File(path, "r+") as file:
        offset, n_bytes = file["signal"].id.get_offset(), 4 * file["signal"].size
        _swap_track(file.require_group("tracks"), name, track)
    seal(path, offset, n_bytes)


def _swap_track(tracks: h5py.Group, name: str, track: Track | None) -> None:
    if name in tracks:
        del tracks[name]
    if track is None:
        return
    group = tracks.create_group(name)
    if isinstance(track, LabelTrack):
        group.attrs["kind"] = "labels"
        group.create_dataset("start", data=track.start)
        group.create_dataset("stop", data=track.stop)
        is_text = track.label.dtype.kind == "U"
        dtype = h5py.string_dtype() if is_text else np.int64
        group.create_dataset(
            "label", data=track.label.astype(object if is_text else np.int64), dtype=dtype
        )
    else:
        group.attrs.update(
            kind="feature",
            hop_length=track.hop_length,
            frame_length=track.frame_length,
            center=track.center,
        )
        group.create_dataset("values", data=track.values)


def read_header(path: Path) -> tuple[Header, int]:
    """Read everything but signal and tracks, and where in the file the signal begins."""
    with _opened(path) as file:
        signal = file["signal"]
        offset = signal.id.get_offset()
        if signal.dtype != np.dtype("<f4") or signal.ndim != 2 or signal.chunks or offset is None:
            raise CorpusError(
                f"{path}: the signal isn't contiguous float32 [C, N]. Build it again."
            )
        if offset + signal.size * 4 > os.path.getsize(path):
            raise CorpusError(_truncated(path))
        files = tuple(_read_files(file))
        report = Report.from_dict(json.loads(file["report"].asstr()[()]))
        parameters = json.loads(file.attrs["parameters"])
        rate, rights = int(file.attrs["sample_rate"]), str(file.attrs["rights"])
        header = Header(rate, signal.shape, files, parameters, rights, report)
    return header, offset


def read_track(path: Path, name: str, identity: Identity) -> Track:
    """Read a track of a corpus, if the file still holds that one."""
    with _opened(path) as file:
        _check_identity(path, file, identity)
        group = file["tracks"][name]
        if group.attrs["kind"] == "labels":
            label = group["label"]
            is_text = h5py.check_string_dtype(label.dtype) is not None
            values = label.asstr()[:].astype(np.str_) if is_text else label[:]
            return LabelTrack(group["start"][:], group["stop"][:], values)
        attributes = group.attrs
        return FeatureTrack(
            group["values"][:],
            int(attributes["hop_length"]),
            int(attributes["frame_length"]),
            bool(attributes["center"]),
        )


def track_names(path: Path, identity: Identity) -> list[str]:
    """Names of the tracks of a corpus, sorted, if the file still holds that one."""
    with _opened(path) as file:
        _check_identity(path, file, identity)
        return sorted(file["tracks"])


@contextlib.contextmanager
def writing(path: Path, patience_seconds: float = SHORT_WORK_SECONDS) -> Iterator[None]:
    """Hold a corpus while it is written, so that nobody's tracks or recordings are lost.

    Raises
    ------
    CorpusError
        If somebody holds it for longer than the patience; says who.
    """

    def refuse(owner: str) -> CorpusError:
        return CorpusError(
            f"{path} is being written right now by {owner}. Try again when that is done, or choose "
            "another name."
        )

    with held(lock_of(path), refuse, CorpusError, patience_seconds):
        yield


def _check_identity(path: Path, file: h5py.File, identity: Identity) -> None:
    if file.attrs.get("hash") == identity.hash:  # nothing was added either
        return
    rate, shape = int(file.attrs["sample_rate"]), file["signal"].shape
    report = Report([], rate, 0.0)
    identity.check(path, Header(rate, shape, tuple(_read_files(file)), {}, "", report))


def _read_files(file: h5py.File) -> Iterator[CorpusFile]:
    for path, start, stop, rate, channels, digest in file["files"][:]:
        yield CorpusFile(
            _text(path), int(start), int(stop), int(rate), int(channels), _text(digest)
        )


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[h5py.File]:
    """Open a corpus file for reading, or say in words why that isn't possible."""
    if kind := special_kind(path):
        raise CorpusError(f"{path} is a {kind}, not a corpus.")
    if path.is_dir():
        raise CorpusError(_is_source(path, "folder"))
    try:
        with open(path, "rb") as raw:
            is_hdf5 = raw.read(8) == b"\x89HDF\r\n\x1a\n"
    except FileNotFoundError as error:
        raise CorpusError(
            f"There is no corpus {path}. Build it with build_corpus(folder, path)."
        ) from error
    except OSError as error:
        raise CorpusError(f"{path} can't be read: {error.strerror}.") from error
    if not is_hdf5 and path.suffix.lower() in READABLE:
        raise CorpusError(_is_source(path, "sound file"))
    if not is_hdf5:
        raise CorpusError(
            f"{path} is not a corpus: it isn't an HDF5 file. "
            "Build one with build_corpus(folder, path)."
        )
    try:
        if is_damaged(path):
            raise CorpusError(f"{path} is damaged: its checksum differs. Copy or build it again.")
        # A corpus is never changed in place, so that readers need no locks.
        with h5py.File(path, "r", locking=False) as file:
            _check_format(path, file)
            yield file
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        is_cut = "truncated" in str(error)
        raise CorpusError(
            _truncated(path) if is_cut else f"{path} is damaged: {cause_of(error)}. Build it again."
        ) from error


def _check_format(path: Path, file: h5py.File) -> None:
    if file.attrs.get("format") != FORMAT:
        raise CorpusError(
            f"{path} is an HDF5 file of another program, not a corpus. "
            "Build one with build_corpus(folder, path)."
        )
    version = int(file.attrs.get("format_version", 0))
    if version > FORMAT_VERSION:
        raise CorpusError(
            f"{path} has corpus format {version}; this version of mimikit_nb reads up to "
            f"{FORMAT_VERSION}. Update mimikit_nb, or build the corpus again."
        )


def cause_of(error: Exception) -> str:
    """What went wrong in a line; HDF5 hides the system's own words in a long message."""
    message = str(getattr(error, "strerror", None) or error)
    hidden = re.search(r"error message = '([^']*)'", message)
    return hidden[1] if hidden else message.splitlines()[0]


def _is_source(path: Path, kind: str) -> str:
    built = path.with_suffix(".h5").name
    return (
        f"{path} is a {kind}, not a corpus. Build a corpus from it, and use that: "
        f"build_corpus({str(path)!r}, {built!r})."
    )


def _truncated(path: Path) -> str:
    return f"{path} is truncated: it was copied or downloaded only in part. Copy it again."


def _text(value: bytes | str) -> str:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def _bytes(path: str) -> bytes:
    """Path as HDF5 keeps it; on Linux it need not be UTF-8."""
    return path.encode("utf-8", "surrogateescape")
