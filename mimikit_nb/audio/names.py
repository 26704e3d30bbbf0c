"""Names of files: safe ones from any text, and those of a disk as text and for libsndfile.

A name on disk need not be text: on Linux it is bytes, and Python keeps those that aren't UTF-8
as lone surrogates. Main names: :func:`file_name`, :func:`readable`,
:func:`native`, :func:`in_utf8`.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator

from ..errors import printable

N_LETTERS = 60
"Letters of a safe name; of the widest script they are 240 bytes, and 255 is the limit of disks."

_RESERVED = re.compile(
    r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³])(?=\.|$)", re.IGNORECASE
)
"Names that Windows keeps for devices, with any extension."


def file_name(text: str, spaces: bool = True, n_letters: int = N_LETTERS) -> str:
    """Turn a text into a name that a file can have on every system.

    Letters and digits of all scripts stay, with ``. _ - + =``; all else becomes an underscore.
    Names that Windows keeps for devices (``CON``, ``aux.wav``) get one in front.

    Parameters
    ----------
    text : str
        A label, a title, a name from elsewhere.
    spaces : bool, default True
        Whether spaces stay.
    n_letters : int, default 60
        Where it is cut off.

    Returns
    -------
    str
        Never empty, never more than one part of a path.
    """
    unsafe = r"[^\w.+=\- ]" if spaces else r"[^\w.+=-]+"
    name = re.sub(unsafe, "_", text).strip(" .")[:n_letters].rstrip(" .") or "_"
    return f"_{name}" if _RESERVED.match(name) else name


def readable(path: str | os.PathLike[str]) -> str:
    r"""Path as text that every terminal, page and table takes; odd bytes show as ``\xe9``."""
    return printable(os.fspath(path))


def native(path: str | os.PathLike[str]) -> str | bytes:
    """Path as libsndfile takes it: as bytes where names are bytes, since not all are text."""
    return os.fspath(path) if sys.platform == "win32" else os.fsencode(path)


@contextlib.contextmanager
def in_utf8(path: str | os.PathLike[str]) -> Iterator[str]:
    """Path of a file that is there, for libraries that take text only.

    Where it isn't text, that is a path of Linux that leads to the same file.
    """
    text = os.fspath(path)
    if readable(text) == text:
        yield text
        return
    with open(text, "rb") as file:
        yield f"/proc/self/fd/{file.fileno()}"
