"""What a planned training would be, before it begins: size, reach, memory, time.

Main names: :func:`plan_facts` (at once), :func:`measure_step` (tries a step on this machine).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..corpus.store import Corpus
from ..features.base import Discrete
from ..networks.base import Network
from ..networks.losses import loss_terms
from ..runtime import check_device
from ..training.batches import plan_batches
from .training import Plan

MOST_MEASURED_WEIGHTS = 30_000_000  # larger networks aren't tried beforehand
MEASURED_STEPS = 512  # model steps of the trial; longer chunks are extrapolated
BYTES_PER_WEIGHT = 16  # weight, gradient, and Adam's two moments, 4 bytes each


@dataclass(frozen=True)
class PlanFacts:
    """Facts that follow from the configs alone.

    Attributes
    ----------
    n_weights : int
        Numbers that are learned.
    receptive_field_seconds : float
        Sound that a prediction looks back on; in recurrent networks it remembers more.
    is_recurrent : bool
        Whether it remembers more than it looks back on.
    weight_bytes : int
        Memory of weights, gradients, optimizer and moving average.
    batch_seconds : float
        Sound in a batch, all rows together.
    windows_per_epoch : int or None
        Chunks in a pass over the corpus; None without one.
    steps_per_epoch : float or None
        Training steps of a pass over the corpus.
    n_steps : int or None
        Steps until the budget is used up; None if it is one of minutes alone.
    """

    n_weights: int
    receptive_field_seconds: float
    is_recurrent: bool
    weight_bytes: int
    batch_seconds: float
    windows_per_epoch: int | None
    steps_per_epoch: float | None
    n_steps: int | None


@dataclass(frozen=True)
class StepFacts:
    """Facts that were measured with a small batch, and reckoned up to the planned one.

    Attributes
    ----------
    seconds_per_step : float
        Duration of a training step.
    activation_bytes : int
        Memory of what the step keeps for its gradients.
    """

    seconds_per_step: float
    activation_bytes: int


def plan_facts(plan: Plan, corpus: Corpus | None = None) -> PlanFacts:
    """Facts on a plan, in milliseconds and without allocating the network.

    Parameters
    ----------
    plan : Plan
        All configs.
    corpus : Corpus, optional
        What is to be learned from.

    Returns
    -------
    PlanFacts

    Raises
    ------
    ConfigError
        If the network can't be built with these variables.
    TrainingError
        If the corpus is too short for the plan.
    """
    with torch.device("meta"):
        network = plan.network.build(plan.io)
    training = plan.training
    n_weights = sum(p.numel() for p in network.parameters())
    chunk_steps = _chunk_steps(plan, network)
    batches = plan_batches(corpus, plan.io, training, network) if corpus is not None else None
    windows = batches.n_sequences * batches.n_chunks if batches else None
    per_epoch = windows / training.batch_size if windows else None
    limits = [training.max_steps]
    if training.max_epochs is not None and per_epoch:
        limits.append(round(training.max_epochs * per_epoch))
    return PlanFacts(
        n_weights,
        float(network.receptive_field * plan.io.step_seconds),
        network.is_recurrent,
        n_weights * (BYTES_PER_WEIGHT + 4 * (training.ema_decay > 0)),
        float(training.batch_size * chunk_steps * plan.io.step_seconds),
        windows,
        per_epoch,
        min((limit for limit in limits if limit is not None), default=None),
    )


def measure_step(plan: Plan, device: str | None = None) -> StepFacts | None:
    """Try a small step on this machine and reckon it up to the planned batch.

    Parameters
    ----------
    plan : Plan
        All configs.
    device : str, optional
        "cuda", "mps" or "cpu"; the best there is if not given.

    Returns
    -------
    StepFacts or None
        None if the network is too large to be tried beside other work.
    """
    with torch.device("meta"):
        weights = sum(p.numel() for p in plan.network.build(plan.io).parameters())
    if weights > MOST_MEASURED_WEIGHTS:
        return None
    where = torch.device(check_device(device))
    with torch.random.fork_rng([]):
        network = plan.network.build(plan.io).to(where)
    rows = sorted({1, min(4, plan.training.batch_size)})
    chunk_steps = _chunk_steps(plan, network)
    multiple = network.chunk_multiple
    n_steps = min(chunk_steps, -(-MEASURED_STEPS // multiple) * multiple)
    _try_step(network, 1, n_steps)  # the first one also sets things up
    tried = [_try_step(network, n, n_steps) for n in rows]
    longer = chunk_steps / n_steps
    (first_seconds, first_bytes), (seconds, n_bytes) = tried[0], tried[-1]
    more = plan.training.batch_size - rows[-1]
    between = max(1, rows[-1] - rows[0])
    seconds += more * max(0.0, seconds - first_seconds) / between
    n_bytes += more * (n_bytes - first_bytes) // between
    return StepFacts(seconds * longer + 1e-8 * weights, int(n_bytes * longer))


def memory_in_use(device: str) -> int:
    """Bytes that this process holds, on the accelerator if it computes there."""
    if device.startswith("cuda") and torch.cuda.is_available():
        return torch.cuda.memory_reserved()
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            import resource

            return int(file.read().split()[1]) * resource.getpagesize()
    except (OSError, ImportError):
        return 0


def _chunk_steps(plan: Plan, network: Network) -> int:
    return -(-plan.training.chunk_steps // network.chunk_multiple) * network.chunk_multiple


def _try_step(network: Network, n_rows: int, n_steps: int) -> tuple[float, int]:
    """Seconds and bytes of a forward and a backward pass on random values."""
    io = network.io
    device = next(network.parameters()).device
    random = torch.Generator().manual_seed(0)

    def values(name: str) -> Tensor:
        kind = io.kind(name)
        shape = (n_rows, n_steps) if isinstance(kind, Discrete) else (n_rows, n_steps, kind.dim)
        if isinstance(kind, Discrete):
            return torch.randint(kind.n_classes, shape, generator=random).to(device)
        return torch.rand(shape, generator=random).to(device)

    inputs = {name: values(name) for name in io.inputs}
    targets = {name: values(name) for name in io.targets}
    with _counting_saved_bytes() as saved:
        start = time.perf_counter()
        outputs, _ = network(inputs)
        loss = torch.stack(list(loss_terms(io, network.heads, outputs, targets).values())).sum()
    torch.autograd.backward(loss)
    loss.item()
    return time.perf_counter() - start, sum(saved.values())


@contextmanager
def _counting_saved_bytes() -> Iterator[dict[int, int]]:
    """Bytes by storage of what the gradients will need."""
    saved: dict[int, int] = {}

    def pack(tensor: Tensor) -> Any:
        storage = tensor.untyped_storage()
        saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        yield saved
