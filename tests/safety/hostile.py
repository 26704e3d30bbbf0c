"""Values that nobody should hand to a function, made anew for each call."""

import datetime
import decimal
import fractions
import io
import itertools
from pathlib import Path
from typing import Any

import numpy as np


class OwnError(Exception):
    """What a function of the user's raises; it is no fault of ours."""


class AnyOne:
    """A class that can be called with anything."""

    def __init__(self, *arguments: Any) -> None:
        pass


def raises(*arguments: Any) -> Any:
    """A function of the user's that fails."""
    raise OwnError


def hostile_values() -> dict[str, Any]:
    """Values by what they are; iterators among them are used up by the one who takes them."""
    cycle: list[Any] = []
    cycle.append(cycle)
    ring: dict[str, Any] = {}
    ring["ring"] = ring
    closed = io.BytesIO(b"closed")
    closed.close()
    return {
        "None": None,
        "True": True,
        "minus one": -1,
        "zero": 0,
        "a half": 2.5,
        "NaN": float("nan"),
        "infinity": float("inf"),
        "minus infinity": float("-inf"),
        "2**70": 2**70,
        "10**400": 10**400,
        "1e300": 1e300,
        "1e-300": 1e-300,
        "empty text": "",
        "blank text": " ",
        "text": "hot",
        "number as text": "10",
        "NUL in text": "a\0b",
        "long text": "x" * 5000,
        "emoji": "\N{GUITAR}",
        "surrogate": "caf\udce9",
        "bytes": b"bytes",
        "bytes that aren't text": b"\xff\xfe",
        "empty list": [],
        "empty dict": {},
        "empty tuple": (),
        "set": {1, "a"},
        "list of None": [None],
        "list of text": ["a"],
        "mixed list": [1, "a", None],
        "nested lists": [[[]], [[1]]],
        "dict of anything": {"a": [None], 1: 2},
        "list that holds itself": cycle,
        "dict that holds itself": ring,
        "numpy integer": np.int64(3),
        "numpy NaN": np.float32("nan"),
        "empty array": np.array([]),
        "array of three dimensions": np.zeros((2, 2, 2)),
        "array of text": np.array(["a", "b"]),
        "array of objects": np.array([None, "a"], dtype=object),
        "date": np.datetime64("2020-01-01"),
        "Python's date": datetime.date(2020, 1, 1),
        "complex": 1j,
        "decimal": decimal.Decimal("0.1"),
        "fraction": fractions.Fraction(1, 3),
        "object": object(),
        "class": AnyOne,
        "function": raises,
        "generator": (i for i in ("a", 1)),
        "endless iterator": itertools.count(),
        "a million": range(10**6),
        "list of a million": [0] * 10**6,
        "closed file": closed,
        "device": Path("/dev/zero"),
        "folder that isn't there": "nowhere/at/all",
    }
