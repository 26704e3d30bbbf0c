"""From what a user writes to a path: the only place that knows home folders and variables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from .errors import ParameterError

LONGEST_NAME = 255
"Bytes of a file's name that disks take."


def as_path(value: str | bytes | os.PathLike[str]) -> Path:
    """Path of what a user wrote: ``~`` and environment variables are expanded.

    Parameters
    ----------
    value : str, bytes or path
        Relative paths stay relative to the current folder. A name with a ``$`` that is there as it
        stands is that file.

    Returns
    -------
    Path

    Raises
    ------
    ParameterError
        If it is empty or can't be a path.
    """
    try:
        return expanded(value)
    except ValueError as error:
        because = f": {error}" if str(error) else ""
        raise ParameterError(f"{value!r} can't be a path{because}.") from None


def expanded(value: Any) -> Path:
    """Path as by :func:`as_path`; a ValueError says why there is none."""
    if not isinstance(value, str | bytes | os.PathLike):
        raise ValueError
    text = os.fsdecode(value)
    if not text.strip():
        raise ValueError("it is empty; '.' is the folder you are in")
    if "\0" in text:
        raise ValueError("it holds a NUL character")
    if "$" in text and not os.path.lexists(text):
        text = os.path.expandvars(text)
    path = Path(os.path.expanduser(text))
    if any(len(os.fsencode(part)) > LONGEST_NAME for part in path.parts):
        raise ValueError(f"a name in it has more than {LONGEST_NAME} bytes")
    return path
