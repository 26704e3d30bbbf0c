"""Arguments of public functions: checked by their annotations before anything happens.

A public function says what it takes by the types in its signature and carries the decorator
:func:`checked`. What doesn't fit is a :class:`~mimikit_nb.errors.ParameterError` that names the
function, the argument, its value and what is taken; what is harmless is converted (numpy's
numbers, whole floats, ``~`` in paths)::

    @checked
    def generate(ck: Checkpoint | PathArg, seconds: Seconds = 10.0, n: SoundCount = 1): ...

    generate("runs/a", n=2.5)
    # ParameterError: generate(n=2.5): n must be a whole number from 1 to 10,000.

===================  =====================================================================
module               holds
===================  =====================================================================
:mod:`.kinds`        ``Whole``, ``Real``, ``Items`` ... and their names: ``Seconds``, ``Seed``
:mod:`.checking`     ``checked``, ``checked_with``
===================  =====================================================================
"""

from .checking import Arguments, checked, checked_with
from .kinds import (
    LONGEST_SECONDS,
    MOST_ITEMS,
    MOST_SOUNDS,
    ChannelCount,
    Count,
    FilePath,
    Items,
    Kind,
    Minutes,
    Names,
    Number,
    Numbers,
    PathArg,
    Paths,
    Position,
    Rate,
    Real,
    Samples,
    Seconds,
    Seed,
    SoundCount,
    Step,
    StoredRate,
    Whole,
)

__all__ = [
    "LONGEST_SECONDS",
    "MOST_ITEMS",
    "MOST_SOUNDS",
    "Arguments",
    "ChannelCount",
    "Count",
    "FilePath",
    "Items",
    "Kind",
    "Minutes",
    "Names",
    "Number",
    "Numbers",
    "PathArg",
    "Paths",
    "Position",
    "Rate",
    "Real",
    "Samples",
    "Seconds",
    "Seed",
    "SoundCount",
    "Step",
    "StoredRate",
    "Whole",
    "checked",
    "checked_with",
]
