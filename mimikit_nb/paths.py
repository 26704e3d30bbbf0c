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
        Relative paths stay relative to the current folder. A name with a ``$`` (on Windows also a
        ``%``) that is there as it stands is that file. ``./~`` is a name, not the home folder.

    Returns
    -------
    Path
        Read once more, it stays what it is.

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
    path = Path(_at_home(_with_variables(text)))
    if str(path).startswith("~"):  # a name, not a home folder
        path = Path.cwd() / path
    if any(len(os.fsencode(part)) > LONGEST_NAME for part in path.parts):
        raise ValueError(f"a name in it has more than {LONGEST_NAME} bytes")
    return path


def _with_variables(text: str) -> str:
    """Text with the values of environment variables; as it is if a file is called so."""
    marks = "$%" if os.name == "nt" else "$"
    is_plain = not any(mark in text for mark in marks) or os.path.lexists(text)
    return text if is_plain else os.path.expandvars(text)


def _at_home(text: str) -> str:
    """Text with the home folder for its ``~``; ``~backup.wav`` is a name."""
    found = os.path.expanduser(text)
    if found == text and text.startswith("~") and len(Path(text).parts) > 1:
        user = Path(text).parts[0]
        raise ValueError(f"there is no user {user[1:]!r}; write ./{user} for a folder of this name")
    return found
