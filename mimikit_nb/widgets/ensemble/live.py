"""An ensemble played live, without an end, while one edits it.

Every row of the timeline goes round and round; an edit is heard as soon as its turn comes. Main
name: :class:`LiveEnsemble`.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

import ipywidgets as W
import numpy as np

from ...errors import ParameterError
from ...generation.ensemble.event import Event
from ...generation.ensemble.piece import Piece
from ...generation.ensemble.score import Score
from ...generation.ensemble.writing import PieceFiles
from ...recipes.ensembling import stream_ensemble
from ..forms.controls import button, explain
from ..player.live_sound import LiveSound
from .composer import Composer
from .model import EnsembleModel
from .sources import Do

ENDLESS_SECONDS = 86_400.0


class LiveEnsemble:
    """Start, next, mute: the piece as an instrument.

    Parameters
    ----------
    model : EnsembleModel
    do : callable
        Does an action, and says in the view what went wrong.

    Attributes
    ----------
    piece : Piece or None
        What plays, or played last.
    sound : LiveSound or None
        The browser's half, once it was begun.
    """

    def __init__(self, model: EnsembleModel, do: Do) -> None:
        self.model, self.composer = model, model.composer
        self.piece: Piece | None = None
        self.sound: LiveSound | None = None
        self.begin = button("Start live", "Play the turns round and round, until Stop.", "success")
        self.begin.on_click(lambda _: do(self._begin))
        self.next = button("Next", "Let the next turn begin now, in every voice.")
        self.next.on_click(lambda _: do(self._next))
        self.write = W.Checkbox(
            description="write it to a file", indent=False, layout=W.Layout(width="auto")
        )
        explain(self.write, "Whether what is played is written while it is made.")
        self.mutes: list[Any] = []
        self._mute_box = W.HBox()
        self.now = W.HTML()
        self._holder = W.VBox()
        wrapped = W.Layout(flex_flow="row wrap", align_items="center")
        row = W.HBox([self.begin, self.next, self._mute_box, self.write], layout=wrapped)
        self.widget = W.VBox([row, self._holder, self.now])

    def _begin(self) -> None:
        self.composer.draft.items()  # complains if there are no turns
        if self.sound is not None:
            self.sound.stop()
        piece = self._make_piece()  # says rate and channels; each Play begins another
        rate, n_channels = piece.sample_rate, piece.n_channels
        self.sound = LiveSound(self.play, rate, n_channels, title="Live ensemble")
        self._holder.children = [self.sound]
        self.sound.play()

    def play(self) -> Iterator[np.ndarray]:
        """Begin a new piece: its blocks ``[C, n]``, without an end."""
        self.piece = self._make_piece()
        return self._blocks(self.piece)

    def _make_piece(self) -> Piece:
        draft = self.composer.draft
        voices = [RowEvents(self.composer, i) for i in range(len(draft.rows))]
        prompt = draft.prompt(0)
        continued: dict[str, Any] = {}
        if prompt is not None:
            continued = {"prompt": {"corpus": prompt[0]}, "prompt_seconds": prompt[1]}
        event = Event(generator={"parallel": voices}, seconds=ENDLESS_SECONDS, **continued)
        piece = stream_ensemble(Score([event]), self.composer.corpus, None, self.composer.seed)
        piece.muted.update(i for i, box in enumerate(self.mutes) if box.value)
        return piece

    def _blocks(self, piece: Piece) -> Iterator[np.ndarray]:
        """Blocks of a piece; says who plays whenever that changes."""
        if not self.write.value:
            yield from self._telling(piece, piece)
            return
        files = PieceFiles(piece, self.model.out, "live")
        try:
            yield from self._telling(piece, files.blocks())
        finally:
            files.close()

    def _telling(self, piece: Piece, blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        n_told = 0
        for block in blocks:
            if len(piece.room.turns) != n_told:
                n_told = len(piece.room.turns)
                self.now.value = _who(piece)
            yield block

    def _next(self) -> None:
        if self.piece is None or self.sound is None or not self.sound.is_on:
            raise ParameterError("Nothing plays; press Start live first.")
        self.piece.hand_over()

    def _mute(self) -> None:
        if self.piece is not None:
            muted = {i for i, box in enumerate(self.mutes) if box.value}
            self.piece.muted.clear()
            self.piece.muted.update(muted)

    def refresh(self) -> None:
        """Show a mute for each voice."""
        n_rows = len(self.composer.draft.rows)
        if len(self.mutes) == n_rows:
            return
        while len(self.mutes) < n_rows:
            name = f"Mute voice {len(self.mutes) + 1}"
            made = W.ToggleButton(description=name, layout=W.Layout(width="auto"))
            explain(made, "The voice plays on, unheard.")
            made.observe(lambda _: self._mute(), names="value")
            self.mutes.append(made)
        self.mutes = self.mutes[:n_rows]
        self._mute_box.children = self.mutes


class RowEvents:
    """The turns of a row, round and round, as they are when their time comes.

    Parameters
    ----------
    composer : Composer
    row : int
    """

    def __init__(self, composer: Composer, row: int) -> None:
        self.composer, self.row = composer, row

    def __iter__(self) -> Iterator[Event]:
        index = 0
        while True:
            rows = self.composer.draft.rows
            turns = rows[self.row] if self.row < len(rows) else ()
            if not turns:
                yield Event(generator="silence", seconds=1.0)
                continue
            turn = turns[index % len(turns)]
            index += 1
            yield turn.model_copy(update={"seed": None})  # each round sounds anew


def _who(piece: Piece) -> str:
    """Who plays in each voice, in words."""
    latest = {turn.voice: turn for turn in piece.room.turns[-50:] if turn.voice}
    lines = [
        f"voice {voice[-1] + 1}: <b>{html.escape(turn.generator)}</b>"
        f" for {turn.stop - turn.start:.1f} s"
        for voice, turn in sorted(latest.items())
    ]
    return f'<span class="mnb-note" role="status">{" · ".join(lines)}</span>'
