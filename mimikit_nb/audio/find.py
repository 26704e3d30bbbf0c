"""Find the sound files among what the user points at: files, folders, patterns.

First station of the way: the preflight and the corpus builder both start here. Nothing is
passed over in silence: what can't be looked into and what isn't sound is listed too.
"""

from __future__ import annotations

import glob
import os
import stat
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..arguments import Paths
from ..errors import AudioError
from ..paths import as_path

NEEDS_FFMPEG = frozenset(
    ".m4a .m4b .m4r .mp4 .m4v .mov .3gp .3g2 .aac .alac .wma .asf .wmv .webm .mka .mkv .avi .ape "
    ".wv .tta .tak .dsf .dff .amr .ac3 .eac3 .dts .spx .ra .rm .flv .mpg .mpeg".split()
)
"Extensions of formats that only FFmpeg reads."

READABLE = NEEDS_FFMPEG | frozenset(
    ".wav .wave .bwf .rf64 .w64 .flac .aif .aiff .aifc .ogg .oga .ogv .opus .mp3 .mp2 .mpga .caf "
    ".au .snd".split()
)
"Extensions of sound files and of videos, whose sound is read."


@dataclass
class Found:
    """What :func:`find` found.

    Attributes
    ----------
    files : list of Path
        Candidates, in the order given, sorted within a folder, none twice.
    unreadable : dict of Path to str
        Folders that could not be looked into, and why.
    ignored : Counter of str
        Number of other files in the folders, by extension; pipes, sockets and devices by what
        they are.
    """

    files: list[Path] = field(default_factory=list)
    unreadable: dict[Path, str] = field(default_factory=dict)
    ignored: Counter[str] = field(default_factory=Counter)


def find(paths: Paths) -> Found:
    """Find sound files.

    Parameters
    ----------
    paths : path or iterable of paths
        Files (taken whatever they are called), folders (searched to any depth for the
        extensions of sound files, upper or lower case; hidden files are left out), or patterns
        such as ``"takes/*.wav"``.

    Returns
    -------
    Found
        Sound files, folders that can't be read, and a count of what was ignored.

    Raises
    ------
    AudioError
        If a path doesn't exist or no path is given.
    """
    given = paths if isinstance(paths, Sequence) and not isinstance(paths, str) else [paths]
    if not given:
        raise AudioError("No path was given. Name a folder of recordings or some sound files.")
    found, seen = Found(), set[str]()
    for item in given:
        for path in _expand(item):
            if path.is_dir():
                _search(path, found, seen)
            else:
                _add(path, found, seen)
    return found


def special_kind(path: str | os.PathLike[str]) -> str:
    """What stands at a path if it is neither file nor folder, such as "named pipe"; else "".

    Opening one may wait for ever, so nothing here does.
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):  # what is wrong is said by who opens it
        return ""
    return next((kind for is_kind, kind in _SPECIAL.items() if is_kind(mode)), "")


_SPECIAL = {
    stat.S_ISFIFO: "named pipe",
    stat.S_ISSOCK: "socket",
    stat.S_ISCHR: "device",
    stat.S_ISBLK: "device",
}


def _expand(item: str | os.PathLike[str]) -> list[Path]:
    path = as_path(item)
    if os.path.lexists(path):
        return [path]
    if glob.has_magic(str(path)):
        matches = sorted(glob.glob(str(path), recursive=True))
        if matches:
            return [Path(match) for match in matches]
        raise AudioError(f"Nothing matches the pattern {str(item)!r} (in {Path.cwd()}).")
    raise AudioError(f"There is no file or folder {str(item)!r} (looked in {Path.cwd()}).")


def _search(folder: Path, found: Found, seen: set[str]) -> None:
    def refuse(error: OSError) -> None:
        found.unreadable[Path(error.filename or folder)] = error.strerror or str(error)

    visited = set[str]()
    for root, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        real = os.path.realpath(root)
        if real in visited:  # a link that leads back up
            folders.clear()
            continue
        visited.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            extension = os.path.splitext(name)[1].lower()
            if name.startswith("."):
                continue
            if extension in READABLE:
                kind = special_kind(Path(root, name))
                if kind:
                    found.ignored[kind] += 1
                else:
                    _add(Path(root, name), found, seen)
            else:
                found.ignored[extension or "no extension"] += 1


def _add(path: Path, found: Found, seen: set[str]) -> None:
    real = os.path.realpath(path)
    if real not in seen:
        seen.add(real)
        found.files.append(path)
