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
"Fractions of a sample for which the sinc is tabulated; linear between them."

_KAISER_BETA = 9.0
_BLOCK = 2**20
"Products that are formed at a time, at most: bounds the memory."


def margin(step: float) -> int:
    """Samples needed on either side of a position, when positions lie ``step`` apart."""
    return math.ceil(N_ZEROS * max(1.0, step)) + 1


def read_between(y: Tensor, whole: Tensor, fraction: Tensor, step: float) -> Tensor:
    """Values of sounds at positions between their samples.

    Parameters
    ----------
    y : Tensor [shape=(B, samples)]
        The sounds, with :func:`margin` samples on either side of all positions.
    whole : Tensor [shape=(n,) or (B, n)], int64
        Whole samples of the positions.
    fraction : Tensor [shape like whole], float64
        What the positions exceed ``whole`` by, in [0, 1).
    step : float > 0
        Distance of positions in samples; above 1, what the lower rate can't hold is filtered.

    Returns
    -------
    Tensor [shape=(B, n)]
        Values at the positions.
    """
    table = _kernel(max(1.0, step), y.device)
    first = whole - margin(step) + 1
    frames = y.unfold(-1, table.shape[1], 1)  # frame k begins at sample k
    out = y.new_empty(y.shape[0], whole.shape[-1])
    if whole.dim() == 2:
        for row in range(len(out)):
            _read_row(frames[row : row + 1], first[row], fraction[row], table, out[row : row + 1])
    else:
        _read_row(frames, first, fraction, table, out)
    return out


def _read_row(frames: Tensor, first: Tensor, fraction: Tensor, table: Tensor, out: Tensor) -> None:
    """Write values at positions that the rows ``frames [B, n, taps]`` share into ``out``."""
    size = max(1, _BLOCK // (len(frames) * table.shape[1]))
    for i in range(0, out.shape[1], size):
        block = slice(i, i + size)
        place = fraction[block] * _RESOLUTION
        entry = place.to(torch.int64).clamp_(max=_RESOLUTION - 1)
        between = (place - entry).to(table.dtype).unsqueeze(-1)
        weights = torch.lerp(table[entry], table[entry + 1], between)
        torch.sum(frames[:, first[block]].mul_(weights), -1, out=out[:, block])


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
