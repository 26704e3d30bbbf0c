"""Judging sound: what is wrong with it, how near it is to a corpus, what it copies.

=====================  ===================================================================
module                 holds
=====================  ===================================================================
:mod:`.spectra`        log-mel spectra, the view all measures share
:mod:`.stuck`          frozen spectra and loops
:mod:`.health`         measures of one sound: level, noise, flat tops, offset ...
:mod:`.detectors`      flags: silent, noise, stuck, clipped, DC, drifting, clicks
:mod:`.distances`      from a corpus: log-mel, Fréchet distance
:mod:`.kernel`         kernel distance (MMD)
:mod:`.sets`           both for all sounds of a checkpoint, with bootstrap intervals
:mod:`.music`          pitch classes and rhythm
:mod:`.fingerprints`   what survives gain and small shifts of pitch and time
:mod:`.copies`         nearest neighbours, and the longest near-verbatim run
:mod:`.verbatim`       whether a copy is the recording itself or played again
:mod:`.novelty`        distance, wandering, traps, coverage
:mod:`.measures`       all of that for one sound
:mod:`.reading`        formula, range and reading of each measure; beside real audio
:mod:`.calibration`    what real audio, noise, silence, a loop and a copy score
:mod:`.index`          a corpus made ready for scoring
:mod:`.scoring`        ``score``: one sound against a corpus
:mod:`.ranking`        the best of many, no two alike
=====================  ===================================================================
"""
