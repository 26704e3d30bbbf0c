"""A score as one edits it: rows of turns, and the prompts of its variations.

A draft knows patterns no more: :meth:`Draft.of` unrolls them into the turns that they give with
a seed, each with its own, so that a turn keeps its sound's seed wherever it is moved. Every edit
makes a new draft. Main name: :class:`Draft`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...errors import ParameterError
from .event import SHORTEST_SECONDS, Event, draw
from .score import Score
from .studio import ParallelSpec

MOST_TURNS = 500
MOST_SECONDS = 3600.0
_SEED_LIMIT = 2**31

Row = tuple[Event, ...]
Place = tuple[int, int]
"Row and place in it, from 0."


@dataclass(frozen=True)
class Draft:
    """Turns in rows that sound at once, and prompts.

    Attributes
    ----------
    rows : tuple of tuple of Event
        Their lengths are numbers.
    prompts : tuple of (start, seconds)
        Passages of the corpus to continue: one variation of the piece each. Without any, the
        piece continues a passage that its seed draws.
    is_prompt_heard : bool
        Whether a variation begins with its prompt.
    """

    rows: tuple[Row, ...] = ((),)
    prompts: tuple[tuple[float, float], ...] = ()
    is_prompt_heard: bool = True

    @classmethod
    def of(cls, score: Any, seed: int = 0, seconds: float | None = None) -> Draft:
        """The turns that a score gives with a seed.

        Parameters
        ----------
        score : Score or what makes one
        seed : int
            Of its patterns and ranges.
        seconds : float, optional
            Where to stop; needed for a score without an end.
        """
        score = score if isinstance(score, Score) else Score(score)
        if seconds is None and (score.is_endless or not score.is_list):
            raise ParameterError("The score has no end; say how many seconds of it are wanted.")
        most = MOST_SECONDS if seconds is None else seconds
        turns = list(_unrolled(score, (), seed, most, is_repeated=seconds is not None))
        if seconds is None and sum(turn.seconds for turn in turns) >= MOST_SECONDS:
            raise ParameterError(
                f"The score is longer than {MOST_SECONDS:g} s; say how much of it is wanted."
            )
        prompts: tuple[tuple[float, float], ...] = ()
        if len(turns) > 1 and _is_prompt(turns[0]):
            prompts, turns = ((turns[0].generator["region"][0], turns[0].seconds),), turns[1:]
        if len(turns) == 1 and _voices(turns[0]):
            key = (len(prompts),)
            rows = [
                tuple(_unrolled(Score(voice), (*key, i), seed, turns[0].seconds, True))
                for i, voice in enumerate(_voices(turns[0]))
            ]
            return cls(tuple(_without_rest(row, turns[0].seconds) for row in rows), prompts)
        return cls((tuple(turns),), prompts)

    @property
    def seconds(self) -> float:
        """Length of the longest row."""
        return max(map(_length, self.rows), default=0.0)

    @property
    def n_turns(self) -> int:
        """Turns of all rows."""
        return sum(map(len, self.rows))

    @property
    def n_variations(self) -> int:
        """Pieces that it makes."""
        return max(1, len(self.prompts))

    def prompt(self, variation: int) -> tuple[float, float] | None:
        """The prompt of a variation, if it has one."""
        return self.prompts[variation] if variation < len(self.prompts) else None

    def prompt_seconds(self, variation: int) -> float:
        """How much of a prompt is heard before the turns."""
        is_heard = self.is_prompt_heard and variation < len(self.prompts)
        return self.prompts[variation][1] if is_heard else 0.0

    def items(self, variation: int = 0) -> list[Any]:
        """The score of a variation, as :class:`Score` takes it."""
        rows = [row for row in self.rows if row]
        if not rows:
            raise ParameterError("There are no turns yet; add one.")
        items: list[Any] = list(rows[0])
        if len(rows) > 1:
            voices = [[*row, _rest(self.seconds)] for row in rows]
            items = [Event(generator={"parallel": voices}, seconds=self.seconds)]
        if variation >= len(self.prompts):
            return items
        start, seconds = self.prompts[variation]
        if self.is_prompt_heard:
            heard = {"generator": {"region": [start]}, "seconds": seconds}
            return [Event(**heard, prompt={"corpus": start}), *items]
        continued = {"prompt": {"corpus": start}, "prompt_seconds": seconds}
        return [items[0].model_copy(update=continued), *items[1:]]

    def score(self, variation: int = 0) -> Score:
        """The score of a variation."""
        return Score(self.items(variation))

    def piece_seconds(self, variation: int = 0) -> float | None:
        """Exact length of a variation; None where rules of handing over decide."""
        rows = [row for row in self.rows if row]
        is_open = len(rows) == 1 and any(turn.until is not None for turn in rows[0])
        return None if is_open else self.seconds + self.prompt_seconds(variation)

    # -- edits --------------------------------------------------------------------------------

    def at(self, place: Place) -> Event:
        """Turn at a place."""
        row, index = place
        if not (0 <= row < len(self.rows) and 0 <= index < len(self.rows[row])):
            raise ParameterError("There is no such turn; choose one in the timeline.")
        return self.rows[row][index]

    def start_of(self, place: Place) -> float:
        """Where a turn begins, in seconds of the turns."""
        return _length(self.rows[place[0]][: place[1]])

    def with_turn(self, place: Place, turn: Event) -> Draft:
        """A turn put in at a place."""
        row, index = place
        if self.n_turns >= MOST_TURNS:
            raise ParameterError(f"There are {MOST_TURNS} turns already, as many as can be edited.")
        turns = self.rows[row]
        return self._with_row(row, (*turns[:index], turn, *turns[index:]))

    def without(self, place: Place) -> Draft:
        """A turn left out."""
        self.at(place)
        row, index = place
        return self._with_row(row, self.rows[row][:index] + self.rows[row][index + 1 :])

    def changed(self, place: Place, turn: Event) -> Draft:
        """Another turn at a place."""
        self.at(place)
        row, index = place
        turns = self.rows[row]
        return self._with_row(row, (*turns[:index], turn, *turns[index + 1 :]))

    def moved(self, place: Place, to: Place) -> tuple[Draft, Place]:
        """A turn at another place, counted without it; the place as it became."""
        turn, rest = self.at(place), self.without(place)
        row = min(max(0, to[0]), len(rest.rows) - 1)
        index = min(max(0, to[1]), len(rest.rows[row]))
        return rest.with_turn((row, index), turn), (row, index)

    def with_voice(self) -> Draft:
        """One more row."""
        return replace(self, rows=(*self.rows, ()))

    def without_voice(self, row: int) -> Draft:
        """A row left out."""
        rows = self.rows[:row] + self.rows[row + 1 :]
        return replace(self, rows=rows or ((),))

    def reseeded(self, from_seconds: float, rng: np.random.Generator) -> Draft:
        """New seeds for all turns that begin at or after a time."""
        rows = []
        for row in self.rows:
            starts = itertools.accumulate((t.seconds for t in row), initial=0.0)
            rows.append(
                tuple(
                    turn.model_copy(update={"seed": int(rng.integers(_SEED_LIMIT))})
                    if start >= from_seconds - 1e-6
                    else turn
                    for start, turn in zip(starts, row, strict=False)
                )
            )
        return replace(self, rows=tuple(rows))

    def _with_row(self, row: int, turns: Row) -> Draft:
        return replace(self, rows=(*self.rows[:row], turns, *self.rows[row + 1 :]))


def as_turn(event: Event, rng: np.random.Generator) -> Event:
    """An event with a number as its length, drawn if it was a range."""
    seconds = max(SHORTEST_SECONDS, draw(event.seconds, rng))
    return _plainly(event.model_copy(update={"seconds": seconds}))


def _unrolled(
    score: Score, key: tuple[int, ...], seed: int, most_seconds: float, is_repeated: bool
) -> Iterator[Event]:
    """Turns with everything drawn, as a voice of this key draws it; the last one shortened."""
    left = most_seconds
    passes = score.passes(lambda count: np.random.default_rng([seed, 2, *key, count]), is_repeated)
    for index, event in enumerate(passes):
        if left < SHORTEST_SECONDS:
            return
        if index == MOST_TURNS:
            raise ParameterError(f"The score has more than {MOST_TURNS} turns; give fewer seconds.")
        turn = event.drawn(np.random.default_rng([seed, 1, *key, index]))
        seconds = turn.seconds if left - turn.seconds >= SHORTEST_SECONDS else left
        yield _plainly(turn.model_copy(update={"seconds": seconds}))
        left -= seconds


def _plainly(turn: Event) -> Event:
    """A turn with nothing said that is so anyway."""
    fields = type(turn).model_fields
    return Event(
        **{
            name: value
            for name in fields
            if (value := getattr(turn, name)) != fields[name].default or name == "generator"
        }
    )


def _is_prompt(turn: Event) -> bool:
    """Whether a turn is the audible prompt that drafts put in front."""
    spec = turn.generator
    is_open = isinstance(spec, dict) and set(spec) == {"region"} and len(spec["region"]) == 1
    return is_open and turn.prompt == {"corpus": spec["region"][0]}


def _voices(turn: Event) -> tuple[Any, ...]:
    spec = turn.generator
    is_parallel = isinstance(spec, dict) and "parallel" in spec
    return ParallelSpec(**spec).parallel if is_parallel else ()


def _rest(seconds: float) -> Event:
    """What a voice does when it is done: rather be silent than begin again."""
    return Event(generator="silence", seconds=max(0.01, seconds))


def _without_rest(row: Row, seconds: float) -> Row:
    """A row without the silence at its end."""
    ends = len(row) > 1 and _length(row) >= seconds - 1e-6
    is_rest = ends and row[-1].generator == "silence"
    return row[:-1] if is_rest else row


def _length(row: Row) -> float:
    return float(sum(turn.seconds for turn in row))
