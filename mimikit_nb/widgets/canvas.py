"""What the views that draw on a canvas share. Main names: :func:`esm`, :data:`DRAWING`."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

DRAWING = Lock()  # what is held is held for all canvases of the kernel


def esm(path: Path) -> str:
    """Text of a drawn view's module, with what all of them share in front of it."""
    files = (Path(__file__).with_suffix(".js"), path)
    return "".join(file.read_text(encoding="utf-8") for file in files)
