"""What a view sets itself is no edit: observers are told apart from hands.

::

    with self._quiet:
        self.slider.value = 3       # an observer that asks ``if not self._quiet`` does nothing

An edit by hand may arrive in another thread at the same moment (a kernel handles messages of
widgets in two threads, and jobs paint from theirs); it must not be taken for the view's own.
Observers run in the thread that sets the value, so the answer belongs to the thread. (While another
thread applies a message to the very same widget, traitlets leaves them to that thread: so seldom
that it is put up with.) Main name: :class:`Quiet`.
"""

from __future__ import annotations

import threading


class Quiet(threading.local):
    """A context in which its own thread sets what it observes; true inside, in this thread only."""

    def __init__(self) -> None:
        self._depth = 0

    def __enter__(self) -> None:
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1

    def __bool__(self) -> bool:
        return self._depth > 0
