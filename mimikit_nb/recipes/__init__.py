"""One function per task of a notebook: the public API, callable without Jupyter.

===================  =====================================================================
module               holds
===================  =====================================================================
:mod:`.training`     ``train``, ``resume``, ``plan``
:mod:`.previews`     ``Previewer``: sounds made and judged while training
:mod:`.preview_log`  what they say of the training, in its log
:mod:`.analysing`    ``segment``, ``cluster``
:mod:`.hearing`      ``learned_features``: what a network hears, to compare segments by
:mod:`.comparing`    latent frames of a recording, to compare segments by
:mod:`.generating`   ``generate``, ``stream``, ``extend``
:mod:`.finding`      the corpus of a checkpoint or a run, wherever it lies now
:mod:`.hooks`        what reaches into generation: ``RepetitionPenalty``, ``Record`` ...
:mod:`.activity`     what a layer did while it played, to see and to hear
:mod:`.ensembling`   ``ensemble``, ``stream_ensemble``: several networks take turns
:mod:`.palette`      networks and corpora that lie in a folder
:mod:`.judging`      ``judge``: a table of generated sounds beside noise and silence
:mod:`.replaying`    ``replayed``: how much of a sound is the recording itself
:mod:`.scoring`      ``score``: one sound against a corpus
:mod:`.evaluating`   ``evaluate``: all checkpoints of a run, heard, scored and ranked
:mod:`.candidates`   which checkpoints it compares, and where it keeps what it makes
:mod:`.matrix`       what it generates: checkpoints x prompts x temperatures x seeds
:mod:`.scored`       the table of scored sounds, on disk and in memory
:mod:`.pooling`      all sounds of a checkpoint together
:mod:`.summaries`    ``by_checkpoint``, ``beside_real_audio``
:mod:`.workspace`    ``choose_corpus``, ``new_folder``, ``demo_recordings``
===================  =====================================================================

What needs no recipe (``check``, ``build_corpus``, ``load_checkpoint`` ...) is passed on from
the layer that holds it.
"""

from ..analysis import read_labels, read_track, write_track
from ..audio.doctor import check
from ..audio.recall import read_recall
from ..checkpoint import average_checkpoints, compare, export, load_checkpoint, prune
from ..corpus.build import add_files, build_corpus
from ..corpus.demo import demo_corpus
from ..corpus.store import open_corpus
from . import hooks
from .analysing import cluster, segment
from .ensembling import ensemble, stream_ensemble
from .evaluating import evaluate
from .generating import extend, generate, stream
from .hearing import learned_features
from .judging import judge
from .previews import Previewer, PreviewSound
from .replaying import replayed
from .scoring import score
from .summaries import beside_real_audio, by_checkpoint
from .training import Plan, plan, resume, train
from .workspace import choose_corpus, demo_recordings, new_folder

__all__ = [
    "Plan",
    "PreviewSound",
    "Previewer",
    "add_files",
    "average_checkpoints",
    "beside_real_audio",
    "build_corpus",
    "by_checkpoint",
    "check",
    "choose_corpus",
    "cluster",
    "compare",
    "demo_corpus",
    "demo_recordings",
    "ensemble",
    "evaluate",
    "export",
    "extend",
    "generate",
    "hooks",
    "judge",
    "learned_features",
    "load_checkpoint",
    "new_folder",
    "open_corpus",
    "plan",
    "prune",
    "read_labels",
    "read_recall",
    "read_track",
    "replayed",
    "resume",
    "score",
    "segment",
    "stream",
    "stream_ensemble",
    "train",
    "write_track",
]
