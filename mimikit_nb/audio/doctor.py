"""Preflight: say of every file, before anything else is done, whether it can be trained on.

The corpus builder asks the same doctor (:func:`examine`) while it reads, so that what ``check``
promises is what a build does. Main names: :func:`check`, :func:`examine`.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..arguments import Paths, Rate, Seconds, checked
from ..errors import AudioError, ParameterError
from ..progress import Progress, Watch
from ..units import check_rate, seconds_to_samples
from .channels import MOST_LOSS_DB, ChannelMeter, Channels, n_channels_of
from .files import OpenSound, RefusedError, SoundInfo, opened, refuse_odd_rate
from .find import Found, find, special_kind
from .known import Known, state_of
from .meters import FULL_SCALE, LevelMeter, Levels, to_db
from .report import FileRecord, Report

WINDOW_SECONDS = 0.1
"Shortest training window in use: 2048 samples at 22050 Hz are a little less."

SILENT_SWING = 1e-4
"A file that never leaves its offset by more (-80 dB full scale) is silent."

KEEP_ALL = "Keep both sides (channels=2), or one of them (channels='left' or 'right')."


@checked
def check(
    paths: Paths,
    sample_rate: Rate = 22050,
    window_seconds: Seconds = WINDOW_SECONDS,
    progress: Watch | None = None,
    channels: Channels = None,
) -> Report:
    """Check recordings before building a corpus of them.

    Every sound file is read to its end and accepted or refused with the reason in words: not
    audio, malformed, truncated, empty, shorter than one training window, silent, not finite,
    not readable. Nothing is changed or written.

    Parameters
    ----------
    paths : path or iterable of paths
        Files, folders (searched to any depth) or patterns.
    sample_rate : int > 0, default 22050
        Rate of the corpus to be, in Hz.
    window_seconds : float > 0, default 0.1
        Length of a training window; shorter files can't be used.
    progress : Progress or callable, optional
        Told how far it is; a function is called with it, and what it raises ends the work.
    channels : int in [1, 64], "left" or "right", optional
        What the corpus shall keep of the channels, as for ``build_corpus``. If None, recordings
        are judged with all of them, and named if their channels would cancel each other as mono.

    Returns
    -------
    Report
        ``.accepted`` and ``.refused`` list records with ``.path`` and ``.reason``;
        ``.to_frame()`` gives a table, ``print`` a text.

    Raises
    ------
    AudioError
        If a path doesn't exist.

    Examples
    --------
    >>> report = mnb.check(mnb.demo_recordings("recordings"))
    >>> [record.path.name for record in report.refused]
    ['no_sound.wav', 'too_short.wav']
    """
    check_window(sample_rate, window_seconds)
    n_channels_of(channels)
    found = find(paths)
    records = refuse_folders(found)
    for path, part in watched(found.files, Progress.of(progress)):
        records.append(examine(path, sample_rate, window_seconds, None, part, channels=channels))
    return Report(records, sample_rate, window_seconds, dict(found.ignored))


def examine(
    path: Path,
    sample_rate: int,
    window_seconds: float,
    on_block: Callable[[np.ndarray, int], None] | None = None,
    progress: Progress | None = None,
    channels: Channels = None,
) -> FileRecord:
    """Read one file to its end and judge it.

    Whatever goes wrong while it is read is a refusal of this file. What is measured is kept as
    long as the file stays as it is, so that it needn't be decoded again to be judged again.

    Parameters
    ----------
    path : Path
        The file.
    sample_rate : int > 0
        Rate of the corpus to be, in Hz.
    window_seconds : float > 0
        Length of a training window.
    on_block : callable, optional
        Gets every decoded block ``[C, n]`` and the file's own rate, before the verdict.
    progress : Progress, optional
        Told how far it is.
    channels : int, "left" or "right", optional
        What is kept of its channels: only that can be trained on.

    Returns
    -------
    FileRecord
        Accepted or refused, and everything that was measured.
    """
    state = state_of(path)
    known = _MEASURED.get(state)
    if known is not None and known.kept.channels != _compared(known.info, channels):
        known = None
    if known is None or on_block is not None:
        try:
            known = _read(path, channels, known, on_block, progress or Progress())
        except RefusedError as refusal:
            return FileRecord(path, refusal.reason, refusal.remedy, sha256=digest_of(path))
        _MEASURED.put(state, known)
    return _judge(known, path, sample_rate, window_seconds, channels)


@dataclass(frozen=True)
class _Measured:
    """What was measured of a file, whatever it is for."""

    info: SoundInfo
    levels: Levels
    kept: ChannelMeter


_MEASURED: Known[_Measured] = Known()
_DIGESTS: Known[str] = Known()


def _read(
    path: Path,
    channels: Channels,
    known: _Measured | None,
    on_block: Callable[[np.ndarray, int], None] | None,
    progress: Progress,
) -> _Measured:
    """Read a file to its end, and measure it if that wasn't done before."""
    with contextlib.ExitStack() as stack:
        with _refusing(path):
            sound = stack.enter_context(opened(path))
        found, n_read = sound.info, 0
        refuse_odd_rate(found)
        meter = LevelMeter(found.sample_rate, found.channels)
        kept = ChannelMeter(_compared(found, channels))
        for y in _read_blocks(sound):
            if known is None:
                meter.update(y)
                if len(y) > 1:
                    kept.update(y)
            if on_block is not None:
                on_block(y, found.sample_rate)
            n_read += y.shape[1]
            progress.tell(n_read, max(1, found.n_samples))
    found = replace(found, warnings=tuple(sound.warnings))
    return known or _Measured(found, meter.levels(), kept)


def check_window(sample_rate: int, window_seconds: float) -> None:
    """Raise a ParameterError if these can't be the settings of a corpus."""
    check_rate(sample_rate)
    if window_seconds <= 0:
        raise ParameterError(f"window_seconds is {window_seconds}; it must be positive.")


def refuse_folders(found: Found) -> list[FileRecord]:
    """Records of the folders that could not be looked into."""
    remedy = "Change its permissions or copy it elsewhere."
    return [
        FileRecord(path, f"the folder can't be read ({why})", remedy)
        for path, why in found.unreadable.items()
    ]


def watched(files: Sequence[Path], progress: Progress) -> Iterator[tuple[Path, Progress]]:
    """Go through files, each with its part of the progress: the larger, the longer."""
    sizes = [max(1, _size(path)) for path in files]
    total, done = sum(sizes), 0
    for path, size in zip(files, sizes, strict=True):
        part = progress.part(done / total, (done + size) / total, path.name)
        part.tell(0.0)
        yield path, part
        part.tell(1.0)
        done += size


def digest_of(path: Path) -> str:
    """SHA-256 of a file's bytes; empty if it can't be read."""
    if special_kind(path):
        return ""
    state = state_of(path)
    known = _DIGESTS.get(state)
    if known is not None:
        return known
    try:
        with open(path, "rb") as file:
            return _DIGESTS.put(state, hashlib.file_digest(file, "sha256").hexdigest())
    except OSError:
        return ""


def _read_blocks(sound: OpenSound) -> Iterator[np.ndarray]:
    with _refusing(sound.info.path):
        yield from sound.blocks()


@contextlib.contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Turn what nobody expected of a file into its refusal, so that the others are read."""
    try:
        yield
    except AudioError:
        raise
    except Exception as error:
        raise RefusedError(
            path,
            f"it can't be read ({type(error).__name__}: {error})",
            "Open it in an audio editor and save it anew.",
        ) from error


def _loses_channels(found: SoundInfo, channels: Channels) -> bool:
    """Whether not all channels of a file are kept."""
    return found.channels > 1 and channels not in (None, found.channels)


def _compared(found: SoundInfo, channels: Channels) -> Channels:
    """What all channels of a file are compared with: what is kept of them, or their mix."""
    return channels if _loses_channels(found, channels) else 1


def _judge(
    measured: _Measured,
    path: Path,
    sample_rate: int,
    window_seconds: float,
    channels: Channels,
) -> FileRecord:
    found, levels, kept = measured.info, measured.levels, measured.kept
    n_samples = round(levels.n_samples * sample_rate / found.sample_rate)
    window = max(1, seconds_to_samples(window_seconds, sample_rate))
    reason, remedy = _verdict(levels, levels.n_samples / found.sample_rate, n_samples, window)
    if not reason and _loses_channels(found, channels) and kept.swing < SILENT_SWING:
        reason, remedy = _refuse_loss(kept), KEEP_ALL
    return FileRecord(
        path=path,
        reason=reason,
        remedy=remedy,
        warnings=() if reason else (*found.warnings, *_warnings(levels), *_warn_of_loss(kept)),
        seconds=levels.n_samples / found.sample_rate,
        sample_rate=found.sample_rate,
        channels=found.channels,
        bit_depth=found.bit_depth,
        format=f"{found.format} {found.subtype}",
        decoder=found.decoder,
        silence_share=levels.silence_share,
        n_clipped=levels.n_clipped,
        dc=levels.dc,
        peak_dbfs=levels.peak_dbfs,
        lufs=levels.lufs,
        n_windows=0 if reason else n_samples // window,
        sha256=digest_of(path),
    )


def _verdict(levels: Levels, seconds: float, n_samples: int, window: int) -> tuple[str, str]:
    """Reason and remedy of a refusal; empty for a file that can be used."""
    if not levels.n_samples:
        return "it contains no samples", "Record, export or download it again."
    if levels.n_nonfinite:
        return (
            f"{levels.n_nonfinite} of its samples are NaN or infinite",
            "Export it again from the program that made it.",
        )
    if n_samples < window:
        return (
            f"it lasts {seconds:.3f} s ({n_samples} samples), "
            f"shorter than one training window of {window} samples",
            "Join it with others or choose a shorter window.",
        )
    if levels.swing < SILENT_SWING:
        return (
            f"it is silent: it never exceeds {to_db(max(levels.swing, 1e-10)):.0f} dB full scale",
            "Record it louder, or leave it out.",
        )
    return "", ""


def _warnings(levels: Levels) -> Iterator[str]:
    """What is worth knowing about a file that can be used."""
    if levels.n_clipped:
        yield f"{levels.n_clipped} clipped sample{'s' * (levels.n_clipped != 1)}"
    if levels.peak > 2 - FULL_SCALE:
        yield f"peaks {levels.peak_dbfs:.1f} dB beyond full scale, where some features clip"
    if abs(levels.dc) > 0.01:
        yield f"offset (DC) of {levels.dc:+.3f}"
    if levels.peak < 0.01:
        yield f"very quiet: peaks at {levels.peak_dbfs:.0f} dB full scale"
    if levels.silence_share > 0.5:
        yield f"{levels.silence_share:.0%} of it is silence"


def _refuse_loss(kept: ChannelMeter) -> str:
    if isinstance(kept.channels, str):
        return f"its {kept.channels} side is silent"
    return "it is silent as mono: its channels hold the same with opposite signs and cancel"


def _warn_of_loss(kept: ChannelMeter) -> Iterator[str]:
    """What mixing, or leaving a side out, costs, if it is much."""
    loss = kept.loss_db
    if loss < MOST_LOSS_DB:
        return
    if isinstance(kept.channels, str):
        yield f"its {kept.channels} side is {loss:.0f} dB quieter than the mean of its channels"
    elif math.isinf(loss):
        yield f"its channels cancel each other: nothing of it is left as mono. {KEEP_ALL}"
    else:
        yield f"its channels cancel each other: as mono it loses {loss:.0f} dB. {KEEP_ALL}"


def _size(path: Path) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0
