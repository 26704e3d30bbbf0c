"""Where a generated sound stopped: all that its next sample depends on, kept beside the sound."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, overload

import torch

from ..audio.targets import FileKind, begins_with
from ..checkpoint.file import read_file, write_tensors
from ..config import plain
from ..errors import CheckpointError
from ..networks.base import Tensors
from .stream import CLOCK

_KEY = "mimikit_nb_end_state"
_VERSION = 1
SUFFIX = ".state.safetensors"
END_STATE = FileKind("an end state", begins_with(rb".{8}\{.*" + _KEY.encode(), 2**16))


@dataclass(frozen=True)
class EndState:
    """The end of one sound.

    Attributes
    ----------
    tensors : dict of Tensor
        State of the network, of the random numbers, of the inverse; a row per channel.
    facts : dict
        The recall data of the sound, and where it stopped, as JSON types.
    """

    tensors: Tensors
    facts: dict[str, Any]

    def save(self, path: Path) -> None:
        """Write a safetensors file: whole or not at all."""
        text = json.dumps(plain({"version": _VERSION, **self.facts}), default=str)
        write_tensors(path, self.tensors, {_KEY: text})

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what :meth:`save` wrote.

        Raises
        ------
        CheckpointError
            If the file is missing, truncated, foreign or newer.
        """
        tensors, metadata = read_file(path)
        if _KEY not in metadata:
            raise CheckpointError(f"{path} is no end state of a generated sound.")
        try:
            facts = json.loads(metadata[_KEY])
            is_newer = facts.pop("version") > _VERSION
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise CheckpointError(f"{path} is damaged: its facts can't be read.") from error
        if is_newer:
            raise CheckpointError(f"{path} was written by a newer version; update mimikit-nb.")
        return cls(tensors, facts)


class StoredStates(Sequence[EndState]):
    """End states in files, read when they are asked for."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = list(paths)

    def __len__(self) -> int:
        return len(self.paths)

    @overload
    def __getitem__(self, index: int) -> EndState: ...
    @overload
    def __getitem__(self, index: slice) -> StoredStates: ...
    def __getitem__(self, index: int | slice) -> EndState | StoredStates:
        """One of them, or some of the files."""
        found = self.paths[index]
        return StoredStates(found) if isinstance(found, list) else EndState.load(found)


def split_rows(tensors: Tensors, n_streams: int) -> list[Tensors]:
    """Tensors of all rows as those of each stream; nothing is copied."""
    parts: list[Tensors] = [{} for _ in range(n_streams)]
    for name, tensor in tensors.items():
        n = tensor.shape[0] // n_streams
        for i, part in enumerate(parts):
            part[name] = tensor if name == CLOCK else tensor[i * n : (i + 1) * n]
    return parts


def join_rows(states: Sequence[EndState], device: torch.device) -> Tensors:
    """Tensors of all streams together.

    Raises
    ------
    CheckpointError
        If the streams didn't stop at the same time, so that they can't go on together.
    """
    first = states[0].tensors
    for state in states:
        shapes = {k: v.shape for k, v in state.tensors.items()}
        is_alike = shapes == {k: v.shape for k, v in first.items()}
        if not is_alike or not torch.equal(state.tensors[CLOCK], first[CLOCK]):
            raise CheckpointError(
                "These sounds weren't made together or differ in length; extend them one by one."
            )
    return {
        name: (tensor if name == CLOCK else torch.cat([s.tensors[name] for s in states])).to(device)
        for name, tensor in first.items()
    }
