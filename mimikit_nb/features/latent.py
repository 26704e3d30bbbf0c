"""Latent frames: principal components of log magnitudes, several frames in one step.

A network that draws such a vector draws whole frames, coherent over frequency and time: what it
can't say is what the recording never does. Two linear maps lead there, and back:

1. The magnitudes ``S`` of a frame as ``log(S + floor)``, weighted so that octaves count alike
   rather than bins, in their first ``n_components`` principal components, *half-whitened*:
   divided by the square root of their standard deviation, so that loud directions still count
   more than faint ones, but less than they are louder.
2. Of ``unit_frames`` successive frames side by side, a *unit*, again the first principal
   components.

Main name: :class:`LatentConfig`.

References
----------
Jolliffe, "Principal Component Analysis", 2002, chapter 2. The half-whitening and the weighting
are choices that were measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal, Self

import torch
from pydantic import model_validator
from torch import Tensor

from ..config import field
from ..errors import ConfigError, FeatureError
from ..units import TimeAxis
from .base import FEATURES, Continuous, FeatureConfig, InverseStream
from .learned import LearnedFeature, Sound
from .phase import griffin_lim
from .phase_stream import PhaseStream, one_by_one
from .stft import STFT

_OCTAVES_FROM_HZ = 86.0
"""From this frequency on, octaves count alike rather than bins."""

_MOST_VALUES = 2**25
"""Magnitudes that components are fitted on at most: 128 MiB."""

_MOST_COMPONENTS = 4096
"""Components of all frames of a unit together at most: their covariance takes 128 MiB."""

_LEAST_DEVIATION = 1e-3
"""Deviations of components below this part of the largest count as this part: what hardly ever
changes isn't blown up."""

_BLOCK_FRAMES = 1024
"""Frames that are read at once."""


@FEATURES.register
class LatentConfig(FeatureConfig):
    """Principal components of log magnitudes, fitted to the corpus; a step is several frames."""

    kind: Literal["latent"] = "latent"
    "Name of the feature."
    n_fft: int = field(2048, ge=16, le=8192, unit="samples", scale="power_of_two")
    "Samples of a frame."
    hop_length: int = field(512, ge=1, le=8192, unit="samples", scale="power_of_two")
    "Samples from frame to frame."
    window: Literal["hann", "hamming", "blackman"] = "hann"
    "Shape of the window."
    unit_frames: int = field(2, ge=1, le=64, unit="frames")
    "Frames that are drawn as a whole, in one step."
    n_components: int = field(64, ge=1, le=1024)
    "Principal components that are kept of a frame."
    unit_components: int = field(128, ge=1, le=4096)
    "Principal components that are kept of all frames of a step: the length of a vector."
    floor_db: float = field(-64.0, ge=-160, le=-10, unit="dB")
    "Level under that of the loudest bin below which differences don't count."
    n_iter: int = field(32, ge=0, le=1000)
    "Iterations of the offline inverse."

    @property
    def stft(self) -> STFT:
        """The transform that the feature stands on."""
        return STFT(self.n_fft, self.hop_length, self.n_fft, self.window)

    @property
    def frame_dim(self) -> int:
        """Components of a frame, at most as many as it has bins."""
        return min(self.n_components, self.stft.n_bins)

    @property
    def dim(self) -> int:
        """Components of a unit, at most as many as its frames have."""
        return min(self.unit_components, self.unit_frames * self.frame_dim)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.hop_length > self.n_fft // 2:
            raise ConfigError(
                f"hop_length is {self.hop_length}; frames of n_fft = {self.n_fft} must overlap by "
                f"half at least, so it must be at most {self.n_fft // 2}."
            )
        if self.unit_frames * self.frame_dim > _MOST_COMPONENTS:
            raise ConfigError(
                f"unit_frames = {self.unit_frames} frames of n_components = {self.frame_dim} are "
                f"{self.unit_frames * self.frame_dim} numbers; at most {_MOST_COMPONENTS} can be "
                "compared. Use fewer of one of them."
            )
        return self

    def build(self, sample_rate: int) -> Latent:
        """Feature at ``sample_rate`` Hz, to be fitted."""
        return Latent(self, sample_rate)


class Latent(LearnedFeature):
    """Units of frames as vectors ``[..., N, dim]``, of a variance around one.

    How much is lost: magnitudes that come back from the components differ from the recorded ones
    by what the components leave out (:func:`round_trip_db`), those of the sound by what phases
    add to that, as for :class:`~.spectral.Magnitude`.

    Parameters
    ----------
    config : LatentConfig
    sample_rate : int
        In Hz.
    """

    def __init__(self, config: LatentConfig, sample_rate: int) -> None:
        super().__init__()
        self.config, self.stft = config, config.stft
        hop, n_frames = config.hop_length, config.unit_frames
        self.kind = Continuous(config.dim)
        self.frame_axis = TimeAxis(sample_rate, hop, config.n_fft)
        self.axis = TimeAxis(sample_rate, n_frames * hop, self.frame_axis.n_samples(n_frames))
        self.grid, self.grid_stride = hop, n_frames
        frequency = torch.arange(self.stft.n_bins) * (sample_rate / config.n_fft)
        self._weight = (1 + frequency / _OCTAVES_FROM_HZ).rsqrt()

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the tensors: two means, two maps and their inverses, limits, deviations."""
        n_bins, d, dim = self.stft.n_bins, self.config.frame_dim, self.config.dim
        n = self.config.unit_frames * d
        return {
            "floor": (),
            "frame_mean": (n_bins,),
            "frame_map": (n_bins, d),
            "frame_inverse": (d, n_bins),
            "unit_mean": (n,),
            "unit_map": (n, dim),
            "unit_inverse": (dim, n),
            "lowest": (n_bins,),
            "highest": (n_bins,),
            "deviation": (dim,),
        }

    # -- to latents and back ------------------------------------------------------------------

    def frames(self, y: Tensor) -> Tensor:
        """Vectors ``[..., N, dim]`` of the whole units in ``y``, one after the other."""
        n_units, stride = self.axis.n_frames(y.shape[-1]), self.grid_stride
        X = self._frame_latents(self.stft.magnitude(y))[..., : n_units * stride, :]
        return self._unit_latents(X.reshape(*X.shape[:-2], n_units, stride * X.shape[-1]))

    def grid_values(self, y: Tensor) -> Tensor:
        """Vectors ``[..., N, dim]`` of the units that begin with every frame of ``y``."""
        X = self._frame_latents(self.stft.magnitude(y))
        if X.shape[-2] < self.grid_stride:
            return X.new_zeros(*X.shape[:-2], 0, self.config.dim)
        return self._unit_latents(_side_by_side(X, self.grid_stride))

    def _frame_latents(self, S: Tensor) -> Tensor:
        """Components ``[..., N, d]`` of magnitudes ``[..., N, F]``."""
        tensor, device = self.tensor, S.device
        X = torch.log(S + tensor("floor", device)) * self._weight.to(device)
        return (X - tensor("frame_mean", device)) @ tensor("frame_map", device)

    def _unit_latents(self, X: Tensor) -> Tensor:
        """Components ``[..., dim]`` of frames side by side ``[..., unit_frames * d]``."""
        return (X - self.tensor("unit_mean", X.device)) @ self.tensor("unit_map", X.device)

    def to_magnitude(self, x: Tensor) -> Tensor:
        """Magnitudes ``[..., N * unit_frames, F]`` of vectors ``[..., N, dim]``.

        No bin is fainter or louder than the recording has it.
        """
        tensor, device = self.tensor, x.device
        X = x @ tensor("unit_inverse", device) + tensor("unit_mean", device)
        X = X.reshape(*X.shape[:-2], X.shape[-2] * self.grid_stride, self.config.frame_dim)
        L = X @ tensor("frame_inverse", device) + tensor("frame_mean", device)
        L = (L / self._weight.to(device)).clamp(tensor("lowest", device), tensor("highest", device))
        return (torch.exp(L) - tensor("floor", device)).clamp(min=0.0)

    def inverse(self, x: Tensor) -> Tensor:
        """Sound of vectors, its phases found by :func:`~.phase.griffin_lim`."""
        if x.shape[-2] == 0:
            return x.new_zeros(*x.shape[:-2], 0)
        y = griffin_lim(self.stft, self.to_magnitude(x), self.config.n_iter)
        return y[..., : self.axis.n_samples(x.shape[-2])]

    def inverse_stream(self, batch_size: int) -> InverseStream:
        """Causal inverse, see :class:`~.phase_stream.PhaseStream`."""
        to_magnitude = one_by_one(self.to_magnitude, self.stft.n_bins)
        return PhaseStream(self.stft, self.frame_axis, to_magnitude, batch_size)

    # -- fitting ------------------------------------------------------------------------------

    def fit(self, stretches: Sequence[tuple[int, Sound]]) -> None:
        """Fit the components to sound, to at most :data:`_MOST_VALUES` magnitudes of it.

        Of more sound, blocks that lie evenly apart are taken. Takes seconds.

        Raises
        ------
        FeatureError
            If no stretch holds two units, or all of them are silent.
        """
        blocks = [self.stft.magnitude(y) for y in self._blocks(stretches)]
        loudest = max((float(S.max()) for S in blocks), default=0.0)
        if loudest <= 0.0 or sum(len(S) for S in blocks) < 2 * self.grid_stride:
            raise FeatureError(
                "There is no sound to fit latent frames to: it is silent, or shorter than "
                f"{self.axis.n_samples(2)} samples."
            )
        floor = torch.tensor(loudest * 10 ** (self.config.floor_db / 20))
        for S in blocks:
            S.add_(floor).log_()
        lowest = torch.stack([L.amin(0) for L in blocks]).amin(0)
        highest = torch.stack([L.amax(0) for L in blocks]).amax(0)
        for L in blocks:
            L.mul_(self._weight)
        frame_mean, V, deviation = principal_components(blocks, self.config.frame_dim)
        scale = deviation.rsqrt()
        units = [_side_by_side((L - frame_mean) @ (V * scale), self.grid_stride) for L in blocks]
        unit_mean, W, unit_deviation = principal_components(units, self.config.dim)
        size = unit_deviation.square().mean().sqrt()  # so that the vectors' variance is around one
        self.load(
            {
                "floor": floor,
                "frame_mean": frame_mean,
                "frame_map": V * scale,
                "frame_inverse": (V / scale).T.contiguous(),
                "unit_mean": unit_mean,
                "unit_map": W / size,
                "unit_inverse": (W * size).T.contiguous(),
                "lowest": lowest,
                "highest": highest,
                "deviation": unit_deviation / size,
            }
        )

    def _blocks(self, stretches: Sequence[tuple[int, Sound]]) -> Iterator[Tensor]:
        """Samples of blocks of frames; evenly spaced ones where there is too much sound."""
        axis, stride = self.frame_axis, self.grid_stride
        places = [
            (read, first, min(first + _BLOCK_FRAMES, axis.n_frames(length)))
            for length, read in stretches
            for first in range(0, axis.n_frames(length), _BLOCK_FRAMES)
        ]
        places = [place for place in places if place[2] - place[1] >= stride]
        n_frames = sum(last - first for _, first, last in places)
        share = math.ceil(n_frames * self.stft.n_bins / _MOST_VALUES)
        for read, first, last in places[:: max(1, share)]:
            start = first * axis.hop_length
            yield read(start, start + axis.n_samples(last - first))


def principal_components(blocks: Sequence[Tensor], n: int) -> tuple[Tensor, Tensor, Tensor]:
    """Mean ``[D]``, directions ``[D, n]`` and deviations ``[n]`` of rows ``[N, D]`` in blocks.

    Deviations are at least :data:`_LEAST_DEVIATION` of the largest.
    """
    count = sum(len(X) for X in blocks)
    mean = torch.stack([X.sum(0, dtype=torch.float64) for X in blocks]).sum(0) / count
    covariance = torch.zeros(len(mean), len(mean), dtype=torch.float64)
    for X in blocks:
        centred = (X - mean).float()
        covariance += (centred.T @ centred).double()
    variances, directions = torch.linalg.eigh(covariance / count)
    deviation = variances.flip(0)[:n].clamp(min=1e-12).sqrt()
    deviation = deviation.clamp(min=_LEAST_DEVIATION * float(deviation[0]))
    return mean.float(), directions.flip(1)[:, :n].float().contiguous(), deviation.float()


def _side_by_side(X: Tensor, n: int) -> Tensor:
    """Every ``n`` successive rows of ``X [..., N, d]`` as one, ``[..., N - n + 1, n * d]``."""
    return X.unfold(-2, n, 1).transpose(-1, -2).flatten(-2)


def round_trip_db(feature: Latent, y: Tensor) -> float:
    """Spectral convergence in dB of the magnitudes that come back from the components of ``y``."""
    S = feature.stft.magnitude(y)
    found = feature.to_magnitude(feature.frames(y))
    S = S[..., : found.shape[-2], :]
    error = torch.linalg.vector_norm(found - S) / torch.linalg.vector_norm(S).clamp(min=1e-12)
    return 20 * math.log10(max(float(error), 1e-12))
