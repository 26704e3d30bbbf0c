"""Locks between processes: who writes to a file or a folder holds it, and is named to others.

A lock is a small file beside what is written, locked by the operating system: a process that is
killed holds nothing any more, on this machine or, where the network's disk passes locks on, on
another. It says who holds it, and since when; on disks that know no locks, that alone counts. A
file of this name that says something else is somebody's: it is never changed or removed.
Main names: :func:`held`, :func:`held_folder`, :func:`lock_of`.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from ..errors import AudioError, MimikitError

PATIENCE_SECONDS = 0.5
"How long to wait for somebody who only looks whether a lock is held."

SHORT_WORK_SECONDS = 60.0
"How long to wait for those who hold a lock for a moment, to write a table or a track."

_RETRY_SECONDS = 0.02
_LONGEST_TEXT = 4096


class Lock:
    """A lock that a process may hold; it lies in a file.

    Parameters
    ----------
    path : Path
        The file; made when the lock is taken, removed when it is released. One that is there must
        be empty, or a lock that was left behind.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def take(self, patience_seconds: float = PATIENCE_SECONDS) -> bool:
        """Take the lock; False if somebody else, or another part of this process, holds it.

        Raises
        ------
        OSError
            If the file can't be made, or is somebody's own file.
        """
        end = time.monotonic() + patience_seconds
        while not self._try_to_take():
            if time.monotonic() > end:
                return False
            time.sleep(_RETRY_SECONDS)
        return True

    def release(self) -> None:
        """Let go of the lock."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        if sys.platform != "win32":  # there, a file that is open can't be removed
            _remove(self.path)
            os.close(descriptor)
        else:
            os.close(descriptor)
            _remove(self.path)

    @property
    def is_held(self) -> bool:
        """Whether somebody holds the lock."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY)  # whoever may read may ask
        except OSError:
            return False
        try:
            return not _lock(descriptor, self.path, is_shared=True)
        finally:
            os.close(descriptor)

    @property
    def owner(self) -> str:
        """Who holds the lock, in words."""
        facts = _read_owner(self.path)
        if not facts:
            return "another process"
        if _is_this_process(facts):
            part = "another cell of this notebook, or another part of this process"
            return f"{part}, since {facts['since']}"
        return f"process {facts['pid']} on {facts['host']} since {facts['since']}"

    def _try_to_take(self) -> bool:
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            # Whoever held it may have removed the file since it was opened.
            if _lock(descriptor, self.path) and _is_at(descriptor, self.path):
                self._sign(descriptor)
                self._descriptor, descriptor = descriptor, -1
                return True
            return False
        finally:
            if descriptor >= 0:
                os.close(descriptor)

    def _sign(self, descriptor: int) -> None:
        """Write into the file, which is locked, who holds it."""
        if os.fstat(descriptor).st_size and not _read_owner(self.path):
            raise FileExistsError(
                errno.EEXIST,
                f"its file {self.path.name!r} isn't this package's, and is never written over; "
                "move it",
            )
        try:
            os.ftruncate(descriptor, 0)
            os.write(descriptor, json.dumps(_this_process()).encode())
        except OSError:
            os.ftruncate(descriptor, 0)  # half a text would be taken for somebody's file
            raise
        with contextlib.suppress(OSError):  # who shares the folder shares its locks
            self.path.chmod(self.path.parent.stat().st_mode & 0o666)


@contextlib.contextmanager
def held(
    path: Path,
    refuse: Callable[[str], MimikitError],
    error: type[MimikitError],
    patience_seconds: float = PATIENCE_SECONDS,
) -> Iterator[None]:
    """Hold a lock while the block runs.

    Parameters
    ----------
    path : Path
        File of the lock, in a folder that is there.
    refuse : callable
        Gets who holds it, in words ("process 12 on studio since ..."); gives what to raise.
    error : type
        What is raised if nobody holds it, and it can't be taken all the same.
    patience_seconds : float >= 0, default 0.5
        How long to wait for it.
    """
    lock = _taken(path, refuse, error, patience_seconds)
    try:
        yield
    finally:
        lock.release()


def hold_for(
    owner: object,
    path: Path,
    refuse: Callable[[str], MimikitError],
    error: type[MimikitError],
) -> Callable[[], object]:
    """Hold a lock as long as an object lives, or until what is returned is called.

    Parameters
    ----------
    owner : object
        Whatever writes.
    path, refuse, error
        As for :func:`held`.
    """
    return weakref.finalize(owner, _taken(path, refuse, error).release)


def _taken(
    path: Path,
    refuse: Callable[[str], MimikitError],
    error: type[MimikitError],
    patience_seconds: float = PATIENCE_SECONDS,
) -> Lock:
    lock = Lock(path)
    try:
        is_taken = lock.take(patience_seconds)
    except OSError as failure:
        raise _unusable(path.parent, failure, error) from failure
    if not is_taken:
        raise refuse(lock.owner)
    return lock


def _unusable(folder: Path, failure: OSError, error: type[MimikitError]) -> MimikitError:
    return error(
        f"{folder} can't be written to: {failure.strerror or failure}. Choose another folder, or "
        "make room."
    )


def lock_of(path: Path) -> Path:
    """Where the lock of a file lies: hidden, beside it, or beside what a link points at."""
    path = Path(os.path.realpath(path))
    return path.with_name(f".{path.name}.lock")


@contextlib.contextmanager
def held_folder(
    folder: Path,
    what: str,
    error: type[MimikitError],
    name: str = ".lock",
    patience_seconds: float = PATIENCE_SECONDS,
    busy: type[MimikitError] | None = None,
) -> Iterator[None]:
    """Hold a folder, which is made if need be, while the block runs.

    Parameters
    ----------
    folder : Path
        The folder.
    what : str
        What others do with it who hold it: "is evaluated".
    error : type
        What is raised if it is held, or can't be written to.
    name : str
        Of the lock.
    patience_seconds : float >= 0
        How long to wait for it.
    busy : type, optional
        What is raised if it is held; ``error`` if not given.
    """

    def refuse(owner: str) -> MimikitError:
        return (busy or error)(
            f"{folder} {what} right now by {owner}. Wait until that is done, or choose another "
            "folder."
        )

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        raise _unusable(folder, failure, error) from failure
    with held(folder / name, refuse, error, patience_seconds):
        yield


def naming(folder: Path) -> contextlib.AbstractContextManager[None]:
    """Hold a folder while free names are looked for in it and taken."""
    return held_folder(folder, "is written to", AudioError, ".names.lock", SHORT_WORK_SECONDS)


def is_alive(pid: int) -> bool:
    """Whether a process of this machine runs; True where that can't be found out."""
    if sys.platform == "win32":  # there, signal 0 would end the process
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _this_process() -> dict[str, Any]:
    now = f"{datetime.now():%Y-%m-%d %H:%M:%S}"
    return {"pid": os.getpid(), "host": socket.gethostname(), "since": now}


def _is_this_process(facts: dict[str, Any]) -> bool:
    return (facts["pid"], facts["host"]) == (os.getpid(), socket.gethostname())


def _read_owner(path: Path) -> dict[str, Any]:
    """What the lock's file says; empty if it says nothing."""
    with contextlib.suppress(OSError, ValueError):
        with open(path, "rb") as file:
            facts = json.loads(file.read(_LONGEST_TEXT))
        if isinstance(facts, dict) and facts.keys() >= {"pid", "host", "since"}:
            return facts
    return {}


def _is_free_by_its_text(path: Path) -> bool:
    """Whether nobody is named as owner, or one of this machine who has ended."""
    facts = _read_owner(path)
    if not facts:
        return True
    return facts["host"] == socket.gethostname() and not is_alive(int(facts["pid"]))


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file still is the one that stands at a path."""
    try:
        there, opened = os.stat(path), os.fstat(descriptor)
    except OSError:
        return False
    return (there.st_ino, there.st_dev) == (opened.st_ino, opened.st_dev)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


if sys.platform == "win32":
    import msvcrt

    _FAR = 2**30  # the byte that is locked: far behind the text, which others may read

    def _lock(descriptor: int, path: Path, is_shared: bool = False) -> bool:
        """Lock an open file until it is closed; False if somebody else holds it."""
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            is_taken = error.errno in (errno.EACCES, errno.EDEADLK)
            return not is_taken and _is_free_by_its_text(path)
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _lock(descriptor: int, path: Path, is_shared: bool = False) -> bool:
        """Lock an open file until it is closed; False if somebody else holds it.

        Shared locks exclude only those that aren't: two who look don't take each other for the
        owner.
        """
        kind = fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a network's disk that knows no locks
            return _is_free_by_its_text(path)
        return True
