"""Two checkpoints side by side: settings, figures, and how far apart their weights are.

Main name: :func:`compare`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from ..arguments import checked
from .format import Checkpoint

if TYPE_CHECKING:
    import pandas


@checked
def compare(a: Checkpoint, b: Checkpoint) -> pandas.DataFrame:
    """Tabulate what two checkpoints have apart and in common.

    Parameters
    ----------
    a, b : Checkpoint
        Of one run, or of different ones.

    Returns
    -------
    pandas.DataFrame
        Columns ``a``, ``b``; rows: step, hash, corpus, figures, each setting that differs, and
        for networks of one configuration the ``distance`` of their weights, as a whole and by
        part: ``|w_a - w_b| / |w_a|`` (0: the same, 1.4: unrelated) under ``b``.

    Examples
    --------
    >>> a, b = (mnb.load_checkpoint("runs/first", step) for step in (2, 4))
    >>> mnb.compare(a, b).loc["step"].tolist()
    [2, 4]
    """
    import pandas as pd

    rows: dict[str, tuple[Any, Any]] = {
        "step": (a.step, b.step),
        "hash": (a.hash[:16], b.hash[:16]),
        "corpus": (a.corpus_hash[:16], b.corpus_hash[:16]),
    }
    for name in dict.fromkeys([*a.metrics, *b.metrics]):
        rows[name] = (a.metrics.get(name), b.metrics.get(name))
    for part, mine, other in (
        ("network", a.config.to_dict(), b.config.to_dict()),
        ("io", a.io.to_dict(), b.io.to_dict()),
        ("training", a.training, b.training),
    ):
        flat_a, flat_b = _flat(mine, part), _flat(other, part)
        for name in dict.fromkeys([*flat_a, *flat_b]):
            if flat_a.get(name) != flat_b.get(name):
                rows[name] = (flat_a.get(name), flat_b.get(name))
    if (a.config, a.io) == (b.config, b.io):
        rows |= {name: (0.0, value) for name, value in _distances(a, b).items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["a", "b"], dtype=object)


def _flat(values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        is_group = isinstance(value, Mapping)
        found |= _flat(value, f"{prefix}.{name}") if is_group else {f"{prefix}.{name}": value}
    return found


def _distances(a: Checkpoint, b: Checkpoint) -> dict[str, float]:
    """Relative distance of the weights, as a whole and by the network's parts."""
    ours, theirs = a.weights(), b.weights()
    sums: dict[str, list[float]] = {"distance": [0.0, 0.0]}
    for name, weight in ours.items():
        if not weight.is_floating_point():
            continue
        difference = float(torch.sum((weight.double() - theirs[name].double()) ** 2))
        norm = float(torch.sum(weight.double() ** 2))
        for part in ("distance", f"distance of {name.split('.')[0]}"):
            total = sums.setdefault(part, [0.0, 0.0])
            total[0] += difference
            total[1] += norm
    return {part: (d / n) ** 0.5 if n else 0.0 for part, (d, n) in sums.items()}
