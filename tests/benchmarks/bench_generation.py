"""Generation speed of every preset, beside what the machine allows.

Times of one thread are its CPU time (medians), so that other work on the machine counts as
little as possible. The limit is measured in the same run: reading the weights of a step at the
bandwidth of a working set of their size, or multiplying by them for every row, whichever takes
longer. Networks in tiers read more than that limit at batch 1: what every step reads, the last
tier, stays in the cache nearer to the core.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from mimikit_nb.engine import compile_stages
from mimikit_nb.engine.ir import Matmul
from mimikit_nb.engine.program import Program
from mimikit_nb.engine.stages import EagerExecutor
from mimikit_nb.generation.controls import Controls
from mimikit_nb.generation.engine_options import EngineOptions
from mimikit_nb.generation.loop import generation_stages, generation_state
from mimikit_nb.generation.prompts import Prompt
from mimikit_nb.generation.sound import SoundStream
from mimikit_nb.networks import NETWORKS
from mimikit_nb.networks.base import Network
from tests.benchmarks.limits import cpu_seconds, products_per_second, read_bandwidth
from tests.benchmarks.report import add
from tests.spectra import magnitude_io

SAMPLE_RATE = 16_000
PRESETS = {
    "sample_rnn 16/8/8": {"kind": "sample_rnn"},
    "sample_rnn, 8 tiers": {
        "kind": "sample_rnn",
        "frame_sizes": (256, 128, 64, 32, 16, 8, 4, 8),
        "hidden_dim": 128,
    },
    "wavenet 10 x 128": {"kind": "wavenet"},
    "freqnet 3 x 2048": {
        "kind": "freqnet",
        "n_layers": 3,
        "residual_channels": 2048,
        "groups": 8,
        "io": magnitude_io(SAMPLE_RATE),  # as it was before it drew latent frames
    },
    "sampler_transformer": {"kind": "sampler_transformer"},
    "sampler_transformer, context": {"kind": "sampler_transformer", "context": {}},
    "seq2seq": {"kind": "seq2seq"},
}
HERE = {name: p for name, p in PRESETS.items() if p["kind"] in NETWORKS.kinds}
CASES = [
    *(("c", weights, 1) for weights in ("f32", "bf16", "int8")),
    *(("c", weights, batch) for batch in (8, 32) for weights in ("f32", "bf16")),
    ("numba", "f32", 1),
    ("eager", "f32", 1),
    ("eager", "f32", 32),
]
BYTES = {"f32": 4, "bf16": 2, "int8": 1}


def build_network(preset: dict) -> Network:
    settings = dict(preset)
    io = settings.pop("io", None)
    config = NETWORKS.parse(settings)
    torch.manual_seed(0)
    return config.build(io or config.default_io(SAMPLE_RATE)).folded()


def weight_sizes(program: Program) -> tuple[int, float]:
    """Number of all weights of matrix products, and of those that an average step reads."""
    total, per_step = 0, 0.0
    for period, body in program.stages:
        size = sum(m.k * m.n for m in body if isinstance(m, Matmul))
        total, per_step = total + size, per_step + size / period
    return total, per_step


def limit(program: Program, weights: str, batch_size: int) -> tuple[float, str]:
    """Most rows a second, and what binds them."""
    total, per_step = weight_sizes(program)
    read = per_step * BYTES[weights] / read_bandwidth(total * BYTES[weights])
    multiplied = per_step * batch_size / products_per_second(weights if batch_size > 1 else "f32")
    bound = "memory" if read > multiplied else "arithmetic"
    return batch_size / max(read, multiplied), bound


def prepare(network: Network, backend: str, weights: str, batch_size: int, n_steps: int):
    """An executor, and what it runs on."""
    state = generation_state(network, network.init_state(batch_size), n_steps, truncates=False)
    for u in state["u"].values():
        u.uniform_()
    state["controls"]["temperature"].fill_(1.0)
    return compile_stages(generation_stages(network), state, backend, weights), state


def measure(network: Network, backend: str, weights: str, batch_size: int) -> dict:
    """Speed of one executor on one thread."""
    n_steps = (64 if network.step_samples > 1 else 2048) // (4 if backend == "eager" else 1)
    start = time.perf_counter()
    executor, state = prepare(network, backend, weights, batch_size, n_steps)
    built = time.perf_counter() - start

    def run() -> None:
        state["i"].zero_()
        executor.run(state, n_steps)

    run()
    steps = n_steps / cpu_seconds(run)
    row = {
        "per_second": steps * batch_size,
        "real_time_factor": steps * network.step_samples / SAMPLE_RATE,
        "parameters": sum(p.numel() for p in network.parameters()),
        "build_seconds": built,
    }
    if not isinstance(executor, EagerExecutor):
        most, bound = limit(executor.program, weights, batch_size)
        row |= {"limit_per_second": most, "share": row["per_second"] / most, "bound": bound}
    return row


def measure_two_threads(network: Network) -> dict:
    """Two streams on two threads of one process, by the clock."""
    n_steps = 64 if network.step_samples > 1 else 2048
    pairs = [prepare(network, "c", "f32", 1, n_steps) for _ in range(2)]
    rounds = 8

    def run(executor, state) -> None:
        for _ in range(rounds):
            state["i"].zero_()
            executor.run(state, n_steps)

    threads = [threading.Thread(target=run, args=pair) for pair in pairs]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    steps = rounds * n_steps / (time.perf_counter() - start)
    return {"per_second": 2 * steps, "real_time_factor": steps * network.step_samples / SAMPLE_RATE}


def measure_prompt(network: Network) -> dict:
    """Reading a prompt of a second, in CPU time of one thread."""
    y = np.random.default_rng(0).uniform(-0.5, 0.5, (1, SAMPLE_RATE)).astype(np.float32)
    from mimikit_nb.generation.stream import read_prompt_steps
    from mimikit_nb.io.read import read_prompt

    inputs = read_prompt(network.io, y, SAMPLE_RATE)
    read_prompt_steps(network, inputs)
    seconds = cpu_seconds(lambda: read_prompt_steps(network, inputs), 3)
    n_steps = next(iter(inputs.values())).shape[1]
    return {"per_second": n_steps / seconds, "seconds": seconds}


def measure_sound(network: Network, weights: str) -> dict:
    """Sound, inverse included, through the stream that users pull."""
    prompt = Prompt(np.zeros((1, SAMPLE_RATE), np.float32), {})
    stream = SoundStream.from_prompts(
        network,
        [prompt],
        1,
        [0],
        Controls(),
        make_executor=EngineOptions(weights=weights).compile,
    )
    stream.take(SAMPLE_RATE)
    seconds = cpu_seconds(lambda: stream.take(SAMPLE_RATE), 5)
    steps = SAMPLE_RATE / network.step_samples
    return {"per_second": steps / seconds, "real_time_factor": 1 / seconds}


FIRST_SOUND = """
import sys, time
begin = time.perf_counter()
import torch
torch.set_num_threads(1)
from tests.benchmarks.bench_generation import HERE, build_network
import numpy as np
from mimikit_nb.generation.controls import Controls
from mimikit_nb.generation.prompts import Prompt
from mimikit_nb.generation.sound import SoundStream
imported = time.perf_counter()
network = build_network(HERE[sys.argv[1]])
prompt = Prompt(np.zeros((1, 16000), np.float32), {})
times = []
for _ in range(2):
    start = time.perf_counter()
    next(SoundStream.from_prompts(network, [prompt], 1, [0], Controls()))
    times.append(time.perf_counter() - start)
print(imported - begin, *times)
"""


def first_sound(name: str, cache: Path) -> list[float]:
    """Seconds until everything is imported, to the first sound, and to that of a second stream."""
    found = subprocess.run(
        [sys.executable, "-c", FIRST_SOUND, name],
        env={**os.environ, "MIMIKIT_NB_CACHE": str(cache), "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        check=True,
    )
    return [float(word) for word in found.stdout.split()]


@pytest.fixture
def _one_thread():
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


@pytest.mark.benchmark
@pytest.mark.timeout(0)
@pytest.mark.usefixtures("_one_thread")
@pytest.mark.parametrize("name", HERE)
def test_generation_speed(name):
    network, rows = build_network(HERE[name]), []
    rows += [
        {"case": f"{name}, {backend} {weights}, batch {n}", **measure(network, backend, weights, n)}
        for backend, weights, n in CASES
    ]
    rows.append({"case": f"{name}, c f32, two threads", **measure_two_threads(network)})
    rows += [{"case": f"{name}, sound, {w}", **measure_sound(network, w)} for w in ("f32", "bf16")]
    rows.append({"case": f"{name}, reading a prompt", **measure_prompt(network)})
    rows = [{**row, "group": name} for row in rows]
    print(f"\n{name}, load {os.getloadavg()[0]:.1f}")
    for row in rows:
        facts = {k: round(v, 3) if isinstance(v, float) else v for k, v in row.items()}
        print("  ", {k: v for k, v in facts.items() if k not in ("group", "parameters")})
    add("generation", rows)
    speeds = {row["case"]: row["per_second"] for row in rows}
    assert speeds[f"{name}, c f32, batch 1"] > 2 * speeds[f"{name}, eager f32, batch 1"]


@pytest.mark.benchmark
@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", HERE)
def test_time_to_first_sound(name, tmp_path):
    rows = []
    for warmth in ("cold", "warm"):
        imported, first, again = first_sound(name, tmp_path)
        facts = {"import_seconds": imported, "seconds": first, "second_stream_seconds": again}
        rows.append({"case": f"{name}, {warmth}", **facts})
        print(f"\n{name}, {warmth}: {facts}")
    add("first sound", rows)


@pytest.mark.benchmark
@pytest.mark.timeout(0)
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", HERE)
def test_generation_speed_on_a_gpu(name):
    rows = []
    for backend in ("cuda_graph", "eager"):
        for batch_size in (1, 32):
            network, n_steps = build_network(HERE[name]).to("cuda"), 256
            executor, state = prepare(network, backend, "f32", batch_size, n_steps)
            state["i"].zero_()
            executor.run(state, n_steps)
            torch.cuda.synchronize()
            start = time.perf_counter()
            state["i"].zero_()
            executor.run(state, n_steps)
            torch.cuda.synchronize()
            steps = n_steps / (time.perf_counter() - start)
            factor = steps * network.step_samples / SAMPLE_RATE
            case = f"{name}, {backend}, batch {batch_size}"
            rows.append({"case": case, "group": name, "per_second": steps * batch_size})
            rows[-1]["real_time_factor"] = factor
            print(f"\n{case}: {steps * batch_size:,.0f} steps/s")
    add("generation on a GPU", rows)
