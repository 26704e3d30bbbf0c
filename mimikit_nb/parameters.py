"""Parameters of notebooks: what each is declared to be, and values turned into that.

A value may come from Python (numpy numbers, paths and dates become plain ones) or as text from a
command line, which is read as one would type it in the notebook. Main name: :class:`Parameter`.
"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BeforeValidator, TypeAdapter, ValidationError

from .config import describe, plain, shown
from .errors import ConfigError, NotebookError


@dataclass(frozen=True)
class Parameter:
    """One parameter of a notebook.

    Attributes
    ----------
    name : str
        How it is called.
    type : str
        Declared type, as written: "str", "int", "float | None" ...
    default : object
        Value in the notebook.
    help : str
        The comment beside it.
    """

    name: str
    type: str
    default: Any
    help: str

    def parse(self, value: Any) -> Any:
        """Value as the declared type; text is read as one would type it in the notebook.

        Raises
        ------
        NotebookError
            If it doesn't fit; says what would.
        """
        kind = _type_of(self.type)
        try:
            found = plain(value)
            if isinstance(found, str):
                found = _read_text(found, kind)
            if not _is_storable(found):
                raise TypeError("no plain value")
            found = TypeAdapter(kind).validate_python(found)
            json.dumps(found, ensure_ascii=False).encode()
        except ValidationError as error:
            raise self._misfit(value, f"it {describe(error.errors()[0])}") from None
        except (TypeError, ValueError, RecursionError, ConfigError):
            raise self._misfit(
                value,
                "a notebook takes text, numbers, true, false and None, lists of them, and mappings "
                "from text to them",
            ) from None
        return found

    def _misfit(self, value: Any, reason: str) -> NotebookError:
        is_time = isinstance(value, str) and re.fullmatch(r"[\d.]+(:[\d.]+)+", value)
        advice = "Give times as one number: 90 or 1.5, not 1:30. " if is_time else ""
        return NotebookError(
            f"Parameter {self.name} is {shown(value)}, but it is declared {self.type}: {reason}. "
            f"{advice}Its default is {self.default!r}."
        )

    def __str__(self) -> str:
        return f"{self.name}: {self.type} = {self.default!r}  # {self.help}".removesuffix("  # ")


def _is_storable(value: Any) -> bool:
    """Whether a notebook's file and code can hold a value as it is."""
    if isinstance(value, list):
        return all(map(_is_storable, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_storable(value[key]) for key in value)
    return value is None or isinstance(value, str | int | float)


# -- types -----------------------------------------------------------------------------------------


def _no_truth(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    return value


_TYPES = {
    "str": str,
    "int": Annotated[int, BeforeValidator(_no_truth)],
    "float": Annotated[float, BeforeValidator(_no_truth)],
    "bool": bool,
    "list": list,
    "dict": dict,
}


def _type_of(annotation: str) -> Any:
    """Type that an annotation names; only plain ones, nothing is looked up or run."""

    def build(node: ast.expr) -> Any:
        if isinstance(node, ast.Name) and node.id in _TYPES:
            return _TYPES[node.id]
        if isinstance(node, ast.Constant) and node.value is None:
            return None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return build(node.left) | build(node.right)
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            if node.value.id == "Literal":
                return Literal[tuple(ast.literal_eval(item) for item in inner)]
            if node.value.id in ("list", "dict"):
                return _TYPES[node.value.id][tuple(build(item) for item in inner)]  # type: ignore[index]
        raise NotebookError(
            f"A parameter is declared {annotation}; use str, int, float, bool, list, dict, "
            "Literal or None."
        )

    return build(ast.parse(annotation, mode="eval").body)


# -- text ------------------------------------------------------------------------------------------


def _read_text(text: str, kind: Any) -> Any:
    """Value of a declared type that a text stands for; the text itself if it stands for none."""
    members = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    word = text.strip().lower()
    if NoneType in members and (word in ("none", "null") or (not word and str not in members)):
        return None
    choices = [choice for member in members if get_origin(member) is Literal
               for choice in get_args(member)]  # fmt: skip
    if str in members or text in choices:
        return text
    try:
        return yaml.load(text, _TypedText)
    except (yaml.YAMLError, ValueError, RecursionError):
        return text


class _TypedText(yaml.SafeLoader):
    """Values as they are typed in Python or JSON: 010 is ten, 1:30 and dates are text."""

    yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012 - of yaml's base class


_NUMBER = r"[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
for _kind, _pattern in (
    ("null", r"~|none|null|"),
    ("bool", r"true|false"),
    ("int", r"[-+]?[0-9]+(?:_[0-9]+)*"),
    ("float", _NUMBER),
):
    _TypedText.add_implicit_resolver(
        f"tag:yaml.org,2002:{_kind}", re.compile(rf"^(?:{_pattern})$", re.IGNORECASE), None
    )
_TypedText.add_constructor("tag:yaml.org,2002:int", lambda _, node: int(node.value))
_TypedText.add_constructor("tag:yaml.org,2002:float", lambda _, node: float(node.value))
