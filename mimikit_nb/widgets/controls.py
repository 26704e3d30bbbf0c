"""Controls for the fields of a config: text with a slider, choices, ticks, and their messages.

Type, limits, unit, scale and meaning come from the field itself, nothing is said twice. Main
names: :func:`control_of`, :class:`Control`, :class:`Invalid`.
"""

from __future__ import annotations

import html
import math
import types
from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import ipywidgets as W
import yaml
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

LABEL_WIDTH, TEXT_WIDTH, SLIDER_WIDTH = "190px", "310px", "200px"
WIDEST_LINEAR = 1000  # a longer range is no use on a linear slider
NOT_SET = "not set"
LOG_DECADES = 6  # of a logarithmic slider whose range begins at 0

STYLE = """<style>
.mnb-view {font-size: 13px}
.mnb-view .mnb-wrong {color: #c62828; font-size: 12px; line-height: 1.3}
.mnb-view .mnb-unit {opacity: .7}
.mnb-view .mnb-note {opacity: .75; font-size: 12px; line-height: 1.4}
.mnb-view .mnb-invalid input, .mnb-view .mnb-invalid textarea {outline: 2px solid #c62828}
.mnb-view h3 {margin: .6em 0 .2em; font-size: 15px; font-weight: 600}
.mnb-view h4 {margin: .5em 0 .1em; font-size: 13px; font-weight: 600}
.mnb-view table {border-collapse: collapse; font-size: 12px}
.mnb-view td, .mnb-view th {padding: 2px 10px 2px 0; text-align: left; vertical-align: top}
</style>"""


class Invalid(Exception):
    """What stands in a control is no value of its field; the message is shown there."""


class Scale(NamedTuple):
    """How positions of a slider, from 0 to 1, become values of a field.

    Attributes
    ----------
    low, high : float
        Ends of the slider.
    kind : str
        "linear", "log" or "power_of_two".
    is_whole : bool
        Whether values are whole numbers.
    """

    low: float
    high: float
    kind: str
    is_whole: bool

    def value(self, position: float) -> float:
        """Value at a position."""
        position = min(max(position, 0.0), 1.0)
        if self.kind == "linear":
            found = self.low + position * (self.high - self.low)
        else:
            found = self.low * (self.high / self.low) ** position
        if self.kind == "power_of_two":
            found = 2.0 ** round(math.log2(found))
        if self.is_whole:
            return min(max(round(found), math.ceil(self.low)), math.floor(self.high))
        return float(f"{found:.3g}")

    def position(self, value: float) -> float:
        """Position of a value; the nearest end for values outside."""
        value = min(max(value, self.low), self.high)
        if self.kind == "linear":
            return (value - self.low) / (self.high - self.low)
        return math.log(value / self.low) / math.log(self.high / self.low)

    @property
    def step(self) -> float:
        """Positions from one value to the next, for the arrow keys."""
        if self.kind == "power_of_two":
            return 1 / max(1.0, math.log2(self.high / self.low))
        if self.kind == "linear" and self.is_whole:
            return 1 / (self.high - self.low)
        return 0.01


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
        self.label = name.replace("_", " ")
        self.help = info.description or ""
        self.message = W.HTML(layout=W.Layout(display="none", margin="0 0 0 8px"))
        self.message.add_class("mnb-wrong")
        self._listeners: list[Callable[[], None]] = []
        self._quiet = False

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
        self.message.value = html.escape(message)
        self.message.layout.display = "" if message else "none"

    _said = ""

    def _changed(self, *_: Any) -> None:
        if not self._quiet:
            for listener in self._listeners:
                listener()

    @property
    def unit(self) -> str:
        """Unit beside the control, unless the name says it already."""
        unit = str(_hints(self.info).get("unit", ""))
        return "" if self.name.endswith(f"_{unit}") else unit


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
        if self.scale is not None:
            parts.append(self._make_slider(self.scale))
        if self.unit:
            parts.append(W.HTML(f'<span class="mnb-unit">{html.escape(self.unit)}</span>'))
        self._row = W.HBox([*parts, self.message], layout=W.Layout(flex_flow="row wrap"))

    def _make_slider(self, scale: Scale) -> Any:
        self.slider = W.FloatSlider(
            min=0.0,
            max=1.0,
            step=scale.step,
            readout=False,
            layout=W.Layout(width=SLIDER_WIDTH),
        )
        explain(self.slider, f"{self.label}: {self.help}")
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
        self._quiet = True
        try:
            self.text.value = as_text(value)
            self._move_slider(value)
        finally:
            self._quiet = False

    def _typed(self, change: Any) -> None:
        if self._quiet:
            return
        self._quiet = True
        try:
            self._move_slider(float(change["new"]))
        except ValueError:
            pass
        finally:
            self._quiet = False
        self._changed()

    def _slid(self, change: Any) -> None:
        if self._quiet or self.scale is None:
            return
        self._quiet = True
        try:
            self.text.value = as_text(self.scale.value(change["new"]))
        finally:
            self._quiet = False
        self._changed()

    def _move_slider(self, value: Any) -> None:
        if self.scale is not None and isinstance(value, int | float) and math.isfinite(value):
            self.slider.value = self.scale.position(value)


class YamlControl(TextControl):
    """Anything else, as YAML."""

    def _parsed(self) -> Any:
        return yaml.safe_load(self.text.value or "null")

    def set(self, value: Any) -> None:
        """Show a value."""
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
        self._row = W.HBox([self.dropdown, self.message])

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
        self._quiet = True
        self.dropdown.value = value
        self._quiet = False


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
        self._row = W.HBox([self.box, self.message])

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
        self._quiet = True
        self.box.value = bool(value)
        self._quiet = False


def control_of(name: str, info: FieldInfo) -> Control:
    """Control that suits a field without configs in it."""
    kind = bare_type(info.annotation)
    if get_origin(kind) is Literal:
        return ChoiceControl(name, info)
    if kind is bool:
        return TickControl(name, info)
    if kind in (int, float, str) or _is_plain_tuple(kind):
        return TextControl(name, info)
    return YamlControl(name, info)


def bare_type(annotation: Any) -> Any:
    """The type without None and without what is annotated to it."""
    if get_origin(annotation) is Annotated:
        return bare_type(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        kept = [part for part in get_args(annotation) if part is not type(None)]
        return bare_type(kept[0]) if len(kept) == 1 else annotation
    return annotation


def limited_type(info: FieldInfo) -> Any:
    """The type of a field with its limits."""
    if not info.metadata:
        return info.annotation
    return Annotated[(info.annotation, *info.metadata)]  # type: ignore[return-value]


def is_optional(annotation: Any) -> bool:
    """Whether None is a value of the type."""
    return type(None) in get_args(annotation)


def scale_of(info: FieldInfo) -> Scale | None:
    """Slider that suits a number's limits; None if they are open or too far apart."""
    kind = bare_type(info.annotation)
    if kind not in (int, float):
        return None
    limits = {name: getattr(m, name) for m in info.metadata for name in _LIMITS if hasattr(m, name)}
    low, high = limits.get("ge", limits.get("gt")), limits.get("le", limits.get("lt"))
    if low is None or high is None:
        return None
    shape = str(_hints(info).get("scale", "linear"))
    if shape == "linear" and high - low > WIDEST_LINEAR:
        return None
    if shape != "linear" and low <= 0:
        low = 1 if kind is int else high / 10**LOG_DECADES
    return Scale(float(low), float(high), shape, kind is int)


_LIMITS = ("ge", "gt", "le", "lt")


def as_text(value: Any) -> str:
    """A value as one types it."""
    if value is None:
        return ""
    if isinstance(value, tuple | list):
        return ", ".join(map(as_text, value))
    return repr(value) if isinstance(value, float) and not value.is_integer() else f"{value}"


def in_words(error: Exception) -> str:
    """First complaint of a validation, as a sentence about the value."""
    if not isinstance(error, ValidationError):
        return "This can't be read."
    text = str(error.errors()[0]["msg"]).replace("Input should be", "must be")
    text = text.split(", unable to parse")[0].replace("a valid integer", "a whole number")
    return f"{text[:1].upper()}{text[1:]}."


def explain(widget: Any, text: str) -> None:
    """Give a widget a tooltip, by the name that its version has for it."""
    name = "tooltip" if widget.has_trait("tooltip") else "description_tooltip"
    if widget.has_trait(name):
        setattr(widget, name, text)


def _hints(info: FieldInfo) -> dict[str, Any]:
    return info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}


def _is_plain_tuple(kind: Any) -> bool:
    return get_origin(kind) is tuple and all(
        part in (int, float, str, Ellipsis) for part in get_args(kind)
    )
