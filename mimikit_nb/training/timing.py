"""Where the time of a training run goes."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch

LEARNING = ("forward", "backward", "optimizer")
STEP = (*LEARNING, "data", "other")
"""``data``: reading batches. ``other``: counters, tables, callbacks."""


@dataclass
class Timing:
    """Seconds spent per part of the work.

    Attributes
    ----------
    device : torch.device or None
        Device to wait for at the borders of parts, for exact figures on accelerators; this costs
        speed and is for measurements. None: don't wait.
    seconds : dict of float
        By part: ``forward``, ``backward``, ``optimizer``, ``data``, ``other``; ``held_out``,
        ``checkpoint`` and ``preview`` are no part of a step.
    """

    device: torch.device | None = None
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count the time of a block."""
        start = time.perf_counter()
        try:
            yield
        finally:
            if self.device is not None and self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
            self.seconds[name] += time.perf_counter() - start

    @property
    def outside_share(self) -> float:
        """Share of the steps' time outside forward, backward and optimizer."""
        whole = sum(self.seconds[name] for name in STEP)
        return 1 - sum(self.seconds[name] for name in LEARNING) / whole if whole else 0.0

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in self.seconds.items())
        return f"{parts}; {self.outside_share:.1%} of the steps' time outside the network"


class Speed:
    """Duration of a step of late, for the time left and for what the user sees.

    Parameters
    ----------
    n_steps : int, default 50
        Steps looked back on.
    """

    def __init__(self, n_steps: int = 50) -> None:
        self._seconds: deque[float] = deque(maxlen=n_steps)

    def add(self, seconds: float) -> None:
        """Take the duration of a step into account."""
        self._seconds.append(seconds)

    @property
    def seconds_per_step(self) -> float:
        """Median duration of the last steps; NaN before the first."""
        return statistics.median(self._seconds) if self._seconds else float("nan")
