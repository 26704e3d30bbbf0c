"""A piece: what a score sounds like, in memory or as a stream."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...analysis.export import regions
from ...audio.atomic import replacing
from ...audio.write import write
from ...progress import Progress, Watch
from ..made import MadeSound, Stored, free_path, in_memory
from .kept import KeptTurn
from .room import Room, Turn
from .score import Score
from .voice import PARALLEL, Parts, Voice


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

    def __init__(
        self,
        score: Score,
        room: Room,
        n_samples: int | None = None,
        earlier: Piece | None = None,
    ) -> None:
        self.score, self.room, self.wanted = score, room, n_samples
        self.sample_rate, self.n_channels = room.sample_rate, room.n_channels
        self.parts: Parts = {}
        self.n_samples = 0
        kept = () if earlier is None else earlier.kept
        self._voice = Voice(score, room, n_samples, kept=kept)

    def __next__(self) -> np.ndarray:
        self.parts = next(self._voice)
        block: np.ndarray = np.add.reduce(list(self.parts.values()))
        self.n_samples += block.shape[1]
        return block

    @property
    def kept(self) -> list[KeptTurn]:
        """What was played, turn by turn, if the room keeps it."""
        return self._voice.record

    def hand_over(self) -> None:
        """Let the next turn begin now, in each of parallel voices."""
        self._voice.hand_over()

    @property
    def muted(self) -> set[int]:
        """Parallel voices, by number, that play on but aren't heard; may be changed."""
        return self.room.muted

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
            "seconds": (self.wanted or self.n_samples) / self.sample_rate,
            "is_open": self.wanted is None,
            "sample_rate": self.sample_rate,
            "n_channels": self.n_channels,
            "corpus": None if corpus is None else {"hash": corpus.hash, "path": str(corpus.path)},
        }


@dataclass(frozen=True)
class Ensemble(MadeSound):
    """A finished piece, ``.audio [C, samples]``.

    What is saved is the mix (with recall data), the score (YAML; not of an iterable), the turns for
    Audacity (``.txt``) and for REAPER's region manager (``.csv``), and the stems if there are any.

    Attributes
    ----------
    samples, sample_rate, paths
        See :class:`~..made.MadeSound`.
    turns : list of Turn
        Who played when, with what.
    score : Score
    recall : dict
        What it takes to make it again.
    stem_samples : dict of np.ndarray or Stored
        See :attr:`stems`.
    """

    turns: list[Turn]
    score: Score
    recall: dict[str, Any]
    stem_samples: Mapping[str, np.ndarray | Stored] = field(default_factory=dict, repr=False)

    default_name = "ensemble"

    @property
    def stems(self) -> dict[str, np.ndarray]:
        """By generator its part ``[C, samples]``, if asked for; their sum is the piece."""
        return {label: in_memory(samples) for label, samples in self.stem_samples.items()}

    def _write_to(self, folder: Path, name: str) -> list[Path]:
        path = free_piece(folder, name, len(self.stem_samples))
        paths = [write(path, self.audio, self.sample_rate, "FLOAT", recall=self.recall)]
        if self.recall["ensemble"]:
            paths.append(path.with_suffix(".yaml"))
            self.score.to_yaml(paths[-1])
        paths += write_turns(path, self.turns)
        for i, stem in enumerate(self.stem_samples.values(), 1):
            paths.append(write(stem_of(path, i), in_memory(stem), self.sample_rate, "FLOAT"))
        return paths


def finished(
    piece: Piece,
    samples: np.ndarray | Stored,
    stems: Mapping[str, np.ndarray | Stored] | None = None,
    paths: Sequence[Path] = (),
) -> Ensemble:
    """A piece that was played, with its sound."""
    turns, recall = piece.turns, piece.recall()
    return Ensemble(
        samples, piece.sample_rate, turns, piece.score, recall, stems or {}, paths=list(paths)
    )


def stem_of(path: Path, number: int) -> Path:
    """Where a stem of a mix is written."""
    return path.with_name(f"{path.stem}_stem_{number}.wav")


def free_piece(folder: Path, name: str, n_stems: int) -> Path:
    """Where a mix may be written such that nothing of the same name is beside it."""
    stems = [f"_stem_{i + 1}.wav" for i in range(n_stems)]
    return free_path(folder, name, [".wav", ".yaml", ".txt", ".csv", *stems])


def write_turns(path: Path, turns: list[Turn]) -> list[Path]:
    """Write turns beside a mix, as labels for Audacity and as regions for REAPER."""
    texts = {".txt": audacity_labels(turns), ".csv": reaper_regions(turns)}
    paths = [path.with_suffix(suffix) for suffix in texts]
    for place, text in zip(paths, texts.values(), strict=True):
        with replacing(place) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="")
    return paths


def audacity_labels(turns: list[Turn]) -> str:
    """Turns as lines of start, stop and generator, separated by tabs."""
    return "".join(f"{t.start:.6f}\t{t.stop:.6f}\t{' '.join(t.generator.split())}\n" for t in turns)


def reaper_regions(turns: list[Turn]) -> str:
    """Turns as a table that REAPER's region manager imports."""
    return regions((t.start, t.stop, t.generator) for t in turns)


def collect(
    piece: Piece, keep_stems: bool, progress: Watch | None = None
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The whole piece ``[C, samples]`` and, if wanted, its stems."""
    blocks: list[np.ndarray] = []
    stems: dict[str, list[tuple[int, np.ndarray]]] = {}
    progress, wanted = Progress.of(progress), wanted_seconds(piece)
    position = 0
    for block in piece:
        progress.tell(piece.n_samples / piece.sample_rate, wanted)
        blocks.append(block)
        if keep_stems:
            for label, part in piece.parts.items():
                stems.setdefault(label, []).append((position, part))
        position += block.shape[1]
    audio = np.concatenate(blocks, 1) if blocks else np.zeros((piece.n_channels, 0), np.float32)
    return audio, {label: _placed(parts, audio) for label, parts in stems.items()}


def wanted_seconds(piece: Piece) -> float:
    """Length that was asked for; infinite without one."""
    return math.inf if piece.wanted is None else piece.wanted / piece.sample_rate


def kept_stems(piece: Piece) -> dict[str, np.ndarray]:
    """Parts ``[C, samples]`` of a kept piece, by generator."""
    stems: dict[str, list[tuple[int, np.ndarray]]] = {}
    position = 0
    for turn in piece.kept:
        for parts, _ in turn.blocks:
            for label, part in parts.items():
                stems.setdefault(label, []).append((position, part))
            position += next(iter(parts.values())).shape[1]
    like = np.zeros((piece.n_channels, position), np.float32)
    return {label: _placed(parts, like) for label, parts in stems.items()}


def voice_stems(piece: Piece, n_voices: int) -> dict[str, np.ndarray]:
    """Parts of a kept piece, each of its parallel voices by itself."""
    stems = {label: y for label, y in kept_stems(piece).items() if label != PARALLEL}
    for i in range(n_voices):
        muted = set(range(n_voices)) - {i}
        piece.room.studio.forget()
        room = replace(piece.room, keeps=False, turns=[], muted=muted)
        alone = Piece(piece.score, room, piece.wanted, piece)
        stems[f"voice {i + 1}"] = collect(alone, keep_stems=True)[1][PARALLEL]
    return stems


def _placed(parts: list[tuple[int, np.ndarray]], like: np.ndarray) -> np.ndarray:
    out = np.zeros_like(like)
    for start, part in parts:
        out[:, start : start + part.shape[1]] += part
    return out
