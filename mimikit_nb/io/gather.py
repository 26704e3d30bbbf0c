"""Windows of the mapped signal, copied into one buffer.

The only place that touches the samples of a corpus while a network learns. Main names:
:class:`Source`, :class:`Origin`, :func:`gather`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

MIX = -1
"The channel that is the mean of all channels."


class Source(Protocol):
    """What is read: a :class:`~mimikit_nb.corpus.store.Corpus`, or anything like it."""

    sample_rate: int

    @property
    def signal(self) -> np.ndarray:
        """Samples ``[C, N]``, float32."""

    @property
    def tracks(self) -> Mapping[str, Any]:
        """Label and feature tracks by name."""


class Origin(NamedTuple):
    """Where a row of a batch begins: a sample of the corpus, in one channel or their mix."""

    sample: int
    channel: int = MIX


def gather(
    signal: np.ndarray, origins: Sequence[Origin], start: int, stop: int, pin_memory: bool = False
) -> Tensor:
    """Copy windows of a signal into one buffer.

    Parameters
    ----------
    signal : np.ndarray [shape=(C, N)]
        The mapped signal.
    origins : sequence of Origin
        Row by row, where samples are counted from.
    start, stop : int
        First sample of the windows, and the first after them, from each origin.
    pin_memory : bool, default False
        Whether the buffer is one that a GPU can copy from at once.

    Returns
    -------
    Tensor [shape=(B, stop - start)]
        The samples; zeros outside the signal.
    """
    n_samples = signal.shape[1]
    y = torch.empty(len(origins), stop - start, pin_memory=pin_memory)
    for row, (sample, channel) in zip(y.numpy(), origins, strict=True):
        first = sample + start
        low, high = max(first, 0), min(sample + stop, n_samples)
        if high - low < len(row):
            row[:] = 0.0
        if high <= low:
            continue
        inside = row[low - first : high - first]
        if channel == MIX and len(signal) > 1:
            np.mean(signal[:, low:high], axis=0, out=inside)
        else:
            inside[:] = signal[channel, low:high]
    return y
