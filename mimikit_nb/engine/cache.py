"""Where compiled programs are kept: one folder per user, shared by all processes.

Files are written under a temporary name and renamed, so that a reader sees a whole file or none,
and two processes that build the same program do no harm.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import tempfile
from functools import lru_cache
from pathlib import Path


def cache_folder() -> Path:
    """Folder of compiled programs; a temporary one where the user's can't be written.

    ``MIMIKIT_NB_CACHE`` names another place for all that the package keeps.
    """
    chosen = os.environ.get("MIMIKIT_NB_CACHE")
    folder = (Path(chosen) if chosen else _user_cache() / "mimikit_nb") / "engine"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if _is_writable(folder):
            return folder
    except OSError:
        pass
    return _temporary_folder()


def _is_writable(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _user_cache() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))


_temporary: list[Path] = []


def _temporary_folder() -> Path:
    """Folder of this process; another one once it is gone or another user's."""
    if not _temporary or not _is_writable(_temporary[-1]):
        _temporary.append(Path(tempfile.mkdtemp(prefix="mimikit_nb_engine_")))
    return _temporary[-1]


def cache_key(*parts: str) -> str:
    """Key of a program: all that its compiled form depends on, and the CPU's abilities."""
    text = "\0".join([*parts, *cpu_flags()])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@lru_cache(maxsize=1)
def cpu_flags() -> tuple[str, ...]:
    """What the CPU is and can, as far as the operating system says it."""
    known = [platform.system(), platform.machine(), platform.processor()]
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return tuple(known)
    words = ("flags", "Features", "model name", "CPU part")
    known += [
        line.split(":", 1)[1].strip() for word in words for line in lines if line.startswith(word)
    ][:4]
    return tuple(known)


def has_cpu_flag(name: str) -> bool:
    """Whether the CPU says that it has an ability."""
    return any(name in known.split() for known in cpu_flags())


def write_atomically(path: Path, text: str) -> None:
    """Write a text file that is seen whole or not at all."""
    with tempfile.NamedTemporaryFile(
        "w",
        dir=path.parent,
        prefix=f".{path.stem}.",
        suffix=path.suffix,
        delete=False,
        encoding="utf-8",
    ) as file:
        file.write(text)
    os.replace(file.name, path)
