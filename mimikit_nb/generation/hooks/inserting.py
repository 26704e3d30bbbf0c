"""Hooks among the stages of a step: their state, the stages they add, the modules they watch.

The state of generation holds under ``hooks`` the step behind the prompt (``start [B]``) and the
memory of each hook by its number; its random numbers and what it keeps of a chunk stand under
``u`` and ``seq``, named by :func:`key_of`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ...arguments import checked
from ...config import did_you_mean
from ...engine.stages import Stage, State
from ...errors import ParameterError
from ...networks.base import Network
from .base import Hook, Step

_START = "start"


def key_of(i: int) -> str:
    """Name of what the ``i``-th hook has in each chunk; no variable's."""
    return f"hooks.{i}"


def hook_state(
    hooks: Sequence[Hook], network: Network, state: State, chunk_steps: int, step: int
) -> State:
    """What hooks add to the state of generation at a step behind the prompt."""
    if not hooks:
        return {}
    start = state["t"] - step
    batch_size = next(iter(state["in"].values())).shape[0]
    new = next(network.parameters()).new_zeros
    memory = {str(i): hook.memory(network, state) for i, hook in enumerate(hooks)}
    chunks: dict[str, State] = {"u": {}, "seq": {}}
    for i, hook in enumerate(hooks):
        sizes = {"u": hook.n_uniforms(network), "seq": hook.width(network, state)}
        for name, size in sizes.items():
            if size:
                chunks[name][key_of(i)] = new(batch_size, chunk_steps, size)
    return {"hooks": {_START: start.expand(batch_size).clone(), **memory}, **chunks}


class Inserted:
    """Hooks as parts of the stages of a network's steps."""

    def __init__(self, hooks: Sequence[Hook], network: Network) -> None:
        self.hooks, self.network = list(hooks), network
        self.step_seconds = float(network.io.step_seconds)
        self._modules = {
            i: _named(network, hook.modules(network))
            for i, hook in enumerate(hooks)
            if "hidden" in hook.places
        }

    def __call__(self, place: str, name: str, value: Tensor, state: State) -> Tensor:
        """A value after all hooks of a place."""
        for i, hook in self._at(place):
            changed = getattr(hook, place)(value, self._step(i, name, state))
            value = value if changed is None else changed
        return value

    def python(self, place: str) -> str:
        """Hooks of a place that run in Python, as text."""
        return ", ".join(repr(h) for _, h in self._at(place) if not h.is_plain_torch)

    def stages(self, place: str, key: str, names: Sequence[str]) -> list[Stage]:
        """Stage that lets the hooks of a place change ``state[key][name]``; none without hooks."""
        if not list(self._at(place)):
            return []

        def change(state: State) -> None:
            for name in names:
                value = state[key][name]
                changed = self(place, name, value, state)
                if changed is not value:
                    value.copy_(changed)

        return [Stage(1, change, self.python(place))]

    def watched(self, stages: Sequence[Stage]) -> list[Stage]:
        """The network's stages, with ``hidden`` asked about the outputs of modules."""
        if not any(self._modules.values()):
            return list(stages)
        python = self.python("hidden")
        return [Stage(s.period, self._watching(s.fn), s.python or python) for s in stages]

    def _at(self, place: str) -> Iterator[tuple[int, Hook]]:
        return ((i, hook) for i, hook in enumerate(self.hooks) if place in hook.places)

    def _step(self, i: int, name: str, state: State) -> Step:
        key, position = key_of(i), state["i"]
        u, seq = state["u"].get(key), state["seq"].get(key)

        def keep(values: Tensor) -> None:
            if seq is None:
                raise ParameterError(f"{self.hooks[i]!r} keeps values but has no width.")
            seq.index_copy_(1, position, values.flatten(1)[:, None].to(seq.dtype))

        return Step(
            name,
            (state["t"] - state["hooks"][_START]).to(torch.float32) * self.step_seconds,
            None if u is None else u.index_select(1, position)[:, 0],
            state["hooks"][str(i)],
            state,
            keep,
        )

    def _watching(self, fn: Callable[[State], None]) -> Callable[[State], None]:
        def run(state: State) -> None:
            with ExitStack() as watch:
                for i, modules in self._modules.items():
                    for name, module in modules.items():
                        watch.enter_context(_output_of(module, self._ask(i, name, state)))
                fn(state)

        return run

    def _ask(self, i: int, name: str, state: State) -> Callable[[Tensor], Tensor | None]:
        return lambda output: self.hooks[i].hidden(output, self._step(i, name, state))


@contextmanager
def _output_of(module: nn.Module, fn: Callable[[Tensor], Tensor | None]) -> Iterator[None]:
    """While it lasts, ``fn`` sees the outputs of a module, and may replace them."""

    def hook(module: nn.Module, args: Any, output: Any) -> Any:
        is_tuple = isinstance(output, tuple)
        changed = fn(output[0] if is_tuple else output)
        if changed is None:
            return None
        return (changed, *output[1:]) if is_tuple else changed

    handle = module.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


class Watched(NamedTuple):
    """A module that runs in a step.

    Attributes
    ----------
    period : int
        Steps from one output to the next.
    shape : tuple of int
        Of its output, without the batch.
    """

    period: int
    shape: tuple[int, ...]


@torch.no_grad()
@checked
def find_modules(network: Network) -> dict[str, Watched]:
    """Modules of a network whose outputs a hook can read and replace, by name.

    Those that run in a step, and those of the heads that run when something is drawn. Of a
    module that runs several times in one step, every output can be replaced.

    Parameters
    ----------
    network : Network
        As ``load_checkpoint(...).network()`` gives it.

    Examples
    --------
    >>> network = mnb.load_checkpoint("runs/first").network()
    >>> mnb.hooks.find_modules(network)["output"]
    Watched(period=1, shape=(192,))
    """
    state = network.init_state(_ROWS)
    found: dict[str, Watched] = {}
    stages = [*network.stages(), Stage(1, lambda state: _draw_all(network, state))]
    for stage in stages:
        with ExitStack() as watch:
            for name, module in network.named_modules():
                if name and not isinstance(module, nn.ModuleList | nn.ModuleDict):
                    note = _note(found, name, stage.period)
                    watch.enter_context(_output_of(module, note))
            stage.fn(state)
    return found


_ROWS = 61
"Rows to try a network with: a number by which one knows them from its other dimensions."


def _draw_all(network: Network, state: State) -> None:
    """Draw once from every head."""
    for name, head in network.heads.items():
        params = state["out"][name]
        controls = {control: params.new_ones(len(params)) for control in head.controls}
        memory = {**head.init_state(len(params)), "last": head.mean(params)}
        head.sample(params, params.new_zeros(len(params), head.n_uniforms), controls, memory)


def _note(found: dict[str, Watched], name: str, period: int) -> Callable[[Tensor], None]:
    def note(output: Tensor) -> None:
        if output.shape[:1] == (_ROWS,):
            found[name] = Watched(period, tuple(output.shape[1:]))

    return note


def _named(network: Network, names: Sequence[str]) -> dict[str, nn.Module]:
    """Modules by name, or an error that lists those that run in a step."""
    if not names:
        return {}
    known = find_modules(network)
    for name in names:
        if name not in known:
            raise ParameterError(
                f"No module {name!r} gives an output in a step of this network, so no hook can "
                f"reach it. {did_you_mean(name, known)} find_modules() lists all."
            )
    return {name: network.get_submodule(name) for name in names}
