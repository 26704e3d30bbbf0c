"""A place to drop sound files on, or to choose them; they land in a folder beside the notebook.

Works wherever the kernel runs, also in Colab: files travel in slices. Main name:
:class:`DropZone`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import uuid4

import anywidget
import traitlets

from ...audio.find import READABLE
from ...audio.locks import naming
from ...audio.names import file_name
from ..files import free_path

LABEL = "Drop sound files here, or choose them"
ACCEPT = ",".join(["audio/*", "video/*", *sorted(READABLE)])


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
        self._open: dict[str, Path] = {}  # unfinished files, by the page's key
        self._taken: list[Path] = []
        self._refused: list[str] = []
        self.on_msg(self._on_message)

    def _on_message(self, _: Any, message: dict[str, Any], buffers: list[Any]) -> None:
        """Do what the page asks, and answer last of all: then the page asks again."""
        kind, is_taken = message.get("type"), False
        try:
            if kind == "part":
                is_taken = self._take_part(message, bytes(buffers[0]))
            elif kind == "unreadable":
                self._refuse(message, "can't be read; a folder? Drop the files in it.")
            elif kind == "done":
                self._hand_over()
                is_taken = True
        finally:
            self.send({"id": message.get("id"), "is_taken": is_taken})

    def _take_part(self, message: dict[str, Any], part: bytes) -> bool:
        """Keep a slice; whether it could be kept."""
        key, name = message["key"], _name_of(message)
        try:
            if message["start"] == 0:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._open[key] = self._folder / f".{uuid4().hex}.part"
            path = self._open[key]
            with path.open("ab") as file:
                file.write(part)
            if message["is_last"]:
                with naming(self._folder):
                    self._taken.append(path.rename(free_path(self._folder / name)))
                del self._open[key]
        except OSError as error:
            remedy = "Free some space, or choose another."
            self._refuse(message, f"can't be kept: {error.strerror}. {remedy}")
            return False
        share = (message["start"] + len(part)) / max(1, message["size"])
        self.status = f"{name}: {share:.0%}"
        return True

    def _refuse(self, message: dict[str, Any], why: str) -> None:
        self._refused.append(f"{_name_of(message)} {why}")
        unfinished = self._open.pop(message["key"], None)
        if unfinished is not None:
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)

    def _hand_over(self) -> None:
        """Pass on the files that came together, and say which didn't."""
        taken, self._taken = self._taken, []
        self.status, self._refused = " ".join(self._refused), []
        if taken:
            self._on_files(taken)


def _name_of(message: dict[str, Any]) -> str:
    """The file's own name, whatever path came with it."""
    name = PurePosixPath(str(message.get("name", "")).replace("\\", "/")).name
    return file_name(name, n_letters=len(name)) if name else "sound"  # too long says the disk
