"""Hooks that hear: finished sound in blocks of one length, however it is pulled."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...engine.stages import State
from .base import Hook


class Listening:
    """Plays the sound of a stream to the hooks that hear it.

    Parameters
    ----------
    hooks : sequence of Hook
    state : dict
        The state of generation, which holds their memory.
    shape : tuple of int
        Streams and channels.
    block_samples : int > 0
        Length of the blocks.

    Attributes
    ----------
    unheard : Tensor [shape=(B, < block_samples)]
        Sound since the last whole block.
    """

    def __init__(
        self, hooks: Sequence[Hook], state: State, shape: tuple[int, int], block_samples: int
    ) -> None:
        self.hooks = {i: hook for i, hook in enumerate(hooks) if "audio" in hook.places}
        self.state, self.shape, self.block_samples = state, shape, block_samples
        self.unheard = torch.zeros(shape[0] * shape[1], 0)

    @property
    def n_missing(self) -> int:
        """Samples up to the end of the block."""
        return self.block_samples - self.unheard.shape[1]

    @torch.no_grad()
    def hear(self, audio: Tensor) -> dict[int, Hook]:
        """Take up to :attr:`n_missing` samples ``[B, n]``; streams that stop here, and by what."""
        self.unheard = torch.cat([self.unheard.to(audio), audio], 1)
        stopped: dict[int, Hook] = {}
        if self.n_missing:
            return stopped
        block, self.unheard = self.unheard, self.unheard[:, :0]
        for i, hook in self.hooks.items():
            stops = hook.audio(block, self.state["hooks"][str(i)])
            if stops is not None:
                whole = stops.unflatten(0, self.shape).all(1)
                stopped |= {int(k): hook for k in whole.nonzero() if int(k) not in stopped}
        return stopped
