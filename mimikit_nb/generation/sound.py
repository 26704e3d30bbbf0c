"""From a network and prompts to streams of sound and finished batches."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from ..corpus.store import Corpus
from ..engine.stages import State
from ..errors import CheckpointError, PromptError
from ..io.read import read_prompt
from ..networks.base import Network, Tensors
from ..progress import Progress, Watch
from ..runtime import check_memory, one_thread
from ..units import samples_to_seconds, seconds_to_samples
from .controls import Controls
from .end_state import EndState, join_rows, split_rows
from .fixtures import FixtureCurves, fixtures_of, steering
from .hooks.base import BLOCK_SECONDS, Hook, facts_of
from .hooks.keeping import goes_on_with, played
from .hooks.listening import Listening
from .output import Generated
from .prompts import Prompt, stack_prompts
from .stream import AudioStream, FixtureSource, ValueStream, read_prompt_steps

FEWEST_STEPS = 4  # of a chunk, which has a cost of its own
_UNHEARD = "unheard"


class Beginning(NamedTuple):
    """Prompts that were read, behind which a stream can go on.

    Attributes
    ----------
    audio : Tensor [shape=(B, samples)]
        The prompts, whole frames of them.
    n_steps : int
        Their length in steps of the network.
    state : State
        The network's, having read them.
    """

    audio: Tensor
    n_steps: int
    state: State


class SoundStream(Iterator[np.ndarray]):
    """Endless sound of several streams at once; rows are streams times channels.

    Each stream is what it would be alone. Made by :meth:`from_prompts`, or by
    :meth:`from_end_states` to go on where another one stopped; iterating gives blocks
    ``[n, C, block_samples]`` of new sound.

    Attributes
    ----------
    sample_rate : int
    shape : tuple of int
        Streams n and channels C.
    prompts : np.ndarray [shape=(n, C, samples)]
        The prompts, their last milliseconds faded towards the new sound; empty if it goes on.
    n_samples : int
        Samples of each stream so far, prompt included.
    block_samples : int
        Length of the blocks.
    recall : list of dict
        Per stream, what it takes to make it again.
    own_controls : dict of str to float
        Which of the controls ``recorded`` and ``follow`` its network reads, with its own numbers.
    hooks : list of Hook
        What reaches into it; those that hear may stop a stream, which is silent from there on.
    """

    def __init__(
        self, stream: AudioStream, shape: tuple[int, int], prompts: np.ndarray, recall: list[dict]
    ) -> None:
        self._stream, self.shape, self.prompts, self.recall = stream, shape, prompts, recall
        self.sample_rate = stream.axis.sample_rate
        self.n_samples = prompts.shape[-1]
        self.block_samples = max(1, round(BLOCK_SECONDS * self.sample_rate))
        self.hooks = stream.values.hooks
        self.own_controls = stream.values.network.io.own_controls
        self._listening = Listening(
            self.hooks, stream.values.state, shape, round(BLOCK_SECONDS * self.sample_rate)
        )
        self._stopped: dict[int, EndState] = {}
        self._drawn: list[Tensors] = []

    @classmethod
    def from_prompts(
        cls,
        network: Network,
        prompts: Sequence[Prompt],
        n_channels: int,
        seeds: Sequence[int],
        controls: Controls,
        corpus: Corpus | None = None,
        recall: Sequence[dict] | None = None,
        curves: FixtureCurves | None = None,
        **options: Any,
    ) -> Self:
        """Continue prompts.

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
        recall : sequence of dict, optional
            Per stream, what to keep in its recall data.
        curves : mapping, optional
            What fixtures are behind the prompts, by name; see :mod:`.fixtures`.
        **options
            For :class:`ValueStream`: ``make_executor``, ``hooks``, ``fit``.
        """
        hooks = options.get("hooks", ())
        network = played(network.folded(), hooks)
        device = next(network.parameters()).device
        audio = torch.from_numpy(stack_prompts(prompts, n_channels)).flatten(0, 1).to(device)
        audio = _whole_frames(network, audio)
        inputs = _read_prompts(network, audio, n_channels)
        n_steps = inputs[_variable(network)].shape[1]
        n_samples = network.io.step_axis.n_samples(n_steps)
        starts = [
            None if p.corpus_sample is None else p.corpus_sample + p.audio.shape[1] - n_samples
            for p in prompts
        ]
        fixtures = fixtures_of(network, corpus, starts, n_channels, n_steps, curves)
        if fixtures is not None:
            inputs |= fixtures(1 - n_steps, n_steps)
        values = _values(network, inputs, seeds, n_channels, controls, fixtures, options)
        stream = AudioStream(values, _variable(network))
        stream.prime(audio, n_steps)
        n_fade = stream.seam.shape[1]
        audio[:, audio.shape[1] - n_fade :] = stream.seam
        shape = (len(prompts), n_channels)
        end = samples_to_seconds(audio.shape[1], network.io.sample_rate)
        facts: dict[str, Any] = {
            "prompt_end_seconds": end,
            "n_channels": n_channels,
            "prompt_steps": n_steps,
        }
        if curves:
            facts["fixtures"] = steering(curves)
        if hooks:
            facts["hooks"] = [facts_of(hook) for hook in hooks]
        if options.get("fit") is not None:
            facts["optimise_initial_state"] = options["fit"].to_dict()
        rows = zip(recall or [{}] * len(prompts), seeds, starts, strict=True)
        return cls(
            stream,
            shape,
            audio.unflatten(0, shape).cpu().numpy(),
            [{"seed": s, **facts, "fixture_start": start, **r} for r, s, start in rows],
        )

    @torch.no_grad()
    def read(self, heard: np.ndarray) -> Beginning:
        """Read other prompts while this goes on, to :meth:`restart` behind them.

        Parameters
        ----------
        heard : np.ndarray [shape=(n, C, samples)]
            A prompt per stream.

        Raises
        ------
        PromptError
            If they are shorter than the network needs.
        """
        values = self._stream.values
        network, n_channels = values.network, self.shape[1]
        device = next(network.parameters()).device
        audio = _whole_frames(network, torch.tensor(heard).flatten(0, 1).to(device))
        inputs = _read_prompts(network, audio, n_channels)
        n_steps = inputs[_variable(network)].shape[1]
        if values.fixtures is not None:
            inputs |= values.fixtures(values.step + 1 - n_steps, n_steps)
        with one_thread():
            state = read_prompt_steps(network, inputs, n_channels)
        return Beginning(audio, n_steps, state)

    def restart(self, beginning: Beginning) -> None:
        """Go on behind the prompts that :meth:`read` has read, instead of the sound so far.

        Random numbers, controls and fixtures go on as if nothing had happened.
        """
        self._stream.values.restart(beginning.state)
        self._stream = AudioStream(self._stream.values, self._stream.variable)
        self._stream.prime(beginning.audio, beginning.n_steps)

    def reseed(self, seeds: Sequence[int]) -> None:
        """Draw from other random numbers from here on; a seed per stream."""
        self._stream.values.reseed([seed for seed in seeds for _ in range(self.shape[1])])

    @classmethod
    def from_end_states(
        cls,
        network: Network,
        states: Sequence[EndState],
        controls: Controls,
        corpus: Corpus | None = None,
        curves: FixtureCurves | None = None,
        **options: Any,
    ) -> Self:
        """Go on where streams stopped, exactly as if they hadn't.

        Parameters
        ----------
        network : Network
            The one they were made with.
        states : sequence of EndState
            One per stream, of streams that were made together and stopped together.
        controls : Controls
        corpus : Corpus, optional
            Where fixtures are read on from, if the network has any from data.
        curves : mapping, optional
            What fixtures are from the prompts' end on, by name.
        **options
            For :class:`ValueStream`: ``make_executor``, ``hooks``. Hooks other than before begin
            afresh.
        """
        hooks = options.get("hooks", ())
        network = played(network.folded(), hooks)
        facts = [_without_stop(state.facts) for state in states]
        has_same_hooks = goes_on_with([f.get("hooks", []) for f in facts], hooks)
        try:
            n_channels, n_steps = facts[0]["n_channels"], facts[0]["prompt_steps"]
            starts = [f["fixture_start"] for f in facts]
            seeds = [f["seed"] for f in facts]
            n_samples = facts[0]["n_samples"]
        except KeyError as error:
            raise CheckpointError(f"The end state says nothing of {error}.") from error
        fixtures = fixtures_of(network, corpus, starts, n_channels, n_steps, curves)
        values = _values(network, None, seeds, n_channels, controls, fixtures, options)
        stream = AudioStream(values, _variable(network))
        tensors = join_rows(states, next(network.parameters()).device)
        unheard = tensors.pop(_UNHEARD, None)
        stream.load_state(tensors, has_same_hooks)
        shape = (len(states), n_channels)
        if not has_same_hooks:
            facts = [_with_hooks(f, hooks) for f in facts]
        resumed = cls(stream, shape, np.empty((*shape, 0), np.float32), facts)
        resumed.n_samples = n_samples
        if unheard is not None and has_same_hooks:
            resumed._listening.unheard = unheard
        return resumed

    def __next__(self) -> np.ndarray:
        if self.has_ended:
            raise StopIteration
        return self.take(self.block_samples)

    @property
    def has_ended(self) -> bool:
        """Whether hooks have stopped all streams."""
        return len(self._stopped) == self.shape[0]

    @property
    def lengths(self) -> list[int]:
        """Samples of each stream so far, prompt included: fewer than others if it was stopped."""
        stopped = {i: int(state.facts["n_samples"]) for i, state in self._stopped.items()}
        return [stopped[i] if i in stopped else self.n_samples for i in range(self.shape[0])]

    def take(self, n: int) -> np.ndarray:
        """The next ``n`` samples ``[n, C, samples]``; fewer if all streams are stopped."""
        self._drawn, blocks, missing = [], [np.empty((*self.shape, 0), np.float32)], n
        while missing > 0 and not self.has_ended:
            is_heard = bool(self._listening.hooks)
            part = min(missing, self._listening.n_missing) if is_heard else missing
            rows = self._stream.take(part)
            self._drawn.append(self._stream.auxiliary)
            blocks.append(rows.unflatten(0, self.shape).cpu().numpy())
            blocks[-1][list(self._stopped)] = 0.0
            self.n_samples += part
            missing -= part
            if is_heard:
                self._stop(self._listening.hear(rows))
        return np.concatenate(blocks, -1)

    def _stop(self, stopped: dict[int, Hook]) -> None:
        """Keep where streams were stopped."""
        new = {i: hook for i, hook in stopped.items() if i not in self._stopped}
        for i, hook in new.items():
            seconds = samples_to_seconds(self.n_samples, self.sample_rate)
            self.recall[i]["stopped"] = {"hook": facts_of(hook), "at_seconds": seconds}
        if new:
            states = self.end_states()
            self._stopped |= {i: states[i] for i in new}

    @property
    def auxiliary(self) -> dict[str, np.ndarray]:
        """Auxiliary values drawn with the last samples, ``[n, C, steps, ...]``."""
        drawn = [d for d in self._drawn if d]
        return {
            name: torch.cat([d[name] for d in drawn], 1).unflatten(0, self.shape).cpu().numpy()
            for name in (drawn or [{}])[0]
        }

    def end_states(self) -> list[EndState]:
        """Where each stream is now, or was stopped, to go on from there later."""
        tensors = self._stream.remember()
        if self._listening.hooks:
            tensors[_UNHEARD] = self._listening.unheard
        rows = split_rows(tensors, len(self.recall))
        return [
            self._stopped.get(i)
            or EndState(
                {name: tensor.clone() for name, tensor in tensors.items()},
                {**facts, "n_samples": self.n_samples},
            )
            for i, (tensors, facts) in enumerate(zip(rows, self.recall, strict=True))
        ]

    def close(self) -> None:
        """Let hooks close what they opened; the stream can't go on."""
        for hook in self.hooks:
            hook.close()


def _without_stop(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts of a stream that goes on, even if it was stopped."""
    return {name: value for name, value in facts.items() if name != "stopped"}


def _with_hooks(facts: dict[str, Any], hooks: Sequence[Hook]) -> dict[str, Any]:
    """Facts of a stream that goes on with other hooks."""
    now = [facts_of(hook) for hook in hooks]
    change = {"from_sample": facts["n_samples"], "hooks": now}
    return {**facts, "hooks": now, "changes": [*facts.get("changes", []), change]}


def _variable(network: Network) -> str:
    """Name of the variable that becomes sound."""
    return next(iter(network.io.autoregressive))


def _read_prompts(network: Network, audio: Tensor, n_channels: int) -> Tensors:
    """Inputs of prompts ``[B, samples]``, each read alone: transforms round by batch size."""
    parts = [
        read_prompt(network.io, rows, network.io.sample_rate) for rows in audio.split(n_channels)
    ]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _values(
    network: Network,
    inputs: Tensors | None,
    seeds: Sequence[int],
    n_channels: int,
    controls: Controls,
    fixtures: FixtureSource | None,
    options: dict[str, Any],
) -> ValueStream:
    return ValueStream(
        network,
        inputs,
        [seed for seed in seeds for _ in range(n_channels)],
        replace(controls, n_channels=n_channels),
        fixtures,
        chunk_steps=max(FEWEST_STEPS, int(BLOCK_SECONDS / network.io.step_seconds)),
        rows_together=n_channels,
        **options,
    )


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


def generate(stream: SoundStream, seconds: float, progress: Watch | None = None) -> Generated:
    """Pull ``seconds`` of new sound from a stream, into memory.

    Parameters
    ----------
    stream : SoundStream
    seconds : float > 0
        New sound of each stream.
    progress : Progress or callable, optional
        Told the seconds of sound done and wanted; a function is called with it, and what it raises
        ends the sound.
    """
    progress, n_new = Progress.of(progress), seconds_to_samples(seconds, stream.sample_rate)
    n_prompt = stream.prompts.shape[-1]
    check_memory(4 * math.prod(stream.shape) * (n_prompt + n_new), "The sound")
    audio = np.empty((*stream.shape, n_prompt + n_new), np.float32)
    audio[..., :n_prompt] = stream.prompts
    done, drawn = n_prompt, []
    with closing(stream):
        while done < audio.shape[-1] and not stream.has_ended:
            block = stream.take(min(stream.block_samples, audio.shape[-1] - done))
            audio[..., done : done + block.shape[-1]] = block
            done += block.shape[-1]
            if stream.auxiliary:
                drawn.append(stream.auxiliary)
            progress.tell((done - n_prompt) / stream.sample_rate, n_new / stream.sample_rate)
    return Generated(
        audio[..., :done],
        stream.sample_rate,
        stream.recall[0]["prompt_end_seconds"],
        stream.recall,
        stream.end_states(),
        {name: np.concatenate([d[name] for d in drawn], 2) for name in (drawn or [{}])[0]},
    )
