"""Generation: prompt -> one parallel forward -> step loop -> sound.

===================  =====================================================================
module               holds
===================  =====================================================================
:mod:`.controls`     temperature, top-k, top-p: numbers, one per stream, or functions of time
:mod:`.curves`       such functions: curves and random walks
:mod:`.loop`         the stages of a generated step, and executors that run them
:mod:`.stream`       endless values and samples, and how to remember where they are
:mod:`.sound`        streams of sound from prompts; a length of them in memory
:mod:`.output`       a finished batch of sounds, and its files with recall data
:mod:`.record`       sound of any length, written to disk while it is made
:mod:`.end_state`    where a sound stopped, to extend it later
===================  =====================================================================
"""
