"""New files of a view: under a free name, whole or not at all.

Main names: :func:`free_path`, :func:`write_new`.
"""

from __future__ import annotations

from pathlib import Path

from ..audio.atomic import replacing
from ..audio.locks import naming
from ..errors import ParameterError


def free_path(path: str | Path) -> Path:
    """The path itself if there is nothing, or the first of ``<name>_002``, ``_003`` ... free."""
    path = wanted = Path(path)
    number = 1
    while path.exists():
        number += 1
        path = wanted.with_name(f"{wanted.stem}_{number:03d}{wanted.suffix}")
    return path


def write_new(path: str | Path, content: bytes) -> Path:
    """Write a file, and its folder if need be, under the path or the next free number."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with naming(path.parent):
            path = free_path(path)
            with replacing(path) as temporary:
                temporary.write_bytes(content)
    except OSError as error:
        raise ParameterError(
            f"{path} can't be written: {error.strerror or error}. Choose another folder, or "
            "make room."
        ) from error
    return path
