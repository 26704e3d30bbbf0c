"""Scoring speed and memory: 200 outputs of ten seconds against an hour of corpus."""

from __future__ import annotations

import os
import resource
import time
from types import SimpleNamespace

import numpy as np
import pytest

from mimikit_nb.audio.demo import demo_music
from mimikit_nb.evaluation.distances import SpectralStatistics
from mimikit_nb.evaluation.index import CorpusIndex
from mimikit_nb.evaluation.ranking import near_duplicates
from mimikit_nb.evaluation.scoring import score
from mimikit_nb.evaluation.sets import set_distances
from tests.benchmarks.report import add

SR = 22050
HOUR_SECONDS, N_OUTPUTS, OUTPUT_SECONDS = 3600, 200, 10
LIMIT_SECONDS = 300


def peak_megabytes() -> float:
    """Largest memory this process has had that isn't a file mapped from disk, roughly."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def anonymous_megabytes() -> float:
    """Memory this process has now that isn't mapped from a file."""
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("RssAnon"))
    return int(line.split()[1]) / 1024


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """An hour of the embedded music, of different seeds, forwards and backwards, from disk."""
    path = tmp_path_factory.mktemp("hour") / "signal"
    signal = np.memmap(path, np.float32, "w+", shape=(1, HOUR_SECONDS * SR))
    step = 120 * SR
    for seed, start in enumerate(range(0, signal.shape[1], 2 * step)):
        music = demo_music(SR, seconds=120.0, seed=seed)
        signal[0, start : start + step] = music
        signal[0, start + step : start + 2 * step] = music[::-1]
    signal.flush()
    mapped = np.memmap(path, np.float32, "r", shape=signal.shape)
    return SimpleNamespace(signal=mapped, sample_rate=SR)


@pytest.mark.benchmark
def test_scoring_speed(hour):
    outputs = demo_music(SR, seconds=120.0, seed=99)
    length = OUTPUT_SECONDS * SR
    starts = np.linspace(0, len(outputs) - length, N_OUTPUTS).astype(int)
    score(outputs[:length], SR, SimpleNamespace(signal=outputs[None], sample_rate=SR))  # imports
    before = anonymous_megabytes()
    began = time.perf_counter(), time.process_time()
    index = CorpusIndex.build(hour)
    built = time.perf_counter(), time.process_time()
    for start in starts:
        score(outputs[start : start + length], SR, index)
    done = time.perf_counter(), time.process_time()
    print(f"\nindex {built[0] - began[0]:.1f} s, scores {done[0] - built[0]:.1f} s", flush=True)
    sounds = [outputs[start : start + length] for start in starts]
    spectra = [SpectralStatistics.of(y, SR) for y in sounds]
    for first in range(0, N_OUTPUTS, N_OUTPUTS // 5):  # five checkpoints
        set_distances(spectra[first : first + N_OUTPUTS // 5], index.references.spectra)
    pooled = time.perf_counter()
    near_duplicates(sounds, SR)
    compared = time.perf_counter()
    add(
        "evaluation",
        [
            {
                "case": f"{N_OUTPUTS} outputs of {OUTPUT_SECONDS} s against an hour",
                "index_seconds": round(built[0] - began[0], 1),
                "index_cpu_seconds": round(built[1] - began[1], 1),
                "seconds": round(done[0] - built[0], 1),
                "cpu_seconds": round(done[1] - built[1], 1),
                "sets_seconds": round(pooled - done[0], 1),
                "families_seconds": round(compared - pooled, 1),
                "megabytes": round(anonymous_megabytes() - before),
                "peak_megabytes": round(peak_megabytes()),
            }
        ],
    )
    print(
        f"\nindex of an hour: {built[0] - began[0]:.1f} s ({built[1] - began[1]:.1f} s CPU), "
        f"{N_OUTPUTS} outputs of {OUTPUT_SECONDS} s: {done[0] - built[0]:.1f} s "
        f"({done[1] - built[1]:.1f} s CPU) on {os.cpu_count()} cores; five sets "
        f"{pooled - done[0]:.1f} s, families {compared - pooled:.1f} s; memory in use "
        f"{anonymous_megabytes() - before:.0f} MB above the start, peak of the process "
        f"{peak_megabytes():.0f} MB with the mapped corpus",
        flush=True,
    )
    print(f"all of it: {(compared - began[0]) / LIMIT_SECONDS:.2f} of five minutes", flush=True)
    assert compared - began[0] < LIMIT_SECONDS
