"""What a view needs of the page it is in: names, keys, and whether anybody looks.

Controls and pictures get names for those who can't see them; keys typed in a view don't trigger
the notebook's shortcuts. The page also says every few seconds that it
shows the view: a training that nobody looks at needn't be painted, and the Jupyter server would
keep all that is painted for a closed page in memory. Main name: :class:`Page`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

GONE_SECONDS = 20.0  # without a sign of life; the page gives one every five


class Page(anywidget.AnyWidget):
    """The page's side of a view; stands in the view's box, which has the class ``mnb-view``.

    Parameters
    ----------
    names : mapping of str to str, optional
        What pictures in the view are called, by CSS selector.
    on_return : callable, optional
        Called when somebody looks again.
    """

    _esm = (Path(__file__).parent / "page.js").read_text(encoding="utf-8")
    names: traitlets.Dict[str, str] = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        names: Mapping[str, str] | None = None,
        on_return: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(names=dict(names or {}))
        self._on_return, self._seen = on_return, time.monotonic()
        self.on_msg(self._on_message)

    @property
    def is_seen(self) -> bool:
        """Whether a page has shown the view within the last seconds, or it is new."""
        return time.monotonic() - self._seen < GONE_SECONDS

    def _on_message(self, _: Any, message: dict[str, Any], __: Any) -> None:
        if message.get("type") != "here":
            return
        was_seen, self._seen = self.is_seen, time.monotonic()
        if not was_seen:
            self._on_return()
