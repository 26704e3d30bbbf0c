"""Loss terms of target variables: a declared list with weights, summed per variable.

Training minimises them; evaluation reads the same numbers on held-out data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ..io.variable import IOSpec
from .head import Head


def _spectral_convergence(x: Tensor, target: Tensor) -> Tensor:
    """Frobenius norm of the error over that of the target (Arik et al., 2019, eq. 3)."""
    return torch.linalg.vector_norm(x - target) / torch.linalg.vector_norm(target).clamp(min=1e-8)


_VALUE_LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "l1": lambda x, target: (x - target).abs().mean(),
    "l2": lambda x, target: (x - target).square().mean(),
    "log_l1": lambda x, target: (torch.log1p(x.abs()) - torch.log1p(target.abs())).abs().mean(),
    "spectral_convergence": _spectral_convergence,
}


def loss_terms(
    io: IOSpec,
    heads: Mapping[str, Head],
    outputs: Mapping[str, Tensor],
    targets: Mapping[str, Tensor],
) -> dict[str, Tensor]:
    """Weighted loss terms by ``variable/term``; their sum is the loss.

    Parameters
    ----------
    io : IOSpec
        Declares the terms.
    heads : mapping of Head
        By target variable.
    outputs : mapping of Tensor [shape=(B, T, P)]
        Head parameters by target variable.
    targets : mapping of Tensor [shape=(B, T) or (B, T, dim)]
        What should have been predicted.
    """
    terms = {}
    for name, variable in io.targets.items():
        head, params, target = heads[name], outputs[name], targets[name]
        if head.training:
            head.observe(target)
        for term in variable.losses:
            if term.kind == "nll":
                value = head.loss(params, target).mean()
            else:
                value = _VALUE_LOSSES[term.kind](head.mean(params), target)
            terms[f"{name}/{term.kind}"] = term.weight * value
    return terms
