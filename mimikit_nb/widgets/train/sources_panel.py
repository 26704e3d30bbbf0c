"""What the choice of sounds looks like: a place to drop files, what was found, a player.

Main name: :class:`SourcesPanel`.
"""

from __future__ import annotations

import html
from typing import Any

import ipywidgets as W

from ...audio.names import readable
from ...audio.report import in_minutes
from ...corpus.store import Corpus
from ..forms.drop import DropZone
from ..forms.sections import fold
from ..pictures import MOST_NAMED_FILES
from ..player.waveform import player
from ..words import in_plain_words
from .sources import Sources


class SourcesPanel:
    """The widgets to choose what a training learns from.

    Parameters
    ----------
    sources : Sources
        What is shown.
    """

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.drop = DropZone(sources.out / "recordings", sources.add)
        self.text = W.HTML()
        self._table = W.HTML()
        self._listening = W.VBox()
        folds = [
            fold("What it learns from: listen", self._listening, is_open=False),
            fold("What was found in each file", self._table, is_open=False),
        ]
        self._opener = folds[0].children[0]
        self._opener.observe(self._unfolded, "value")
        self._shown: Corpus | None = None
        self.widget = W.VBox([W.HTML("<h3>Sounds</h3>"), self.drop, self.text, *folds])
        sources.listen(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show everything as it is now."""
        sources = self.sources
        self._table.value = "" if sources.report is None else sources.report._repr_html_()
        if sources.job.error is not None:
            text = html.escape(in_plain_words(sources.job.error))
            self.text.value = f'<div class="mnb-wrong">{text}</div>'
        elif sources.corpus is None or sources.job.is_alive:
            done = f" {sources.job.share:.0%}" if sources.job.is_alive else ""
            self.text.value = f"Reading the sounds …{done}"
        else:
            self.text.value = _describe(sources.corpus)
            if self._opener.value:
                self._show_player()

    def _unfolded(self, change: Any) -> None:
        if change["new"]:
            self._show_player()

    def _show_player(self) -> None:
        corpus = self.sources.corpus
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


def _describe(corpus: Corpus) -> str:
    n = len(corpus.files)
    words = f"{n} file{'s' * (n != 1)}, {in_minutes(corpus.duration_seconds)} min"
    channels = {1: "mono", 2: "stereo"}.get(corpus.n_channels, f"{corpus.n_channels} channels")
    path = html.escape(readable(corpus.path))
    return f"<b>{words}</b>, {channels}, {corpus.sample_rate} Hz · {path}"
