"""Causal dilated convolution with a past: parallel over time, or one item a step.

The past of a layer is a ring ``[B, L, C]`` of its last ``L = (kernel_size - 1) * dilation``
inputs; the input of step ``t`` lies in slot ``t % L``. A ring of zeros is a zero-padded start
(van den Oord et al., "WaveNet", 2016; the queues are those of Le Paine et al., "Fast WaveNet",
2016).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class CausalConv1d(nn.Conv1d):
    """Convolution whose output at ``t`` sees inputs up to ``t`` only.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, dilation, groups : int
        As in :class:`torch.nn.Conv1d`; ``kernel_size`` at least 2.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        dilation: int = 1,
        groups: int = 1,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, dilation=dilation, groups=groups)
        self.history = (kernel_size - 1) * dilation

    def init_ring(self, batch_size: int) -> Tensor:
        """Past of zeros ``[B, L, C]``."""
        return self.weight.new_zeros(batch_size, self.history, self.in_channels)

    def parallel(self, x: Tensor, ring: Tensor, t: int) -> tuple[Tensor, Tensor]:
        """Outputs ``[B, C', T]`` of inputs ``[B, C, T]`` after ``t`` steps, and the new ring."""
        past = ring.roll(-(t % self.history), dims=1).transpose(1, 2)  # oldest first, [B, C, L]
        extended = torch.cat([past, x], -1)
        y = F.conv1d(extended, self.weight, self.bias, dilation=self.dilation, groups=self.groups)
        newest = extended[..., -self.history :].transpose(1, 2)
        return y, newest.roll((t + x.shape[-1]) % self.history, dims=1)

    def step(self, x: Tensor, ring: Tensor, t: Tensor) -> Tensor:
        """Output ``[B, C']`` of one input ``[B, C]`` at clock ``t [1]``; the ring takes it up."""
        delays = range(self.history, 0, -self.dilation[0])
        taps = [ring.index_select(1, (t - delay) % self.history)[:, 0] for delay in delays]
        window = torch.stack([*taps, x], -1)  # [B, C, kernel_size]
        y = F.conv1d(window, self.weight, self.bias, groups=self.groups)[..., 0]
        ring.index_copy_(1, t % self.history, x[:, None])
        return y
