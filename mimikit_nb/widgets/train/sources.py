"""The sounds of a training: chosen, added, and made into a corpus; makes no widgets.

Main name: :class:`Sources`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from ...arguments import Paths
from ...corpus.build import build_corpus
from ...corpus.store import Corpus
from ...errors import CorpusError, MimikitError
from ...progress import Progress
from ...recipes.workspace import choose_corpus
from ..job import Job
from ..watched import Watched

Sounds = Corpus | Literal[""] | Paths


class Sources(Watched):
    """Where the corpus of a training comes from.

    Parameters
    ----------
    sounds : Corpus, path, or paths
        A corpus, recordings or folders of them, or "" for embedded music.
    out : Path
        Folder that a corpus and uploaded recordings are kept in.
    sample_rate : int > 0
        Rate of a corpus that is built, in Hz.

    Attributes
    ----------
    corpus : Corpus or None
        What is learned from, as soon as it is there.
    report : Report or None
        What was found in each file, if the corpus was built here.
    on_corpus : callable
        Called when there is a corpus, or another one.
    job : Job
        Reads the sounds.
    """

    def __init__(self, sounds: Sounds, out: Path, sample_rate: int) -> None:
        super().__init__()
        self.out, self.sample_rate = out, sample_rate
        self.corpus = sounds if isinstance(sounds, Corpus) else None
        self.on_corpus: Callable[[], None] = lambda: None
        self.dropped: list[Path] = []
        self.report: Any = None
        self._sounds = self._read = sounds
        self.job = Job(self._build, self._news, name="corpus")

    def begin(self) -> None:
        """Read the sounds that were given, in the background."""
        if self.corpus is None:
            self.job.start()

    def add(self, paths: list[Path]) -> None:
        """Learn from these files, and from all that were added before."""
        self.dropped += paths
        self._sounds = list(self.dropped)
        self.job.start()  # one under way goes on with them

    def wait(self) -> Corpus:
        """The corpus, as soon as it is there; the error that it failed with otherwise."""
        self.job.wait()
        while self._begin_what_is_left():
            self.job.wait()
        if self.job.error is not None:
            raise self.job.error
        assert self.corpus is not None
        return self.corpus

    def _begin_what_is_left(self) -> bool:
        """Begin with sounds that came when a job had just looked; whether there were some."""
        is_left = self._read is not self._sounds and not self.job.is_alive
        return is_left and self.job.start()

    def _build(self, progress: Progress) -> Corpus:
        """Corpus of the sounds; of the new ones if some were added meanwhile."""
        while True:
            self._read = sounds = self._sounds
            try:
                corpus = self.corpus = self._corpus_of(sounds, progress)
            except MimikitError:
                if sounds is self._sounds:
                    raise
                continue
            self.on_corpus()
            if sounds is self._sounds:
                return corpus

    def _corpus_of(self, sounds: Sounds, progress: Progress) -> Corpus:
        if isinstance(sounds, Corpus) or not sounds or str(sounds).endswith(".h5"):
            return choose_corpus(str(sounds or ""), sample_rate=self.sample_rate)
        paths: Any = sounds if isinstance(sounds, str | Path) else list(sounds)
        corpus = build_beside(paths, self.out / "corpus.h5", self.sample_rate, progress)
        self.report = corpus.report
        return corpus

    def _news(self) -> None:
        self._begin_what_is_left()
        self.tell()


def build_beside(
    paths: Any, path: Path, sample_rate: int, progress: Progress | None = None
) -> Corpus:
    """Corpus of these sounds at ``path``, or beside it where there is one of other sounds."""
    number, wanted = 1, path
    path.parent.mkdir(parents=True, exist_ok=True)
    while path.exists():
        try:
            return build_corpus(paths, path, sample_rate, reuse=True)
        except CorpusError:
            number += 1
            path = wanted.with_name(f"{wanted.stem}_{number:03d}{wanted.suffix}")
    return build_corpus(paths, path, sample_rate, progress=progress)
