from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mimikit_nb.checkpoint import Run
from mimikit_nb.corpus import Corpus
from mimikit_nb.networks.sample_rnn import SampleRNNConfig
from mimikit_nb.training import Callback, TrainConfig, train

NETWORK = SampleRNNConfig(frame_sizes=(8, 4, 4), hidden_dim=16)
IO = NETWORK.default_io(22050)
SMALL = TrainConfig(
    batch_size=4,
    chunk_steps=64,
    chunks_per_sequence=3,
    max_steps=12,
    warmup_steps=4,
    learning_rate=0.01,
    held_out_every_steps=5,
    held_out_batches=2,
    checkpoint_every_steps=5,
    preview_every_steps=0,
    log_every_steps=2,
)


@pytest.fixture
def start(tiny_corpus: Corpus, tmp_path: Path) -> Callable[..., Run]:
    """Trains a tiny SampleRNN on the CPU; fields of the config can be changed."""

    def run(name: str = "run", network: Any = NETWORK, io: Any = IO, **options: Any) -> Run:
        passed = {"callbacks", "preview", "control"} & set(options)
        extra = {key: options.pop(key) for key in passed}
        config = SMALL.replace(**options)
        return train(tiny_corpus, network, io, config, tmp_path / name, device="cpu", **extra)

    return run


class Recorder(Callback):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []
        self.statuses: list[Any] = []

    def on_start(self, run, control):
        self.events.append(("start", run.state))

    def on_step(self, status):
        self.statuses.append(status)
        self.events.append(("step", status.step))

    def on_held_out(self, status):
        self.events.append(("held_out", status.step))

    def on_checkpoint(self, step, path):
        assert path.exists()
        self.events.append(("checkpoint", step))

    def on_preview(self, step, previews):
        self.events.append(("preview", previews))

    def on_state(self, state, message):
        self.events.append(("state", state))

    def on_end(self, state, message):
        self.events.append(("end", state))


def table(run: Run) -> list[str]:
    """Rows of the table of losses without what depends on the clock."""
    return run.metrics.drop(columns=["tokens_per_second", "seconds"]).to_csv().splitlines()
