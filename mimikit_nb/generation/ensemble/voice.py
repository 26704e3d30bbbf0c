"""Turns one after the other: each continues what sounded before and takes over by a crossfade.

A turn lasts from its beginning to the beginning of the next one. There its sound goes on under
the next one's beginning for as long as the crossfade takes, so that lengths add up exactly.
Main name: :class:`Voice`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...audio.files import to_channels
from ...audio.meters import measure
from ...errors import ParameterError
from ...units import seconds_to_samples
from ..prompts import prompt_from_array
from .checkpoints import begin
from .handover import RULES
from .score import Event, Score
from .seams import ALIGNMENT_SECONDS
from .sources import Cue, Held, Source, join
from .studio import Studio

MEMORY_SECONDS = 30.0
"How much of what sounded is kept for prompts and levels."

_EDGE_SECONDS = 0.005
_SHORTEST_SEAM_SECONDS = 0.003
_BLOCK_SECONDS = 0.25
_LONGEST_HELD_SECONDS = 120.0

Parts = dict[str, np.ndarray]


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
    turns : list of Turn
        Those that have begun, in order.
    """

    studio: Studio
    sample_rate: int
    n_channels: int
    seed: int
    turns: list[Turn] = field(default_factory=list)

    def rng(self, *key: int) -> np.random.Generator:
        """Random numbers of their own for a voice or a turn."""
        return np.random.default_rng([self.seed, *key])


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


class Voice(Iterator[Parts]):
    """The turns of a score as sound; iterating gives parts ``[C, n]`` by generator, to be added.

    Parameters
    ----------
    score : Score
    room : Room
    n_samples : int, optional
        Where to stop; a turn that would go beyond is shortened. Lists are repeated until there.
    key : sequence of int
        Which of parallel voices it is.
    offset : int
        Sample of the piece at which it begins.
    others : list of Voice
        Voices whose sound may be a prompt.
    """

    def __init__(
        self,
        score: Score,
        room: Room,
        n_samples: int | None = None,
        key: Sequence[int] = (),
        offset: int = 0,
        others: Sequence[Voice] = (),
        before: np.ndarray | None = None,
    ) -> None:
        self.score, self.room, self.n_samples = score, room, n_samples
        self.key, self.offset, self.others = tuple(key), offset, others
        n_kept = seconds_to_samples(MEMORY_SECONDS, room.sample_rate)
        self.memory = Memory(_first_prompt(room, key) if before is None else before, n_kept)
        self.position = 0
        self._parts = self._play()

    def __next__(self) -> Parts:
        return next(self._parts)

    def _play(self) -> Iterator[Parts]:
        old: _Sounding | None = None
        events = itertools.chain(self._events(), [None])
        event = next(events)
        for index, following in enumerate(events):
            assert event is not None
            if self.n_samples is not None and self.position >= self.n_samples:
                return
            new = self._begin(event.drawn(self.room.rng(1, *self.key, index)), index, following)
            yield from self._sound(old, new)
            old, event = new, following

    def _events(self) -> Iterator[Event]:
        for count in itertools.count():
            yield from self.score.events(self.room.rng(2, *self.key, count))
            if self.n_samples is None or not self.score.is_list:
                return

    def _begin(self, event: Event, index: int, following: Event | None) -> _Sounding:
        """The turn of an event: its sound, and how long it is."""
        room, rate = self.room, self.room.sample_rate
        n = max(1, seconds_to_samples(event.seconds, rate))
        if self.n_samples is not None:
            n = min(n, self.n_samples - self.position)
        voices = room.studio.parallel(event.generator)
        assert event.seed is not None
        cue = Cue(self._prompt(event), rate, n, event, event.seed)
        if voices is not None:
            label = "parallel"
            source: Source = _Mixed(voices, self, index, cue.prompt)
        else:
            generator = room.studio.generator(event.generator)
            label, source = generator.label, begin(generator, cue)
        source = _Adapted(source, room.n_channels)
        loudness = self._loudness() if event.level == "match" else -math.inf
        if event.until is not None or math.isfinite(loudness):
            source, n = self._hold(source, n, event, loudness)
        is_last = following is None or self.position + n == self.n_samples
        new = _Sounding(source, label, event, n, rate, self.position == 0, is_last)
        start = self.offset + self.position
        self._note(event, label, start, start + n)
        return new

    def _note(self, event: Event, label: str, start: int, stop: int) -> None:
        parameters = event.model_dump(mode="json")
        rate = self.room.sample_rate
        self.room.turns.append(Turn(start / rate, stop / rate, label, parameters, self.key))

    def _prompt(self, event: Event) -> np.ndarray:
        """What an event continues, ``[C, samples]``, noise included."""
        rate, memory = self.room.sample_rate, self.memory
        n = seconds_to_samples(event.prompt_seconds, rate)
        if isinstance(event.prompt, dict) and "voice" in event.prompt:
            number = event.prompt["voice"]
            if not 0 <= number < len(self.others):
                raise ParameterError(
                    f"There is no parallel voice {number}; there are {len(self.others)}, from 0."
                )
            memory = self.others[number].memory
        prompt = memory.last(n)
        if isinstance(event.prompt, dict) and "corpus" in event.prompt:
            prompt = _corpus_prompt(self.room, event.prompt["corpus"], event.prompt_seconds)
        if event.prompt_noise:
            level = event.prompt_noise * float(np.sqrt(np.mean(prompt**2)))
            noise = np.random.default_rng([event.seed or 0, 1]).standard_normal(prompt.shape)
            prompt = prompt + (level * noise).astype(np.float32)
        return prompt

    def _loudness(self) -> float:
        """Loudness of the turn before in LUFS; -inf if there was none."""
        turns = [t for t in self.room.turns if t.voice == self.key and t.generator != "silence"]
        if self.position == 0 or not turns:
            return -math.inf
        n = seconds_to_samples(turns[-1].stop - turns[-1].start, self.room.sample_rate)
        return measure(self.memory.last(min(n, self.memory.y.shape[1])), self.room.sample_rate).lufs

    def _hold(self, source: Source, n: int, event: Event, loudness: float) -> tuple[Source, int]:
        """The turn made ahead: cut where it hands over, as loud as the turn before."""
        rate = self.room.sample_rate
        if n > _LONGEST_HELD_SECONDS * rate:
            raise ParameterError(
                f"A turn of {n / rate:g} s can't be matched or handed over by a rule: it is made "
                f"before it is heard, which is possible up to {_LONGEST_HELD_SECONDS:g} s."
            )
        made = source.take(n)
        if event.until is not None:
            rules = RULES | self.room.studio.rules
            if event.until not in rules:
                raise ParameterError(f"until = {event.until!r}; known: {', '.join(sorted(rules))}.")
            found = rules[event.until](made, rate)
            n = n if found is None else min(n, max(found, rate // 20))
        source = Held(made, source)
        own = measure(made[:, :n], rate).lufs
        if math.isfinite(loudness) and math.isfinite(own):
            gain = 10 ** (float(np.clip(loudness - own, -40, 40)) / 20)
            source = _Louder(source, min(gain, 1 / max(1e-6, float(np.abs(made[:, :n]).max()))))
        return source, n

    def _sound(self, old: _Sounding | None, new: _Sounding) -> Iterator[Parts]:
        """The parts of a turn, the end of the old one under its beginning."""
        rate, left = self.room.sample_rate, new.n
        if old is not None:
            seconds = max(_SHORTEST_SEAM_SECONDS, new.event.crossfade_seconds)
            n = min(left, max(1, seconds_to_samples(seconds, rate)))
            n_wait = min(seconds_to_samples(ALIGNMENT_SECONDS, rate), n)
            before, after, new.source = join(old, new.source, n, n_wait, new.event.crossfade)
            after = new.shaped(after)
            parts = {new.label: after}
            parts[old.label] = parts[old.label] + before if old.label in parts else before
            yield self._heard(parts, new)
            left -= n
        block = max(1, seconds_to_samples(_BLOCK_SECONDS, rate))
        while left > 0:
            n = min(left, block)
            left -= n
            yield self._heard({new.label: new.take(n)}, new)

    def _heard(self, parts: Parts, turn: _Sounding) -> Parts:
        total = sum(parts.values())
        assert isinstance(total, np.ndarray)
        if turn.label != "silence":  # a pause doesn't make what comes after it forget
            self.memory.add(total)
        self.position += total.shape[1]
        return parts


class _Sounding:
    """A turn's source with its gain and fades."""

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

    def take(self, n: int) -> np.ndarray:
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


class _Adapted:
    """A source with another number of channels."""

    def __init__(self, source: Source, n_channels: int) -> None:
        self.source, self.n_channels = source, n_channels

    def take(self, n: int) -> np.ndarray:
        return to_channels(self.source.take(n), self.n_channels)


class _Louder:
    def __init__(self, source: Source, gain: float) -> None:
        self.source, self.gain = source, np.float32(gain)

    def take(self, n: int) -> np.ndarray:
        return self.source.take(n) * self.gain


class _Mixed:
    """Parallel voices as one source; they go on in step, so that they can hear each other."""

    def __init__(
        self, scores: Sequence[Score], parent: Voice, index: int, prompt: np.ndarray
    ) -> None:
        self.voices: list[Voice] = []
        offset = parent.offset + parent.position
        for i, score in enumerate(scores):
            key = (*parent.key, index, i)
            voice = Voice(score, parent.room, 2**62, key, offset, self.voices, prompt)
            self.voices.append(voice)
        self.rests = [prompt[:, :0] for _ in self.voices]

    def take(self, n: int) -> np.ndarray:
        block = max(1, round(_BLOCK_SECONDS * self.voices[0].room.sample_rate))
        parts = [self._step(min(block, n - start)) for start in range(0, n, block)]
        return np.concatenate(parts, 1) if parts else self.rests[0][:, :0]

    def _step(self, n: int) -> np.ndarray:
        for i, voice in enumerate(self.voices):
            while self.rests[i].shape[1] < n:
                parts = next(voice, None)
                more = np.zeros((len(self.rests[i]), n)) if parts is None else sum(parts.values())
                self.rests[i] = np.concatenate([self.rests[i], more], 1).astype(np.float32)
        total: np.ndarray = np.add.reduce([rest[:, :n] for rest in self.rests])
        self.rests = [rest[:, n:] for rest in self.rests]
        return total


def _first_prompt(room: Room, key: Sequence[int]) -> np.ndarray:
    """What the first turn continues: a passage of the corpus that isn't heard, or silence."""
    n = seconds_to_samples(MEMORY_SECONDS, room.sample_rate)
    corpus = room.studio.corpus
    if corpus is None:
        return np.zeros((room.n_channels, n), np.float32)
    seconds = min(MEMORY_SECONDS, corpus.duration_seconds)
    room_seconds = corpus.duration_seconds - seconds
    return _corpus_prompt(room, float(room.rng(3, *key).uniform(0, room_seconds)), seconds)


def _corpus_prompt(room: Room, position_seconds: float, seconds: float) -> np.ndarray:
    corpus = room.studio.corpus
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
    y = prompt_from_array(y, corpus.sample_rate, room.sample_rate).audio
    return to_channels(y, room.n_channels)
