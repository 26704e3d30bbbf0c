"""What the views of analyses have in common: their status line, and the player of their sound.

Main names: :func:`status_html`, :func:`player_of`.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ...corpus.store import Corpus
from ...recipes.analysing import Recording
from ..job import HOW_TO_STOP
from ..player.waveform import Player, player
from ..words import STATE_COLOURS, in_time
from .session import Session

MOST_DRAWN = 1500  # segments on a waveform; the browser gets slow with more


class HasSound(Protocol):
    """A view with a recording."""

    sound: Recording
    y: np.ndarray
    sample_rate: int


def player_of(view: HasSound, spectrogram: bool, kinds: Iterable[str] = ()) -> Player:
    """Player of a view's recording; a file is played from where it lies."""
    if isinstance(view.sound, str | Path):
        return player(view.sound, spectrogram=spectrogram, kinds=kinds, headless=False)
    title = view.sound.name if isinstance(view.sound, Corpus) else ""
    return player(
        *(view.y, view.sample_rate),
        title=title,
        spectrogram=spectrogram,
        kinds=kinds,
        headless=False,
    )


def status_html(session: Session[Any], facts: Sequence[str], complaint: str, note: str = "") -> str:
    """State in a word, progress, what there is, what was done, and what went wrong."""
    colour = STATE_COLOURS.get(session.job.state, "#555")
    parts = [f'<b style="color:{colour}">{html.escape(session.job.state)}</b>']
    if session.is_busy:
        parts.append(f"{session.job.share:.0%}")
        if math.isfinite(session.job.seconds_left):
            parts.append(f"{in_time(session.job.seconds_left)} left")
    parts += [html.escape(fact) for fact in facts]
    if session.is_edited:
        parts.append(html.escape(f"changes not exported yet are kept {session.stored_where}"))
    line = " · ".join(parts)
    if session.job.is_deaf:
        line += f'<br><span class="mnb-note">{HOW_TO_STOP}</span>'
    if session.message:
        line += f'<br><span class="mnb-note">{html.escape(session.message)}</span>'
    if note:
        line += f'<br><span class="mnb-note">{html.escape(note)}</span>'
    if complaint:
        line += f'<br><span class="mnb-wrong">{html.escape(complaint)}</span>'
    return line
