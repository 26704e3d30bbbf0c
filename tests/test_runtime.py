"""The machine a notebook runs on."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mimikit_nb import runtime
from mimikit_nb.runtime import has_bf16_units
from mimikit_nb.training.session import chosen_precision

THP = Path("/sys/kernel/mm/transparent_hugepage/enabled")

FLAGS = """
import os
{setting}
from mimikit_nb import runtime
runtime.use_huge_pages()
import torch
tensor = torch.ones(16_000_000)
middle = tensor.data_ptr() + 32_000_000
for line in open("/proc/self/smaps"):
    if line[0] in "0123456789abcdef":
        start, end = (int(place, 16) for place in line.split()[0].split("-"))
    elif line.startswith("VmFlags:") and start <= middle < end:
        print(*line.split()[1:])
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
def test_large_tensors_ask_for_large_pages_unless_the_user_said_otherwise():
    def asks(setting: str) -> bool:
        command = [sys.executable, "-c", FLAGS.format(setting=setting)]
        found = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "rd" in found.stdout.split()  # it may be read
        return "hg" in found.stdout.split()

    assert asks("")
    assert not asks("os.environ['THP_MEM_ALLOC_ENABLE'] = '0'")


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
