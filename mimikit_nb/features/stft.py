"""Frames, their spectra, and back by overlap-add: what all spectral features share.

Frames lie side by side in time, ``[..., N, F]``, and begin at ``n * hop_length``: no padding.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import FeatureError

_WINDOWS = {
    "hann": torch.hann_window,
    "hamming": torch.hamming_window,
    "blackman": torch.blackman_window,
}


@functools.lru_cache(maxsize=64)
def make_window(name: str, win_length: int, n_fft: int, device: torch.device) -> Tensor:
    """Periodic window of ``win_length`` samples in the middle of ``n_fft``."""
    left = (n_fft - win_length) // 2
    window = torch.zeros(n_fft)
    window[left : left + win_length] = _WINDOWS[name](win_length)
    return window.to(device)


@dataclass(frozen=True)
class STFT:
    """Short-time Fourier transform without padding, and its least-squares inverse.

    Parameters
    ----------
    n_fft : int > 0
        Samples of a frame.
    hop_length : int > 0
        Samples from frame to frame.
    win_length : int in [1, n_fft]
        Samples of the window, in the middle of the frame.
    window : {"hann", "hamming", "blackman"}
        Shape of the window.
    """

    n_fft: int
    hop_length: int
    win_length: int
    window: str = "hann"

    @property
    def n_bins(self) -> int:
        """Bins ``F`` of a spectrum."""
        return self.n_fft // 2 + 1

    def window_on(self, device: torch.device) -> Tensor:
        """The window ``[n_fft]`` on a device."""
        return make_window(self.window, self.win_length, self.n_fft, device)

    def forward(self, y: Tensor) -> Tensor:
        """Complex spectra ``[..., N, F]`` of the whole frames in ``y [..., samples]``."""
        if y.shape[-1] < self.n_fft:
            return torch.zeros(
                *y.shape[:-1], 0, self.n_bins, dtype=torch.complex64, device=y.device
            )
        frames = y.unfold(-1, self.n_fft, self.hop_length)
        return torch.fft.rfft(frames * self.window_on(y.device))

    def magnitude(self, y: Tensor) -> Tensor:
        """Magnitudes ``[..., N, F]`` of the whole frames in ``y [..., samples]``."""
        parts = torch.view_as_real(self.forward(y))
        real, imaginary = parts[..., 0], parts[..., 1]
        return real.square().addcmul_(imaginary, imaginary).sqrt_()  # 3 times faster than abs

    def inverse(self, D: Tensor) -> Tensor:
        """Sound ``[..., samples]`` whose spectra are nearest to ``D [..., N, F]``."""
        window = self.window_on(D.device)
        frames = torch.fft.irfft(D, self.n_fft) * window
        return self.overlap_add(frames) / self.envelope(D.shape[-2], D.device)

    def overlap_add(self, frames: Tensor) -> Tensor:
        """Sum ``[..., samples]`` of frames ``[..., N, n_fft]`` laid ``hop_length`` apart."""
        *batch, n_frames, n_fft = frames.shape
        hop = self.hop_length
        n_parts = -(-n_fft // hop)
        parts = F.pad(frames, (0, n_parts * hop - n_fft)).reshape(*batch, n_frames, n_parts, hop)
        y = frames.new_zeros(*batch, n_frames + n_parts - 1, hop)
        for i in range(n_parts):
            y[..., i : i + n_frames, :] += parts[..., i, :]
        return y.flatten(-2)[..., : (n_frames - 1) * hop + n_fft]

    def envelope(self, n_frames: int, device: torch.device) -> Tensor:
        """Sum of the squared windows of ``n_frames`` frames, kept away from zero."""
        return _envelope(self, n_frames, device)

    def check_invertible(self) -> None:
        """Raise a FeatureError if samples between frames are seen by no window."""
        if self.hop_length > self.win_length // 2:
            raise FeatureError(
                f"Spectra with hop_length {self.hop_length} and win_length {self.win_length} can't "
                "be turned back into sound: frames must overlap by half at least; choose a "
                f"hop_length of at most {self.win_length // 2}."
            )


@functools.lru_cache(maxsize=16)
def _envelope(stft: STFT, n_frames: int, device: torch.device) -> Tensor:
    squared = stft.window_on(device).square()
    envelope = stft.overlap_add(squared.expand(n_frames, -1))
    return envelope.clamp(min=1e-3 * float(squared.max()))


def with_magnitudes(D: Tensor, S: Tensor) -> Tensor:
    """Spectra ``D`` scaled to the magnitudes ``S``.

    Of operations that give a row the same bits in any batch, unlike ``D * S`` or ``sgn(D)``.
    """
    parts = torch.view_as_real(D)
    square = parts * parts
    factor = (square[..., 0] + square[..., 1]).clamp_(min=1e-30).rsqrt_().mul_(S)
    return torch.view_as_complex(parts * torch.view_as_real(torch.complex(factor, factor)))
