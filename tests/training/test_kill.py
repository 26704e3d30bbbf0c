"""Kill a training process at random instants, with SIGKILL, and go on: nothing may differ."""

import multiprocessing
import os
import random
import shutil
import time
from pathlib import Path

import pytest
import torch

from mimikit_nb.checkpoint import Run, load_checkpoint
from mimikit_nb.corpus import open_corpus
from mimikit_nb.training import resume, train

from .conftest import IO, NETWORK, SMALL, table

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
CONFIG = SMALL.replace(max_steps=40, checkpoint_every_steps=4, held_out_every_steps=10)

# Forked from a server that has imported everything and started no threads.
processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["mimikit_nb.training", __name__])


def go_on(corpus_path: str, folder: str) -> None:
    """Train in the folder, from wherever it is."""
    torch.set_num_threads(1)
    corpus = open_corpus(corpus_path)
    if Run(folder).exists:
        resume(folder, corpus, device="cpu")
    else:
        train(corpus, NETWORK, IO, CONFIG, folder, device="cpu")


def train_with_kills(corpus_path: Path, folder: Path, seconds: float, rng: random.Random) -> int:
    """Train to the end, killed again and again after at most ``seconds``; how often it was."""
    kills = 0
    while True:
        process = processes.Process(target=go_on, args=(str(corpus_path), str(folder)))
        process.start()
        process.join(timeout=rng.uniform(0, seconds))
        if process.exitcode is not None:
            assert process.exitcode == 0
            return kills
        process.kill()  # SIGKILL, if it hasn't just ended
        process.join()
        kills += 1


def assert_kills_change_nothing(corpus_path: Path, folder: Path, n_kills: int, seed: int) -> None:
    whole, rng = Run(folder / "whole"), random.Random(seed)
    train_with_kills(corpus_path, folder / "first", 1e6, rng)  # the server imports everything
    begin = time.perf_counter()
    train_with_kills(corpus_path, whole.folder, 1e6, rng)
    duration = time.perf_counter() - begin
    kills, attempt = 0, 0
    while kills < n_kills:
        run, attempt = Run(folder / f"killed_{attempt}"), attempt + 1
        kills += train_with_kills(corpus_path, run.folder, duration, rng)
        assert run.state == "finished"
        assert table(run) == table(whole)
        assert list(run.checkpoints) == list(whole.checkpoints)
        for step in (36, 40):
            assert_same_checkpoint(run, whole, step)
        shutil.rmtree(run.folder)


def assert_same_checkpoint(run: Run, other: Run, step: int) -> None:
    left, right = load_checkpoint(run, step), load_checkpoint(other, step)
    for group in ("network", "ema", "optimizer", "carried", "rng"):
        a, b = left.tensors(group), right.tensors(group)
        assert a and a.keys() == b.keys()
        assert all(torch.equal(a[name], b[name]) for name in a), (step, group)


def test_killed_at_random_instants_it_goes_on_as_if_nothing_had_been(tiny_corpus, tmp_path):
    assert_kills_change_nothing(tiny_corpus.path, tmp_path, n_kills=3, seed=0)


@pytest.mark.long
def test_killed_often(tiny_corpus, tmp_path):
    assert_kills_change_nothing(tiny_corpus.path, tmp_path, n_kills=40, seed=1)
