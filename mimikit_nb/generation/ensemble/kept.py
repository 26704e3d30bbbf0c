"""What was played, kept turn by turn: a changed score is made anew from its first change on.

Until its end a turn depends on what sounded before and on nothing that comes after, but for the
fade at the end of the piece. So the turns of a score up to the first that changed can be taken
over as they are, sample by sample, and the piece goes on behind them as it would have from the
beginning: with the same memory of what sounded, and with the end of the turn before, which goes
on under the new one. Main names: :class:`KeptTurn`, :class:`Tape`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .event import Event
from .room import Turn
from .sounding import Sounding
from .sources import Source

_OF_THE_PROMPT = ("prompt", "prompt_seconds", "prompt_noise", "seed")


class Tape:
    """A source that can be heard again from where the tape began."""

    def __init__(self, source: Source) -> None:
        self.source, self.position = source, 0
        self.made: np.ndarray | None = None

    def take(self, n: int) -> np.ndarray:
        """The next ``n`` samples ``[C, n]``."""
        stop = self.position + n
        if self.made is None:
            self.made = self.source.take(n)
        elif stop > self.made.shape[1]:
            self.made = np.concatenate(
                [self.made, self.source.take(stop - self.made.shape[1])], axis=1
            )
        block = self.made[:, self.position : stop]
        self.position = stop
        return block


@dataclass
class KeptTurn:
    """One turn as it was played.

    Attributes
    ----------
    event : Event
        As drawn.
    n_planned : int
        Length before a rule of handing over shortened it.
    is_last : bool
        Whether it ended the piece.
    sounding : Sounding
        Goes on behind the turn's end.
    turns : list of Turn
        The turn, as listed.
    blocks : list
        Parts by generator, with what generators noted meanwhile.
    voices : list of list of KeptTurn
        What parallel voices played in it.
    """

    event: Event
    n_planned: int
    is_last: bool
    sounding: Sounding
    turn: Turn
    blocks: list[tuple[dict[str, np.ndarray], Any]] = field(default_factory=list)
    voices: list[list[KeptTurn]] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether it was played up to its end."""
        return sum(_length(parts) for parts, _ in self.blocks) == self.sounding.n

    def is_of(self, event: Event, n_planned: int, is_followed: bool, n_left: int | None) -> bool:
        """Whether an event would sound just like this, up to the beginning of the next one."""
        is_last = not is_followed or self.sounding.n == n_left
        listens = isinstance(event.prompt, dict) and "voice" in event.prompt
        same = (self.event, self.n_planned, self.is_last) == (event, n_planned, is_last)
        return same and self.is_whole and not listens

    def has_prompt_of(self, event: Event) -> bool:
        """Whether the voices of an event would begin with the same prompt."""
        return all(getattr(self.event, k) == getattr(event, k) for k in _OF_THE_PROMPT)

    def after(self) -> Sounding:
        """The turn's sound behind its end."""
        if not isinstance(self.sounding.source, Tape):  # nobody has asked for what follows yet
            self.sounding.source = Tape(self.sounding.source)
        self.sounding.source.position, self.sounding.position = 0, self.sounding.n
        return self.sounding

    def all_turns(self) -> Iterator[Turn]:
        """The turn and those of its voices."""
        yield self.turn
        for voice in self.voices:
            for kept in voice:
                yield from kept.all_turns()


def _length(parts: dict[str, np.ndarray]) -> int:
    return int(next(iter(parts.values())).shape[1])
