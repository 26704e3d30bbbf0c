"""The units of a recording, remembered by a head: vectors at every frame, and what follows which.

A head that plays recorded units asks three things: which units are near to a vector
(:meth:`UnitMemory.squared_distances`), how well each would join what was played last, and which
are excluded because a passage has been followed long enough (:meth:`UnitMemory.listen`). A
passage is followed by *content*: whatever sounds alike counts, wherever it lies in the
recording, so that a recording that repeats itself offers no way round.

The memory is in buffers of any size, and travels in the checkpoint. Main name:
:class:`UnitMemory`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

_PIECE_STEPS = 64
"""Steps of the stretches that are kept of a recording too long to be remembered."""

_SURROUNDINGS_STEPS = 2
"""Steps before and behind a unit that are no other place: they overlap with it."""

N_ALIKE = 32
"""Units of the same content that are known of each unit, itself and its surroundings included."""

_ROWS = 1024
"""Units that are compared with all others at once."""

_STORED = {"units": torch.float16, "alike": torch.int32, "near": torch.int32}
"""Types in the checkpoint of what is wider in use; half precision loses nothing, since units are
rounded to it from the beginning."""


class Heard(NamedTuple):
    """What the last value means for the next.

    Attributes
    ----------
    join : Tensor [shape=(B, M)]
        Squared distance from the last value to what comes before each unit in the recording.
    is_excluded : Tensor [shape=(B, M), dtype=bool]
        Units with nothing before them, and units with which a passage would go on for longer
        than it may be followed.
    excess : Tensor [shape=(B, M)]
        Steps by which a passage that goes on with each unit has been followed longer than it may
        be; 0 if it hasn't.
    """

    join: Tensor
    is_excluded: Tensor
    excess: Tensor


class UnitMemory(nn.Module):
    """Units ``[M, D]`` of a recording; a single zero until :meth:`fill`.

    Parameters
    ----------
    n_units : int > 0
        Most units.
    dim : int
        Length ``D`` of a unit.
    step_seconds : float
        Length of a step.
    n_near : int, default 0
        Nearest units at other places that are found for each unit.
    tolerance : float, default 1.0
        Factor of the squared radius within which what is played still follows a passage.

    Attributes
    ----------
    units : Tensor [shape=(M, D)]
    has_before : Tensor [shape=(M,), dtype=bool]
        Whether the unit ``stride`` rows before is the one that comes before in the recording.
    alike : Tensor [shape=(M, N_ALIKE), dtype=int64]
        Units of the same content: the nearest within the radius, itself where there are no more.
    near : Tensor [shape=(M, n_near), dtype=int64]
        Nearest units at other places.
    square_radius : Tensor [shape=()]
        Squared distance within which two units are alike: the median to the nearest other place.
    square_scale : Tensor [shape=()]
        Squared distance that counts as near: the median to the ``n_near / 4``-th other place.
    stride : int
        Rows from a unit to the one that follows it.
    """

    units: Tensor
    offsets: Tensor

    def __init__(
        self,
        n_units: int,
        dim: int,
        step_seconds: float,
        n_near: int = 0,
        tolerance: float = 1.0,
    ) -> None:
        super().__init__()
        self.tolerance = tolerance
        self.n_units, self.step_seconds, self.n_near = n_units, step_seconds, n_near
        self.register_buffer("units", torch.zeros(1, dim))
        self.register_buffer("offsets", torch.zeros(1), persistent=False)
        self.register_buffer("has_before", torch.zeros(1, dtype=torch.bool))
        self.register_buffer("alike", torch.zeros(1, N_ALIKE, dtype=torch.int64))
        self.register_buffer("near", torch.zeros(1, n_near, dtype=torch.int64))
        self.register_buffer("square_radius", torch.zeros(()))
        self.register_buffer("square_scale", torch.ones(()))
        self._set_stride(1)

    def __len__(self) -> int:
        return len(self.units)

    # -- filling it ---------------------------------------------------------------------------

    @torch.no_grad()
    def fill(self, stretches: Sequence[np.ndarray], stride: int, n_channels: int = 1) -> None:
        """Remember stretches of a recording, of a long one evenly spaced pieces.

        Parameters
        ----------
        stretches : sequence of np.ndarray [shape=(n, D)]
            Values at every frame.
        stride : int
            Rows from a unit to the one that follows it.
        n_channels : int, default 1
            Channels that the stretches are of, one after the other: what sounds at the same
            moment in another channel is no other place.
        """
        values, places = _kept(stretches, self.n_units, stride)
        if not len(values):
            return
        device = self.units.device
        self.units = values.half().float().to(device)
        self.offsets = self._computed_offsets()
        self.has_before = torch.zeros(len(values), dtype=torch.bool, device=device)
        self.has_before[stride:] = places[stride:] - places[:-stride] == stride
        self._set_stride(stride)
        length = sum(len(v) + stride + 1 for v in stretches) // n_channels
        self._compare((places % length).to(device))

    def _computed_offsets(self) -> Tensor:
        """What a product with each unit lacks to tell how far it is: half its square, negative."""
        return -self.units.square().sum(-1) / 2

    def _set_stride(self, stride: int) -> None:
        self.stride = stride
        self.register_buffer("stored_stride", torch.tensor(stride))

    def _compare(self, moments: Tensor) -> None:
        """Compare all units, at moments ``[M]``: what is near, and what is alike."""
        n, alike, near, distances = len(self), [], [], []
        index = torch.arange(n, device=self.units.device)
        n_near = min(max(self.n_near, 1), n)
        for first in range(0, n, _ROWS):
            rows = index[first : first + _ROWS]
            d = self.squared_distances(self.units[rows])
            alike.append(d.topk(min(N_ALIKE, n), largest=False))
            apart = (moments[rows, None] - moments).abs()
            is_there = apart <= _SURROUNDINGS_STEPS * self.stride
            d, found = d.masked_fill_(is_there, torch.inf).topk(n_near, largest=False)
            near.append(found)
            distances.append(d)
        d = torch.cat(distances)
        self.square_radius = _median(d[:, 0])
        self.square_scale = _median(d[:, n_near // 4]).clamp(min=1e-6)
        is_alike = torch.cat([a.values for a in alike]) <= self.square_radius
        found = torch.where(is_alike, torch.cat([a.indices for a in alike]), index[:, None])
        self.alike = _widened(found, N_ALIKE)
        self.near = _widened(torch.cat(near), self.n_near)

    # -- asking it ----------------------------------------------------------------------------

    def squared_distances(self, x: Tensor) -> Tensor:
        """From vectors ``[..., D]`` to all units, ``[..., M]``."""
        product = F.linear(x, self.units, self.offsets)
        return (x.square().sum(-1, keepdim=True) - 2 * product).clamp(min=0.0)

    def unit(self, index: Tensor) -> Tensor:
        """Units ``[..., D]`` by number."""
        return F.embedding(index, self.units)

    def nearest(self, x: Tensor) -> Tensor:
        """Number ``[...]`` of the unit nearest to each vector ``[..., D]``."""
        return self.squared_distances(x).argmin(-1)

    # -- following a passage ------------------------------------------------------------------

    def init_state(self, batch_size: int) -> dict[str, Tensor]:
        """For how many steps what was played has followed the recording up to each unit."""
        return {"followed": self.units.new_zeros(batch_size, len(self))}

    def listen(self, state: dict[str, Tensor], follow_seconds: Tensor) -> Heard:
        """Take note of the last value, ``state["last"] [B, D]``.

        Parameters
        ----------
        state : dict of Tensor
            Of :meth:`init_state`, changed in place, and ``last``.
        follow_seconds : Tensor [shape=(B,)]
            How long one passage may be followed; always for a step, so 0 never goes on with one.
        """
        distances = self.squared_distances(state["last"])
        is_near = distances <= self.tolerance * self.square_radius
        followed = torch.where(is_near, self._from_before(state["followed"]) + 1, 0.0)
        state["followed"].copy_(followed)
        most_steps = (follow_seconds / self.step_seconds).round().clamp(min=1)[:, None]
        before = self._from_before(followed)
        is_over = before >= most_steps
        alike = is_over.index_select(1, self.alike.flatten()).unflatten(1, self.alike.shape)
        return Heard(
            self._from_before(distances),
            alike.any(-1) | ~self.has_before,
            (before - most_steps).clamp(min=0.0),
        )

    def _from_before(self, x: Tensor) -> Tensor:
        """Of each unit, what ``x [B, M]`` is at the one before; 0 where there is none."""
        if len(self) <= self.stride:
            return torch.zeros_like(x)
        return F.pad(x[:, : -self.stride], (self.stride, 0)) * self.has_before

    # -- in a checkpoint ----------------------------------------------------------------------

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        for name, dtype in _STORED.items():
            destination[prefix + name] = destination[prefix + name].to(dtype)

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *args: Any) -> None:
        units = state_dict.get(prefix + "units")
        if units is not None and 1 <= len(units) <= max(1, self.n_units):
            for name in ("units", "has_before", "alike", "near"):
                own = getattr(self, name)
                setattr(self, name, own.new_zeros(len(units), *own.shape[1:]))
        super()._load_from_state_dict(state_dict, prefix, *args)
        self.offsets = self._computed_offsets()
        self.stride = max(1, int(self.stored_stride))


def _kept(stretches: Sequence[np.ndarray], n_units: int, stride: int) -> tuple[Tensor, Tensor]:
    """Values ``[M, D]`` that are remembered, and where in the recording they lie ``[M]``."""
    lengths = [len(values) for values in stretches]
    size = (
        min(n_units, _PIECE_STEPS * stride) if sum(lengths) > n_units else max(lengths, default=1)
    )
    pieces = [
        (i, start, min(start + size, n))
        for i, n in enumerate(lengths)
        for start in range(0, n, max(1, size))
    ]
    most = max(1, n_units // max(1, size)) if sum(lengths) > n_units else len(pieces)
    if len(pieces) > most:
        pieces = [pieces[int(k)] for k in np.linspace(0, len(pieces) - 1, most).round()]
    origins = np.cumsum([0, *(n + stride + 1 for n in lengths)])  # no stretch follows another
    values = [np.asarray(stretches[i][a:b], np.float32) for i, a, b in pieces]
    places = [torch.arange(a, b) + int(origins[i]) for i, a, b in pieces]
    if not values:
        return torch.zeros(0, 0), torch.zeros(0, dtype=torch.int64)
    return torch.from_numpy(np.concatenate(values))[:n_units], torch.cat(places)[:n_units]


def _median(x: Tensor) -> Tensor:
    """Median of what is finite, or 0."""
    x = x[x.isfinite()]
    return x.median() if len(x) else x.new_zeros(())


def _widened(index: Tensor, n: int) -> Tensor:
    """Columns ``[M, n]``, the last one repeated where there are fewer."""
    missing = max(0, n - index.shape[1])
    return torch.cat([index, index[:, -1:].expand(-1, missing)], 1)[:, :n].contiguous()
