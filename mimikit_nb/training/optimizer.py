"""The optimizer, and how its learning rate rises and falls."""

from __future__ import annotations

import math

import torch

from ..networks.base import Network
from .config import TrainConfig


def build_optimizer(network: Network, config: TrainConfig) -> torch.optim.Optimizer:
    """AdamW over what is learned; biases, scales and embeddings of one row aren't pulled to zero.

    Fused: one pass over all weights, which on the CPU takes a third of the time and allocates
    nothing in a step.
    """
    learned = [p for p in network.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in learned if p.dim() > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in learned if p.dim() <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    return torch.optim.AdamW(groups, lr=config.learning_rate, fused=True)


def learning_rate(config: TrainConfig, step: int, last_step: int | None) -> float:
    """Learning rate of the step after ``step`` steps: a warm-up, then the decay.

    Parameters
    ----------
    config : TrainConfig
        ``learning_rate``, ``warmup_steps``, ``decay``, ``decay_steps``.
    step : int >= 0
        Steps done.
    last_step : int or None
        Step at which the rate has fallen to zero; None where there is no decay.
    """
    rate = config.learning_rate * min(1.0, (step + 1) / (config.warmup_steps + 1))
    if config.decay == "inverse_sqrt":
        return rate / math.sqrt(1 + step / config.decay_steps)
    if config.decay == "constant" or last_step is None or step < config.warmup_steps:
        return rate
    span = max(1, last_step - config.warmup_steps)
    done = min(1.0, (step - config.warmup_steps) / span)
    return rate * (1 - done if config.decay == "linear" else 0.5 * (1 + math.cos(math.pi * done)))
