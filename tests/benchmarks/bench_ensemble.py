"""Ensembles: how fast a piece is made, how its seams are, and what the nearest neighbour costs.

``MIMIKIT_NB_BENCH_RUNS`` names a folder with a corpus (``*.h5``) and trained runs to play with;
without it two small networks are trained on embedded music.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import mimikit_nb as mnb
from mimikit_nb.audio.demo import demo_music
from mimikit_nb.audio.meters import measure
from mimikit_nb.generation.ensemble.event import Event
from mimikit_nb.generation.ensemble.matching import PlaceIndex
from mimikit_nb.generation.ensemble.neighbour import NearestNeighbour
from mimikit_nb.generation.ensemble.piece import Ensemble
from mimikit_nb.generation.ensemble.sources import Cue
from mimikit_nb.progress import Progress
from mimikit_nb.recipes.palette import look
from tests.benchmarks.bench_endless import megabytes
from tests.benchmarks.report import add

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(0)]

GIVEN = os.environ.get("MIMIKIT_NB_BENCH_RUNS")
SECONDS, ENDLESS_SECONDS = 60.0, 600.0
RATE = 8000  # of the synthetic corpora
LENGTHS = {"5 min": 300, "1 h": 3600, "10 h": 36_000}
N_STEPS = 200


def say(section: str, row: dict[str, Any]) -> None:
    print(f"\n{row}, load {os.getloadavg()[0]:.1f}")
    add(section, [row])


@pytest.fixture(scope="module")
def players(tmp_path_factory) -> tuple[Any, list[str]]:
    """A corpus and two networks at least, trained here if there are none."""
    if GIVEN:
        found = look(GIVEN)
        name = os.environ.get("MIMIKIT_NB_BENCH_CORPUS", next(iter(found.corpora)))
        return mnb.open_corpus(found.corpora[name]), [str(p) for p in found.networks.values()]
    folder, corpus = tmp_path_factory.mktemp("runs"), mnb.demo_corpus()
    runs = [
        mnb.train(corpus, kind, folder / kind.split("/")[0], max_minutes=0.5, max_steps=400)
        for kind in ("sample_rnn/tiny", "freqnet/tiny")
    ]
    return corpus, [str(run.folder) for run in runs]


def dialogue(networks: list[str]) -> list[dict[str, Any]]:
    """Two networks or more, the nearest neighbour and an average, in turns."""
    match = {"level": "match", "temperature": 0.9}
    turns = [{"generator": n, "seconds": [1.5, 3.0], **match} for n in networks]
    wander = {"nearest_neighbour": None, "k": 4, "forbid_seconds": 3.0}
    average = {"average": networks[:2]}
    turns.insert(1, {"generator": wander, "seconds": [2.0, 4.0], **match})
    turns.append({"generator": average, "seconds": [1.5, 3.0], **match})
    return [{"repeat": turns, "times": None}]


def digest(made: Ensemble) -> str:
    return hashlib.sha256(made.audio.tobytes()).hexdigest()[:12]


def seam_ratios(made: Ensemble) -> list[float]:
    """Steps at both ends of every seam, by the 99.9th percentile of those of the turns around."""
    rate, steps = made.sample_rate, np.abs(np.diff(made.audio.astype(float), axis=1)).max(axis=0)
    found = []
    for before, after in itertools.pairwise(made.turns):
        start = round(after.start * rate)
        end = start + round(after.parameters["crossfade_seconds"] * rate)
        around = steps[round(before.start * rate) : round(after.stop * rate) - 1]
        usual = np.percentile(around, 99.9)
        found += [float(steps[i - 1] / usual) for i in (start, end) if i < len(steps)]
    return found


def level_steps(made: Ensemble) -> list[float]:
    """Differences of loudness between matched turns and those before them, in LU."""
    rate = made.sample_rate
    levels = [
        measure(made.audio[:, round(t.start * rate) : round(t.stop * rate)], rate).lufs
        for t in made.turns
    ]
    return [abs(b - a) for a, b in itertools.pairwise(levels) if np.isfinite(a + b)]


def test_a_minute_of_several_networks(players):
    corpus, networks = players
    score = dialogue(networks)
    mnb.ensemble(score, corpus, seconds=20.0)  # compiles, and builds the index
    began, worked = time.perf_counter(), time.process_time()
    made = mnb.ensemble(score, corpus, seconds=SECONDS, seed=1)
    spent, worked = time.perf_counter() - began, time.process_time() - worked
    again, other = (mnb.ensemble(score, corpus, seconds=SECONDS, seed=s) for s in (1, 2))
    ratios, levels = seam_ratios(made), level_steps(made)
    row = {
        "case": "a minute of several networks",
        "generators": sorted({turn.generator for turn in made.turns}),
        "turns": len(made.turns),
        "real_time_factor": SECONDS / spent,
        "cpu_seconds": worked,
        "samples_missing": made.audio.shape[1] - round(SECONDS * made.sample_rate),
        "same_seed_same_bytes": digest(made) == digest(again),
        "another_seed_another_piece": digest(made) != digest(other),
        "largest_seam_step_by_p99.9": max(ratios),
        "seams_above_p99.9": sum(r > 1 for r in ratios),
        "seam_ends": len(ratios),
        "loudness_steps_lu": [round(v, 2) for v in levels],
    }
    say("ensemble", row)


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory):
    """Corpora of embedded music by length, mapped from disk, without what files bring."""
    folder = tmp_path_factory.mktemp("synthetic")
    pieces = [demo_music(RATE, 120.0, seed).reshape(-1) for seed in range(30)]

    def make(name: str) -> SimpleNamespace:
        n, rng = LENGTHS[name] * RATE, np.random.default_rng(0)
        signal = np.memmap(folder / name.replace(" ", "_"), np.float32, "w+", shape=(1, n))
        step = len(pieces[0])
        for start in range(0, n, step):  # every piece another time faster, mixed of two
            mixed = pieces[rng.integers(30)] + rng.uniform(0.2, 1) * np.roll(
                pieces[rng.integers(30)], int(rng.integers(step))
            )
            signal[0, start : start + step] = mixed[: n - start]
        signal.flush()
        file = SimpleNamespace(start=0, stop=n)
        return SimpleNamespace(
            signal=signal, sample_rate=RATE, n_samples=n, segments=[(0, n)], file_at=lambda _: file
        )

    return make


@pytest.mark.parametrize("name", LENGTHS)
def test_the_nearest_neighbour_by_the_length_of_the_corpus(name, synthetic, monkeypatch):
    corpus = synthetic(name)
    before, began = megabytes(), time.perf_counter()
    index = PlaceIndex(corpus)
    built = time.perf_counter() - began
    from mimikit_nb.generation.ensemble import neighbour

    monkeypatch.setattr(neighbour, "index_of", lambda _: index)
    rng = np.random.default_rng(1)
    places = rng.integers(5 * RATE, corpus.n_samples - 5 * RATE, N_STEPS)
    prompts = [np.array(corpus.signal[:, p - 2 * RATE : p]) for p in places]
    index.find(prompts[0])
    began = time.perf_counter()
    found = [index.find(prompt)[0].sample for prompt in prompts]
    per_step = (time.perf_counter() - began) / N_STEPS
    source = NearestNeighbour(corpus, k=4, forbid_seconds=2.0).start(
        Cue(prompts[0], RATE, 60 * RATE, Event(generator="nearest_neighbour", temperature=1.0), 0)
    )
    began = time.perf_counter()
    source.take(60 * RATE)
    row = {
        "case": f"nearest neighbour, {name}",
        "places": len(index),
        "index_seconds": built,
        "index_megabytes": megabytes() - before,
        "step_milliseconds": 1000 * per_step,
        "real_time_factor": 60 / (time.perf_counter() - began),
        "known_places_continued": float(np.mean(np.array(found) == places)),
    }
    say("ensemble", row)


def test_ten_minutes_without_an_end_in_flat_memory(players, tmp_path):
    corpus, networks = players
    memory: list[float] = []
    began = time.perf_counter()

    def note(progress: Progress) -> None:
        done = progress.done
        if done >= 20 * (len(memory) + 1):
            memory.append(megabytes())
        if done >= ENDLESS_SECONDS:
            raise KeyboardInterrupt

    written = mnb.ensemble(dialogue(networks), corpus, out=tmp_path, stems=True, progress=note)
    assert isinstance(written.paths[0], Path)
    row = {
        "case": "ten minutes, written as they go",
        "real_time_factor": written.seconds / (time.perf_counter() - began),
        "turns": len(written.turns),
        "megabytes_after_1_min": memory[2],
        "megabytes_at_the_end": memory[-1],
    }
    say("ensemble", row)
