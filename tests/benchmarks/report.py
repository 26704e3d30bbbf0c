"""Where benchmarks write what they measured: one JSON and one picture for all of them."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

import torch

from mimikit_nb.engine.cache import cpu_flags

OUT = Path("outputs/bench")


def add(section: str, rows: list[dict[str, Any]]) -> None:
    """Write the rows of a section into ``bench.json``, and draw ``bench.png`` anew.

    Rows of the same section that were there before are replaced if they have the same ``case``.
    """
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / "bench.json"
    found = json.loads(path.read_text()) if path.exists() else {}
    fresh = {row["case"] for row in rows}
    found[section] = [r for r in found.get(section, []) if r["case"] not in fresh] + rows
    found["machine"] = {
        "cpu": cpu_flags()[3] if len(cpu_flags()) > 3 else platform.processor(),
        "cores": os.cpu_count(),
        "torch": torch.__version__,
        "load": os.getloadavg()[0],
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }
    path.write_text(json.dumps(found, indent=1))
    draw({k: v for k, v in found.items() if k != "machine"}, OUT / "bench.png")


def draw(sections: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """A panel per section and group: bars of its speeds, with the limit where it is known."""
    import matplotlib.pyplot as plt

    panels: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for section, rows in sections.items():
        for row in rows:
            if "per_second" in row:
                panels.setdefault((section, row.get("group", "")), []).append(row)
    if not panels:
        return
    sizes = [len(rows) + 2 for rows in panels.values()]
    figure, axes = plt.subplots(
        len(panels),
        1,
        figsize=(9, 0.24 * sum(sizes)),
        layout="constrained",
        height_ratios=sizes,
        squeeze=False,
    )
    for ax, ((section, group), rows) in zip(axes[:, 0], panels.items(), strict=True):
        names = [row["case"].removeprefix(f"{group}, ") for row in rows]
        values = [row["per_second"] for row in rows]
        ax.barh(names, values, color="#0072b2", height=0.7)
        limits = [row.get("limit_per_second", 0) for row in rows]
        for i, (row, limit) in enumerate(zip(rows, limits, strict=True)):
            if limit:
                ax.plot([limit, limit], [i - 0.4, i + 0.4], color="#d55e00", lw=2)
            place = max(row["per_second"], limit)
            ax.annotate(
                _label(row), (place, i), (4, 0), textcoords="offset points", va="center", fontsize=7
            )
        ax.set_xlim(0, 1.5 * max([*values, *limits]))
        ax.invert_yaxis()
        ax.tick_params(labelsize=7)
        title = f"{section}: {group}" if group else section
        if "parameters" in rows[0]:
            title += f", {rows[0]['parameters'] / 1e6:.1f} M weights"
        ax.set_title(title, fontsize=9, loc="left")
        ax.spines[["top", "right"]].set_visible(False)
    axes[-1, 0].set_xlabel(
        "model steps a second, all rows together; orange: what memory or arithmetic allows"
    )
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _label(row: dict[str, Any]) -> str:
    text = f"{row['per_second']:,.0f}/s"
    if "real_time_factor" in row:
        text += f", {row['real_time_factor']:.2f} x real time"
    if "share" in row:
        text += f", {row['share']:.0%} of what {row['bound']} allows"
    return text
