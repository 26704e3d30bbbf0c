"""The machine a notebook runs on: device, precision, seeds, and who is looking.

``start`` is what the setup cell of every notebook calls.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .arguments import Seed, checked
from .errors import ParameterError

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Runtime:
    """What :func:`start` found out.

    Attributes
    ----------
    device : str
        "cuda", "mps" or "cpu".
    headless : bool
        Whether nobody can press buttons (papermill, scripts, tests).
    is_colab : bool
        Whether this runs in Google Colab.
    seed : int
        Seed that was set.
    folder : str
        Where relative paths begin.
    """

    device: str
    headless: bool
    is_colab: bool
    seed: int
    folder: str


DRIVE = Path("/content/drive/MyDrive")
"Where Colab mounts Google Drive."


@checked
def start(headless: bool | None = None, seed: Seed = 0) -> Runtime:
    """Seed everything, set torch up, and say where we are.

    In Colab with Google Drive mounted, relative paths begin in the folder ``mimikit_nb`` there
    from now on, so that runs outlive the session.

    Parameters
    ----------
    headless : bool, optional
        Whether to show pictures instead of widgets; found out by :func:`is_headless` if None.
    seed : int, default 0
        Seed of Python's, numpy's and torch's random numbers.

    Examples
    --------
    >>> here = mnb.start(headless=True, seed=0)
    >>> here.headless
    True
    """
    use_huge_pages()
    seed_everything(seed)
    found = is_headless() if headless is None else headless
    if is_colab() and not found:
        say(_move_to_drive())
    return Runtime(default_device(), found, is_colab(), seed, os.getcwd())


def say(*lines: object) -> None:
    """Print lines at once; letters that the terminal doesn't have show as their codes."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    for line in lines:
        print(str(line).encode(encoding, "backslashreplace").decode(encoding), flush=True)


def _move_to_drive() -> str:
    """Work on Google Drive if it is mounted; what came of it, in words."""
    if not DRIVE.is_dir():
        return (
            "Google Drive isn't mounted: what is made here ends with the session. To keep it, "
            "mount Drive (the folder symbol at the left) and run this cell again."
        )
    folder = DRIVE / "mimikit_nb"
    if DRIVE not in Path.cwd().parents:
        try:
            folder.mkdir(exist_ok=True)
            os.chdir(folder)
        except OSError as error:
            return f"Google Drive can't be written to ({error.strerror}); working in {Path.cwd()}."
    return (
        f"What is made here is kept on Google Drive, in {Path.cwd()}. Files that were uploaded to "
        "the session lie in /content: give their whole path."
    )


def check_memory(n_bytes: int, what: str) -> None:
    """Raise a ParameterError if something is larger than all memory of this machine."""
    memory = memory_bytes()
    if memory and n_bytes > memory:
        raise ParameterError(
            f"{what} would take {n_bytes / 1e9:,.0f} GB; this machine has {memory / 1e9:.0f} GB of "
            "memory. Make it shorter, or write it to disk while it is made (out=...)."
        )


def memory_bytes() -> int:
    """Size of the memory; 0 where the system doesn't say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0


def default_device() -> str:
    """Name of the best device: cuda, then mps, then cpu."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def check_device(device: str | None) -> str:
    """Device name if it can be used here (None: the best); a ParameterError says what is there."""
    import torch

    if device is None:
        return default_device()
    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if not available.get(device.split(":")[0], False):
        here = ", ".join(name for name, there in available.items() if there)
        raise ParameterError(f"Device {device!r} can't be used on this machine; available: {here}.")
    return device


def has_bf16_units(device: torch.device) -> bool:
    """Whether a device multiplies bfloat16 faster than float32: recent GPUs and server CPUs.

    AMD's vector units do; Intel's don't (an Emerald Rapids multiplied matrices at 0.6 of the speed
    of float32), and gain by the matrix unit (AMX) alone.
    """
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu" or not hasattr(torch.cpu, "get_capabilities"):
        return False
    found = torch.cpu.get_capabilities()
    return bool(found.get("amx_bf16") or (found.get("avx512_bf16") and is_amd_cpu()))


def is_amd_cpu() -> bool:
    """Whether Linux says that AMD made the CPU."""
    try:
        return "AuthenticAMD" in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False


def use_huge_pages() -> None:
    """Let torch ask Linux for pages of 2 MB under its large tensors on the CPU.

    Training makes and drops tensors of many MB in every step; with small pages a fifth of the
    time goes into handing them out. Has an effect only before the first tensor of the process,
    and none where ``THP_MEM_ALLOC_ENABLE`` is set already.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")


def seed_everything(seed: int) -> None:
    """Seed Python's, numpy's and torch's global random numbers."""
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - libraries that still use the legacy generator
    torch.manual_seed(seed)


@contextmanager
def subnormals_flushed() -> Iterator[None]:
    """Let torch's CPU kernels count numbers below 1e-38 as zero inside the block.

    Processors compute with such numbers many times slower. Behind silence the gradients of a
    recurrent network consist of them, and so do the probabilities of all samples but the next
    where it is sure of it: a SampleRNN learned a collection of short sounds seven times as fast
    without them, and played it five times as fast. Holds for this thread and those it starts;
    workers that torch started before keep their own setting.
    """
    import torch

    was_flushed = not (torch.tensor([1e-39]) * 0.5).item()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(was_flushed)


@contextmanager
def computing_on(n_threads: int | None) -> Iterator[None]:
    """Compute on so many threads of the CPU inside the block; on as many as before if None."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(n_threads or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread inside the block.

    The operations of a single generated step are too small to share: handing them to several
    threads costs more than it brings, and many times more on a busy machine.
    """
    with computing_on(1):
        yield


def is_colab() -> bool:
    """Whether this runs in Google Colab."""
    return "google.colab" in sys.modules or "COLAB_RELEASE_TAG" in os.environ


def is_headless() -> bool:
    """Whether no notebook frontend can show widgets.

    True without an IPython kernel, and where ``MIMIKIT_NB_HEADLESS`` is set to something else
    than 0. A papermill run has a kernel and is told by its ``headless`` parameter.
    """
    if "MIMIKIT_NB_HEADLESS" in os.environ:
        return os.environ["MIMIKIT_NB_HEADLESS"] != "0"
    return "ipykernel" not in sys.modules
