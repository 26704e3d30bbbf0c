"""Operations in the ways that networks and samplers use them, for both printers to match eager."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Operation:
    """``fn(x, i)`` of floats ``x`` and the clock ``i`` (int64 ``[1]``)."""

    fn: Callable[[Tensor, Tensor], Tensor]
    shape: tuple[int, ...] = (3, 5)
    low: float = -2.0
    high: float = 2.0

    def input(self) -> Tensor:
        generator = torch.Generator().manual_seed(0)
        return torch.rand(self.shape, generator=generator) * (self.high - self.low) + self.low


def _module(module: nn.Module) -> nn.Module:
    generator = torch.Generator().manual_seed(1)
    for parameter in module.parameters():
        parameter.data = torch.rand(parameter.shape, generator=generator) - 0.5
    return module.eval().requires_grad_(False)


_TABLE = torch.arange(12.0).view(4, 3)
_LINEAR = _module(nn.Linear(5, 37))
_ODD = _module(nn.Linear(37, 20))
_LSTM = _module(nn.LSTM(5, 4, 2, batch_first=True))
_GRU = _module(nn.GRU(5, 4, batch_first=True))
_RNN = _module(nn.RNN(5, 4, batch_first=True))
_CONV = _module(nn.Conv1d(6, 8, 2))
_DILATED = _module(nn.Conv1d(6, 10, 3, dilation=2, stride=2))
_GROUPED = _module(nn.Conv1d(6, 12, 2, groups=3))
_DEPTHWISE = _module(nn.Conv1d(6, 6, 4, groups=6))
_NORM = _module(nn.LayerNorm(5))
_RMS = _module(nn.RMSNorm(5))
_GROUP_NORM = _module(nn.LayerNorm((3, 5)))


def _written_through_view(x: Tensor) -> Tensor:
    y = x * 2
    y[:, 1:3].add_(1.0)
    y[0].mul_(3.0)
    return y + x


def _zeros_filled(x: Tensor) -> Tensor:
    y = torch.zeros(3, 5)
    y[:, 2] = x[:, 0]
    return y


def _ring(x: Tensor, i: Tensor) -> Tensor:
    ring = x.clone()
    before = ring.index_select(1, (i - 1) % 5)
    ring.index_copy_(1, i % 5, before * 2)
    return torch.cat([before, ring], 1)


def _read_before_write(x: Tensor) -> Tensor:
    ring = x.clone()
    doubled = ring * 2
    ring.zero_()
    return doubled + ring


def _attention(x: Tensor) -> Tensor:
    q, k, v = x[:, :1], x, x * 0.5
    q, k, v = (a.view(2, -1, 2, 4).transpose(1, 2) for a in (q, k, v))
    mask = (torch.arange(6) <= 3).view(1, 1, 1, 6)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)


def _grouped_attention(x: Tensor) -> Tensor:
    q = x[:, :1].view(2, 1, 2, 4).transpose(1, 2)
    k = x[..., :4].view(2, -1, 1, 4).transpose(1, 2)
    return F.scaled_dot_product_attention(q, k, k, enable_gqa=True)


def _top(x: Tensor) -> Tensor:
    values, index = x.topk(2)
    return values + index


def _largest(x: Tensor) -> Tensor:
    """The largest of every third item, and 0."""
    index = (torch.arange(x.shape[-1], device=x.device) % 3).expand_as(x)
    return x.new_zeros(*x.shape[:-1], 5).scatter_reduce(-1, index, x, "amax")


def _sorted(x: Tensor) -> Tensor:
    values, order = x.sort(-1, descending=True)
    return torch.full_like(x, -math.inf).scatter(-1, order, values * 2 + order)


OPERATIONS: dict[str, Operation] = {
    # item by item
    "add": Operation(lambda x, i: x + x[0] + 1),
    "add with factor": Operation(lambda x, i: torch.add(x, x[0], alpha=2)),
    "subtract": Operation(lambda x, i: 1 - x - x[:, :1]),
    "multiply and divide": Operation(lambda x, i: x * x[:1] / (x.abs() + 1)),
    "floor divide": Operation(lambda x, i: x // 0.3),
    "truncate": Operation(lambda x, i: torch.div(x, 0.3, rounding_mode="trunc")),
    "integers": Operation(
        lambda x, i: (i * 7 - 9) // 4 + (i - 9) % 4 + torch.div(i - 9, 4, rounding_mode="trunc")
    ),
    "integers to floats": Operation(lambda x, i: i / 3 + x),
    "remainder": Operation(lambda x, i: x % 0.7),
    "remainder of negatives": Operation(lambda x, i: x % -0.7),
    "tanh": Operation(lambda x, i: x.tanh(), high=20.0, low=-20.0),
    "sigmoid": Operation(lambda x, i: x.sigmoid(), high=50.0, low=-50.0),
    "relu": Operation(lambda x, i: x.relu()),
    "silu": Operation(lambda x, i: F.silu(x)),
    "gelu": Operation(lambda x, i: F.gelu(x)),
    "gelu with tanh": Operation(lambda x, i: F.gelu(x, approximate="tanh")),
    "elu": Operation(lambda x, i: F.elu(x)),
    "leaky relu": Operation(lambda x, i: F.leaky_relu(x, 0.2)),
    "softplus": Operation(lambda x, i: F.softplus(x), high=30.0),
    "exp": Operation(lambda x, i: x.exp(), low=-80.0, high=5.0),
    "expm1": Operation(lambda x, i: x.expm1()),
    "log": Operation(lambda x, i: x.log(), low=0.01),
    "log1p": Operation(lambda x, i: x.log1p(), low=-0.9),
    "sqrt": Operation(lambda x, i: x.sqrt() + x.rsqrt() + x.reciprocal(), low=0.1),
    "power": Operation(lambda x, i: x**2 + x**3 + x**0.5 + x**1.7, low=0.1),
    "erf": Operation(lambda x, i: torch.erf(x)),
    "erfinv": Operation(lambda x, i: torch.erfinv(x), low=-0.9999, high=0.9999),
    "trigonometry": Operation(lambda x, i: x.sin() + x.cos() + torch.atan2(x, x[0])),
    "rounding": Operation(lambda x, i: x.floor() + x.ceil() * 2 + x.round() * 3 + x.trunc() * 5),
    "sign and abs": Operation(lambda x, i: x.sign() + x.abs() - (-x)),
    "clamp": Operation(lambda x, i: x.clamp(-0.5, 0.5) + x.clamp(min=0.1) + x.clamp(max=0.2)),
    "clamp by tensors": Operation(lambda x, i: torch.clamp(x, min=x[0] * 0.5)),
    "maximum": Operation(lambda x, i: torch.maximum(x, x[0]) - torch.minimum(x, x[0])),
    "compare": Operation(
        lambda x, i: (x > 0.1).float() + (x <= x[0]) + (x == x) + (x != x[0]) + (x < 1) + (x >= 0)
    ),
    "compare mixed types": Operation(lambda x, i: torch.where(i < x, i * 1.0, x)),
    "logic": Operation(lambda x, i: ((x > 0) & (x < 1) | ~(x > -1)).float()),
    "logic of numbers": Operation(
        lambda x, i: torch.logical_and(x > 0, torch.logical_not(i > 3)).float()
    ),
    "where": Operation(lambda x, i: torch.where(x > 0, x.exp(), x * 2)),
    "masked fill": Operation(lambda x, i: x.masked_fill(x > 0, -1.0)),
    "to integers": Operation(lambda x, i: x.long() + x.bool()),
    "filled": Operation(
        lambda x, i: (
            torch.full_like(x, 2.0) + torch.zeros_like(x) + torch.ones_like(x) + x.new_zeros(5)
        )
    ),
    # views
    "view": Operation(lambda x, i: x.view(5, 3) + x.t() * 2),
    "flatten what is permuted": Operation(lambda x, i: x.transpose(0, 2).flatten(1) * 2, (2, 3, 4)),
    "squeeze and unsqueeze": Operation(
        lambda x, i: x[:, None].squeeze(1).unsqueeze(-1).unsqueeze(0)
    ),
    "select and slice": Operation(lambda x, i: x[-1] + x[:, 1::2].sum(1)[0] + x[:, -2:][0, 0]),
    "slice what is computed": Operation(lambda x, i: (x * 2)[:, 1::2]),
    "expand": Operation(lambda x, i: (x[:1] * 2).expand(4, 5) + x[:, :1].expand(3, 5)[1]),
    "split": Operation(lambda x, i: torch.cat([a * k for k, a in enumerate(x.split(2, -1))], -1)),
    "chunk and unbind": Operation(lambda x, i: x.chunk(2, -1)[0][:, :2] + x.unbind(1)[1][:, None]),
    "stack": Operation(lambda x, i: torch.stack([x, x * 2, x + 1], -1)),
    "pad": Operation(lambda x, i: F.pad(x, (2, 1, 1, 0), value=3.0)),
    "unfold": Operation(lambda x, i: x.unfold(1, 3, 2) + (x * 2).unfold(1, 3, 2)),
    "flip and roll": Operation(lambda x, i: x.flip(1) + x.roll(2, 1)),
    "repeat": Operation(lambda x, i: x.repeat(2, 3) + x.repeat_interleave(3, 1).repeat(2, 1)),
    "permute": Operation(lambda x, i: x.permute(2, 0, 1) * 2 + (x * 3).permute(2, 0, 1), (2, 3, 4)),
    # indices
    "index select": Operation(lambda x, i: x.index_select(1, (i + torch.arange(3)) % 5)),
    "ring": Operation(_ring),
    "table": Operation(lambda x, i: F.embedding(i % 4, _TABLE)),
    "index": Operation(lambda x, i: x[:, (i + torch.arange(2)) % 5] + x[i % 3][:, :2]),
    "index pairs": Operation(lambda x, i: x[(i + torch.arange(2)) % 3, i - 5]),
    "gather": Operation(lambda x, i: x.gather(-1, x.argmax(-1, keepdim=True))),
    "scatter": Operation(lambda x, i: _sorted(x)),
    "scatter_reduce": Operation(lambda x, i: _largest(x)),
    "index put": Operation(lambda x, i: x.index_put((i % 3,), x[:1] * 2)),
    # writing in place
    "written through views": Operation(lambda x, i: _written_through_view(x)),
    "zeros, then written": Operation(lambda x, i: _zeros_filled(x)),
    "read before written": Operation(lambda x, i: _read_before_write(x)),
    # reductions
    "sum": Operation(lambda x, i: x.sum(-1) + x.sum() + x.mean(-1) + (x > 0).sum(-1)),
    "sums over several": Operation(
        lambda x, i: x.sum((0, 2), keepdim=True) + x.mean(1).amax(), (2, 3, 4)
    ),
    "extrema": Operation(
        lambda x, i: x.amax(-1) + x.amin(-1) + x.max() + x.max(-1).values + x.min(-1).indices
    ),
    "argmax": Operation(lambda x, i: x.argmax(-1) + x.argmin(-1) + x.argmax()),
    "argmax of equal values": Operation(lambda x, i: x.round().argmax(-1)),
    "any": Operation(lambda x, i: (x > 1.5).any(-1).float()),
    "softmax": Operation(lambda x, i: x.softmax(-1) + x.log_softmax(-1) + x.softmax(0)),
    "masked softmax": Operation(
        lambda x, i: x.masked_fill(x > x.mean(-1, keepdim=True), -math.inf).softmax(-1)
    ),
    "logsumexp": Operation(lambda x, i: x.logsumexp(-1)),
    "cumulative sum": Operation(lambda x, i: x.cumsum(-1), (2, 77)),
    "cumulative sum of a column": Operation(lambda x, i: x[:, :1].cumsum(-1)),
    "sort": Operation(
        lambda x, i: x.sort(-1).values - x.sort(-1, descending=True).indices, (2, 70)
    ),
    "top": Operation(lambda x, i: _top(x)),
    "layer norm": Operation(lambda x, i: _NORM(x)),
    "layer norm over two": Operation(lambda x, i: _GROUP_NORM(x)),
    "rms norm": Operation(lambda x, i: _RMS(x)),
    # products
    "linear": Operation(lambda x, i: _LINEAR(x)),
    "linear, one row": Operation(lambda x, i: _LINEAR(x), (1, 5)),
    "linear, many rows": Operation(lambda x, i: _ODD(_LINEAR(x)), (35, 5)),
    "linear, strided input": Operation(
        lambda x, i: _LINEAR(x[:, 1:6]) + _LINEAR(x.t()[:5].t()), (7, 9)
    ),
    "linear, time": Operation(lambda x, i: _LINEAR(x), (2, 3, 5)),
    "product of matrices": Operation(lambda x, i: x @ x.t()),
    "product with a matrix": Operation(
        lambda x, i: x @ _TABLE.view(3, 4).t()[:3].t().repeat(2, 1)[:5]
    ),
    "batched product": Operation(lambda x, i: x @ x.transpose(1, 2) @ x, (2, 3, 4)),
    "product with a vector": Operation(lambda x, i: x @ x[0]),
    "lstm": Operation(
        lambda x, i: torch.cat([_LSTM(x)[0].flatten(), _LSTM(x)[1][1].flatten()]), (2, 3, 5)
    ),
    "gru": Operation(lambda x, i: _GRU(x)[0], (2, 1, 5)),
    "rnn": Operation(lambda x, i: _RNN(x)[0], (2, 1, 5)),
    "convolution": Operation(lambda x, i: _CONV(x), (2, 6, 2)),
    "convolution in time": Operation(lambda x, i: _CONV(x), (2, 6, 7)),
    "dilated convolution": Operation(lambda x, i: _DILATED(x), (2, 6, 11)),
    "grouped convolution": Operation(lambda x, i: _GROUPED(x), (2, 6, 2)),
    "depthwise convolution": Operation(lambda x, i: _DEPTHWISE(x), (2, 6, 4)),
    "attention": Operation(lambda x, i: _attention(x), (2, 6, 8)),
    "grouped attention": Operation(lambda x, i: _grouped_attention(x), (2, 6, 8)),
}
