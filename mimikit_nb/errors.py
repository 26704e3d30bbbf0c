"""Every error this package raises on purpose.

All of them derive from :class:`MimikitError`, so ``except mnb.MimikitError`` catches what went
wrong with *your* input and nothing else. A message says what was found, what the limit is and
what to do about it.
"""

from __future__ import annotations

import sys
import warnings
from types import FrameType


class MimikitError(Exception):
    """Root of all errors raised on purpose by this package.

    Its text can be printed and shown anywhere: bytes of file names that aren't text are escaped.
    """

    def __str__(self) -> str:
        return printable(super().__str__())


class AudioError(MimikitError):
    """A sound file can't be found, read or written."""


class CorpusError(MimikitError):
    """A corpus can't be built, opened or read."""


class ConfigError(MimikitError):
    """A configuration has an unknown key or a value outside its range."""


class ParameterError(MimikitError):
    """An argument of a function is outside its range."""


class FeatureError(MimikitError):
    """A feature can't be computed or inverted for this signal."""


class CheckpointError(MimikitError):
    """A checkpoint is truncated, foreign, too new, or doesn't fit the network."""


class TrainingError(MimikitError):
    """A training run can't start or can't go on."""


class PromptError(MimikitError):
    """A prompt is too short, outside its corpus, or doesn't fit the network."""


class EngineError(MimikitError):
    """A generation engine can't be built for this network on this machine."""


class NotebookError(MimikitError):
    """A notebook can't be found, got unknown parameters, or failed while running."""


def warn(message: str) -> None:
    """Warn of something, at the line outside this package that led to it."""
    frame: FrameType | None = sys._getframe(1)
    level = 2
    while frame is not None and frame.f_globals.get("__name__", "").startswith(__package__):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, stacklevel=level)


def printable(text: str) -> str:
    r"""Text that every terminal, page and table takes; bytes that aren't text show as ``\xe9``."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # halves of characters, which no file name can hold
        return text.encode("utf-8", "backslashreplace").decode("utf-8")
