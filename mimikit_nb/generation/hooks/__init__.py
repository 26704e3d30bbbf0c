"""Hooks: reach into generation while it runs, without touching a network's file.

===================  =====================================================================
module               holds
===================  =====================================================================
:mod:`.base`         what a hook is; ``On`` makes one from a function
:mod:`.inserting`    hooks among the stages of a step; which modules can be reached
:mod:`.listening`    hooks that hear blocks of the sound, and stop it
:mod:`.keeping`      hooks in the recall data of a sound
:mod:`.repetition`   ``RepetitionPenalty``
:mod:`.tiers`        ``FreezeTier``
:mod:`.blend`        ``BlendLogits``
:mod:`.dropout`      ``Dropout``
:mod:`.stopping`     ``StopWhenSilent``
:mod:`.storing`      ``Record``
:mod:`.adjust`       ``Adjust``
:mod:`.transplant`   ``Transplant``; :mod:`.place` says where these three act
===================  =====================================================================

How to use and to write them says ``mimikit_nb.hooks`` (:mod:`mimikit_nb.recipes.hooks`).
"""
