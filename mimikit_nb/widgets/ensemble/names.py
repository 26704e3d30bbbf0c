"""What a generator is called on the timeline. Main name: :func:`name_of`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...generation.ensemble.studio import NEIGHBOUR, SILENCE


def name_of(generator: Any) -> str:
    """What a generator is called in a few words."""
    if generator in (NEIGHBOUR, SILENCE):
        return str(generator).replace("_", " ")
    if isinstance(generator, str | Path):
        return "/".join(Path(generator).parts[-2:])
    if not isinstance(generator, dict):
        return str(getattr(generator, "__name__", type(generator).__name__))
    if "region" in generator:
        return "region " + " to ".join(f"{seconds:g}" for seconds in generator["region"])
    if "average" in generator:
        return "average of " + ", ".join(map(name_of, generator["average"]))
    if "checkpoint" in generator:
        return " ".join(
            [name_of(generator["checkpoint"]), str(generator.get("step") or "")]
        ).strip()
    return next(iter(generator), "").replace("_", " ")
