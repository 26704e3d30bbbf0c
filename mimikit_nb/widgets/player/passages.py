"""Passages of a player heard one after the other, with gaps between.

Main name: :class:`Turns`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from .waveform import Player

MOST_SECONDS = 6.0  # of a passage that are heard; the next one is waiting


class Turns:
    """Plays passages in turn, in a thread; beginning anew ends what is being heard.

    Parameters
    ----------
    player : callable
        Gives the player that plays now.
    """

    def __init__(self, player: Callable[[], Player]) -> None:
        self._player = player
        self._stop = threading.Event()

    def play(self, passages: Sequence[tuple[float, float]], gap_seconds: float = 0.3) -> None:
        """Begin with the first passage and return at once.

        Parameters
        ----------
        passages : list of (start, stop)
            Seconds.
        gap_seconds : float >= 0, default 0.3
            Silence between two.
        """
        self.stop()
        self._stop = threading.Event()
        arguments = (list(passages), gap_seconds, self._stop)
        threading.Thread(target=self._play, args=arguments, daemon=True, name="turns").start()

    def stop(self) -> None:
        """Be silent."""
        self._stop.set()
        self._player().pause()

    def _play(
        self, passages: list[tuple[float, float]], gap_seconds: float, stop: threading.Event
    ) -> None:
        player = self._player()
        player.loop = False
        for start, end in passages:
            heard = min(end - start, MOST_SECONDS)
            player.play(start, start + heard)
            if stop.wait(heard + gap_seconds):
                return
