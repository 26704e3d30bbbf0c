"""Latent RNN as it is played: first sound, speed with inversion on one thread, memory."""

import resource
import subprocess
import sys
import time

import pytest

import mimikit_nb as mnb
from mimikit_nb.runtime import one_thread
from tests.benchmarks.report import add

SECONDS, MINUTES = 20.0, 10.0

FIRST_SOUND = """
import time, torch, mimikit_nb as mnb
torch.set_num_threads(1)
mnb.generate({folder!r}, seconds=0.1)  # imports, and what is compiled once
ck, start = mnb.load_checkpoint({folder!r}), time.perf_counter()
next(mnb.stream(ck, prompt=1.0, seed=1))
print(time.perf_counter() - start)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run on the embedded music; how well it has learned makes no difference here."""
    out = tmp_path_factory.mktemp("latent") / "run"
    quiet = {"preview_every_steps": 0, "held_out_every_steps": 0}
    return mnb.train(
        mnb.demo_corpus(), "latent_rnn", out, max_steps=20, device="cpu", **quiet
    ).folder


def peak_memory() -> float:
    """Most memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.benchmark
def test_speed_with_inversion(folder):
    with one_thread():
        stream = mnb.stream(folder, prompt=1.0)
        stream.take(round(2 * stream.sample_rate))
        start = time.process_time()
        stream.take(round(SECONDS * stream.sample_rate))
        speed = SECONDS / (time.process_time() - start)
    print(f"\nlatent_rnn, one thread, with inversion: {speed:.1f} x real time")
    add("latent", [{"case": "latent_rnn with inversion", "real_time_factor": speed}])


@pytest.mark.benchmark
def test_first_sound(folder):
    """Of a checkpoint that has been loaded, in a process that has made sound before."""
    code = FIRST_SOUND.format(folder=str(folder))
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds = float(said.stdout.split()[-1])
    print(f"\nlatent_rnn, first sound after {seconds:.2f} s")
    add("latent", [{"case": "latent_rnn, first sound", "seconds": seconds}])


@pytest.mark.benchmark
def test_memory_over_minutes(folder):
    stream = mnb.stream(folder, prompt=1.0)
    stream.take(round(30 * stream.sample_rate))
    before = peak_memory()
    for _ in range(round(MINUTES)):
        stream.take(60 * stream.sample_rate)
    grown = peak_memory() - before
    print(f"\nlatent_rnn, {MINUTES:g} minutes: {grown:.1f} MB more than after half a minute")
    add("latent", [{"case": "latent_rnn, ten minutes", "grown_mb": grown}])
    assert grown < 40  # a minute that is taken at once, twice over
