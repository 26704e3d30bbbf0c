"""How much of a sound is the recording itself, seen in a network's own latent frames.

Sound that a network made of latent frames lacks what the components leave out, so that passages
it knows by heart escape a search among spectra (:mod:`.copies`). In the latent frames they
don't: a frame counts as *recorded* if it belongs to a passage of :data:`SHORTEST_SECONDS` or
more that goes through the recording frame by frame, each within a radius. The radius is measured:
nine in ten frames of excerpts that were turned into latent frames and back lie within it.

Main names: :class:`ReplayIndex`, :class:`Replay`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..errors import ParameterError
from ..features.learned import LearnedFeature, Sound

SHORTEST_SECONDS = 0.3
"""Passages shorter than this are figures that sounds have in common, not copies."""

_WITHIN = 0.9
"""Share of the frames of a true copy that lie within the radius."""

_MOST_MISSED = 2
"""Frames on end that may lie beyond the radius within a passage."""

_N_EXCERPTS = 8
_EXCERPT_SECONDS = 2.0
_NONE = torch.zeros(0, 0)
_BLOCK_PLACES = 2**16
"""Places of the recording that are compared at once."""


@dataclass(frozen=True)
class Replay:
    """How much of a sound is recorded.

    Attributes
    ----------
    share : float in [0, 1]
        Frames that belong to recorded passages, of all.
    longest_seconds : float
        The longest passage.
    longest_at_seconds : float
        Where it begins in the sound.
    """

    share: float
    longest_seconds: float
    longest_at_seconds: float

    def __str__(self) -> str:
        if not self.share:
            return "repeats no passage of the recording"
        longest = f"the longest {self.longest_seconds:.1f} s"
        return f"{100 * self.share:.0f} % in passages of the recording, {longest}"


class ReplayIndex:
    """A recording in the latent frames of a feature, ready to be compared with.

    Parameters
    ----------
    feature : LearnedFeature
        With its tensors.
    stretches : sequence of (int, function)
        The recording: length of each stretch, and what reads a part of it. Passages don't go on
        from one to the next.

    Attributes
    ----------
    radius : float
        Distance within which two frames count as the same.

    Raises
    ------
    ParameterError
        If no stretch holds a frame.
    """

    def __init__(self, feature: LearnedFeature, stretches: Sequence[tuple[int, Sound]]) -> None:
        self.feature = feature
        values = [
            torch.cat(list(feature.grid_blocks(*stretch)) or [_NONE]) for stretch in stretches
        ]
        if not any(len(x) for x in values):
            raise ParameterError("The recording is shorter than a frame; nothing can be compared.")
        self._values = torch.cat([x for x in values if len(x)])
        lengths = torch.tensor([len(x) for x in values if len(x)])
        self._is_first = torch.zeros(len(self._values), dtype=torch.bool)
        self._is_first[lengths.cumsum(0) - lengths] = True
        self.radius = self._true_distance(
            [stretch for stretch, x in zip(stretches, values, strict=True) if len(x)]
        )

    @torch.no_grad()
    def replay(self, y: Tensor | np.ndarray) -> Replay:
        """How much of a sound ``y [samples]``, at the feature's rate, is recorded."""
        x = self.feature.grid_values(torch.as_tensor(y, dtype=torch.float32))
        seconds = self.feature.grid / self.feature.axis.sample_rate
        shortest = max(1, math.ceil(SHORTEST_SECONDS / seconds))
        run, missed = torch.zeros(2, len(self._values), dtype=torch.int32)
        longest = np.zeros(len(x), dtype=np.int64)
        for i, frame in enumerate(x):
            is_near = self._distances(frame) <= self.radius
            before, missed = self._one_further(run), self._one_further(missed)
            missed = torch.where(is_near, 0, missed + 1)
            goes_on = is_near | ((before > 0) & (missed <= _MOST_MISSED))
            run = torch.where(goes_on, before + 1, 0)
            longest[i] = int((run - missed)[goes_on].amax()) if goes_on.any() else 0
        is_recorded = np.zeros(len(x), dtype=bool)
        for last in np.flatnonzero(longest >= shortest):
            is_recorded[last + 1 - longest[last] : last + 1] = True
        if not is_recorded.any():
            return Replay(0.0, 0.0, 0.0)
        end = int(longest.argmax())
        first = end + 1 - int(longest[end])
        return Replay(float(is_recorded.mean()), float(longest[end]) * seconds, first * seconds)

    def _one_further(self, counts: Tensor) -> Tensor:
        """What was counted for each place's predecessor; nothing at the start of a stretch."""
        return torch.cat([counts.new_zeros(1), counts[:-1]]).masked_fill_(self._is_first, 0)

    def _distances(self, frame: Tensor) -> Tensor:
        """Distances ``[N]`` of a frame ``[dim]`` from all places of the recording."""
        parts = self._values.split(_BLOCK_PLACES)
        return torch.cat([torch.linalg.vector_norm(part - frame, dim=-1) for part in parts])

    def _true_distance(self, stretches: Sequence[tuple[int, Sound]]) -> float:
        """Distance that most frames of excerpts have from where they were taken.

        The excerpts begin between the places of the grid, go through the feature and come back.
        """
        rate, grid = self.feature.axis.sample_rate, self.feature.grid
        length = max(self.feature.axis.frame_length + grid, round(_EXCERPT_SECONDS * rate))
        longest = max(n for n, _ in stretches)
        long = [stretch for stretch in stretches if stretch[0] >= min(length, longest)]
        found = []
        for i in range(_N_EXCERPTS):
            n, read = long[i * len(long) // _N_EXCERPTS]
            start = i * max(0, n - length) // _N_EXCERPTS
            excerpt = read(start, min(start + length, n))
            stream = self.feature.inverse_stream(1)
            x = self.feature.frames(excerpt)[None]
            again = torch.cat([stream.push(x), stream.flush()], 1)[0]
            made = self.feature.grid_values(again[:length])
            found += [float(self._distances(frame).min()) for frame in made]
        return float(np.quantile(found, _WITHIN))
