"""A head for vectors that are drawn as a whole: flow matching.

A small network, the velocity, moves noise to a value along nearly straight lines (Lipman et al.,
"Flow Matching for Generative Modeling", 2023). It is told the hidden units of the step and how
far the way has come. A class may be drawn first, and the draw may be replaced by a unit of the
recording near to it. Main name: :class:`FlowHead`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .head import Head, chosen, draw_class, normal
from .layers.kmeans import fit_centroids, nearest_centroid
from .unit_memory import Heard, UnitMemory

_HELD_OUT_DRAWS = 8
"""Noise draws per item outside of training: the same ones each time, so that losses compare."""

_N_RATES, _SLOWEST, _FASTEST = 16, 3.0, 160.0
"""Angular rates, from the slowest to the fastest, by which times in [0, 1] are embedded."""

_MOST_FITTED = 2**15
"""Values that classes are fitted to."""

_RELUCTANCE, _MOST_RELUCTANCE = 1.0, 2.0
"""Nats by which a class is less likely for each step that a passage has gone on for too long, and
at most: enough to choose what sounds alike, not enough for what doesn't belong there."""

_N_ALIKE, _SHARPNESS = 8, 4.0
"""How far classes count as alike: at the distance of the eighth nearest by a factor of e^-4."""

_EXCLUDED = 1e9
"""Squared distance of units that mustn't be played."""


class FlowHead(Head):
    """Flow matching from standard normal noise to a vector, given the hidden units.

    The parameters are the hidden units themselves. ``temperature`` scales the noise that a draw
    begins with; at 0 it begins in the middle.

    With a memory, what the flow draws is a proposal: the unit of the recording that is nearest to
    it, and joins well what was played last, takes its place. ``recorded`` says how far (0 is the
    proposal, 1 the unit, between lies their mixture), ``follow`` for how many seconds one passage
    of the recording may go on. With classes, those that would go on with it become less likely
    behind that, up to a limit; without, its units are left out.

    Parameters
    ----------
    hidden_dim, dim : int
    width, n_blocks : int
        Units and residual blocks of the velocity.
    n_steps : int
        Euler steps of a draw.
    n_draws : int
        Noises, each with a time of its own, that an item is learned with in a training step.
    n_classes : int, default 0
        Classes, one of which is drawn first; the flow draws what its centroid leaves over.
    class_weight : float, default 0.1
        Weight of the class in the loss.
    alike : float, default 0
        Share of what counts as right in training that goes to classes that sound alike, so that
        the network knows where else it may go.
    memory : UnitMemory, optional
    join : float, default 0.3
        Weight of the squared distance between the last value and what comes before a unit,
        beside that between proposal and unit.
    recorded, follow : float
        What the controls are where they aren't given.
    """

    def __init__(
        self,
        hidden_dim: int,
        dim: int,
        width: int = 256,
        n_blocks: int = 3,
        n_steps: int = 5,
        n_draws: int = 2,
        n_classes: int = 0,
        class_weight: float = 0.1,
        alike: float = 0.0,
        memory: UnitMemory | None = None,
        join: float = 0.3,
        recorded: float = 0.15,
        follow: float = 0.5,
    ) -> None:
        super().__init__(hidden_dim, n_uniforms=dim + (n_classes > 0))
        self.dim, self.n_steps, self.n_draws = dim, n_steps, n_draws
        self.velocity = Velocity(hidden_dim, dim, width, n_blocks)
        self.class_weight = class_weight
        self.classes = FlowClasses(hidden_dim, dim, n_classes, width, alike) if n_classes else None
        self.memory, self.join = memory, join
        self.recorded, self.follow = recorded, follow
        self.folded_classes: Tensor | None
        self.register_buffer("folded_classes", None, persistent=False)
        self.needs_corpus = memory is not None or n_classes > 0
        if memory is not None:
            self.controls = ("temperature", "recorded", "follow")

    def forward(self, h: Tensor) -> Tensor:
        """The hidden units ``[..., H]`` themselves."""
        return h

    def prepare(self, stretches: Sequence[np.ndarray], stride: int, n_channels: int = 1) -> None:
        """Find the classes; remember the units."""
        if self.classes is not None and any(len(values) for values in stretches):
            self.classes.fit(stretches)
        self.remember(stretches, stride, n_channels)

    def remember(self, stretches: Sequence[np.ndarray], stride: int, n_channels: int = 1) -> None:
        """Remember other units."""
        if self.memory is not None:
            self.memory.fill(stretches, stride, n_channels)

    def loss(self, params: Tensor, target: Tensor) -> Tensor:
        """Squared error ``[...]`` of the velocity, the mean over dimensions, draws and times.

        And the weighted cross-entropy of the class, if there are classes.
        """
        context, generator = self.velocity.context(params), self._generator(target.device)
        if self.classes is not None:
            k = self.classes.nearest(target)
            target, context = self.classes.within(target, k), context + self.classes.told(k)
        n_draws = self.n_draws if self.training else _HELD_OUT_DRAWS
        shape = (n_draws, *target.shape[:-1], 1)
        t = torch.sigmoid(torch.randn(shape, generator=generator, device=target.device))
        noise = torch.randn(
            (n_draws, *target.shape), generator=generator, device=target.device, dtype=target.dtype
        )
        x = noise + t * (target - noise)
        found = self.velocity(x, context + self.velocity.time(t))
        error = (found - (target - noise)).square().mean((0, -1))
        if self.classes is None:
            return error
        return error + self.class_weight * self.classes.loss(params, k)

    def mean(self, params: Tensor) -> Tensor:
        """Where the way from the middle of the noise leads, ``[..., D]``."""
        middle = params.new_zeros(*params.shape[:-1], self.dim)
        if self.classes is None:
            return self._moved(middle, params)
        return self._of_class(middle, params, self.classes.logits(params).argmax(-1))

    def sample(
        self,
        params: Tensor,
        u: Tensor,
        controls: dict[str, Tensor],
        state: dict[str, Tensor] | None = None,
    ) -> Tensor:
        """Vectors ``[B, D]`` from noise, or units of the recording near to them."""
        noise = controls["temperature"][:, None] * normal(u[:, : self.dim])
        if self.memory is None:
            return self._proposal(noise, params, u, controls)
        assert state is not None
        heard = self.memory.listen(state, chosen(controls["follow"], self.follow))
        proposal = self._proposal(noise, params, u, controls, heard)
        cost = self.memory.squared_distances(proposal) + self.join * heard.join
        is_excluded = heard.is_excluded if self.classes is None else ~self.memory.has_before
        unit = torch.where(is_excluded, _EXCLUDED, cost).argmin(-1)
        recorded = chosen(controls["recorded"], self.recorded)[:, None]
        # A product of its own: compilers that make one operation of it and the sum, or don't, would
        # give a row other last bits in a batch than alone, and phases would grow them.
        played = self.memory.unit(unit)
        change = (recorded * (played - proposal)).clone()
        return torch.where(recorded < 1, proposal + change, played)

    def _proposal(
        self,
        noise: Tensor,
        params: Tensor,
        u: Tensor,
        controls: dict[str, Tensor],
        heard: Heard | None = None,
    ) -> Tensor:
        """Vectors ``[B, D]`` that the flow draws."""
        if self.classes is None:
            return self._moved(noise, params)
        logits = self.classes.logits(params)
        if heard is not None:
            reluctance = _RELUCTANCE * self._class_excess(heard.excess)
            logits = logits - reluctance.clamp(max=_MOST_RELUCTANCE)
        return self._of_class(noise, params, draw_class(logits, u[:, self.dim :], controls))

    def _class_excess(self, excess: Tensor) -> Tensor:
        """Of each class ``[B, K]``, the largest excess of its units ``[B, M]``."""
        assert self.classes is not None
        none = excess.new_zeros(len(excess), len(self.classes.centroids))
        return none.scatter_reduce(1, self._unit_classes().expand_as(excess), excess, "amax")

    @torch.no_grad()
    def fold(self) -> None:
        """Find the classes of the units."""
        self.folded_classes = None
        self.folded_classes = self._unit_classes()

    def _unit_classes(self) -> Tensor | None:
        """Class ``[M]`` of each unit, if there are both."""
        if self.folded_classes is not None or self.memory is None or self.classes is None:
            return self.folded_classes
        return self.classes.nearest(self.memory.units)

    def init_state(self, batch_size: int) -> dict[str, Tensor]:
        """How long each unit's passage has been followed, if units are remembered."""
        return {} if self.memory is None else self.memory.init_state(batch_size)

    def is_like(self, other: Head) -> bool:
        """Only of the same weights: the mean of two networks' hidden units says nothing."""
        return self.has_weights_of(other)

    def _of_class(self, x: Tensor, params: Tensor, k: Tensor) -> Tensor:
        """Noise moved to vectors of classes ``[...]``."""
        assert self.classes is not None
        return self.classes.out_of(self._moved(x, params, self.classes.told(k)), k)

    def _moved(self, x: Tensor, params: Tensor, told: Tensor | float = 0.0) -> Tensor:
        """Noise ``[..., D]`` moved to where it leads, in Euler steps."""
        context = self.velocity.context(params) + told
        times = torch.arange(self.n_steps, device=x.device, dtype=x.dtype) / self.n_steps
        embedded = self.velocity.time(times[:, None])  # of constants alone, so a constant
        for k in range(self.n_steps):
            x = x + self.velocity(x, context + embedded[k]) / self.n_steps
        return x

    def _generator(self, device: torch.device) -> torch.Generator | None:
        """Where the loss gets its noise: torch's own in training, else always the same."""
        return None if self.training else torch.Generator(device).manual_seed(0)


class FlowClasses(nn.Module):
    """Classes of vectors: their centroids, how likely each is, and what the flow is told of it.

    Parameters
    ----------
    hidden_dim, dim, n_classes : int
    told_dim : int
        Length of what the flow is told.
    alike : float, default 0
        Share of what counts as right in training that goes to classes that sound alike.

    Attributes
    ----------
    centroids : Tensor [shape=(K, D)]
    spread : Tensor [shape=()]
        Deviation of vectors from their centroids, one number.
    """

    def __init__(
        self, hidden_dim: int, dim: int, n_classes: int, told_dim: int, alike: float = 0.0
    ) -> None:
        super().__init__()
        self.alike = alike if n_classes > 1 else 0.0
        self._shares: Tensor | None = None
        self.register_buffer("centroids", torch.zeros(n_classes, dim))
        self.register_buffer("spread", torch.ones(()))
        self.logits = nn.Linear(hidden_dim, n_classes)
        self.tell = nn.Linear(dim, told_dim)
        nn.init.zeros_(self.logits.weight)
        nn.init.zeros_(self.logits.bias)

    def fit(self, stretches: Sequence[np.ndarray]) -> None:
        """Find the centroids of values ``[n, D]``, of a long recording of evenly spaced ones."""
        step = -(-sum(len(v) for v in stretches) // _MOST_FITTED)
        rows = [np.asarray(v[::step], np.float32) for v in stretches]
        values = torch.from_numpy(np.concatenate(rows))
        self.centroids.copy_(fit_centroids(values, len(self.centroids)))
        self._shares = None
        self.spread.copy_((values - self.centre(self.nearest(values))).std().clamp(min=1e-3))

    def nearest(self, target: Tensor) -> Tensor:
        """Class ``[...]`` of each vector ``[..., D]``."""
        return nearest_centroid(target, self.centroids)

    def centre(self, k: Tensor) -> Tensor:
        """Centroids ``[..., D]`` of classes ``[...]``."""
        return F.embedding(k, self.centroids)

    def told(self, k: Tensor) -> Tensor:
        """What the flow is told of classes, ``[..., told_dim]``."""
        return self.tell(self.centre(k))

    def within(self, x: Tensor, k: Tensor) -> Tensor:
        """Vectors as seen from the centroids of their classes, of a variance around one."""
        return (x - self.centre(k)) / self.spread

    def out_of(self, x: Tensor, k: Tensor) -> Tensor:
        """Inverse of :meth:`within`."""
        return self.centre(k) + self.spread * x

    def loss(self, params: Tensor, k: Tensor) -> Tensor:
        """Cross-entropy ``[...]`` of classes; in training, also of those that sound alike."""
        log_p = F.log_softmax(self.logits(params), -1)
        error = -log_p.gather(-1, k[..., None])[..., 0]
        if not (self.training and self.alike):
            return error
        if self._shares is None:
            self._shares = self._alike_shares()
        error_alike = -(F.embedding(k, self._shares.to(k.device)) * log_p).sum(-1)
        return (1 - self.alike) * error + self.alike * error_alike

    @torch.no_grad()
    def _alike_shares(self) -> Tensor:
        """How much each class ``[K, K]`` sounds like each other one; rows add up to 1."""
        distances = torch.cdist(self.centroids, self.centroids).square().fill_diagonal_(torch.inf)
        n = min(_N_ALIKE, len(distances) - 1)
        scale = distances.topk(n, largest=False).values[:, -1:].clamp(min=1e-6)
        return torch.softmax(-_SHARPNESS * distances / scale, -1)


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
        """Velocity ``[..., D]`` at places ``x``, told the sum of context, time and class."""
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
