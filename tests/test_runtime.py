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
import contextlib, resource
from mimikit_nb import runtime
runtime.use_huge_pages()
import torch

with {block}:
    for _ in range(4):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        torch.empty(16_000_000).fill_(1.0)
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
with open("/proc/self/status") as file:
    held = next(int(line.split()[1]) for line in file if line.startswith("RssAnon"))
print(faults, held)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_memory_of_dropped_tensors_is_kept_inside_and_given_back_afterwards():
    def measured(block: str) -> list[int]:
        command = [sys.executable, "-c", COUNT_FAULTS_OF_THE_FOURTH.format(block=block)]
        found = subprocess.run(command, capture_output=True, text=True, check=True)
        return [int(number) for number in found.stdout.split()]

    usual, held_usually = measured("contextlib.nullcontext()")
    if usual <= 30:  # 64 MB, in pages of 2 MB at the most
        pytest.skip("this system doesn't count page faults, or has another malloc")
    kept, held = measured("runtime.memory_kept()")
    assert kept < usual / 3
    assert held < held_usually + 32_000  # kB; the tensor alone has 64,000


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
