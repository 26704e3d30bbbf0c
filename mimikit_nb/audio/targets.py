"""What may be written over: a file of the same kind, if the user says so, and never an input.

Every function that writes to a place of the user's choice asks :func:`check_target` before it
does any work. Main names: :func:`check_target`, :class:`FileKind`.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ..errors import AudioError, MimikitError
from .find import special_kind


@dataclass(frozen=True)
class FileKind:
    """A kind of file that this package writes.

    Attributes
    ----------
    name : str
        What it is called, with its article: "a corpus".
    is_one : callable
        Whether a file that is there is of this kind.
    """

    name: str
    is_one: Callable[[Path], bool]


def check_target(
    path: Path,
    kind: FileKind,
    overwrite: bool,
    *,
    inputs: Iterable[Path] = (),
    remedy: str = "Choose another name, or pass overwrite=True to replace it.",
    error: type[MimikitError] = AudioError,
) -> None:
    """Raise an error unless a file may be written at a path.

    Parameters
    ----------
    path : Path
        Where it shall be.
    kind : FileKind
        What shall be written: only what is of this kind may be replaced.
    overwrite : bool
        Whether the user wants it replaced.
    inputs : iterable of Path
        What is read meanwhile; never written over, whatever name or link leads there.
    remedy : str
        What to do where something is there and ``overwrite`` isn't set.
    error : type
        What is raised.
    """
    if not os.path.lexists(path):
        return
    for source in inputs:
        if _is_same(path, source):
            raise error(
                f"{path} is one of the files that are read ({source}); that is never written "
                "over. Choose another name."
            )
    if not overwrite:
        raise error(f"{path} exists. {remedy}")
    if not path.exists():  # a link that leads to nothing yet
        return
    found = special_kind(path) or ("folder" if path.is_dir() else "")
    if found or not kind.is_one(path):
        what = f"is a {found}" if found else f"isn't {kind.name}"
        raise error(
            f"{path} {what}; only {kind.name} is replaced by {kind.name}. Choose another name, "
            "or remove it yourself."
        )


def begins_with(pattern: bytes, n_bytes: int = 4096) -> Callable[[Path], bool]:
    """Whether the first bytes of a file match a regular expression."""
    compiled = re.compile(pattern, re.DOTALL)

    def is_one(path: Path) -> bool:
        with contextlib.suppress(OSError), open(path, "rb") as file:
            return compiled.match(file.read(n_bytes)) is not None
        return False

    return is_one


_FORMS = (
    rb"(RIFF|RIFX|RF64|BW64).{4}WAVE",
    rb"FORM.{4}AIF[FC]",
    rb"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00",  # W64
    rb"caff\x00|fLaC|OggS|\.snd",
    rb"ID3|\xff[\xe2-\xe5\xf2-\xf5\xfa-\xfd]",  # MP3
)

SOUND = FileKind("a sound file", begins_with(b"|".join(_FORMS)))


def _is_same(path: Path, other: Path) -> bool:
    try:
        return os.path.samefile(path, other)
    except OSError:
        return False
