"""What the models of segments and of clusters share: one sound, one session.

The cell run again finds what was analysed and edited before: the session belongs to the sound,
not to the view. Main name: :class:`AnalysisModel`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable
from hashlib import blake2b
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from ...corpus.store import Corpus
from ...recipes.analysing import Recording, read_recording
from ..kept import kept
from .session import Session

Found = TypeVar("Found")
Settings = TypeVar("Settings")


class AnalysisModel(ABC, Generic[Found, Settings]):
    """An analysis of a recording and its edits; makes no widgets.

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
    *key : hashable
        What the session belongs to beside the sound and ``out``.

    Attributes
    ----------
    session : Session
        The analysis and its edits; the same for every view of the same sound.
    """

    def __init__(
        self, sound: Recording, sr: int | None, settings: Settings, out: Path, *key: Hashable
    ) -> None:
        self.y, self.sample_rate, self.borders = read_recording(sound, sr)
        self.sound, self.out = sound, out
        self.corpus = sound if isinstance(sound, Corpus) else None
        self.settings = settings
        about = sound_key(self.y, self.sample_rate), str(out.absolute()), *key
        self.session: Session[Found] = kept(Session, (type(self).__name__, *about), Session)

    @abstractmethod
    def analyse(self, settings: Settings, foreground: bool | None = None) -> str | None:
        """Begin an analysis; what there is to say about it, if anything."""

    def begin(self) -> None:
        """Begin the analysis that a cell asks for when it is run."""
        self.analyse(self.settings)

    @property
    def value(self) -> Found:
        """What was found, as it is now; waits for an analysis that is at work.

        Raises
        ------
        ParameterError
            If there is nothing: the analysis was stopped, or has not begun.
        """
        return self.session.wait()


def sound_key(y: np.ndarray, sr: int) -> str:
    """What tells a sound from others, without reading all of it."""
    y = np.asarray(y)
    every = max(1, y.shape[-1] // 100_000)
    part = np.ascontiguousarray(y[..., ::every])
    return f"{y.shape} {sr} {blake2b(part.tobytes(), digest_size=12).hexdigest()}"
