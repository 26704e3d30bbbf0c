"""Training speed: steps of the networks learned from in a second, and where the time goes."""

import os
import time

import pytest
import torch

from mimikit_nb.checkpoint import Run
from mimikit_nb.corpus import demo_corpus
from mimikit_nb.networks.presets import find_preset
from mimikit_nb.runtime import default_device
from mimikit_nb.training import Callback, Control, TrainConfig
from mimikit_nb.training.loop import Loop
from mimikit_nb.training.session import Session
from tests.benchmarks.report import add

CASES = {
    "sample_rnn": {},
    "sample_rnn of the predecessor": {"batch_size": 32, "chunk_steps": 2048},
    "freqnet": {},
    "wavenet": {},
}
QUIET = {
    "held_out_every_steps": 0,
    "preview_every_steps": 0,
    "checkpoint_every_steps": 10**6,
    "max_steps": 10**6,
}
SECONDS = 20


class StopAfter(Callback):
    """Stops a loop after some seconds."""

    def __init__(self, seconds: float, control: Control) -> None:
        self.end, self.control = time.perf_counter() + seconds, control

    def on_step(self, status):
        if time.perf_counter() > self.end:
            self.control.stop()


def measure(session: Session, run: Run) -> float:
    """Steps per second of a loop that trains for a while, after it has warmed up."""
    for seconds in (2, SECONDS):
        session.timing.seconds.clear()
        control, before = Control(), session.counters.step
        Loop(session, run, [StopAfter(seconds, control)], None, control).start()
    return (session.counters.step - before) / sum(session.timing.seconds.values())


@pytest.mark.benchmark
@pytest.mark.parametrize("name", CASES)
def test_training_speed(name, tmp_path):
    corpus = demo_corpus()
    network, preset = find_preset(name.split()[0])
    config = TrainConfig(**(preset | CASES[name] | QUIET))
    device = default_device()
    session = Session(corpus, network, network.default_io(corpus.sample_rate), config, device)
    session.timing.device = torch.device(device)
    run = Run(tmp_path)
    speed = measure(session, run) * config.batch_size * session.chunk_steps
    print(
        f"\n{name}, batch {config.batch_size} x {session.chunk_steps}, {device}, "
        f"{torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f}: "
        f"{speed:,.0f} model steps/s; {session.timing}"
    )
    case = f"{name}, {device}, {torch.get_num_threads()} threads"
    size = sum(parameter.numel() for parameter in session.state.network.parameters())
    add("training", [{"case": case, "per_second": speed, "parameters": size}])
    assert session.timing.outside_share < 0.05
