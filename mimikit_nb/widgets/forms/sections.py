"""Controls for the fields of a config that hold configs: sections, kinds to choose, maps.

Main names: :class:`ConfigControl`, :func:`make_control`.
"""

from __future__ import annotations

import html
from collections.abc import Collection, Mapping, Sequence
from typing import Any, get_args, get_origin

import ipywidgets as W
from pydantic.fields import FieldInfo

from ...config import Config, Registry
from ...errors import ConfigError
from .controls import (
    LABEL_WIDTH,
    TEXT_WIDTH,
    Control,
    Invalid,
    TickControl,
    control_of,
    explain,
    hint,
)
from .fields import bare_type, is_fixed, is_optional, registry_of

Groups = Mapping[type[Config], Mapping[str, Sequence[str]]]
"Names of a class's fields by the title of the section they are shown in."


class ConfigControl(Control):
    """All fields of a config, one below the other; configs in it are sections."""

    def __init__(
        self, name: str, cls: type[Config], groups: Groups | None = None, is_root: bool = False
    ) -> None:
        super().__init__(name, FieldInfo(description=(cls.__doc__ or "").split("\n")[0]))
        self.cls = cls
        self.children: dict[str, Control] = {}
        for field_name, info in cls.model_fields.items():
            if not is_fixed(info):
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
        parts = [
            fold(child.label.capitalize(), child.widget, is_open=number == 0)
            for number, child in enumerate(folds.values())
        ]
        return [*plain, *parts]

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

    def hide(self, names: Collection[str], is_hidden: bool = True) -> None:
        """Hide rows that mean nothing now, or show them again."""
        for name in names:
            self.children[name].widget.layout.display = "none" if is_hidden else ""

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
        self._view = W.VBox([W.HBox([self.dropdown, hint(self.help)]), self.message, self._holder])

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
        with self._quiet:
            kind = value.kind if value is not None else ""
            self._known[kind] = value
            self.dropdown.value = kind
            self._show(kind)

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


class OptionalControl(Control):
    """A config that may be left out: a tick, and its fields below."""

    def __init__(self, name: str, info: FieldInfo, groups: Groups | None = None) -> None:
        super().__init__(name, info)
        self.tick = TickControl(name, info)
        self.fields = ConfigControl(name, bare_type(info.annotation), groups)
        self.tick.on_change(self._ticked)
        self.fields.on_change(self._changed)
        self._view = W.VBox([self.tick.widget, self.fields.widget])

    @property
    def widget(self) -> Any:
        """What to show."""
        return self._view

    @property
    def children(self) -> dict[str, Control]:
        """Controls of the config's fields."""
        return self.fields.children

    def _ticked(self) -> None:
        self._show(self.tick.read())
        self._changed()

    def _show(self, is_there: bool) -> None:
        self.fields.widget.layout.display = "" if is_there else "none"

    def set(self, value: Any) -> None:
        """Show a value."""
        self.tick.set(value is not None)
        self.fields.set(self.fields.cls() if value is None else value)
        self._show(value is not None)

    def read(self) -> Any:
        """Value that stands there; Invalid is raised if it is none."""
        return self.fields.read() if self.tick.read() else None

    def problems(self) -> dict[str, str]:
        """Messages shown, by the name of the field."""
        return self.fields.problems() if self.tick.read() else {}


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


def make_control(name: str, info: FieldInfo, groups: Groups | None = None) -> Control:
    """Control that suits a field, also one that holds configs."""
    registry = registry_of(info)
    if registry is not None:
        return KindControl(name, info, registry)
    kind = bare_type(info.annotation)
    if isinstance(kind, type) and issubclass(kind, Config):
        if not is_optional(info.annotation):
            return ConfigControl(name, kind, groups)
        if not any(field.is_required() for field in kind.model_fields.values()):
            return OptionalControl(name, info, groups)
    if get_origin(kind) is dict and issubclass(get_args(kind)[1], Config):
        return MapControl(name, info)
    return control_of(name, info)


def fold(title: str, body: Any, is_open: bool) -> Any:
    """A section that a button of its name shows and hides."""
    opener = W.ToggleButton(value=is_open, description=title, layout=W.Layout(width="100%"))
    explain(opener, f"Show or hide the section {title}.")
    opener.add_class("mnb-fold")

    def show(_: Any = None) -> None:
        body.layout.display = "" if opener.value else "none"
        opener.icon = "caret-down" if opener.value else "caret-right"

    opener.observe(show, "value")
    show()
    return W.VBox([opener, body])
