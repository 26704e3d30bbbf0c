"""Generation: prompt -> one parallel forward -> step loop -> sound.

===================  =====================================================================
module               holds
===================  =====================================================================
:mod:`.controls`     temperature, top-k, top-p: numbers, one per stream, or functions of time
:mod:`.loop`         the stages of a generated step, and executors that run them
:mod:`.stream`       endless blocks of sound from a prompt
:mod:`.output`       a finished batch of sounds, and its files with recall data
===================  =====================================================================
"""
