"""Sounds that a network made, and their files with recall data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..audio.growing import write_extendable
from ..audio.targets import SOUND, check_target
from .end_state import END_STATE, SUFFIX, EndState
from .made import MadeSound, free_paths


@dataclass(frozen=True)
class Generated(MadeSound):
    """Sounds a network made, each behind its prompt.

    ``.audio [n, C, samples]`` is prompt and continuation. A sound that a hook has stopped is silent
    from there on, and its file ends there. Beside each file stands its end state, from which it
    can be extended.

    Attributes
    ----------
    samples, sample_rate, paths
        See :class:`~.made.MadeSound`; the one file, if they are in a bank (``.h5``).
    prompt_end_seconds : float
        Where the prompts end and new sound begins.
    recall : list of dict
        Per sound, what it takes to make it again; written into its file.
    states : sequence of EndState
        Per sound, where it stopped, so that it can be extended.
    auxiliary : dict of np.ndarray [shape=(n, C, steps, ...)]
        What the network predicted beside the sound, by variable: an item per model step behind
        the prompt, up to 0.05 s beyond the end of the sound. Of sound in memory only.
    """

    prompt_end_seconds: float
    recall: list[dict[str, Any]]
    states: Sequence[EndState] = field(default_factory=list, repr=False)
    auxiliary: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    @property
    def continuation(self) -> np.ndarray:
        """The new sound alone, ``[n, C, samples]``."""
        return self.audio[..., round(self.prompt_end_seconds * self.sample_rate) :]

    def split(self) -> list[Generated]:
        """The sounds one by one, each as a batch of its own."""
        audio = self.audio
        return [
            replace(
                self,
                samples=audio[i : i + 1],
                recall=self.recall[i : i + 1],
                states=self.states[i : i + 1],
                auxiliary={name: x[i : i + 1] for name, x in self.auxiliary.items()},
                paths=[],
            )
            for i in range(len(audio))
        ]

    def behind(self, before: Generated) -> Generated:
        """The sounds that these go on from, and these, as one."""
        drawn = {name: [x] for name, x in before.auxiliary.items()}
        for name, x in self.auxiliary.items():
            drawn.setdefault(name, []).append(x)
        return replace(
            self,
            samples=np.concatenate([before.audio, self.audio], -1),
            auxiliary={name: np.concatenate(parts, 2) for name, parts in drawn.items()},
        )

    def _write_to(self, folder: Path, name: str) -> list[Path]:
        sounds = self.split()
        paths = free_paths(folder, name, len(sounds))
        for sound, path in zip(sounds, paths, strict=True):
            sound.write(path)
        return paths

    def write(self, path: Path) -> None:
        """Write a single sound, and its end state beside it.

        Raises
        ------
        AudioError
            If there is a file already, or it can't be written.
        """
        (sound,), (recall,) = self.audio, self.recall
        check_target(path, SOUND, overwrite=False)
        end = self.states[0].facts["n_samples"] if "stopped" in recall else sound.shape[-1]
        for _ in self.states:
            check_target(path.with_suffix(SUFFIX), END_STATE, overwrite=True)
        write_extendable(path, sound[:, :end], self.sample_rate, recall)
        for state in self.states:
            state.save(path.with_suffix(SUFFIX))
