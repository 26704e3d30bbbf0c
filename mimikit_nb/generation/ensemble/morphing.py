"""One sound turns into another by its spectrum, instead of growing louder over it.

Bin by bin the power goes from the one to the other along a straight line, and the phase along the
chord between the two (cross-synthesis, Serra, 1994). Partials that both have stay as loud as they
are, whatever their phases; in a crossfade they would cancel or add up.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from ...features.stft import STFT
from .seams import fades

N_FFT = 1024
_STFT = STFT(N_FFT, N_FFT // 4, N_FFT)
_EDGE = N_FFT // 2
_FLOOR = 1e-7


def morph(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """A sound ``[C, n]`` that begins as one and ends as another of the same length.

    Parameters
    ----------
    old, new : np.ndarray [shape=(C, n)], float32
        What goes on, and what it turns into. Shorter than 1024 samples they are crossfaded.
    """
    n = old.shape[1]
    a, b = fades(n, 0.0)
    if n < N_FFT:
        return old * a + new * b
    sounds = torch.stack([torch.from_numpy(np.ascontiguousarray(y)) for y in (old, new)])
    spectra = _STFT.forward(F.pad(sounds, (_EDGE, _EDGE), mode="reflect"))
    share = torch.linspace(0, 1, spectra.shape[-2])[:, None]
    sizes = [x.abs().clamp_min(_FLOOR) for x in spectra]
    size = ((1 - share) * sizes[0] ** 2 + share * sizes[1] ** 2).sqrt()
    chord = (1 - share) * spectra[0] / sizes[0] + share * spectra[1] / sizes[1]
    made = _STFT.inverse(torch.polar(size, chord.angle()))[:, _EDGE : _EDGE + n]
    return _with_ends(made.numpy(), old, new)


def _with_ends(made: np.ndarray, old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """A morphed sound whose ends are those of the sounds, so that it joins without a click."""
    n = _EDGE
    a, b = fades(n, 1.0)
    made[:, :n] = old[:, :n] * a + made[:, :n] * b
    made[:, -n:] = made[:, -n:] * a + new[:, -n:] * b
    return made
