"""All that a training run works with: network, optimizer, batches, device, and its checkpoints.

A :class:`Session` can do one thing at a time (read a batch, learn from it, update the weights,
measure the held-out loss, save, restore); the order in which that happens is the loop's.
"""

from __future__ import annotations

import gc
import logging
import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from lightning_fabric import Fabric

from ..checkpoint.file import Header, feature_tensors, write_file
from ..checkpoint.format import Checkpoint
from ..checkpoint.run import Run
from ..corpus.store import Corpus
from ..engine.stages import State
from ..features.augment import Augmentation
from ..io.learning import CorpusValues, corpus_values, fit_features
from ..io.read import Batch, Reader
from ..io.variable import IOSpec
from ..networks.base import Network, NetworkConfig, detach_state
from ..networks.losses import loss_terms
from ..runtime import check_device, has_bf16_units, use_huge_pages
from .batches import Chunk, draw_changes, plan_batches, plan_held_out
from .config import TrainConfig
from .optimizer import build_optimizer, learning_rate
from .state import GROUPS, Counters, TrainingState, first_rows
from .timing import Timing

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Learned:
    """What a batch taught: losses, and the gradients that now lie in the parameters.

    Attributes
    ----------
    loss : float
        Sum of the terms.
    terms : dict of float
        Weighted loss terms by ``variable/term``.
    grad_norm : float
        Norm of the gradients before they were clipped.
    carried : State or None
        Memory of a recurrent network after the batch.
    """

    loss: float
    terms: dict[str, float]
    grad_norm: float
    carried: State | None

    @property
    def is_finite(self) -> bool:
        """Whether it may be used."""
        return math.isfinite(self.loss) and math.isfinite(self.grad_norm)


class Session:
    """Network, optimizer and data of a training run.

    Parameters
    ----------
    corpus : Corpus
        What is learned from.
    network_config : NetworkConfig
        The network.
    io : IOSpec
        What it reads and writes.
    config : TrainConfig
        How it is trained.
    device : str, optional
        "cuda", "mps" or "cpu"; the best one there is if not given.

    Raises
    ------
    TrainingError
        If the corpus is too short.
    """

    def __init__(
        self,
        corpus: Corpus,
        network_config: NetworkConfig,
        io: IOSpec,
        config: TrainConfig,
        device: str | None = None,
    ) -> None:
        self.segments = corpus.split(config.held_out, config.seed).train
        io = fit_features(io, corpus, self.segments)
        self.corpus, self.network_config, self.io, self.config = corpus, network_config, io, config
        use_huge_pages()
        self.device = torch.device(check_device(device))
        self.precision = chosen_precision(config.precision, self.device)
        logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # the run's log says it
        self.fabric = Fabric(
            accelerator=self.device.type,
            devices=1 if self.device.index is None else [self.device.index],
            precision="bf16-mixed" if self.precision == "bf16" else "32-true",
        )
        self.timing = Timing()
        self.values = _values(io, corpus)
        self.reader = Reader(io, corpus, self.fabric.device, values=self.values)
        self.reset()
        network = self.state.network
        self.plan = plan_batches(corpus, io, config, network)
        self.held_out = plan_held_out(corpus, io, config, network)
        self.chunk_steps = self.plan.chunk_steps

    def reset(self) -> None:
        """(Re)build network and optimizer as they are before the first step."""
        config = self.config
        torch.manual_seed(config.seed)
        network = self.network_config.build(self.io)
        self._prepare(network)
        network = network.to(self.device)
        optimizer = build_optimizer(network, config)
        counters = Counters(batch_size=config.batch_size)
        self.state = TrainingState(network, optimizer, counters, with_ema=config.ema_decay > 0)
        self.model, self.optimizer = self.fabric.setup(network, optimizer)
        self.is_compiled = config.compile
        if config.compile:
            network.compile()

    def _prepare(self, network: Network) -> None:
        """Let the heads take note of what they must know of the corpus."""
        for name, known in self._known().items():
            network.heads[name].prepare(*known)

    def remember_corpus(self) -> None:
        """Let the heads remember this corpus instead of the one that they were trained on."""
        networks = {id(n): n for n in (self.state.network, self.state.evaluated)}
        for network in networks.values():
            for name, known in self._known().items():
                network.heads[name].remember(*known)

    def _known(self) -> dict[str, tuple[list[np.ndarray], int, int]]:
        """Stretches of values to learn from, their stride and channels, by target variable."""
        known = {}
        for name, values in self.values.items():
            if name in self.io.targets:
                length = self.io.learned[name].axis.frame_length
                stretches = list(values.stretches(self.segments, length))
                known[name] = (stretches, values.stride, len(values.channels))
        return known

    # -- the budget ---------------------------------------------------------------------------

    @property
    def counters(self) -> Counters:
        """Where the run is."""
        return self.state.counters

    @property
    def epoch(self) -> float:
        """Passes over the corpus done."""
        return self.plan.epoch(self.counters.step, self.counters.anchor)

    @cached_property
    def last_step(self) -> int | None:
        """Step at which the run is finished, if the budget is one of steps or epochs."""
        limits = [self.config.max_steps]
        if self.config.max_epochs is not None:
            limits.append(self.plan.steps_of(self.config.max_epochs, self.config.batch_size))
        return min((limit for limit in limits if limit is not None), default=None)

    @property
    def is_done(self) -> bool:
        """Whether the budget is used up."""
        config, step = self.config, self.counters.step
        return (
            (config.max_steps is not None and step >= config.max_steps)
            or (config.max_epochs is not None and self.epoch >= config.max_epochs)
            or (self.seconds_left <= 0 and step >= config.min_steps)
        )

    @property
    def seconds_left(self) -> float:
        """Seconds until the minutes of the budget are used up; infinite if they don't count."""
        minutes = self.config.max_minutes
        return math.inf if minutes is None else 60 * minutes - self.counters.seconds

    @property
    def learning_rate(self) -> float:
        """Learning rate of the next step."""
        rate = learning_rate(self.config, self.counters.step, self.last_step)
        return rate * self.counters.rate_factor

    # -- a step -------------------------------------------------------------------------------

    def read(self, step: int) -> Batch:
        """What the step after ``step`` steps learns from."""
        with self.timing.part("data"):
            chunk = self.plan.chunk(step, self.counters.anchor)
            if self.config.augment is None:
                return self._read(chunk)
            return self._read(
                chunk, draw_changes(self.config.augment, self.config.seed, chunk.sequences)
            )

    def _read(self, chunk: Chunk, changes: Augmentation | None = None) -> Batch:
        return self.reader.read(chunk.origins, chunk.start_step, self.chunk_steps, changes)

    def forward_backward(self, batch: Batch) -> torch.Tensor:
        """Compute losses and gradients; all figures come in one tensor, not yet waited for."""
        if not self.is_compiled:
            return self._forward_backward(batch)
        random = torch.get_rng_state()
        try:
            return self._forward_backward(batch)
        except Exception as error:  # torch's compiler raises all kinds of errors
            if is_out_of_memory(error):
                raise
            logger.warning("The network can't be compiled, so training goes on without: %s", error)
            self._stop_compiling()
            torch.set_rng_state(random)
            return self._forward_backward(batch)

    def _stop_compiling(self) -> None:
        self.is_compiled = False
        self.state.network._compiled_call_impl = None
        self.optimizer.zero_grad(set_to_none=True)

    def _forward_backward(self, batch: Batch) -> torch.Tensor:
        state, timing = self.state, self.timing
        if self.plan.begins_round(self.counters.step):
            state.carried = None
        with timing.part("forward"):
            outputs, after = self.model(batch.inputs, state.carried)
            terms = loss_terms(self.io, state.network.heads, outputs, batch.targets)
            loss = torch.stack(list(terms.values())).sum()
        with timing.part("backward"):
            self.fabric.backward(loss)
        with timing.part("optimizer"):
            norm = self.fabric.clip_gradients(
                self.model,
                self.optimizer,
                max_norm=self.config.grad_clip or math.inf,
                error_if_nonfinite=False,
            )
        self._term_names = list(terms)
        self._after = detach_state(after) if state.network.is_recurrent else None
        assert norm is not None
        return torch.stack([loss, norm, *terms.values()]).detach()

    def wait(self, figures: torch.Tensor) -> Learned:
        """Wait for what :meth:`forward_backward` computes."""
        with self.timing.part("backward"):
            loss, norm, *terms = figures.tolist()
        return Learned(loss, dict(zip(self._term_names, terms, strict=True)), norm, self._after)

    def update(self, learned: Learned) -> None:
        """Change the weights by the gradients; take the memory over."""
        with self.timing.part("optimizer"):
            for group in self.optimizer.param_groups:
                group["lr"] = self.learning_rate
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            self.counters.step += 1
            self.counters.skipped_in_a_row = 0
            self.state.update_ema(self.config.ema_decay)
            self.state.carried = learned.carried

    def skip(self) -> None:
        """Leave the weights as they are; a memory that may be spoilt is forgotten."""
        self.optimizer.zero_grad(set_to_none=True)
        self.counters.step += 1
        self.counters.skipped += 1
        self.counters.skipped_in_a_row += 1
        self.state.carried = None

    def halve_batch(self) -> int:
        """Go on with the first half of the batch's rows; their number is returned."""
        self.optimizer.zero_grad(set_to_none=True)
        self._after = None
        counters, state = self.counters, self.state
        half = counters.batch_size // 2
        counters.anchor = self.plan.reanchored(counters.step, counters.anchor, half)
        if state.carried is not None:
            state.carried = first_rows(state.carried, half)
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        return half

    # -- beside the steps ---------------------------------------------------------------------

    @torch.no_grad()
    def held_out_loss(self) -> float | None:
        """Mean loss on the held-out part; None if there is none."""
        network = self.state.evaluated
        losses: list[torch.Tensor] = []
        carried: State | None = None
        network.eval()
        for chunk in self.held_out:
            batch = self._read(chunk)
            with self.fabric.autocast():
                outputs, after = network.forward(batch.inputs, None if chunk.is_first else carried)
            outputs = {name: value.float() for name, value in outputs.items()}
            terms = loss_terms(self.io, network.heads, outputs, batch.targets)
            losses += [torch.stack(list(terms.values())).sum()] * len(chunk.origins)
            carried = after if network.is_recurrent else None
        self.state.network.train()
        return torch.stack(losses).mean().item() if losses else None

    def save(self, run: Run, metrics: dict[str, float]) -> None:
        """Write a checkpoint of this step."""
        corpus = self.corpus
        header = Header(
            step=self.counters.step,
            network=self.network_config,
            io=self.io,
            training=self.config.to_dict(),
            metrics=metrics,
            corpus_hash=corpus.hash,
            source=str(corpus.path),
            rights=corpus.rights,
        )
        tensors = self.state.to_tensors() | feature_tensors(self.io)
        write_file(run.checkpoint_path(self.counters.step), header, tensors)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Be where the checkpoint was written."""
        self.state.restore({group: checkpoint.tensors(group) for group in GROUPS})


def _values(io: IOSpec, corpus: Corpus) -> dict[str, CorpusValues]:
    """Values of the learned features that are read at the corpus' own rate."""
    return {
        name: corpus_values(feature, io, corpus)
        for name, feature in io.learned.items()
        if feature.axis.sample_rate == corpus.sample_rate and io.variables[name].source == "signal"
    }


def chosen_precision(wanted: str, device: torch.device) -> str:
    """Numbers to compute with, "32" or "bf16": auto takes bf16 where the hardware gains."""
    if wanted != "auto":
        return wanted
    return "bf16" if has_bf16_units(device) else "32"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out, on any device."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    signs = (
        "out of memory",
        "can't allocate memory",
        "cannot allocate memory",
        "bad_alloc",
        "could not create a primitive",  # oneDNN, when there is no memory to work in
    )
    return isinstance(error, RuntimeError) and any(sign in text for sign in signs)
