"""Start a training run in a new folder, or go on with one: :func:`train` and :func:`resume`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import yaml

from ..audio.atomic import replacing
from ..checkpoint.format import Checkpoint, latest_good
from ..checkpoint.run import Run
from ..config import did_you_mean
from ..corpus.store import Corpus
from ..errors import ConfigError, TrainingError
from ..io.variable import IOSpec
from ..networks import NETWORKS
from ..networks.base import NetworkConfig
from ..runtime import subnormals_flushed
from .callbacks import Callback, Control
from .config import TrainConfig
from .loop import Loop, Preview, cut_metrics
from .session import Session, is_out_of_memory

CHANGEABLE = (
    "max_steps",
    "max_epochs",
    "max_minutes",
    "min_steps",
    "learning_rate",
    "warmup_steps",
    "decay",
    "decay_steps",
    "grad_clip",
    "weight_decay",
    "precision",
    "threads",
    "compile",
    "held_out_every_steps",
    "checkpoint_every_steps",
    "keep_last",
    "preview_every_steps",
    "preview_seconds",
    "log_every_steps",
)
"""Fields of the training that may be changed when a run is resumed: none that the order of the
data, or what the checkpoint holds, depends on."""


def train(
    corpus: Corpus,
    network_config: NetworkConfig,
    io: IOSpec,
    train_config: TrainConfig,
    folder: str | Path,
    *,
    callbacks: Sequence[Callback] = (),
    preview: Preview | None = None,
    control: Control | None = None,
    device: str | None = None,
) -> Run:
    """Train a network from scratch; everything is written to a new folder.

    Ends when the budget is used up, or after the current step on SIGINT, SIGTERM, a file named
    STOP in the folder, or ``control.stop()``; each leaves a checkpoint to :func:`resume` from.

    Parameters
    ----------
    corpus : Corpus
        What is learned from.
    network_config : NetworkConfig
        The network.
    io : IOSpec
        What it reads and writes.
    train_config : TrainConfig
        Batches, budget, learning rate, what is written when.
    folder : str or Path
        Folder of the run; made here.
    callbacks : sequence of Callback
        Told what happens.
    preview : function of (network, step), optional
        Makes sound previews every ``preview_every_steps``; callbacks get what it returns.
    control : Control, optional
        Pauses, stops and steers the run from another thread.
    device : str, optional
        "cuda", "mps" or "cpu"; the best one there is if not given.

    Returns
    -------
    run : Run
        The run; ``run.state`` says how it ended.

    Raises
    ------
    TrainingError
        If the folder holds a run, can't be written to, the corpus is too short, the loss stays
        not finite, or memory runs out.
    CheckpointError
        If a checkpoint can't be written, or somebody else trains in the folder.
    """
    run = Run(folder)
    with _opened(run, device):
        if run.exists:
            raise TrainingError(
                f"{run.folder} holds a run already, and runs are never overwritten. Go on with it "
                "by resume, or choose another folder."
            )
        session = _build_session(corpus, network_config, io, train_config, device)
        _write_config(run, session)
        _log_setup(run, session)
        Loop(session, run, callbacks, preview, control or Control()).start()
    return run


def resume(
    folder: str | Path,
    corpus: Corpus,
    max_steps: int | None = None,
    *,
    callbacks: Sequence[Callback] = (),
    preview: Preview | None = None,
    control: Control | None = None,
    device: str | None = None,
    other_corpus: bool = False,
    **changes: Any,
) -> Run:
    """Go on with a run from its latest good checkpoint, as if it had never ended.

    Parameters
    ----------
    folder : str or Path
        Folder of the run.
    corpus : Corpus
        The corpus that it was trained on.
    max_steps : int, optional
        New number of steps, counted from the very beginning.
    callbacks, preview, control, device
        As for :func:`train`.
    other_corpus : bool, default False
        Whether the corpus may be another one, or have changed, since.
    **changes
        Other fields of :class:`~.config.TrainConfig` to change: budgets, learning rate,
        intervals.

    Returns
    -------
    run : Run
        The run; ``run.state`` says how it ended.

    Raises
    ------
    TrainingError
        If there is no run in the folder, or the corpus is another one; and as for :func:`train`.
    ConfigError
        If a change isn't possible any more.
    """
    run = Run(folder)
    if not run.config_path.exists():
        raise TrainingError(f"There is no run in {run.folder} to resume: it has no config.yaml.")
    changes |= {} if max_steps is None else {"max_steps": max_steps}
    with _opened(run, device):
        run.sweep()
        checkpoint, complaints = latest_good(run)
        network_config, io, config = _configs_of(run, checkpoint, changes)
        _check_corpus(run, corpus, other_corpus)
        session = _build_session(corpus, network_config, io, config, device)
        if checkpoint is not None:
            session.restore(checkpoint)
        for complaint in complaints:
            run.log(f"Skipped a checkpoint: {complaint}")
        if other_corpus:
            session.state.carried = None
            session.remember_corpus()
        _write_config(run, session)
        _log_setup(run, session)
        loop = Loop(session, run, callbacks, preview, control or Control())
        cut_metrics(loop.metrics, session)
        loop.held_out_loss = checkpoint.metrics.get("held_out_loss") if checkpoint else None
        run.stop_path.unlink(missing_ok=True)  # it was meant for the session before
        loop.start()
    return run


@contextmanager
def _opened(run: Run, device: str | None) -> Iterator[None]:
    """Hold the run's folder, and leave torch's settings to others as they were."""
    devices = [device or "cuda"] if torch.cuda.is_available() and device != "cpu" else []
    try:
        run.folder.mkdir(parents=True, exist_ok=True)
        with run.locked(), torch.random.fork_rng(devices), subnormals_flushed():
            run.samples_folder.mkdir(exist_ok=True)
            yield
    except OSError as error:
        raise TrainingError(
            f"Can't write to {run.folder}: {error}. Checkpoints that are there stay as they are; "
            "make room or choose a folder that can be written to."
        ) from error


def _build_session(
    corpus: Corpus,
    network_config: NetworkConfig,
    io: IOSpec,
    config: TrainConfig,
    device: str | None,
) -> Session:
    try:
        return Session(corpus, network_config, io, config, device)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise TrainingError(
            "The network and its optimizer don't fit into memory. Use a smaller network, set "
            "ema_decay to 0, or take a device with more memory."
        ) from error


def _configs_of(
    run: Run, checkpoint: Checkpoint | None, changes: dict[str, Any]
) -> tuple[NetworkConfig, IOSpec, TrainConfig]:
    """Configs of the checkpoint, or of the folder where there is none yet, with the changes."""
    for name in changes:
        if name not in CHANGEABLE:
            raise ConfigError(
                f"{name!r} can't be changed when a run is resumed. "
                f"{did_you_mean(name, CHANGEABLE)} For anything else, start a new run."
            )
    if checkpoint is not None:
        config = TrainConfig(**checkpoint.training).replace(**changes)
        return checkpoint.config, checkpoint.io, config
    config = run.section("training", lambda values: TrainConfig(**values)).replace(**changes)
    network = run.section("network", NETWORKS.parse)
    return network, run.section("io", lambda values: IOSpec(**values)), config


def _check_corpus(run: Run, corpus: Corpus, other_corpus: bool) -> None:
    before = run.config["corpus"]
    found = str(before.get("hash"))
    if found != corpus.hash and not other_corpus:
        raise TrainingError(
            f"The run was trained on another corpus ({before.get('path')}, hash {found[:12]}) than "
            f"{corpus.path} (hash {corpus.hash[:12]}). Pass that one; or other_corpus=True, if you "
            "mean to go on with other recordings."
        )


def _write_config(run: Run, session: Session) -> None:
    corpus = session.corpus
    values = {
        "network": session.network_config.to_dict(),
        "io": session.io.to_dict(),
        "training": session.config.to_dict(),
        "corpus": {"path": str(corpus.path), "hash": corpus.hash},
    }
    with replacing(run.config_path) as temporary:
        text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True)
        temporary.write_text(text, encoding="utf-8")


def _log_setup(run: Run, session: Session) -> None:
    """Note what is about to be trained, and what of the corpus isn't used."""
    plan, rate = session.plan, session.corpus.sample_rate
    n_weights = sum(p.numel() for p in session.state.network.parameters())
    numbers = "bfloat16" if session.precision == "bf16" else "float32"
    run.log(
        f"Network {session.network_config.kind} with {n_weights:,} weights on {session.device} "
        f"({session.config.threads or torch.get_num_threads()} threads, {numbers}); batches of "
        f"{session.counters.batch_size} x {session.chunk_steps} steps, {plan.n_chunks} in a "
        f"sequence of {plan.sequence_samples / rate:.2f} s; {plan.n_sequences} sequences an epoch; "
        f"{len(session.held_out)} held-out batches."
    )
    if plan.unused_samples:
        run.log(
            f"{plan.unused_samples / rate:.1f} s of the corpus lie in stretches shorter than a "
            "sequence and aren't learned from; a smaller chunk_steps would use them."
        )
