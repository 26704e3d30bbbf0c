"""The corpus that a network learned from, wherever it lies now.

A run remembers the path and the digest of its corpus. Folders move: from Colab to a laptop, or
with their disk. Then the corpus is looked for beside the run, under its name, and taken if its
digest is the same. Main names: :func:`find_corpus`, :func:`corpus_of_run`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..checkpoint import Checkpoint, Run
from ..corpus.store import Corpus, open_corpus
from ..errors import CorpusError

LEVELS = 3  # folders above a checkpoint's own or a run's that are looked into


def find_corpus(ck: Checkpoint, corpus: Corpus | str | Path | None) -> Corpus | None:
    """Corpus that is given, or the one of the training if it can be found.

    Parameters
    ----------
    ck : Checkpoint
        What was learned.
    corpus : Corpus or path, or None
        Taken as it is, if given.

    Returns
    -------
    Corpus or None
        None if it lies neither where it was nor beside the run.
    """
    if corpus is not None:
        return corpus if isinstance(corpus, Corpus) else open_corpus(corpus)
    return _found(ck.header.source, ck.path.parent if ck.path else Path(), ck.corpus_hash)


def corpus_of_run(run: Run) -> Corpus:
    """Corpus that a run learns from, where it was or beside the run.

    One that stands at its path by now and is another one is returned if there is no better: who
    goes on with the run compares them.

    Parameters
    ----------
    run : Run
        One that has a ``config.yaml``.

    Returns
    -------
    Corpus

    Raises
    ------
    CorpusError
        If it isn't there.
    """
    known = run.config["corpus"]
    path, digest = known.get("path"), known.get("hash")
    if not isinstance(path, str) or not isinstance(digest, str):
        raise CorpusError(f"{run.config_path} doesn't say where the corpus is; give it: corpus=...")
    found = _found(path, run.folder, digest)
    if found is None and Path(path).exists():
        return open_corpus(path)
    if found is None:
        raise CorpusError(
            f"The corpus of {run.folder} is neither at {path} nor beside the run. Put it there, or "
            "give it: the corpus, or the recordings that it was made of."
        )
    return found


def _found(source: str, home: Path, digest: str) -> Corpus | None:
    for path in _places(Path(source), home.resolve()) if source else ():
        try:
            corpus = open_corpus(path)
        except CorpusError:
            continue
        if corpus.hash == digest:
            return corpus
    return None


def _places(source: Path, home: Path) -> Iterator[Path]:
    """Where it was, then its name in the folder that knows it and in those above."""
    yield source
    for folder in [home, *home.parents][: LEVELS + 1]:
        yield folder / source.name
