"""Hooks: reach into generation while it runs, without touching a network's file.

``generate``, ``stream`` and ``extend`` take ``hooks=[...]``. Those that are here already:

=======================  ==================================================================
hook                     does
=======================  ==================================================================
``RepetitionPenalty``    makes what was drawn lately less likely
``FreezeTier``           lets a tier of SampleRNN say the same for a while, or for ever
``BlendLogits``          lets two networks predict together, or moves from one to the other
``Dropout``              lets bins of spectra or parts of frames fall out, as read or played
``Adjust``               mutes, exaggerates or pushes a layer, some of its units, or classes
``Transplant``           lets a layer say what it said in another sound
``Record``               stores hidden outputs, logits or draws; :func:`read_activity` shows them
``StopWhenSilent``       ends a sound that has died away
``StopWhenStuck``        ends a sound that stands still or goes round in circles
``On``                   a function of yours, at a place of your choice
=======================  ==================================================================

A temperature that is a function of time needs no hook: ``temperature=`` takes one.

**What they did**, measured on a SampleRNN that was trained for 4.5 minutes on a piano at 16 kHz
(six prompts, 3 s each). *Moves* is the deviation of the log-mel spectrum over time, *entropy*
that of 256 classes within 50 ms; the last column is how far the mean log-mel spectrum went,
where another seed moves it by 0.7 dB.

==================================  ========  ========  ========  =============================
hook                                level     moves     entropy   spectrum
==================================  ========  ========  ========  =============================
none                                -17.8 dB  3.6 dB    7.1 bits
``FreezeTier(tier=0)``              -18.3 dB  2.7 dB    7.1 bits  1.6 dB
``FreezeTier(tier=1)``              -18.1 dB  2.8 dB    7.1 bits  1.9 dB
``RepetitionPenalty(strength=5)``   -17.7 dB  3.7 dB    7.1 bits  0.4 dB: nothing to do here
the same at temperature 0.5         -22.7 dB  8.8 dB    6.2 bits  27 dB; without it -31.1 dB, 11.2
                                                                  dB, 1.9 bits: sounding for 89
                                                                  instead of 18 % of the time
``BlendLogits``, 0.25 of another    -16.5 dB  3.9 dB    7.1 bits  2.7 dB, and 8.6 from the other
``BlendLogits``, 0.5                -15.4 dB  3.6 dB    7.1 bits  5.6 dB, and 7.5 from the other
``BlendLogits``, 0.75               -14.3 dB  3.6 dB    7.1 bits  7.4 dB, and 6.4 from the other
temperature from 0.6 to 1, 2 Hz     -19.7 dB  6.5 dB    6.8 bits  4.4 dB
==================================  ========  ========  ========  =============================

The other network had learned short sounds; it alone lies 9.8 dB away. The stop conditions left the
plain sounds whole, and at temperature 0.3, where they die away, ended all six within 2.2 to 2.8 s.
:class:`Dropout` has figures of its own.

**Places.** A step goes through ``inputs`` (the items that the network is about to read), the
network, whose modules' outputs can be reached by name (``hidden``; :func:`list_places` lists
them with their sizes and how often they run), ``logits`` (what the heads say, whatever their
kind) and ``samples`` (what was drawn); the modules of a head run when something is drawn. A
function looks, or returns what to go on with::

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

from ..generation.hooks.adjust import Adjust
from ..generation.hooks.base import Hook, HookConfig, On, Step
from ..generation.hooks.blend import BlendLogits
from ..generation.hooks.dropout import Dropout
from ..generation.hooks.inserting import find_modules
from ..generation.hooks.repetition import RepetitionPenalty
from ..generation.hooks.stopping import StopWhenSilent
from ..generation.hooks.storing import Record, read_record
from ..generation.hooks.tiers import FreezeTier
from ..generation.hooks.transplant import Transplant
from .activity import Activity, list_places, read_activity
from .stuck import StopWhenStuck

__all__ = [
    "Activity",
    "Adjust",
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
    "Transplant",
    "find_modules",
    "list_places",
    "read_activity",
    "read_record",
]
