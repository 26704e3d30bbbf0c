"""The card of an exported network: a text that says what it is, in Markdown.

It stands beside the weights as ``README.md``, where people and model hubs look for it. Main
name: :func:`card_text`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .file import Header, package_version


def card_text(header: Header, content_hash: str, figures: Mapping[str, Any] | None = None) -> str:
    """Text of a card.

    Parameters
    ----------
    header : Header
        Of the checkpoint.
    content_hash : str
        SHA-256 of the network.
    figures : mapping, optional
        More figures by name, such as a row of :func:`~mimikit_nb.by_checkpoint`.

    Returns
    -------
    str
        Markdown.
    """
    kind = header.network.kind
    rate = header.io.sample_rate
    training = header.training
    measured = {"training steps": header.step, **header.metrics, **(figures or {})}
    sections = [
        f"# {kind} at {rate} Hz",
        "A neural network that continues sound, trained on one collection of recordings. "
        "Load it with `mnb.load_checkpoint(folder)` and let it play with `mnb.generate`.",
        "## Corpus and rights",
        _list(
            {
                "recordings": header.source or "unknown",
                "corpus hash": header.corpus_hash or "unknown",
                "rights": _plain(header.rights) or "not stated",
            }
        ),
        "What it plays can hold passages of these recordings; who publishes its sound needs the "
        "right to use them.",
        "## Figures",
        _list(measured),
        "## Network",
        _list({"kind": kind, "SHA-256": content_hash, "mimikit_nb": package_version()}),
        _json(header.network.to_dict()),
        "## What it reads and writes",
        _json(header.io.to_dict()),
    ]
    if training:
        sections += ["## Training", _json(training)]
    if header.parents:
        rows = [
            f"| {p.get('step')} | {p.get('weight', 0):.3g} | `{str(p.get('hash'))[:16]}` |"
            for p in header.parents
        ]
        table = "\n".join(["| step | share | SHA-256 |", "|---|---|---|", *rows])
        sections += ["## An average of", table]
    return "\n\n".join(sections) + "\n"


def _list(values: Mapping[str, Any]) -> str:
    return "\n".join(f"- {name}: {_plain(value)}" for name, value in values.items())


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if value is None or isinstance(value, str):
        return " ".join((value or "").split())
    return json.dumps(value, default=str)


def _json(values: Mapping[str, Any]) -> str:
    return f"```json\n{json.dumps(values, indent=2, default=str)}\n```"
