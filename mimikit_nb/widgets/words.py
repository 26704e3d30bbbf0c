"""How views say states, durations, sizes and errors.

Main names: :func:`in_plain_words`, :func:`in_time`, :func:`in_megabytes`.
"""

from __future__ import annotations

from ..errors import MimikitError

STATE_COLOURS = {
    "running": "#117733",
    "paused": "#b26a00",
    "finished": "#0072b2",
    "failed": "#c62828",
}


def in_plain_words(error: BaseException) -> str:
    """What went wrong; our own errors say it themselves, others are named."""
    if isinstance(error, KeyboardInterrupt):
        return "Interrupted; what wasn't finished is dropped."
    text = str(error) or "no further word"
    return text if isinstance(error, MimikitError) else f"{type(error).__name__}: {text}"


def in_time(seconds: float) -> str:
    """A duration in the unit that suits it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def in_megabytes(n_bytes: float) -> str:
    """Memory in MB or GB."""
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.0f} MB"
