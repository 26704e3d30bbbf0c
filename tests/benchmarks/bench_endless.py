"""Ten minutes of output, to disk: does a step cost the same at the end, and memory stay flat?"""

from __future__ import annotations

import os
import statistics
import time

import numpy as np
import pytest
import torch

from mimikit_nb.generation.controls import Controls
from mimikit_nb.generation.prompts import Prompt
from mimikit_nb.generation.record import open_sink, record
from mimikit_nb.generation.sound import SoundStream
from mimikit_nb.progress import Progress
from tests.benchmarks.bench_generation import HERE, SAMPLE_RATE, build_network
from tests.benchmarks.report import add

SECONDS = 600
WINDOW = 20  # blocks of a second that are compared, at the begin and at the end


def megabytes() -> float:
    with open("/proc/self/status") as status:
        return int(next(s for s in status if s.startswith("RssAnon")).split()[1]) / 1024


@pytest.mark.benchmark
@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", ["sample_rnn 16/8/8", "freqnet 3 x 2048"])
def test_ten_minutes_cost_what_the_first_second_does(name, tmp_path):
    torch.set_num_threads(1)
    prompt = Prompt(np.zeros((1, SAMPLE_RATE), np.float32), {})
    network = build_network(HERE[name])
    stream = SoundStream.from_prompts(network, [prompt], 1, [0], Controls())
    stream.block_samples = SAMPLE_RATE
    costs, memory, last = [], [], time.thread_time()

    def note(progress: Progress) -> None:
        nonlocal last
        now = time.thread_time()
        costs.append(now - last)
        memory.append(megabytes())
        last = now

    record(stream, open_sink(tmp_path / "a.wav", stream), SECONDS, note)
    first, end = statistics.median(costs[1 : WINDOW + 1]), statistics.median(costs[-WINDOW:])
    row = {
        "case": name,
        "cost_ratio": end / first,
        "megabytes_after_20_s": memory[WINDOW],
        "megabytes_at_the_end": memory[-1],
        "per_second": SAMPLE_RATE / network.step_samples / end,
        "real_time_factor": 1 / end,
    }
    print(f"\n{row}, load {os.getloadavg()[0]:.1f}")
    add("ten minutes", [row])
