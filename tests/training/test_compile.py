"""Training with ``compile``: the same losses, or the same training without."""

from __future__ import annotations

import logging

import pytest
import torch

from mimikit_nb.networks.wavenet import WaveNetConfig
from tests.training.conftest import SMALL

WAVENET = WaveNetConfig(n_layers=2, residual_channels=8, skip_channels=8)

SHORT = {"max_steps": 4, "held_out_every_steps": 0, "log_every_steps": 1}


def losses(run):
    return run.metrics["loss"].dropna().tolist()


@pytest.fixture
def _fresh_compiler(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "inductor"))
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.mark.usefixtures("_fresh_compiler")
def test_a_compiler_that_fails_is_said_once_and_done_without(start, caplog):
    from torch._inductor import config

    without = config.patch({"cpp.cxx": ("no-such-compiler",)})
    with without, caplog.at_level(logging.WARNING):
        found = losses(start("compiled", compile=True, **SHORT))
    said = [r for r in caplog.records if "goes on without" in r.message]
    assert len(said) == 1 and "ompiler" in said[0].message
    assert found == losses(start("plain", **SHORT))


@pytest.mark.usefixtures("_fresh_compiler")
@pytest.mark.long
def test_compiled_training_learns_the_same(start, caplog):
    with caplog.at_level(logging.WARNING):
        found = losses(start("compiled", WAVENET, compile=True, **SHORT))
    assert not [r for r in caplog.records if "goes on without" in r.message]
    assert found == pytest.approx(losses(start("plain", WAVENET, **SHORT)), rel=1e-4)


def test_it_is_off_unless_asked_for():
    assert not SMALL.compile
