"""Loudness after ITU-R BS.1770-4: K-weighting filters and gated integration.

Written here rather than taken from torchaudio because it has to run in blocks over an hour of
audio without holding it. Used by :mod:`.meters`.

References
----------
.. [1] ITU-R BS.1770-4, "Algorithms to measure audio programme loudness", 2015.
.. [2] B. De Man, "Evaluation of implementations of the EBU R128 loudness measurement", 2018:
   the filters for rates other than 48 kHz.
"""

from __future__ import annotations

import math

import numpy as np
import scipy  # scipy.signal takes a second to load: loaded where it is used

FRAMES_PER_BLOCK, FRAMES_PER_STEP = 20, 5  # of 20 ms: blocks of 0.4 s that overlap by 75 %

_SURROUND = {5: (1, 1, 1, 1.41, 1.41), 6: (1, 1, 1, 0, 1.41, 1.41)}  # L R C (LFE) Ls Rs


class KWeighting:
    """Energy of a sound as the ear weighs it, for a sound that arrives in blocks.

    Parameters
    ----------
    sample_rate : int > 0
        In Hz.
    channels : int > 0
        Number of channels; 5 and 6 are taken as surround sound, others weigh the same.
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        self.sample_rate = sample_rate
        self.sections = k_weighting(sample_rate)
        self._weights = np.array(_SURROUND.get(channels, (1,) * channels), float)
        self._state = np.zeros((len(self.sections), channels, 2))

    def energy(self, y: np.ndarray, frame_length: int) -> np.ndarray:
        """Mean square per frame, summed over the weighted channels.

        Parameters
        ----------
        y : np.ndarray [shape=(C, n_frames * frame_length)]
            Next samples, whole frames.
        frame_length : int > 0
            Samples per frame.

        Returns
        -------
        np.ndarray [shape=(n_frames,)]
            Energies.
        """
        weighted, self._state = scipy.signal.sosfilt(self.sections, y, axis=-1, zi=self._state)
        frames = weighted.reshape(len(self._weights), -1, frame_length)
        means = np.einsum("cfn,cfn->cf", frames, frames) / frame_length
        energy: np.ndarray = self._weights @ means
        return energy


def gated_loudness(energies: np.ndarray) -> float:
    """Integrated loudness in LUFS from the energies of 20 ms frames; -inf for silence.

    Parameters
    ----------
    energies : np.ndarray [shape=(n_frames,)]
        K-weighted mean squares. Fewer than 20 are taken as one block.
    """
    size = min(FRAMES_PER_BLOCK, len(energies))
    total = np.concatenate([[0.0], np.cumsum(energies)])
    starts = np.arange(0, len(energies) - size + 1, FRAMES_PER_STEP)
    blocks = (total[starts + size] - total[starts]) / size
    blocks = blocks[blocks > _energy_of(-70)]
    if not len(blocks):
        return -math.inf
    return _loudness_of(float(blocks[blocks > _energy_of(_loudness_of(blocks.mean()) - 10)].mean()))


def k_weighting(sample_rate: int) -> np.ndarray:
    """Second-order sections of the K-weighting: the head's shelf, then the high pass.

    Parameters
    ----------
    sample_rate : int > 0
        In Hz. At 48 kHz the coefficients are those of the standard's tables.

    Returns
    -------
    np.ndarray [shape=(2, 6)]
        Sections for :func:`scipy.signal.sosfilt`.
    """
    k, q = math.tan(math.pi * min(1681.9744509555319 / sample_rate, 0.45)), 0.7071752369554193
    high = 10 ** (3.99984385397 / 20)
    middle = high**0.499666774155
    a0 = 1 + k / q + k * k
    shelf = [
        (high + middle * k / q + k * k) / a0,
        2 * (k * k - high) / a0,
        (high - middle * k / q + k * k) / a0,
        *(1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0),
    ]
    k, q = math.tan(math.pi * min(38.13547087613982 / sample_rate, 0.45)), 0.5003270373253953
    a0 = 1 + k / q + k * k
    high_pass = [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]
    return np.array([shelf, high_pass])


def _energy_of(lufs: float) -> float:
    return float(10 ** ((lufs + 0.691) / 10))


def _loudness_of(energy: float) -> float:
    return -0.691 + 10 * math.log10(energy)
