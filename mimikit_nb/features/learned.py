"""Features with weights: what every feature that is fitted to a corpus, or trained, has in common.

A learned feature is built like any other, without its tensors; :meth:`LearnedFeature.fit` or
:meth:`LearnedFeature.load` gives them. They never change after that, and travel in the
checkpoints of the networks that read the feature.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor

from ..errors import FeatureError
from .base import Continuous, Feature

_BLOCK_PLACES = 4096
"""Places of the grid that are computed at once."""

Sound = Callable[[int, int], Tensor]
"Samples ``[start, stop)`` of a stretch of sound."


class LearnedFeature(Feature):
    """A feature whose values depend on tensors that were learned from a corpus.

    Attributes
    ----------
    grid : int
        Samples from one place where an item may begin to the next, where the values of a corpus
        are computed once for all.
    grid_stride : int
        Places of the grid from one item to the next: an item at place ``n`` is followed by that
        at place ``n + grid_stride``.
    """

    kind: Continuous
    grid: int
    grid_stride: int

    def __init__(self) -> None:
        self._tensors: dict[str, Tensor] = {}
        self._on_device: dict[torch.device, dict[str, Tensor]] = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """The feature itself: tensors don't change once they are there."""
        return self

    @property
    def is_learned(self) -> bool:
        """Whether it has its tensors."""
        return bool(self._tensors)

    @property
    def tensors(self) -> dict[str, Tensor]:
        """What was learned, by name."""
        return dict(self._tensors)

    @property
    @abstractmethod
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes that the tensors must have, by name."""

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over tensors that were learned before.

        Raises
        ------
        FeatureError
            If there are others already, or these don't fit.
        """
        found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        if found != self.shapes:
            raise FeatureError(
                f"{type(self).__name__} needs tensors of the shapes {self.shapes}, not {found}."
            )
        if self.is_learned:
            raise FeatureError(f"{type(self).__name__} has been learned already.")
        self._tensors = {name: tensor.detach().cpu() for name, tensor in tensors.items()}

    @abstractmethod
    def fit(self, stretches: Sequence[tuple[int, Sound]]) -> None:
        """Learn the tensors from sound.

        Parameters
        ----------
        stretches : sequence of (int, function)
            Length in samples of each stretch, and a function that reads a part of it.

        Raises
        ------
        FeatureError
            If there is too little sound to learn from.
        """

    @abstractmethod
    def grid_values(self, y: Tensor) -> Tensor:
        """Values ``[..., N, dim]`` of the items at all places of the grid in ``y [..., samples]``.

        The first begins with the first sample, the last is the last that fits.
        """

    def grid_blocks(self, length: int, sound: Sound) -> Iterator[Tensor]:
        """Values ``[n, dim]`` of the items at all places of the grid in sound, block by block.

        Parameters
        ----------
        length : int
            Samples of the sound.
        sound : function
            Reads a part of it.
        """
        n_places = (length - self.axis.frame_length) // self.grid + 1
        for first in range(0, n_places, _BLOCK_PLACES):
            n = min(_BLOCK_PLACES, n_places - first)
            start = first * self.grid
            yield self.grid_values(
                sound(start, start + (n - 1) * self.grid + self.axis.frame_length)
            )

    def tensor(self, name: str, device: torch.device) -> Tensor:
        """One of the tensors, on a device."""
        if not self.is_learned:
            raise FeatureError(
                f"{type(self).__name__} has to be fitted to a corpus first: train a network on "
                "it, or take the feature of a checkpoint."
            )
        if device not in self._on_device:
            self._on_device[device] = {n: t.to(device) for n, t in self._tensors.items()}
        return self._on_device[device][name]
