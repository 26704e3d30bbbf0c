"""What the views of segments and of clusters share: one sound, one session, an analysis as a job.

The cell run again finds what was analysed and edited before: the session belongs to the sound,
not to the view. Main name: :class:`AnalysisView`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable
from hashlib import blake2b
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from IPython.display import display

from ...corpus.store import Corpus
from ...recipes.analysing import Recording, read_recording
from ...runtime import say
from ..pictures import Picture
from .model import Session, session_of

Found = TypeVar("Found")
Settings = TypeVar("Settings")


class AnalysisView(ABC, Generic[Found, Settings]):
    """An analysis of a recording, its edits, and the view onto them.

    Parameters
    ----------
    sound : recording
        A file, samples or a corpus.
    sr : int or None
        Rate of samples.
    settings
        Of the first analysis.
    out : Path
        Where files are written.
    headless : bool
    *key : hashable
        What the session belongs to beside the sound and ``out``.

    Attributes
    ----------
    session : Session
        The analysis and its edits; the same for every view of the same sound.
    widget : ipywidgets.Widget or None
        What to show; None in a headless run.
    """

    widget: Any = None

    def __init__(
        self,
        sound: Recording,
        sr: int | None,
        settings: Settings,
        out: Path,
        headless: bool,
        *key: Hashable,
    ) -> None:
        self.y, self.sample_rate, self.borders = read_recording(sound, sr)
        self.sound, self.out, self.headless = sound, out, headless
        self.corpus = sound if isinstance(sound, Corpus) else None
        self.settings = settings
        self.session: Session[Found] = session_of(
            (type(self).__name__, sound_key(self.y, self.sample_rate), str(out.absolute()), *key)
        )

    @abstractmethod
    def analyse(self, settings: Settings, foreground: bool | None = None) -> None:
        """Begin an analysis."""

    @abstractmethod
    def picture(self) -> Picture:
        """What was found, as a picture in the place of the view."""

    @property
    def value(self) -> Found:
        """What was found, as it is now; waits for an analysis that is at work.

        Raises
        ------
        ParameterError
            If there is nothing: the analysis was stopped, or has not begun.
        """
        if self.headless and self.session.history.now is None:
            self.analyse(self.settings, foreground=True)
        return self.session.wait()

    def run(self) -> Picture | None:
        """Show the view and begin the analysis; a headless run does it here and now.

        What was edited and not written yet is kept, whatever the settings.

        Returns
        -------
        Picture or None
            In a headless run the picture, in the place of the view.
        """
        session = self.session
        if self.headless:
            self.analyse(self.settings, foreground=True)
            return self.picture()
        is_new = session.history.now is None or session.asked != self.settings
        session.asked = self.settings
        if is_new and not session.is_edited and not session.is_busy:
            self.analyse(self.settings)
        display(self.widget)
        return None

    def _ipython_display_(self) -> None:
        if self.widget is not None:
            display(self.widget)
        else:
            say(repr(self))


def sound_key(y: np.ndarray, sr: int) -> str:
    """What tells a sound from others, without reading all of it."""
    y = np.asarray(y)
    every = max(1, y.shape[-1] // 100_000)
    part = np.ascontiguousarray(y[..., ::every])
    return f"{y.shape} {sr} {blake2b(part.tobytes(), digest_size=12).hexdigest()}"
