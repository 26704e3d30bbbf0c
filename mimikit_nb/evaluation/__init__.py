"""Judging sound: what is wrong with it, how near it is to a corpus, what it copies.

==================  ======================================================================
module              holds
==================  ======================================================================
:mod:`.spectra`     log-mel spectra, the view all measures share
:mod:`.health`      measures of one sound: level, noise, flat tops, offset ...
:mod:`.stuck`       frozen spectra and loops
:mod:`.detectors`   flags: silent, noise, stuck, clipped, DC, drifting, clicks
:mod:`.distances`   how far a sound lies from a corpus: log-mel, Fréchet, kernel distance
==================  ======================================================================
"""
