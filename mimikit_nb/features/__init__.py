"""Features: what a network reads and writes instead of raw samples.

======================  ==================================================================
module                  holds
======================  ==================================================================
:mod:`.base`            the contract: ``forward``, ``inverse``, ``kind``, ``axis``; the registry
:mod:`.waveform`        mu-law and linear quantisation, samples as they are
:mod:`.spectral`        magnitude spectra and their inverse, mel, MFCC
:mod:`.learned`         what features with weights have in common
:mod:`.latent`          principal components of log magnitudes, several frames a step
:mod:`.labels`          label and value tracks as one item per step
:mod:`.stft`            frames and spectra without padding, overlap-add
:mod:`.phase`           offline phases (fast Griffin-Lim)
:mod:`.phase_stream`    phases as frames arrive
:mod:`.resample`        sounds read between their samples: other rates, other speeds
:mod:`.augment`         windows changed in speed, pitch and gain
======================  ==================================================================
"""

from . import labels, latent, spectral, waveform  # each registers its configs
from .base import FEATURES

__all__ = ["FEATURES", "labels", "latent", "spectral", "waveform"]
