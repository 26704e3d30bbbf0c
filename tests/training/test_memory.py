"""Real memory shortage: a child process may map only so much."""

import multiprocessing
from pathlib import Path

import pytest
import torch

from mimikit_nb.checkpoint import Run
from mimikit_nb.corpus import open_corpus
from mimikit_nb.errors import TrainingError
from mimikit_nb.training import resume, train

from .conftest import IO, NETWORK, SMALL

resource = pytest.importorskip("resource", reason="Windows has no limits on memory")
processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["mimikit_nb.training", __name__])

MEGABYTES = 2**20


def mapped_bytes() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmSize:")[1].split()[0]) * 1024


def train_short_of_memory(corpus_path: str, folder: str, options: dict, megabytes: int) -> None:
    torch.set_num_threads(1)
    corpus = open_corpus(corpus_path)
    warm_up = SMALL.replace(max_steps=1)
    train(corpus, NETWORK, IO, warm_up, f"{folder}_warm_up", device="cpu")
    limit = mapped_bytes() + megabytes * MEGABYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    try:
        train(corpus, NETWORK, IO, SMALL.replace(**options), folder, device="cpu")
    except TrainingError as error:
        Path(f"{folder}_error.txt").write_text(str(error))


def run_child(corpus, folder, megabytes, **options) -> Run:
    arguments = (str(corpus.path), str(folder), options, megabytes)
    child = processes.Process(target=train_short_of_memory, args=arguments)
    child.start()
    child.join()
    assert child.exitcode == 0
    return Run(folder)


needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")


@needs_proc
@pytest.mark.parametrize(("precision", "megabytes"), [("32", 200), ("bf16", 400)])
def test_the_batch_is_halved_and_said_so(tiny_corpus, tmp_path, precision, megabytes):
    # The logits of 512 rows alone take 512 * 256 * 256 * 4 bytes = 128 MB; bf16 copies them.
    options = {"batch_size": 512, "chunk_steps": 256, "max_steps": 3, "held_out": 0}
    run = run_child(tiny_corpus, tmp_path / "run", megabytes, precision=precision, **options)
    assert run.state == "finished"
    rows = run.metrics["batch_size"].tolist()
    assert rows[-1] < 512
    log = (run.folder / "log.txt").read_text()
    assert "Out of memory in step 1: the batch is halved, from 512 to 256 rows." in log
    resume(run.folder, tiny_corpus, max_steps=4, device="cpu")
    assert run.metrics["batch_size"].tolist()[-1] == rows[-1]


@needs_proc
def test_a_single_row_too_large_says_what_to_do(tiny_corpus, tmp_path):
    run = run_child(
        tiny_corpus, tmp_path / "run", 20, batch_size=2, chunk_steps=30_000, chunks_per_sequence=1
    )
    assert run.state == "failed"
    assert "smaller chunk_steps" in (tmp_path / "run_error.txt").read_text().replace("\n", " ")
