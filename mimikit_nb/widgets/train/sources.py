"""The sounds of a training: chosen, dropped, checked, and made into a corpus.

Main name: :class:`Sources`.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import ipywidgets as W

from ...arguments import Paths
from ...audio.names import readable
from ...audio.report import in_minutes
from ...corpus.build import build_corpus
from ...corpus.store import Corpus
from ...errors import CorpusError, MimikitError
from ...recipes.workspace import choose_corpus
from ..forms.drop import DropZone
from ..forms.sections import fold
from ..job import Job
from ..pictures import MOST_NAMED_FILES
from ..player.waveform import player
from ..words import in_plain_words

Sounds = Corpus | Literal[""] | Paths


class Sources:
    """Where the corpus of a training comes from, and the view to change it.

    Parameters
    ----------
    sounds : Corpus, path, or paths
        A corpus, recordings or folders of them, or "" for embedded music.
    out : Path
        Folder that a corpus and uploaded recordings are kept in.
    sample_rate : int > 0
        Rate of a corpus that is built, in Hz.
    on_corpus : callable
        Called when there is a corpus, or another one.
    """

    def __init__(
        self, sounds: Sounds, out: Path, sample_rate: int, on_corpus: Callable[[], None]
    ) -> None:
        self.out, self.sample_rate, self._on_corpus = out, sample_rate, on_corpus
        self.corpus = sounds if isinstance(sounds, Corpus) else None
        self._sounds = self._read = sounds
        self.dropped: list[Path] = []
        self._report = ""
        self._job = Job(self._build, self._paint, name="corpus")
        self._drop = DropZone(out / "recordings", self.add)
        self._text = W.HTML()
        self._table = W.HTML()
        self._listening = W.VBox()
        folds = [
            fold("What it learns from: listen", self._listening, is_open=False),
            fold("What was found in each file", self._table, is_open=False),
        ]
        self._opener = folds[0].children[0]
        self._opener.observe(self._unfolded, "value")
        self._shown: Corpus | None = None
        self.widget = W.VBox([W.HTML("<h3>Sounds</h3>"), self._drop, self._text, *folds])
        self._paint()

    def begin(self) -> None:
        """Read the sounds that were given, in the background."""
        if self.corpus is None:
            self._job.start()

    def add(self, paths: list[Path]) -> None:
        """Learn from these files, and from all that were added before."""
        self.dropped += paths
        self._sounds = list(self.dropped)
        self._job.start()  # one under way goes on with them

    def wait(self) -> Corpus:
        """The corpus, as soon as it is there; the error that it failed with otherwise."""
        self._job.wait()
        while self._begin_what_is_left():
            self._job.wait()
        if self._job.error is not None:
            raise self._job.error
        assert self.corpus is not None
        return self.corpus

    def _begin_what_is_left(self) -> bool:
        """Begin with sounds that came when a job had just looked; whether there were some."""
        is_left = self._read is not self._sounds and not self._job.is_alive
        return is_left and self._job.start()

    def _build(self) -> Corpus:
        """Corpus of the sounds; of the new ones if some were added meanwhile."""
        while True:
            self._read = sounds = self._sounds
            try:
                corpus = self.corpus = self._corpus_of(sounds)
            except MimikitError:
                if sounds is self._sounds:
                    raise
                continue
            self._on_corpus()
            if sounds is self._sounds:
                return corpus

    def _corpus_of(self, sounds: Sounds) -> Corpus:
        if isinstance(sounds, Corpus) or not sounds or str(sounds).endswith(".h5"):
            return choose_corpus(str(sounds or ""), sample_rate=self.sample_rate)
        paths: Any = sounds if isinstance(sounds, str | Path) else list(sounds)
        corpus = build_beside(paths, self.out / "corpus.h5", self.sample_rate)
        self._report = corpus.report._repr_html_()
        return corpus

    def _paint(self) -> None:
        self._begin_what_is_left()
        self._table.value = self._report
        if self._job.error is not None:
            text = html.escape(in_plain_words(self._job.error))
            self._text.value = f'<div class="mnb-wrong">{text}</div>'
        elif self.corpus is None or self._job.is_alive:
            self._text.value = "Reading the sounds …"
        else:
            self._text.value = _describe(self.corpus)
            if self._opener.value:
                self._show_player()

    def _unfolded(self, change: Any) -> None:
        if change["new"]:
            self._show_player()

    def _show_player(self) -> None:
        corpus = self.corpus
        if corpus is None or corpus is self._shown:
            return
        self._shown = corpus
        named = len(corpus.files) <= MOST_NAMED_FILES
        files = [
            {
                "start": file.start / corpus.sample_rate,
                "stop": file.stop / corpus.sample_rate,
                "label": file.name if named else "",
                "editable": False,
            }
            for file in corpus.files
        ]
        shown = player(
            corpus.signal, corpus.sample_rate, segments=files, title="corpus", headless=False
        )
        self._listening.children = [shown.widget]


def build_beside(paths: Any, path: Path, sample_rate: int) -> Corpus:
    """Corpus of these sounds at ``path``, or beside it where there is one of other sounds."""
    number, wanted = 1, path
    path.parent.mkdir(parents=True, exist_ok=True)
    while path.exists():
        try:
            return build_corpus(paths, path, sample_rate, reuse=True)
        except CorpusError:
            number += 1
            path = wanted.with_name(f"{wanted.stem}_{number:03d}{wanted.suffix}")
    return build_corpus(paths, path, sample_rate)


def _describe(corpus: Corpus) -> str:
    n = len(corpus.files)
    words = f"{n} file{'s' * (n != 1)}, {in_minutes(corpus.duration_seconds)} min"
    channels = {1: "mono", 2: "stereo"}.get(corpus.n_channels, f"{corpus.n_channels} channels")
    path = html.escape(readable(corpus.path))
    return f"<b>{words}</b>, {channels}, {corpus.sample_rate} Hz · {path}"
