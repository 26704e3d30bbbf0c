"""Constants of a program: one block of memory, and the layouts of weight matrices.

Layouts for outputs in panels of ``16 * width`` (``[panel][k][16 * width]``):

==========  ================================================================================
layout      holds
==========  ================================================================================
``row``     float32 ``[n, k]`` as it is (numba)
``f32``     float32 panels
``bf16``    pairs of weights in 32-bit words: the even one in the low half, the odd one in the
            high half, rounded so that the whole word read as float32 is the nearest to it:
            neither needs a mask when it is unpacked
``int8``    8-bit integers with one scale per output
``dot``     bfloat16 pairs for instructions that multiply pairs, ``k`` padded to 32
``amx``     the same, as the matrix unit's tiles want them
==========  ================================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

Layout = Literal["row", "f32", "bf16", "int8", "dot", "amx"]
PANEL = 16
BATCH_ROWS = 8  # from here on it gains to round the inputs of a product to bfloat16, too
_ALIGNMENT = 64


def tile_shape(layout: Layout, rows: int) -> tuple[int, int]:
    """Rows, and panels of 16 outputs, that a kernel keeps in registers at once."""
    if layout == "amx":
        return 32, 2
    if rows <= 4:
        return (1, 8) if rows == 1 else (rows, 4)
    return (16, 1) if rows % 16 == 0 else (8, 2)


class Constants:
    """Places tensors in one block of memory, equal ones once."""

    def __init__(self) -> None:
        self.n_bytes = 0
        self._placed: list[tuple[int, Tensor]] = []
        self._known: dict[tuple, int] = {}
        self._packed: dict[tuple, tuple[int, int, int]] = {}
        self._kept: list[Tensor] = []  # memory whose address is a key must not be freed

    def add(self, tensor: Tensor) -> int:
        """Offset in bytes of a tensor's contiguous values."""
        key = _identity(tensor)
        if key not in self._known:
            self._kept.append(tensor)
            data = tensor.detach().contiguous().view(-1).view(torch.uint8)
            self._known[key] = self.n_bytes
            self._placed.append((self.n_bytes, data))
            self.n_bytes += -(-data.numel() // _ALIGNMENT) * _ALIGNMENT
        return self._known[key]

    def add_weights(
        self, w: Tensor, bias: Tensor | None, layout: Layout, width: int
    ) -> tuple[int, int, int]:
        """Offsets of packed weights ``[n, k]``, of their bias and of their scales."""
        key = (*_identity(w), None if bias is None else _identity(bias), layout, width)
        if key not in self._packed:
            self._kept += [w] if bias is None else [w, bias]
            packed, scale = pack(w.detach().float(), layout, width)
            padded = torch.zeros(len(scale))
            if bias is not None:
                padded[: len(bias)] = bias
            self._packed[key] = (self.add(packed), self.add(padded), self.add(scale))
        return self._packed[key]

    def block(self) -> Tensor:
        """All constants, page-aligned."""
        block = aligned_bytes(self.n_bytes + 4 * _ALIGNMENT)
        for offset, data in self._placed:
            block[offset : offset + data.numel()] = data
        return block


def aligned_bytes(n: int, alignment: int = 4096) -> Tensor:
    """Zeroed memory at an address divisible by ``alignment``."""
    block = torch.zeros(n + alignment, dtype=torch.uint8)
    start = -block.data_ptr() % alignment
    return block[start : start + n]


def pack(w: Tensor, layout: Layout, width: int) -> tuple[Tensor, Tensor]:
    """Weights ``[n, k]`` as bytes in a layout, and scales ``[n padded to 16]``."""
    w = _padded(w, 0, PANEL)
    scale = torch.ones(len(w))
    if layout == "row":
        return w.contiguous().view(-1), scale
    if layout == "int8":
        scale = w.abs().amax(1).clamp(min=1e-12) / 127
        w = (w / scale[:, None]).round().clamp(-127, 127).to(torch.int8)
    elif layout in ("dot", "amx"):
        w = _pairs(_padded(w, 1, 32))
    elif layout == "bf16":
        w = _compensated_pairs(w)
    return torch.cat(
        [p.t().contiguous().view(-1) for p in w.split(panel_rows(len(w), width))]
    ), scale


def panel_rows(n: int, width: int) -> Sequence[int]:
    """Outputs per panel: ``16 * width`` while they last, then narrower powers of two."""
    sizes: list[int] = []
    while sum(sizes) < n:
        size = PANEL * width
        while sum(sizes) + size > n:
            size //= 2
        sizes.append(size)
    return sizes


def _pairs(w: Tensor) -> Tensor:
    """``[n, k]`` as bfloat16 pairs in int32 ``[n, k / 2]``."""
    bits = w.bfloat16().view(torch.int16).int()
    return (bits[:, 0::2] & 0xFFFF) | (bits[:, 1::2] << 16)


def _compensated_pairs(w: Tensor) -> Tensor:
    """As pairs, the odd weight rounded in knowledge of the even one's bits below it."""
    odd_k = w.shape[1] % 2
    w = _padded(w, 1, 2)
    low = w[:, 0::2].bfloat16().view(torch.int16).int() & 0xFFFF
    high = w[:, 1::2].contiguous().view(torch.int32) - low
    high = ((high + 0x8000) >> 16) << 16
    if odd_k:
        high[:, -1] = 0
    return high | low


def _padded(w: Tensor, dim: int, multiple: int) -> Tensor:
    missing = -w.shape[dim] % multiple
    shape = [missing if d == dim else n for d, n in enumerate(w.shape)]
    return torch.cat([w, w.new_zeros(shape)], dim) if missing else w


def _identity(tensor: Tensor) -> tuple:
    return (
        tensor.data_ptr(),
        tuple(tensor.shape),
        tensor.stride(),
        tensor.dtype,
        tensor.storage_offset(),
    )
