"""Forms: any config as something to edit, checked while one types.

``form(config)`` makes a control of every field, with its unit, limits and meaning; fields that
hold a config become sections, and families of configs a choice of kinds that swaps the section.
``.value`` is always a valid config: the last one that was. Main names: :func:`form`,
:class:`Form`.
"""

from __future__ import annotations

import contextlib
import html
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import ipywidgets as W
import traitlets
from IPython.display import display

from ...config import Config, load_yaml
from ...errors import ConfigError, MimikitError
from ...runtime import is_headless
from .controls import STYLE, Control, Invalid, button, explain
from .quiet import Quiet
from .sections import ConfigControl, Groups
from .tables import settings_table
from .yaml_box import YamlBox

AS_GIVEN, EDITED = "as given", "edited"

Facts = Callable[[Any], Mapping[str, str]]
"Facts that follow from a config, by name; may raise one of this package's errors."
Preset = Config | Callable[[Any], Config]
"A config, or a function that makes one of the config in the form."
Adapt = Callable[[Any, Any], Config]
"What becomes of the config before and the one just edited, where one choice brings others."


def form(
    config: Config,
    *,
    presets: Mapping[str, Preset] | None = None,
    facts: Facts | None = None,
    groups: Groups | None = None,
    adapt: Adapt | None = None,
    headless: bool | None = None,
) -> Form:
    """Edit a config by hand.

    Parameters
    ----------
    config : Config
        What the form begins with, and goes back to by Reset.
    presets : mapping of str to Config or callable, optional
        Ready-made values to choose from; a callable makes one of the value in the form.
    facts : callable, optional
        Facts to show beside, by name; worked out anew after every change.
    groups : mapping of type to mapping of str to sequence of str, optional
        By class, its fields by the title of the section that they stand in; all others stand in
        one more.
    adapt : callable, optional
        Gets the config before and after an edit and returns what shall be, for settings that
        follow from others.
    headless : bool, optional
        Whether to show a table instead; found out if None.

    Returns
    -------
    Form
        ``.value`` is the config as edited; in a headless run the one that was passed in.
    """
    is_still = is_headless() if headless is None else headless
    return Form(config, presets or {}, facts, groups or {}, adapt, headless=is_still)


class Form(traitlets.HasTraits):
    """A config and the view to edit it; made by :func:`form`.

    Attributes
    ----------
    value : Config
        The last valid config; observable, and may be set.
    problems : dict of str
        What is wrong, by the name of the field; empty if all is well.
    widget : ipywidgets.Widget
        What to show.
    """

    value = traitlets.Any()
    problems: traitlets.Dict = traitlets.Dict()

    def __init__(
        self,
        config: Config,
        presets: Mapping[str, Preset],
        facts: Facts | None,
        groups: Groups,
        adapt: Adapt | None = None,
        *,
        headless: bool,
    ) -> None:
        self._first, self._presets, self._facts = config, dict(presets), facts
        self._groups, self._adapt = groups, adapt
        self._root: ConfigControl | None = None
        self._taking, self._naming = Quiet(), Quiet()  # what stands there; where it comes from
        super().__init__(value=config)
        self.widget = None if headless else self._make_view()

    def reset(self) -> None:
        """Go back to the config that the form was made with."""
        self.value = self._first
        if self._root is not None:
            self._fill()  # also where the value was the first one, but something else was typed
        self._name_value(AS_GIVEN)

    def to_yaml(self, path: str | Path | None = None, overwrite: bool = False) -> str:
        """The config as YAML, written to ``path`` as by :meth:`~..config.Config.to_yaml`."""
        return str(self.value.to_yaml(path, overwrite))

    def from_yaml(self, source: str | Path) -> None:
        """Take the config of a YAML file or text; a ConfigError says what is wrong with it."""
        self.value = type(self.value)(**load_yaml(source))

    @property
    def is_valid(self) -> bool:
        """Whether what stands in the form is what ``value`` holds."""
        return not self.problems

    def control(self, *names: str) -> Control:
        """Control of a field, or of a field in a field."""
        control: Any = self._root
        for name in names:
            control = control.children[name]
        return control

    @traitlets.validate("value")
    def _check_value(self, proposal: Any) -> Config:
        value: Config = proposal["value"]
        if not isinstance(value, Config):
            raise ConfigError(f"A form holds a config, not {type(value).__name__}.")
        return value

    @traitlets.observe("value")
    def _value_changed(self, change: Any) -> None:
        if self._root is None:
            return
        if not self._taking:
            self._fill()
        self._name_value(EDITED)
        self.show_facts()

    def _make_view(self) -> Any:
        self._holder = W.VBox()
        self._facts_view = W.HTML()
        self._foot = W.HTML(layout=W.Layout(display="none"))
        self._foot.add_class("mnb-wrong")
        self._fill()
        self.show_facts()
        yaml_box = YamlBox(self)
        bar = self._make_bar(yaml_box.opener)
        parts = [bar, yaml_box.box, self._holder, self._foot, self._facts_view]
        view = W.VBox([W.HTML(STYLE), *parts])
        view.add_class("mnb-view")
        return view

    def _make_bar(self, opener: Any) -> Any:
        parts: list[Any] = []
        if self._presets:
            self._chooser = W.Dropdown(
                description="preset",
                options=[AS_GIVEN, *self._presets, EDITED],
                layout=W.Layout(width="240px"),
            )
            explain(self._chooser, "Ready-made settings to start from.")
            self._chooser.observe(self._chosen, "value")
            parts.append(self._chooser)
        reset = button("Reset", "Go back to the settings this form began with.")
        reset.on_click(lambda _: self.reset())
        return W.HBox([*parts, reset, opener], layout=W.Layout(flex_flow="row wrap"))

    def _chosen(self, change: Any) -> None:
        if change["new"] == EDITED or self._naming:
            return
        preset = self._presets.get(change["new"], self._first)
        self.value = preset if isinstance(preset, Config) else preset(self.value)
        self._name_value(change["new"])

    def _name_value(self, name: str) -> None:
        """Say in the chooser where the settings come from."""
        if self._presets and self._root is not None:
            with self._naming:
                self._chooser.value = name

    def _fill(self) -> None:
        """Show the value; a value of another class gets other controls."""
        if self._root is None or self._root.cls is not type(self.value):
            self._root = ConfigControl("", type(self.value), self._groups, is_root=True)
            self._root.on_change(self._edited)
            self._holder.children = [self._root.widget]
        self._root.set(self.value)
        self._say({})

    def _edited(self) -> None:
        assert self._root is not None
        try:
            value = self._root.read()
        except Invalid:
            self._say(self._root.problems())
            return
        self._say({})
        adapted = value if self._adapt is None else self._adapt(self.value, value)
        with self._taking if adapted is value else contextlib.nullcontext():
            self.value = adapted

    def _say(self, problems: dict[str, str]) -> None:
        self.problems = problems
        names = ", ".join(name.replace("_", " ") for name in problems)
        self._foot.value = f"Not usable: {html.escape(names)}. The last good settings hold."
        self._foot.layout.display = "" if problems else "none"

    def show_facts(self) -> None:
        """Work the facts out anew."""
        if self._facts is None or self._root is None:
            return
        try:
            self._facts_view.value = facts_table(self._facts(self.value))
        except MimikitError as error:
            self._facts_view.value = f'<div class="mnb-wrong">{html.escape(str(error))}</div>'

    def _ipython_display_(self) -> None:
        display(settings_table(self.value) if self.widget is None else self.widget)


def facts_table(facts: Mapping[str, str]) -> str:
    """Facts by name as HTML."""
    rows = "".join(
        f"<tr><td>{html.escape(k)}</td><td><b>{html.escape(v)}</b></td></tr>"
        for k, v in facts.items()
    )
    return f"<table>{rows}</table>"
