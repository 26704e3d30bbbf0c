"""LSTM, GRU and plain RNN under one call, with weights that may be reparametrised; bodies of tiers.

:class:`torch.nn.LSTM` and its kin keep hidden copies of their weights, which weight
normalisation would not reach; here the weights are read where they are used.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

_GATES = {"lstm": 4, "gru": 3, "rnn": 1}


class Recurrent(nn.Module):
    """A stack of recurrent layers.

    Parameters
    ----------
    kind : {"lstm", "gru", "rnn"}
    input_dim, hidden_dim : int
    n_layers : int, default 1
    weight_norm : bool, default False
        Whether the rows of the weights are normalised (Salimans & Kingma, 2016).
    """

    def __init__(
        self,
        kind: str,
        input_dim: int,
        hidden_dim: int,
        n_layers: int = 1,
        weight_norm: bool = False,
    ) -> None:
        super().__init__()
        self.kind, self.hidden_dim, self.n_layers = kind, hidden_dim, n_layers
        rows, bound = _GATES[kind] * hidden_dim, 1 / math.sqrt(hidden_dim)
        self._names = [
            f"{name}_l{i}" for i in range(n_layers) for name in ("w_ih", "w_hh", "b_ih", "b_hh")
        ]
        for name in self._names:
            columns = input_dim if name == "w_ih_l0" else hidden_dim
            shape = (rows, columns) if name.startswith("w") else (rows,)
            self.register_parameter(name, nn.Parameter(torch.empty(shape).uniform_(-bound, bound)))
            if weight_norm and name.startswith("w"):
                parametrizations.weight_norm(self, name, dim=0)

    @property
    def state_size(self) -> int:
        """Tensors in the state: 2 for an LSTM (h, c), else 1."""
        return 2 if self.kind == "lstm" else 1

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs ``[B, N, H]`` of ``x [B, N, input_dim]`` from ``state [B, S, n_layers, H]``."""
        weights = [getattr(self, name) for name in self._names]
        hidden = [h.transpose(0, 1).contiguous() for h in state.unbind(1)]  # [n_layers, B, H] each
        options = (weights, True, self.n_layers, 0.0, self.training, False, True)
        if self.kind == "lstm":
            y, h, c = torch.lstm(x, hidden, *options)
            return y, torch.stack([h, c]).permute(2, 0, 1, 3)
        cell = torch.gru if self.kind == "gru" else torch.rnn_tanh
        y, h = cell(x, hidden[0], *options)
        return y, h[None].permute(2, 0, 1, 3)


class RecurrentBody(nn.Module):
    """Recurrent layers over frames: a body of a tier.

    Parameters
    ----------
    rnn : Recurrent
        The layers.
    learns_initial : bool, default False
        Whether the state before the first frame is learned; zeros if not.
    span : int, optional
        Frames after which it starts afresh, as a decoder does with each sequence; never if not
        given. In parallel, it goes through all spans side by side.
    """

    refresh_period = 0

    def __init__(
        self, rnn: Recurrent, learns_initial: bool = False, span: int | None = None
    ) -> None:
        super().__init__()
        self.rnn, self.span = rnn, span
        shape = (rnn.state_size, rnn.n_layers, rnn.hidden_dim)
        self.initial = nn.Parameter(torch.zeros(shape), requires_grad=learns_initial)

    def _start(self, batch_size: int) -> Tensor:
        return self.initial.expand(batch_size, *self.initial.shape)

    def init_state(self, batch_size: int) -> dict[str, Tensor]:
        """State of the recurrent layers before the first frame."""
        return {"rnn": self._start(batch_size).clone()}

    def step(self, x: Tensor, state: dict[str, Tensor], n: Tensor) -> Tensor:
        """Output ``[B, H]`` of frame ``n [1]``, in place."""
        before = state["rnn"]
        if self.span is not None:
            before = torch.where(n % self.span == 0, self.initial, before)
        y, rnn = self.rnn(x[:, None], before)
        state["rnn"].copy_(rnn)
        return y[:, 0]

    def parallel(
        self, x: Tensor, state: dict[str, Tensor], n: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Outputs ``[B, N, H]`` of frames, whole spans of them, and the state behind them."""
        if self.span is None:
            y, rnn = self.rnn(x, state["rnn"])
            return y, {"rnn": rnn}
        spans = x.unflatten(1, (-1, self.span))
        y, rnn = self.rnn(spans.flatten(0, 1), self._start(spans.shape[0] * spans.shape[1]))
        after = rnn.unflatten(0, spans.shape[:2])[:, -1]
        return y.unflatten(0, spans.shape[:2]).flatten(1, 2), {"rnn": after}


class ResidualBody(nn.Module):
    """Recurrent layers, each on normalised input and added to what came in: a body of a tier.

    Parameters
    ----------
    kind : {"lstm", "gru", "rnn"}
    hidden_dim, n_layers : int
    dropout : float
        Share of what a layer adds that is silenced in training.
    """

    refresh_period = 0

    def __init__(self, kind: str, hidden_dim: int, n_layers: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            RecurrentBody(Recurrent(kind, hidden_dim, hidden_dim)) for _ in range(n_layers)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(hidden_dim) for _ in range(n_layers))
        self.dropout = nn.Dropout(dropout)

    def init_state(self, batch_size: int) -> dict[str, Tensor]:
        """Hidden states ``[B, S, n_layers, H]`` of the layers before the first frame."""
        states = [layer.init_state(batch_size)["rnn"] for layer in self.layers]  # type: ignore[operator]
        return {"rnn": torch.cat(states, 2)}

    def step(self, x: Tensor, state: dict[str, Tensor], n: Tensor) -> Tensor:
        """Output ``[B, H]`` of frame ``n [1]``, in place."""
        for i, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            own = {"rnn": state["rnn"][:, :, i : i + 1]}
            x = x + layer.step(norm(x), own, n)  # type: ignore[operator]
        return x

    def parallel(
        self, x: Tensor, state: dict[str, Tensor], n: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Outputs ``[B, N, H]`` of frames, and the state behind them."""
        after = []
        for i, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            own = {"rnn": state["rnn"][:, :, i : i + 1]}
            y, own = layer.parallel(norm(x), own, n)  # type: ignore[operator]
            x = x + self.dropout(y)
            after.append(own["rnn"])
        return x, {"rnn": torch.cat(after, 2)}
