"""What this kernel keeps of its views: a cell that is run again finds everything as it was left.

It is kept by what it is about (a folder of runs, a sound), whoever looks at it. Main name:
:func:`kept`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")

KEPT: dict[tuple[type, Hashable], Any] = {}
"All of it, by kind and by what it is about."


def kept(kind: type[T], key: Hashable, make: Callable[[], T]) -> T:
    """What there is of a kind about something; made if there is nothing yet."""
    if (kind, key) not in KEPT:
        KEPT[kind, key] = make()
    found: T = KEPT[kind, key]
    return found
