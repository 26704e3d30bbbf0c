"""The panel that writes segments: files for other programs, or a track of the corpus.

Main name: :class:`ExportPanel`.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import ipywidgets as W

from ...analysis import Clustering, Segmentation, write_track
from ...analysis.export import FORMATS
from ...corpus.store import Corpus
from ...recipes.workspace import new_folder
from ..forms.controls import button, explain

IN_WORDS = {
    "audacity": "Audacity labels",
    "csv": "CSV",
    "json": "JSON",
    "wav": "a WAV per segment",
    "bounce": "a WAV per label, all its segments in a row",
    "cue": "the recording as WAV with cue points",
    "reaper": "Reaper regions",
    "sonic_pi": "folders for Sonic Pi, one per label",
    "sfz": "SFZ sampler patch",
}
MOST_PATHS = 12  # named one by one

Result = Segmentation | Clustering


class Holder(Protocol):
    """Whatever has a result to write."""

    def result(self) -> Result:
        """The result as it is now."""

    def kept(self) -> None:
        """It was written."""


class ExportPanel:
    """Choose formats and a folder, and write.

    Parameters
    ----------
    holder : Holder
        Whose result is written.
    out : Path
        Folder that exports go to, each into a new one of its own.
    corpus : Corpus, optional
        Where a track can be written.
    track : str
        What it is called if nobody says otherwise.
    do : callable
        Does an action, and says in the view what went wrong.
    """

    def __init__(
        self,
        holder: Holder,
        out: Path,
        corpus: Corpus | None,
        track: str,
        do: Callable[[Callable[[], None]], None],
    ) -> None:
        self._holder, self._out, self._corpus = holder, out, corpus
        assert set(IN_WORDS) == set(FORMATS)
        self.formats = W.SelectMultiple(
            options=[(text, name) for name, text in IN_WORDS.items()],
            value=("audacity", "csv", "json"),
            rows=len(IN_WORDS),
            layout=W.Layout(width="340px"),
        )
        explain(self.formats, "Formats to write; Ctrl and click takes several.")
        self.fade = W.BoundedFloatText(
            value=0.0, min=0.0, max=1000.0, step=1.0, description="fade, ms", layout=_narrow(170)
        )
        explain(self.fade, "Fade at both ends of every cut sound; 0 leaves the samples exact.")
        self.export = button("Export", "Write these formats into a new folder.", "primary")
        self.export.on_click(lambda _: do(self._export))
        self.paths = W.HTML()
        rows = [self.fade, self.export]
        if corpus is not None:
            self.track = W.Text(value=track, description="track", layout=_narrow(240))
            self.replace = W.Checkbox(description="replace", indent=False, layout=_narrow(90))
            explain(self.replace, "Whether a track of this name may be replaced.")
            self.write = button("Write to corpus", "Keep the labels in the corpus, as a track.")
            self.write.on_click(lambda _: do(self._write))
            rows += [W.HBox([self.track, self.replace]), self.write]
        self.widget = W.VBox(
            [
                W.HBox([self.formats, W.VBox(rows)], layout=W.Layout(flex_flow="row wrap")),
                self.paths,
            ]
        )

    def _export(self) -> None:
        formats = list(self.formats.value)
        folder = new_folder(self._out / "export")
        paths = self._holder.result().export(
            folder, formats, fade_seconds=float(self.fade.value) / 1000
        )
        self._holder.kept()
        self._say(f"{len(paths)} files in {folder.absolute()}", [str(p.name) for p in paths])

    def _write(self) -> None:
        assert self._corpus is not None
        found = self._holder.result()
        name = write_track(found, self._corpus, self.track.value.strip(), self.replace.value)
        self._holder.kept()
        self._say(f"Track {name!r} with {len(found)} segments in {self._corpus.path}", [])

    def _say(self, line: str, names: list[str]) -> None:
        more = [f"and {len(names) - MOST_PATHS} more"] if len(names) > MOST_PATHS else []
        items = "".join(f"<br><code>{html.escape(n)}</code>" for n in names[:MOST_PATHS] + more)
        self.paths.value = f"Written: {html.escape(line)}{items}"


def _narrow(width: int) -> Any:
    return W.Layout(width=f"{width}px")
