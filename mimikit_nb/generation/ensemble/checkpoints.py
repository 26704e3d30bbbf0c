"""Generators that are networks: one checkpoint, or the average of what several make."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...audio.channels import to_channels
from ...checkpoint import Checkpoint
from ...corpus.store import Corpus
from ...engine import compile_stages
from ...networks.base import Network
from ..controls import Controls
from ..prompts import Prompt, prompt_from_array
from ..sound import SoundStream
from ..stream import ExecutorFactory
from .blend import Blend, moving
from .executors import reusing
from .sources import Cue, Generator, Resampled, Source
from .weights import check_weights, weights_at

_BLOCK_SECONDS = 0.05


class FromNetwork:
    """A network continues the prompt.

    Parameters
    ----------
    network : Network
    label : str
    corpus : Corpus, optional
        Where fixtures are read from.
    make_executor : callable, optional
        Makes what runs the steps; the fastest that works if not given.
    """

    def __init__(
        self,
        network: Network,
        label: str,
        corpus: Corpus | None = None,
        make_executor: ExecutorFactory | None = None,
    ) -> None:
        self.network, self.label, self.corpus = network, label, corpus
        self.make_executor = make_executor or reusing(compile_stages)
        self.sample_rate: int | None = network.io.sample_rate

    def start(self, cue: Cue) -> Source:
        """Begin a turn."""
        event = cue.event
        shortest = self.network.io.step_axis.n_samples(1)
        missing = max(0, shortest - cue.prompt.shape[1])
        prompt = np.pad(cue.prompt, [(0, 0), (missing, 0)])
        n_channels = 1 if self.network.io.channels == "mix" else prompt.shape[0]
        return _Streamed(
            SoundStream.from_prompts(
                self.network,
                [Prompt(prompt, {"kind": "ensemble"})],
                n_channels,
                [cue.seed],
                Controls(
                    *(event.temperature, event.top_k, event.top_p, event.recorded, event.follow)
                ),
                self.corpus,
                curves=event.fixtures,
                make_executor=self.make_executor,
            )
        )


class _Streamed:
    def __init__(self, stream: SoundStream) -> None:
        self.stream = stream

    def take(self, n: int) -> np.ndarray:
        return self.stream.take(n)[0]


def from_checkpoint(ck: Checkpoint, corpus: Corpus | None = None) -> FromNetwork:
    """Generator of a checkpoint."""
    return FromNetwork(ck.network(), _label(ck), corpus)


def _label(ck: Checkpoint) -> str:
    if ck.path is None and not ck.header.parents:
        return f"{ck.config.kind} {ck.step}"
    if ck.path is None:
        return f"average of {len(ck.header.parents)} checkpoints"
    run = ck.path.parent.parent if ck.path.parent.name == "checkpoints" else ck.path.parent
    return "/".join(run.parts[-2:]) + f" {ck.step}"


def blended(checkpoints: Sequence[Checkpoint], weights: Any = None) -> FromNetwork:
    """Generator that draws from the average of what several networks predict.

    Parameters
    ----------
    checkpoints : sequence of Checkpoint
        Networks of any kinds that share the feature they predict.
    weights : sequence, optional
        A number or a curve (of the turn's seconds) each; equal if not given.

    Raises
    ------
    ParameterError
        If they don't share a feature and a head, or weights don't fit them.
    """
    shares = check_weights(weights, len(checkpoints))
    network = Blend([ck.network() for ck in checkpoints])
    label = "average of " + ", ".join(map(_label, checkpoints))
    return FromNetwork(network, label, make_executor=moving(shares, network))


class OutputAverage:
    """The weighted sum of what several generators make, each by itself.

    Parameters
    ----------
    members : sequence of Generator
        Of any kinds and rates; the first one's rate is taken.
    weights : sequence, optional
        A number or a curve each; equal if not given.
    """

    def __init__(self, members: Sequence[Generator], weights: Any = None) -> None:
        self.members, self.weights = members, check_weights(weights, len(members))
        self.sample_rate = next((m.sample_rate for m in members if m.sample_rate), None)
        self.label = "sum of " + ", ".join(m.label for m in members)

    def start(self, cue: Cue) -> Source:
        """Begin a turn."""
        return _Sum(self, cue)


class _Sum:
    def __init__(self, average: OutputAverage, cue: Cue) -> None:
        self.average, self.cue, self.position = average, cue, 0
        self.sources = [begin(member, cue) for member in average.members]

    def take(self, n: int) -> np.ndarray:
        out = np.zeros((self.cue.prompt.shape[0], n), np.float32)
        for source, gains in zip(self.sources, self._gains(n), strict=True):
            out += to_channels(source.take(n), len(out)) * gains
        self.position += n
        return out

    def _gains(self, n: int) -> np.ndarray:
        """Gains ``[k, n]``, straight lines between times that don't depend on what is asked for."""
        rate = self.cue.sample_rate
        block = max(1, round(_BLOCK_SECONDS * rate))
        places = self.position + np.arange(n)
        grid = block * np.arange(self.position // block, (self.position + n) // block + 2)
        known = [weights_at(self.average.weights, float(place / rate)) for place in grid]
        return np.array([np.interp(places, grid, row) for row in np.transpose(known)], np.float32)


def begin(generator: Generator, cue: Cue) -> Source:
    """Source of a generator at the cue's rate, whatever the generator's own."""
    rate = generator.sample_rate or cue.sample_rate
    if rate == cue.sample_rate:
        return generator.start(cue)
    prompt = prompt_from_array(cue.prompt, cue.sample_rate, rate, math.inf).audio
    n_samples = -(-cue.n_samples * rate // cue.sample_rate)
    own = Cue(prompt, rate, n_samples, cue.event, cue.seed)
    return Resampled(generator.start(own), prompt, rate, cue.sample_rate)
