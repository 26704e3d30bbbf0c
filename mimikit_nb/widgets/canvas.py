"""JavaScript of the views that draw on a canvas. Main name: :func:`esm`."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent


def esm(name: str) -> str:
    """Text of a drawn view's module, with what all of them share in front of it."""
    return "".join((HERE / file).read_text(encoding="utf-8") for file in ("canvas.js", name))
