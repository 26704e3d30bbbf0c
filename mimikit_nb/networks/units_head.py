"""A head that plays the units of a recording: a choice among all of them.

Each unit has a key, computed from its vector; the hidden units ask for one. It is learned from
soft targets: not the next place of the recording, but the units that sound most like it
elsewhere, so that pointing at the next place isn't rewarded. Main name: :class:`UnitsHead`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .head import Head, chosen, draw_class
from .unit_memory import UnitMemory

_KEY_UNITS = 256
"""Units of the layer between a unit's vector and its key."""

_FIRST_SCALE = 10.0
"""Factor of the similarities before anything is learned."""

_EXCLUDED = -1e9
"""Logit of units that mustn't be played."""

_LEAST_UNIFORM = 1e-7
"""A uniform number of 0 would draw the first unit even if its probability is 0."""


class UnitsHead(Head):
    """Softmax over the remembered units: how alike the key of each is to what is asked for.

    The parameters are what is asked for, a vector of length 1. ``temperature``, ``top_k`` and
    ``top_p`` act on the choice, ``follow`` says for how many seconds one passage of the recording
    may go on. What is drawn are units of the recording exactly.

    Parameters
    ----------
    hidden_dim, dim : int
    memory : UnitMemory
        With ``n_near`` soft targets.
    width : int, default 128
        Length of keys.
    sharpness : float, default 4.0
        How much more the nearest soft targets count than the others.
    join : float, default 0.2
        What the squared distance between the last value and what comes before a unit costs, in
        nats, per distance that counts as near.
    stay : float, default 0.5
        Probability of going on with what follows in the recording, as long as it may be followed.
    follow : float, default 0.2
        What the control is where it isn't given.
    """

    controls = ("temperature", "follow")
    needs_corpus = True

    def __init__(
        self,
        hidden_dim: int,
        dim: int,
        memory: UnitMemory,
        width: int = 128,
        sharpness: float = 4.0,
        join: float = 0.2,
        stay: float = 0.5,
        follow: float = 0.2,
    ) -> None:
        super().__init__(width, n_uniforms=2)
        self.memory, self.sharpness = memory, sharpness
        self.join, self.stay, self.follow = join, stay, follow
        self.query = nn.Linear(hidden_dim, width)
        self.key = nn.Sequential(
            nn.Linear(dim, _KEY_UNITS), nn.SiLU(), nn.Linear(_KEY_UNITS, width)
        )
        self.log_scale = nn.Parameter(torch.zeros(()))
        self.register_buffer("folded_keys", None, persistent=False)

    def forward(self, h: Tensor) -> Tensor:
        """What is asked for, ``[..., W]``."""
        return _normed(self.query(h))

    def prepare(self, stretches: Sequence[np.ndarray], stride: int, n_channels: int = 1) -> None:
        """Remember the units."""
        self.remember(stretches, stride, n_channels)

    def remember(self, stretches: Sequence[np.ndarray], stride: int, n_channels: int = 1) -> None:
        """Remember other units."""
        self.memory.fill(stretches, stride, n_channels)

    @torch.no_grad()
    def fold(self) -> None:
        """Compute the keys."""
        self.folded_keys = None
        self.folded_keys = self.keys()

    def keys(self) -> Tensor:
        """Keys ``[M, W]`` of all units, times the scale of similarities."""
        if self.folded_keys is not None:
            return self.folded_keys
        return _normed(self.key(self.memory.units)) * (_FIRST_SCALE * torch.exp(self.log_scale))

    def loss(self, params: Tensor, target: Tensor) -> Tensor:
        """Cross-entropy ``[...]`` of the soft targets."""
        near, distances = self._soft_targets(target)
        closer = (distances - distances[..., :1]) / self.memory.square_scale
        share = torch.softmax(-self.sharpness * closer, -1)
        logits = F.linear(params, self.keys())
        return torch.logsumexp(logits, -1) - (logits.gather(-1, near) * share).sum(-1)

    def mean(self, params: Tensor) -> Tensor:
        """Mean ``[..., D]`` of the units by their probability."""
        return torch.softmax(F.linear(params, self.keys()), -1) @ self.memory.units

    def init_state(self, batch_size: int) -> dict[str, Tensor]:
        """How long each unit's passage has been followed, and which unit was drawn (-1: none)."""
        unit = torch.full((batch_size,), -1, device=self.memory.units.device)
        return {**self.memory.init_state(batch_size), "unit": unit}

    def sample(
        self,
        params: Tensor,
        u: Tensor,
        controls: dict[str, Tensor],
        state: dict[str, Tensor] | None = None,
    ) -> Tensor:
        """Units ``[B, D]``."""
        assert state is not None
        heard = self.memory.listen(state, chosen(controls["follow"], self.follow))
        cost = self.join / (2 * self.memory.square_scale) * heard.join
        logits = F.linear(params, self.keys()) - controls["temperature"][:, None] * cost
        logits = torch.where(heard.is_excluded, _EXCLUDED, logits)
        drawn = draw_class(logits, u[:, :1].clamp(min=_LEAST_UNIFORM), controls)
        following, may_follow = self._following(state["unit"], heard.is_excluded)
        unit = torch.where(may_follow & (u[:, 1] < self.stay), following, drawn)
        state["unit"].copy_(unit)
        return self.memory.unit(unit)

    def is_like(self, other: Head) -> bool:
        """Only of the same weights: what two networks ask for isn't in the same space."""
        return self.has_weights_of(other)

    def _following(self, unit: Tensor, is_excluded: Tensor) -> tuple[Tensor, Tensor]:
        """What follows a unit in the recording, and whether it may be played."""
        last = len(self.memory) - 1
        following = (unit + self.memory.stride).clamp(0, last)
        excluded = is_excluded.gather(1, following[:, None])[:, 0]
        return following, (unit >= 0) & (unit + self.memory.stride <= last) & ~excluded

    @torch.no_grad()
    def _soft_targets(self, target: Tensor) -> tuple[Tensor, Tensor]:
        """Units near to targets, and their squared distances, ``[..., n_near]``.

        In training the surroundings of the nearest unit are left out: those of the target itself,
        unless the recording is longer than what is remembered.
        """
        if not self.training:
            n = min(self.memory.n_near, len(self.memory))
            found = self.memory.squared_distances(target).topk(n, largest=False)
            return found.indices, found.values
        near = F.embedding(self.memory.nearest(target), self.memory.near)
        return near, (self.memory.unit(near) - target[..., None, :]).square().sum(-1)


def _normed(x: Tensor) -> Tensor:
    """Vectors of length 1."""
    return x * torch.rsqrt(x.square().sum(-1, keepdim=True) + 1e-12)
