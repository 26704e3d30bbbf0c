"""What there is to draw of a training. Main name: :class:`Losses`."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Losses:
    """What there is to draw.

    Attributes
    ----------
    steps, losses : list
        Of what is learned from.
    held_out : list of (int, float)
        Steps and losses on the held-out part.
    checkpoints : list of int
        Steps with a checkpoint.
    """

    steps: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    held_out: list[tuple[int, float]] = field(default_factory=list)
    checkpoints: list[int] = field(default_factory=list)
