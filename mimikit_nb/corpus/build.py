"""Build a corpus from recordings, in bounded memory, atomically; add recordings later.

Sound files are decoded once: the preflight listens while the samples are resampled and stored.
Main names: :func:`build_corpus`, :func:`add_files`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..arguments import PathArg, Paths, Rate, Seconds, checked
from ..audio.atomic import folder_in_use, replacing
from ..audio.channels import SIDES, Channels, keep_channels, n_channels_of, to_channels
from ..audio.doctor import (
    WINDOW_SECONDS,
    check_window,
    digest_of,
    examine,
    refuse_folders,
    watched,
)
from ..audio.files import Resampler, info
from ..audio.find import READABLE, Found, find
from ..audio.locks import PATIENCE_SECONDS
from ..audio.report import KNOWN, FileRecord, Report
from ..audio.targets import check_target
from ..errors import CorpusError
from ..progress import Progress, Watch
from . import layout
from .layout import CorpusFile, Header
from .planes import Planes
from .store import Corpus, open_corpus

_COPY_SAMPLES = 2**20


@checked
def build_corpus(
    paths: Paths,
    path: PathArg,
    sample_rate: Rate = 22050,
    channels: Channels = None,
    overwrite: bool = False,
    reuse: bool = False,
    window_seconds: Seconds = WINDOW_SECONDS,
    rights: str = "",
    progress: Watch | None = None,
) -> Corpus:
    """Build a corpus: one file with all recordings at one rate, ready to train on.

    Every sound file is accepted or refused with the reason in words, see ``corpus.report``.
    Sounds are resampled at high quality and otherwise kept as they are: nothing is normalised,
    trimmed or cut. A crash leaves the corpus that was there before, or the new one.

    Parameters
    ----------
    paths : path or iterable of paths
        Files, folders (searched to any depth) or patterns.
    path : path
        Where the corpus shall be, usually ``something.h5``.
    sample_rate : int in [1000, 384000], default 22050
        Rate of the corpus, in Hz.
    channels : int in [1, 64], "left" or "right", optional
        Number of channels, or the side of stereo recordings that is kept. If None, it is kept as
        recorded; where recordings differ the corpus is stereo, mono recordings go to both sides,
        and others are mixed to mono first. A recording whose channels cancel each other in the
        mix is refused if nothing is left of it.
    overwrite : bool, default False
        Whether an existing corpus may be replaced, with its tracks.
    reuse : bool, default False
        Whether an existing corpus is returned if it was built from the same sounds with the same
        settings, so that a notebook can be run again from the top.
    window_seconds : float > 0, default 0.1
        Length of a training window; shorter files are refused.
    rights : str, default ""
        Whose recordings these are and what may be done with them; goes with every checkpoint.
    progress : Progress or callable, optional
        Told how far it is; a function is called with it, and what it raises ends the work.

    Returns
    -------
    Corpus
        Opened; its ``.report`` says what became of every file.

    Raises
    ------
    AudioError
        If a path doesn't exist.
    CorpusError
        If no file can be used, the corpus exists, or it can't be written.

    Examples
    --------
    >>> recordings = mnb.demo_recordings("recordings")
    >>> mine = mnb.build_corpus(recordings, "mine.h5", rights="my own recordings")
    >>> mine.sample_rate, round(mine.duration_seconds)
    (22050, 50)
    """
    check_window(sample_rate, window_seconds)
    n_asked = n_channels_of(channels)
    target, found = Path(path).absolute(), find(paths)
    settings = {"sample_rate": sample_rate, "channels": channels, "window_seconds": window_seconds}
    if reuse and os.path.lexists(target):
        return _reused(target, found, settings, rights)
    _check_target(target, found, overwrite)
    n_planes = n_asked or _n_channels(_recorded_channels(found.files))
    with (
        _in_words(target),
        folder_in_use(target.parent),
        layout.writing(target, PATIENCE_SECONDS),
        Planes(target.parent, n_planes) as planes,
    ):
        kept = channels if isinstance(channels, str) else n_planes
        ingest = _Ingest(planes, sample_rate, n_planes, window_seconds, kept)
        ingest.records += refuse_folders(found)
        ingest.read(found.files, Progress.of(progress))
        report = Report(ingest.records, sample_rate, window_seconds, dict(found.ignored))
        if not ingest.files:
            raise CorpusError(
                f"No corpus was built, for want of sounds that can be used.\n{report}"
            )
        shape = (ingest.n_channels(asked=n_asked), planes.n_samples)
        parameters = {**settings, "n_sources": [len(ingest.records)]}
        header = Header(sample_rate, shape, tuple(ingest.files), parameters, rights, report)
        _check_target(target, found, overwrite)
        _save(target, header, planes)
    return open_corpus(target)


@checked
def add_files(path: PathArg, paths: Paths, progress: Watch | None = None) -> Corpus:
    """Add recordings to a corpus.

    The corpus is replaced by a longer one at once, when that is complete. What it holds is
    copied, not decoded again, and its tracks are kept: positions stay what they were. Files
    whose content is in the corpus already are left out, and the report says so: this can be run
    again.

    Parameters
    ----------
    path : path
        The corpus.
    paths : path or iterable of paths
        Files, folders or patterns to add.
    progress : Progress or callable, optional
        Told how far it is; a function is called with it, and what it raises ends the work.

    Returns
    -------
    Corpus
        Opened; its ``.report`` speaks of the added files only (``open_corpus`` gives all).

    Raises
    ------
    AudioError
        If a path doesn't exist.
    CorpusError
        If there is no corpus, none of the files can be used or is known, or it can't be written.
        The corpus is then as it was.

    Examples
    --------
    >>> mine = mnb.choose_corpus(mnb.demo_recordings("recordings"), "longer.h5")
    >>> mine = mnb.add_files("longer.h5", made.save("new"))
    >>> len(mine.files)
    3
    """
    path, found = Path(path), find(paths)
    open_corpus(path)  # says what is wrong before anything is made
    with _in_words(path), layout.writing(path, PATIENCE_SECONDS):
        return _add(open_corpus(path), found, Progress.of(progress))


def _add(corpus: Corpus, found: Found, progress: Progress) -> Corpus:
    """Add recordings to a corpus that is held."""
    window_seconds = float(corpus.parameters.get("window_seconds", WINDOW_SECONDS))
    present = {file.sha256: file.path for file in corpus.files}
    is_new = {file: digest_of(file) not in present for file in found.files}
    known = [_already_there(file, present) for file in found.files if not is_new[file]]
    fresh = [file for file in found.files if is_new[file]]
    ignored = dict(found.ignored)
    added = [*known, *refuse_folders(found)]
    if fresh or not known:
        with Planes(corpus.path.parent, corpus.n_channels) as planes:
            asked = corpus.parameters.get("channels")
            kept = asked if asked in SIDES else corpus.n_channels
            ingest = _Ingest(planes, corpus.sample_rate, corpus.n_channels, window_seconds, kept)
            for start in range(0, corpus.n_samples, _COPY_SAMPLES):
                planes.append(corpus.signal[:, start : start + _COPY_SAMPLES])
            ingest.read(fresh, progress)
            added += ingest.records
            if not ingest.files and not known:
                report = Report(added, corpus.sample_rate, window_seconds, ignored)
                raise CorpusError(f"Nothing was added to {corpus.path}.\n{report}")
            if ingest.files:
                _save(corpus.path, _longer(corpus, ingest), planes, tracks_from=corpus.path)
        corpus = open_corpus(corpus.path)
    corpus.report = Report(added, corpus.sample_rate, window_seconds, ignored)
    return corpus


class _Ingest:
    """Reads files into planes and keeps the books."""

    def __init__(
        self,
        planes: Planes,
        sample_rate: int,
        channels: int,
        window_seconds: float,
        kept: Channels,
    ) -> None:
        self.planes, self.sample_rate, self.channels = planes, sample_rate, channels
        self.window_seconds, self.kept = window_seconds, kept
        self.files: list[CorpusFile] = []
        self.records: list[FileRecord] = []

    def read(self, paths: Sequence[Path], progress: Progress) -> None:
        """Decode, judge, resample and store files one after the other."""
        for path, part in watched(paths, progress):
            start = self.planes.n_samples
            resampled = _Resampled(self)
            record = examine(
                path,
                self.sample_rate,
                self.window_seconds,
                resampled.write,
                part,
                self.kept,
            )
            if record.is_accepted:
                resampled.finish()
                record = self._with_warnings(record)
                self.files.append(
                    CorpusFile(
                        str(path),
                        start,
                        self.planes.n_samples,
                        record.sample_rate,
                        record.channels,
                        record.sha256,
                    )
                )
            else:
                self.planes.cut(start)
            self.records.append(record)

    def n_channels(self, asked: int | None) -> int:
        """Channels to keep: one if only refused files were stereo and nothing was asked for."""
        is_stereo_in_vain = self.channels == 2 and 2 not in {file.channels for file in self.files}
        return 1 if asked is None and is_stereo_in_vain else self.channels

    def _with_warnings(self, record: FileRecord) -> FileRecord:
        """Record with what happens to this file among the others."""
        warnings = list(record.warnings)
        if isinstance(self.kept, str):
            if record.channels > 1:
                warnings.append(f"only its {self.kept} side is kept")
        elif record.channels not in (1, self.channels):
            warnings.append(f"its {record.channels} channels are mixed to mono")
        twin = next((f.path for f in self.files if f.sha256 == record.sha256), None)
        if twin:
            warnings.append(f"the same sound as {twin}")
        return replace(record, warnings=tuple(warnings))


class _Resampled:
    """Resamples one file on its way into the planes."""

    def __init__(self, ingest: _Ingest) -> None:
        self._ingest = ingest
        self._resample: Resampler | None = None
        self._channels = ingest.channels

    def write(self, y: np.ndarray, from_rate: int) -> None:
        """Take the next block at the file's own rate."""
        if isinstance(self._ingest.kept, str):
            y = keep_channels(y, self._ingest.kept)
        if self._resample is None:
            self._channels = y.shape[0] if y.shape[0] == self._ingest.channels else 1
            self._resample = Resampler(from_rate, self._ingest.sample_rate, self._channels)
        self._store(self._resample(to_channels(y, self._channels)))

    def finish(self) -> None:
        """Take what the resampler still holds."""
        if self._resample is not None:
            self._store(self._resample(np.zeros((self._channels, 0), np.float32), last=True))

    def _store(self, y: np.ndarray) -> None:
        self._ingest.planes.append(to_channels(y, self._ingest.channels))


def _save(target: Path, header: Header, planes: Planes, tracks_from: Path | None = None) -> None:
    """Write the corpus under a temporary name, then put it in its place."""
    with replacing(target) as temporary:
        offset = layout.create(temporary, header, tracks_from)
        planes.pour(temporary, offset, header.shape[0])


def _longer(corpus: Corpus, ingest: _Ingest) -> Header:
    """Header of a corpus after files were added to it."""
    old = corpus.report
    n_sources = [*corpus.parameters.get("n_sources", [len(old.records)]), len(ingest.records)]
    return Header(
        corpus.sample_rate,
        (corpus.n_channels, ingest.planes.n_samples),
        (*corpus.files, *ingest.files),
        {**corpus.parameters, "n_sources": n_sources},
        corpus.rights,
        replace(old, records=[*old.records, *ingest.records]),
    )


def _reused(target: Path, found: Found, settings: dict[str, Any], rights: str) -> Corpus:
    """Return the corpus that is there if it is what would be built; else say what differs."""
    corpus = open_corpus(target)
    there = {**corpus.parameters, "rights": corpus.rights}
    differences = [
        f"{name} is {there.get(name)!r}, not {value!r}"
        for name, value in {**settings, "rights": rights}.items()
        if there.get(name) != value
    ]
    digests = [record.sha256 for record in corpus.report.records]
    n_first = corpus.parameters.get("n_sources", [len(digests)])[0]
    wanted = ["" for _ in found.unreadable] + [digest_of(file) for file in found.files]
    if wanted not in (digests, digests[:n_first]):
        differences.append("it was built from other sounds")
    if differences:
        raise CorpusError(
            f"{target} exists and differs from what you ask for: {'; '.join(differences)}. "
            "Choose another name, or pass overwrite=True to replace it."
        )
    return corpus


def _already_there(path: Path, present: dict[str, str]) -> FileRecord:
    digest = digest_of(path)
    return FileRecord(
        path,
        f"{KNOWN}, as {present[digest]}",
        "There is nothing to do.",
        sha256=digest,
    )


def _recorded_channels(paths: Sequence[Path]) -> set[int]:
    """Numbers of channels that the headers announce."""
    counts = set[int]()
    for path in paths:
        with contextlib.suppress(Exception):  # its turn to be refused comes when it is read
            counts.add(info(path).channels)
    return counts


def _n_channels(counts: set[int]) -> int:
    """Channels of a corpus of recordings with these numbers of channels."""
    if len(counts) == 1:
        return next(iter(counts))
    return 2 if 2 in counts else 1


def _check_target(target: Path, found: Found, overwrite: bool) -> None:
    """Refuse the name of a sound file, and a place where something is that stays."""
    check_target(
        target,
        layout.CORPUS,
        overwrite,
        inputs=found.files,
        remedy="Choose another name, or pass overwrite=True to replace it or reuse=True to go on "
        "with it if it holds the same sounds.",
        error=CorpusError,
    )
    if target.suffix.lower() in READABLE:
        raise CorpusError(
            f"{target} is named like a sound file; a corpus isn't one. Choose a name that ends in "
            f".h5, such as {target.with_suffix('.h5').name}."
        )


@contextlib.contextmanager
def _in_words(target: Path) -> Iterator[None]:
    """Turn the system's complaints about the target into ours."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise CorpusError(
            f"{target} can't be written: {layout.cause_of(error)}. Check the "
            "folder and the space left (a corpus needs twice its size for a moment)."
        ) from error
