"""A finished batch of generated sounds, and its files with recall data."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..arguments import PathArg, checked
from ..audio.atomic import make_folder
from ..audio.growing import write_extendable
from .end_state import SUFFIX, EndState


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
        paths = []
        for i, (sound, recall) in enumerate(zip(self.audio, self.recall, strict=True)):
            path = free_path(folder, name)
            end = self.states[i].facts["n_samples"] if "stopped" in recall else sound.shape[-1]
            write_extendable(path, sound[:, :end], self.sample_rate, recall)
            if self.states:
                self.states[i].save(path.with_suffix(SUFFIX))
            paths.append(path)
        return paths


def free_path(folder: Path, name: str) -> Path:
    """First of ``<name>_001.wav``, ``<name>_002.wav`` ... that doesn't exist."""
    number = 1
    while (path := folder / f"{name}_{number:03d}.wav").exists():
        number += 1
    return path
