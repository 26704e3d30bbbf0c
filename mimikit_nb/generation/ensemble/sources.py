"""The one interface of generators, and the plain ones: silence, a region, a function.

A :class:`Generator` is what an event names; :meth:`Generator.start` gives the :class:`Source`
of one turn, which is asked for sound until the next turn has taken over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
import torch

from ...audio.arrays import as_sound
from ...audio.channels import to_channels
from ...corpus.store import Corpus
from ...errors import ParameterError
from ...features.resample import margin, read_between
from ...units import seconds_to_samples
from .event import Event
from .seams import fades, match

_FEWEST_SAMPLES = 4
"Of a region: a quarter of it fades into its beginning."

_RESERVE_SECONDS = 0.5
"What a function is asked for beyond its turn, to fade out on."


class Source(Protocol):
    """Sound of one turn."""

    def take(self, n: int) -> np.ndarray:
        """The next ``n`` samples ``[C, n]``."""


@dataclass(frozen=True)
class Cue:
    """What a turn begins with.

    Attributes
    ----------
    prompt : np.ndarray [shape=(C, samples)]
        What is continued, at the generator's rate.
    sample_rate : int
        Of the prompt, and of the sound that is wanted.
    n_samples : int
        Expected length of the turn.
    event : Event
        Its parameters, drawn.
    seed : int
    """

    prompt: np.ndarray
    sample_rate: int
    n_samples: int
    event: Event
    seed: int


class Generator(Protocol):
    """Something that can take a turn."""

    @property
    def label(self) -> str:
        """What it is called in lists of turns."""

    @property
    def sample_rate(self) -> int | None:
        """Rate of its sound; None: any that is asked for."""

    def start(self, cue: Cue) -> Source:
        """Begin a turn."""


class Silence:
    """No sound."""

    label = "silence"
    sample_rate = None

    def start(self, cue: Cue) -> Source:
        """Begin a turn."""
        return _Zeros(cue.prompt.shape[0])


class _Zeros:
    def __init__(self, n_channels: int) -> None:
        self.n_channels = n_channels

    def take(self, n: int) -> np.ndarray:
        return np.zeros((self.n_channels, n), np.float32)


class Region:
    """Plays a corpus from a position on; at the end of the region it begins again.

    Parameters
    ----------
    corpus : Corpus
    start_seconds : float
        Where to begin.
    stop_seconds : float, optional
        End of the region; that of the corpus if not given.

    Raises
    ------
    ParameterError
        If the region lies outside the corpus.
    """

    def __init__(
        self, corpus: Corpus, start_seconds: float, stop_seconds: float | None = None
    ) -> None:
        stop_seconds = corpus.duration_seconds if stop_seconds is None else stop_seconds
        if not 0 <= start_seconds < stop_seconds <= corpus.duration_seconds + 1e-6:
            raise ParameterError(
                f"The region from {start_seconds:g} s to {stop_seconds:g} s lies outside the "
                f"corpus, which has {corpus.duration_seconds:.2f} s."
            )
        self.corpus, self.sample_rate = corpus, corpus.sample_rate
        self.start_sample = seconds_to_samples(start_seconds, corpus.sample_rate)
        self.stop_sample = min(
            seconds_to_samples(stop_seconds, corpus.sample_rate), corpus.n_samples
        )
        if self.stop_sample - self.start_sample < _FEWEST_SAMPLES:
            raise ParameterError(
                f"The region from {start_seconds:g} s to {stop_seconds:g} s holds "
                f"{self.stop_sample - self.start_sample} samples; give it at least "
                f"{_FEWEST_SAMPLES}."
            )
        self.label = f"region {start_seconds:g} s"

    def start(self, cue: Cue) -> Source:
        """Begin a turn."""
        return _Loop(self.corpus.signal, self.start_sample, self.stop_sample)


class _Loop:
    """Reads a stretch of a signal around and around, its end faded into its beginning."""

    def __init__(self, signal: np.ndarray, start: int, stop: int) -> None:
        self.signal, self.start, self.stop, self.position = signal, start, stop, start
        self.n_fade = min(512, (stop - start) // 4)

    def take(self, n: int) -> np.ndarray:
        parts = []
        while n > 0:
            last = self.stop - self.n_fade
            if self.position < last or not self.n_fade:
                block = np.array(self.signal[:, self.position : min(self.position + n, last)])
                self.position += block.shape[1]
            else:  # the end and the beginning at once
                old = self.signal[:, last : self.stop]
                a, b = fades(self.n_fade, 0.0)
                offset = self.position - last
                joined = old * a + self.signal[:, self.start : self.start + self.n_fade] * b
                block = joined[:, offset : offset + n]
                self.position += block.shape[1]
                if self.position == self.stop:
                    self.position = self.start + self.n_fade
            parts.append(block)
            n -= block.shape[1]
        return np.concatenate(parts, 1) if parts else np.array(self.signal[:, :0])


class Function:
    """A Python function that makes sound.

    Parameters
    ----------
    fn : callable
        ``fn(prompt, sample_rate, n_samples, rng)`` gives an array ``[n_samples]`` or
        ``[C, n_samples]`` that continues ``prompt [C, samples]``; ``rng`` is a numpy generator.
    """

    sample_rate = None

    def __init__(self, fn: Callable[..., Any]) -> None:
        self.fn = fn
        self.label = getattr(fn, "__name__", type(fn).__name__)

    def start(self, cue: Cue) -> Source:
        """Begin a turn."""
        return _Called(self, cue)


class _Called:
    def __init__(self, function: Function, cue: Cue) -> None:
        self.function, self.cue = function, cue
        self.rng = np.random.default_rng(cue.seed)
        self.n_asked = cue.n_samples + seconds_to_samples(_RESERVE_SECONDS, cue.sample_rate)
        self.rest = cue.prompt[:, :0]
        self.prompt = cue.prompt

    def take(self, n: int) -> np.ndarray:
        while self.rest.shape[1] < n:
            made = self._call()
            self.prompt = np.concatenate([self.prompt, made], 1)[:, -self.cue.prompt.shape[1] :]
            self.rest = np.concatenate([self.rest, made], 1)
        block, self.rest = self.rest[:, :n], self.rest[:, n:]
        return block

    def _call(self) -> np.ndarray:
        wanted = (self.cue.prompt.shape[0], self.n_asked)
        made = self.function.fn(self.prompt, self.cue.sample_rate, wanted[1], self.rng)
        found = as_sound(made, f"What the function {self.function.label} returned")
        if found.shape[1] != wanted[1]:
            raise ParameterError(
                f"The function {self.function.label} must return {wanted[1]} samples "
                f"([samples] or [C, samples]); it returned {found.shape[1]}."
            )
        return to_channels(found, wanted[0])


class Resampled:
    """A source at another rate, without a delay: its context is what it continues.

    Parameters
    ----------
    source : Source
    before : np.ndarray [shape=(C, samples)]
        What sounded before, at the source's rate.
    from_rate, to_rate : int
        Rates of the source and of what is wanted.
    """

    def __init__(self, source: Source, before: np.ndarray, from_rate: int, to_rate: int) -> None:
        self.source, self.ratio = source, Fraction(from_rate, to_rate)
        self.margin = margin(float(self.ratio))
        self.buffer: np.ndarray | None = None
        self.before, self.first, self.position = before, -self.margin, 0

    def take(self, n: int) -> np.ndarray:
        """The next ``n`` samples ``[C, n]``."""
        up, down = self.ratio.numerator, self.ratio.denominator
        places = (self.position + np.arange(n, dtype=np.int64)) * up
        whole, fraction = places // down, (places % down) / down
        if n == 0:
            return self._grown(0)[:, :0]
        y = self._grown(int(whole[-1]) + self.margin + 2)
        out = read_between(
            torch.from_numpy(np.ascontiguousarray(y)),
            torch.from_numpy(whole - self.first),
            torch.from_numpy(fraction),
            float(self.ratio),
        ).numpy()
        self.position += n
        keep = self.position * up // down - self.margin
        self.buffer, self.first = y[:, keep - self.first :], keep
        return out

    def _grown(self, stop: int) -> np.ndarray:
        """The buffer, read on until it holds the source's samples before ``stop``."""
        if self.buffer is None:
            new = self.source.take(max(1, stop))
            old = to_channels(self.before[:, -self.margin :], new.shape[0])
            pad = np.zeros((new.shape[0], self.margin - old.shape[1]), np.float32)
            self.buffer = np.concatenate([pad, old, new], 1)
        missing = stop - (self.first + self.buffer.shape[1])
        if missing > 0:
            self.buffer = np.concatenate([self.buffer, self.source.take(missing)], 1)
        return self.buffer


class Held:
    """A source of which the beginning is already made.

    Parameters
    ----------
    made : np.ndarray [shape=(C, n)]
    source : Source
        Goes on behind it.
    """

    def __init__(self, made: np.ndarray, source: Source) -> None:
        self.made, self.source = made, source

    def take(self, n: int) -> np.ndarray:
        """The next ``n`` samples ``[C, n]``."""
        block, self.made = self.made[:, :n], self.made[:, n:]
        if block.shape[1] == n:
            return block
        return np.concatenate([block, self.source.take(n - block.shape[1])], 1)


def join(old: Source, new: Source, n: int, n_wait: int, shape: Any) -> tuple[np.ndarray, ...]:
    """Parts ``[C, n]`` of two sources that add up to a seam, and the new one behind it."""
    before = old.take(n)
    after = new.take(n + (n_wait if shape == "aligned" else 0))
    lag, correlation = match(before, after, shape)
    a, b = fades(n, correlation)
    rest = Held(after[:, lag + n :], new)
    return before * a, after[:, lag : lag + n] * b, rest  # type: ignore[return-value]
