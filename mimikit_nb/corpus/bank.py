"""An output bank: generated sounds in one HDF5 file, one data set per sound, each able to grow.

=====================  =========================================================================
``/<name>``            float32 [C, N], in pieces of about a second; ``sound_001`` and so on
its attributes         sample_rate, recall (JSON)
attributes             format, format_version
=====================  =========================================================================

It is written in HDF5's single-writer mode: while it grows, and after the writer was killed, it
can be read up to the last :meth:`OutputBank.sync`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..audio.atomic import replacing
from ..audio.locks import hold_for, lock_of
from ..config import plain
from ..errors import CorpusError
from ..paths import as_path
from .layout import cause_of

FORMAT, FORMAT_VERSION = "mimikit_nb output bank", 1
_COPIED_SAMPLES = 2**20


class OutputBank:
    """Append to several sounds of a bank.

    Parameters
    ----------
    path : path
        A bank, or a file that doesn't exist.
    sample_rate : int > 0
        In Hz.
    channels : int > 0
        Of each sound.
    recall : sequence of mapping
        Recall data: a new sound for each.
    names : sequence of str, optional
        Sounds to go on with, instead of new ones.
    n_samples : int, default 0
        Length at which they go on; what is behind is cut off.
    stem : str, default "sound"
        How new sounds are called, before their numbers.
    check : callable, optional
        Called when nobody else can write to the bank any more, before anything is changed.

    Attributes
    ----------
    path : Path
    names : list of str
        The sounds.

    Raises
    ------
    CorpusError
        If the file is no bank or can't be written.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        sample_rate: int,
        channels: int,
        recall: Sequence[Mapping[str, Any]] = (),
        names: Sequence[str] = (),
        n_samples: int = 0,
        stem: str = "sound",
        check: Callable[[], None] | None = None,
    ) -> None:
        self.path, self.names, self._stem = as_path(path), list(names), stem
        with _said(self.path), ExitStack() as stack:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            refuse = partial(_refuse, self.path)
            stack.callback(hold_for(self, lock_of(self.path), refuse, CorpusError))
            if check is not None:
                check()
            self._file = stack.enter_context(_open_to_write(self.path))
            for facts in recall:
                self._create(sample_rate, channels, facts)
            self._sounds = [self._file[name] for name in self.names]
            for sound in self._sounds:
                if sound.shape[1] < n_samples:
                    raise CorpusError(
                        f"{self.path}: {sound.name} is shorter than its end state says."
                    )
                sound.resize(n_samples, axis=1)
            self._file.swmr_mode = True
            self._release = stack.pop_all().close

    def append(self, blocks: Sequence[np.ndarray]) -> None:
        """Append a block ``[C, n]`` to each sound; an empty one changes nothing."""
        with _said(self.path):
            for sound, block in zip(self._sounds, blocks, strict=True):
                n = sound.shape[1]
                sound.resize(n + block.shape[1], axis=1)
                sound[:, n:] = block

    def sync(self) -> None:
        """Let readers, and those who come after a kill, see all that was appended."""
        with _said(self.path):
            for sound in self._sounds:
                sound.flush()
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        with _said(self.path):
            self._release()

    def _create(self, sample_rate: int, channels: int, recall: Mapping[str, Any]) -> None:
        number = 1
        while (name := f"{self._stem}_{number:03d}") in self._file:
            number += 1
        sound = self._file.create_dataset(
            name,
            (channels, 0),
            "<f4",
            maxshape=(channels, None),
            chunks=(channels, max(1024, sample_rate)),
        )
        sound.attrs.update(sample_rate=sample_rate, recall=json.dumps(plain(recall), default=str))
        self.names.append(name)


def _refuse(path: Path, owner: str) -> CorpusError:
    return CorpusError(
        f"{path} is being written right now by {owner}. Wait until that is done, or choose another "
        "bank."
    )


def bank_sounds(path: str | os.PathLike[str]) -> dict[str, dict[str, Any]]:
    """Recall data of the sounds of a bank, by name."""
    with _said(Path(path)), _open_to_read(Path(path)) as file:
        return {name: json.loads(sound.attrs["recall"]) for name, sound in file.items()}


def read_bank(path: str | os.PathLike[str], name: str) -> tuple[np.ndarray, int]:
    """Samples ``[C, N]`` of a sound of a bank, and their rate.

    Raises
    ------
    CorpusError
        If the file is no bank, or has no such sound.
    """
    with _said(Path(path)), _open_to_read(Path(path)) as file:
        if name not in file:
            raise CorpusError(f"{path} has no sound {name!r}; it has {', '.join(file)}.")
        return file[name][:], int(file[name].attrs["sample_rate"])


def _open_to_read(path: Path) -> h5py.File:
    """The bank at a path, also while it grows.

    Only then HDF5 is told so: it would read damaged places a hundred times, for minutes, in the
    hope that they are being written.
    """
    with open(path, "rb") as raw:
        flags = raw.read(12)[11:]  # of the superblock: 1 and 4 are set while somebody writes
    is_growing = flags in (b"\1", b"\4", b"\5")
    file = h5py.File(path, "r", libver="latest", swmr=is_growing, locking=False)
    return _checked(path, file)


def _checked(path: Path, file: h5py.File) -> h5py.File:
    if file.attrs.get("format") != FORMAT or file.attrs["format_version"] > FORMAT_VERSION:
        file.close()
        raise CorpusError(f"{path} is no output bank that this version knows; choose another name.")
    return file


def _open_to_write(path: Path) -> h5py.File:
    """The bank at a path; a new one if there is none, a clean copy if its writer was killed."""
    if not path.exists():
        file = h5py.File(path, "w", libver="latest", locking=False)
        file.attrs.update(format=FORMAT, format_version=FORMAT_VERSION)
        return file
    _open_to_read(path).close()  # a foreign file is never opened for writing: that changes it
    with suppress(OSError):
        return h5py.File(path, "r+", libver="latest", locking=False)
    with _open_to_read(path) as killed, replacing(path) as temporary:
        with h5py.File(temporary, "w", libver="latest", locking=False) as copy:
            copy.attrs.update(killed.attrs)
            for name, sound in killed.items():
                _copy(sound, copy, name)
    return h5py.File(path, "r+", libver="latest", locking=False)


def _copy(sound: h5py.Dataset, target: h5py.File, name: str) -> None:
    copied = target.create_dataset(
        name, sound.shape, sound.dtype, maxshape=sound.maxshape, chunks=sound.chunks
    )
    copied.attrs.update(sound.attrs)
    for start in range(0, sound.shape[1], _COPIED_SAMPLES):
        copied[:, start : start + _COPIED_SAMPLES] = sound[:, start : start + _COPIED_SAMPLES]


@contextmanager
def _said(path: Path) -> Iterator[None]:
    """Turn what HDF5 and the system complain about into a CorpusError."""
    try:
        yield
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise CorpusError(
            f"{path} can't be read or written as a bank: {cause_of(error)}."
        ) from error
