"""The edit history of a view: results to go back to. Main name: :class:`History`."""

from __future__ import annotations

from typing import Generic, TypeVar

R = TypeVar("R")
MOST_STATES = 200  # that can be gone back to


class History(Generic[R]):
    """Results in the order in which they were made, and the one that is looked at."""

    def __init__(self) -> None:
        self._states: list[R] = []
        self._place = -1

    @property
    def now(self) -> R | None:
        """The result that is looked at."""
        return self._states[self._place] if self._states else None

    @property
    def can_undo(self) -> bool:
        """Whether there is an earlier one."""
        return self._place > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is a later one."""
        return self._place < len(self._states) - 1

    def add(self, state: R, instead: bool = False) -> None:
        """Go on to a new result, or put it in the place of the one that is looked at.

        What was undone before is forgotten.
        """
        kept = self._place if instead and self._place > 0 else self._place + 1
        self._states = [*self._states[:kept], state][-MOST_STATES:]
        self._place = len(self._states) - 1

    def restart(self, state: R) -> None:
        """Begin with a result that replaces all the others; none of them comes back."""
        self._states, self._place = [state], 0

    def undo(self) -> None:
        """Go back to the earlier one."""
        self._place -= self.can_undo

    def redo(self) -> None:
        """Go on to the later one."""
        self._place += self.can_redo
