"""Turns one after the other: each continues what sounded before and takes over by a crossfade.

A turn lasts from its beginning to the beginning of the next one. There its sound goes on under
the next one's beginning for as long as the crossfade takes, so that lengths add up exactly.
Main name: :class:`Voice`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...audio.meters import measure
from ...errors import ParameterError
from ...units import seconds_to_samples
from .checkpoints import begin
from .event import SHORTEST_SECONDS, Event
from .handover import RULES
from .kept import KeptTurn, Tape
from .room import MEMORY_SECONDS, Memory, Room, Turn
from .score import Score
from .seams import ALIGNMENT_SECONDS
from .sounding import Adapted, Louder, Sounding
from .sources import Cue, Held, Source, join

_SHORTEST_SEAM_SECONDS = 0.003
_BLOCK_SECONDS = 0.25
_LONGEST_HELD_SECONDS = 120.0

PARALLEL = "parallel"
"What the sum of parallel voices is called."

Parts = dict[str, np.ndarray]


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
    before : np.ndarray [shape=(C, samples)], optional
        What its first turn continues.
    kept : sequence of KeptTurn
        An earlier version, from which turns are taken over up to the first that changed.

    Attributes
    ----------
    record : list of KeptTurn
        What was played, if the room keeps it.
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
        kept: Sequence[KeptTurn] = (),
    ) -> None:
        self.score, self.room, self.n_samples = score, room, n_samples
        self.key, self.offset, self.others = tuple(key), offset, others
        n_kept = seconds_to_samples(MEMORY_SECONDS, room.sample_rate)
        self.memory = Memory(room.first_prompt(key) if before is None else before, n_kept)
        self.position = 0
        self.record: list[KeptTurn] = []
        self._kept = list(kept)
        self._now: Sounding | None = None
        self._is_done = False
        self._parts = self._play()

    def __next__(self) -> Parts:
        if not self.room.keeps:
            return next(self._parts)
        mark = self.room.studio.mark()
        parts = next(self._parts)
        self.record[-1].blocks.append((parts, self.room.studio.noted_since(mark)))
        return parts

    def hand_over(self) -> None:
        """End the turn that sounds, or those of its parallel voices, at once."""
        now = self._now
        for voice in now.voices if now is not None else ():
            voice.hand_over()
        self._is_done = now is not None and not now.voices

    def _play(self) -> Iterator[Parts]:
        old: Sounding | None = None
        muted = self.room.muted
        passes = self.score.passes(
            lambda count: self.room.rng(2, *self.key, count), self.n_samples is not None
        )
        events = itertools.chain(passes, [None])
        event = next(events)
        for index, following in enumerate(events):
            assert event is not None
            if self.n_samples is not None and self.position >= self.n_samples:
                return
            drawn = event.drawn(self.room.rng(1, *self.key, index))
            n = self._planned(drawn)
            kept = self._kept[index] if index < len(self._kept) else None
            is_followed, is_whole = following is not None, not (kept and kept.voices and muted)
            if kept and is_whole and kept.is_of(drawn, n, is_followed, self._left):
                yield from self._again(kept)
                old = kept.after()
            else:
                self._kept = []
                new = self._begin(drawn, n, index, is_followed, kept)
                yield from self._sound(old, new)
                old = new
            event = following

    @property
    def _left(self) -> int | None:
        """Samples up to the end, if there is one."""
        return None if self.n_samples is None else self.n_samples - self.position

    def _planned(self, event: Event) -> int:
        """Length of an event's turn: up to the end at most, and if it is near, up to there."""
        rate, left = self.room.sample_rate, self._left
        n = max(1, seconds_to_samples(event.seconds, rate))
        if left is None or left - n >= seconds_to_samples(SHORTEST_SECONDS, rate):
            return n
        return left

    def _again(self, kept: KeptTurn) -> Iterator[Parts]:
        """A turn as it was played before."""
        self.room.turns.extend(kept.all_turns())
        again = replace(kept, blocks=[])
        self.record.append(again)
        for parts, noted in kept.blocks:
            self.room.studio.note(noted)
            yield self._heard(parts, kept.sounding.label)

    def _begin(
        self, event: Event, n: int, index: int, is_followed: bool, kept: KeptTurn | None
    ) -> Sounding:
        """The turn of an event: its sound, and how long it is."""
        room, rate, n_planned = self.room, self.room.sample_rate, n
        voices = room.studio.parallel(event.generator)
        assert event.seed is not None
        cue = Cue(self._prompt(event), rate, n, event, event.seed)
        mixed: _Mixed | None = None
        if voices is not None:
            known = kept.voices if kept is not None and kept.has_prompt_of(event) else []
            mixed = _Mixed(voices, self, index, cue.prompt, known)
            label = PARALLEL
            source: Source = mixed
        else:
            generator = room.studio.generator(event.generator)
            label, source = generator.label, begin(generator, cue)
        source = Adapted(source, room.n_channels)
        loudness = self._loudness() if event.level == "match" else -math.inf
        if event.until is not None or math.isfinite(loudness):
            source, n = self._hold(source, n, event, loudness)
        is_last = not is_followed or n == self._left
        new = Sounding(source, label, event, n, rate, self.position == 0, is_last)
        new.voices = [] if mixed is None else mixed.voices
        start = (self.offset + self.position) / rate
        turn = Turn(start, start + n / rate, label, event.model_dump(mode="json"), self.key)
        room.turns.append(turn)
        if room.keeps:
            records = [voice.record for voice in new.voices]
            self.record.append(KeptTurn(event, n_planned, is_last, new, turn, [], records))
        return new

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
            prompt = self.room.corpus_prompt(event.prompt["corpus"], event.prompt_seconds)
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
            found = self._rule(event.until)(made, rate)
            n = n if found is None else min(n, max(found, rate // 20))
        source = Held(made, source)
        own = measure(made[:, :n], rate).lufs
        if math.isfinite(loudness) and math.isfinite(own):
            gain = 10 ** (float(np.clip(loudness - own, -40, 40)) / 20)
            source = Louder(source, min(gain, 1 / max(1e-6, float(np.abs(made[:, :n]).max()))))
        return source, n

    def _rule(self, until: Any) -> Callable[[np.ndarray, int], int | None]:
        """What finds the sample to hand over at."""
        name, *levels = next(iter(until.items())) if isinstance(until, dict) else (until,)
        rules = RULES | self.room.studio.rules
        if name not in rules:
            raise ParameterError(f"until = {until!r}; known: {', '.join(sorted(rules))}.")
        return lambda y, rate: rules[name](y, rate, *levels)

    def _sound(self, old: Sounding | None, new: Sounding) -> Iterator[Parts]:
        """The parts of a turn, the end of the old one under its beginning."""
        rate, left = self.room.sample_rate, new.n
        self._now, self._is_done = new, False
        if old is not None:
            seconds = max(_SHORTEST_SEAM_SECONDS, new.event.crossfade_seconds)
            n = min(left, max(1, seconds_to_samples(seconds, rate)))
            n_wait = min(seconds_to_samples(ALIGNMENT_SECONDS, rate), n)
            before, after, new.source = join(old, new.source, n, n_wait, new.event.crossfade)
            after = new.shaped(after)
            parts = {new.label: after}
            parts[old.label] = parts[old.label] + before if old.label in parts else before
            yield self._heard(parts, new.label)
            left -= n
        block = max(1, seconds_to_samples(_BLOCK_SECONDS, rate))
        while left > 0 and not self._is_done:
            n = min(left, block)
            left -= n
            yield self._heard({new.label: new.take(n)}, new.label)
        if left > 0:
            self._cut_short()
        elif self.room.keeps:
            new.source = Tape(new.source)

    def _cut_short(self) -> None:
        """The listed turn ends where it was told to hand over."""
        turns = self.room.turns
        place = max(i for i, t in enumerate(turns) if t.voice == self.key)
        stop = (self.offset + self.position) / self.room.sample_rate
        turns[place] = replace(turns[place], stop=stop)

    def _heard(self, parts: Parts, label: str) -> Parts:
        total = sum(parts.values())
        assert isinstance(total, np.ndarray)
        if label != "silence":  # a pause doesn't make what comes after it forget
            self.memory.add(total)
        self.position += total.shape[1]
        return parts


class _Mixed:
    """Parallel voices as one source; they go on in step, so that they can hear each other."""

    def __init__(
        self,
        scores: Sequence[Score],
        parent: Voice,
        index: int,
        prompt: np.ndarray,
        kept: Sequence[Sequence[KeptTurn]] = (),
    ) -> None:
        self.voices: list[Voice] = []
        offset = parent.offset + parent.position
        for i, score in enumerate(scores):
            key = (*parent.key, index, i)
            known = kept[i] if i < len(kept) else ()
            voice = Voice(score, parent.room, 2**62, key, offset, self.voices, prompt, known)
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
        total = np.zeros((len(self.rests[0]), n), np.float32)
        for i, rest in enumerate(self.rests):
            if i not in self.voices[i].room.muted:
                total += rest[:, :n]
        self.rests = [rest[:, n:] for rest in self.rests]
        return total
