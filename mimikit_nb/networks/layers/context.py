"""A longer past at a coarse rate, encoded now and then and read by cross-attention.

A transformer over a window forgets what has left it. Here the units of its last layer are summed
up into *coarse frames*, as many of them kept as the context is long (after Rae et al.,
"Compressive Transformers for Long-Range Sequence Modelling", 2020, section 3, who pool what
leaves the window). At intervals an encoder looks at all of them, in both directions, and what it
finds is cached as keys and values; every frame reads these by cross-attention (Vaswani et al.,
"Attention Is All You Need", 2017, sections 3.1 and 3.2.3).

A coarse frame is the mean and the mean magnitude of the units: the mean of a sound's oscillations
is nothing, that of their magnitudes is how strong each is. It knows nothing of the context, so
that a parallel pass needs no order, and what the network knows of its past ends with the window.

State of :class:`ContextTransformer`: ``frames [B, W + R, 2D]``, a ring of coarse frames (frame
``j`` lies in slot ``j % (W + R)``; before the first there is silence, zeros); ``k`` and ``v``,
the cache of the latest refresh; ``transformer``, the caches of the layers below.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...engine.stages import State
from .attention import PERIODS, Attention, Transformer


class CrossAttention(Attention):
    """Attention of items to others, whose keys and values are given."""

    def forward(self, x: Tensor, positions: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Outputs ``[B, N, D]`` of items ``x [B, N, D]`` at ``positions [N]``."""
        q = self.queries(x, positions)
        # The heads that share keys are as many queries of one head.
        shared = q.unflatten(1, (self.n_kv_heads, -1))
        y = F.scaled_dot_product_attention(shared.flatten(2, 3), k, v)
        return self.out(y.reshape(q.shape).transpose(1, 2).flatten(2))


class ReadingLayer(nn.Module):
    """Cross-attention and a feed-forward network, each on normalised input, added to it.

    Parameters
    ----------
    dim, n_heads, n_kv_heads, ff_multiple, period : int
        As for the layers of a :class:`Transformer`; ``period`` that of positions.
    """

    def __init__(
        self, dim: int, n_heads: int, n_kv_heads: int, ff_multiple: int, period: int
    ) -> None:
        super().__init__()
        self.memory_norm, self.norm, self.ff_norm = (nn.LayerNorm(dim) for _ in range(3))
        self.attention = CrossAttention(dim, n_heads, n_kv_heads, period)
        self.ff = nn.Sequential(
            nn.Linear(dim, ff_multiple * dim), nn.GELU(), nn.Linear(ff_multiple * dim, dim)
        )

    def keys(self, memory: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of what can be read, ``[B, M, D]`` at ``positions [M]``."""
        return self.attention.keys(self.memory_norm(memory), positions)

    def forward(self, x: Tensor, positions: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Items ``[B, N, D]`` that have read."""
        x = x + self.attention(self.norm(x), positions, k, v)
        return x + self.ff(self.ff_norm(x))


class ContextEncoder(nn.Module):
    """Layers in which all coarse frames see each other; arguments as for :class:`ReadingLayer`."""

    def __init__(self, dim: int, n_layers: int, *sizes: int) -> None:
        super().__init__()
        self.read = nn.Linear(2 * dim, dim)
        self.layers = nn.ModuleList(ReadingLayer(dim, *sizes) for _ in range(n_layers))

    def forward(self, frames: Tensor, positions: Tensor) -> Tensor:
        """Vectors ``[B, W, D]`` of coarse frames ``[B, W, 2D]`` at ``positions [W]``."""
        x = F.gelu(self.read(frames))
        for layer in self.layers:
            x = layer(x, positions, *layer.keys(x, positions))  # type: ignore[operator]
        return x


class ContextTransformer(nn.Module):
    """A transformer over a window that also reads a longer past; a body of a tier.

    Parameters
    ----------
    transformer : Transformer
        What its coarse frames are made of, and what reads them.
    dim, n_heads, n_kv_heads, ff_multiple : int
        As for the transformer.
    n_layers : int
        Layers of the encoder.
    span : int
        Frames that a coarse frame sums up.
    window : int
        Coarse frames ``W`` that can be seen.
    refresh : int
        Coarse frames ``R`` from one encoding to the next.
    """

    def __init__(
        self,
        transformer: Transformer,
        dim: int,
        n_heads: int,
        n_kv_heads: int,
        ff_multiple: int,
        n_layers: int,
        span: int,
        window: int,
        refresh: int,
    ) -> None:
        super().__init__()
        sizes = (n_heads, n_kv_heads, ff_multiple, PERIODS * (window + refresh))
        self.transformer = transformer
        self.encoder = ContextEncoder(dim, n_layers, *sizes)
        self.reader = ReadingLayer(dim, *sizes)
        self.norm = nn.LayerNorm(dim)
        self.dim, self.span, self.window, self.refresh_frames = dim, span, window, refresh
        self.n_slots = window + refresh
        self.refresh_period = span * refresh

    def init_state(self, batch_size: int) -> State:
        """Silence behind."""
        frames = self.norm.weight.new_zeros(batch_size, self.n_slots, 2 * self.dim)
        cache = self.reader.attention.empty(batch_size, self.window)
        return {"transformer": self.transformer.init_state(batch_size), "frames": frames, **cache}

    def _keys(self, frames: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of the coarse frames ``[B, W, 2D]`` at ``places [W]``."""
        return self.reader.keys(self.encoder(frames, places), places)

    def _distances(self, like: Tensor) -> Tensor:
        """Where the coarse frames of the window lie, counted from the refresh ``[W]``."""
        return torch.arange(-self.window, 0, device=like.device)

    # -- one frame ----------------------------------------------------------------------------

    def refresh(self, state: State, n: Tensor) -> None:
        """Encode the window before frame ``n [1]``, in place."""
        places = n // self.span + self._distances(n)
        frames = state["frames"].index_select(1, places % self.n_slots)
        k, v = self._keys(frames, places)
        state["k"].copy_(k)
        state["v"].copy_(v)

    def step(self, x: Tensor, state: State, n: Tensor) -> Tensor:
        """Output ``[B, D]`` of frame ``n [1]``, in place."""
        y = self.transformer.step(x, state["transformer"], n)
        slot = n // self.span % self.n_slots
        begun = state["frames"].index_select(1, slot) * (n % self.span != 0)
        state["frames"].index_copy_(1, slot, begun + self._part(y)[:, None])
        return self.norm(self.reader(y[:, None], n // self.span, state["k"], state["v"])[:, 0])

    def _part(self, y: Tensor) -> Tensor:
        """What units ``[..., D]`` of one frame add to its coarse frame ``[..., 2D]``."""
        return torch.cat([y, y.abs()], -1) / self.span

    # -- many frames --------------------------------------------------------------------------

    def parallel(self, x: Tensor, state: State, n: int) -> tuple[Tensor, State]:
        """Outputs ``[B, N, D]`` of frames from frame ``n`` on, and the state behind them.

        The window that was encoded last is encoded again: its frames are the same, but gradients
        reach the encoder's weights in every chunk.
        """
        y, layers = self.transformer.parallel(x, state["transformer"], n)
        frames, first = self._extended(y, state["frames"], n)
        stop, outputs, start = n + y.shape[1], [], n
        while start < stop:
            at = start // self.refresh_period * self.refresh_frames  # the refresh in force
            end = min(stop, (start // self.refresh_period + 1) * self.refresh_period)
            places = at + self._distances(y)
            k, v = self._keys(frames[:, at - self.window - first : at - first], places)
            now = torch.arange(start, end, device=y.device) // self.span
            outputs.append(self.reader(y[:, start - n : end - n], now, k, v))
            start = end
        newest = frames[:, -self.n_slots :]
        ring = newest.roll((first + frames.shape[1]) % self.n_slots, 1)
        cache = {"k": k.to(state["k"].dtype), "v": v.to(state["v"].dtype)}
        after = {"transformer": layers, "frames": ring, **cache}
        return self.norm(torch.cat(outputs, 1)), after

    def _extended(self, y: Tensor, ring: Tensor, n: int) -> tuple[Tensor, int]:
        """Coarse frames of the ring and of ``y``, oldest first; and the number of the oldest."""
        newest, begun = divmod(n, self.span)
        past = ring.roll(-(newest % self.n_slots), 1)
        padding = (0, 0, begun, -(begun + y.shape[1]) % self.span)
        added = F.pad(self._part(y), padding).unflatten(1, (-1, self.span)).sum(2)
        if begun:  # it lies where the oldest did, which nobody will look at again
            added = torch.cat([added[:, :1] + past[:, :1], added[:, 1:]], 1)
        return torch.cat([past, added], 1), newest - self.n_slots
