"""Read a corpus: the mapped signal, its files, its tracks.

Between the sound files and everything that learns from them. Main names: :func:`open_corpus`,
:class:`Corpus`.
"""

from __future__ import annotations

import bisect
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from ..arguments import Count, Names, Numbers, PathArg, Real, Seed, checked
from ..audio.atomic import replacing
from ..audio.names import readable
from ..audio.report import Report, in_minutes
from ..errors import CorpusError, ParameterError
from . import layout
from .layout import CorpusFile, Identity
from .split import Split, split_segments
from .tracks import FeatureTrack, LabelTrack, Track, check_name

Signal = np.memmap[Any, np.dtype[np.float32]]


class Corpus:
    """Recordings at one sample rate, one after the other, mapped into memory.

    Made by :func:`open_corpus` or :func:`~mimikit_nb.corpus.build.build_corpus`. Opening costs
    milliseconds whatever the length, many processes may read at once, and a corpus can be
    pickled (the reader maps the file anew).

    Parameters
    ----------
    path : Path
        The HDF5 file.
    identity : Identity, optional
        The corpus that it must hold; any if None.

    Attributes
    ----------
    path : Path
        The HDF5 file.
    signal : np.memmap [shape=(C, N), dtype=float32]
        All samples, read-only, read from disk when touched.
    sample_rate : int
        In Hz.
    files : tuple of CorpusFile
        The recordings: path, start, stop, original rate and channels, sha256.
    hash : str
        Digest of what the signal was made from; the same on every machine.
    rights : str
        Whose recordings these are and what may be done with them.
    parameters : dict
        What it was built with.
    report : Report
        What the preflight said of every file when it was built.
    """

    def __init__(self, path: Path, identity: Identity | None = None) -> None:
        self.path = path.absolute()
        header, self.signal = _map(self.path)
        if identity is not None:
            identity.check(self.path, header)
        self.sample_rate: int = header.sample_rate
        self.files: tuple[CorpusFile, ...] = header.files
        self.hash: str = header.hash
        self._identity = Identity(header.hash, len(header.files))
        self.rights: str = header.rights
        self.parameters: dict[str, Any] = header.parameters
        self.report: Report = header.report

    def __repr__(self) -> str:
        return (
            f"Corpus({self.name!r}: {in_minutes(self.duration_seconds)} min, "
            f"{len(self.files)} files, {self.n_channels} channel(s) at {self.sample_rate} Hz)"
        )

    def __reduce__(self) -> tuple[type[Corpus], tuple[Path, Identity]]:
        return Corpus, (self.path, self._identity)

    @property
    def name(self) -> str:
        """Name of the file, as it is shown."""
        return readable(self.path.name)

    @property
    def n_channels(self) -> int:
        """Number of channels C."""
        return int(self.signal.shape[0])

    @property
    def n_samples(self) -> int:
        """Number of samples N per channel."""
        return int(self.signal.shape[1])

    @property
    def duration_seconds(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.sample_rate

    @property
    def segments(self) -> list[tuple[int, int]]:
        """First sample of each file, and the first sample after it."""
        return [(file.start, file.stop) for file in self.files]

    @checked
    def file_at(self, sample: int) -> CorpusFile:
        """Tell which recording a sample belongs to.

        Parameters
        ----------
        sample : int in [0, N)
            Position in the corpus.

        Returns
        -------
        CorpusFile
            The recording; ``sample - file.start`` is the position in it.
        """
        if not 0 <= sample < self.n_samples:
            raise ParameterError(
                f"Sample {sample} lies outside the corpus (0 to {self.n_samples - 1})."
            )
        return self.files[bisect.bisect_right([f.start for f in self.files], sample) - 1]

    @checked
    def split(self, held_out: Annotated[float, Real(0, 0.5)] = 0.1, seed: Seed = 0) -> Split:
        """Set a part aside, so that a network can be judged on what it never heard.

        Parameters
        ----------
        held_out : float in [0, 0.5], default 0.1
            Share of the samples to hold out.
        seed : int, default 0
            Draws which; the same corpus and seed give the same parts.

        Returns
        -------
        Split
            ``.train`` and ``.held_out``: lists of (start, stop), none across two files.
        """
        return split_segments(self.segments, held_out, seed, self.sample_rate)

    @property
    def tracks(self) -> Tracks:
        """Label and feature tracks by name."""
        return Tracks(self.path, self._identity)

    @checked
    def write_labels(
        self, name: str, start: Numbers, stop: Numbers, label: Names, overwrite: bool = False
    ) -> None:
        """Add a label track to the corpus file.

        Parameters
        ----------
        name : str
            Name of the track.
        start, stop : array of int [shape=(n,)]
            First sample of each stretch, and the first sample after it.
        label : array of int or str [shape=(n,)]
            What each is called.
        overwrite : bool, default False
            Whether a track of this name may be replaced.

        Raises
        ------
        CorpusError
            If the stretches don't fit the corpus, the track exists, or the disk is full. The
            file is then as it was.
        """
        track = LabelTrack.of(start, stop, label, self.n_samples)
        self._swap_track(name, track, overwrite)

    @checked
    def write_feature(
        self,
        name: str,
        values: Numbers,
        hop_length: Count,
        frame_length: Count = 1,
        center: bool = False,
        overwrite: bool = False,
    ) -> None:
        """Add a feature track to the corpus file.

        Parameters
        ----------
        name : str
            Name of the track.
        values : np.ndarray [shape=(n,) or (n, dim)]
            Values of the frames.
        hop_length, frame_length : int > 0
            Samples from frame to frame, and samples that one looks at.
        center : bool, default False
            Whether frame ``n`` is centred on sample ``n * hop_length``.
        overwrite : bool, default False
            Whether a track of this name may be replaced.

        Raises
        ------
        CorpusError
            If the values aren't numbers, the track exists, or the disk is full. The file is
            then as it was.
        """
        track = FeatureTrack.of(values, hop_length, frame_length, center)
        self._swap_track(name, track, overwrite)

    @checked
    def remove_track(self, name: str) -> None:
        """Remove a track from the corpus file."""
        self.tracks[name]  # says what there is if there is none of this name
        self._swap_track(name, None, overwrite=True)

    def _swap_track(self, name: str, track: Track | None, overwrite: bool) -> None:
        """Copy the file, change the copy, and put it in the place of the file.

        A copy of an hour takes about a second. In return a crash can't damage the corpus, those
        who read it go on undisturbed, and everything stays in one file.
        """
        check_name(name)
        try:
            with layout.writing(self.path), replacing(self.path) as temporary:
                if name in self.tracks and not overwrite:
                    raise CorpusError(
                        f"{self.path.name} has a track {name!r}; pass overwrite=True to replace it."
                    )
                shutil.copy(self.path, temporary)
                layout.write_track(temporary, name, track)
        except (OSError, RuntimeError) as error:
            raise CorpusError(
                f"The track {name!r} can't be written to {self.path}: {layout.cause_of(error)}. "
                "Check the folder and the space left; the corpus is as it was."
            ) from error


class Tracks(Mapping[str, Track]):
    """Tracks of a corpus by name, read when asked for.

    Parameters
    ----------
    path : Path
        The corpus file.
    identity : Identity
        The corpus it must hold.
    """

    def __init__(self, path: Path, identity: Identity) -> None:
        self._path, self._identity = path, identity

    def __getitem__(self, name: str) -> Track:
        names = layout.track_names(self._path, self._identity)
        if name not in names:
            there = f"it has {', '.join(names)}" if names else "it has none yet"
            raise CorpusError(f"{self._path.name} has no track {name!r}; {there}.")
        return layout.read_track(self._path, name, self._identity)

    def __contains__(self, name: object) -> bool:
        return name in layout.track_names(self._path, self._identity)

    def __iter__(self) -> Iterator[str]:
        return iter(layout.track_names(self._path, self._identity))

    def __len__(self) -> int:
        return len(layout.track_names(self._path, self._identity))

    def __repr__(self) -> str:
        return f"Tracks({', '.join(self)})"


@checked
def open_corpus(path: PathArg) -> Corpus:
    """Open a corpus.

    Parameters
    ----------
    path : path
        The HDF5 file that :func:`~mimikit_nb.corpus.build.build_corpus` wrote.

    Returns
    -------
    Corpus
        Its signal is mapped, not loaded.

    Raises
    ------
    CorpusError
        If there is no such file, or it is foreign, truncated, damaged or of a newer format.

    Examples
    --------
    >>> corpus = mnb.open_corpus(mnb.demo_corpus().path)
    >>> corpus.signal.shape[0], corpus.sample_rate
    (1, 22050)
    """
    return Corpus(Path(path))


def _map(path: Path) -> tuple[layout.Header, Signal]:
    """Header and mapped signal of one and the same file, even if it is being replaced now."""
    while True:
        header, offset = layout.read_header(path)
        identity = os.stat(path).st_ino
        signal = np.memmap(path, "<f4", mode="r", offset=offset, shape=header.shape)
        if layout.read_header(path) == (header, offset) and os.stat(path).st_ino == identity:
            return header, signal
