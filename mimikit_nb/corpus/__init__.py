"""The corpus: recordings at one rate in one HDF5 file, mapped into memory.

========  ==================================================================
build     ``build_corpus``, ``add_files``: from sound files
demo      ``demo_corpus``: the embedded music
store     ``open_corpus``, ``Corpus``: signal, files, tracks
split     ``Split``: what is held out of training
tracks    ``LabelTrack``, ``FeatureTrack``: what is known about the sound
layout    how it lies in HDF5 (only here)
planes    samples on their way into it
========  ==================================================================
"""

from .build import add_files, build_corpus
from .demo import demo_corpus
from .layout import CorpusFile
from .split import Split
from .store import Corpus, open_corpus
from .tracks import FeatureTrack, LabelTrack

__all__ = [
    "Corpus",
    "CorpusFile",
    "FeatureTrack",
    "LabelTrack",
    "Split",
    "add_files",
    "build_corpus",
    "demo_corpus",
    "open_corpus",
]
