"""Settings of a form as YAML: to copy, to paste, to keep in a file. Main name: :class:`YamlBox`."""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as W

from ...errors import MimikitError
from ..files import free_path
from .controls import button, explain


class YamlBox:
    """Export and import of a form's settings as YAML text.

    Parameters
    ----------
    owner : Form
        Anything with ``to_yaml()`` and ``from_yaml(text)``.
    """

    def __init__(self, owner: Any) -> None:
        self.owner = owner
        self.text = W.Textarea(
            description="settings", layout=W.Layout(width="600px", height="180px", max_width="100%")
        )
        explain(self.text, "All settings as YAML: copy them from here, or paste others.")
        self.path = W.Text(description="file", value="settings.yaml")
        explain(self.path, "Name of a YAML file, from the folder that the notebook runs in.")
        self.message = W.HTML()
        take = button("Use this text", "Put the settings of the text into the form.")
        save = button("Save to file", "Write the form's settings to a new file of this name.")
        load = button("Load from file", "Put the settings of the file into the form.")
        for made, act in ((take, self._take), (save, self._save), (load, self._load)):
            made.on_click(lambda _, act=act: self._do(act))
        self.opener = W.ToggleButton(description="YAML", layout=W.Layout(width="80px"))
        explain(self.opener, "Export or import all settings as text or file.")
        self.opener.observe(self._toggled, "value")
        self.box = W.VBox([self.text, W.HBox([self.path, save, load, take]), self.message])
        self.box.layout.display = "none"

    def _toggled(self, change: Any) -> None:
        self._say("")
        if change["new"]:
            self.text.value = self.owner.to_yaml()
        self.box.layout.display = "" if change["new"] else "none"

    def _do(self, act: Callable[[], str]) -> None:
        """Do what a button says; what came of it, or what is wrong, is said below."""
        try:
            self._say(act())
        except (MimikitError, TypeError, OSError) as error:
            self._say(str(error), is_wrong=True)

    def _take(self) -> str:
        self.owner.from_yaml(self.text.value)
        return "The form holds these settings now."

    def _save(self) -> str:
        path = free_path(Path(self.path.value or "settings.yaml"))
        self.owner.to_yaml(path)
        self.text.value = self.owner.to_yaml()
        return f"Written to {path.resolve()}."

    def _load(self) -> str:
        self.owner.from_yaml(Path(self.path.value))
        self.text.value = self.owner.to_yaml()
        return f"The form holds the settings of {self.path.value} now."

    def _say(self, text: str, is_wrong: bool = False) -> None:
        (self.message.add_class if is_wrong else self.message.remove_class)("mnb-wrong")
        self.message.value = f'<span role="status">{html.escape(text)}</span>' if text else ""
