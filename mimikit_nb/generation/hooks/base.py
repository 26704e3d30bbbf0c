"""What a hook is: :class:`Hook`, :class:`Step`, and :class:`HookConfig` for hooks that files keep.

A hook is asked at *places* of a generated step, in this order: ``inputs`` (the items that the
network is about to read), ``hidden`` (outputs of the modules it names), ``logits`` (what the
heads say, whatever their kind), ``samples`` (what was drawn); and ``audio`` hears blocks of the
finished sound. At each it may look, or return something else to go on with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from ...config import Config, Registry, shown
from ...engine.stages import State
from ...errors import ParameterError
from ...networks.base import Network

BLOCK_SECONDS = 0.05
"What hooks hear at a time."

STEP_PLACES = ("inputs", "hidden", "logits", "samples")
PLACES = (*STEP_PLACES, "audio")


@dataclass(frozen=True)
class Step:
    """One step of generation, as a hook sees it.

    Attributes
    ----------
    name : str
        The variable or the module that the value belongs to.
    seconds : Tensor [shape=(B,)]
        Time behind the prompt of what this step makes.
    u : Tensor [shape=(B, n_uniforms)]
        The hook's own random numbers of this step, uniform in [0, 1), each row by its seed.
    memory : dict
        The hook's own tensors, to be written into.
    state : dict
        The whole state of generation, see :mod:`mimikit_nb.generation.loop`.
    keep : callable
        ``keep(values [B, width])`` stores values of this step for :meth:`Hook.chunk`.
    """

    name: str
    seconds: Tensor
    u: Tensor | None
    memory: State
    state: State
    keep: Callable[[Tensor], None]


class Hook:
    """Reach into generation: override what you need, leave the rest.

    Methods that are asked at a step return None to leave a value as it is, or another tensor of
    its shape. Rows ``[B]`` are sounds times channels; treat each alone, so that a sound stays
    what it would be without the others. What must outlive a step belongs into :meth:`memory`,
    random numbers come from ``step.u``: then the same seed gives the same sound, and ``extend``
    goes on exactly.

    Attributes
    ----------
    is_plain_torch : bool
        Whether the methods asked at a step are plain torch without side effects and without
        decisions in Python by what tensors hold (``torch.where`` instead of ``if``). Such hooks
        are compiled with the network. With any other, every step runs in Python, and that is
        said once.
    """

    is_plain_torch: ClassVar[bool] = False

    @property
    def places(self) -> frozenset[str]:
        """Where it is asked: what it overrides."""
        mine = type(self)
        return frozenset(p for p in PLACES if getattr(mine, p) is not getattr(Hook, p))

    # -- before the first step ------------------------------------------------------------------

    def network(self, network: Network) -> Network:
        """The network to play instead; the one that is there by default."""
        return network

    def modules(self, network: Network) -> Sequence[str]:
        """Names of the modules whose outputs :meth:`hidden` gets; see :func:`find_modules`."""
        return ()

    def memory(self, network: Network, state: State) -> State:
        """Tensors ``[B, ...]`` to keep from step to step, given the state after the prompt."""
        return {}

    def n_uniforms(self, network: Network) -> int:
        """Random numbers that it takes for each row and step."""
        return 0

    def width(self, network: Network, state: State) -> int:
        """Numbers that it keeps of each row and step, for :meth:`chunk`."""
        return 0

    # -- at every step --------------------------------------------------------------------------

    def inputs(self, values: Tensor, step: Step) -> Tensor | None:
        """Items ``[B]`` or ``[B, dim]`` of an input variable before the network reads them."""

    def hidden(self, output: Tensor, step: Step) -> Tensor | None:
        """What a module gave ``[B, ...]``, before the network goes on with it."""

    def logits(self, params: Tensor, step: Step) -> Tensor | None:
        """Head parameters ``[B, P]`` of a target variable, before the draw."""

    def samples(self, values: Tensor, step: Step) -> Tensor | None:
        """What was drawn ``[B]`` or ``[B, dim]``, before it is heard and read."""

    # -- at every chunk of some 50 ms -----------------------------------------------------------

    def steer(self, state: State, seconds: float) -> None:
        """Before each chunk: write into the state what changes with time."""

    def chunk(self, kept: Tensor, state: State) -> None:
        """After each chunk of ``n`` steps: what was kept ``[B, n, width]``, and the state then."""

    def audio(self, block: Tensor, memory: State) -> Tensor | None:
        """Hear 50 ms ``[B, samples]`` of sound; true ``[B]`` where it should stop behind it.

        Tensors of the memory may be written into. A sound of several channels stops when all of
        them should.
        """

    def close(self) -> None:
        """After the last step: close what was opened."""

    def __repr__(self) -> str:
        return f"{type(self).__module__}.{type(self).__qualname__}"


class HookConfig(Config, Hook):
    """Base of hooks that the recall data of a sound can hold, so that ``extend`` finds them."""

    kind: str
    "Name of the hook."

    @property
    def facts(self) -> dict[str, Any]:
        """What builds it again, as JSON types."""
        return self.to_dict()


HOOKS: Registry[HookConfig] = Registry("hook")


class On(Hook):
    """A hook from a function of your own.

    Parameters
    ----------
    place : str
        ``"inputs"``, ``"logits"``, ``"samples"``, or the name of a module for its output.
    fn : callable
        ``fn(value, step)``, as the methods of :class:`Hook`.
    is_plain_torch : bool, default False
        See :class:`Hook`; true keeps the fast engine.

    Examples
    --------
    >>> louder = mnb.hooks.On("output", lambda x, step: 1.5 * x, is_plain_torch=True)
    >>> changed = mnb.generate("runs/first", corpus, seconds=1.0, hooks=[louder])
    """

    def __init__(
        self,
        place: str,
        fn: Callable[[Tensor, Step], Tensor | None],
        is_plain_torch: bool = False,
    ) -> None:
        if not isinstance(place, str) or not place or not callable(fn):
            raise ParameterError(
                f"On({shown(place)}, {shown(fn)}): give 'inputs', 'logits', 'samples' or the name "
                "of a module, and a function of value and step."
            )
        self.place, self.fn = place, fn
        self.is_plain_torch = is_plain_torch  # type: ignore[misc]
        method = place if place in STEP_PLACES else "hidden"
        setattr(self, method, fn)

    @property
    def places(self) -> frozenset[str]:
        """The one place."""
        return frozenset({self.place if self.place in STEP_PLACES else "hidden"})

    def modules(self, network: Network) -> Sequence[str]:
        """The module, if it is one."""
        return () if self.place in STEP_PLACES else (self.place,)

    def __repr__(self) -> str:
        return f"On({self.place!r}, {getattr(self.fn, '__qualname__', repr(self.fn))})"


def facts_of(hook: Hook) -> dict[str, Any]:
    """A hook as JSON types: what builds it again, or what a hook of your own calls itself."""
    return hook.facts if isinstance(hook, HookConfig) else {"kind": OWN, "repr": repr(hook)}


OWN = "own"
"Kind, in recall data, of hooks that aren't kept with a sound."
