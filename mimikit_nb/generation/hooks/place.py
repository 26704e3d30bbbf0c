"""The place of hooks that are told where to act: ``"logits"``, ``"samples"`` or a module's name."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import ParameterError
from ...networks.base import Network
from .inserting import Watched, find_modules

VALUES = ("logits", "samples")


def hooked_places(place: str) -> frozenset[str]:
    """Where a hook is asked that acts at a place."""
    return frozenset({place if place in VALUES else "hidden"})


def modules_at(place: str) -> Sequence[str]:
    """The module of a place, if it is one."""
    return () if place in VALUES else (place,)


def watched(network: Network, place: str) -> Watched:
    """How often a place of the autoregressive variable has a value, and its shape.

    Raises
    ------
    ParameterError
        If there is no such module; lists those that there are.
    """
    name = next(iter(network.io.autoregressive))
    if place == "logits":
        return Watched(1, (network.heads[name].n_params,))
    if place == "samples":
        return Watched(1, tuple(network.init_state(1)["in"][name].shape[1:]))
    found = find_modules(network)
    if place not in found:
        raise ParameterError(
            f"No module {place!r} gives an output in a step of this network; choose 'logits', "
            f"'samples' or one of {', '.join(found)}."
        )
    return found[place]


def width_of(network: Network, place: str) -> int:
    """Units of a place: the last dimension of its value."""
    return watched(network, place).shape[-1]
