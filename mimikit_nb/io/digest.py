"""The digest of tensors: what names a network, and the values of a learned feature.

Main name: :func:`digest_of`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor


def digest_of(about: str, tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of a text and of tensors by name, whatever their order and device.

    Parameters
    ----------
    about : str
        What else tells them from others.
    tensors : mapping of str to Tensor
        Counted with name, type and shape.

    Examples
    --------
    >>> digest_of("units", {"a": torch.zeros(2), "b": torch.ones(3)})[:8]
    'd3379806'
    """
    digest = hashlib.sha256(about.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy(force=True).data)
    return digest.hexdigest()
