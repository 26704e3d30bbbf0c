"""A piece: what a score sounds like, in memory or as a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...audio.atomic import make_folder
from ...audio.write import write
from ..output import free_path
from .score import Score
from .voice import Parts, Room, Turn, Voice

Progress = Callable[[float, float], None]


class Piece(Iterator[np.ndarray]):
    """A score played; iterating gives blocks ``[C, n]`` in constant memory, maybe without end.

    Attributes
    ----------
    sample_rate, n_channels : int
    turns : list of Turn
        Those that have begun.
    parts : dict of np.ndarray
        By generator what the latest block is the sum of.
    n_samples : int
        Samples so far.
    """

    def __init__(self, score: Score, room: Room, n_samples: int | None = None) -> None:
        self.score, self.room, self.wanted = score, room, n_samples
        self.sample_rate, self.n_channels = room.sample_rate, room.n_channels
        self.parts: Parts = {}
        self.n_samples = 0
        self._voice = Voice(score, room, n_samples)

    def __next__(self) -> np.ndarray:
        self.parts = next(self._voice)
        block: np.ndarray = np.add.reduce(list(self.parts.values()))
        self.n_samples += block.shape[1]
        return block

    @property
    def turns(self) -> list[Turn]:
        """Turns that have begun, in the order of their start, none beyond what sounded."""
        end = self.n_samples / self.sample_rate
        return [
            t if t.stop <= end else Turn(t.start, end, t.generator, t.parameters, t.voice)
            for t in sorted(self.room.turns, key=lambda t: t.start)
            if t.start < end
        ]

    def recall(self) -> dict[str, Any]:
        """What it takes to make the piece again."""
        corpus = self.room.studio.corpus
        return {
            "ensemble": self.score.to_list(),
            "seed": self.room.seed,
            "seconds": self.n_samples / self.sample_rate,
            "corpus": None if corpus is None else {"hash": corpus.hash, "path": str(corpus.path)},
        }


@dataclass(frozen=True)
class Ensemble:
    """A finished piece.

    Attributes
    ----------
    audio : np.ndarray [shape=(C, samples)]
        float32, as generated: never normalised.
    sample_rate : int
    turns : list of Turn
        Who played when, with what.
    score : Score
    recall : dict
        What it takes to make it again.
    stems : dict of np.ndarray [shape=(C, samples)]
        By generator its part, if they were asked for; their sum is the piece.
    """

    audio: np.ndarray
    sample_rate: int
    turns: list[Turn]
    score: Score
    recall: dict[str, Any]
    stems: dict[str, np.ndarray] = field(default_factory=dict)

    def save(self, folder: str | Path, name: str = "ensemble") -> list[Path]:
        """Write the mix, its score, its turns as Audacity labels, and stems if there are any.

        Parameters
        ----------
        folder : str or Path
            Made if it doesn't exist.
        name : str, default "ensemble"
            Files are called ``<name>_001.wav`` and so on, from the first free number.

        Returns
        -------
        list of Path
            The mix (with recall data), the score (YAML; not of an iterable), the labels, the stems.
        """
        folder = Path(folder)
        make_folder(folder)
        path = free_path(folder, name)
        paths = [write(path, self.audio, self.sample_rate, "FLOAT", recall=self.recall)]
        if self.recall["ensemble"]:
            paths.append(path.with_suffix(".yaml"))
            self.score.to_yaml(paths[-1])
        paths.append(path.with_suffix(".txt"))
        paths[-1].write_text(audacity_labels(self.turns), encoding="utf-8")
        for i, stem in enumerate(self.stems.values(), 1):
            stem_path = folder / f"{path.stem}_stem_{i}.wav"
            paths.append(write(stem_path, stem, self.sample_rate, "FLOAT"))
        return paths


def audacity_labels(turns: list[Turn]) -> str:
    """Turns as lines of start, stop and generator, separated by tabs."""
    return "".join(f"{t.start:.6f}\t{t.stop:.6f}\t{' '.join(t.generator.split())}\n" for t in turns)


def collect(
    piece: Piece, keep_stems: bool, progress: Progress | None = None
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The whole piece ``[C, samples]`` and, if wanted, its stems."""
    blocks: list[np.ndarray] = []
    stems: dict[str, list[tuple[int, np.ndarray]]] = {}
    position, wanted = 0, (piece.wanted or 0) / piece.sample_rate
    for block in piece:
        if progress is not None:
            progress(piece.n_samples / piece.sample_rate, wanted)
        blocks.append(block)
        if keep_stems:
            for label, part in piece.parts.items():
                stems.setdefault(label, []).append((position, part))
        position += block.shape[1]
    audio = np.concatenate(blocks, 1) if blocks else np.zeros((piece.n_channels, 0), np.float32)
    return audio, {label: _placed(parts, audio) for label, parts in stems.items()}


def _placed(parts: list[tuple[int, np.ndarray]], like: np.ndarray) -> np.ndarray:
    out = np.zeros_like(like)
    for start, part in parts:
        out[:, start : start + part.shape[1]] += part
    return out
