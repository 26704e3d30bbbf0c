"""What all tests share: seeds, a tone, recordings to read, a corpus that is made in a moment."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import hypothesis
import numpy as np
import pytest

from mimikit_nb.audio.demo import demo_music
from mimikit_nb.audio.find import find
from mimikit_nb.audio.write import write
from mimikit_nb.corpus import Corpus, build_corpus, open_corpus
from tests.safety import kinds

SAMPLE_RATE = 22050

# Processes that fill one cache of compiled functions (librosa's) at the same time can crash.
_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
os.environ["NUMBA_CACHE_DIR"] = str(Path(tempfile.gettempdir()) / f"mimikit_nb-numba-{_WORKER}")

# A busy machine is no reason to fail.
hypothesis.settings.register_profile("mimikit_nb", deadline=None)
hypothesis.settings.register_profile("few", deadline=None, max_examples=5)  # of `make quick`
hypothesis.settings.load_profile("mimikit_nb")


@pytest.fixture(autouse=True)
def _seeds() -> None:
    """Same global random numbers for every test."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - libraries that still use the legacy generator
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the embedded corpus of the tests out of the user's cache."""
    os.environ["MIMIKIT_NB_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def tone() -> np.ndarray:
    """One second of 440 Hz at 22050 Hz, half of full scale [shape=(N,), dtype=float32]."""
    return (0.5 * np.sin(2 * np.pi * 440 * np.arange(SAMPLE_RATE) / SAMPLE_RATE)).astype(np.float32)


@pytest.fixture(scope="session")
def music() -> np.ndarray:
    """Six seconds of the embedded music at 22050 Hz [shape=(N,), dtype=float32]."""
    return demo_music(SAMPLE_RATE, seconds=6.0)


@pytest.fixture(scope="session")
def audio_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of recordings: real ones where there are any, else the embedded music."""
    given = os.environ.get("MIMIKIT_NB_AUDIO")
    beside = Path(__file__).parents[2] / "shared" / "audio"
    for folder in (Path(given) if given else beside, beside):
        if folder.is_dir() and find(folder).files:
            return folder
    folder = tmp_path_factory.mktemp("audio")
    for seed in range(3):
        write(folder / f"take_{seed}.wav", demo_music(44100, seconds=10.0, seed=seed), 44100)
    return folder


@pytest.fixture
def as_somebody_else(
    _built_corpus: Path,  # imports what is imported late: others may not enter Python's folder
) -> Iterator[tuple[Path, Callable[[], AbstractContextManager[None]]]]:
    """Folder that everybody may enter, and a context without the rights of root."""

    @contextlib.contextmanager
    def without_rights() -> Iterator[None]:
        is_root = os.name == "posix" and os.geteuid() == 0
        if is_root:
            os.setegid(65534)
            os.seteuid(65534)
        try:
            yield
        finally:
            if is_root:
                os.seteuid(0)
                os.setegid(0)

    folder = Path(tempfile.mkdtemp(prefix="mimikit_nb-"))
    folder.chmod(0o755)
    yield folder, without_rights
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
    shutil.rmtree(folder)


@pytest.fixture
def on_full_disk(tmp_path: Path) -> Iterator[Callable[[str], subprocess.CompletedProcess[str]]]:
    """Run Python code in a process whose working folder soon has no space left.

    A disk of 1 MiB where the system lets us mount one, else a limit on the size of files.
    """
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    is_mounted = bool(shutil.which("mount")) and not subprocess.run(mount, stderr=-3).returncode

    def run(code: str) -> subprocess.CompletedProcess[str]:
        limit = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        limit += "resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))\n"
        command = [sys.executable, "-c", ("" if is_mounted else limit) + code]
        return subprocess.run(command, cwd=disk, capture_output=True, text=True)

    yield run
    if is_mounted:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.fixture(scope="session")
def _built_corpus(tmp_path_factory: pytest.TempPathFactory, music: np.ndarray) -> Path:
    folder = tmp_path_factory.mktemp("takes")
    half = len(music) // 2
    write(folder / "a.wav", music[:half], SAMPLE_RATE)
    write(folder / "b.wav", music[half:], SAMPLE_RATE)
    return build_corpus(folder, folder / "corpus.h5", SAMPLE_RATE).path


@pytest.fixture
def tiny_corpus(_built_corpus: Path, tmp_path: Path) -> Corpus:
    """Corpus of two files, six seconds together, mono at 22050 Hz; each test has its own copy."""
    return open_corpus(shutil.copy(_built_corpus, tmp_path / "corpus.h5"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell what the tests of input safety covered, by kind of fault."""
    found = {
        outcome: [r.nodeid for r in terminalreporter.getreports(outcome) if r.when == "call"]
        for outcome in ("passed", "failed")
    }
    outcomes = {node: outcome for outcome, nodes in found.items() for node in nodes}
    lines = [*kinds.summary(found["passed"], found["failed"]), *kinds.faults(outcomes)]
    if walk := kinds.walked(outcomes):
        lines.append(walk)
    if lines:
        terminalreporter.section("input safety")
        terminalreporter.write("\n".join(lines) + "\n")
