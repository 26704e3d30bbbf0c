"""The machine a notebook runs on."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mimikit_nb import runtime
from mimikit_nb.runtime import has_bf16_units
from mimikit_nb.training.session import chosen_precision

THP = Path("/sys/kernel/mm/transparent_hugepage/enabled")

COUNT_FAULTS = """
import os, resource
{setting}
from mimikit_nb import runtime
runtime.use_huge_pages()
import torch
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
torch.empty(16_000_000).fill_(1.0)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.parametrize(
    ("capabilities", "is_amd", "precision"),
    [
        ({"avx512_bf16": True}, True, "bf16"),
        ({"avx512_bf16": True}, False, "32"),
        ({"avx512_bf16": True, "amx_bf16": True}, False, "bf16"),
        ({"avx2": True}, True, "32"),
    ],
)
def test_auto_precision_takes_bf16_where_the_processor_gains_from_it(
    monkeypatch, capabilities, is_amd, precision
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    monkeypatch.setattr(runtime, "is_amd_cpu", lambda: is_amd)
    assert chosen_precision("auto", torch.device("cpu")) == precision
    assert chosen_precision("32", torch.device("cpu")) == "32"


def test_a_torch_that_cannot_say_what_the_processor_has_gets_float32(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert not has_bf16_units(torch.device("cpu"))


@pytest.mark.skipif(
    not THP.exists() or "[never]" in THP.read_text(), reason="this system has no huge pages"
)
def test_large_tensors_come_in_large_pages_unless_the_user_said_otherwise():
    def faults(setting: str) -> int:
        command = [sys.executable, "-c", COUNT_FAULTS.format(setting=setting)]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert faults("") < faults("os.environ['THP_MEM_ALLOC_ENABLE'] = '0'") / 2


COUNT_FAULTS_OF_THE_FOURTH = """
import contextlib, resource, threading
from mimikit_nb import runtime
runtime.use_huge_pages()
import torch

def count():
    for _ in range(4):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        torch.empty(16_000_000).fill_(1.0)
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

faults = []
with {block}:
    {how}
with open("/proc/self/status") as file:
    resident = next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
print(faults[0], resident)
"""
IN_A_THREAD = "runtime.share_one_heap(); t = threading.Thread(target=count); t.start(); t.join()"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_memory_of_dropped_tensors_is_kept_inside_and_given_back_afterwards():
    def measured(block: str, how: str) -> list[int]:
        script = COUNT_FAULTS_OF_THE_FOURTH.format(block=block, how=how)
        command = [sys.executable, "-c", script]
        found = subprocess.run(command, capture_output=True, text=True, check=True)
        return [int(number) for number in found.stdout.split()]

    usual, resident = measured("contextlib.nullcontext()", "count()")
    assert usual > 30  # 64 MB, in pages of 2 MB at the most
    for how in ("count()", IN_A_THREAD):
        kept, resident_after = measured("runtime.memory_kept()", how)
        assert kept < usual / 10
        assert resident_after < resident + 32_000  # kB; the tensor alone would be 64,000


def tiny_product() -> float:
    return float(torch.tensor([1e-39]) * 0.5)


def test_subnormal_numbers_count_as_zero_inside_and_afterwards_as_before():
    assert tiny_product() > 0
    with runtime.subnormals_flushed():
        assert tiny_product() == 0
        with runtime.subnormals_flushed():
            assert tiny_product() == 0
        assert tiny_product() == 0
    assert tiny_product() > 0
