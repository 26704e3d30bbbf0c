"""Forms: any config as something to edit, checked while one types.

``form(config)`` makes a control of every field, with its unit, limits and meaning; fields that
hold a config become sections, and families of configs a choice of kinds that swaps the section.
``.value`` is always a valid config: the last one that was. Main names: :func:`form`,
:class:`Form`.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import ipywidgets as W
import traitlets
from IPython.display import display
from pydantic import BeforeValidator
from pydantic.fields import FieldInfo

from ..config import Config, Registry, load_yaml
from ..errors import ConfigError, MimikitError
from ..runtime import is_headless
from .controls import (
    LABEL_WIDTH,
    STYLE,
    TEXT_WIDTH,
    Control,
    Invalid,
    bare_type,
    control_of,
    explain,
    is_optional,
)
from .tables import settings_table

Facts = Callable[[Any], Mapping[str, str]]
"Facts that follow from a config, by name; may raise one of this package's errors."
Groups = Mapping[type[Config], Mapping[str, Sequence[str]]]
"Names of a class's fields by the title of the section they are shown in."
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
        super().__init__(value=config)
        self.widget = None if headless else self._make_view()

    def reset(self) -> None:
        """Go back to the config that the form was made with."""
        self.value = self._first

    def to_yaml(self, path: str | Path | None = None) -> str:
        """The config as YAML, written to ``path`` if one is given."""
        return str(self.value.to_yaml(path))

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
        if not self._reading:
            self._fill()
        self.show_facts()

    _reading = False

    def _make_view(self) -> Any:
        self._holder = W.VBox()
        self._facts_view = W.HTML()
        self._foot = W.HTML(layout=W.Layout(display="none"))
        self._foot.add_class("mnb-wrong")
        self._fill()
        self.show_facts()
        view = W.VBox([W.HTML(STYLE), self._make_bar(), self._holder, self._foot, self._facts_view])
        view.add_class("mnb-view")
        return view

    def _make_bar(self) -> Any:
        parts: list[Any] = []
        if self._presets:
            chooser = W.Dropdown(
                description="preset",
                options=["as given", *self._presets],
                layout=W.Layout(width="240px"),
            )
            explain(chooser, "Ready-made settings to start from.")
            chooser.observe(self._chosen, "value")
            parts.append(chooser)
        reset = button("Reset", "Go back to the settings this form began with.")
        reset.on_click(lambda _: self.reset())
        return W.HBox([*parts, reset, YamlBox(self).widget])

    def _chosen(self, change: Any) -> None:
        preset = self._presets.get(change["new"], self._first)
        self.value = preset if isinstance(preset, Config) else preset(self.value)

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
        self._reading = adapted is value
        try:
            self.value = adapted
        finally:
            self._reading = False

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


class ConfigControl(Control):
    """All fields of a config, one below the other; configs in it are sections."""

    def __init__(
        self, name: str, cls: type[Config], groups: Groups | None = None, is_root: bool = False
    ) -> None:
        super().__init__(name, FieldInfo(description=(cls.__doc__ or "").split("\n")[0]))
        self.cls = cls
        self.children: dict[str, Control] = {}
        for field_name, info in cls.model_fields.items():
            if not _is_fixed(info):
                child = make_control(field_name, info, groups)
                child.on_change(self._changed)
                self.children[field_name] = child
        sections = self._folded() if is_root else self._grouped((groups or {}).get(cls, {}))
        self._view = W.VBox([*sections, self.message])

    def _folded(self) -> list[Any]:
        """Plain fields first, then the configs among the fields as sections that fold."""
        folds = {
            name: child
            for name, child in self.children.items()
            if isinstance(child, ConfigControl | KindControl | MapControl)
        }
        plain = [child.widget for name, child in self.children.items() if name not in folds]
        if not folds:
            return plain
        fold = W.Accordion(children=[child.widget for child in folds.values()])
        for number, child in enumerate(folds.values()):
            fold.set_title(number, child.label.capitalize())
        fold.selected_index = 0
        return [*plain, fold]

    def _grouped(self, groups: Mapping[str, Sequence[str]]) -> list[Any]:
        grouped = {name for names in groups.values() for name in names}
        rest = [name for name in self.children if name not in grouped]
        if not grouped:
            return [self.children[name].widget for name in rest]
        parts: list[Any] = []
        for title, names in {**groups, "More": rest}.items():
            rows = [self.children[name].widget for name in names if name in self.children]
            parts += [W.HTML(f"<h4>{html.escape(title)}</h4>"), *rows] if rows else []
        return parts

    @property
    def widget(self) -> Any:
        """What to show."""
        return self._view

    def set(self, value: Any) -> None:
        """Show a value."""
        for name, child in self.children.items():
            child.set(getattr(value, name))
            child.show_problem("")
        self.show_problem("")

    def read(self) -> Config:
        """Value that stands there; Invalid is raised if it is none."""
        values: dict[str, Any] = {}
        for name, child in self.children.items():
            try:
                values[name] = child.read()
            except Invalid:
                continue
        self.show_problem("")
        if len(values) < len(self.children):
            raise Invalid(self.name)
        try:
            return self.cls(**values)
        except ConfigError as error:
            self._blame(str(error))
            raise Invalid(str(error)) from None

    def _blame(self, message: str) -> None:
        """Show a complaint about several fields at the one it names first, or below all."""
        places = {message.find(name): child for name, child in self.children.items()}
        named = {place: child for place, child in places.items() if place >= 0}
        (named[min(named)] if named else self).show_problem(message)

    def problems(self) -> dict[str, str]:
        """Messages shown, by the name of the field."""
        found = super().problems()
        for child in self.children.values():
            found |= child.problems()
        return found


class KindControl(Control):
    """A config of a family: a choice of kinds, and the fields of the chosen one."""

    def __init__(
        self, name: str, info: FieldInfo, registry: Registry[Any], title: str = ""
    ) -> None:
        super().__init__(name, info)
        self.registry = registry
        options = [(kind.replace("_", " "), kind) for kind in registry.kinds]
        if is_optional(info.annotation):
            options.insert(0, ("as fits", ""))
        self.dropdown = W.Dropdown(
            description=title or self.label,
            options=options,
            style={"description_width": LABEL_WIDTH},
            layout=W.Layout(width=TEXT_WIDTH),
        )
        explain(self.dropdown, self.help)
        self.dropdown.observe(self._swapped, "value")
        self.fields: ConfigControl | None = None
        self._known: dict[str, Any] = {}
        self._holder = W.VBox()
        self._view = W.VBox([W.HBox([self.dropdown, self.message]), self._holder])

    @property
    def widget(self) -> Any:
        """What to show."""
        return self._view

    @property
    def children(self) -> dict[str, Control]:
        """Controls of the chosen kind's fields."""
        return self.fields.children if self.fields else {}

    def set(self, value: Any) -> None:
        """Show a value."""
        self._quiet = True
        try:
            kind = value.kind if value is not None else ""
            self._known[kind] = value
            self.dropdown.value = kind
            self._show(kind)
        finally:
            self._quiet = False

    def _swapped(self, change: Any) -> None:
        if not self._quiet:
            self._show(change["new"])
            self._changed()

    def _show(self, kind: str) -> None:
        if kind and (self.fields is None or self.fields.cls is not self.registry.kinds[kind]):
            self.fields = ConfigControl(self.name, self.registry.kinds[kind])
            self.fields.on_change(self._changed)
        if kind:
            assert self.fields is not None
            self.fields.set(self._known.get(kind) or self.registry.parse(kind))
        else:
            self.fields = None
        self._holder.children = [self.fields.widget] if self.fields else []

    def read(self) -> Any:
        """Value that stands there; Invalid is raised if it is none."""
        self.show_problem("")
        return self.fields.read() if self.fields else None

    def problems(self) -> dict[str, str]:
        """Messages shown, by the name of the field."""
        return super().problems() | (self.fields.problems() if self.fields else {})


class MapControl(Control):
    """Configs by name: one section each."""

    def __init__(self, name: str, info: FieldInfo) -> None:
        super().__init__(name, info)
        self._cls = get_args(bare_type(info.annotation))[1]
        self.children: dict[str, Control] = {}
        self._view = W.VBox()

    @property
    def widget(self) -> Any:
        """What to show."""
        return self._view

    def set(self, value: Any) -> None:
        """Show a value."""
        if list(self.children) != list(value):
            self.children = {name: ConfigControl(name, self._cls) for name in value}
            parts: list[Any] = []
            for name, child in self.children.items():
                child.on_change(self._changed)
                parts += [W.HTML(f"<h4>{html.escape(name)}</h4>"), child.widget]
            self._view.children = parts
        for name, child in self.children.items():
            child.set(value[name])

    def read(self) -> Any:
        """Value that stands there; Invalid is raised if it is none."""
        values = {}
        for name, child in self.children.items():
            try:
                values[name] = child.read()
            except Invalid:
                continue
        if len(values) < len(self.children):
            raise Invalid(self.name)
        return values

    def problems(self) -> dict[str, str]:
        """Messages shown, by the name of the field."""
        return {k: v for child in self.children.values() for k, v in child.problems().items()}


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
            description="settings", layout=W.Layout(width="420px", height="180px")
        )
        explain(self.text, "All settings as YAML: copy them from here, or paste others.")
        self.message = W.HTML()
        self.message.add_class("mnb-wrong")
        take = button("Take these", "Use the settings in the text.")
        take.on_click(self._take)
        self.opener = W.ToggleButton(value=False, description="YAML")
        self.opener.layout.width = "80px"
        explain(self.opener, "Export or import all settings as text.")
        self.opener.observe(self._toggled, "value")
        self._box = W.VBox([self.text, take, self.message], layout=W.Layout(display="none"))
        self.widget = W.VBox([self.opener, self._box])

    def _toggled(self, change: Any) -> None:
        self.message.value = ""
        if change["new"]:
            self.text.value = self.owner.to_yaml()
        self._box.layout.display = "" if change["new"] else "none"

    def _take(self, _: Any) -> None:
        try:
            self.owner.from_yaml(self.text.value)
        except (MimikitError, TypeError) as error:
            self.message.value = html.escape(str(error))
        else:
            self.opener.value = False


def make_control(name: str, info: FieldInfo, groups: Groups | None = None) -> Control:
    """Control that suits a field, also one that holds configs."""
    registry = registry_of(info)
    if registry is not None:
        return KindControl(name, info, registry)
    kind = bare_type(info.annotation)
    if isinstance(kind, type) and issubclass(kind, Config) and not is_optional(info.annotation):
        return ConfigControl(name, kind, groups)
    if get_origin(kind) is dict and issubclass(get_args(kind)[1], Config):
        return MapControl(name, info)
    return control_of(name, info)


def registry_of(info: FieldInfo) -> Registry[Any] | None:
    """Family that the configs of a field come from, if they do."""
    inner = [m for part in get_args(info.annotation) for m in getattr(part, "__metadata__", ())]
    for item in [*info.metadata, *inner]:
        owner = getattr(getattr(item, "func", None), "__self__", None)
        if isinstance(item, BeforeValidator) and isinstance(owner, Registry):
            return owner
    return None


def button(name: str, help_: str, style: str = "") -> Any:
    """Button that is called what it does."""
    made = W.Button(description=name, button_style=style, layout=W.Layout(width="auto"))
    made.tooltip = help_
    return made


def facts_table(facts: Mapping[str, str]) -> str:
    """Facts by name as HTML."""
    rows = "".join(
        f"<tr><td>{html.escape(k)}</td><td><b>{html.escape(v)}</b></td></tr>"
        for k, v in facts.items()
    )
    return f"<table>{rows}</table>"


def _is_fixed(info: FieldInfo) -> bool:
    """Whether a field has only one value, as ``kind`` has."""
    return get_origin(info.annotation) is Literal and len(get_args(info.annotation)) == 1
