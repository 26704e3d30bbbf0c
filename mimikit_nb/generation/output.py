"""A finished batch of generated sounds, and its files with recall data."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..arguments import PathArg, checked
from ..audio.atomic import make_folder
from ..audio.growing import write_extendable
from ..audio.locks import naming
from ..audio.names import file_name
from ..audio.targets import SOUND, check_target
from .end_state import END_STATE, SUFFIX, EndState


@dataclass(frozen=True)
class Generated:
    """Sounds a network made, each behind its prompt.

    Attributes
    ----------
    audio : np.ndarray [shape=(n, C, samples)]
        float32; prompt and continuation, as the network left it: never normalised. A sound that
        a hook has stopped is silent from there on, and its file ends there.
    sample_rate : int
    prompt_end_seconds : float
        Where the prompts end and new sound begins.
    recall : list of dict
        Per sound, what it takes to make it again; written into its file.
    states : list of EndState
        Per sound, where it stopped, so that it can be extended.
    auxiliary : dict of np.ndarray [shape=(n, C, steps, ...)]
        What the network predicted beside the sound, by variable: an item per model step behind
        the prompt, up to 0.05 s beyond the end of the sound.
    """

    audio: np.ndarray
    sample_rate: int
    prompt_end_seconds: float
    recall: list[dict[str, Any]]
    states: list[EndState] = field(default_factory=list, repr=False)
    auxiliary: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    @property
    def continuation(self) -> np.ndarray:
        """The new sound alone, ``[n, C, samples]``."""
        return self.audio[..., round(self.prompt_end_seconds * self.sample_rate) :]

    def split(self) -> list[Generated]:
        """The sounds one by one, each as a batch of its own."""
        return [
            replace(
                self,
                audio=self.audio[i : i + 1],
                recall=self.recall[i : i + 1],
                states=self.states[i : i + 1],
                auxiliary={name: x[i : i + 1] for name, x in self.auxiliary.items()},
            )
            for i in range(len(self.audio))
        ]

    def behind(self, before: Generated) -> Generated:
        """The sounds that these go on from, and these, as one."""
        drawn = {name: [x] for name, x in before.auxiliary.items()}
        for name, x in self.auxiliary.items():
            drawn.setdefault(name, []).append(x)
        return replace(
            self,
            audio=np.concatenate([before.audio, self.audio], -1),
            auxiliary={name: np.concatenate(parts, 2) for name, parts in drawn.items()},
        )

    @checked
    def save(self, folder: PathArg, name: str = "sound") -> list[Path]:
        """Write one WAV file per sound, with recall data; existing files are never replaced.

        Beside each stands its end state, from which it can be extended.

        Parameters
        ----------
        folder : str or Path
            Made if it doesn't exist.
        name : str, default "sound"
            Files are called ``<name>_001.wav`` and so on, from the first free number.

        Returns
        -------
        list of Path

        Raises
        ------
        AudioError
            If the folder can't be made or written to.
        """
        folder = Path(folder)
        make_folder(folder)
        with naming(folder):
            paths = free_paths(folder, name, len(self.audio))
            for i, path in enumerate(paths):
                self.write(i, path)
        return paths

    def write(self, i: int, path: Path) -> None:
        """Write one of the sounds, and its end state beside it.

        Raises
        ------
        AudioError
            If there is a file already, or it can't be written.
        """
        check_target(path, SOUND, overwrite=False)
        sound, recall = self.audio[i], self.recall[i]
        end = self.states[i].facts["n_samples"] if "stopped" in recall else sound.shape[-1]
        if self.states:
            check_target(path.with_suffix(SUFFIX), END_STATE, overwrite=True)
        write_extendable(path, sound[:, :end], self.sample_rate, recall)
        if self.states:
            self.states[i].save(path.with_suffix(SUFFIX))


def free_path(folder: Path, name: str, suffixes: Sequence[str] = (".wav",)) -> Path:
    """First of ``<name>_001.wav``, ``<name>_002.wav`` ... that doesn't exist.

    Parameters
    ----------
    folder : Path
        Where to look; hold it (:func:`~..audio.locks.naming`) until the file is made.
    name : str
        Any text; what can't stand in a file name is replaced.
    suffixes : sequence of str
        What is written beside it, under the same name and number: that must be free too.
    """
    return free_paths(folder, name, 1, suffixes)[0]


def free_paths(folder: Path, name: str, n: int, suffixes: Sequence[str] = (".wav",)) -> list[Path]:
    """First ``n`` paths that are free, as for :func:`free_path`."""
    stems = (f"{file_name(name)}_{number:03d}" for number in itertools.count(1))
    free = (s for s in stems if not any(os.path.lexists(folder / (s + x)) for x in suffixes))
    return [folder / f"{stem}.wav" for stem in itertools.islice(free, n)]
