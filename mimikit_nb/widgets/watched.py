"""A model that a view watches. Main name: :class:`Watched`."""

from __future__ import annotations

from collections.abc import Callable


class Watched:
    """Tells one listener that there is something new."""

    def __init__(self) -> None:
        self._listener: Callable[[], None] = lambda: None

    def listen(self, listener: Callable[[], None]) -> None:
        """Call this from now on; it replaces any earlier listener."""
        self._listener = listener

    def tell(self) -> None:
        """Say that there is something new."""
        self._listener()
