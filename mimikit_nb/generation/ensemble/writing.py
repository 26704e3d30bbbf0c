"""A piece written to disk while it is played: mix and stems as files that grow, turns as labels.

A kill at any instant loses nothing that was written; memory stays constant, so that a score
without an end can be written for as long as the disk has room. Main name: :func:`write_piece`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from ...audio.atomic import make_folder
from ...audio.files import load
from ...audio.growing import GrowingSound
from ...audio.locks import naming
from ...progress import Progress, Stopped, Watch
from ..made import Stored
from .piece import (
    Ensemble,
    Piece,
    audacity_labels,
    finished,
    free_piece,
    stem_of,
    wanted_seconds,
    write_turns,
)

_PAD_SECONDS = 10.0
_MOST_STEMS = 100  # whose names are looked at before a piece begins


def write_piece(
    piece: Piece,
    folder: str | Path,
    name: str = "ensemble",
    stems: bool = False,
    progress: Watch | None = None,
) -> Ensemble:
    """Play a piece into files.

    Parameters
    ----------
    piece : Piece
        Maybe without an end: then until it is interrupted (Ctrl-C, "interrupt the kernel").
    folder : str or Path
        Made if it doesn't exist.
    name : str, default "ensemble"
        Files are called ``<name>_001.wav`` and so on, from the first free number.
    stems : bool, default False
        Whether every generator's part is written too; their sum is the mix.
    progress : Progress or callable, optional
        Told the seconds of sound done and wanted; a function is called with it, and what it raises
        ends the sound. What was written stays.
    """
    files = PieceFiles(piece, folder, name, stems)
    progress, wanted = Progress.of(progress), wanted_seconds(piece)
    try:
        for _ in files.blocks():
            progress.tell(piece.n_samples / piece.sample_rate, wanted)
    except (KeyboardInterrupt, Stopped):
        if piece.wanted is not None:
            raise
    finally:
        files.close()
    return files.ensemble()


class PieceFiles:
    """The files of a piece that is being played.

    Parameters
    ----------
    piece, folder, name, stems
        See :func:`write_piece`.

    Attributes
    ----------
    paths : list of Path
        The mix (24 bits, with recall data), the score (YAML; not of an iterable), the turns for
        Audacity and for REAPER, the stems in the order in which generators began.
    """

    def __init__(
        self, piece: Piece, folder: str | Path, name: str = "ensemble", stems: bool = False
    ) -> None:
        self._first = next(piece, None)  # a score that can't begin leaves no files
        make_folder(Path(folder))
        with naming(Path(folder)):
            path = free_piece(Path(folder), name, _MOST_STEMS if stems else 0)
            self.mix = GrowingSound(path, piece.sample_rate, piece.n_channels, piece.recall())
        self.piece, self.path, self.with_stems = piece, path, stems
        self.stems: dict[str, GrowingSound] = {}
        self.paths = [path]
        if piece.score.is_list:
            self.paths.append(path.with_suffix(".yaml"))
            piece.score.to_yaml(self.paths[-1])
        self.paths += write_turns(path, [])
        self._labels = path.with_suffix(".txt")
        self._n_listed = 0

    def blocks(self) -> Iterator[np.ndarray]:
        """Blocks of the piece, each written before it is given on."""
        begun = [] if self._first is None else [self._first]
        for block in itertools.chain(begun, self.piece):
            self._append(block)
            yield block

    def _append(self, block: np.ndarray) -> None:
        before = self.mix.n_samples
        self.mix.append(block)
        for label, part in self.piece.parts.items() if self.with_stems else ():
            stem = self._stem(label)
            _silence_until(stem, before, self.piece)
            stem.append(part)
        self._list_turns()

    def close(self) -> None:
        """Fill up the stems, write the turns as they ended, and close."""
        for stem in self.stems.values():
            _silence_until(stem, self.mix.n_samples, self.piece)
            stem.close()
        self.mix.close()
        write_turns(self.path, self.piece.turns)

    def ensemble(self) -> Ensemble:
        """The piece as it lies in the files, which are closed."""
        mix, *stems = (
            Stored(partial(load, sound.path, None), sound.n_samples)
            for sound in (self.mix, *self.stems.values())
        )
        named = dict(zip(self.stems, stems, strict=True))
        return finished(self.piece, mix, named, self.paths)

    def _stem(self, label: str) -> GrowingSound:
        if label not in self.stems:
            path = stem_of(self.path, len(self.stems) + 1)
            self.stems[label] = GrowingSound(path, self.piece.sample_rate, self.piece.n_channels)
            self.paths.append(path)
        return self.stems[label]

    def _list_turns(self) -> None:
        """Append a label per turn that is over, so that a kill leaves them too."""
        over = self.piece.room.turns[self._n_listed : -1]
        if over:
            self._n_listed += len(over)
            with open(self._labels, "a", encoding="utf-8", newline="") as file:
                file.write(audacity_labels(over))


def _silence_until(stem: GrowingSound, n_samples: int, piece: Piece) -> None:
    """Silence while a generator rests, in blocks of bounded size."""
    most = round(_PAD_SECONDS * piece.sample_rate)
    while stem.n_samples < n_samples:
        n = min(most, n_samples - stem.n_samples)
        stem.append(np.zeros((piece.n_channels, n), np.float32))
