"""What all voices of a piece have in common, and what they remember of what sounded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...audio.channels import to_channels
from ...errors import ParameterError
from ...units import seconds_to_samples
from ..prompts import prompt_from_array
from .studio import Studio

MEMORY_SECONDS = 30.0
"How much of what sounded is kept for prompts and levels."


@dataclass(frozen=True)
class Turn:
    """One turn of a piece.

    Attributes
    ----------
    start, stop : float
        In seconds of the piece.
    generator : str
        What made it.
    parameters : dict
        The event as drawn, and the seed of its sound, as JSON types.
    voice : tuple of int
        Which of parallel voices it belongs to; empty for the piece itself.
    """

    start: float
    stop: float
    generator: str
    parameters: dict[str, Any]
    voice: tuple[int, ...] = ()


@dataclass(frozen=True)
class Room:
    """What all voices of a piece have in common.

    Attributes
    ----------
    studio : Studio
    sample_rate : int
    n_channels : int
    seed : int
    keeps : bool
        Whether turns are kept, so that a changed score can go on from them.
    turns : list of Turn
        Those that have begun, in order.
    muted : set of int
        Parallel voices, by number, that play on but aren't heard.
    """

    studio: Studio
    sample_rate: int
    n_channels: int
    seed: int
    keeps: bool = False
    turns: list[Turn] = field(default_factory=list)
    muted: set[int] = field(default_factory=set)

    def rng(self, *key: int) -> np.random.Generator:
        """Random numbers of their own for a voice or a turn."""
        return np.random.default_rng([self.seed, *key])

    def first_prompt(self, key: Sequence[int]) -> np.ndarray:
        """What the first turn continues: a passage of the corpus that isn't heard, or silence."""
        corpus = self.studio.corpus
        if corpus is None:
            n = seconds_to_samples(MEMORY_SECONDS, self.sample_rate)
            return np.zeros((self.n_channels, n), np.float32)
        seconds = min(MEMORY_SECONDS, corpus.duration_seconds)
        latest = corpus.duration_seconds - seconds
        return self.corpus_prompt(float(self.rng(3, *key).uniform(0, latest)), seconds)

    def corpus_prompt(self, position_seconds: float, seconds: float) -> np.ndarray:
        """A passage of the corpus ``[C, samples]``, at the piece's rate."""
        corpus = self.studio.corpus
        if corpus is None:
            raise ParameterError("A prompt from the corpus needs one: ensemble(score, corpus).")
        latest = max(0.0, corpus.duration_seconds - seconds)
        if position_seconds > corpus.duration_seconds:
            raise ParameterError(
                f"A prompt at {position_seconds:g} s lies outside the corpus, which has "
                f"{corpus.duration_seconds:.2f} s."
            )
        start = seconds_to_samples(min(position_seconds, latest), corpus.sample_rate)
        n = min(seconds_to_samples(seconds, corpus.sample_rate), corpus.n_samples - start)
        y = np.array(corpus.signal[:, start : start + n])
        y = prompt_from_array(y, corpus.sample_rate, self.sample_rate, math.inf).audio
        return to_channels(y, self.n_channels)


class Memory:
    """The last seconds of what sounded, after something that was never heard."""

    def __init__(self, before: np.ndarray, n_kept: int) -> None:
        self.y, self.n_kept = before, n_kept

    def add(self, block: np.ndarray) -> None:
        """Note what sounded."""
        self.y = np.concatenate([self.y, block], 1)[:, -self.n_kept :]

    def last(self, n: int) -> np.ndarray:
        """The last ``n`` samples ``[C, n]``, silence in front if there were fewer."""
        y = self.y[:, -n:]
        return np.pad(y, [(0, 0), (n - y.shape[1], 0)])
