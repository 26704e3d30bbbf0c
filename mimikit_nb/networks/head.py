"""What every output head is: from hidden units to a distribution, its loss, and a draw from it.

A head's parameters are one flat vector ``[..., P]``, so that outputs, states and compiled
executors need to know nothing about distributions. Draws take their randomness as an argument
(``u``, uniform in [0, 1)): torch owns the random numbers and every executor draws alike. Main
names: :class:`Head`, :class:`LinearHead`, :func:`draw_class`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

SPREAD_GAIN = 20.0
"""Spreads are learned this many times as fast as weights: they have a long way to go from their
start, and are only a number per bin."""


class Head(nn.Module, ABC):
    """Maps hidden units to the parameters of a distribution.

    Parameters
    ----------
    n_params : int
        Length ``P`` of the parameter vector.
    n_uniforms : int
        Uniform numbers a draw takes.

    Attributes
    ----------
    controls : tuple of str
        Names of the controls that draws follow, beside ``top_k`` and ``top_p``.
    needs_corpus : bool
        Whether it learns nothing before :meth:`prepare`.
    """

    controls: tuple[str, ...] = ("temperature",)
    needs_corpus: bool = False

    def __init__(self, n_params: int, n_uniforms: int) -> None:
        super().__init__()
        self.n_params = n_params
        self.n_uniforms = n_uniforms

    @abstractmethod
    def forward(self, h: Tensor) -> Tensor:
        """Parameters ``[..., P]`` of hidden units ``[..., H]``."""

    @abstractmethod
    def loss(self, params: Tensor, target: Tensor) -> Tensor:
        """The head's own loss per item, ``[...]``; negative log-likelihood where there is one.

        What is random in it comes from torch's global generator in training, and is always the
        same in eval mode.
        """

    @abstractmethod
    def mean(self, params: Tensor) -> Tensor:
        """Most typical value, for losses that compare values."""

    def prepare(self, stretches: Sequence[np.ndarray], stride: int, n_channels: int = 1) -> None:
        """Take note of the corpus before the first step; most heads needn't.

        Parameters
        ----------
        stretches : sequence of np.ndarray [shape=(n, dim)]
            Values at every place of the learned feature's grid, a stretch of sound each.
        stride : int
            Places from one item to the next.
        n_channels : int, default 1
            Channels that the stretches are of: all of the first, then the same of the next.
        """

    def remember(self, stretches: Sequence[np.ndarray], stride: int, n_channels: int = 1) -> None:
        """Remember another recording to play from; as :meth:`prepare`, behind what was learned."""

    def observe(self, target: Tensor) -> None:
        """Take note of targets in training; most heads needn't."""

    def fold(self) -> None:
        """Compute what stays the same as long as sound is made; called on frozen copies."""

    def init_state(self, batch_size: int) -> dict[str, Tensor]:
        """What draws remember of the draws before, batch first; empty for most heads."""
        return {}

    def is_like(self, other: Head) -> bool:
        """Whether the parameters of both mean the same, so that they can be averaged."""
        return type(self) is type(other) and self.n_params == other.n_params

    def has_weights_of(self, other: Head) -> bool:
        """Whether both are one and the same function."""
        own, others = self.state_dict(), other.state_dict()
        return own.keys() == others.keys() and all(
            torch.equal(value, others[name]) for name, value in own.items()
        )

    @abstractmethod
    def sample(
        self,
        params: Tensor,
        u: Tensor,
        controls: dict[str, Tensor],
        state: dict[str, Tensor] | None = None,
    ) -> Tensor:
        """Draw one value per row of ``params [B, P]``.

        Parameters
        ----------
        params : Tensor [shape=(B, P)]
        u : Tensor [shape=(B, n_uniforms)]
            Uniform numbers in [0, 1).
        controls : dict of Tensor [shape=(B,)]
            ``temperature`` (> 0; 0 is the most likely value), for classes ``top_k`` (int64,
            0: all) and ``top_p`` (in (0, 1], 1: all), and the others named by :attr:`controls`,
            of which a negative number leaves the choice to the head.
        state : dict of Tensor, optional
            What :meth:`init_state` gave, changed in place, and under ``last`` the value before,
            read or drawn. Needed by heads that have a state.
        """


class LinearHead(Head):
    """A head whose parameters are a linear layer of the hidden units.

    Parameters
    ----------
    hidden_dim, n_params, n_uniforms : int
    """

    def __init__(self, hidden_dim: int, n_params: int, n_uniforms: int) -> None:
        super().__init__(n_params, n_uniforms)
        self.linear = nn.Linear(hidden_dim, n_params)

    def forward(self, h: Tensor) -> Tensor:
        """Parameters ``[..., P]`` of hidden units ``[..., H]``."""
        return self.linear(h)


def normal(u: Tensor) -> Tensor:
    """Standard normal numbers from uniform ones in [0, 1), of at most five deviations."""
    return math.sqrt(2) * torch.erfinv((2 * u - 1).clamp(-0.999999, 0.999999))


def chosen(control: Tensor, default: float) -> Tensor:
    """A control ``[B]``, with the head's own number where it is negative."""
    return torch.where(control < 0, default, control)


def draw_class(logits: Tensor, u: Tensor, controls: dict[str, Tensor]) -> Tensor:
    """Draw a class ``[B]`` by inverse transform sampling of the tempered, truncated distribution.

    Parameters
    ----------
    logits : Tensor [shape=(B, Q)]
    u : Tensor [shape=(B, 1)]
        Uniform numbers in [0, 1).
    controls : dict of Tensor [shape=(B,)]
        As for :meth:`Head.sample`.
    """
    temperature = controls["temperature"][:, None]
    tempered = logits / temperature.clamp(min=1e-3)
    if "top_k" in controls:
        tempered = keep_top(tempered, controls["top_k"], controls["top_p"])
    cdf = torch.softmax(tempered, -1).cumsum(-1)
    drawn = (cdf < u * cdf[:, -1:]).sum(-1)
    return torch.where(temperature[:, 0] > 0, drawn, logits.argmax(-1))


def keep_top(logits: Tensor, top_k: Tensor, top_p: Tensor) -> Tensor:
    """Logits ``[B, Q]`` with the less likely classes at -inf.

    What stays are the ``top_k`` likeliest that also belong to the smallest set of probability
    ``top_p`` (the nucleus of Holtzman et al., 2020).
    """
    ordered, order = logits.sort(-1, descending=True)
    p = torch.softmax(ordered, -1)
    before = p.cumsum(-1) - p  # probability of the likelier classes
    rank = torch.arange(logits.shape[-1], device=logits.device)
    k = torch.where(top_k > 0, top_k, logits.shape[-1])[:, None]
    kept = (rank < k) & (before < top_p[:, None])
    kept = kept | (rank == 0)
    return torch.full_like(logits, -math.inf).scatter(
        -1, order, ordered.masked_fill(~kept, -math.inf)
    )
