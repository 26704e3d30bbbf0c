"""Folders and example files for notebooks, such that running one again replaces nothing.

Main names: :func:`choose_corpus`, :func:`new_folder`, :func:`find_runs`,
:func:`demo_recordings`.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Literal

from ..arguments import PathArg, Rate, checked
from ..audio.demo import demo_music
from ..audio.write import write
from ..checkpoint.run import Run
from ..corpus.build import build_corpus
from ..corpus.demo import demo_corpus
from ..corpus.store import Corpus, open_corpus
from ..errors import AudioError, ParameterError


@checked
def choose_corpus(
    sounds: Literal[""] | PathArg,
    path: PathArg = Path("corpora/corpus.h5"),
    sample_rate: Rate = 22050,
) -> Corpus:
    """Open a corpus, build one of a folder, or take the embedded one: whatever ``sounds`` names.

    Parameters
    ----------
    sounds : str or Path
        A corpus (``.h5``), a folder or file of recordings, or "" for embedded music.
    path : str or Path, default "corpora/corpus.h5"
        Where a corpus of recordings is built, or used again if it holds the same sounds.
    sample_rate : int, default 22050
        Of a corpus that is built, or of the embedded one; one that exists has its own.

    Returns
    -------
    Corpus
        Opened.

    Raises
    ------
    AudioError
        If there is nothing at ``sounds``.
    CorpusError
        If no file can be used, or at ``path`` is a corpus of other sounds.

    Examples
    --------
    >>> mnb.choose_corpus("").path == mnb.demo_corpus().path
    True
    """
    if sounds == "":
        return demo_corpus(sample_rate)
    if Path(sounds).suffix == ".h5":
        return open_corpus(sounds)
    return build_corpus(sounds, path, sample_rate, reuse=True)


@checked
def new_folder(path: PathArg) -> Path:
    """Make a new folder: ``<path>_001``, or with the first number that is free.

    Two who ask at the same time get two folders.

    Parameters
    ----------
    path : str or Path
        Its name, without the number.

    Returns
    -------
    Path
        The folder, empty.

    Raises
    ------
    ParameterError
        If it can't be made there.

    Examples
    --------
    >>> mnb.new_folder("takes/piano").as_posix()
    'takes/piano_001'
    """
    path, number = Path(path), 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            number += 1
            folder = path.with_name(f"{path.name}_{number:03d}")
            with contextlib.suppress(FileExistsError):
                folder.mkdir()
                return folder
    except OSError as error:
        raise ParameterError(
            f"No folder can be made in {path.parent}: {error.strerror}. Choose another place."
        ) from error


@checked
def find_runs(folder: PathArg) -> dict[str, Run]:
    """Trained runs in a folder, by their path from there, the newest first.

    Parameters
    ----------
    folder : str or Path
        A folder of runs, of folders of runs, or a run itself.

    Returns
    -------
    dict of Run
        Those that have a checkpoint; empty if there is none.
    """
    folder = Path(folder)
    own = Run(folder)
    if own.checkpoints:
        return {folder.name: own}
    found = [path.parent.parent for path in folder.glob("**/checkpoints/step_*.safetensors")]
    runs = [Run(path) for path in dict.fromkeys(found)]
    runs.sort(key=_last_change, reverse=True)
    return {str(run.folder.relative_to(folder)): run for run in runs}


def _last_change(run: Run) -> float:
    """When the newest checkpoint was written; one that is just being deleted doesn't count."""
    times = [0.0]
    for path in run.checkpoints.values():
        with contextlib.suppress(OSError):
            times.append(path.stat().st_mtime)
    return max(times)


@checked
def demo_recordings(folder: PathArg) -> Path:
    """Write recordings to try things on: embedded music, and two files that can't be used.

    The music is nobody's property. One of the other files is too short, one holds no sound
    at all: what the preflight is there to find.

    Parameters
    ----------
    folder : str or Path
        Where to; made if it doesn't exist. Files that are there already are left as they are.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    AudioError
        If it can't be written.

    Examples
    --------
    >>> folder = mnb.demo_recordings("recordings")
    >>> sorted(path.suffix for path in folder.iterdir())
    ['.flac', '.wav', '.wav', '.wav']
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, sample_rate, seconds, seed in (
            ("piece.wav", 44100, 40.0, 0),
            ("variation.flac", 22050, 10.0, 1),
            ("too_short.wav", 22050, 0.02, 0),
        ):
            if not (folder / name).exists():
                write(folder / name, demo_music(sample_rate, seconds, seed), sample_rate)
        with contextlib.suppress(FileExistsError), (folder / "no_sound.wav").open("x") as file:
            file.write("This is a text that somebody renamed to .wav.\n")
    except OSError as error:
        raise AudioError(
            f"Can't write to {folder}: {error.strerror}. Choose another place."
        ) from error
    return folder
