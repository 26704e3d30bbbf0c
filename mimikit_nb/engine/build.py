"""Find a C compiler, compile a program once, load it."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

from ..errors import EngineError
from .cache import cache_folder, cache_key, write_atomically

# Sums are reordered only where a loop says so (omp simd reduction): the order of all others, and
# with it the last bit of a row, doesn't depend on which other rows there are.
FLAGS = (
    "-O3 -std=gnu11 -shared -fPIC -fvisibility=hidden -w -fopenmp-simd -fno-math-errno "
    "-fno-trapping-math -fno-signed-zeros -freciprocal-math"
).split()
_TIMEOUT_SECONDS = 300


class CompilerError(EngineError):
    """No compiler, or one that doesn't compile what it is given."""


def find_compiler() -> list[str]:
    """Command of a C compiler: ``$CC``, gcc, clang, cc, or zig from PyPI.

    Raises
    ------
    CompilerError
        If there is none.
    """
    if os.environ.get("CC"):
        return shlex.split(os.environ["CC"])
    for name in ("gcc", "clang", "cc"):
        if path := shutil.which(name):
            return [path]
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc"]
    raise CompilerError("There is no C compiler; install gcc or clang, or `pip install ziglang`.")


@lru_cache(maxsize=8)
def compiler_version(command: tuple[str, ...]) -> str:
    """First line of what a compiler says of itself."""
    try:
        said = subprocess.run(
            [*command, "--version"],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise CompilerError(
            f"The compiler {shlex.join(command)!r} can't be run: {error}"
        ) from error
    return said.stdout.splitlines()[0] if said.stdout else ""


def build_library(source: str, extra_flags: tuple[str, ...] = ()) -> tuple[ctypes.CDLL, str]:
    """Shared library of a C source, from the cache if it has been built before, and its key.

    Raises
    ------
    CompilerError
        If there is no compiler or it fails; the message holds its first complaint.
    """
    command = find_compiler()
    version = compiler_version(tuple(command))
    failure = None
    for native in _native_flags():
        flags = [*FLAGS, *extra_flags, *native]
        key = cache_key(source, shlex.join(command), version, *flags)
        library = cache_folder() / f"{key}.so"
        try:
            if not library.exists():
                _compile([*command, *flags], source, library)
            return _load(library, [*command, *flags], source), key
        except CompilerError as error:
            failure = failure or error
    assert failure is not None
    raise failure


def _native_flags() -> list[list[str]]:
    """Ways to ask for code for this CPU, best first."""
    march, mcpu = ["-march=native"], ["-mcpu=native"]
    return [march, mcpu, []] if platform.machine() in ("x86_64", "AMD64") else [mcpu, march, []]


def _compile(command: list[str], source: str, library: Path) -> None:
    text = library.with_suffix(".c")
    write_atomically(text, source)
    handle, unfinished = tempfile.mkstemp(
        dir=library.parent, prefix=f".{library.stem}.", suffix=".so"
    )
    os.close(handle)
    try:
        subprocess.run(
            [*command, str(text), "-o", unfinished, "-lm"],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=True,
        )
        os.replace(unfinished, library)
    except subprocess.CalledProcessError as error:
        complaint = next(
            (line for line in error.stderr.splitlines() if "error" in line), error.stderr[:300]
        )
        raise CompilerError(f"{shlex.join(command)} failed: {complaint.strip()}") from error
    except (OSError, subprocess.SubprocessError) as error:
        raise CompilerError(f"{shlex.join(command)} can't be run: {error}") from error
    finally:
        Path(unfinished).unlink(missing_ok=True)


def _load(library: Path, command: list[str], source: str) -> ctypes.CDLL:
    """Load a library; one that another system or a full disk has left is built again."""
    try:
        return ctypes.CDLL(str(library))
    except OSError:
        library.unlink(missing_ok=True)
        _compile(command, source, library)
    try:
        return ctypes.CDLL(str(library))
    except OSError as error:
        raise CompilerError(f"The compiled program can't be loaded: {error}") from error
