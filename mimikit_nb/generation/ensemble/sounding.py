"""A turn that sounds: its source with gain and fades, at the piece's channels and level."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...audio.channels import to_channels
from ...units import seconds_to_samples
from .event import Event
from .sources import Source

_EDGE_SECONDS = 0.005


class Sounding:
    """A turn's source with its gain and fades.

    Parameters
    ----------
    source : Source
    label : str
        What the generator is called.
    event : Event
        Drawn.
    n : int
        Samples up to the beginning of the next turn.
    rate : int
    is_first, is_last : bool
        Whether the piece begins or ends with it, where a sound mustn't begin or end abruptly.
    """

    def __init__(
        self,
        source: Source,
        label: str,
        event: Event,
        n: int,
        rate: int,
        is_first: bool,
        is_last: bool,
    ) -> None:
        self.source, self.label, self.event, self.n = source, label, event, n
        self.gain = 10 ** (event.gain_db / 20)
        edge = seconds_to_samples(_EDGE_SECONDS, rate)
        self.n_in = max(seconds_to_samples(event.fade_in_seconds, rate), edge * is_first)
        self.n_out = max(seconds_to_samples(event.fade_out_seconds, rate), edge * is_last)
        self.position = 0
        self.voices: list[Any] = []  # parallel ones that it is the sum of

    def take(self, n: int) -> np.ndarray:
        """The next ``n`` samples ``[C, n]``."""
        return self.shaped(self.source.take(n))

    def shaped(self, y: np.ndarray) -> np.ndarray:
        """The next samples, faded."""
        places = self.position + np.arange(y.shape[1])
        self.position += y.shape[1]
        gains = np.full(y.shape[1], self.gain)
        if self.n_in:
            gains *= np.sin(np.clip((places + 0.5) / self.n_in, 0, 1) * np.pi / 2)
        if self.n_out:
            gains *= np.sin(np.clip((self.n - places - 0.5) / self.n_out, 0, 1) * np.pi / 2)
        return y * gains.astype(np.float32)


class Adapted:
    """A source with another number of channels."""

    def __init__(self, source: Source, n_channels: int) -> None:
        self.source, self.n_channels = source, n_channels

    def take(self, n: int) -> np.ndarray:
        """The next ``n`` samples ``[C, n]``."""
        return to_channels(self.source.take(n), self.n_channels)


class Louder:
    """A source with a gain."""

    def __init__(self, source: Source, gain: float) -> None:
        self.source, self.gain = source, np.float32(gain)

    def take(self, n: int) -> np.ndarray:
        """The next ``n`` samples ``[C, n]``."""
        return self.source.take(n) * self.gain
