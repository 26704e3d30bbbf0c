"""Controls for the fields of a config: text with a slider, choices, ticks, and their messages.

Type, limits, unit, scale and meaning come from the field itself, nothing is said twice. Main
names: :func:`control_of`, :class:`Control`, :class:`Invalid`.
"""

from __future__ import annotations

import contextlib
import html
import math
from collections.abc import Callable, Iterable
from typing import Any, Literal, get_args, get_origin

import ipywidgets as W
import yaml
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from .fields import (
    as_text,
    bare_type,
    hints_of,
    in_words,
    is_optional,
    is_plain_tuple,
    limited_type,
)
from .quiet import Quiet
from .slider import Scale, Slider, scale_of

LABEL_WIDTH, TEXT_WIDTH, UNIT_WIDTH, SLIDER_WIDTH = "190px", "310px", "85px", "200px"
NOT_SET = "not set"

STYLE = """<style>
.mnb-view {font-size: 13px}
.mnb-view .mnb-wrong {color: #c62828; font-size: 12px; line-height: 1.3}
.mnb-view .mnb-unit {opacity: .7}
.mnb-view .mnb-hint {display: inline-block; position: relative; width: 15px; height: 15px;
  margin-left: 4px; border: 1px solid #8888; border-radius: 50%; font-size: 10px; line-height: 15px;
  text-align: center; cursor: help}
.mnb-view .mnb-hint:hover, .mnb-view .mnb-hint:focus {z-index: 20}
.mnb-view .mnb-hint:focus::after, .mnb-view .mnb-hint:hover::after {content: attr(data-help);
  position: absolute; left: 20px; top: -4px; z-index: 20; width: 260px; padding: 4px 8px;
  border: 1px solid #8888; border-radius: 4px; font-size: 12px; line-height: 1.35; text-align: left;
  color: var(--jp-ui-font-color1, CanvasText); background: var(--jp-layout-color1, Canvas)}
.mnb-view.widget-box, .mnb-view .widget-box, .mnb-view .mnb-visible, .mnb-view .mnb-visible * {
  overflow: visible}
.mnb-view .mnb-note {opacity: .75; font-size: 12px; line-height: 1.4}
.mnb-view .mnb-invalid input, .mnb-view .mnb-invalid textarea {outline: 2px solid #c62828}
.mnb-view .mnb-fold {text-align: left; font-weight: 600; background: transparent;
  border: none; border-bottom: 1px solid #8886; box-shadow: none; margin-top: 4px}
.mnb-view .mnb-slider {width: 100%; margin: 6px 0 0; accent-color: #0072b2}
.mnb-view .mnb-message {margin-left: 196px}
.mnb-view h3 {margin: .6em 0 .2em; font-size: 15px; font-weight: 600}
.mnb-view h4 {margin: .5em 0 .1em; font-size: 13px; font-weight: 600}
.mnb-view table {border-collapse: collapse; font-size: 12px}
.mnb-view td, .mnb-view th {padding: 2px 10px 2px 0; text-align: left; vertical-align: top;
  line-height: 1.4}
</style>"""


class Invalid(Exception):
    """What stands in a control is no value of its field; the message is shown there."""


class Control:
    """One field of a config as a row: name, control, unit, and what is wrong with it.

    Parameters
    ----------
    name : str
        Name of the field.
    info : FieldInfo
        The field.
    """

    def __init__(self, name: str, info: FieldInfo) -> None:
        self.name, self.info = name, info
        self.label = str(hints_of(info).get("label", name.replace("_", " ")))
        self.help = info.description or ""
        self.message = W.HTML(layout=W.Layout(display="none"))
        self.message.add_class("mnb-wrong")
        self.message.add_class("mnb-message")
        self._listeners: list[Callable[[], None]] = []
        self._quiet = Quiet()

    @property
    def widget(self) -> Any:
        """What to show."""
        raise NotImplementedError

    def read(self) -> Any:
        """Value that stands there; shows what is wrong and raises Invalid if it is none."""
        raise NotImplementedError

    def set(self, value: Any) -> None:
        """Show a value."""
        raise NotImplementedError

    def on_change(self, listener: Callable[[], None]) -> None:
        """Be told of every change by hand."""
        self._listeners.append(listener)

    def problems(self) -> dict[str, str]:
        """Messages shown, by the name of the field."""
        return {self.name: self._said} if self._said else {}

    def show_problem(self, message: str) -> None:
        """Show what is wrong beside the control; nothing if empty."""
        self._said = message
        self.message.value = f'<span role="alert">{html.escape(message)}</span>' if message else ""
        self.message.layout.display = "" if message else "none"

    _said = ""

    def _changed(self, *_: Any) -> None:
        if not self._quiet:
            for listener in self._listeners:
                listener()

    @property
    def unit(self) -> str:
        """Unit beside the control, unless name or label says it already."""
        unit = str(hints_of(self.info).get("unit", ""))
        is_said = self.name.endswith(f"_{unit}") or self.label.endswith(f"({unit})")
        return "" if is_said else unit


class TextControl(Control):
    """A number, a tuple or a text to type, with a slider where the range allows one."""

    def __init__(self, name: str, info: FieldInfo) -> None:
        super().__init__(name, info)
        self._type: TypeAdapter[Any] = TypeAdapter(limited_type(info))
        self.is_optional = is_optional(info.annotation)
        self.is_tuple = get_origin(bare_type(info.annotation)) is tuple
        self.scale = scale_of(info)
        self.text = W.Text(
            description=self.label,
            placeholder=NOT_SET if self.is_optional else "",
            style={"description_width": LABEL_WIDTH},
            layout=W.Layout(width=TEXT_WIDTH),
        )
        explain(self.text, self.help)
        self.text.observe(self._typed, "value")
        parts: list[Any] = [self.text]
        parts.append(hint(self.help, self.unit))
        if self.scale is not None:
            parts.append(self._make_slider(self.scale))
        self._row = W.VBox([W.HBox(parts, layout=W.Layout(flex_flow="row wrap")), self.message])

    def _make_slider(self, scale: Scale) -> Any:
        self.slider = Slider(
            step=scale.step,
            name=f"{self.label} slider",
            tip=self.help,
            layout=W.Layout(width=SLIDER_WIDTH),
        )
        self.slider.observe(self._slid, "value")
        return self.slider

    @property
    def widget(self) -> Any:
        """What to show."""
        return self._row

    def read(self) -> Any:
        """Value that stands there; Invalid is raised if it is none."""
        try:
            value = self._type.validate_python(self._parsed())
        except (ValidationError, yaml.YAMLError) as error:
            self.show_problem(in_words(error))
            raise Invalid(self._said) from None
        finally:
            self.text.remove_class("mnb-invalid")
        self.show_problem("")
        return value

    def show_problem(self, message: str) -> None:
        """Show what is wrong beside the control."""
        super().show_problem(message)
        (self.text.add_class if message else self.text.remove_class)("mnb-invalid")

    def _parsed(self) -> Any:
        text = self.text.value.strip()
        if not text and self.is_optional:
            return None
        if self.is_tuple:
            return [part for part in text.strip("()[]").replace(",", " ").split() if part]
        return text

    def set(self, value: Any) -> None:
        """Show a value."""
        with self._quiet:
            self.text.value = as_text(value)
            self._move_slider(value)

    def _typed(self, change: Any) -> None:
        if self._quiet:
            return
        with self._quiet, contextlib.suppress(ValueError):
            self._move_slider(float(change["new"]))
        self._changed()

    def _slid(self, change: Any) -> None:
        if self._quiet or self.scale is None:
            return
        with self._quiet:
            value = self.scale.value(change["new"])
            self.text.value = as_text(value)
            self.slider.text = f"{as_text(value)} {self.unit}".strip()
        self._changed()

    def _move_slider(self, value: Any) -> None:
        if self.scale is not None and isinstance(value, int | float) and math.isfinite(value):
            self.slider.value = self.scale.position(value)
            self.slider.text = f"{as_text(value)} {self.unit}".strip()


class YamlControl(TextControl):
    """Anything else, as YAML; nothing at all is None."""

    def __init__(self, name: str, info: FieldInfo) -> None:
        super().__init__(name, info)
        self.text.placeholder = NOT_SET

    def _parsed(self) -> Any:
        return yaml.safe_load(self.text.value or "null")

    def set(self, value: Any) -> None:
        """Show a value."""
        if value is None:
            super().set("")
            return
        plain = self._type.dump_python(value, mode="json")
        text = yaml.safe_dump(plain, default_flow_style=True, width=10**6, allow_unicode=True)
        super().set(text.removesuffix("\n").removesuffix("...").strip())


class ChoiceControl(Control):
    """One of several words."""

    def __init__(self, name: str, info: FieldInfo) -> None:
        super().__init__(name, info)
        choices = [(str(c), c) for c in get_args(bare_type(info.annotation))]
        if is_optional(info.annotation):
            choices.insert(0, (NOT_SET, None))
        self.dropdown = W.Dropdown(
            description=self.label,
            options=choices,
            style={"description_width": LABEL_WIDTH},
            layout=W.Layout(width=TEXT_WIDTH),
        )
        explain(self.dropdown, self.help)
        self.dropdown.observe(self._changed, "value")
        self._row = W.VBox([W.HBox([self.dropdown, hint(self.help)]), self.message])

    @property
    def widget(self) -> Any:
        """What to show."""
        return self._row

    def read(self) -> Any:
        """Value that stands there; Invalid is raised if it is none."""
        self.show_problem("")
        return self.dropdown.value

    def set(self, value: Any) -> None:
        """Show a value."""
        with self._quiet:
            self.dropdown.value = value


class TickControl(Control):
    """Yes or no."""

    def __init__(self, name: str, info: FieldInfo) -> None:
        super().__init__(name, info)
        self.box = W.Checkbox(
            description=self.label,
            indent=False,
            layout=W.Layout(width="auto", margin=f"2px 0 2px {LABEL_WIDTH}"),
        )
        explain(self.box, self.help)
        self.box.observe(self._changed, "value")
        self._row = W.VBox([W.HBox([self.box, hint(self.help)]), self.message])

    @property
    def widget(self) -> Any:
        """What to show."""
        return self._row

    def read(self) -> Any:
        """Value that stands there; Invalid is raised if it is none."""
        self.show_problem("")
        return self.box.value

    def set(self, value: Any) -> None:
        """Show a value."""
        with self._quiet:
            self.box.value = bool(value)


def control_of(name: str, info: FieldInfo) -> Control:
    """Control that suits a field without configs in it."""
    kind = bare_type(info.annotation)
    if get_origin(kind) is Literal:
        return ChoiceControl(name, info)
    if kind is bool:
        return TickControl(name, info)
    if kind in (int, float, str) or is_plain_tuple(kind):
        return TextControl(name, info)
    return YamlControl(name, info)


def hint(text: str, unit: str = "") -> Any:
    """A unit, and a mark that tells the meaning of a field under the pointer or in focus.

    ipywidgets 8 doesn't show the tooltips of fields, so this one is our own.
    """
    parts = [f'<span class="mnb-unit">{html.escape(unit)}</span>'] if unit else []
    if text:
        said = html.escape(text, quote=True)
        parts.append(
            f'<span class="mnb-hint" tabindex="0" role="note" aria-label="{said}"'
            f' data-help="{said}">?</span>'
        )
    made = W.HTML(" ".join(parts), layout=W.Layout(width=UNIT_WIDTH, overflow="visible"))
    made.add_class("mnb-visible")
    return made


def explain(widget: Any, text: str) -> None:
    """Give a widget a tooltip, by the name that its version has for it."""
    name = "tooltip" if widget.has_trait("tooltip") else "description_tooltip"
    if widget.has_trait(name):
        setattr(widget, name, text)


def offer(chooser: Any, options: Iterable[Any]) -> None:
    """Let these be chosen; what was chosen stays so if it is among them, else the first is."""
    before, options = chooser.value, list(options)
    chooser.options = options
    if options:
        chooser.value = before if before in options else options[0]


def button(name: str, help_: str, style: str = "") -> Any:
    """Button that is called what it does."""
    made = W.Button(description=name, button_style=style, layout=W.Layout(width="auto"))
    made.tooltip = help_
    return made
