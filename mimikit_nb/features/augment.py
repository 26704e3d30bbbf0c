"""Augmentation: the recordings a little faster, slower, higher, lower, louder or softer.

For corpora of a few minutes. Parameters are drawn apart from being applied, so that a batch is
the same whenever it is read again. Main names: :class:`AugmentConfig`, :class:`Augmentation`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from pydantic import model_validator
from torch import Tensor

from ..config import Config, field
from ..errors import ConfigError
from ..units import TimeAxis
from .phase_stream import PhaseStream
from .resample import margin, read_between
from .stft import STFT

Range = tuple[float, float]

_STFT = STFT(n_fft=2048, hop_length=512, win_length=2048)

_LIMITS = {"speed": (0.25, 4.0), "pitch_semitones": (-12.0, 12.0), "gain_db": (-60.0, 24.0)}


class AugmentConfig(Config):
    """Ranges from which each sequence draws its own change."""

    speed: Range = field((1.0, 1.0))
    "Speed of the tape: 2 is twice as fast and an octave higher. From 0.25 to 4."
    pitch_semitones: Range = field((0.0, 0.0), unit="semitones")
    "Pitch without the speed. From -12 to 12."
    gain_db: Range = field((0.0, 0.0), unit="dB")
    "Loudness. From -60 to 24."

    @model_validator(mode="after")
    def _check_ranges(self) -> AugmentConfig:
        for name, (low, high) in _LIMITS.items():
            first, last = getattr(self, name)
            if not low <= first <= last <= high:
                raise ConfigError(
                    f"{name} = ({first:g}, {last:g}): give the least and the greatest, "
                    f"from {low:g} to {high:g}."
                )
        return self

    def draw(self, rng: np.random.Generator, n: int) -> Augmentation:
        """Changes of ``n`` sequences, uniform in the ranges (speed: in its logarithm)."""
        low, high = np.log(self.speed)
        return Augmentation(
            speed=np.exp(rng.uniform(low, high, n)).clip(*self.speed),
            pitch_semitones=rng.uniform(*self.pitch_semitones, n),
            gain_db=rng.uniform(*self.gain_db, n),
        )

    def span_samples(self, n: int) -> int:
        """Most samples of a recording that ``n`` samples can be made from."""
        return math.ceil((n - 1) * self.speed[1]) + 1


@dataclass(frozen=True, eq=False)
class Augmentation:
    """Changes of the rows of a batch.

    Attributes
    ----------
    speed, pitch_semitones, gain_db : np.ndarray [shape=(B,)]
        See :class:`AugmentConfig`.
    """

    speed: np.ndarray
    pitch_semitones: np.ndarray
    gain_db: np.ndarray

    @property
    def margin(self) -> int:
        """Samples needed on either side of those a row is made from."""
        edge = margin(_filter_step((self.speed * self._pitch).max()))
        return edge + (_STFT.n_fft if self.pitch_semitones.any() else 0)

    @property
    def _pitch(self) -> np.ndarray:
        return 2 ** (self.pitch_semitones / 12)

    def place(self, sample: int | np.ndarray) -> np.ndarray:
        """Position in the recording of a changed row's sample, from its origin, ``[B, ...]``."""
        return np.multiply.outer(self.speed, sample)

    def apply(self, y: Tensor, first: np.ndarray, n_samples: int) -> Tensor:
        """Change recordings.

        Parameters
        ----------
        y : Tensor [shape=(B, samples)]
            Recordings, with :attr:`margin` samples on either side of what is read.
        first : np.ndarray [shape=(B,)]
            Position in ``y`` of the first sample of each changed row.
        n_samples : int
            Samples to make of each.

        Returns
        -------
        Tensor [shape=(B, n_samples)]
            Changed recordings. Speed and gain are the same whatever window they are read
            through; changed pitch has new phases in every window.
        """
        pitch = self._pitch
        if self.pitch_semitones.any():
            y, middle = _stretch(y, pitch), _STFT.n_fft / 2
            first = (first - middle) * pitch + middle
        index = torch.arange(n_samples, dtype=torch.float64, device=y.device)
        rows = []
        for row, start, step in zip(y, first, self.speed * pitch, strict=True):
            position = start + step * index
            whole = position.floor()
            part = position - whole
            rows.append(read_between(row[None], whole.to(torch.int64), part, _filter_step(step)))
        gain = torch.from_numpy(10 ** (self.gain_db / 20)).to(y)
        return torch.cat(rows) * gain[:, None]


def _filter_step(step: float) -> float:
    """Step that the filter is made for: in eighths, so that few filters are."""
    return max(1.0, math.ceil(8 * step) / 8)


def _stretch(y: Tensor, factor: np.ndarray) -> Tensor:
    """Recordings ``[B, samples]`` made longer by a factor each, at the same pitch.

    Their magnitudes, read at another speed, with new phases. The middle of the first frame stays
    in its place; zeros stand behind the shorter ones.
    """
    S = _STFT.magnitude(y)
    n_frames = math.ceil(S.shape[1] * float(factor.max()))
    place = torch.arange(n_frames, device=y.device) / torch.from_numpy(factor).to(y.device)[:, None]
    place = place.clamp(max=S.shape[1] - 1)
    first = place.to(torch.int64)
    rows = torch.arange(len(y), device=y.device)[:, None]
    after = (first + 1).clamp(max=S.shape[1] - 1)
    S = torch.lerp(S[rows, first], S[rows, after], (place - first).to(S.dtype).unsqueeze(-1))
    axis = TimeAxis(1, _STFT.hop_length, _STFT.n_fft)
    stream = PhaseStream(_STFT, axis, lambda x: x, len(y), n_iter=2)
    return torch.cat([stream.push(S), stream.flush()], 1)
