"""Networks: one contract, one file per network, registered by kind.

===========================  =============================================================
module                       holds
===========================  =============================================================
:mod:`.base`                 the contract (``forward``, ``init_state``, ``stages``), the registry
:mod:`.heads`                distributions at the output: loss and draw
:mod:`.flow_head`            vectors drawn as a whole by flow matching; :mod:`.mixture_heads`
:mod:`.units_head`           vectors of the recording itself, from :mod:`.unit_memory`
:mod:`.losses`               weighted loss terms
:mod:`.wavenet`              WaveNet, and FreqNet as its form on frames of a spectrum
:mod:`.tiers`                what networks in tiers share
:mod:`.latent_io`            the variable of networks on latent frames
:mod:`.latent_rnn`           recurrent layers or attention over latent frames
:mod:`.sample_rnn`           SampleRNN
:mod:`.sampler_transformer`  transformer tiers with cached attention
:mod:`.seq2seq`              recurrent encoder and decoder over blocks of frames
===========================  =============================================================
"""

from . import (  # noqa: F401 - registers the kinds
    latent_rnn,
    sample_rnn,
    sampler_transformer,
    seq2seq,
    wavenet,
)
from .base import NETWORKS as NETWORKS
