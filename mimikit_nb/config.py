"""Configs: frozen, validated, and the one source of forms, tooltips and checkpoint entries.

A config is a pydantic model whose fields carry one sentence each (the docstring under the
field) and, where it helps a form, a unit and a scale::

    class NoiseConfig(Config):
        kind: Literal["noise"] = "noise"
        level: float = field(0.1, ge=0, le=1, unit="linear", scale="log")
        "Amplitude of the noise."

Families of configs (networks, features, heads ...) stand in a :class:`Registry`, which turns a
kind's name, a dict or a config into a config. Nothing is ever resolved through a namespace.
"""

from __future__ import annotations

import difflib
import os
import reprlib
from collections.abc import Callable, Iterable, Mapping
from datetime import date, time
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Annotated, Any, Generic, Self, TypeVar

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializeAsAny,
    ValidationError,
)

from .errors import ConfigError
from .paths import as_path

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_PLAIN_WORDS = {
    "Input should be": "must be",
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "a valid string": "text",
    "a valid boolean": "true or false",
    "a valid dictionary": "a mapping of names to values",
    "a valid list": "a list",
    "a valid tuple": "a list",
    "List should have": "must have",
    "Tuple should have": "must have",
    "Dictionary should have": "must have",
    "String should have": "must have",
    "Field required": "must be given",
    " after validation": "",
    ", unable to parse string as a number": "",
    ", unable to parse string as an integer": "",
    ", unable to interpret input": "",
}


def field(
    default: Any = ...,
    *,
    unit: str | None = None,
    scale: str | None = None,
    label: str | None = None,
    **limits: Any,
) -> Any:
    """Declare a config field with limits, a unit, a scale and a label.

    Parameters
    ----------
    default : any
        Default value; without one the field is required.
    unit : str, optional
        Unit of the value, shown beside the control of a form ("s", "Hz", "samples" ...).
    scale : {"log", "power_of_two"}, optional
        How a slider moves through the range; linear without it.
    label : str, optional
        What a form calls the field, with its unit if it has one; the field's name without it.
    **limits
        What :func:`pydantic.Field` takes: ``ge``, ``gt``, ``le``, ``lt``, ``min_length`` ...
    """
    hints: dict[str, Any] = {
        k: v for k, v in {"unit": unit, "scale": scale, "label": label}.items() if v is not None
    }
    return Field(default, json_schema_extra=hints or None, **limits)


class Config(BaseModel):
    """Base of all configs: frozen, unknown keys refused, YAML in and out."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )

    def __init__(self, *unnamed: Any, **values: Any) -> None:
        if unnamed:
            name = type(self).__name__
            fields = ", ".join(
                f"{field}=..." for field in type(self).model_fields if field != "kind"
            )
            raise ConfigError(f"{name} takes its settings by name: {name}({fields}).")
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ConfigError(_in_words(type(self), error)) from None
        except TypeError as error:
            if "keywords must be strings" not in str(error):
                raise
            raise ConfigError(  # a config in the config got a mapping as {1: 2}
                f"{type(self).__name__} holds a mapping whose keys aren't all names."
            ) from None

    def replace(self, **changes: Any) -> Self:
        """Validated copy with some fields changed."""
        return type(self)(**{**self.to_dict(), **changes})

    def to_dict(self) -> dict[str, Any]:
        """Plain dict of JSON types, complete enough to build the config again."""
        return self.model_dump(mode="json")

    def to_yaml(self, path: str | Path | None = None, overwrite: bool = False) -> str:
        """YAML text of the config, also written to ``path`` if one is given.

        Parameters
        ----------
        path : str or Path, optional
            Where to.
        overwrite : bool, default False
            Whether other settings of the same kind may be replaced there; nothing else ever is.
        """
        text = yaml.safe_dump(self.to_dict(), sort_keys=False, allow_unicode=True)
        if path is not None:
            save_yaml(as_path(path), text, type(self).from_yaml, overwrite)
        return text

    @classmethod
    def from_yaml(cls, source: str | Path) -> Self:
        """Config from a YAML file (a :class:`~pathlib.Path`) or from YAML text (a string)."""
        return cls(**load_yaml(source))


def save_yaml(
    path: Path, text: str, read: Callable[[str], object], overwrite: bool = False
) -> None:
    """Write YAML to a file: whole or not at all, and never over what isn't of its kind.

    Parameters
    ----------
    path : Path
        Where to. If the same text is there, nothing is to be done.
    text : str
        What to write.
    read : callable
        Reads such a text, or raises a ConfigError: only what it can read is replaced.
    overwrite : bool, default False
        Whether to replace it.

    Raises
    ------
    ConfigError
        If something else is there, or the file can't be written.
    """
    try:
        if os.path.lexists(path):
            before = _text_of(path)
            if before == text:
                return
            _check_replaceable(path, before, read, overwrite)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise ConfigError(f"{path} can't be written: {error.strerror or error}.") from error


def _text_of(path: Path) -> str | None:
    """Text of a file; None if it isn't text, or isn't a file."""
    try:
        return path.read_text(encoding="utf-8") if path.is_file() else None
    except UnicodeDecodeError:
        return None


def _check_replaceable(
    path: Path, before: str | None, read: Callable[[str], object], overwrite: bool
) -> None:
    if not overwrite:
        raise ConfigError(
            f"{path} exists. Choose another name, or pass overwrite=True to replace it."
        )
    try:
        read("" if before is None else before)
    except ConfigError as error:
        raise ConfigError(
            f"{path} holds something else, which is never replaced. Choose another name."
        ) from error


MOST_BYTES = 2**25
"Size of the largest file that is read as text."


def load_yaml(source: str | Path) -> dict[str, Any]:
    """Read a mapping from a YAML file or from YAML text; anything else is a ConfigError."""
    source = as_path(source) if isinstance(source, Path) else source
    name = str(source) if isinstance(source, Path) else "the configuration"
    text = read_text(source) if isinstance(source, Path) else source
    values = parse_yaml(text, name)
    if not isinstance(values, dict):
        raise ConfigError(
            f"Can't use {name}: a configuration is a mapping of names to values, not "
            f"{'empty' if values is None else type(values).__name__}."
        )
    for key in values:
        if not isinstance(key, str):
            raise ConfigError(f"Can't use {name}: {shown(key)} isn't a name; names are text.")
    return values


def read_text(path: Path) -> str:
    """Text of a file in UTF-8; a ConfigError says why there is none."""
    try:
        if path.exists() and not path.is_file():  # a device or a pipe may never end
            raise ConfigError(f"Can't read {path}: it isn't a file. Name a text file.")
        if path.exists() and path.stat().st_size > MOST_BYTES:
            raise ConfigError(
                f"Can't read {path}: it has more than {MOST_BYTES // 2**20} MB. Name a text file."
            )
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"Can't read {path}: it isn't text in UTF-8 ({error.reason} at byte {error.start}). "
            "Save it as UTF-8 in an editor."
        ) from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"Can't read {path}: {error}") from error


def parse_yaml(text: str, name: str) -> Any:
    """What a text of YAML (or JSON, which is YAML) holds; keys may not stand twice.

    Parameters
    ----------
    text : str
        The text.
    name : str
        What it is called in messages.

    Raises
    ------
    ConfigError
        If it isn't YAML; the message says where.
    """
    try:
        return yaml.load(text, _Loader)
    except _NO_YAML as error:
        raise ConfigError(f"Can't read {name}: {error}") from error


class _Loader(yaml.SafeLoader):
    """Reads plain values; of a key that stands twice nobody knows which value is meant."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise yaml.constructor.ConstructorError(
                None, None, f"{twice[0]!r} stands there twice; keep one", node.start_mark
            )
        return mapping


_NO_YAML = (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, RecursionError)
"What PyYAML raises: its own, and those of the types that a text asks for."


C = TypeVar("C", bound=Config)


class Registry(Generic[C]):
    """Kinds of configs of one family, registered explicitly.

    Parameters
    ----------
    family : str
        What the family is called in messages ("network", "feature" ...).
    """

    def __init__(self, family: str) -> None:
        self.family = family
        self._kinds: dict[str, type[C]] = {}

    def register(self, cls: type[C]) -> type[C]:
        """Class decorator: make ``cls`` known under the default of its ``kind`` field."""
        kind = cls.model_fields["kind"].default
        if kind in self._kinds:
            raise ConfigError(f"The {self.family} kind {kind!r} is registered twice.")
        self._kinds[kind] = cls
        return cls

    @property
    def kinds(self) -> dict[str, type[C]]:
        """Registered config classes by kind."""
        return dict(self._kinds)

    def parse(self, value: str | dict[str, Any] | C) -> C:
        """Config from a kind's name, from a dict with a ``kind``, or as it is."""
        if isinstance(value, Config):
            return value
        if not isinstance(value, str | Mapping):
            raise ConfigError(
                f"A {self.family} is the name of a kind or a mapping with a 'kind', not "
                f"{shown(value)}. {did_you_mean('', self._kinds)}"
            )
        values = (
            {"kind": value} if isinstance(value, str) else {str(k): v for k, v in value.items()}
        )
        kind = values.get("kind")
        if not isinstance(kind, str) or kind not in self._kinds:
            raise ConfigError(
                f"Unknown {self.family} kind {shown(kind)}. {did_you_mean(str(kind), self._kinds)}"
            )
        return self._kinds[kind](**values)

    def annotate(self, base: type[C]) -> Any:
        """Type of a config field that holds any member of the family (``base`` is its root)."""
        return Annotated[SerializeAsAny[base], BeforeValidator(self.parse)]  # type: ignore[valid-type, misc]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Sentence that offers the nearest known names, or lists all of them."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=3)
    return (
        f"Did you mean {' or '.join(map(repr, near))}?" if near else f"Known: {', '.join(known)}."
    )


def describe(problem: ErrorDetails) -> str:
    """Say in plain words what a value must be.

    Parameters
    ----------
    problem : dict
        One of :meth:`pydantic.ValidationError.errors`.

    Returns
    -------
    str
        Such as "must be a whole number", without the value and without a full stop; what a
        validator of ours raised is left as it is.
    """
    if problem["type"] in ("value_error", "assertion_error"):
        return str(problem["ctx"]["error"])
    text = problem["msg"]
    for theirs, ours in _PLAIN_WORDS.items():
        text = text.replace(theirs, ours)
    return text


def plain(value: Any) -> Any:
    """Turn what stands for plain values into them, however deep they lie.

    Parameters
    ----------
    value : any
        Numbers and arrays of numpy, columns of pandas, paths, dates, and lists, tuples and
        mappings of them.

    Returns
    -------
    any
        Numbers, text, lists and dicts, as JSON, YAML and notebooks store them. What stands for
        none of these comes back as it is.
    """
    try:
        return _plain(value)
    except RecursionError:
        raise ConfigError("A value holds itself, or is nested too deeply to be stored.") from None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | range):
        return [_plain(item) for item in value]
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        is_date = getattr(value.dtype, "kind", "") == "M"
        values = (value.astype("U") if is_date else value).tolist()
        return _plain(values) if isinstance(values, list) else values
    return str(value) if isinstance(value, str) else value


def shown(value: Any) -> str:
    """Show a value in a message: as it is typed, shortened where it is long or deeply nested."""
    try:
        return _SHORT.repr(value)
    except (ValueError, RecursionError):  # a number of thousands of digits
        return f"a very long {type(value).__name__}"


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 200
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxdict = _SHORT.maxset = _SHORT.maxfrozenset = 12
_SHORT.maxlevel, _SHORT.maxlong = 4, 60


def _in_words(cls: type[BaseModel], error: ValidationError) -> str:
    """All complaints of a validation as sentences that name field, value and limit."""
    sentences = []
    for item in error.errors():
        name = ".".join(map(str, item["loc"])) or cls.__name__
        if item["type"] == "extra_forbidden":
            sentences.append(
                f"{cls.__name__} has no field {name!r}. {did_you_mean(name, cls.model_fields)}"
            )
        elif item["type"] == "missing":
            sentences.append(f"{cls.__name__} needs a value for {name!r}.")
        else:
            sentences.append(f"{name} = {shown(item['input'])}: {describe(item)}.")
    return " ".join(sentences)
