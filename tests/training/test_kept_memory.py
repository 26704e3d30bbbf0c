"""Memory that is kept between steps, in processes of its own: the heap is the whole process's."""

import json
import platform
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest

from mimikit_nb.training import memory

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.libc_ver()[0] != "glibc", reason="only glibc can be told"
)

MODULE = Path(memory.__file__)
MB = 2**20
STEP_MB = 4 * 10_000_000 * 4 / MB

STEPS = """
import contextlib, ctypes, json, sys
from pathlib import Path
import torch
sys.path.insert(0, sys.argv[1])  # without all that is beside it, which takes seconds
from memory import KeptMemory, private_bytes

keeps, trims, n_steps, room = json.loads(sys.argv[2])
torch.empty(1_000_000).fill_(1.0)
if room is not None:  # something lies that many bytes above the heap, so that it can't grow on
    heap = next(line for line in Path("/proc/self/maps").open() if "[heap]" in line)
    end = int(heap.split()[0].split("-")[1], 16)
    mmap = ctypes.CDLL(None).mmap
    mmap.restype, mmap.argtypes = ctypes.c_void_p, [ctypes.c_void_p, *[ctypes.c_long] * 5]
    private, anonymous, at_this_place = 0x02, 0x20, 0x100000
    mmap(end + room, 4096, 0, private | anonymous | at_this_place, -1, 0)
before, sizes, losses = private_bytes(), [], []
kept = KeptMemory()
with kept if keeps else contextlib.nullcontext():
    for _ in range(n_steps):
        large = []
        for _ in range(4):
            large.append(torch.empty(10_000_000).fill_(1.0))
            losses.append(torch.empty(100).fill_(1.0))  # stays, and makes holes
        del large
        if trims:
            kept.trim()
        sizes.append(private_bytes() - before)
print(json.dumps([sizes, private_bytes() - before]))
"""


def megabytes(*, keeps=True, trims=True, n_steps=8, room=None) -> tuple[list[float], float]:
    """More than before the steps: after each of them, and after the block."""
    arguments = json.dumps([keeps, trims, n_steps, room])
    command = [sys.executable, "-c", STEPS, str(MODULE.parent), arguments]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    sizes, afterwards = json.loads(found.stdout)
    return [size / MB for size in sizes], afterwards / MB


def test_what_a_step_dropped_is_the_next_ones_and_is_given_back_at_the_end():
    usual, _ = megabytes(keeps=False, n_steps=3)
    assert max(usual) < STEP_MB / 3
    kept, afterwards = megabytes()
    assert median(kept) > 0.9 * STEP_MB
    assert afterwards < STEP_MB / 3


@pytest.mark.parametrize("room", [0, 128 * MB])
def test_a_heap_that_cannot_grow_on_keeps_memory_too(room):
    kept, afterwards = megabytes(room=room)
    assert median(kept) > 0.9 * STEP_MB
    assert afterwards < STEP_MB / 2  # its last piece isn't the heap's end, where glibc trims


def test_a_heap_with_holes_is_trimmed_to_what_a_step_needs():
    trimmed, afterwards = megabytes(n_steps=20)  # 38 MB more in every step where it isn't
    assert max(trimmed) < 3.5 * STEP_MB
    assert afterwards < STEP_MB / 3
