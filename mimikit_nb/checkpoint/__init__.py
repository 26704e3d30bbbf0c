"""Checkpoints and run folders: the format on disk and nothing else.

===================  =====================================================================
module               holds
===================  =====================================================================
:mod:`.format`       ``Checkpoint``, ``load_checkpoint``, ``export``
:mod:`.file`         the file: its ``Header``, writing and reading
:mod:`.run`          ``Run``: the folder of a training run
:mod:`.averaging`    ``average_checkpoints``
===================  =====================================================================
"""

from .averaging import average_checkpoints
from .file import Header
from .format import Checkpoint, export, load_checkpoint
from .run import Run

__all__ = ["Checkpoint", "Header", "Run", "average_checkpoints", "export", "load_checkpoint"]
