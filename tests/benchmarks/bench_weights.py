"""What smaller weights change, on trained networks: in the logits, and in the sound.

Both networks read the same values; their hidden states drift as they will. The distance of
logits is relative to the spread of the logits. Sounds are compared by their log-mel spectra;
beside it stands the distance of two sounds of the same network with different seeds.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

import mimikit_nb as mnb
from mimikit_nb.checkpoint import Checkpoint
from mimikit_nb.engine import compile_stages
from mimikit_nb.engine.stages import clone_state
from mimikit_nb.evaluation.distances import SpectralStatistics, band_distance
from mimikit_nb.generation.engine_options import EngineOptions
from mimikit_nb.generation.loop import generation_stages, generation_state
from tests.benchmarks.report import add

TRAINED = os.environ.get("MIMIKIT_NB_BENCH_RUNS")  # a folder of runs by kind, to train none
MINUTES, SECONDS, N_STEPS = 1.0, 5.0, 400
KINDS = ("sample_rnn", "wavenet", "freqnet")


def trained(kind: str, folder: Path) -> Checkpoint:
    """A network that has learned for a while."""
    if TRAINED:
        return mnb.load_checkpoint(Path(TRAINED) / kind)
    corpus = mnb.demo_corpus()
    quiet = {"preview_every_steps": 0, "held_out": 0.0, "max_minutes": MINUTES, "device": "cpu"}
    return mnb.load_checkpoint(mnb.train(corpus, kind, folder / kind, **quiet))


def logit_distance(ck: Checkpoint, weights: str) -> float:
    """Root mean square difference of head parameters, relative to their spread."""
    network = ck.network().folded()
    state = generation_state(network, network.init_state(1), N_STEPS, truncates=False)
    for u in state["u"].values():
        u.uniform_()
    state["controls"]["temperature"].fill_(1.0)
    stages, other = generation_stages(network), clone_state(state)
    exact = compile_stages(stages, state, backend="c")
    small = compile_stages(stages, state, backend="c", weights=weights)
    differences, values = [], []
    for _ in range(N_STEPS):
        for name, value in state["in"].items():
            other["in"][name].copy_(value)
        exact.run(state, 1)
        small.run(other, 1)
        a, b = (next(iter(s["out"].values())) for s in (state, other))
        differences.append(a - b)
        values.append(a.clone())
    return float(torch.stack(differences).square().mean().sqrt() / torch.stack(values).std())


def sound(ck: Checkpoint, weights: str, seed: int) -> SpectralStatistics:
    made = mnb.generate(ck, seconds=SECONDS, seed=seed, engine=EngineOptions(weights=weights))
    return SpectralStatistics.of(made.continuation[0], made.sample_rate)


@pytest.mark.benchmark
@pytest.mark.timeout(0)
@pytest.mark.parametrize("kind", KINDS)
def test_effect_of_smaller_weights(kind, tmp_path):
    ck = trained(kind, tmp_path)
    exact = sound(ck, "f32", 0)
    row = {"case": kind, "step": ck.step}
    row["log_mel_db, other seed"] = band_distance(exact, sound(ck, "f32", 1))
    for weights in ("bf16", "int8"):
        row[f"logits, {weights}"] = logit_distance(ck, weights)
        row[f"log_mel_db, {weights}"] = band_distance(exact, sound(ck, weights, 0))
    print(f"\n{row}")
    add("smaller weights", [row])
    assert row["logits, bf16"] < row["logits, int8"] < 0.5
