"""Endless sound from a prompt, block by block, in constant memory.

:class:`ValueStream` gives the values a network draws; :class:`AudioStream` turns them into
sound behind the prompt. Every row of a batch draws from its own random numbers, so that it is
what it would be alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import torch
from torch import Tensor

from ..errors import PromptError
from ..networks.base import Network, Stage, State, Tensors
from ..runtime import one_thread
from .controls import Controls
from .engine import compile_stages
from .loop import Executor, generation_stages, generation_state

ExecutorFactory = Callable[[Sequence[Stage], State], Executor]
FixtureSource = Callable[[int, int], Tensors]


class Noise:
    """Uniform numbers per row and variable, each row from its own seed, in any portions."""

    def __init__(self, seeds: Sequence[int], names: Iterable[str]) -> None:
        self.generators = {
            name: [torch.Generator().manual_seed(seed + (k << 32)) for seed in seeds]
            for k, name in enumerate(names)
        }

    def fill(self, u: Tensors, n: int) -> None:
        """Fill the first ``n`` steps of each ``u[name] [B, chunk, k]`` with the next numbers."""
        for name, generators in self.generators.items():
            for row, generator in zip(u[name], generators, strict=True):
                row[:n] = torch.rand(n, row.shape[1], generator=generator)


class ValueStream:
    """Values that a network draws after a prompt, chunk after chunk.

    Parameters
    ----------
    network : Network
        A folded network (:meth:`Network.folded`).
    prompt : dict of Tensor [shape=(B, T, ...)]
        The inputs of the prompt's steps.
    seeds : sequence of int
        One per row.
    controls : Controls
    fixtures : callable, optional
        ``fixtures(step, n)`` gives the fixtures ``[B, n, ...]`` of steps ``step ... step + n``,
        counted from the prompt's end; needed where the network has fixtures from data.
    chunk_steps : int
        Most steps in a chunk; controls change from chunk to chunk.
    make_executor : callable, optional
        Makes an executor of the stages and the state they will run on; the fastest that works
        if not given.
    """

    def __init__(
        self,
        network: Network,
        prompt: Tensors,
        seeds: Sequence[int],
        controls: Controls,
        fixtures: FixtureSource | None = None,
        chunk_steps: int = 1024,
        make_executor: ExecutorFactory = compile_stages,
    ) -> None:
        self.network, self.controls, self.fixtures = network, controls, fixtures
        self.chunk_steps, self.n_streams, self.step = chunk_steps, len(seeds), 0
        self.noise = Noise(seeds, network.heads)
        self.state = generation_state(
            network, read_prompt_steps(network, prompt), chunk_steps, controls.truncates
        )
        if self.state["fixtures"] and fixtures is None:
            names = ", ".join(self.state["fixtures"])
            raise PromptError(
                f"This network reads {names} while it generates; give their values as fixtures."
            )
        self.executor = make_executor(generation_stages(network), self.state)

    def pull(self, n: int) -> Tensors:
        """The next ``n <= chunk_steps`` values of each target, ``[B, n, ...]``."""
        seconds = float(self.step * self.network.io.step_seconds)
        for name, value in self.controls.at(seconds, self.n_streams).items():
            if name in self.state["controls"]:
                self.state["controls"][name].copy_(value)
        self.noise.fill(self.state["u"], n)
        if self.fixtures is not None:
            for name, value in self.fixtures(self.step, n).items():
                self.state["fixtures"][name][:, :n].copy_(value)
        self.state["i"].zero_()
        self.executor.run(self.state, n)
        self.step += n
        return {name: seq[:, :n].clone() for name, seq in self.state["seq"].items()}


@torch.no_grad()
def read_prompt_steps(network: Network, prompt: Tensors) -> State:
    """State after all prompt steps but the last, whose items wait in ``state["in"]``."""
    first = next(iter(prompt.values()))
    state = network.init_state(first.shape[0])
    if first.shape[1] > 1:
        _, state = network({name: x[:, :-1] for name, x in prompt.items()}, state)
    state["in"] = {name: x[:, -1].clone() for name, x in prompt.items()}
    return state


class AudioStream:
    """Blocks of sound ``[B, samples]`` that continue a prompt.

    The first block begins with the first new sample. Where a feature looks at frames, new sound
    fades in over the last milliseconds of the prompt, which :attr:`seam` holds.

    Parameters
    ----------
    values : ValueStream
    prompt_audio : Tensor [shape=(B, samples)]
        The prompt, whole frames of it.
    n_frames : int
        Values that the prompt has.
    variable : str
        Name of the generated variable.
    fade_seconds : float, default 0.01
        Length of the crossfade at the seam.
    """

    def __init__(
        self,
        values: ValueStream,
        prompt_audio: Tensor,
        n_frames: int,
        variable: str = "signal",
        fade_seconds: float = 0.01,
    ) -> None:
        feature = values.network.io.features[variable]
        self.values, self.variable, self.axis = values, variable, feature.axis
        self.inverse = feature.inverse_stream(prompt_audio.shape[0])
        n_prompt = prompt_audio.shape[1]
        # What the last frames of the prompt look at beyond the hops they stand for:
        n_overlap = n_prompt - (n_frames * self.axis.hop_length - self.axis.padding)
        n_fade = min(round(fade_seconds * self.axis.sample_rate), n_overlap)
        self.inverse.prime(prompt_audio)
        self._pending, self._skip = prompt_audio[:, :0], n_overlap - n_fade
        faded = self._take(n_fade)
        self.seam = _crossfade(prompt_audio[:, prompt_audio.shape[1] - n_fade :], faded)

    @one_thread()
    def _take(self, n: int) -> Tensor:
        """The next ``n`` samples, pulling as many values as they need."""
        blocks, missing = [self._pending], n - self._pending.shape[1]
        while missing > 0:
            n_steps = -(-(missing + self._skip) // self.axis.hop_length)
            block = self.inverse.push(
                self.values.pull(min(n_steps, self.values.chunk_steps))[self.variable]
            )
            dropped = min(self._skip, block.shape[1])
            self._skip -= dropped
            blocks.append(block[:, dropped:])
            missing -= blocks[-1].shape[1]
        audio = torch.cat(blocks, 1)
        self._pending = audio[:, n:]
        return audio[:, :n]

    def blocks(self, block_samples: int) -> Iterator[Tensor]:
        """Endless blocks ``[B, block_samples]``."""
        while True:
            yield self._take(block_samples)


def _crossfade(old: Tensor, new: Tensor) -> Tensor:
    """Linear fade from ``old`` to ``new`` of the same length (both are the same sound)."""
    ramp = torch.linspace(0, 1, old.shape[1] + 2, device=old.device)[1:-1]
    return old * (1 - ramp) + new * ramp
