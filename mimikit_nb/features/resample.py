"""Band-limited reading of a sound at any position between its samples.

Other rates and other speeds are the same thing: the sound read at positions that aren't whole
samples. Every value is a weighted sum of the samples around its position (a windowed sinc), so
that it is the same whatever window of the sound is at hand. Main name: :func:`read_between`.
"""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor

N_ZEROS = 32
"Zero crossings of the sinc on either side of a position."

_RESOLUTION = 512
_KAISER_BETA = 9.0


def margin(step: float) -> int:
    """Samples needed on either side of a position, when positions lie ``step`` apart."""
    return math.ceil(N_ZEROS * max(1.0, step)) + 1


def read_between(y: Tensor, whole: Tensor, fraction: Tensor, step: float) -> Tensor:
    """Values of a sound at positions between its samples.

    Parameters
    ----------
    y : Tensor [shape=(..., samples)]
        The sound, with :func:`margin` samples on either side of all positions.
    whole : Tensor [shape=(n,) or (..., n)], int64
        Whole samples of the positions.
    fraction : Tensor [shape like whole]
        What the positions exceed ``whole`` by, in [0, 1).
    step : float > 0
        Distance of positions in samples; above 1, what the lower rate can't hold is filtered.

    Returns
    -------
    Tensor [shape=(..., n)]
        Values at the positions.
    """
    reach = margin(step)
    table = _kernel(max(1.0, step), y.device)
    place = fraction.to(torch.float64) * _RESOLUTION
    row = place.to(torch.int64).clamp(max=_RESOLUTION - 1)
    weights = torch.lerp(table[row], table[row + 1], (place - row).to(y.dtype).unsqueeze(-1))
    frames = y.unfold(-1, 2 * reach, 1)  # frame k begins at sample k
    index = (whole - reach + 1).unsqueeze(-1).expand(*y.shape[:-1], whole.shape[-1], 2 * reach)
    return torch.einsum("...nk,...nk->...n", frames.gather(-2, index), weights.expand_as(index))


@functools.lru_cache(maxsize=64)
def _kernel(step: float, device: torch.device) -> Tensor:
    """Weights ``[_RESOLUTION + 1, 2 * margin]`` of the samples around each fraction."""
    reach = margin(step)
    taps = torch.arange(1 - reach, reach + 1, dtype=torch.float64)
    fractions = torch.linspace(0, 1, _RESOLUTION + 1, dtype=torch.float64)
    x = (taps - fractions[:, None]) / step
    cutoff = 0.95 if step > 1 else 1.0
    inside = (1 - (x / N_ZEROS).square()).clamp(min=0)
    beta = torch.tensor(_KAISER_BETA, dtype=torch.float64)
    window = torch.special.i0(beta * inside.sqrt()) / torch.special.i0(beta)
    weights = torch.sinc(cutoff * x) * window * (x.abs() <= N_ZEROS)
    return (weights / weights.sum(1, keepdim=True)).to(torch.float32).to(device)
