"""Hooks: reach into generation while it runs, without touching a network's file.

``generate``, ``stream`` and ``extend`` take ``hooks=[...]``. Those that are here already:

=======================  ==================================================================
hook                     does
=======================  ==================================================================
``RepetitionPenalty``    makes what was drawn lately less likely
``FreezeTier``           lets a tier of SampleRNN say the same for a while, or for ever
``BlendLogits``          lets two networks predict together, or moves from one to the other
``Dropout``              lets bins of FreqNet's spectra fall silent, as read or as played
``Record``               stores hidden outputs, logits or draws; :func:`read_record` reads them
``StopWhenSilent``       ends a sound that has died away
``StopWhenStuck``        ends a sound that stands still or goes round in circles
``On``                   a function of yours, at a place of your choice
=======================  ==================================================================

A temperature that is a function of time needs no hook: ``temperature=`` takes one.

**Places.** A step goes through ``inputs`` (the items that the network is about to read), the
network, whose modules' outputs can be reached by name (``hidden``; :func:`find_modules` lists
them with their shapes and how often they run), ``logits`` (what the heads say, whatever their
kind) and ``samples`` (what was drawn). A function looks, or returns what to go on with::

    def sure(logits, step):  # [B, classes]: as sure of itself at every step
        return 4 * logits / logits.std(-1, keepdim=True)

    mnb.generate(ck, hooks=[mnb.hooks.On("logits", sure, is_plain_torch=True)])

Hooks with a memory, random numbers or several places are classes; :class:`Hook` says what can be
overridden. This one lets a hidden layer drift, each sound by its own seed::

    class Drift(mnb.hooks.Hook):
        is_plain_torch = True  # nothing but torch: compiled with the network

        def modules(self, network):
            return ["tiers.0.up"]

        def memory(self, network, state):
            return {"place": torch.zeros(len(state["in"]["signal"]), 1, 1)}

        def n_uniforms(self, network):
            return 1

        def hidden(self, output, step):
            step.memory["place"].add_(0.1 * (step.u[:, :, None] - 0.5))
            return output + step.memory["place"]

**Speed.** Hooks of plain torch are compiled with the network's steps, and hooks that only hear
blocks (the stop conditions) leave the steps as they are. With any other hook every step runs in
Python, several times slower, and that is logged once.

**Recall.** A sound's file names its hooks with their settings, and ``extend`` goes on with them
exactly; hooks of your own it knows by name only, and asks for them.
"""

from ..generation.hooks.base import Hook, HookConfig, On, Step
from ..generation.hooks.blend import BlendLogits
from ..generation.hooks.dropout import Dropout
from ..generation.hooks.inserting import find_modules
from ..generation.hooks.repetition import RepetitionPenalty
from ..generation.hooks.stopping import StopWhenSilent
from ..generation.hooks.storing import Record, read_record
from ..generation.hooks.tiers import FreezeTier
from .stuck import StopWhenStuck

__all__ = [
    "BlendLogits",
    "Dropout",
    "FreezeTier",
    "Hook",
    "HookConfig",
    "On",
    "Record",
    "RepetitionPenalty",
    "Step",
    "StopWhenSilent",
    "StopWhenStuck",
    "find_modules",
    "read_record",
]
