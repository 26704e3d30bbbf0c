"""Kinds of arguments: what a public function takes, with limits, and how that is said.

They stand in the ``Annotated`` of a type, as ``Annotated[int, Whole(1, 64)]``; the commonest have
names (``Seconds``, ``Seed``, ``PathArg`` ...). Main names: :class:`Kind`, :func:`read_as`,
:func:`in_words`.
"""

from __future__ import annotations

import functools
import math
import operator
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from numbers import Integral
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from pydantic_core import core_schema

from ..config import shown
from ..paths import expanded
from ..units import HIGHEST_RATE, LOWEST_RATE, STORED_RATES

MOST_ITEMS = 100_000
"Longest list that is taken as an argument; iterables without an end are refused here."

LONGEST_SECONDS = 1e8
"Three years: who asks for more has mistaken the unit."


# -- kinds of arguments ----------------------------------------------------------------------------


class Kind(ABC):
    """How one argument is read; stands in the ``Annotated`` of its type.

    ``str()`` says what is taken: "a whole number from 1 to 64".
    """

    @abstractmethod
    def read(self, value: Any) -> Any:
        """Value as the function wants it; a ValueError, with or without a reason, refuses it."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)


@dataclass(frozen=True)
class Whole(Kind):
    """A whole number between limits: any integer, or a float without a fraction."""

    low: int
    high: int

    def read(self, value: Any) -> int:
        """Number as an int."""
        is_whole = isinstance(value, Integral) or (isinstance(value, float) and value.is_integer())
        if isinstance(value, bool) or not is_whole or not self.low <= value <= self.high:
            raise ValueError
        return int(value)

    def __str__(self) -> str:
        return f"a whole number from {_in_digits(self.low)} to {_in_digits(self.high)}"


class Flag(Kind):
    """True or False; numpy's, and 1 and 0, are taken."""

    def read(self, value: Any) -> bool:
        """Flag as a bool."""
        if not isinstance(value, int) or value not in (0, 1):
            raise ValueError
        return bool(value)

    def __str__(self) -> str:
        return "True or False"


@dataclass(frozen=True)
class Real(Kind):
    """A finite number between limits; ``is_open`` leaves out the lower one itself."""

    low: float
    high: float
    is_open: bool = False

    def read(self, value: Any) -> float:
        """Number as a float."""
        if isinstance(value, bool) or not isinstance(value, int | float | Fraction):
            raise ValueError
        try:
            number = float(value)
        except OverflowError:
            raise ValueError from None
        if not self.low <= number <= self.high or (self.is_open and number == self.low):
            raise ValueError
        return number

    def __str__(self) -> str:
        if self.is_open:
            return f"a number above {self.low:g}, up to {_in_digits(self.high)}"
        return f"a number from {_in_digits(self.low)} to {_in_digits(self.high)}"


class FilePath(Kind):
    """A path, with ``~`` and environment variables expanded."""

    def read(self, value: Any) -> Path:
        """Path; relative ones stay so."""
        return expanded(value)

    def __str__(self) -> str:
        return "a path"


@dataclass(frozen=True)
class Items(Kind):
    """A list of things of one kind: lists, tuples, ranges, arrays, iterables that end."""

    of: Any

    def read(self, value: Any) -> list[Any]:
        """Items as a list, each as its kind."""
        if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
            raise ValueError
        items: list[Any] = []
        for item in value:
            if len(items) == MOST_ITEMS:
                raise ValueError(f"it has more than {MOST_ITEMS} items")
            try:
                items.append(_adapter(self.of).validate_python(_scalar(item)))
            except ValidationError as error:
                raise ValueError("; ".join([f"not {shown(item)}", *_reasons(error)])) from None
        return items

    def __str__(self) -> str:
        return _list_of(self.of)


@dataclass(frozen=True)
class Array(Kind):
    """An array or a list of something; what it holds is checked where more is known."""

    of: str

    def read(self, value: Any) -> Any:
        """What was given."""
        if not hasattr(value, "__len__") or isinstance(value, str | bytes | Mapping):
            raise ValueError
        return value

    def __str__(self) -> str:
        return f"an array of {self.of}"


@dataclass(frozen=True)
class Instance(Kind):
    """An object of a class."""

    of: type

    def read(self, value: Any) -> Any:
        """What was given."""
        if not isinstance(value, self.of):
            raise ValueError
        return value

    def __str__(self) -> str:
        name = self.of.__name__
        return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"


PathArg = Annotated[str | Path, FilePath()]
"A path; given as text it arrives as a Path."

Paths = PathArg | Sequence[PathArg]
"A path, or several."

Samples = Annotated[Any, Array("samples")]
"A sound as numbers."

Numbers = Annotated[Any, Array("numbers")]
"One number for each of several things."

Names = Annotated[Any, Array("labels")]
"One number or word for each of several things."

Rate = Annotated[int, Whole(LOWEST_RATE, HIGHEST_RATE)]
"Samples per second."

ChannelCount = Annotated[int, Whole(1, 64)]
"How many channels."

StoredRate = Annotated[int, Whole(*STORED_RATES)]
"Samples per second of any file."

Seed = Annotated[int, Whole(0, 2**62)]
"What random numbers are drawn with."

Seconds = Annotated[float, Real(0, LONGEST_SECONDS, is_open=True)]
"A length of time."

Position = Annotated[float, Real(0, LONGEST_SECONDS)]
"A time in seconds, counted from the beginning."

Minutes = Annotated[float, Real(0, LONGEST_SECONDS / 60, is_open=True)]
"A budget of time."

Count = Annotated[int, Whole(1, 1_000_000)]
"How many, at least one."

MOST_SOUNDS = 10_000
"Sounds that are made at once."

SoundCount = Annotated[int, Whole(1, MOST_SOUNDS)]
"How many sounds at once."

Step = Annotated[int, Whole(0, 10**12)]
"A step of a training."

Number = Annotated[float, Real(-sys.float_info.max, sys.float_info.max)]
"Any finite number."


# -- types -----------------------------------------------------------------------------------------

_SEQUENCES = (list, Sequence, Iterable)
_READ_AS: dict[Any, Any] = {
    int: Annotated[int, Whole(-(2**63), 2**63 - 1)],
    float: Number,
    bool: Annotated[bool, Flag()],
    Path: PathArg,
    **{kind: Annotated[list, Items(Any)] for kind in _SEQUENCES},
}
_AS_THEY_ARE = (str, bytes, dict, tuple, Mapping, object, type(None), Any, Callable)


def read_as(annotation: Any, value: Any, name: str) -> Any:
    """Value as an annotation takes it.

    Parameters
    ----------
    annotation : type
        As it stands in a signature.
    value : any
        What was given.
    name : str
        What the argument is called.

    Returns
    -------
    any
        Converted where that is harmless.

    Raises
    ------
    ValueError
        Says what it must be.
    """
    try:
        return _adapter(annotation).validate_python(_scalar(value))
    except ValidationError as error:
        because = "".join(f": {reason}" for reason in ["; ".join(_reasons(error))] if reason)
        raise ValueError(f"{name} must be {in_words(annotation)}{because}.") from None


@functools.cache
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    """What validates by an annotation."""
    return TypeAdapter(_strict(annotation))


def _strict(annotation: Any) -> Any:
    """Annotation for pydantic, with our kinds for its own and instances for classes."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return annotation
    if origin in (Union, UnionType):
        return functools.reduce(operator.or_, map(_strict, inner))
    if origin in _SEQUENCES:
        return Annotated[list, Items(*inner)]
    if origin is tuple and inner[-1] is Ellipsis:
        return Annotated[list, Items(inner[0])]
    if origin in (dict, Mapping, tuple):
        generic: Any = origin
        return generic[tuple(map(_strict, inner))]
    if annotation in _READ_AS:
        return _READ_AS[annotation]
    if origin is not None or annotation in _AS_THEY_ARE:
        return annotation
    return Annotated[Any, Instance(annotation)]


def _scalar(value: Any) -> Any:
    """Python's own number for one of numpy or torch; anything else as it is."""
    is_scalar = getattr(value, "ndim", None) == 0 and callable(getattr(value, "item", None))
    return value.item() if is_scalar else value


# -- words -----------------------------------------------------------------------------------------


def in_words(annotation: Any) -> str:
    """What an annotation takes: "a path or None"."""
    origin, inner = get_origin(annotation), get_args(annotation)
    kinds = [item for item in inner if isinstance(item, Kind)]
    if origin is Annotated:
        return str(kinds[-1]) if kinds else in_words(inner[0])
    if origin in (Union, UnionType):
        words = list(dict.fromkeys(in_words(item) for item in inner))
        return ", ".join(words[:-1]) + f" or {words[-1]}" if len(words) > 1 else words[0]
    if origin is Literal:
        return " or ".join(map(repr, inner))
    if origin in _SEQUENCES:
        return _list_of(*inner)
    if origin in (dict, Mapping):
        to = "" if inner[1] is Any else f" of {in_words(inner[0])} to {in_words(inner[1])}"
        return f"a mapping{to}"
    return _WORDS.get(origin or annotation) or str(Instance(annotation))


_WORDS: dict[Any, str] = {
    **{int: "a whole number", float: "a number", str: "text", bool: "True or False"},
    **{Path: "a path", type(None): "None", dict: "a mapping", Mapping: "a mapping"},
    **dict.fromkeys(_SEQUENCES, "a list"),
    **{tuple: "a tuple", Any: "anything", Callable: "a function"},
}


def _list_of(annotation: Any) -> str:
    return "a list" if annotation is Any else f"a list (each item {in_words(annotation)})"


def _in_digits(number: float) -> str:
    if abs(number) > 1e15:
        power = round(math.log2(abs(number)))
        return f"{'-' * (number < 0)}2**{power}" if isinstance(number, int) else f"{number:g}"
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:g}"


def _reasons(error: ValidationError) -> list[str]:
    """Reasons that our kinds gave, none twice."""
    given = [str(item["ctx"]["error"]) for item in error.errors() if item["type"] == "value_error"]
    return [reason for reason in dict.fromkeys(given) if reason]
