"""Phases for magnitudes that are known from beginning to end: the offline inverse.

Main name: :func:`griffin_lim`. The streaming inverse is :mod:`.phase_stream`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..units import TimeAxis
from .phase_stream import PhaseStream
from .stft import STFT, with_magnitudes


@torch.no_grad()
def griffin_lim(stft: STFT, S: Tensor, n_iter: int = 32, momentum: float = 0.99) -> Tensor:
    """Find sound for magnitudes by the fast Griffin-Lim algorithm [1]_.

    The first phases are those that :class:`~.phase_stream.PhaseStream` finds on the way; on
    music, 32 iterations from there come nearer than 64 from random phases.

    Parameters
    ----------
    stft : STFT
        Transform that the magnitudes belong to.
    S : Tensor [shape=(..., N, F)]
        Linear magnitudes.
    n_iter : int >= 0, default 32
        Iterations.
    momentum : float in [0, 1), default 0.99
        How far each iteration goes on in the direction of the last.

    Returns
    -------
    Tensor [shape=(..., samples)]
        Sound of ``(N - 1) * hop_length + n_fft`` samples.

    References
    ----------
    .. [1] Perraudin, Balazs, Sondergaard, "A fast Griffin-Lim algorithm", 2013.
    """
    batch, n_frames = S.shape[:-2], S.shape[-2]
    S = S.reshape(-1, *S.shape[-2:])
    stream = PhaseStream(stft, TimeAxis(1, stft.hop_length, stft.n_fft), lambda x: x, len(S))
    y = torch.cat([stream.push(S), stream.flush()], 1)
    previous = None
    for _ in range(n_iter if n_frames else 0):
        projected = stft.forward(y)
        ahead = projected if previous is None else torch.lerp(previous, projected, 1 + momentum)
        previous = projected
        y = stft.inverse(with_magnitudes(ahead, S))
    return y.reshape(*batch, -1)
