"""What networks in tiers share: frames at several rates, conditions from tier to tier.

Every tier but the last reads frames of its size, one after the other, and gives conditions to
the tier below until its next frame; the last tier reads the latest items at every step (Mehri
et al., "SampleRNN: An Unconditional End-to-End Neural Audio Generation Model", 2017, section 2).
What a tier does with its frames is its *body*: anything that can run in parallel and step by
step.

A tier with frame size ``f`` runs at steps ``t`` divisible by ``f`` and reads the ``f`` items up
to item ``t``. A parallel ``forward`` treats whole top-tier frames at once; what lies before the
first and behind the last frame border of a chunk is done step by step.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from ..engine.stages import Stage, State, clone_state
from ..errors import ConfigError, ParameterError
from ..features.base import Discrete
from ..io.variable import IOSpec
from .base import Network, NetworkConfig, Tensors, build_heads
from .head import Head
from .layers.inputs import FrameInput, build_input
from .layers.resampling import build_up_sampler


class Body(Protocol):
    """What a tier does with its frames.

    Attributes
    ----------
    refresh_period : int
        Frames from one call of ``refresh`` to the next, each before the frame's step; 0 if there
        is nothing to do beside the steps, and no such method.
    """

    refresh_period: int

    def init_state(self, batch_size: int) -> State:
        """State before the first frame."""

    def step(self, x: Tensor, state: State, n: Tensor) -> Tensor:
        """Output ``[B, H]`` of frame ``n [1]``, in place."""

    def parallel(self, x: Tensor, state: State, n: int) -> tuple[Tensor, State]:
        """Outputs ``[B, N, H]`` of frames from frame ``n`` on, and the state behind them."""


def check_frame_sizes(frame_sizes: Sequence[int]) -> None:
    """Raise a ConfigError unless each tier's frame holds whole frames of the next."""
    for slow, fast in itertools.pairwise(frame_sizes[:-1]):
        if slow % fast:
            raise ConfigError(
                f"frame_sizes {tuple(frame_sizes)}: {slow} isn't a multiple of {fast}; "
                "each tier's frame must hold whole frames of the next, as in (16, 8, 8)."
            )


class Passing(nn.Module):
    """Body of a tier that does nothing but read: no state, frames as they come."""

    refresh_period = 0

    def init_state(self, batch_size: int) -> State:
        """Nothing to remember."""
        return {}

    def step(self, x: Tensor, state: State, n: Tensor) -> Tensor:
        """The frame itself."""
        return x

    def parallel(self, x: Tensor, state: State, n: int) -> tuple[Tensor, State]:
        """The frames themselves."""
        return x, state


class Tier(nn.Module):
    """Reads frames, and whatever belongs to their last step, as one vector.

    Parameters
    ----------
    io : IOSpec
        The variables.
    frame_size : int
        Items of each autoregressive variable that it reads; 0: it hears of them from above only.
    period : int
        Steps from one run to the next.
    hidden_dim : int
        Units.
    body : nn.Module
        A :class:`Body`.
    ratio : int
        Conditions it gives per run; 0 for the last tier, which gives none.
    n_layers : int, default 1
        Layers that down-sample its frames and up-sample its conditions; with more than one its
        frames must not overlap.
    weight_norm : bool, default False
        Whether the weights of the conditions are split into length and direction.
    """

    def __init__(
        self,
        io: IOSpec,
        frame_size: int,
        period: int,
        hidden_dim: int,
        body: nn.Module,
        ratio: int = 0,
        n_layers: int = 1,
        weight_norm: bool = False,
    ) -> None:
        super().__init__()
        self.frame_size, self.period, self.ratio = frame_size, period, ratio
        self.inputs = nn.ModuleDict(
            {
                name: FrameInput(v, io.kind(name), frame_size, hidden_dim, n_layers)
                for name, v in io.autoregressive.items()
                if frame_size
            }
        )
        self.fixtures = nn.ModuleDict(
            {
                name: build_input(v, io.kind(name), hidden_dim)
                for name, v in io.inputs.items()
                if v.role == "fixture"
            }
        )
        self.body = body
        self.up = (
            build_up_sampler(ratio, hidden_dim, hidden_dim, n_layers, weight_norm)
            if ratio
            else None
        )

    def read(self, frames: Tensors, values: Tensors, above: Tensor | None) -> Tensor:
        """Sum ``[B, H]`` of a frame, of the fixtures and of what the tier above says."""
        return self._sum([module(frames[k]) for k, module in self.inputs.items()], values, above)

    def read_all(self, items: Tensors, values: Tensors, above: Tensor | None) -> Tensor:
        """Sums ``[B, N, H]`` of the frames that ``items`` hold, as of one with :meth:`read`."""
        read = [module.parallel(items[k], self.period) for k, module in self.inputs.items()]  # type: ignore[operator]
        return self._sum(read, values, above)

    def _sum(self, read: list[Tensor], values: Tensors, above: Tensor | None) -> Tensor:
        read = read + [module(values[name]) for name, module in self.fixtures.items()]
        return functools.reduce(torch.add, read if above is None else [*read, above])

    def conditions(self, y: Tensor) -> Tensor:
        """Conditions ``[B, N * ratio, H]`` for the tier below, of outputs ``[B, N, H]``."""
        assert self.up is not None
        conditions: Tensor = self.up(y)
        return conditions


class TieredNetwork(Network):
    """Tiers from slow to fast; the last one predicts.

    Parameters
    ----------
    config, io
        As for every network.
    tiers : sequence of Tier
        From the slowest to the last.
    output : nn.Module
        From the last tier's units to those of the heads.
    hidden_dim : int
        Units.
    """

    is_recurrent = True

    def __init__(
        self,
        config: NetworkConfig,
        io: IOSpec,
        tiers: Sequence[Tier],
        output: nn.Module,
        hidden_dim: int,
    ) -> None:
        super().__init__(config, io)
        self.tiers: Sequence[Tier] = nn.ModuleList(tiers)  # type: ignore[assignment]
        self.output = output
        self.head_modules = build_heads(io, hidden_dim)
        self.hidden_dim = hidden_dim
        self.history = max(tier.frame_size for tier in tiers)
        self.chunk_multiple = tiers[0].period

    @property
    def heads(self) -> dict[str, Head]:
        """Output heads by target variable."""
        return dict(self.head_modules.items())  # type: ignore[arg-type]

    def probes(self) -> list[nn.Module]:
        """What the slow tiers tell those below; the last tier sees little more than samples."""
        return [tier.up for tier in self.tiers if tier.up is not None] or super().probes()

    def init_state(self, batch_size: int) -> State:
        """Silence behind, bodies at their start, no conditions yet."""
        state = self.io_state(batch_size)
        new = next(self.parameters()).new_zeros
        state["tiers"] = {str(i): tier.body.init_state(batch_size) for i, tier in self._numbered()}
        state["up"] = {
            str(i): new(batch_size, tier.ratio, self.hidden_dim)
            for i, tier in self._numbered()
            if tier.ratio
        }
        state["last"] = {
            name: _silence(self.io, name, state["in"][name], self.history)
            for name in self.io.autoregressive
        }
        return state

    def memory_of(self, state: State) -> Tensors:
        """Hidden states ``[B, S, n_layers, H]`` of the recurrent tiers, by tier."""
        return {i: tier["rnn"] for i, tier in state["tiers"].items() if "rnn" in tier}

    def with_memory(self, state: State, memory: Tensors) -> State:
        """``state`` with other hidden states."""
        own = state["tiers"].items()
        tiers = {i: {**t, "rnn": memory[i]} if i in memory else t for i, t in own}
        return {**state, "tiers": tiers}

    def _numbered(self) -> list[tuple[int, Tier]]:
        return list(enumerate(self.tiers))

    # -- one step -----------------------------------------------------------------------------

    def stages(self) -> list[Stage]:
        """Remember the input; run each tier at its period; the last one predicts."""
        stages = [Stage(1, self._remember)]
        for i, tier in self._numbered():
            if tier.body.refresh_period:
                period = tier.period * tier.body.refresh_period
                stages.append(Stage(period, self._refresh_stage(i)))
            stages.append(Stage(tier.period, self._tier_stage(i)))
        return stages

    def _remember(self, state: State) -> None:
        for name, ring in state["last"].items():
            ring.index_copy_(1, state["t"] % self.history, state["in"][name][:, None])

    def _last(self, state: State, n: int) -> Tensors:
        """The last ``n`` items of each autoregressive variable, oldest first."""
        slots = (state["t"] + torch.arange(1 - n, 1, device=state["t"].device)) % self.history
        return {name: ring.index_select(1, slots) for name, ring in state["last"].items()}

    def _above(self, state: State, i: int) -> Tensor | None:
        """The condition ``[B, H]`` that the tier above ``i`` has for now."""
        if i == 0:
            return None
        index = (state["t"] // self.tiers[i].period) % self.tiers[i - 1].ratio
        return state["up"][str(i - 1)].index_select(1, index)[:, 0]

    def _refresh_stage(self, i: int) -> Callable[[State], None]:
        tier = self.tiers[i]

        def run(state: State) -> None:
            tier.body.refresh(state["tiers"][str(i)], state["t"] // tier.period)

        return run

    def _tier_stage(self, i: int) -> Callable[[State], None]:
        tier = self.tiers[i]

        def run(state: State) -> None:
            frames = self._last(state, tier.frame_size) if tier.frame_size else {}
            x = tier.read(frames, state["in"], self._above(state, i))
            y = tier.body.step(x, state["tiers"][str(i)], state["t"] // tier.period)
            if tier.ratio:
                state["up"][str(i)].copy_(tier.conditions(y[:, None]))
            else:
                for name, params in self._predict(y).items():
                    state["out"][name].copy_(params)

        return run

    def _predict(self, y: Tensor) -> Tensors:
        h = self.output(y)
        return {name: head(h) for name, head in self.heads.items()}

    # -- many steps ---------------------------------------------------------------------------

    def forward(self, inputs: Tensors, state: State | None = None) -> tuple[Tensors, State]:
        """Head parameters of all steps; whole top-tier frames in parallel."""
        return self._run(inputs, state, predicts=True)

    def read(self, inputs: Tensors, state: State) -> State:
        """State behind all steps, without what keeps none: of SampleRNN, half of the work."""
        return self._run(inputs, state, predicts=False)[1]

    def _run(self, inputs: Tensors, state: State | None, predicts: bool) -> tuple[Tensors, State]:
        first = next(iter(inputs.values()))
        n_steps = first.shape[1]
        state = self.init_state(first.shape[0]) if state is None else state
        head = min(n_steps, -int(state["t"]) % self.chunk_multiple)
        body = (n_steps - head) // self.chunk_multiple * self.chunk_multiple
        if body == n_steps:
            return self._parallel(inputs, state, predicts)
        if torch.is_grad_enabled() and any(p.requires_grad for p in self.parameters()):
            raise ParameterError(
                f"A training chunk of {n_steps} steps doesn't hold whole frames of "
                f"{self.chunk_multiple}; use a multiple of {self.chunk_multiple}."
            )
        lengths = (head, body, n_steps - head - body)
        return self._in_pieces(inputs, clone_state(state), lengths, predicts)

    def _in_pieces(
        self, inputs: Tensors, state: State, lengths: tuple[int, ...], predicts: bool
    ) -> tuple[Tensors, State]:
        """Steps up to a frame border, frames in parallel, steps behind the last border."""
        outputs: list[Tensors] = []
        pieces = {name: x.split(lengths, dim=1) for name, x in inputs.items()}
        for i, length in enumerate(lengths):
            piece = {name: x[i] for name, x in pieces.items()}
            if i == 1 and length:
                out, state = self._parallel(piece, state, predicts)
                outputs.append(out)
            for k in range(length if i != 1 else 0):
                out, state = self.step({name: x[:, k] for name, x in piece.items()}, state)
                outputs.append({name: y[:, None] for name, y in out.items()})
        if not predicts:
            return {}, state
        return {name: torch.cat([o[name] for o in outputs], 1) for name in self.heads}, state

    def _parallel(self, inputs: Tensors, state: State, predicts: bool) -> tuple[Tensors, State]:
        """Whole frames from a frame border on, differentiable."""
        n_steps, t = next(iter(inputs.values())).shape[1], int(state["t"])
        past = {name: ring.roll(-(t % self.history), 1) for name, ring in state["last"].items()}
        items = {name: torch.cat([past[name], inputs[name]], 1) for name in past}
        above: Tensor | None = None
        bodies: State = {str(i): {} for i, _ in self._numbered()}
        n_needed = max(i + 1 for i, _ in self._numbered() if predicts or state["tiers"][str(i)])
        for i, tier in self._numbered()[:n_needed]:
            frames = {k: v[:, self.history - tier.frame_size + 1 :] for k, v in items.items()}
            fixtures = {name: inputs[name][:, :: tier.period] for name in tier.fixtures}
            x = tier.read_all(frames, fixtures, above)
            y, bodies[str(i)] = tier.body.parallel(x, state["tiers"][str(i)], t // tier.period)
            above = tier.conditions(y) if i + 1 < n_needed else None
        last = {
            k: v[:, -self.history :].roll((t + n_steps) % self.history, 1) for k, v in items.items()
        }
        after = {**state, "t": state["t"] + n_steps, "tiers": bodies, "last": last}
        return (self._predict(y) if predicts else {}), after


def _silence(io: IOSpec, name: str, like: Tensor, n: int) -> Tensor:
    """``n`` items of silence per batch row: the middle class, or zeros."""
    kind = io.kind(name)
    level = kind.n_classes // 2 if isinstance(kind, Discrete) else 0
    return torch.full_like(like[:, None].expand(-1, n, *like.shape[1:]), level).contiguous()
