"""A head for vectors that are drawn as a whole: flow matching.

A small network, the velocity, moves noise to a value along nearly straight lines (Lipman et al.,
"Flow Matching for Generative Modeling", 2023). It is told the hidden units of the step and how
far the way has come. Main name: :class:`FlowHead`.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .head import Head, normal

_HELD_OUT_DRAWS = 8
"""Noise draws per item outside of training: the same ones each time, so that losses compare."""

_N_RATES, _SLOWEST, _FASTEST = 16, 3.0, 160.0
"""Angular rates, from the slowest to the fastest, by which times in [0, 1] are embedded."""


class FlowHead(Head):
    """Flow matching from standard normal noise to a vector, given the hidden units.

    The parameters are the hidden units themselves. ``temperature`` scales the noise that a draw
    begins with; at 0 it begins in the middle.

    Parameters
    ----------
    hidden_dim, dim : int
    width, n_blocks : int
        Units and residual blocks of the velocity.
    n_steps : int
        Euler steps of a draw.
    n_draws : int
        Noises, each with a time of its own, that an item is learned with in a training step.
    """

    def __init__(
        self,
        hidden_dim: int,
        dim: int,
        width: int = 256,
        n_blocks: int = 3,
        n_steps: int = 5,
        n_draws: int = 2,
    ) -> None:
        super().__init__(hidden_dim, n_uniforms=dim)
        self.dim, self.n_steps, self.n_draws = dim, n_steps, n_draws
        self.velocity = Velocity(hidden_dim, dim, width, n_blocks)

    def forward(self, h: Tensor) -> Tensor:
        """The hidden units ``[..., H]`` themselves."""
        return h

    def loss(self, params: Tensor, target: Tensor) -> Tensor:
        """Squared error ``[...]`` of the velocity, the mean over dimensions, draws and times."""
        context, generator = self.velocity.context(params), self._generator(target.device)
        n_draws = self.n_draws if self.training else _HELD_OUT_DRAWS
        shape = (n_draws, *target.shape[:-1], 1)
        t = torch.sigmoid(torch.randn(shape, generator=generator, device=target.device))
        noise = torch.randn(
            (n_draws, *target.shape), generator=generator, device=target.device, dtype=target.dtype
        )
        x = noise + t * (target - noise)
        found = self.velocity(x, context + self.velocity.time(t))
        return (found - (target - noise)).square().mean((0, -1))

    def mean(self, params: Tensor) -> Tensor:
        """Where the way from the middle of the noise leads, ``[..., D]``."""
        return self._moved(params.new_zeros(*params.shape[:-1], self.dim), params)

    def sample(
        self,
        params: Tensor,
        u: Tensor,
        controls: dict[str, Tensor],
        state: dict[str, Tensor] | None = None,
    ) -> Tensor:
        """Vectors ``[B, D]`` from noise."""
        return self._moved(controls["temperature"][:, None] * normal(u), params)

    def is_like(self, other: Head) -> bool:
        """Only of the same weights: the mean of two networks' hidden units says nothing."""
        return self.has_weights_of(other)

    def _moved(self, x: Tensor, params: Tensor) -> Tensor:
        """Noise ``[..., D]`` moved to where it leads, in Euler steps."""
        context = self.velocity.context(params)
        times = torch.arange(self.n_steps, device=x.device, dtype=x.dtype) / self.n_steps
        told = self.velocity.time(times[:, None])  # of constants alone, so a constant
        for k in range(self.n_steps):
            x = x + self.velocity(x, context + told[k]) / self.n_steps
        return x

    def _generator(self, device: torch.device) -> torch.Generator | None:
        """Where the loss gets its noise: torch's own in training, else always the same."""
        return None if self.training else torch.Generator(device).manual_seed(0)


class Velocity(nn.Module):
    """Residual blocks that are told the hidden units and the time at their input.

    Parameters
    ----------
    hidden_dim, dim, width, n_blocks : int
    """

    def __init__(self, hidden_dim: int, dim: int, width: int, n_blocks: int) -> None:
        super().__init__()
        self.width = width
        self.context, self.time = nn.Linear(hidden_dim, width), TimeEmbedding(width)
        self.input, self.output = nn.Linear(dim, width), nn.Linear(width, dim)
        self.first = nn.ModuleList(nn.Linear(width, width) for _ in range(n_blocks))
        self.second = nn.ModuleList(nn.Linear(width, width) for _ in range(n_blocks))
        for layer in [*self.second, self.output]:
            nn.init.zeros_(layer.weight)  # type: ignore[arg-type]
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """Velocity ``[..., D]`` at places ``x``, told the sum of context and time."""
        x = self.input(x) + told
        for first, second in zip(self.first, self.second, strict=True):
            x = x + second(F.silu(first(F.layer_norm(x, (self.width,)))))
        return self.output(F.layer_norm(x, (self.width,)))


class TimeEmbedding(nn.Module):
    """Times in [0, 1] as sines and cosines, through a linear layer.

    Parameters
    ----------
    dim : int
        Size of what comes out.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(2 * _N_RATES, dim)
        rates = torch.logspace(0, 1, _N_RATES, base=_FASTEST / _SLOWEST) * _SLOWEST
        self.register_buffer("rates", rates, persistent=False)

    def forward(self, t: Tensor) -> Tensor:
        """Embedding ``[..., dim]`` of times ``[..., 1]``."""
        angle = t * self.rates
        return self.linear(torch.cat([angle.cos(), angle.sin()], -1))
