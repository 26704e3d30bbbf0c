"""Endless sound from a prompt, block by block, in constant memory.

:class:`ValueStream` gives the values a network draws; :class:`AudioStream` turns them into
sound behind the prompt. Every row of a batch draws from its own random numbers, so that it is
what it would be alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from ..checkpoint.file import flatten, unflatten
from ..engine import compile_stages
from ..engine.stages import Executor, Stage, State, map_state
from ..errors import CheckpointError, PromptError
from ..networks.base import Network, Tensors
from ..runtime import one_thread, subnormals_flushed
from .controls import Controls, refuse_unread, truncates
from .hooks.base import Hook
from .hooks.inserting import hook_state, key_of
from .initial_state import InitialStateFit, fit_initial_state
from .loop import controls_of, generation_stages, generation_state, heads_state

ExecutorFactory = Callable[[Sequence[Stage], State], Executor]
FixtureSource = Callable[[int, int], Tensors]

_OF_A_CHUNK = ("i", "u", "fixtures", "seq", "controls")  # what a chunk leaves isn't remembered
CLOCK = "network/t"
"The one tensor of a remembered state that all rows share; the others have a row per row."


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

    def state(self) -> Tensors:
        """States of the generators, ``[B, bytes]`` by variable."""
        return {n: torch.stack([g.get_state() for g in gs]) for n, gs in self.generators.items()}

    def load_state(self, state: Tensors) -> None:
        """Go on with the numbers that would have come next, of all that are given."""
        for name, rows in state.items():
            for generator, row in zip(self.generators[name], rows, strict=True):
                generator.set_state(row.clone())


class ValueStream:
    """Values that a network draws after a prompt, chunk after chunk.

    Parameters
    ----------
    network : Network
        A folded network (:meth:`Network.folded`).
    prompt : dict of Tensor [shape=(B, T, ...)], or None
        The inputs of the prompt's steps; None if :meth:`load_state` follows.
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
    rows_together : int, default 1
        Rows that belong together. The prompts of others are read apart from each other, so that
        even the last bits of a row don't depend on which others there are.
    hooks : sequence of Hook
        Asked at every step, in this order.
    fit : InitialStateFit, optional
        Fit the state before the prompt to it.
    """

    def __init__(
        self,
        network: Network,
        prompt: Tensors | None,
        seeds: Sequence[int],
        controls: Controls,
        fixtures: FixtureSource | None = None,
        chunk_steps: int = 1024,
        make_executor: ExecutorFactory = compile_stages,
        rows_together: int = 1,
        hooks: Sequence[Hook] = (),
        fit: InitialStateFit | None = None,
    ) -> None:
        self.network, self.controls, self.fixtures = network, controls, fixtures
        self.chunk_steps, self.n_rows, self.step = chunk_steps, len(seeds), 0
        self.hooks = list(hooks)
        state = (
            network.init_state(len(seeds))
            if prompt is None
            else read_prompt_steps(network, prompt, rows_together, fit)
        )
        self.state = generation_state(network, state, chunk_steps, controls.truncates, hooks)
        refuse_unread(controls.at(0.0, len(seeds)), self.state["controls"])
        self.noise = Noise(seeds, self.state["u"])
        if self.state["fixtures"] and fixtures is None:
            names = ", ".join(self.state["fixtures"])
            raise PromptError(
                f"This network reads {names} while it generates; give their values as fixtures."
            )
        self.executor = make_executor(generation_stages(network, hooks), self.state)
        self._untruncated: tuple[Executor, State] | None = None
        if controls.truncates_at_times and not hooks:  # it takes longer than many a network
            plain = {
                **self.state,
                "controls": {name: self.state["controls"][name] for name in controls_of(network)},
            }
            self._untruncated = make_executor(generation_stages(network), plain), plain

    @subnormals_flushed()
    def pull(self, n: int) -> Tensors:
        """The next ``n <= chunk_steps`` values of each target, ``[B, n, ...]``."""
        seconds = float(self.step * self.network.io.step_seconds)
        controls = self.controls.at(seconds, self.n_rows)
        refuse_unread(controls, self.state["controls"])
        for name, value in controls.items():
            if name in self.state["controls"]:
                self.state["controls"][name].copy_(value)
        self.noise.fill(self.state["u"], n)
        if self.fixtures is not None:
            for name, value in self.fixtures(self.step, n).items():
                self.state["fixtures"][name][:, :n].copy_(value)
        for hook in self.hooks:
            hook.steer(self.state, seconds)
        self.state["i"].zero_()
        executor, state = self.executor, self.state
        if self._untruncated is not None and not truncates(controls):
            executor, state = self._untruncated
        executor.run(state, n)
        drawn = {name: seq[:, :n].clone() for name, seq in self.state["seq"].items()}
        for i, hook in enumerate(self.hooks):
            if key_of(i) in drawn:
                hook.chunk(drawn.pop(key_of(i)), self.state)
        self.step += n
        return drawn

    def reseed(self, seeds: Sequence[int]) -> None:
        """Draw from other random numbers from here on, each row from its own seed."""
        self.noise = Noise(seeds, self.noise.generators)

    def restart(self, state: State) -> None:
        """Go on behind another prompt, whose state :func:`read_prompt_steps` gave.

        Random numbers, controls and fixtures go on as if nothing had happened.
        """
        own = flatten(self.state)
        begun = {**state, **heads_state(self.network, self.n_rows)}
        for name, tensor in flatten(begun).items():
            own[name].copy_(tensor)

    def remember(self) -> Tensors:
        """All that the next values depend on, by path."""
        kept = {name: value for name, value in self.state.items() if name not in _OF_A_CHUNK}
        step = torch.full((self.n_rows,), self.step)
        return flatten({"network": kept, "noise": self.noise.state(), "step": step})

    def load_state(self, state: Tensors, has_same_hooks: bool = True) -> None:
        """Go on from where :meth:`remember` was called; other hooks than then begin afresh."""
        nested = unflatten(state)
        left_out = _OF_A_CHUNK if has_same_hooks else (*_OF_A_CHUNK, "hooks")
        own, given = (
            flatten({name: v for name, v in tensors.items() if name not in left_out})
            for tensors in (self.state, nested["network"])
        )
        if {k: v.shape for k, v in own.items()} != {k: v.shape for k, v in given.items()}:
            raise CheckpointError(
                "The state was left by another network; extend the sound with its own checkpoint."
            )
        for name, tensor in own.items():
            tensor.copy_(given[name])
        drawn = self.noise.generators if has_same_hooks else self.network.heads
        self.noise.load_state({name: nested["noise"][name] for name in drawn})
        self.step = int(nested["step"][0])
        if not has_same_hooks and self.hooks:
            added = hook_state(self.hooks, self.network, self.state, self.chunk_steps, self.step)
            fresh = flatten(added["hooks"])
            for name, tensor in flatten(self.state["hooks"]).items():
                tensor.copy_(fresh[name])


@torch.no_grad()
@subnormals_flushed()
def read_prompt_steps(
    network: Network,
    prompt: Tensors,
    rows_together: int | None = None,
    fit: InitialStateFit | None = None,
) -> State:
    """State after all prompt steps but the last, whose items wait in ``state["in"]``.

    Rows are read ``rows_together`` at a time, all at once if that isn't given; from a state that
    is fitted to them if ``fit`` says how.
    """
    first = next(iter(prompt.values()))
    if rows_together is not None and rows_together < len(first):
        parts = [
            {name: x[i : i + rows_together] for name, x in prompt.items()}
            for i in range(0, len(first), rows_together)
        ]
        states = [read_prompt_steps(network, part, fit=fit) for part in parts]
        joined = map_state(lambda *tensors: torch.cat(tensors), *states)
        return {**joined, "t": states[0]["t"]}
    if not network.is_recurrent:  # what lies further back has left no trace
        excess = max(0, first.shape[1] - network.receptive_field) // network.chunk_multiple
        prompt = {name: x[:, excess * network.chunk_multiple :] for name, x in prompt.items()}
        first = next(iter(prompt.values()))
    state = network.init_state(first.shape[0])
    if fit is not None:
        state = fit_initial_state(network, prompt, state, fit)
    if first.shape[1] > 1:
        state = network.read({name: x[:, :-1] for name, x in prompt.items()}, state)
    state["in"] = {name: x[:, -1].clone() for name, x in prompt.items()}
    return state


class AudioStream:
    """Sound ``[B, samples]`` that continues a prompt.

    It begins with the first new sample. Where a feature looks at frames, new sound fades in over
    the last milliseconds of the prompt, which :attr:`seam` holds. Values are pulled in whole
    chunks, so that the lengths asked for make no difference.

    Parameters
    ----------
    values : ValueStream
    variable : str
        Name of the generated variable.

    Attributes
    ----------
    auxiliary : dict of Tensor [shape=(B, steps, ...)]
        What was drawn of the auxiliary variables for the last samples taken (and for the seam,
        the first time); at most a chunk ahead of the sound. Empty if no step was needed.
    """

    def __init__(self, values: ValueStream, variable: str = "signal") -> None:
        feature = values.network.io.features[variable]
        self.values, self.variable, self.axis = values, variable, feature.axis
        self.inverse = feature.inverse_stream(values.n_rows)
        self.seam = self._pending = torch.zeros(values.n_rows, 0)
        self._skip = 0
        self._auxiliary = [n for n, v in values.network.io.targets.items() if not v.is_input]
        self._drawn: list[Tensors] = []
        self.auxiliary: Tensors = {}

    def prime(self, prompt_audio: Tensor, n_frames: int, fade_seconds: float = 0.01) -> None:
        """Begin behind a prompt ``[B, samples]`` of ``n_frames`` whole frames."""
        n_prompt = prompt_audio.shape[1]
        # What the last frames of the prompt look at beyond the hops they stand for:
        n_overlap = n_prompt - (n_frames * self.axis.hop_length - self.axis.padding)
        n_fade = min(round(fade_seconds * self.axis.sample_rate), n_overlap)
        self.inverse.prime(prompt_audio)
        self._pending, self._skip = prompt_audio[:, :0], n_overlap - n_fade
        self.seam = _crossfade(prompt_audio[:, n_prompt - n_fade :], self._pull(n_fade))

    def take(self, n: int) -> Tensor:
        """The next ``n`` samples, pulling as many values as they need."""
        audio, drawn = self._pull(n), self._drawn
        names = self._auxiliary if drawn else []
        self.auxiliary = {name: torch.cat([d[name] for d in drawn], 1) for name in names}
        self._drawn = []
        return audio

    @one_thread()
    def _pull(self, n: int) -> Tensor:
        blocks, missing = [self._pending], n - self._pending.shape[1]
        while missing > 0:
            values = self.values.pull(self.values.chunk_steps)
            if self._auxiliary:
                self._drawn.append(values)
            block = self.inverse.push(values[self.variable])
            dropped = min(self._skip, block.shape[1])
            self._skip -= dropped
            blocks.append(block[:, dropped:])
            missing -= blocks[-1].shape[1]
        audio = torch.cat(blocks, 1)
        self._pending = audio[:, n:]
        return audio[:, :n]

    def remember(self) -> Tensors:
        """All that the next samples depend on, by path; a row per row, but for ``CLOCK``."""
        own = {"pending": self._pending, "skip": torch.full((self.values.n_rows,), self._skip)}
        return self.values.remember() | flatten({**own, "inverse": self.inverse.state()})

    def load_state(self, state: Tensors, has_same_hooks: bool = True) -> None:
        """Go on from where :meth:`remember` was called; other hooks than then begin afresh."""
        nested = unflatten(state)
        self.values.load_state(state, has_same_hooks)
        self.inverse.load_state(nested["inverse"])
        self._pending, self._skip = nested["pending"], int(nested["skip"][0])


def _crossfade(old: Tensor, new: Tensor) -> Tensor:
    """Linear fade from ``old`` to ``new`` of the same length (both are the same sound)."""
    ramp = torch.linspace(0, 1, old.shape[1] + 2, device=old.device)[1:-1]
    return old * (1 - ramp) + new * ramp
