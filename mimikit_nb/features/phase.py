"""Phases for magnitudes: from a magnitude spectrum back to sound."""

from __future__ import annotations

import torch
from torch import Tensor

from .stft import STFT


@torch.no_grad()
def griffin_lim(stft: STFT, S: Tensor, n_iter: int = 32, momentum: float = 0.99) -> Tensor:
    """Sound ``[..., samples]`` whose magnitudes are near ``S [..., N, F]``."""
    D = torch.polar(S, _start_phases(S))
    previous = D
    for _ in range(n_iter):
        projected = stft.forward(stft.inverse(D))
        accelerated = projected + momentum * (projected - previous)
        previous = projected
        D = S * accelerated / accelerated.abs().clamp(min=1e-12)
    return stft.inverse(D)


def _start_phases(S: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    phases = 2 * torch.pi * torch.rand(S.shape[-2:], generator=generator)
    return phases.to(S.device).expand(S.shape)
