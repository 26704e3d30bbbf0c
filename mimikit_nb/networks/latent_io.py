"""The variable of networks on latent frames: what they read and draw if nothing else is said."""

from __future__ import annotations

from ..features.latent import LatentConfig
from ..io.heads import FlowHeadConfig
from ..io.variable import IOSpec, VariableConfig


def latent_io(sample_rate: int) -> IOSpec:
    """Latent frames, drawn by class and flow, and mixed with recorded ones.

    Parameters
    ----------
    sample_rate : int
        Samples per second.

    Returns
    -------
    io : IOSpec
        One variable, ``signal``, that is read and drawn.
    """
    head = FlowHeadConfig(n_classes=256, alike=0.15, n_units=8192)
    variable = VariableConfig(feature=LatentConfig(), head=head)
    return IOSpec(sample_rate=sample_rate, variables={"signal": variable})
