"""Networks: one contract, one file per network, registered by kind.

=======================  =================================================================
module                   holds
=======================  =================================================================
:mod:`.base`             the contract (``forward``, ``init_state``, ``stages``), the registry
:mod:`.heads`            distributions at the output: loss and draw
:mod:`.losses`           weighted loss terms
:mod:`.wavenet`          WaveNet, and FreqNet as its form on magnitude frames
:mod:`.sample_rnn`       SampleRNN
=======================  =================================================================
"""

from . import sample_rnn, wavenet  # noqa: F401 - registers the kinds
from .base import NETWORKS as NETWORKS
