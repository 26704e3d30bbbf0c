"""Where a browser is in the sound that it was sent, between the reports it gives now and then.

Main name: :class:`PlayClock`.
"""

from __future__ import annotations

from collections import deque

REPORTS = 8  # that are remembered; the one that came with the least delay is believed


class PlayClock:
    """Estimates what was played, in samples, from reports that come late and seldom.

    Parameters
    ----------
    sample_rate : int > 0
        In Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self.begin()

    def begin(self) -> None:
        """Begin with a new sound, of which nothing was played yet."""
        self._leads: deque[float] = deque(maxlen=REPORTS)
        self._played, self._starts, self._sounds = 0, 0, False

    def report(self, played: int, starts: int, sounds: bool, now: float) -> None:
        """Take a report over.

        Parameters
        ----------
        played : int
            Samples that were played.
        starts : int
            How often sound has begun; after a gap all earlier reports are worth nothing.
        sounds : bool
            Whether it sounds, and isn't waiting for more.
        now : float
            Time on a clock that never goes back, in seconds.
        """
        if starts != self._starts or not sounds:
            self._leads.clear()
        self._played, self._starts, self._sounds = played, starts, sounds
        self._leads.append(played / self.sample_rate - now)

    def played(self, now: float, pushed: int) -> int:
        """Samples that were played by now, of those that were ``pushed``."""
        if not self._sounds:
            return self._played
        lead = max(self._leads)  # what comes late seems to lie behind
        return min(pushed, max(self._played, round((lead + now) * self.sample_rate)))
