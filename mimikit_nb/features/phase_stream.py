"""Phases for magnitudes that arrive frame by frame: sound as a network generates it.

Main name: :class:`PhaseStream`. With each frame, the samples before its beginning are final and
go out; all frames that reach beyond are still open. The new frame's phases are guessed from the
one before (:func:`guess_spectrum`), then all open frames are made consistent with each other and
with the final samples by a few iterations of the fast Griffin-Lim algorithm. A frame that
matters for the samples going out has mostly seen the frame after it, at no cost in latency.

Where there is a compiler, :mod:`.phase_kernel` does the same in C, ten times faster.
"""

from __future__ import annotations

import functools
import logging
import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import EngineError, ParameterError
from ..units import TimeAxis
from .base import InverseStream
from .phase_kernel import PhaseKernel
from .stft import STFT, with_magnitudes

logger = logging.getLogger(__name__)

N_ITER = 6
MOMENTUM = 0.9

_GAUSSIAN = {"hann": 0.25645, "hamming": 0.29794, "blackman": 0.17954}
"Squared width of the Gaussian nearest to a window, in squared window lengths [3]_."

_ONSET = 0.7
"Growth of log magnitude between frames above which a bin counts as the start of something."

_KNEE = 0.8
"Level above which samples are bent towards full scale."

_TOLERANCE = 1e-3
"Part of the level by which samples in C may differ from torch's."


class PhaseStream(InverseStream):
    """Causal inverse of magnitudes, in constant memory.

    Parameters
    ----------
    stft : STFT
        Transform that the magnitudes belong to.
    axis : TimeAxis
        Time axis of the frames.
    to_magnitude : callable
        Linear magnitudes of pushed values.
    batch_size : int > 0
        Rows B.
    n_iter : int >= 0, default 6
        Iterations per frame.
    is_compiled : bool, default True
        Whether it may run in C where that is possible; if not, torch does it.

    References
    ----------
    .. [1] Zhu, Beauregard, Wyse, "Real-time signal estimation from modified short-time Fourier
       transform magnitude spectra", 2007 (open frames and final samples).
    .. [2] Perraudin, Balazs, Sondergaard, "A fast Griffin-Lim algorithm", 2013 (momentum).
    """

    def __init__(
        self,
        stft: STFT,
        axis: TimeAxis,
        to_magnitude: Callable[[Tensor], Tensor],
        batch_size: int,
        n_iter: int = N_ITER,
        is_compiled: bool = True,
    ) -> None:
        stft.check_invertible()
        self.stft, self.axis, self.to_magnitude = stft, axis, to_magnitude
        self.batch_size, self.n_iter = batch_size, n_iter
        self.n_open = -(
            -stft.n_fft // stft.hop_length
        )  # frames that reach beyond the newest's start
        self.n_final = (self.n_open - 1) * stft.hop_length  # samples before it that they look at
        self.is_compiled = is_compiled
        self._n_frames = 0
        self._y: Tensor | None = None

    @torch.no_grad()
    def push(self, x: Tensor) -> Tensor:
        """Sound of the next values ``[B, n, F]``.

        After ``n`` values in all, all blocks together hold ``n * hop_length`` samples, less the
        padding of a centred feature. They stay within full scale, see :func:`within_full_scale`.

        Raises
        ------
        ParameterError
            If the values have another number of rows than the stream.
        """
        self._check_rows(x)
        if self._y is None:
            self._start(x.device)
        y = self._add_frames(self.to_magnitude(x))
        before = self._n_frames * self.stft.hop_length - self.axis.padding
        return within_full_scale(y[:, max(0, y.shape[1] - max(0, before)) :])

    @torch.no_grad()
    def flush(self) -> Tensor:
        """The samples of the frames that are still open."""
        if self._y is None:
            return torch.zeros(self.batch_size, 0)
        position = self._n_frames * self.stft.hop_length - self.axis.padding
        first = self.n_final + max(0, -position)
        last = self.n_final + self.axis.n_samples(self._n_frames) - position
        return within_full_scale(self._y[:, first : max(first, last)])

    @torch.no_grad()
    def prime(self, y: Tensor) -> None:
        """Go on behind the sound ``y [B, samples]``, as if its frames had been pushed."""
        self._check_rows(y)
        self._start(y.device)
        y = F.pad(y, (self.axis.padding, self.axis.padding))
        n_frames = TimeAxis(1, self.stft.hop_length, self.stft.n_fft).n_frames(y.shape[1])
        position = n_frames * self.stft.hop_length
        y = F.pad(y, (self.n_final, self.stft.n_fft))
        self._y.copy_(y[:, position : position + self._y.shape[1]])  # type: ignore[union-attr]
        D = self.stft.forward(y[:, position - self.stft.hop_length :])
        self._D = D[:, : self.n_open].contiguous()
        self._S = self._D.abs()
        self._n_frames = n_frames

    def state(self) -> dict[str, Tensor]:
        """Samples and spectra of the open frames, and how many frames there were."""
        if self._y is None:
            return {}
        n_frames = torch.full((self.batch_size,), self._n_frames)
        D = torch.view_as_real(self._D)
        state = {"y": self._y, "S": self._S, "D": D, "n_frames": n_frames}
        return {name: value.clone() for name, value in state.items()}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Go on from where :meth:`state` was taken."""
        if not state:
            return
        self._check_rows(state["y"])
        self._start(state["y"].device)
        own = self.state()
        if any(state[name].shape != own[name].shape for name in ("y", "S", "D")):
            raise ParameterError(
                "The state was left by a stream of other frames; extend the sound with its own "
                "checkpoint."
            )
        copied = {
            name: value.clone(memory_format=torch.contiguous_format)
            for name, value in state.items()
        }
        self._y, self._S = copied["y"], copied["S"]
        self._D = torch.view_as_complex(copied["D"])
        self._n_frames = int(state["n_frames"][0])

    def _check_rows(self, given: Tensor) -> None:
        if len(given) != self.batch_size:
            raise ParameterError(
                f"The stream inverts {self.batch_size} rows and was given {len(given)}; ask "
                "inverse_stream for as many."
            )

    def _start(self, device: torch.device) -> None:
        """Silence before the first frame."""
        n_fft, hop, size = self.stft.n_fft, self.stft.hop_length, self.batch_size
        n_samples = self.n_final + n_fft
        self._window = self.stft.window_on(device)
        self._y = torch.zeros(size, n_samples, device=device)
        self._S = torch.zeros(size, self.n_open, self.stft.n_bins, device=device)
        self._D = self._S.to(torch.complex64)
        # Row k of the table holds frame k where it belongs in time, and zeros beside it.
        table = torch.zeros(size, self.n_open, n_samples, device=device)
        strides = (self.n_open * n_samples, n_samples + hop, 1)
        self._slots = table.as_strided((size, self.n_open, n_fft), strides)
        self._table = table[:, :, self.n_final :]
        self._slots.copy_(self._window.square())
        self._envelope = self._table[:1].sum(1).clamp_(min=0.01 * float(self._window.max()) ** 2)

        self._kernel = None
        if self.is_compiled and device.type == "cpu":
            self._kernel = _checked_kernel(self.stft, self.n_iter)
        if self._kernel is not None:
            self._work = self._kernel.new_work()

    def _add_frames(self, S: Tensor) -> Tensor:
        """Final samples ``[B, n * hop_length]`` that magnitudes ``[B, n, F]`` bring."""
        if self._kernel is None:
            blocks = [self._add_frame(frame) for frame in S.unbind(1)]
            return torch.cat(blocks, 1) if blocks else S.new_zeros(self.batch_size, 0)
        self._n_frames += S.shape[1]
        return self._kernel.add_frames(S, self._y, self._S, self._D, self._work)  # type: ignore[arg-type]

    def _add_frame(self, S: Tensor) -> Tensor:
        """Final samples ``[B, hop_length]`` that the next magnitudes ``[B, F]`` bring."""
        hop = self.stft.hop_length
        guess = guess_spectrum(self.stft, S, self._S[:, -1], self._D[:, -1])
        self._S = torch.cat([self._S[:, 1:], S.unsqueeze(1)], 1)
        D = torch.cat([self._D[:, 1:], guess.unsqueeze(1)], 1)
        self._overlap_add(D)
        previous = None
        for _ in range(self.n_iter):
            frames = self._y.unfold(1, self.stft.n_fft, hop) * self._window  # type: ignore[union-attr]
            projected = torch.fft.rfft(frames)
            ahead = projected if previous is None else torch.lerp(previous, projected, 1 + MOMENTUM)
            previous = projected
            D = with_magnitudes(ahead, self._S)
            self._overlap_add(D)
        self._D = D
        self._n_frames += 1
        out = self._y[:, self.n_final : self.n_final + hop].clone()  # type: ignore[index]
        self._y = F.pad(self._y[:, hop:], (0, hop))  # type: ignore[index]
        return out

    def _overlap_add(self, D: Tensor) -> None:
        """Lay the open frames over each other behind the final samples."""
        torch.mul(torch.fft.irfft(D, self.stft.n_fft), self._window, out=self._slots)
        self._y[:, self.n_final :] = self._table.sum(1).div_(self._envelope)  # type: ignore[index]


def one_by_one(to_magnitude: Callable[[Tensor], Tensor], n_bins: int) -> Callable[[Tensor], Tensor]:
    """Magnitudes of values that take matrix products, each value for itself.

    Products of many rows round otherwise than those of few, and phases would grow that into
    another sound: so a stream sounds alike however it is cut, and whoever else is in its batch.

    Parameters
    ----------
    to_magnitude : function
        Magnitudes ``[1, F]``, or of several frames ``[n, F]``, of a value ``[1, ...]``.
    n_bins : int
        Bins ``F``.
    """

    def each(x: Tensor) -> Tensor:
        frames = [to_magnitude(value[None]) for value in x.flatten(0, 1)]
        return torch.cat([x.new_zeros(0, n_bins), *frames]).view(len(x), -1, n_bins)

    return each


@functools.lru_cache(maxsize=16)
def _checked_kernel(stft: STFT, n_iter: int) -> PhaseKernel | None:
    """The same in C if it gives the same here; None, said once, if it can't be had."""
    generator = torch.Generator().manual_seed(0)
    S = torch.rand(1, 2, stft.n_bins, generator=generator).square()
    axis = TimeAxis(1, stft.hop_length, stft.n_fft)
    stream = PhaseStream(stft, axis, lambda x: x, 1, n_iter, is_compiled=False)
    expected = stream.push(torch.cat([S, S[:, :1]], 1))[:, -stft.hop_length :]
    try:
        kernel = PhaseKernel(stft, stream.n_open, n_iter, 1 / stream._envelope[0], _constants(stft))
        other = PhaseStream(stft, axis, lambda x: x, 1, n_iter, is_compiled=False)
        other.push(S)
        found = kernel.add_frames(S[:, :1], other._y, other._S, other._D, kernel.new_work())  # type: ignore[arg-type]
        error = float((found - expected).norm() / expected.norm().clamp(min=1e-9))
        if not error < _TOLERANCE:
            raise EngineError(f"Its samples differ from torch's by {error:.1g} of their level.")
    except EngineError as reason:
        logger.warning("Phases are found by torch, which is slower than C: %s", reason)
        return None
    return kernel


def _constants(stft: STFT) -> dict[str, float]:
    """Figures of :func:`guess_spectrum` and of the iterations, for the kernel."""
    return {"MOMENTUM": MOMENTUM, "WIDTH": _width(stft), "ONSET": _ONSET}


def _width(stft: STFT) -> float:
    """How far an onset shifts the centre of a frame, per growth of the log magnitudes."""
    return _GAUSSIAN[stft.window] * stft.win_length**2 / (2 * math.pi)


def within_full_scale(y: Tensor) -> Tensor:
    """Samples, those above :data:`_KNEE` bent so that none reaches 1.

    Phases other than the recorded ones add up to other peaks: excerpts of loops that were mastered
    to 1.0 come back from their own magnitudes with peaks of up to 2.0. The bend begins smoothly
    and has no flat top; what is below the knee is left as it is.
    """
    excess = ((y.abs() - _KNEE) / (1 - _KNEE)).clamp(min=0.0)
    bent = _KNEE + (1 - _KNEE) * excess / (1 + excess)
    return torch.where(excess > 0, torch.copysign(bent, y), y)


def guess_spectrum(stft: STFT, S: Tensor, S_before: Tensor, D_before: Tensor) -> Tensor:
    """Spectrum ``[B, F]`` of a frame, its phases guessed from the frame before.

    Peaks turn on from the frame before at their interpolated frequency, and the bins around a
    peak follow it [1]_. Across bins, phases lean as for a sound in the middle of the frame, or,
    where magnitudes grow or fade fast, for one that starts or ends where that says [2]_.

    Parameters
    ----------
    stft : STFT
        Transform that the frames belong to.
    S, S_before : Tensor [shape=(B, F)]
        Magnitudes of the frame and of the one before.
    D_before : Tensor [shape=(B, F)], complex
        Spectrum of the one before, as it was inverted.

    References
    ----------
    .. [1] Beauregard, Harish, Wyse, "Single pass spectrogram inversion", 2015.
    .. [2] Prusa, Sondergaard, "Real-time spectrogram inversion using phase gradient heap
       integration", 2016.
    """
    hop, n_fft = stft.hop_length, stft.n_fft
    log_S = torch.log(S + 1e-6)
    peak, frequency = _nearest_peaks(log_S)
    growth = log_S - torch.log(S_before + 1e-6)
    delay = (growth * (_width(stft) / hop) - hop / 2).clamp(-n_fft / 2, n_fft / 2)
    delay = torch.where(growth.abs() > _ONSET, delay, 0.0)
    slope = (-math.pi - 2 * math.pi / n_fft * delay).to(torch.float64)
    lean = slope.cumsum(-1) - 0.5 * slope
    angle = lean + (2 * math.pi * hop / n_fft * frequency - lean).gather(-1, peak)
    angle = angle.remainder(2 * math.pi).to(S.dtype)
    before = torch.view_as_real(
        with_magnitudes(D_before + 1e-12, torch.ones_like(S)).gather(-1, peak)
    )
    turn = torch.view_as_real(torch.polar(S, angle))
    real = before[..., 0] * turn[..., 0] - before[..., 1] * turn[..., 1]
    return torch.complex(real, before[..., 0] * turn[..., 1] + before[..., 1] * turn[..., 0])


def _nearest_peaks(log_S: Tensor) -> tuple[Tensor, Tensor]:
    """For each bin, the nearest local maximum; and each bin's frequency, were it one.

    Frequencies are in bins, that of a maximum lies on the parabola through its neighbours.
    """
    n_bins = log_S.shape[-1]
    padded = F.pad(log_S, (1, 1), value=-30.0)
    left, right = padded[:, :-2], padded[:, 2:]
    bins = torch.arange(n_bins, device=log_S.device)
    is_peak = (log_S > left) & (log_S >= right)
    before = torch.where(is_peak, bins, -2 * n_bins).cummax(-1).values
    after = torch.where(is_peak, bins, 2 * n_bins).flip(-1).cummin(-1).values.flip(-1)
    peak = torch.where(bins - before <= after - bins, before, after).clamp(0, n_bins - 1)
    curvature = (left - 2 * log_S + right).clamp(max=-1e-9)
    offset = (0.5 * (left - right) / curvature).clamp(-0.5, 0.5)
    return peak, bins + offset
