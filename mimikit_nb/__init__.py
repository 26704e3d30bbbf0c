"""Neural networks of your own recordings: train, listen, judge, recombine.

The public names, in the order of work:

==========================  ================================================================
name                        does
==========================  ================================================================
``check``                   says which sound files can be used, and why others can't
``build_corpus``            turns a folder of recordings into a corpus
``open_corpus``             opens a corpus
``demo_corpus``             a corpus of embedded music, to try everything on
``train``, ``resume``       train a network, go on training
``load_checkpoint``         opens what a run has learned
``generate``, ``stream``    make new sound from a checkpoint
``segment``, ``cluster``    parts of a recording; families of parts that sound alike
``learned_features``        what a network hears in a recording, to compare segments by
``read_labels``             segments that were edited elsewhere
``write_track``             segments or clusters as labels of a corpus; ``read_track``
``live``                    play a checkpoint: hear it while it sounds, and steer it
``extend``                  go on with a generated sound as if it had not stopped
``hooks``                   reach into generation: look, store, replace, stop
``Curve``, ``RandomWalk``   temperatures that change while sound is made
``ensemble``                several networks take turns by a score; ``Score``
``stream_ensemble``         the same, block by block
``judge``                   generated sounds as a table, beside noise and silence
``replayed``                how much of a sound is the recording itself, frame by frame
``score``                   how new, near and healthy one sound is, beside real audio
``evaluate``                lets all checkpoints of a run be heard, scores and ranks them
``by_checkpoint``           their mean scores, with intervals, beside the losses
``beside_real_audio``       their measures beside what real audio, noise and a copy score
``read_recall``             how a generated file was made
``average_checkpoints``     the mean of several checkpoints
``compare``                 two checkpoints side by side
``export``                  a folder to share, with a card that says what it is
``prune``                   deletes all checkpoints of a run but some, after asking
``player``                  a waveform to listen to, mark and cut
``Progress``                how far long work is; pauses and cancels it
``run_notebook``            runs a notebook headless
``sweep``                   runs it with all combinations of some values
==========================  ================================================================

Everything raises errors derived from ``MimikitError``. The examples in the docstrings go on from::

    import mimikit_nb as mnb

    corpus = mnb.demo_corpus()
    run = mnb.train(corpus, "latent_rnn/tiny", "runs/first", max_steps=4, checkpoint_every_steps=2)
    made = mnb.generate("runs/first", corpus, seconds=1.0)
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "check": "recipes",
    "build_corpus": "recipes",
    "open_corpus": "recipes",
    "demo_corpus": "recipes",
    "add_files": "recipes",
    "plan": "recipes",
    "Previewer": "recipes",
    "train": "recipes",
    "resume": "recipes",
    "load_checkpoint": "recipes",
    "generate": "recipes",
    "stream": "recipes",
    "extend": "recipes",
    "hooks": "recipes",
    "ensemble": "recipes",
    "stream_ensemble": "recipes",
    "Score": "generation.ensemble.score",
    "Curve": "generation.curves",
    "RandomWalk": "generation.curves",
    "read_recall": "recipes",
    "average_checkpoints": "recipes",
    "export": "recipes",
    "compare": "recipes",
    "prune": "recipes",
    "choose_corpus": "recipes",
    "demo_recordings": "recipes",
    "judge": "recipes",
    "replayed": "recipes",
    "segment": "recipes",
    "cluster": "recipes",
    "learned_features": "recipes",
    "read_labels": "recipes",
    "write_track": "recipes",
    "read_track": "recipes",
    "score": "recipes",
    "evaluate": "recipes",
    "by_checkpoint": "recipes",
    "beside_real_audio": "recipes",
    "new_folder": "recipes",
    "player": "widgets.player",
    "live": "widgets.generate",
    "run_notebook": "batch",
    "sweep": "grids",
    "Progress": "progress",
    "start": "runtime",
    "MimikitError": "errors",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Import a public name where it is first used: importing the package costs nothing."""
    if name == "__version__":
        from importlib.metadata import version

        return version("mimikit-nb")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
