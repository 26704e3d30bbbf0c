"""Compare a compiled executor with eager stages, step by step from the same states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..errors import EngineError
from .graph import flatten_state
from .stages import CHUNKS, Executor, Stage, State, clone_state, run_stages


class Tolerance(NamedTuple):
    """How far a compiled step may be from an eager one.

    Attributes
    ----------
    difference : float
        Largest difference, relative to the largest value of a tensor (at least 1).
    draws : float
        Share of the draws that may fall the other way.
    """

    difference: float
    draws: float


TOLERANCES = {
    "f32": Tolerance(2e-4, 0.1),
    "bf16": Tolerance(3e-2, 0.3),
    "int8": Tolerance(8e-2, 0.6),
}
MOST_ON_END = 512
"A second or two of uncompiled steps; the check jumps over more."
_DRAWN = ("in", "seq", "hooks", "heads")  # hooks and heads remember draws
_REHEARSED_CONTROLS = {"temperature": 1.1, "top_k": 20, "top_p": 0.95, "recorded": 0.5}


class EngineMismatch(EngineError):
    """Compiled steps give something else than eager ones."""


@torch.no_grad()
def check_executor(
    executor: Executor,
    stages: Sequence[Stage],
    state: State,
    n_steps: int = 32,
    tolerance: Tolerance = TOLERANCES["f32"],
) -> None:
    """Check an executor against the stages as they are.

    Both take each step from the same state, so that a draw that falls the other way by a
    rounding error changes nothing behind it; a few such draws are forgiven.

    Parameters
    ----------
    executor : Executor
    stages : sequence of Stage
    state : State
        Where to start; it is not changed.
    n_steps : int
        This many steps on end at least, and as many as let each stage run twice up to
        ``MOST_ON_END``. Stages that are due more seldom are tried at the next two times when
        they are, each time with the steps before and after.
    tolerance : Tolerance
        See ``TOLERANCES``.

    Raises
    ------
    EngineMismatch
        Naming the tensor that differs most.
    """
    eager = _rehearsal(state)
    compiled = clone_state(eager)
    n_drawn = n_wrong = 0
    periods = [stage.period for stage in stages]
    n_steps = max(n_steps, min(2 * max(periods), MOST_ON_END))
    for t in _times(int(state["t"]), periods, n_steps):
        _rewind(eager)
        eager["t"].fill_(t)
        _copy_state(compiled, eager)
        executor.run(compiled, 1)
        run_stages(stages, eager)
        found, expected = flatten_state(compiled), flatten_state(eager)
        for path, value in expected.items():
            wrong = _differences(found[path], value, tolerance.difference)
            if path[0] in _DRAWN:
                n_wrong += int(wrong.reshape(len(value), -1).any(1).sum())
                n_drawn += len(value)
            elif wrong.any():
                worst = (found[path].double() - value.double()).abs().max()
                raise EngineMismatch(
                    f"state{list(path)} differs by {worst:.2g} from the uncompiled step."
                )
    if n_wrong > max(2, tolerance.draws * n_drawn):
        raise EngineMismatch(f"{n_wrong} of {n_drawn} draws differ from the uncompiled step.")


def _times(start: int, periods: Sequence[int], n_steps: int) -> list[int]:
    """Steps to check: ``n_steps`` on end, and those around when the slower stages are due."""
    slow = sorted({period for period in periods if 2 * period > n_steps})
    due = [start + -start % period + k * period for period in slow for k in (0, 1)]
    around = {t + k for t in due for k in (-1, 0, 1) if t + k >= start + n_steps}
    return [*range(start, start + n_steps), *sorted(around)]


def _rehearsal(state: State) -> State:
    """Copy of a state at the start of a chunk, with random numbers to draw from."""
    copied = clone_state(state)
    if "i" in copied:
        copied["i"].zero_()
    generator = torch.Generator().manual_seed(0)
    for value in copied.get("u", {}).values():
        value.copy_(torch.rand(value.shape, generator=generator))
    for name, value in copied.get("controls", {}).items():
        value.fill_(_REHEARSED_CONTROLS.get(name, 1))
    return copied


def _rewind(state: State) -> None:
    """Go back to the start of a chunk at its end."""
    chunks = flatten_state({key: state[key] for key in CHUNKS if key in state})
    if "i" in state and chunks and int(state["i"]) >= min(c.shape[1] for c in chunks.values()):
        state["i"].zero_()


def _copy_state(target: State, source: State) -> None:
    for a, b in zip(flatten_state(target).values(), flatten_state(source).values(), strict=True):
        a.copy_(b)


def _differences(found: Tensor, expected: Tensor, tolerance: float) -> Tensor:
    """Where two tensors differ: exactly for integers, by tolerance for floats."""
    if not expected.is_floating_point() or not expected.numel():
        return found != expected
    limit = tolerance * max(1.0, float(expected.abs().nan_to_num().max()))
    return ~torch.isclose(found, expected, rtol=0.0, atol=limit, equal_nan=True)
