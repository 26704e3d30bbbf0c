"""Files that appear whole or not at all.

Whatever this package writes and somebody may read later (sounds, corpora) is written under a
temporary name in the same folder, synced to disk and renamed. A crash at any instant leaves the
old file or the new one. What a killed process left behind is swept by the next one that writes
to the same place.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

from ..errors import AudioError
from .locks import is_alive


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path that becomes ``path`` if the block ends without an error.

    Parameters
    ----------
    path : Path
        Where the file shall be. What is there stays untouched until the very end.

    Yields
    ------
    Path
        Where to write. The block has to close what it opens.
    """
    path = Path(os.path.realpath(path))  # what a link points at is replaced, not the link
    sweep(path)
    temporary = path.with_name(f".{path.name}.{_host()}-{os.getpid()}-{threading.get_ident()}.part")
    try:
        yield temporary
        sync(temporary)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


@contextlib.contextmanager
def folder_in_use(folder: Path) -> Iterator[Path]:
    """Make a folder for the time of a block; it stays if the block ends without an error."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield folder
    except BaseException:
        for made in missing:
            with contextlib.suppress(OSError):  # somebody else put something in it
                made.rmdir()
        raise


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, unless it is there.

    Raises
    ------
    AudioError
        If it can't be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AudioError(
            f"{folder} can't be made: {error.strerror or error}. Choose another folder."
        ) from error


def sync(path: Path) -> None:
    """Force what was written to ``path`` onto the disk."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def sweep(path: Path) -> None:
    """Remove the temporary files that killed processes of this machine left for ``path``."""
    pattern = re.compile(rf"\.{re.escape(path.name)}\.{re.escape(_host())}-(\d+)-\d+\.part")
    with contextlib.suppress(OSError):
        for sibling in path.parent.iterdir():
            match = pattern.fullmatch(sibling.name)
            if match and not is_alive(int(match[1])):
                sibling.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Force the rename itself onto the disk, where the system can."""
    with contextlib.suppress(OSError):  # Windows can't open folders; some network drives can't sync
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _host() -> str:
    return re.sub(r"\W", "_", socket.gethostname())
