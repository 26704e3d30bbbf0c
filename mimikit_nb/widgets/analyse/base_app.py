"""What the views of segments and of clusters share: shown, or analysed here and now.

Main name: :class:`AnalysisView`.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Generic

from IPython.display import display

from ...runtime import say
from ..pictures import Picture
from .model import AnalysisModel, Found, Settings


class AnalysisView(AnalysisModel[Found, Settings], Generic[Found, Settings]):
    """An analysis of a recording, its edits, and the view onto them.

    Attributes
    ----------
    headless : bool
        Whether there are pictures instead of widgets.
    widget : ipywidgets.Widget or None
        What to show; None in a headless run.
    """

    headless: bool
    widget: Any = None

    @abstractmethod
    def picture(self) -> Picture:
        """What was found, as a picture in the place of the view."""

    @property
    def value(self) -> Found:
        """What was found, as it is now; see :class:`AnalysisModel`."""
        if self.headless and self.session.history.now is None:
            self.analyse(self.settings, foreground=True)
        return super().value

    def run(self) -> Picture | None:
        """Show the view and begin the analysis; a headless run does it here and now.

        What was edited and not written yet is kept, whatever the settings.

        Returns
        -------
        Picture or None
            In a headless run the picture, in the place of the view.
        """
        session = self.session
        if self.headless:
            self.analyse(self.settings, foreground=True)
            return self.picture()
        is_new = session.history.now is None or session.asked != self.settings
        session.asked = self.settings
        if is_new and not session.is_edited and not session.is_busy:
            self.begin()
        display(self.widget)
        return None

    def _ipython_display_(self) -> None:
        if self.widget is not None:
            display(self.widget)
        else:
            say(repr(self))
