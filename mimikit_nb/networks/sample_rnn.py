"""SampleRNN: tiers of recurrent networks, each at its own rate.

Every tier but the last is a recurrent network over frames of its size; its output conditions
the tier below until its next frame. The last tier is a feed-forward network over the latest
samples (Mehri et al., "SampleRNN: An Unconditional End-to-End Neural Audio Generation Model",
2017, section 2).

A tier with frame size ``f`` runs at steps ``t`` divisible by ``f`` and reads the ``f`` items up
to item ``t``. A parallel ``forward`` treats whole top-tier frames at once; what lies before the
first and behind the last frame border of a chunk is done step by step.
"""

from __future__ import annotations

import itertools
from functools import reduce
from typing import Literal

import torch
from pydantic import model_validator
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from ..config import field
from ..errors import ConfigError, ParameterError
from ..features.base import Discrete
from ..features.waveform import MuLawConfig
from ..io.heads import EmbeddingInputConfig
from ..io.variable import IOSpec, VariableConfig
from .base import NETWORKS, Network, NetworkConfig, Stage, State, Tensors, build_heads, clone_state
from .heads import Head
from .layers.inputs import FrameInput, build_input
from .layers.recurrent import Recurrent


@NETWORKS.register
class SampleRNNConfig(NetworkConfig):
    """Recurrent tiers over frames of samples."""

    kind: Literal["sample_rnn"] = "sample_rnn"
    "Name of the network."
    frame_sizes: tuple[int, ...] = field((16, 8, 8), min_length=2, max_length=12, unit="samples")
    "Items each tier reads, from the slowest tier to the last; each divides the one before."
    hidden_dim: int = field(256, ge=1, le=4096, scale="power_of_two")
    "Units of every tier."
    rnn: Literal["lstm", "gru", "rnn"] = "lstm"
    "Kind of the recurrent layers."
    n_rnn: int = field(1, ge=1, le=8)
    "Recurrent layers in each tier."
    weight_norm: bool = False
    "Whether weights are split into length and direction."
    initial_state: Literal["zeros", "learnable"] = "zeros"
    "What the recurrent layers start from: silence, or a state that is learned."

    @model_validator(mode="after")
    def _check_frame_sizes(self) -> SampleRNNConfig:
        tiers = self.frame_sizes[:-1]
        for slow, fast in itertools.pairwise(tiers):
            if slow % fast:
                raise ConfigError(
                    f"frame_sizes {self.frame_sizes}: {slow} isn't a multiple of {fast}; "
                    "each tier's frame must hold whole frames of the next, as in (16, 8, 8)."
                )
        if min(self.frame_sizes) < 1:
            raise ConfigError(f"frame_sizes {self.frame_sizes} must all be at least 1.")
        return self

    def build(self, io: IOSpec) -> SampleRNN:
        """SampleRNN with random weights."""
        return SampleRNN(self, io)

    @classmethod
    def default_io(cls, sample_rate: int) -> IOSpec:
        """Mu-law samples in 256 classes, read as short learned vectors."""
        variable = VariableConfig(feature=MuLawConfig(), input=EmbeddingInputConfig(dim=16))
        return IOSpec(sample_rate=sample_rate, variables={"signal": variable})


class Tier(nn.Module):
    """A recurrent tier: frames in, conditions for the tier below out.

    Parameters
    ----------
    frame_size : int
        Items it reads, and steps from one run to the next.
    ratio : int
        Conditions it gives per run.
    """

    def __init__(self, config: SampleRNNConfig, io: IOSpec, frame_size: int, ratio: int) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.frame_size, self.ratio = frame_size, ratio
        self.inputs = _read_frames(io, frame_size, dim)
        self.fixtures = _read_fixtures(io, dim)
        self.rnn = Recurrent(config.rnn, dim, dim, config.n_rnn, config.weight_norm)
        self.up = _linear(dim, ratio * dim, config.weight_norm)
        shape = (self.rnn.state_size, config.n_rnn, dim)
        self.initial = nn.Parameter(
            torch.zeros(shape), requires_grad=config.initial_state == "learnable"
        )

    def init_state(self, batch_size: int) -> Tensor:
        """State of the recurrent layers before the first frame."""
        return self.initial.expand(batch_size, *self.initial.shape).clone()

    def forward(self, x: Tensor, above: Tensor | None, state: Tensor) -> tuple[Tensor, Tensor]:
        """Conditions ``[B, N, ratio, H]`` of frames ``x [B, N, H]``, and the state behind them."""
        y, state = self.rnn(x if above is None else x + above, state)
        return self.up(y).unflatten(-1, (self.ratio, -1)), state


class SampleRNN(Network):
    """Tiers from slow to fast, and a feed-forward network over the latest items."""

    is_recurrent = True

    def __init__(self, config: SampleRNNConfig, io: IOSpec) -> None:
        super().__init__(config, io)
        sizes, dim = config.frame_sizes, config.hidden_dim
        below = [*sizes[1:-1], 1]  # steps from one condition to the next
        self.tiers = nn.ModuleList(
            Tier(config, io, size, size // next_size)
            for size, next_size in zip(sizes, below, strict=False)
        )
        self.sample_inputs = _read_frames(io, sizes[-1], dim)
        self.sample_fixtures = _read_fixtures(io, dim)
        self.mlp = nn.Sequential(nn.ReLU(), _linear(dim, dim, config.weight_norm), nn.ReLU())
        self.head_modules = build_heads(io, dim)
        self.history = max(sizes)
        self.chunk_multiple = sizes[0]
        self.receptive_field = 4 * sizes[0]

    @property
    def heads(self) -> dict[str, Head]:
        """Output heads by target variable."""
        return dict(self.head_modules.items())

    def init_state(self, batch_size: int) -> State:
        """Silence behind, initial states of the recurrent layers, no conditions yet."""
        state = self.io_state(batch_size)
        state["rnn"] = {str(i): tier.init_state(batch_size) for i, tier in enumerate(self.tiers)}
        dim = self.config.hidden_dim
        state["up"] = {
            str(i): tier.initial.new_zeros(batch_size, tier.ratio, dim)
            for i, tier in enumerate(self.tiers)
        }
        state["last"] = {
            name: _silence(self.io, name, state["in"][name], self.history)
            for name in self.io.autoregressive
        }
        return state

    # -- one step -----------------------------------------------------------------------------

    def stages(self) -> list[Stage]:
        """Remember the input; run each tier at its period; predict."""
        tiers = [Stage(tier.frame_size, self._tier_stage(i)) for i, tier in enumerate(self.tiers)]
        return [Stage(1, self._remember), *tiers, Stage(1, self._predict)]

    def _remember(self, state: State) -> None:
        for name, ring in state["last"].items():
            ring.index_copy_(1, state["t"] % self.history, state["in"][name][:, None])

    def _last(self, state: State, n: int) -> Tensors:
        """The last ``n`` items of each autoregressive variable, oldest first."""
        slots = (state["t"] + torch.arange(1 - n, 1, device=state["t"].device)) % self.history
        return {name: ring.index_select(1, slots) for name, ring in state["last"].items()}

    def _above(self, state: State, i: int) -> Tensor | None:
        """The condition that the tier above ``i`` (the last tier is ``len(tiers)``) has for now."""
        if i == 0:
            return None
        tier, step = self.tiers[i - 1], self.tiers[i].frame_size if i < len(self.tiers) else 1
        return state["up"][str(i - 1)].index_select(1, (state["t"] // step) % tier.ratio)

    def _tier_stage(self, i: int):
        tier, key = self.tiers[i], str(i)

        def run(state: State) -> None:
            frames = self._last(state, tier.frame_size)
            read = [module(frames[name]) for name, module in tier.inputs.items()]
            x = _add_fixtures(read, tier.fixtures, state["in"])
            up, rnn = tier(x[:, None], self._above(state, i), state["rnn"][key])
            state["rnn"][key].copy_(rnn)
            state["up"][key].copy_(up[:, 0])

        return run

    def _predict(self, state: State) -> None:
        frames = self._last(state, self.config.frame_sizes[-1])
        read = [module(frames[name]) for name, module in self.sample_inputs.items()]
        x = _add_fixtures(read, self.sample_fixtures, state["in"])
        h = self.mlp(self._above(state, len(self.tiers))[:, 0] + x)
        for name, head in self.heads.items():
            state["out"][name].copy_(head(h))

    # -- many steps ---------------------------------------------------------------------------

    def forward(self, inputs: Tensors, state: State | None = None) -> tuple[Tensors, State]:
        """Head parameters of all steps; whole top-tier frames in parallel."""
        return self._run(inputs, state, predicts=True)

    def read(self, inputs: Tensors, state: State) -> State:
        """State behind all steps, without what keeps no state: half of the work."""
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
        above, rnn = None, {}
        for i, tier in enumerate(self.tiers):
            size = tier.frame_size
            fixtures = {name: inputs[name][:, ::size] for name in tier.fixtures}
            x = _add_fixtures(self._read_all(tier.inputs, items, size), tier.fixtures, fixtures)
            up, rnn[str(i)] = tier(x, above, state["rnn"][str(i)])
            above = up.flatten(1, 2)
        last = {
            k: v[:, -self.history :].roll((t + n_steps) % self.history, 1) for k, v in items.items()
        }
        after = {**state, "t": state["t"] + n_steps, "rnn": rnn, "last": last}
        if not predicts:
            return {}, after
        read = self._read_all(self.sample_inputs, items, 1)
        h = self.mlp(above + _add_fixtures(read, self.sample_fixtures, inputs))
        return {name: head(h) for name, head in self.heads.items()}, after

    def _read_all(self, modules: nn.ModuleDict, items: Tensors, hop: int) -> list[Tensor]:
        """Hidden units ``[B, N, H]`` of the frames that end at every ``hop``-th step."""
        return [
            module.parallel(items[name][:, self.history - module.frame_size + 1 :], hop)
            for name, module in modules.items()
        ]


def _read_frames(io: IOSpec, frame_size: int, dim: int) -> nn.ModuleDict:
    return nn.ModuleDict(
        {
            name: FrameInput(v, io.kind(name), frame_size, dim)
            for name, v in io.autoregressive.items()
        }
    )


def _read_fixtures(io: IOSpec, dim: int) -> nn.ModuleDict:
    return nn.ModuleDict(
        {
            name: build_input(v, io.kind(name), dim)
            for name, v in io.inputs.items()
            if v.role == "fixture"
        }
    )


def _add_fixtures(read: list[Tensor], fixtures: nn.ModuleDict, values: Tensors) -> Tensor:
    """Hidden units of all frames and fixtures, summed."""
    read = read + [module(values[name]) for name, module in fixtures.items()]
    return reduce(torch.add, read)


def _silence(io: IOSpec, name: str, like: Tensor, n: int) -> Tensor:
    """``n`` items of silence per batch row: the middle class, or zeros."""
    kind = io.kind(name)
    level = kind.n_classes // 2 if isinstance(kind, Discrete) else 0
    return torch.full_like(like[:, None].expand(-1, n, *like.shape[1:]), level).contiguous()


def _linear(n_in: int, n_out: int, weight_norm: bool) -> nn.Module:
    linear = nn.Linear(n_in, n_out)
    return parametrizations.weight_norm(linear) if weight_norm else linear
