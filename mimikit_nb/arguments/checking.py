"""The decorator of public functions: their arguments are checked before they begin.

Main names: :func:`checked`, :func:`checked_with`, :class:`Arguments`.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

from ..config import did_you_mean, shown
from ..errors import ParameterError
from .kinds import read_as

F = TypeVar("F", bound=Callable[..., Any])


def checked(function: F) -> F:
    """Decorate a public function, or a class, whose arguments are checked before it begins.

    An annotated class asks for an :class:`Instance`; ``int``, ``float``, ``bool``, ``Path`` and
    ``Sequence`` are read as :class:`Whole`, :class:`Real`, :class:`Flag`, :class:`FilePath` and
    :class:`Items`. What has no annotation, and ``**keywords``, pass as they are. Annotations are
    looked up at the first call, so that a module that uses this costs no more to import.

    Raises
    ------
    ParameterError
        By the decorated function: if an argument is missing, unknown or doesn't fit.
    """
    if isinstance(function, type):
        function.__init__ = checked(function.__init__)  # type: ignore[misc]
        return function
    return _checking(function, Arguments(function))


def checked_with(options_of: Callable[..., Any]) -> Callable[[F], F]:
    """Like :func:`checked`, for a function whose ``**options`` go to another checked one.

    Parameters
    ----------
    options_of : callable
        The function that the options go to; they are checked, and shown in help, as its own.
    """

    def decorate(function: F) -> F:
        return _checking(function, Arguments(function, inspect.unwrap(options_of)))

    return decorate


def _checking(function: F, arguments: Arguments) -> F:
    @functools.wraps(function)
    def checking(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True  # a notebook shows the call, not the check
        bound = arguments.read(args, kwargs)
        return function(*bound.args, **bound.kwargs)

    vars(checking).update(__signature__=arguments.signature, arguments=arguments)
    return cast(F, checking)


class Arguments:
    """What a function takes, by its annotations."""

    def __init__(
        self, function: Callable[..., Any], options_of: Callable[..., Any] | None = None
    ) -> None:
        self._name = function.__qualname__.removesuffix(".__init__").rpartition("<locals>.")[2]
        self._sources = [function] if options_of is None else [function, options_of]
        self.signature = inspect.signature(function)
        if options_of is not None:
            self.signature = _with_options(self.signature, inspect.signature(options_of))

    def read(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> inspect.BoundArguments:
        """Arguments of a call, each checked; a ParameterError names the one that doesn't fit."""
        __tracebackhide__ = True
        bound = self._bound(args, kwargs)
        for name, value in bound.arguments.items():
            if name in self.annotations:
                bound.arguments[name] = self.read_one(name, value)
        return bound

    def read_one(self, name: str, value: Any) -> Any:
        """One argument as the function gets it."""
        __tracebackhide__ = True
        try:
            return read_as(self.annotations[name], value, name)
        except ValueError as error:
            raise ParameterError(f"{self._name}({name}={shown(value)}): {error}") from None

    def _bound(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> inspect.BoundArguments:
        __tracebackhide__ = True
        try:
            return self.signature.bind(*args, **kwargs)
        except TypeError as error:
            unknown = [name for name in kwargs if name not in self.signature.parameters]
            hint = f" {did_you_mean(unknown[0], self.signature.parameters)}" if unknown else ""
            raise ParameterError(f"{self._name}: {error}.{hint}") from None

    @functools.cached_property
    def annotations(self) -> dict[str, Any]:
        """Annotations of the arguments that are one value each."""
        found: dict[str, Any] = {}
        for function in self._sources:
            for name, parameter in inspect.signature(function).parameters.items():
                if name not in found and _is_checked(parameter):
                    found[name] = _evaluated(parameter.annotation, function)
        return found


def _with_options(own: inspect.Signature, options: inspect.Signature) -> inspect.Signature:
    """Signature in which the keywords of another one stand for ``**options``."""
    kept = [p for p in own.parameters.values() if p.kind is not p.VAR_KEYWORD]
    names = {p.name for p in kept}
    more = [
        p.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for p in options.parameters.values()
        if p.name not in names and p.default is not p.empty
    ]
    return own.replace(parameters=[*kept, *more])


def _is_checked(parameter: inspect.Parameter) -> bool:
    is_single = parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
    return is_single and parameter.annotation is not parameter.empty


def _evaluated(annotation: Any, function: Callable[..., Any]) -> Any:
    """Type that an annotation, written as text, stands for in the function's module."""
    names = vars(sys.modules[function.__module__])
    return eval(annotation, names) if isinstance(annotation, str) else annotation
