"""One network from several: the average of their weights.

Averaging checkpoints of one run often sounds steadier than any of them ("model soups",
Wortsman et al., 2022). Networks trained apart from each other have little in common, and their
average rarely makes sense unless they started from the same weights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Literal

import torch
from torch import Tensor

from ..arguments import Real, checked
from ..errors import CheckpointError, ParameterError
from .file import Header, feature_tensors
from .format import Checkpoint

_REMEMBERED = ("centroids", "units")
"Buffers of what heads know of a recording."

EMA_DECAY = 0.7
"What each earlier checkpoint weighs of the next one in an average that follows the training."


@checked
def average_checkpoints(
    checkpoints: Sequence[Checkpoint],
    weights: Sequence[Annotated[float, Real(0, 1e9)]] | Literal["uniform", "ema"] | None = None,
) -> Checkpoint:
    """Average the weights of networks with one and the same configuration.

    Parameters
    ----------
    checkpoints : sequence of Checkpoint
        At least one.
    weights : sequence of float >= 0, "uniform" or "ema", optional
        Share of each; they are scaled to a sum of 1. Equal shares if not given; "ema" follows
        the training like a moving average: each checkpoint weighs 0.7 times the next later one.

    Returns
    -------
    checkpoint : Checkpoint
        In memory only; ``export`` stores it.

    Raises
    ------
    CheckpointError
        If the networks differ in more than their weights.
    ParameterError
        If there are no checkpoints, or the weights don't fit them.

    Examples
    --------
    >>> checkpoints = [mnb.load_checkpoint("runs/first", step) for step in (2, 4)]
    >>> mean = mnb.average_checkpoints(checkpoints, weights=[0.3, 0.7])
    >>> mean.step
    4
    """
    shares = _shares(checkpoints, weights)
    _check_alike(checkpoints)
    tensors = [c.weights() for c in checkpoints]
    _check_remembered(tensors)
    average = _average(tensors, shares)
    first = checkpoints[0].header
    parents = tuple(
        {
            "hash": c.hash,
            "step": c.step,
            "weight": share,
            "corpus_hash": c.corpus_hash,
            "rights": c.rights,
        }
        for c, share in zip(checkpoints, shares, strict=True)
    )
    header = Header(
        step=max(c.step for c in checkpoints),
        network=first.network,
        io=first.io,
        training=first.training,
        corpus_hash="+".join(sorted({c.corpus_hash for c in checkpoints})),
        source="; ".join(dict.fromkeys(c.header.source for c in checkpoints)),
        rights=_rights(checkpoints),
        parents=parents,
    )
    return Checkpoint(header, _weights=average, _io=checkpoints[0].io)


def _shares(
    checkpoints: Sequence[Checkpoint], weights: Sequence[float] | str | None
) -> list[float]:
    n = len(checkpoints)
    if n == 0:
        raise ParameterError("There are no checkpoints to average; pass at least one.")
    if isinstance(weights, str):
        weights = _named_shares([c.step for c in checkpoints], weights)
    weights = [1.0] * n if weights is None else list(weights)
    if len(weights) != n:
        raise ParameterError(
            f"There are {n} checkpoints but {len(weights)} weights; give one weight each."
        )
    total = sum(weights)
    if not all(math.isfinite(w) and w >= 0 for w in weights) or total <= 0:
        raise ParameterError(f"Weights {weights} must be finite, not negative, and not all 0.")
    return [w / total for w in weights]


def _named_shares(steps: list[int], name: str) -> list[float] | None:
    if name not in ("uniform", "ema"):
        raise ParameterError(f"weights is {name!r}; it must be numbers, 'uniform' or 'ema'.")
    if name == "uniform":
        return None
    later = [sum(other > step for other in steps) for step in steps]
    return [EMA_DECAY**n for n in later]


def _check_alike(checkpoints: Sequence[Checkpoint]) -> None:
    first = checkpoints[0]
    for other in checkpoints[1:]:
        if (other.config, other.io) != (first.config, first.io):
            raise CheckpointError(
                f"Checkpoints {first.path or 'in memory'} and {other.path or 'in memory'} can't be "
                "averaged: their networks differ in configuration or variables. Average steps of "
                "one run, or runs made with the same settings."
            )
        mine, others = feature_tensors(first.io), feature_tensors(other.io)
        if any(not torch.equal(value, others[name]) for name, value in mine.items()):
            raise CheckpointError(
                f"Checkpoints {first.path or 'in memory'} and {other.path or 'in memory'} can't be "
                "averaged: their features were learned from different sound. Average steps of one "
                "run, or runs on one corpus with one seed."
            )


def _check_remembered(weights: Sequence[dict[str, Tensor]]) -> None:
    """Raise a CheckpointError unless all heads know the same classes and units of a recording."""
    for name, first in weights[0].items():
        is_known = name.rpartition(".")[2] in _REMEMBERED
        if is_known and not all(torch.equal(first, other[name]) for other in weights[1:]):
            raise CheckpointError(
                "Networks can't be averaged whose heads remember different sound: classes and "
                "units would mean different things. Average steps of one run, or runs on one "
                "corpus with one seed."
            )


def _average(weights: Sequence[dict[str, Tensor]], shares: Sequence[float]) -> dict[str, Tensor]:
    """Average in double precision; whole numbers (counters) are the first network's."""
    return {
        name: sum(
            (share * w[name].double() for w, share in zip(weights, shares, strict=True)),
            torch.zeros_like(value, dtype=torch.float64),
        ).to(value.dtype)
        if value.is_floating_point()
        else value
        for name, value in weights[0].items()
    }


def _rights(checkpoints: Sequence[Checkpoint]) -> object:
    """The common note on rights, or all of them."""
    notes = []
    for checkpoint in checkpoints:
        if checkpoint.rights not in notes:
            notes.append(checkpoint.rights)
    return notes[0] if len(notes) == 1 else notes
