"""Ensembles: generators take turns by a score, each prompted by what sounded before.

==================  ===========================================================================
:mod:`.score`       events in patterns, validated; ranges and distributions drawn by the seed
:mod:`.sources`     the interface of generators; silence, a corpus region, a function, resampling
:mod:`.checkpoints` networks as generators, sums of sounds
:mod:`.blend`       several networks as one: predictions averaged at every step
:mod:`.matching`    an index of the places of a corpus by what sounds before them
:mod:`.neighbour`   the nearest neighbour, which goes on where the corpus fits best
:mod:`.executors`   compiled once for all turns of a network
:mod:`.morphing`    one passage turns into another by its spectrum
:mod:`.weights`     weights of averages, which may move
:mod:`.studio`      from what a score names to generators
:mod:`.seams`       crossfades that keep phase and level
:mod:`.handover`    rules of handing over
:mod:`.room`        what voices have in common, and what they remember
:mod:`.sounding`    a turn's sound with gain and fades
:mod:`.kept`        turns that were played, to be taken over by a changed score
:mod:`.voice`       turns one after the other, and parallel voices
:mod:`.piece`       the finished piece, its turns and files
:mod:`.writing`     a piece written while it is played
:mod:`.draft`       a score as one edits it
==================  ===========================================================================
"""
