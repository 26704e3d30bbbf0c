"""End a sound that has got stuck: :class:`StopWhenStuck`."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ..config import field
from ..engine.stages import State
from ..evaluation.spectra import log_mel, nearest_power_of_two
from ..evaluation.stuck import (
    MIN_RUN_SECONDS,
    BandLevels,
    Run,
    longest_frozen_run,
    longest_loop,
)
from ..generation.hooks.base import BLOCK_SECONDS, HOOKS, HookConfig
from ..networks.base import Network

_HOPS = 4  # spectra in a block of 50 ms
_N_MELS = 40
_FRAME_SECONDS = 0.046
_RANGE_DB = 50.0
_LOOKS_PER_SECOND = 2


@HOOKS.register
class StopWhenStuck(HookConfig):
    """A sound ends when its spectrum has stood still, or one passage has come back, for a while.

    What is stuck, the evaluation decides (:mod:`mimikit_nb.evaluation.stuck`), twice a second,
    of the last ``2 * seconds``.

    Examples
    --------
    >>> stop = mnb.hooks.StopWhenStuck(seconds=2.0)
    >>> made = mnb.generate("runs/first", corpus, seconds=1.0, hooks=[stop])
    """

    kind: Literal["stop_when_stuck"] = "stop_when_stuck"
    "Name of the hook."
    seconds: float = field(4.0, ge=MIN_RUN_SECONDS, le=60, unit="s")
    "How long it must have been, up to now."

    def memory(self, network: Network, state: State) -> State:
        """Spectra so far ``[B, frames, bands]``, how many there are, sound of the next one."""
        n, rate = next(iter(state["in"].values())).shape[0], network.io.sample_rate
        new = next(network.parameters()).new_zeros
        n_frames = round(2 * self.seconds / BLOCK_SECONDS) * _HOPS
        return {
            "spectra": new(n, n_frames, _N_MELS),
            "n_heard": new(n),
            "tail": new(n, nearest_power_of_two(_FRAME_SECONDS * rate)),
        }

    def audio(self, block: Tensor, memory: State) -> Tensor:
        """Rows that have been stuck for long enough."""
        hop = block.shape[1] // _HOPS
        rate = round(block.shape[1] / BLOCK_SECONDS)
        heard = torch.cat([memory["tail"], block], 1)
        frame = memory["tail"].shape[1]
        new = np.stack([_spectra(y, rate, frame, hop) for y in heard.cpu().numpy()])
        spectra = torch.cat([memory["spectra"], torch.from_numpy(new).to(block)], 1)
        memory["spectra"].copy_(spectra[:, _HOPS:])
        memory["tail"].copy_(heard[:, -frame:])
        memory["n_heard"].add_(1)
        n_blocks = int(memory["n_heard"][0])
        if n_blocks % round(1 / BLOCK_SECONDS / _LOOKS_PER_SECOND):
            return torch.zeros(len(block), dtype=torch.bool, device=block.device)
        n = min(n_blocks * _HOPS, memory["spectra"].shape[1])
        stuck = [self._is_stuck(x[-n:].cpu().numpy(), rate / hop) for x in memory["spectra"]]
        return torch.tensor(stuck, device=block.device)

    def _is_stuck(self, decibels: np.ndarray, frame_rate: float) -> bool:
        levels = BandLevels(np.maximum(decibels, decibels.max() - _RANGE_DB), frame_rate)
        end = len(decibels) / frame_rate
        return any(self._reaches(find(levels), end) for find in (longest_frozen_run, longest_loop))

    def _reaches(self, run: Run, end_seconds: float) -> bool:
        return run.seconds >= self.seconds and run.stop_seconds > end_seconds - 0.2


def _spectra(y: np.ndarray, rate: int, frame: int, hop: int) -> np.ndarray:
    """Log-mel spectra ``[_HOPS, bands]`` of a block that comes behind a frame."""
    return log_mel(y[None, hop:], rate, frame_length=frame, hop_length=hop, n_mels=_N_MELS)[:_HOPS]
