"""A finished batch of generated sounds, and its files with recall data."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..audio.growing import write_extendable
from .end_state import SUFFIX, EndState


@dataclass(frozen=True)
class Generated:
    """Sounds a network made, each behind its prompt.

    Attributes
    ----------
    audio : np.ndarray [shape=(n, C, samples)]
        float32; prompt and continuation, as the network left it: never normalised.
    sample_rate : int
    prompt_end_seconds : float
        Where the prompts end and new sound begins.
    recall : list of dict
        Per sound, what it takes to make it again; written into its file.
    states : list of EndState
        Per sound, where it stopped, so that it can be extended.
    """

    audio: np.ndarray
    sample_rate: int
    prompt_end_seconds: float
    recall: list[dict[str, Any]]
    states: list[EndState] = field(default_factory=list, repr=False)

    @property
    def continuation(self) -> np.ndarray:
        """The new sound alone, ``[n, C, samples]``."""
        return self.audio[..., round(self.prompt_end_seconds * self.sample_rate) :]

    def save(self, folder: str | Path, name: str = "sound") -> list[Path]:
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
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for i, (sound, recall) in enumerate(zip(self.audio, self.recall, strict=True)):
            path = free_path(folder, name)
            write_extendable(path, sound, self.sample_rate, recall)
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
