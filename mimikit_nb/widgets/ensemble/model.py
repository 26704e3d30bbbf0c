"""An ensemble as a view has it: what is composed, what with, and where it is written.

It makes no widgets. Main name: :class:`EnsembleModel`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...audio.recall import read_recall
from ...errors import MimikitError, ParameterError
from ...generation.ensemble.draft import Draft
from ...generation.ensemble.piece import Ensemble
from ...generation.ensemble.score import SOUND_SUFFIXES
from ...paths import as_path
from ...recipes.palette import Palette, look
from ..pictures import Picture
from ..player.marks import as_entries, as_points
from ..player.sound import open_sound
from ..player.still import draw_sound
from .composer import Composer, Take, marks_of


class EnsembleModel:
    """A piece in the making.

    Parameters
    ----------
    composer : Composer
        The draft with its history, and the takes; the same for every view of the same piece.
    runs : Path
        Folder to choose networks and corpora from.
    out : Path
        Folder that is written to.

    Attributes
    ----------
    paths : list of Path
        What was saved last.
    """

    def __init__(self, composer: Composer, runs: Path, out: Path) -> None:
        self.composer, self.runs, self.out = composer, runs, out
        self.paths: list[Path] = []

    @property
    def value(self) -> Ensemble:
        """The first variation as it was generated; waits for work under way.

        Raises
        ------
        ParameterError
            If nothing was generated yet.
        """
        return self.composer.take().made

    def save(self, with_stems: bool = False) -> list[Path]:
        """Write mixes, scores, labels, regions and pictures; nothing existing is replaced."""
        paths = self.composer.save(self.out, with_stems)
        mixes = [p for p in paths if p.suffix == ".wav" and p.with_suffix(".txt") in paths]
        for mix, take in zip(mixes, self.composer.takes.values(), strict=True):
            paths.append(take_picture(take).save(mix.with_suffix(".png")))
        self.paths = paths
        return paths

    def picture(self, variation: int = 0) -> Picture:
        """A take with its turns, and the end of its prompt."""
        return take_picture(self.composer.take(variation))

    def palette(self) -> Palette:
        """Networks and corpora in the folder; none if there is no such folder."""
        try:
            return look(self.runs)
        except MimikitError:
            return Palette({}, {})

    def open(self, source: str | Path) -> None:
        """Take over a score, or the score of a sound that was saved.

        Raises
        ------
        ConfigError, AudioError, ParameterError
            If it can't be read, or has no end.
        """
        path, seconds = as_path(str(source)), None
        if not str(source).strip():
            raise ParameterError("Say which file: a score (.yaml), or a sound that was saved.")
        if path.suffix.lower() in SOUND_SUFFIXES:
            known = read_recall(path)
            self.composer.seed = int(known.get("seed", 0))
            seconds = None if known.get("is_open") else known.get("seconds")
        self.composer.edit(Draft.of(path, self.composer.seed, seconds))


def take_picture(take: Take) -> Picture:
    """Waveform and spectrogram of a take with its turns."""
    sound = open_sound(np.array(take.made.audio), take.piece.sample_rate)
    points, entries = marks_of(take)
    seconds = sound.duration_seconds
    title = f"{len(take.piece.turns)} turns, {seconds:.2f} s"
    figure = draw_sound(
        *(sound, as_points(points, seconds), (), as_entries(entries, seconds)[1], title, True)
    )
    return Picture(figure, title)
