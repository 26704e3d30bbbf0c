"""Whether a cell runs: until it has ended, a kernel may not hear what the page says.

Main names: :func:`watch_cells`, :class:`Cells`.
"""

from __future__ import annotations

import time
from functools import cache
from typing import Any


@cache
def watch_cells() -> Cells:
    """Watch the cells of the notebook that this process is the kernel of, if it is one."""
    from IPython.core.getipython import get_ipython

    return Cells(get_ipython())  # type: ignore[no-untyped-call]


class Cells:
    """Knows when cells run.

    Parameters
    ----------
    shell : IPython.core.interactiveshell.InteractiveShell or None
        The kernel's shell; without one no cell ever runs.
    """

    def __init__(self, shell: Any) -> None:
        self._shell, self._is_running, self._ended = shell, False, float("-inf")
        if shell is not None:
            self._began()
            shell.events.register("pre_execute", self._began)
            shell.events.register("post_execute", self._over)

    @property
    def idle_since(self) -> float:
        """When the last cell ended, in seconds of ``time.monotonic``; now while one runs."""
        return time.monotonic() if self._is_running else self._ended

    def _began(self) -> None:
        self._is_running |= self._is_cell()

    def _over(self) -> None:
        if self._is_cell():
            self._is_running, self._ended = False, time.monotonic()

    def _is_cell(self) -> bool:
        """Whether a cell is what is executed, and not a message of a widget."""
        kernel = getattr(self._shell, "kernel", None)
        header = kernel.get_parent().get("header", {}) if kernel is not None else {}
        return bool(header.get("msg_type") == "execute_request")
