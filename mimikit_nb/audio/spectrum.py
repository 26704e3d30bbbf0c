"""Power spectra of sound, block by block: the one way from samples to what analysis looks at.

Segmentation, clustering, scores and the search for places in a corpus read a sound through
:func:`power_spectra`, so that an hour of it costs its spectra and no more. Features of networks
have their own transform on tensors (:mod:`mimikit_nb.features.stft`): it has gradients, an
inverse, and runs on any device.

Main names: :func:`power_spectra`, :func:`power_of_frames`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import scipy.fft

_BLOCK_SAMPLES = 2**21
"""Samples in the frames of a block: bounds the memory of a transform to some 30 MB."""


def power_spectra(
    y: np.ndarray,
    frame_length: int,
    hop_length: int,
    *,
    n_fft: int | None = None,
    is_centred: bool = False,
    bands: np.ndarray | None = None,
    frames_per_block: int | None = None,
) -> Iterator[np.ndarray]:
    """Power spectra of a sound, mean over its channels, block by block.

    Channels are averaged as power, so that opposite phases don't cancel. Samples that are NaN or
    infinite count as 0. How the frames are divided into blocks changes nothing.

    Parameters
    ----------
    y : np.ndarray [shape=(C, N)]
        The sound; may be mapped from disk.
    frame_length, hop_length : int > 0
        Samples of a frame (two at least), and from one to the next.
    n_fft : int >= frame_length, optional
        Length of the transform; that of a frame if not given.
    is_centred : bool, default False
        Frame ``n`` begins at sample ``n * hop_length``, and all frames lie within the sound (one
        that is shorter than a frame is followed by silence). If true, they are centred on these
        samples instead, down to the last sample: before the sound is silence, and behind its end
        it is mirrored, for the end of a recording that breaks off is no click.
    bands : np.ndarray [shape=(F, B)], optional
        Weights of the bins in each band, such as a mel filter bank.
    frames_per_block : int > 0, optional
        Frames that are transformed at a time.

    Yields
    ------
    np.ndarray [shape=(n, F) or (n, B)], float32
        Power of successive frames by bin or band; a sine of amplitude 1 has power 1 in its bin.

    Examples
    --------
    >>> y = np.sin(2 * np.pi * 100 / 1024 * np.arange(8192))[None]
    >>> power = np.concatenate([*power_spectra(y, 1024, 256)])
    >>> power.shape, power[0].argmax().item(), round(power[0, 100].item(), 3)
    ((29, 513), 100, 1.0)
    """
    n_samples = y.shape[1]
    lead = frame_length // 2 if is_centred else 0
    n_frames = max(1, 1 + (n_samples if is_centred else n_samples - frame_length) // hop_length)
    n_at_once = frames_per_block or max(1, _BLOCK_SAMPLES // (len(y) * (n_fft or frame_length)))
    for first in range(0, n_frames, n_at_once):
        last = min(first + n_at_once, n_frames)
        start, stop = first * hop_length, (last - 1) * hop_length + frame_length
        part = _samples(y, start - lead, stop - lead, is_mirrored=is_centred)
        frames = np.lib.stride_tricks.sliding_window_view(part, frame_length, axis=1)
        power = power_of_frames(frames[:, ::hop_length], n_fft).mean(axis=0)
        yield power if bands is None else power @ bands


def power_of_frames(frames: np.ndarray, n_fft: int | None = None) -> np.ndarray:
    """Power spectra ``[..., F]`` of frames ``[..., samples]`` through a Hann window, float32."""
    spectra = scipy.fft.rfft(frames * _window(frames.shape[-1]), n_fft, axis=-1, overwrite_x=True)
    power: np.ndarray = np.square(spectra.real)
    power += np.square(spectra.imag)
    return power


@lru_cache(maxsize=16)
def _window(length: int) -> np.ndarray:
    """Periodic Hann window that gives a sine the magnitude of its amplitude."""
    window = np.hanning(length + 1)[:-1].astype(np.float32)
    window *= 2 / window.sum()
    window.setflags(write=False)
    return window


def _samples(y: np.ndarray, start: int, stop: int, *, is_mirrored: bool) -> np.ndarray:
    """Samples ``[C, stop - start]``, float32: silence around the sound, or its mirror behind."""
    n = y.shape[1]
    part = np.asarray(y[:, max(0, start) : stop], np.float32)
    after = max(0, stop - n)
    if after and is_mirrored and n > 1:
        places = np.arange(n, stop) % (2 * n - 2)
        mirrored = y[:, np.minimum(places, 2 * n - 2 - places)].astype(np.float32)
        part, after = np.concatenate([part, mirrored], axis=1), 0
    if start < 0 or after:
        part = np.pad(part, ((0, 0), (max(0, -start), after)))
    return part if np.isfinite(part).all() else np.nan_to_num(part, nan=0.0, posinf=0.0, neginf=0.0)
