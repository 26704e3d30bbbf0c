"""The embedded corpus: 40 s of music made by code, for first steps, shows and tests."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np

from ..arguments import PathArg, Whole, checked
from ..audio.atomic import replacing
from ..audio.demo import demo_music
from ..audio.doctor import WINDOW_SECONDS
from ..audio.meters import measure
from ..audio.report import FileRecord, Report
from ..errors import CorpusError
from ..paths import as_path
from . import layout
from .layout import CorpusFile, Header
from .store import Corpus, open_corpus

VERSION = 1
"Counts changes of the embedded music."

RIGHTS = "Embedded music of mimikit_nb, made by its own code; free to use for everything."


@checked
def demo_corpus(
    sample_rate: Annotated[int, Whole(8000, 192_000)] = 22050, path: PathArg | None = None
) -> Corpus:
    """Give the embedded corpus: about 40 s of plucked strings, bells and drums.

    Made by code within seconds, the same on every call, nobody's property. A good place to try
    a network before training it on recordings of one's own.

    Parameters
    ----------
    sample_rate : int in [8000, 192000], default 22050
        In Hz.
    path : path, optional
        Where to keep it. If None, it is kept in the user's cache folder (``MIMIKIT_NB_CACHE``
        names another) and made only once.

    Returns
    -------
    Corpus
        Mono, 40 s.

    Raises
    ------
    CorpusError
        If there is another corpus at ``path``, or it can't be written.

    Examples
    --------
    >>> corpus = mnb.demo_corpus()
    >>> round(corpus.duration_seconds)
    40
    """
    target = Path(path).absolute() if path is not None else _cached(sample_rate)
    if target.exists():
        corpus = _opened(target, is_ours=path is None)
        if corpus is not None and corpus.hash == _files(sample_rate, corpus.n_samples).hash:
            return corpus
        if path is not None:
            raise CorpusError(f"{target} exists and is another corpus. Choose another name.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(target, sample_rate)
    except OSError as error:
        raise CorpusError(
            f"{target} can't be written: {layout.cause_of(error)}. Pass another path."
        ) from error
    return open_corpus(target)


def cache_folder() -> Path:
    """Folder for what can be made again: the user's cache, or what ``MIMIKIT_NB_CACHE`` names."""
    chosen = os.environ.get("MIMIKIT_NB_CACHE")
    if chosen:
        return as_path(chosen)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "mimikit_nb"


def _cached(sample_rate: int) -> Path:
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError:  # no home, or a read-only one
        folder = Path(tempfile.gettempdir()) / "mimikit_nb"
    return folder / f"demo-{VERSION}-{sample_rate}.h5"


def _opened(path: Path, is_ours: bool) -> Corpus | None:
    try:
        return open_corpus(path)
    except CorpusError:
        if is_ours:  # a damaged cache is made again
            return None
        raise


def _files(sample_rate: int, n_samples: int) -> Header:
    """Header of the embedded corpus; its digest names the recipe, equal on every machine."""
    recipe = f"mimikit_nb demo music {VERSION} at {sample_rate} Hz"
    digest = hashlib.sha256(recipe.encode()).hexdigest()
    file = CorpusFile("demo_music", 0, n_samples, sample_rate, 1, digest)
    report = Report([], sample_rate, WINDOW_SECONDS)
    return Header(
        sample_rate, (1, n_samples), (file,), {"sample_rate": sample_rate}, RIGHTS, report
    )


def _write(target: Path, sample_rate: int) -> None:
    y = demo_music(sample_rate)
    header = _files(sample_rate, len(y))
    header.report.records.append(_record(y, sample_rate, header.files[0]))
    with replacing(target) as temporary:
        offset = layout.create(temporary, header)
        with open(temporary, "rb+") as file:
            file.seek(offset)
            file.write(y.astype("<f4").data)


def _record(y: np.ndarray, sample_rate: int, file: CorpusFile) -> FileRecord:
    levels = measure(y, sample_rate)
    return FileRecord(
        Path(file.path),
        seconds=len(y) / sample_rate,
        sample_rate=sample_rate,
        channels=1,
        format="code",
        silence_share=levels.silence_share,
        peak_dbfs=levels.peak_dbfs,
        lufs=levels.lufs,
        n_windows=int(len(y) / sample_rate / WINDOW_SECONDS),
        sha256=file.sha256,
    )
