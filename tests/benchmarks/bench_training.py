"""Training speed: model steps learned from in a second, where the time goes, what limits it.

The limit is the speed of a large matrix product in the same numbers on the same threads,
measured in the same run: no training can do its multiplications faster.
"""

import math
import os
import time

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from mimikit_nb.checkpoint import Run
from mimikit_nb.corpus import demo_corpus
from mimikit_nb.networks.presets import find_preset
from mimikit_nb.runtime import default_device, subnormals_flushed, use_huge_pages
from mimikit_nb.training import Callback, Control, TrainConfig
from mimikit_nb.training.loop import Loop
from mimikit_nb.training.session import Session
from tests.benchmarks.report import add

CASES = {
    "latent_rnn": {},
    "sample_rnn": {},
    "sample_rnn of the predecessor": {"batch_size": 32, "chunk_steps": 2048},
    "freqnet": {},
    "wavenet": {},
    "sampler_transformer": {},
    "freqnet compiled": {"compile": True},
    "wavenet compiled": {"compile": True},
    "sampler_transformer compiled": {"compile": True},
}
QUIET = {
    "held_out_every_steps": 0,
    "preview_every_steps": 0,
    "checkpoint_every_steps": 10**6,
    "max_steps": 10**6,
}
SECONDS = 10


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


def matmul_flops_per_second(precision: str, device: torch.device, n: int = 1024) -> float:
    """Best speed of a product of two square matrices."""
    a = torch.randn(n, n, device=device, dtype=torch.bfloat16 if precision == "bf16" else None)
    seconds = []
    for _ in range(20):
        start = time.perf_counter()
        (a @ a).sum().item()
        seconds.append(time.perf_counter() - start)
    return 2 * n**3 / min(seconds)


def lstm_flops(x: tuple, w_ih: tuple, w_hh: tuple, *_: object, **__: object) -> int:
    """Operations of a layer's two products, which torch's counter doesn't know."""
    n_items = x[0] * x[1]
    return 2 * n_items * (w_ih[0] * w_ih[1] + w_hh[0] * w_hh[1])


def convolution_backward_flops(grad: tuple, x: tuple, weight: tuple, *_: object, **__: object):
    """Operations of both gradients; torch's counter forgets the groups in one of them."""
    return 4 * grad[0] * math.prod(grad[2:]) * math.prod(weight)


def flops_per_step(session: Session) -> int:
    """Operations of all products of one step, forward and backward."""
    ops = torch.ops.aten
    known = {
        ops.mkldnn_rnn_layer: lstm_flops,
        ops.mkldnn_rnn_layer_backward: lambda *a, **k: 2 * lstm_flops(*a, **k),
        ops.convolution_backward: convolution_backward_flops,
    }
    batch = session.read(session.counters.step)
    with FlopCounterMode(display=False, custom_mapping=known) as counter:
        session.forward_backward(batch)
    session.optimizer.zero_grad(set_to_none=True)
    return counter.get_total_flops()


@pytest.mark.benchmark
@pytest.mark.parametrize("precision", ["32", "auto"])
@pytest.mark.parametrize("name", CASES)
def test_training_speed(name, precision, tmp_path):
    use_huge_pages()
    corpus = demo_corpus()
    network, preset = find_preset(name.split()[0])
    config = TrainConfig(**(preset | CASES[name] | QUIET | {"precision": precision}))
    device = torch.device(default_device())
    session = Session(corpus, network, network.default_io(corpus.sample_rate), config, device.type)
    session.timing.device = device
    with subnormals_flushed():
        steps_per_second = measure(session, Run(tmp_path))
    speed = steps_per_second * config.batch_size * session.chunk_steps
    limit = matmul_flops_per_second(session.precision, device)
    share = steps_per_second * flops_per_step(session) / limit
    print(
        f"\n{name}, batch {config.batch_size} x {session.chunk_steps}, {device}, "
        f"{session.precision}, {torch.get_num_threads()} threads, "
        f"load {os.getloadavg()[0]:.1f}: {speed:,.0f} model steps/s, {100 * share:.0f} % of the "
        f"limit of {limit / 1e9:.0f} GFLOP/s; {session.timing}"
    )
    case = f"{name}, {session.precision}, {device}, {torch.get_num_threads()} threads"
    size = sum(parameter.numel() for parameter in session.state.network.parameters())
    bound = {"share": share, "bound": "a matrix product", "limit_per_second": speed / share}
    add("training", [{"case": case, "per_second": speed, "parameters": size} | bound])
    assert session.timing.outside_share < 0.05
    assert session.is_compiled == config.compile
