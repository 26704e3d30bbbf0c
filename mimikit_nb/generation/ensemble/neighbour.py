"""The nearest neighbour: goes on in a corpus where it sounds most like what sounded last."""

from __future__ import annotations

from collections import deque

import numpy as np

from ...corpus.store import Corpus
from ...units import seconds_to_samples
from .matching import Place, PlaceIndex, index_of
from .morphing import morph
from .seams import align, fades
from .sources import Cue, Source

_FADE_SECONDS, _LEVEL_SECONDS = 0.02, 0.2
_MEMORY_SECONDS = 2.0
_MOST_GAIN = 2.0
_SOFTNESS = 0.1


class NearestNeighbour:
    """Concatenates passages of a corpus, each found by what sounded before it.

    Parameters
    ----------
    corpus : Corpus
    k : int > 0
        Choose among the ``k`` best places: by their fit and the event's temperature.
    grain_seconds : float > 0
        How long a passage plays before the next is looked for; where the corpus itself goes on
        best, it does.
    forbid_seconds : float >= 0
        Keep this far away from all passages played lately; 0: they may return and go on.
    remember_seconds : float > 0
        How long passages count as played lately, in seconds of what was played.
    morph_seconds : float >= 0
        How long a passage turns into the next one by its spectrum; 0: a crossfade of 20 ms.
    """

    label = "nearest_neighbour"

    def __init__(
        self,
        corpus: Corpus,
        k: int = 1,
        grain_seconds: float = 1.0,
        forbid_seconds: float = 0.0,
        remember_seconds: float = 60.0,
        morph_seconds: float = 0.0,
    ) -> None:
        self.corpus, self.sample_rate = corpus, corpus.sample_rate
        self.index: PlaceIndex = index_of(corpus)
        self.k, self.n_grain = k, seconds_to_samples(grain_seconds, corpus.sample_rate)
        self.forbid_seconds = forbid_seconds
        self.n_morph = seconds_to_samples(morph_seconds, corpus.sample_rate)
        n = max(1, round(remember_seconds / grain_seconds))
        self.played: deque[tuple[int, int]] = deque(maxlen=n)
        self.n_played = 0

    def start(self, cue: Cue) -> Source:
        """Begin a turn."""
        return _Walk(self, cue)

    def note(self, passage: tuple[int, int]) -> None:
        """Remember the first sample of a passage that is played, and that behind its last."""
        self.played.append(passage)
        self.n_played += 1

    def latest(self, n: int) -> list[tuple[int, int]]:
        """The last ``n`` passages noted."""
        return list(self.played)[len(self.played) - min(n, len(self.played)) :]

    def choose(self, y: np.ndarray, temperature: float, rng: np.random.Generator) -> Place:
        """Where to go on after a sound."""
        places = self.index.find(y)
        if self.forbid_seconds > 0:
            places = [p for p in places if not self._is_forbidden(p.sample)] or places
        places = places[: self.k]
        if temperature <= 0 or len(places) == 1:
            return places[0]
        costs = np.array([p.cost for p in places]) - places[0].cost
        p = np.exp(-costs / (_SOFTNESS * temperature))
        return places[int(rng.choice(len(places), p=p / p.sum()))]

    def _is_forbidden(self, sample: int) -> bool:
        radius = seconds_to_samples(self.forbid_seconds, self.sample_rate)
        return any(a - radius <= sample < b + radius for a, b in self.played)


class _Walk:
    """One turn: passage after passage, each faded into."""

    def __init__(self, generator: NearestNeighbour, cue: Cue) -> None:
        self.generator, self.signal, self.rate = generator, generator.corpus.signal, cue.sample_rate
        self.temperature = cue.event.temperature
        self.rng = np.random.default_rng(cue.seed)
        self.n_fade = seconds_to_samples(_FADE_SECONDS, self.rate)
        self.n_memory = seconds_to_samples(_MEMORY_SECONDS, self.rate)
        self.n_level = seconds_to_samples(_LEVEL_SECONDS, self.rate)
        self.heard = cue.prompt[:, -self.n_memory :]
        self.rest = self.signal[:, :0]  # made, but not asked for yet
        self.position, self.gain, self.n_made = -1, np.float32(1), 0
        self.n_turn = cue.n_samples

    def take(self, n: int) -> np.ndarray:
        while self.rest.shape[1] < n:
            passage = self._passage()
            self.n_made += passage.shape[1]
            self.heard = np.concatenate([self.heard, passage], 1)[:, -self.n_memory :]
            self.rest = np.concatenate([self.rest, passage], 1)
        block, self.rest = self.rest[:, :n], self.rest[:, n:]
        return block

    def _passage(self) -> np.ndarray:
        """The next passage; it begins with the end of the one before where the two don't meet."""
        temperature = self.temperature
        if callable(temperature):
            temperature = temperature(self.n_made / self.rate)
        start = self.generator.choose(self.heard, temperature, self.rng).sample
        stop = min(start + self.generator.n_grain, self._end_of_file(start) - self.n_fade)
        if self.n_made < self.n_turn:  # what fades out under the next turn doesn't count
            self.generator.note((start, stop))
        before, gain = self.position, self.gain
        self.position = stop
        if before == start:  # the corpus just goes on
            return np.array(self.signal[:, start:stop]) * gain
        self.gain = self._matched(start)
        passage = np.array(self.signal[:, start:stop]) * self.gain
        if before >= 0:
            self._join(before, gain, passage)
        return passage

    def _join(self, before: int, gain: np.float32, passage: np.ndarray) -> None:
        """Let what would have gone on at ``before`` turn into a passage, in its place."""
        n = min(self.generator.n_morph, passage.shape[1], self._end_of_file(before) - before)
        if n > self.n_fade:
            old = np.array(self.signal[:, before : before + n]) * gain
            passage[:, :n] = morph(old, passage[:, :n])
            return
        old = np.array(self.signal[:, before : before + self.n_fade]) * gain
        a, b = fades(self.n_fade, align(old, passage[:, : self.n_fade])[1])
        passage[:, : self.n_fade] = old * a + passage[:, : self.n_fade] * b

    def _matched(self, start: int) -> np.float32:
        """Gain that brings the corpus before a place to the level of what was heard."""
        n = min(self.n_level, start)
        there = float(np.sqrt(np.mean(np.square(self.signal[:, start - n : start]))))
        here = float(np.sqrt(np.mean(np.square(self.heard[:, -n:]))))
        if min(there, here) < 1e-5:
            return np.float32(1)
        return np.float32(np.clip(here / there, 1 / _MOST_GAIN, _MOST_GAIN))

    def _end_of_file(self, sample: int) -> int:
        return self.generator.corpus.file_at(sample).stop
