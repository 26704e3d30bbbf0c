"""Band-limited reading of a sound at any position between its samples.

Other rates and other speeds are the same thing: the sound read at positions that aren't whole
samples. First the sound is filtered to eight times its rate (a windowed sinc, as one matrix
product), then a cubic runs through the four values around each position. Every value depends on
the samples near its position alone, so that it is the same whatever window of the sound is at
hand. Main name: :func:`read_between`.
"""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor

from ..errors import ParameterError

N_ZEROS = 24
"Zero crossings of the sinc on either side of a position."

_OVERSAMPLING = 8
_KAISER_BETA = 9.0
_MAX_STEP = 64.0


def margin(step: float) -> int:
    """Samples needed on either side of a position, when positions lie ``step`` apart."""
    if not 0 < step <= _MAX_STEP:
        raise ParameterError(
            f"A sound can't be read in steps of {step:g} samples; rates and speeds may be at most "
            f"{_MAX_STEP:g} times as low or fast."
        )
    return math.ceil(N_ZEROS * max(1.0, step)) + 2


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
    step : float in (0, 64]
        Distance of positions in samples; above 1, what the lower rate can't hold is filtered.

    Returns
    -------
    Tensor [shape=(B, n)]
        Values at the positions; for frequencies up to 0.4 times the lower rate within -70 dB.
    """
    reach = margin(step) - 1  # the cubic looks at one fine value further
    fine = (y.unfold(-1, 2 * reach, 1) @ _kernel(max(1.0, step), y.device)).flatten(-2)
    place = fraction * _OVERSAMPLING
    entry = place.to(torch.int64).clamp_(max=_OVERSAMPLING - 1)
    t = (place - entry).to(y.dtype)
    index = (whole - reach + 1) * _OVERSAMPLING + entry
    a, b, c, d = (fine.gather(-1, (index + i).expand(len(y), -1)) for i in (-1, 0, 1, 2))
    third = b - c + (d - a) / 3  # Lagrange's cubic through four values
    return b + t * (c - a / 3 - b / 2 - d / 6 + t * ((a + c) / 2 - b + t * (third / 2)))


@functools.lru_cache(maxsize=64)
def _kernel(step: float, device: torch.device) -> Tensor:
    """Weights ``[2 * reach, _OVERSAMPLING]`` of the samples around each fraction."""
    reach = margin(step) - 1
    taps = torch.arange(1 - reach, reach + 1, dtype=torch.float64)[:, None]
    fractions = torch.arange(_OVERSAMPLING, dtype=torch.float64) / _OVERSAMPLING
    x = (taps - fractions) / step
    cutoff = 0.95 if step > 1 else 1.0
    inside = (1 - (x / N_ZEROS).square()).clamp(min=0)
    beta = torch.tensor(_KAISER_BETA, dtype=torch.float64)
    window = torch.special.i0(beta * inside.sqrt()) / torch.special.i0(beta)
    weights = torch.sinc(cutoff * x) * window * (x.abs() <= N_ZEROS)
    return (weights / weights.sum(0)).to(torch.float32).to(device)
