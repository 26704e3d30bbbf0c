"""Keep what happens inside a network in a file: :class:`Record`, :func:`read_record`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import PrivateAttr
from torch import Tensor

from ...arguments import PathArg, checked
from ...config import field
from ...corpus.bank import OutputBank, bank_sounds, read_bank
from ...engine.stages import State
from ...errors import ParameterError
from ...networks.base import Network
from .base import HOOKS, HookConfig, Step
from .place import hooked_places, modules_at, watched

_SYNCED_SECONDS = 1.0


@HOOKS.register
class Record(HookConfig):
    """Store what a module gives, what the heads say, or what is drawn, in an HDF5 bank.

    A data set ``[values, times]`` for each row (sounds times channels); what is stored goes on
    being made as before, by the fast engine. Readable while it grows. A sound that is extended
    gets data sets of its own, which say when they begin.

    Examples
    --------
    >>> store = mnb.hooks.Record(path="output.h5", place="output")
    >>> recorded = mnb.generate("runs/first", corpus, seconds=1.0, hooks=[store])
    >>> mnb.hooks.read_activity("output.h5").values.shape[0]
    192
    """

    kind: Literal["record"] = "record"
    "Name of the hook."
    path: str
    "The bank (.h5): a new one, or one to add to."
    place: str = "logits"
    "'logits', 'samples', or the name of a module."
    every: int | None = field(None, ge=1, unit="steps")
    "Steps from one time to the next; as often as there is something new if not given."

    is_plain_torch: ClassVar[bool] = True
    _bank: OutputBank | None = PrivateAttr(None)
    _every: int = PrivateAttr(1)
    _step_seconds: float = PrivateAttr(0.0)
    _unsynced: float = PrivateAttr(0.0)

    @property
    def places(self) -> frozenset[str]:
        """The one that is recorded."""
        return hooked_places(self.place)

    def modules(self, network: Network) -> Sequence[str]:
        """The module, if it is one."""
        return modules_at(self.place)

    def width(self, network: Network, state: State) -> int:
        """Values of a row at a time."""
        self.close()
        self._step_seconds = float(network.io.step_seconds)
        period, shape = watched(network, self.place)
        self._every = self.every or period
        if self._every % period:
            raise ParameterError(
                f"{self.place!r} gives something new every {period} steps; every={self.every} "
                f"must be a multiple of {period}."
            )
        return math.prod(shape)

    def hidden(self, output: Tensor, step: Step) -> None:
        """Keep what a module gave."""
        step.keep(output)

    def logits(self, params: Tensor, step: Step) -> None:
        """Keep what the head says."""
        if step.name in step.state["in"]:
            step.keep(params)

    def samples(self, values: Tensor, step: Step) -> None:
        """Keep what was drawn."""
        if step.name in step.state["in"]:
            step.keep(values if values.dim() > 1 else values[:, None])

    def chunk(self, kept: Tensor, state: State) -> None:
        """Write the times of a chunk."""
        first = int(state["t"]) - kept.shape[1]
        times = kept[:, -first % self._every :: self._every].transpose(1, 2)
        if self._bank is None:
            begin = first + -first % self._every - int(state["hooks"]["start"][0])
            self._bank = self._open(kept.shape, begin * self._step_seconds)
        self._bank.append(list(times.cpu().numpy()))
        self._unsynced += kept.shape[1] * self._step_seconds
        if self._unsynced >= _SYNCED_SECONDS:
            self._bank.sync()
            self._unsynced = 0.0

    def close(self) -> None:
        """Close the bank."""
        if self._bank is not None:
            self._bank.close()
        self._bank = None

    def _open(self, shape: Sequence[int], begin_seconds: float) -> OutputBank:
        rate = 1 / (self._every * self._step_seconds)
        facts = {"place": self.place, "times_per_second": rate, "begin_seconds": begin_seconds}
        rows = [{**facts, "row": row} for row in range(shape[0])]
        return OutputBank(self.path, max(1, round(rate)), shape[2], rows, stem=self.place)


@checked
def read_record(path: PathArg) -> dict[str, tuple[np.ndarray, dict[str, Any]]]:
    """What :class:`Record` has stored.

    Parameters
    ----------
    path : path
        The bank.

    Returns
    -------
    dict of (np.ndarray [shape=(values, times)], dict)
        By data set: values, and what they are (``place``, ``row``, ``times_per_second``,
        ``begin_seconds`` behind the prompt).

    Raises
    ------
    CorpusError
        If the file is no bank.

    Examples
    --------
    >>> store = mnb.hooks.Record(path="logits.h5", place="logits")
    >>> recorded = mnb.generate("runs/first", corpus, seconds=1.0, hooks=[store])
    >>> list(mnb.hooks.read_record("logits.h5"))
    ['logits_001']
    """
    return {name: (read_bank(path, name)[0], facts) for name, facts in bank_sounds(path).items()}
