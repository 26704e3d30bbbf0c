"""Sound that was made, in memory or in files: what all that makes sound gives back.

:class:`~.output.Generated` (of a network) and :class:`~.ensemble.piece.Ensemble` (of a score) are
this, and what else is known of each. Main names: :class:`MadeSound`, :class:`Stored`.
"""

from __future__ import annotations

import itertools
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from ..arguments import PathArg, checked
from ..audio.atomic import make_folder
from ..audio.locks import naming
from ..audio.names import file_name


@dataclass(frozen=True)
class Stored:
    """Samples in files, which are read when they are asked for.

    Attributes
    ----------
    read : callable
        Gives all of them.
    n_samples : int
        Samples per channel.
    """

    read: Callable[[], np.ndarray]
    n_samples: int


def in_memory(samples: np.ndarray | Stored) -> np.ndarray:
    """The samples themselves."""
    return samples.read() if isinstance(samples, Stored) else samples


@dataclass(frozen=True)
class MadeSound(ABC):
    """Sound that was made.

    Attributes
    ----------
    samples : np.ndarray or Stored
        The sound, or how it is read.
    sample_rate : int
        In Hz.
    paths : list of Path
        The files that it was written to last: while it was made (``out=...``), or by
        :meth:`save`. Empty if it wasn't written.
    """

    samples: np.ndarray | Stored = field(repr=False)
    sample_rate: int
    paths: list[Path] = field(default_factory=list, kw_only=True)

    default_name: ClassVar[str] = "sound"
    "What files are called."

    @property
    def audio(self) -> np.ndarray:
        """All samples, float32, as they were made: never normalised. If stored, read anew."""
        return in_memory(self.samples)

    @property
    def is_stored(self) -> bool:
        """Whether the sound is in files, and not in memory."""
        return isinstance(self.samples, Stored)

    @property
    def seconds(self) -> float:
        """Length; of the longest, if they are several."""
        samples = self.samples
        n = samples.n_samples if isinstance(samples, Stored) else samples.shape[-1]
        return n / self.sample_rate

    @checked
    def save(self, folder: PathArg, name: str | None = None) -> list[Path]:
        """Write WAV files with recall data, and what belongs to them; nothing is ever replaced.

        Parameters
        ----------
        folder : str or Path
            Made if it doesn't exist.
        name : str, optional
            Files are called ``<name>_001.wav`` and so on, from the first free number; "sound" (or
            "ensemble") if not given.

        Returns
        -------
        list of Path
            What was written; also in :attr:`paths`.

        Raises
        ------
        AudioError
            If the folder can't be made or written to.
        """
        folder = Path(folder)
        make_folder(folder)
        with naming(folder):
            self.paths[:] = self._write_to(folder, name or self.default_name)
        return list(self.paths)

    @abstractmethod
    def _write_to(self, folder: Path, name: str) -> list[Path]:
        """Write to a folder that is there, and held."""


def free_path(folder: Path, name: str, suffixes: Sequence[str] = (".wav",)) -> Path:
    """First of ``<name>_001.wav``, ``<name>_002.wav`` ... that doesn't exist.

    Parameters
    ----------
    folder : Path
        Where to look; hold it (:func:`~..audio.locks.naming`) until the file is made.
    name : str
        Any text; what can't stand in a file name is replaced.
    suffixes : sequence of str
        What is written beside it, under the same name and number: that must be free too.
    """
    return free_paths(folder, name, 1, suffixes)[0]


def free_paths(folder: Path, name: str, n: int, suffixes: Sequence[str] = (".wav",)) -> list[Path]:
    """First ``n`` paths that are free, as for :func:`free_path`."""
    stems = (f"{file_name(name)}_{number:03d}" for number in itertools.count(1))
    free = (s for s in stems if not any(os.path.lexists(folder / (s + x)) for x in suffixes))
    return [folder / f"{stem}.wav" for stem in itertools.islice(free, n)]
