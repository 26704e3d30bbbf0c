"""Hooks in recall data: what a sound says of them, and how it goes on with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import ParameterError
from ...networks.base import Network
from .base import HOOKS, OWN, Hook, facts_of


def played(network: Network, hooks: Sequence[Hook]) -> Network:
    """The network that is played: each hook may put another in its place."""
    is_list = isinstance(hooks, Sequence)
    for hook in hooks if is_list else [hooks]:
        if not is_list or not isinstance(hook, Hook):
            raise ParameterError(
                f"hooks is a list of hooks, but holds {hook!r}; mnb.hooks.On makes a hook of a "
                "function: hooks=[mnb.hooks.On('logits', fn)]."
            )
        network = hook.network(network)
    return network


def hooks_as_before(facts: Mapping[str, Any], given: Sequence[Hook] | None) -> list[Hook]:
    """Hooks of a sound as they were, unless others are given.

    Raises
    ------
    ParameterError
        If one was a hook of your own, which isn't kept with the sound.
    """
    if given is not None:
        return list(given)
    before = facts.get("hooks", [])
    for fact in before:
        if fact["kind"] == OWN:
            raise ParameterError(
                f"The sound was made with a hook of yours ({fact['repr']}), which isn't kept with "
                "it; give all hooks again: extend(..., hooks=[...]), or none: hooks=[]."
            )
    return [HOOKS.parse(fact) for fact in before]


def goes_on_with(before: Sequence[Sequence[Mapping[str, Any]]], hooks: Sequence[Hook]) -> bool:
    """Whether hooks are those that streams were made with, so that they go on exactly.

    Raises
    ------
    ParameterError
        If the streams had different hooks, or if others would put another network in place.
    """
    if any(list(b) != list(before[0]) for b in before):
        raise ParameterError("These sounds were made with different hooks; extend them one by one.")
    now = [facts_of(hook) for hook in hooks]
    if now == list(before[0]):
        return True
    if [f for f in before[0] if _changes_network(f)] != [f for f in now if _changes_network(f)]:
        raise ParameterError(
            "A hook that plays another network (as BlendLogits) can't be added, changed or taken "
            "away while a sound goes on; leave it as it was, or use the sound as a prompt."
        )
    return False


def _changes_network(fact: Mapping[str, Any]) -> bool:
    known = HOOKS.kinds.get(fact["kind"])
    return known is not None and known.network is not Hook.network
