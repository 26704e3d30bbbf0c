"""Checkpoints and run folders: the format on disk and nothing else.

===================  =====================================================================
module               holds
===================  =====================================================================
:mod:`.format`       ``Checkpoint``, ``load_checkpoint``, ``export``
:mod:`.file`         the file: its ``Header``, writing and reading
:mod:`.run`          ``Run``: the folder of a training run
:mod:`.averaging`    ``average_checkpoints``
:mod:`.comparing`    ``compare``: two checkpoints side by side
:mod:`.card`         what an exported folder says about itself, in Markdown
:mod:`.pruning`      ``prune``: delete all but some, after asking
===================  =====================================================================
"""

from .averaging import average_checkpoints
from .comparing import compare
from .file import Header
from .format import Checkpoint, export, load_checkpoint
from .pruning import prune
from .run import Run

__all__ = [
    "Checkpoint",
    "Header",
    "Run",
    "average_checkpoints",
    "compare",
    "export",
    "load_checkpoint",
    "prune",
]
