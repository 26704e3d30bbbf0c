"""What the fields of a config say about themselves: type, limits, hints, and values as text.

Main names: :func:`bare_type`, :func:`is_optional`, :func:`registry_of`, :func:`in_words`.
"""

from __future__ import annotations

import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BeforeValidator, ValidationError
from pydantic.fields import FieldInfo

from ...config import Registry, describe


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


def is_fixed(info: FieldInfo) -> bool:
    """Whether a field has only one value, as ``kind`` has."""
    return get_origin(info.annotation) is Literal and len(get_args(info.annotation)) == 1


def is_plain_tuple(kind: Any) -> bool:
    """Whether a type is a tuple of numbers or words."""
    return get_origin(kind) is tuple and all(
        part in (int, float, str, Ellipsis) for part in get_args(kind)
    )


def hints_of(info: FieldInfo) -> dict[str, Any]:
    """Unit, scale and label of a field, as :func:`~mimikit_nb.config.field` was given them."""
    return info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}


def registry_of(info: FieldInfo) -> Registry[Any] | None:
    """Family that the configs of a field come from, if they do."""
    inner = [m for part in get_args(info.annotation) for m in getattr(part, "__metadata__", ())]
    for item in [*info.metadata, *inner]:
        owner = getattr(getattr(item, "func", None), "__self__", None)
        if isinstance(item, BeforeValidator) and isinstance(owner, Registry):
            return owner
    return None


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
    text = describe(error.errors()[0])
    return f"{text[:1].upper()}{text[1:]}."
