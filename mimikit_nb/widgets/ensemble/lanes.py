"""The timeline of a draft: a row per voice, a block per turn; to drag, or as a picture.

Main names: :class:`Lanes`, :func:`draw_lanes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...config import Config
from ...generation.controls import OPTIONAL
from ...generation.ensemble.draft import Draft, Place
from ...generation.ensemble.event import Event
from ..pictures import Picture
from ..player.marks import colours_of
from ..player.still import LABEL_SIZE
from .names import name_of

Action = Callable[..., None]


class Lanes(anywidget.AnyWidget):
    """Turns as blocks that can be chosen, moved, lengthened, duplicated and deleted.

    Parameters
    ----------
    actions : mapping of str to callable
        What to do when the page asks: ``choose``, ``move``, ``resize``, ``duplicate``, ``delete``
        and ``play`` get the place, ``move`` also where to, ``resize`` the seconds; ``undo`` and
        ``redo`` get nothing.

    Attributes
    ----------
    rows : list of list of dict
        Label, seconds, colour, detail of each turn, and whether it is made already.
    chosen : list of int, or None
        Row and place of the chosen turn.
    time : float
        Where a playhead is drawn, in seconds; none below 0.
    """

    _esm = (Path(__file__).parent / "lanes.js").read_text(encoding="utf-8")
    rows: traitlets.List[Any] = traitlets.List().tag(sync=True)
    chosen: Any = traitlets.List(allow_none=True, default_value=None).tag(sync=True)
    time = traitlets.Float(-1.0).tag(sync=True)

    def __init__(self, actions: Mapping[str, Action], **traits: Any) -> None:
        super().__init__(**traits)
        self._actions = dict(actions)
        self.on_msg(self._on_message)

    def show(self, draft: Draft, chosen: Place | None, n_done_seconds: float) -> None:
        """Show turns; those that end before ``n_done_seconds`` of the turns are made already."""
        colours = _colours(draft)
        with self.hold_sync():
            self.rows = [
                [
                    {
                        "label": name_of(turn.generator),
                        "seconds": float(turn.seconds),
                        "colour": colours[name_of(turn.generator)],
                        "detail": detail_of(turn),
                        "done": draft.start_of((r, i + 1)) <= n_done_seconds + 1e-6,
                    }
                    for i, turn in enumerate(row)
                ]
                for r, row in enumerate(draft.rows)
            ]
            self.chosen = None if chosen is None else list(chosen)

    def _on_message(self, _: Any, message: dict[str, Any], __: Any) -> None:
        action = self._actions.get(message.get("type", ""))
        values = {key: value for key, value in message.items() if key != "type"}
        for key in {"place", "to"} & set(values):
            values[key] = tuple(int(v) for v in values[key])
        if action is not None:
            action(**values)


def _colours(draft: Draft) -> dict[str, str]:
    """Colours of the generators of a draft, by name."""
    return colours_of(name_of(turn.generator) for row in draft.rows for turn in row)


def detail_of(turn: Event) -> str:
    """What else one wants to see of a turn at a glance."""
    parts = [] if turn.temperature == 1.0 else [f"temperature {_short(turn.temperature)}"]
    for name in OPTIONAL:
        value = getattr(turn, name)
        parts += [] if value is None else [f"{name} {_short(value)}"]
    parts += [] if turn.prompt == "last" else ["prompt " + _short(turn.prompt)]
    parts += [] if not turn.gain_db else [f"{turn.gain_db:+g} dB"]
    parts += [] if turn.until is None else [f"until {_short(turn.until)}"]
    return ", ".join(parts)


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key} {_short(part)}" for key, part in value.items())
    if isinstance(value, Config) or callable(value):
        return "moving"
    return f"{value:g}" if isinstance(value, float) else str(value)


def draw_lanes(draft: Draft) -> Picture:
    """Draw the timeline of a draft.

    Parameters
    ----------
    draft : Draft
        Turns in rows.

    Returns
    -------
    Picture
        A row per voice, in the colours of the generators.
    """
    figure = Figure(figsize=(10, 0.7 + 0.5 * len(draft.rows)), layout="constrained")
    axis: Axes = figure.subplots()
    seconds, colours = max(draft.seconds, 1e-3), _colours(draft)
    for r, row in enumerate(draft.rows):
        for i, turn in enumerate(row):
            name, start = name_of(turn.generator), draft.start_of((r, i))
            bar = axis.barh(
                -r, turn.seconds, left=start, height=0.8, color=colours[name], alpha=0.6
            )
            bar.patches[0].set_edgecolor("white")
            text = axis.text(
                start + 0.004 * seconds,
                -r,
                f"{name} {turn.seconds:.1f} s {detail_of(turn)}",
                fontsize=LABEL_SIZE - 1,
                va="center",
                parse_math=False,
            )
            text.set_clip_path(bar.patches[0])
    axis.set(xlim=(0, seconds), yticks=[], ylim=(0.5 - len(draft.rows), 0.5))
    axis.set_xlabel("seconds", fontsize=LABEL_SIZE)
    axis.tick_params(labelsize=LABEL_SIZE - 1)
    axis.spines[["top", "right", "left"]].set_visible(False)
    title = f"{draft.n_turns} turns, {draft.seconds:.1f} s"
    axis.set_title(title, fontsize=LABEL_SIZE, loc="left")
    return Picture(figure, title)
