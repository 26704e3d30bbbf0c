"""Voices that sound, and what was kept of them. Main name: :class:`Playing`."""

from __future__ import annotations

from pathlib import Path

from ...errors import ParameterError
from ...generation.live import LivePlay, LiveSettings
from ...recipes.playing import keep


class Playing:
    """Voices that sound, and the files that were written of them; makes no widgets.

    Parameters
    ----------
    play : LivePlay
        The voices.
    out : Path
        Folder for what is kept.
    seconds : float > 0
        How much is kept if nobody says otherwise.

    Attributes
    ----------
    play : LivePlay
        Its ``settings``, ``voices`` and ``is_frozen`` may be set from other cells.
    kept : list of Path
        What was written, in the order of time.
    """

    def __init__(self, play: LivePlay, out: Path, seconds: float) -> None:
        if not seconds > 0:
            raise ParameterError(f"seconds is {seconds}; it must be above 0.")
        self.play, self.out, self.seconds = play, out, seconds
        self.kept: list[Path] = []

    @property
    def value(self) -> LiveSettings:
        """The settings as they stand."""
        return self.play.settings

    @property
    def unheard_seconds(self) -> float:
        """What was made and hasn't been heard yet."""
        return 0.0

    def keep(self, seconds: float | None = None, n_unheard: int | None = None) -> Path:
        """Write the last seconds that were heard to a WAV with recall data.

        Parameters
        ----------
        seconds : float > 0, optional
            At most 60; as many as were asked for at first if not given.
        n_unheard : int, optional
            Samples at the end that are left out; what hasn't been heard yet if None.
        """
        if n_unheard is None:
            n_unheard = round(self.unheard_seconds * self.play.sample_rate)
        self.kept.append(keep(self.play, self.out, seconds or self.seconds, n_unheard))
        return self.kept[-1]
