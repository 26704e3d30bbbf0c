"""Causal attention over a sliding window: parallel over time, or one item a step from a cache.

The cache of a layer holds keys and values of its last ``W`` items, ``[B, G, W, d]`` for ``G``
groups of heads; item ``n`` lies in slot ``n % W``. Positions are rotary (Su et al., "RoFormer",
2021): only distances count, so that a cached key never has to be touched again. All frequencies
divide a common period, and positions are counted modulo that period, which makes the rotation
exact however long a stream gets.

A parallel pass splits the items into blocks of ``W``, each of which attends to itself and to
the block before, so that its cost grows with the length and not with its square.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...errors import ConfigError

PERIODS = 8  # windows in which the slowest frequency turns once


class Rotary(nn.Module):
    """Rotation of vectors by angles proportional to their position.

    Parameters
    ----------
    dim : int
        Length of the vectors, even.
    period : int
        Positions after which all rotations are back where they began; distances below a half
        of it can be told apart.
    """

    cos: Tensor
    sin: Tensor

    def __init__(self, dim: int, period: int) -> None:
        super().__init__()
        self.period = period
        fastest = max(1.0, period / (2 * math.pi))  # a radian per position
        turns = torch.logspace(math.log10(fastest), 0, dim // 2, dtype=torch.float64).round()
        turn = torch.arange(period)[:, None] * turns.long() % period
        angle = 2 * math.pi * turn.double() / period
        self.register_buffer("cos", angle.cos().float(), persistent=False)
        self.register_buffer("sin", angle.sin().float(), persistent=False)

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        """Rotate ``x [..., N, d]``, the items at ``positions [N]``."""
        places = positions % self.period
        cos, sin = self.cos.index_select(0, places), self.sin.index_select(0, places)
        a, b = x.chunk(2, -1)
        return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


class Attention(nn.Module):
    """Queries, keys and values of several heads, the first two rotated by their positions.

    Parameters
    ----------
    dim : int
        Width of the items.
    n_heads : int
        Heads; their width ``dim / n_heads`` is even.
    n_kv_heads : int
        Heads of keys and values, each shared by as many queries (Ainslie et al., "GQA", 2023).
    period : int
        Positions after which the rotations are back where they began.
    """

    def __init__(self, dim: int, n_heads: int, n_kv_heads: int, period: int) -> None:
        super().__init__()
        if dim % (2 * n_heads) or n_heads % n_kv_heads:
            raise ConfigError(
                f"{dim} units can't be shared by {n_heads} heads in {n_kv_heads} groups: the units "
                "must be a multiple of twice the heads, the heads a multiple of the groups."
            )
        self.n_heads, self.n_kv_heads, self.head_dim = n_heads, n_kv_heads, dim // n_heads
        self.q = nn.Linear(dim, dim, bias=False)
        self.kv = nn.Linear(dim, 2 * n_kv_heads * self.head_dim, bias=False)
        self.out = nn.Linear(dim, dim)
        self.rotary = Rotary(self.head_dim, period)

    def empty(self, batch_size: int, n_items: int) -> dict[str, Tensor]:
        """Keys and values of ``n_items`` items, all zero."""
        shape = (batch_size, self.n_kv_heads, n_items, self.head_dim)
        return {"k": self.out.weight.new_zeros(shape), "v": self.out.weight.new_zeros(shape)}

    def queries(self, x: Tensor, positions: Tensor) -> Tensor:
        """Queries ``[B, H, N, d]`` of items ``[B, N, D]`` at ``positions [N]``."""
        q = self.q(x).unflatten(-1, (self.n_heads, self.head_dim)).transpose(1, 2)
        return self.rotary(q, positions)

    def keys(self, x: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values ``[B, G, N, d]`` of items ``[B, N, D]`` at ``positions [N]``."""
        k, v = self.kv(x).unflatten(-1, (2, self.n_kv_heads, self.head_dim)).unbind(2)
        return self.rotary(k.transpose(1, 2), positions), v.transpose(1, 2)


class WindowedAttention(Attention):
    """Attention of each item to the last ``window`` items, itself included.

    Parameters
    ----------
    dim, n_heads, n_kv_heads : int
        As for :class:`Attention`.
    window : int
        Items that can be seen.
    """

    def __init__(self, dim: int, n_heads: int, n_kv_heads: int, window: int) -> None:
        super().__init__(dim, n_heads, n_kv_heads, PERIODS * window)
        self.window = window

    def init_state(self, batch_size: int) -> dict[str, Tensor]:
        """Empty cache."""
        return self.empty(batch_size, self.window)

    def step(self, x: Tensor, state: dict[str, Tensor], n: Tensor) -> Tensor:
        """Output ``[B, D]`` of item ``n [1]``, ``x [B, D]``; the cache takes it up."""
        q, (k, v) = self.queries(x[:, None], n), self.keys(x[:, None], n)
        slot = n % self.window
        state["k"].index_copy_(2, slot, k)
        state["v"].index_copy_(2, slot, v)
        # The heads that share keys are as many queries of one head.
        q = q[:, :, 0].unflatten(1, (self.n_kv_heads, -1))
        is_filled = (torch.arange(self.window, device=n.device) <= n)[None, None, None]
        y = F.scaled_dot_product_attention(q, state["k"], state["v"], attn_mask=is_filled)
        return self.out(y.flatten(1))

    def parallel(
        self, x: Tensor, state: dict[str, Tensor], n: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Outputs ``[B, N, D]`` of items ``x`` from item ``n`` on, and the cache behind them."""
        n_items, window = x.shape[1], self.window
        positions = torch.arange(n, n + n_items, device=x.device)
        q, (k, v) = self.queries(x, positions), self.keys(x, positions)
        k = torch.cat([state["k"].roll(-(n % window), 2).to(k.dtype), k], 2)  # oldest first
        v = torch.cat([state["v"].roll(-(n % window), 2).to(v.dtype), v], 2)
        after = {
            name: kept[:, :, -window:].roll((n + n_items) % window, 2).to(state[name].dtype)
            for name, kept in (("k", k), ("v", v))
        }
        repeats = self.n_heads // self.n_kv_heads
        if repeats > 1:
            k, v = k.repeat_interleave(repeats, 1), v.repeat_interleave(repeats, 1)
        y = attend_in_blocks(q, k, v, window, n)
        return self.out(y.transpose(1, 2).flatten(2)), after


def attend_in_blocks(q: Tensor, k: Tensor, v: Tensor, window: int, n: int) -> Tensor:
    """Attention ``[B, H, N, d]`` of items ``n, n + 1 ...`` to the last ``window`` ones each.

    Parameters
    ----------
    q : Tensor [shape=(B, H, N, d)]
    k, v : Tensor [shape=(B, H, window + N, d)]
        From ``window`` items before the first query on; those before item 0 aren't seen.
    window : int
    n : int
        Items before the first query.
    """
    batch, n_items = q.shape[0], q.shape[2]
    block = min(n_items, window)
    n_blocks = -(-n_items // block)
    padding = (0, 0, 0, n_blocks * block - n_items)
    q = F.pad(q, padding).unflatten(2, (n_blocks, block)).transpose(1, 2).flatten(0, 1)
    k, v = (
        F.pad(x, padding).unfold(2, window + block, block).permute(0, 2, 1, 4, 3).flatten(0, 1)
        for x in (k, v)
    )
    distance = torch.arange(block)[:, None] + window - torch.arange(window + block)
    sees = (distance >= 0) & (distance < window)
    sees = sees.expand(n_blocks, block, window + block).clone()
    sees[0, :, : max(0, window - n)] = False  # before the first item of all
    sees = sees[:, None].repeat(batch, 1, 1, 1).to(q.device)
    y = F.scaled_dot_product_attention(q, k, v, attn_mask=sees)
    y = y.unflatten(0, (batch, n_blocks)).transpose(1, 2).flatten(2, 3)
    return y[:, :, :n_items]


class TransformerLayer(nn.Module):
    """Attention and a feed-forward network, each on normalised input, added to what came in."""

    def __init__(
        self, dim: int, n_heads: int, n_kv_heads: int, window: int, ff_multiple: int
    ) -> None:
        super().__init__()
        self.attention_norm, self.ff_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention = WindowedAttention(dim, n_heads, n_kv_heads, window)
        self.ff = nn.Sequential(
            nn.Linear(dim, ff_multiple * dim), nn.GELU(), nn.Linear(ff_multiple * dim, dim)
        )

    def step(self, x: Tensor, state: dict[str, Tensor], n: Tensor) -> Tensor:
        """Item ``n [1]``, ``[B, D]``; the cache takes it up."""
        x = x + self.attention.step(self.attention_norm(x), state, n)
        return x + self.ff(self.ff_norm(x))

    def parallel(
        self, x: Tensor, state: dict[str, Tensor], n: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Items ``[B, N, D]`` from item ``n`` on, and the cache behind them."""
        y, state = self.attention.parallel(self.attention_norm(x), state, n)
        x = x + y
        return x + self.ff(self.ff_norm(x)), state


class Transformer(nn.Module):
    """A stack of transformer layers over a window, a body of a tier; arguments as for layers."""

    refresh_period = 0

    def __init__(
        self,
        dim: int,
        n_layers: int,
        n_heads: int,
        n_kv_heads: int,
        window: int,
        ff_multiple: int = 4,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            TransformerLayer(dim, n_heads, n_kv_heads, window, ff_multiple) for _ in range(n_layers)
        )
        self.norm = nn.LayerNorm(dim) if n_layers else nn.Identity()

    def init_state(self, batch_size: int) -> dict[str, dict[str, Tensor]]:
        """Empty caches by layer."""
        return {
            str(i): layer.attention.init_state(batch_size)  # type: ignore[union-attr, operator]
            for i, layer in enumerate(self.layers)
        }

    def step(self, x: Tensor, state: dict[str, dict[str, Tensor]], n: Tensor) -> Tensor:
        """Output ``[B, D]`` of item ``n [1]``; the caches take it up."""
        for i, layer in enumerate(self.layers):
            x = layer.step(x, state[str(i)], n)  # type: ignore[operator]
        return self.norm(x)

    def parallel(
        self, x: Tensor, state: dict[str, dict[str, Tensor]], n: int
    ) -> tuple[Tensor, dict[str, dict[str, Tensor]]]:
        """Outputs ``[B, N, D]`` of items from item ``n`` on, and the caches behind them."""
        after = {}
        for i, layer in enumerate(self.layers):
            x, after[str(i)] = layer.parallel(x, state[str(i)], n)  # type: ignore[operator]
        return self.norm(x), after
