"""From a network and prompts to streams of sound and finished batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..corpus.store import Corpus
from ..errors import ParameterError, PromptError
from ..io.read import read_prompt
from ..networks.base import Network
from ..units import samples_to_seconds, seconds_to_samples
from .controls import Controls
from .fixtures import FixtureCurves, fixtures_of
from .output import Generated
from .prompts import Prompt, stack_prompts
from .stream import AudioStream, ValueStream

BLOCK_SECONDS = 0.05

Progress = Callable[[float, float], None]


class PromptedStream:
    """Streams of sound from a batch of prompts; rows are prompts times channels.

    Parameters
    ----------
    network : Network
        Any network; a folded copy of it is used.
    prompts : sequence of Prompt
        One per stream, at the network's sample rate.
    n_channels : int
    seeds : sequence of int
        One per prompt; the channels of a prompt share their random numbers.
    controls : Controls
    corpus : Corpus, optional
        Where fixtures are read on from, if the network has any from data.
    curves : mapping, optional
        What fixtures are behind the prompts, by name; see :mod:`.fixtures`.
    make_executor : callable, optional
        How steps are run; the fastest way that works if not given.
    """

    def __init__(
        self,
        network: Network,
        prompts: Sequence[Prompt],
        n_channels: int,
        seeds: Sequence[int],
        controls: Controls,
        corpus: Corpus | None = None,
        curves: FixtureCurves | None = None,
        **options: Any,
    ) -> None:
        network = network.folded()
        self.sample_rate, self.shape = network.io.sample_rate, (len(prompts), n_channels)
        self.variable = next(iter(network.io.autoregressive))
        device = next(network.parameters()).device
        audio = torch.from_numpy(stack_prompts(prompts, n_channels)).flatten(0, 1).to(device)
        self.prompt_audio = audio = _whole_frames(network, audio)
        inputs = read_prompt(network.io, audio, network.io.sample_rate)
        n_steps = inputs[self.variable].shape[1]
        fixtures = fixtures_of(network, corpus, prompts, n_channels, n_steps, curves)
        values = ValueStream(
            network,
            inputs if fixtures is None else {**inputs, **fixtures(1 - n_steps, n_steps)},
            [seed for seed in seeds for _ in range(n_channels)],
            replace(controls, n_channels=n_channels),
            fixtures,
            chunk_steps=max(1, int(BLOCK_SECONDS / network.io.step_seconds)),
            **options,
        )
        self.stream = AudioStream(values, audio, n_steps, self.variable)

    @property
    def seam(self) -> np.ndarray:
        """The prompts ``[n, C, samples]``, their last milliseconds faded towards the new sound."""
        audio, seam = self.prompt_audio.clone(), self.stream.seam
        audio[:, audio.shape[1] - seam.shape[1] :] = seam
        return self._unstack(audio)

    def blocks(self, block_samples: int) -> Iterator[np.ndarray]:
        """Endless blocks ``[n, C, block_samples]`` of new sound."""
        for block in self.stream.blocks(block_samples):
            yield self._unstack(block)

    def _unstack(self, audio: Tensor) -> np.ndarray:
        return audio.unflatten(0, self.shape).cpu().numpy()


def _whole_frames(network: Network, audio: Tensor) -> Tensor:
    """The end of a prompt ``[B, samples]`` that holds whole frames."""
    axis = network.io.step_axis
    n_frames = axis.n_frames(audio.shape[1])
    if n_frames < 1:
        found = samples_to_seconds(audio.shape[1], axis.sample_rate)
        needed = samples_to_seconds(axis.n_samples(1), axis.sample_rate)
        raise PromptError(
            f"The prompt has {found:.3f} s, but this network reads at least {needed:.3f} s."
        )
    return audio[:, audio.shape[1] - axis.n_samples(n_frames) :]


def generate(
    stream: PromptedStream, seconds: float, recall: Sequence[dict], progress: Progress | None = None
) -> Generated:
    """Pull ``seconds`` of new sound from a stream.

    Parameters
    ----------
    stream : PromptedStream
    seconds : float > 0
        New sound behind each prompt.
    recall : sequence of dict
        Per stream, what to keep in the recall data.
    progress : callable, optional
        Called with the seconds done and wanted, some twenty times a second of sound.
    """
    if not seconds > 0:
        raise ParameterError(f"seconds is {seconds}; it must be above 0.")
    n_samples = seconds_to_samples(seconds, stream.sample_rate)
    prompt = stream.seam
    n_prompt = prompt.shape[-1]
    audio = np.empty((*stream.shape, n_prompt + n_samples), np.float32)
    audio[..., :n_prompt] = prompt
    block_samples = max(1, round(BLOCK_SECONDS * stream.sample_rate))
    done = 0
    for block in stream.blocks(block_samples):
        n = min(block_samples, n_samples - done)
        audio[..., n_prompt + done : n_prompt + done + n] = block[..., :n]
        done += n
        if progress is not None:
            progress(done / stream.sample_rate, n_samples / stream.sample_rate)
        if done == n_samples:
            break
    end = samples_to_seconds(n_prompt, stream.sample_rate)
    return Generated(
        audio, stream.sample_rate, end, [{**r, "prompt_end_seconds": end} for r in recall]
    )
