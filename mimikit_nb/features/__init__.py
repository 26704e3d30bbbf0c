"""Features: what a network reads and writes instead of raw samples.

===================  =====================================================================
module               holds
===================  =====================================================================
:mod:`.base`         the contract: ``forward``, ``inverse``, ``kind``, ``axis``; the registry
:mod:`.waveform`     mu-law and linear quantisation, linear samples
:mod:`.spectral`     magnitude spectra and their inverse, mel, MFCC
:mod:`.labels`       label tracks as one class per frame
===================  =====================================================================
"""
