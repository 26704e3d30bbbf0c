"""What a context encoder is worth: held-out loss with and without, at equal size and equal time.

Both networks have as many weights (within 2 %), the same seed and batches, and as many seconds of
one thread's time, counted without the looks at the held-out part. The network without context
has the weights in more layers of its slowest tier. Measured on a piece that repeats itself: the
piano among the recordings if it is there, else the embedded music.

On the piano (199 s, 16 kHz, one thread of two busy cores), the held-out loss in nats:

====  =======  =======  =====  ==========  =====
seed  seconds  context  steps  no context  steps
====  =======  =======  =====  ==========  =====
0     55       4.292    257    4.212       277
0     110      3.606    493    3.500       559
1     110      3.699    504    3.567       583
====  =======  =======  =====  ==========  =====

So early, both still find loudness and pitch, and the context costs a tenth of the steps for
nothing; whether it pays after hours isn't known.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch

import mimikit_nb as mnb
from mimikit_nb.corpus import Corpus
from mimikit_nb.training.session import Session
from tests.benchmarks.report import add

SECONDS, N_LOOKS, SAMPLE_RATE = 360, 4, 16000
CONTEXT = {"frame_size": 512, "window": 128, "refresh": 16, "n_layers": 1}  # 4.1 s, each 0.5 s
NETWORKS = {
    "context": {"context": CONTEXT},
    "no context": {"n_layers": (4, 1), "ff_multiple": 3},
}
TRAINING = {"chunks_per_sequence": 128, "held_out_batches": 256}  # memory over 8.2 s


def corpus_of(recordings: Path, folder: Path) -> Corpus:
    """The piano, or what is embedded."""
    piano = recordings / "piano"
    sounds = piano if piano.is_dir() else recordings
    return mnb.build_corpus(sounds, folder / "corpus.h5", sample_rate=SAMPLE_RATE)


def learn(session: Session, seconds: float) -> None:
    """Train for so many seconds of this thread's time."""
    start = time.process_time()
    while time.process_time() < start + seconds:
        batch = session.read(session.counters.step)
        session.update(session.wait(session.forward_backward(batch)))


@pytest.mark.benchmark
@pytest.mark.long
@pytest.mark.timeout(0)
@pytest.mark.parametrize("seed", [0, 1])
def test_held_out_loss_with_and_without_context(seed, audio_folder, tmp_path):
    torch.set_num_threads(1)
    corpus, sessions = corpus_of(audio_folder, tmp_path), {}
    for name, overrides in NETWORKS.items():
        plan = mnb.plan(
            "sampler_transformer", SAMPLE_RATE, hidden_dim=128, seed=seed, **overrides, **TRAINING
        )
        sessions[name] = Session(corpus, plan.network, plan.io, plan.training, "cpu")
    sizes = [sum(p.numel() for p in s.state.network.parameters()) for s in sessions.values()]
    assert abs(sizes[0] / sizes[1] - 1) < 0.02
    losses: dict[str, list[float]] = {name: [] for name in sessions}
    for look in range(1, N_LOOKS + 1):  # turn by turn, so that a busy machine is busy for both
        for name, session in sessions.items():
            learn(session, SECONDS / N_LOOKS)
            losses[name].append(round(session.held_out_loss(), 4))
            seconds, steps = SECONDS * look / N_LOOKS, session.counters.step
            print(
                f"\n{name}, seed {seed}, {seconds:g} s, {steps} steps: {losses[name]}", flush=True
            )
    add(
        "context",
        [
            {"case": f"{name}, seed {seed}", "steps": s.counters.step, "held_out": losses[name]}
            for name, s in sessions.items()
        ],
    )
