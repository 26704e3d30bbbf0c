"""What a page sends is handled in the order in which it was sent.

JupyterLab sends the messages of all widgets to one subshell of the kernel, a thread of its own.
ipykernel 7.4 sends a message of a widget on to whichever thread has last told that widget's view
something instead: that of a cell, of the subshell, of a job. Of two widgets, or of two messages of
one, the second may then be handled first: a number that is typed before Apply is pressed, after it;
and Stop waits for the end of the cell that runs. Here the page's own choice holds again, as in
other versions of ipykernel. Main name: :func:`keep_order`.
"""

from __future__ import annotations

import sys
from functools import wraps
from typing import Any

ROUTE = "_reply_subshell_for"  # asked by the kernel for the thread of each message


def keep_order() -> None:
    """Have widgets' messages handled by the thread that the page sends them to, in a kernel.

    Answers to a question that carries its name go to the thread that asks, as before. Does nothing
    where there is no such routing.
    """
    kernel_comm = sys.modules.get("ipykernel.comm.comm")
    comm: Any = getattr(kernel_comm, "BaseComm", None)
    route = getattr(comm, ROUTE, None)
    if route is None or hasattr(route, "__wrapped__"):  # not there, or ours already
        return

    @wraps(route)
    def as_sent(self: Any, data: Any, default: str | None) -> Any:
        self._reply_subshell_id = default
        return route(self, data, default)

    setattr(comm, ROUTE, as_sent)
