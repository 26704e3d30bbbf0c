"""Writing and opening pieces: mix, score, stems, labels, regions, and a sound's own score.

Main name: :class:`EnsembleFiles`.
"""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as W

from ..files import write_new
from ..forms.controls import button, explain
from .model import EnsembleModel
from .sources import Do


class EnsembleFiles:
    """Buttons that write and read files.

    Parameters
    ----------
    model : EnsembleModel
    do : callable
        Does an action, and says in the view what went wrong.
    say : callable
        Shows a line in the view.
    """

    def __init__(self, model: EnsembleModel, do: Do, say: Callable[[str], None]) -> None:
        self.model, self._say = model, say
        self.stems = W.Checkbox(
            value=True, description="with stems", indent=False, layout=W.Layout(width="110px")
        )
        explain(self.stems, "Also a file per generator, or per voice where several sound at once.")
        self.save = button(
            "Save piece", "Write mix, score, labels, regions and a picture.", "primary"
        )
        self.save.on_click(lambda _: do(self._save))
        self.score = button("Save score", "Write only the score, as YAML.")
        self.score.on_click(lambda _: do(self._save_score))
        self.path = W.Text(
            placeholder="score.yaml, or a saved .wav", description="file",
            layout=W.Layout(width="420px"),
        )  # fmt: skip
        explain(self.path, "A score, or a sound that was saved here: it leads back to its score.")
        self.open = button("Open", "Put the turns of this score or sound on the timeline.")
        self.open.on_click(lambda _: do(self._open))
        wrapped = W.Layout(flex_flow="row wrap", align_items="center")
        self.widget = W.VBox(
            [
                W.HBox([self.save, self.stems, self.score], layout=wrapped),
                W.HBox([self.path, self.open], layout=wrapped),
            ]
        )

    def _save(self) -> None:
        paths = self.model.save(bool(self.stems.value))
        names = ", ".join(path.name for path in paths)
        self._say(f"Written to {self.model.out.absolute()}: {names}")

    def _save_score(self) -> None:
        text = self.model.composer.draft.score().to_yaml()
        path = write_new(self.model.out / "score.yaml", text.encode())
        self._say(f"Written: {path.absolute()}")

    def _open(self) -> None:
        self.model.open(self.path.value)
        self._say(f"The timeline shows {self.path.value}.")
