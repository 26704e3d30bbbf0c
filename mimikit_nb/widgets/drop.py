"""A place to drop sound files on, or to choose them; they land in a folder beside the notebook.

Works wherever the kernel runs, also in Colab: files travel in slices. Main name:
:class:`DropZone`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import anywidget
import traitlets

from .pictures import free_path

LABEL = "Drop sound files here, or choose them"
ACCEPT = "audio/*,.wav,.flac,.mp3,.ogg,.opus,.aif,.aiff,.m4a,.caf,.w64"


class DropZone(anywidget.AnyWidget):
    """Takes files from the browser.

    Parameters
    ----------
    folder : Path
        Where they are written; made when the first one comes. Nothing there is ever replaced.
    on_files : callable
        Gets the paths of the files that came together.
    """

    _esm = (Path(__file__).parent / "drop.js").read_text(encoding="utf-8")
    label = traitlets.Unicode(LABEL).tag(sync=True)
    accept = traitlets.Unicode(ACCEPT).tag(sync=True)
    status = traitlets.Unicode("").tag(sync=True)

    def __init__(self, folder: Path, on_files: Callable[[list[Path]], None], **traits: Any) -> None:
        super().__init__(**traits)
        self._folder, self._on_files = folder, on_files
        self._open: dict[str, Path] = {}
        self._taken: list[Path] = []
        self.on_msg(self._on_message)

    def _on_message(self, _: Any, message: dict[str, Any], buffers: list[Any]) -> None:
        try:
            if message.get("type") == "part":
                self._take_part(message, bytes(buffers[0]))
            elif message.get("type") == "done":
                taken, self._taken = self._taken, []
                self.status = ""
                if taken:
                    self._on_files(taken)
        except OSError as error:
            self.status = (
                f"The file can't be kept: {error.strerror}. Free some space, or choose another."
            )

    def _take_part(self, message: dict[str, Any], part: bytes) -> None:
        name = PurePosixPath(str(message["name"]).replace("\\", "/")).name or "sound"
        if message["start"] == 0:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._open[name] = free_path(self._folder / name)
        path = self._open[name]
        with path.open("ab") as file:
            file.write(part)
        share = (message["start"] + len(part)) / max(1, message["size"])
        self.status = f"{name}: {share:.0%}"
        if message["is_last"]:
            self._taken.append(self._open.pop(name))
