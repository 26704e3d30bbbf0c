"""The phase loop of :mod:`.phase_stream` in C: a frame in one call instead of two hundred.

Main name: :class:`PhaseKernel`. The source is ``phase_kernel.c``; torch's way of doing the same
stands in :class:`~.phase_stream.PhaseStream`, for devices, sizes and machines that it isn't made
for.
"""

from __future__ import annotations

import ctypes
from importlib.resources import files

import torch
from torch import Tensor

from ..engine.build import build_library
from ..errors import EngineError
from .stft import STFT

_SMALLEST = 64


class PhaseKernel:
    """Adds frames to open ones, for any number of rows.

    Parameters
    ----------
    stft : STFT
        Its frames must be a power of two, of 64 samples at least.
    n_open : int
        Frames that are open.
    n_iter : int > 0
        Iterations per frame.
    scale : Tensor [shape=(n_fft,)]
        What the sum of the frames behind the final samples is multiplied with.
    constants : dict of float
        The other figures the source asks for, by name.

    Raises
    ------
    EngineError
        If the sizes aren't supported; a CompilerError if there is no compiler.
    """

    def __init__(
        self, stft: STFT, n_open: int, n_iter: int, scale: Tensor, constants: dict[str, float]
    ) -> None:
        n_fft, hop = stft.n_fft, stft.hop_length
        if n_fft < _SMALLEST or n_fft & (n_fft - 1) or n_iter < 1:
            raise EngineError(f"Frames of {n_fft} samples are not transformed in C.")
        sizes = {"N_FFT": n_fft, "HOP": hop, "OPEN": n_open, "ITER": n_iter}
        flags = [f"-D{name}={value!r}" for name, value in (sizes | constants).items()]
        source = files(__package__) / "phase_kernel.c"
        library, _ = build_library(source.read_text(encoding="utf-8"), tuple(flags))
        library.work_bytes.restype = ctypes.c_long
        library.fill_twiddles.argtypes = [ctypes.c_void_p]
        self._add = library.add_frames
        self._add.argtypes = [*[ctypes.c_void_p] * 5, *[ctypes.c_long] * 2, *[ctypes.c_void_p] * 4]
        self._add.restype = None
        self._twiddles = torch.zeros(2 * n_fft)
        library.fill_twiddles(self._twiddles.data_ptr())
        self._constants = (stft.window_on(torch.device("cpu")), (scale / n_fft).contiguous())
        self._work_bytes, self._hop = library.work_bytes(), hop

    def new_work(self) -> Tensor:
        """Memory that :meth:`add_frames` works in, for one stream."""
        return torch.zeros(self._work_bytes, dtype=torch.uint8)

    def add_frames(self, S_new: Tensor, y: Tensor, S: Tensor, D: Tensor, work: Tensor) -> Tensor:
        """Final samples ``[B, n * hop_length]`` that magnitudes ``[B, n, F]`` bring.

        Samples ``y``, magnitudes ``S [B, open, F]`` and spectra ``D`` of the open frames change
        in place.
        """
        rows, n = S_new.shape[:2]
        S_new, out = S_new.contiguous(), y.new_empty(rows, n * self._hop)
        tensors = (y, S, D, S_new, out)
        assert all(t.is_contiguous() for t in tensors)
        pointers = [t.data_ptr() for t in tensors]
        constants = [t.data_ptr() for t in (*self._constants, self._twiddles, work)]
        self._add(*pointers, rows, n, *constants)
        return out
