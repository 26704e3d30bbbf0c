"""Generation speed: steps a second of every preset, beside what the memory bus allows.

Times are CPU time of the generating thread (medians), so that other work on the machine counts
as little as possible. The limit is the time that reading the weights of a step takes at the
read bandwidth measured in the same run, at a working set of the same size. Writes
``outputs/bench/engine.json`` and ``engine.png``.

Run it from the project's root::

    python -m pytest -m benchmark -s tests/benchmarks/bench_engine.py
"""

from __future__ import annotations

import ctypes
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mimikit_nb.generation.engine import EngineOptions, build, compile_stages
from mimikit_nb.generation.engine.ir import Matmul
from mimikit_nb.generation.engine.program import Program
from mimikit_nb.generation.loop import EagerExecutor, generation_stages, generation_state
from mimikit_nb.networks import NETWORKS
from mimikit_nb.networks.base import clone_state

SAMPLE_RATE = 16_000
OUT = Path("outputs/bench")
PRESETS = {
    "sample_rnn 16/8/8": {"kind": "sample_rnn"},
    "sample_rnn, 8 tiers": {
        "kind": "sample_rnn",
        "frame_sizes": (256, 128, 64, 32, 16, 8, 4, 8),
        "hidden_dim": 128,
    },
    "wavenet 10 x 128": {"kind": "wavenet"},
    "freqnet 3 x 2048": {"kind": "freqnet"},
    "sampler_transformer": {"kind": "sampler_transformer"},
}
CASES = [
    *(("c", weights, 1) for weights in ("f32", "bf16", "int8")),
    *(("c", weights, batch) for batch in (8, 32) for weights in ("f32", "bf16")),
    ("numba", "f32", 1),
    ("eager", "f32", 1),
    ("eager", "f32", 32),
]
READER = """
typedef float v16 __attribute__((vector_size(64), aligned(4)));
__attribute__((visibility("default"))) float read_all(const float *x, long n) {
  v16 a[8] = {0};
  for (long i = 0; i + 128 <= n; i += 128)
    for (int j = 0; j < 8; j++) a[j] += *(const v16 *)(x + i + 16 * j);
  v16 s = a[0] + a[1] + a[2] + a[3] + a[4] + a[5] + a[6] + a[7];
  return s[0] + s[1];
}
"""


def cpu_seconds(run: Callable[[], object], times: int = 5) -> float:
    """Median CPU time of this thread in calls of ``run``."""
    seconds = []
    for _ in range(times):
        start = time.thread_time()
        run()
        seconds.append(time.thread_time() - start)
    return statistics.median(seconds)


def read_bandwidth(n_bytes: int) -> float:
    """Bytes a second that one thread reads from a working set of ``n_bytes``."""
    library, _ = build.build_library(READER)
    library.read_all.argtypes = [ctypes.c_void_p, ctypes.c_long]
    library.read_all.restype = ctypes.c_float
    x = torch.ones(max(n_bytes // 4, 1024))
    turns = max(1, 200_000_000 // n_bytes)

    def read() -> None:
        for _ in range(turns):
            library.read_all(x.data_ptr(), x.numel())

    read()
    return turns * n_bytes / cpu_seconds(read)


def weight_bytes(program: Program, bytes_per_weight: float) -> tuple[int, float]:
    """Bytes of all matrices, and of those that an average step reads."""
    total, per_step = 0, 0.0
    for period, body in program.stages:
        size = sum(m.k * m.n for m in body if isinstance(m, Matmul)) * bytes_per_weight
        total, per_step = total + int(size), per_step + size / period
    return total, per_step


def measure(preset: dict, backend: str, weights: str, batch_size: int) -> dict:
    """Speed of one executor, and the limit of the memory bus where weights are read once a step."""
    config = NETWORKS.parse(preset)
    torch.manual_seed(0)
    io = config.default_io(SAMPLE_RATE)
    network = config.build(io).folded()
    n_steps = 64 if io.step_samples > 1 else 2048
    if backend == "eager":
        n_steps //= 4
    state = generation_state(network, network.init_state(batch_size), n_steps, truncates=False)
    for u in state["u"].values():
        u.uniform_()
    state["controls"]["temperature"].fill_(1.0)
    start = time.perf_counter()
    executor = compile_stages(
        generation_stages(network), state, EngineOptions(backend=backend, weights=weights)
    )
    build_seconds = time.perf_counter() - start

    def run() -> None:
        state["i"].zero_()
        executor.run(state, n_steps)

    run()
    steps = n_steps / cpu_seconds(run)
    result = {
        "steps_per_second": steps,
        "rows_per_second": steps * batch_size,
        "real_time_factor": steps * io.step_samples / SAMPLE_RATE,
        "parameters": sum(p.numel() for p in network.parameters()),
        "build_seconds": build_seconds,
    }
    if not isinstance(executor, EagerExecutor):
        size = {"f32": 4, "bf16": 2, "int8": 1}[weights]
        total, per_step = weight_bytes(executor.program, size)
        result["gigabytes_per_second"] = steps * per_step / 1e9
        result["share_of_bandwidth"] = steps * per_step / read_bandwidth(total)
    return result


def effect_of_weights(preset: dict) -> dict[str, float]:
    """Largest difference of the outputs after one step, relative to their largest value."""
    config = NETWORKS.parse(preset)
    torch.manual_seed(0)
    network = config.build(config.default_io(SAMPLE_RATE)).folded()
    state = generation_state(network, network.init_state(1), 16, truncates=False)
    stages, differences = generation_stages(network), {}
    expected = clone_state(state)
    EagerExecutor(stages).run(expected, 1)
    for weights in ("f32", "bf16", "int8"):
        found = clone_state(state)
        compile_stages(stages, state, EngineOptions(backend="c", weights=weights)).run(found, 1)
        a, b = (next(iter(s["out"].values())) for s in (expected, found))
        differences[weights] = float((a - b).abs().max() / a.abs().max())
    return differences


def in_words(result: dict) -> str:
    """One line of the table."""
    line = (
        f"{result['rows_per_second']:>10,.0f} steps/s {result['real_time_factor']:7.2f} x real time"
    )
    if "share_of_bandwidth" in result:
        line += f"; {result['share_of_bandwidth']:.0%} of the read bandwidth"
    return f"{line}; built in {result['build_seconds']:.1f} s"


def plot(results: list[dict], path: Path) -> None:
    """Bars of rows a second by preset and case."""
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(r["preset"] for r in results))
    cases = list(dict.fromkeys(r["case"] for r in results))
    figure, axes = plt.subplots(len(names), 1, figsize=(8, 2 * len(names)), layout="constrained")
    for ax, name in zip(axes.ravel() if len(names) > 1 else [axes], names, strict=True):
        speeds = {r["case"]: r["rows_per_second"] for r in results if r["preset"] == name}
        ax.barh(cases, [speeds.get(case, 0) for case in cases], log=True)
        ax.set_title(name)
        ax.set_xlabel("model steps a second, all rows")
    figure.savefig(path)


@pytest.mark.benchmark
@pytest.mark.timeout(0)  # builds and times some fifty programs
def test_generation_speed():
    torch.set_num_threads(1)
    results = []
    for name, preset in PRESETS.items():
        if preset["kind"] not in NETWORKS.kinds:
            continue
        print(f"\n{name}, load {os.getloadavg()[0]:.1f}; effect {effect_of_weights(preset)}")
        for backend, weights, batch_size in CASES:
            case = f"{backend} {weights}, batch {batch_size}"
            result = {"preset": name, "case": case, **measure(preset, backend, weights, batch_size)}
            results.append(result)
            print(f"  {case:22} {in_words(result)}", flush=True)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "engine.json").write_text(json.dumps(results, indent=1))
    plot(results, OUT / "engine.png")
    speeds = {(r["preset"], r["case"]): r["rows_per_second"] for r in results}
    for name in {r["preset"] for r in results}:
        assert speeds[name, "c f32, batch 1"] > 2 * speeds[name, "eager f32, batch 1"]
