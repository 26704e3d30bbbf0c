"""Still pictures of a sound with its marks: what a headless run shows and a report embeds.

The picture carries the same marks in the same colours as the player. Main names:
:func:`draw_sound`, :func:`draw_spectrogram`.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from .marks import Mark, colour_of
from .sound import FULL_SCALE, SPECTROGRAM_ROWS, Sound, frequency_ticks

WAVE_COLOUR = "#5b7083"
CLIP_COLOUR = "#cc3311"
COLUMNS = 900
LABEL_SIZE = 8
MOST_FACTS = 6  # named in the title
WIDTH = 10.0  # of a picture, in inches
LABEL_ROWS, ROW_INCHES, CHARACTER_INCHES = 3, 0.13, 0.075


def draw_sound(
    sound: Sound,
    points: Sequence[Mark] = (),
    segments: Sequence[Mark] = (),
    entries: Sequence[Mark] = (),
    title: str = "",
    spectrogram: bool = False,
) -> Figure:
    """Draw a waveform at fixed gain, with its marks and what is known about its places.

    Parameters
    ----------
    sound : Sound
        What to draw.
    points, segments : sequence of dict
        Marks as :func:`~mimikit_nb.widgets.player.marks.as_points` and its sister make them.
    entries : sequence of dict
        Metadata of places, shown in a strip above the waveform.
    title : str, default ""
        Written above; whole-sound facts belong here.
    spectrogram : bool, default False
        Whether to draw a spectrogram below.

    Returns
    -------
    matplotlib.figure.Figure
        Independent of pyplot: nothing stays open.
    """
    n = sound.n_channels
    heights = [0.28] * bool(entries) + [max(0.7, 1.3 / n)] * n + [1.2] * spectrogram
    figure = Figure(figsize=(WIDTH, sum(heights) + 0.75), layout="constrained")
    rows = list(figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False))
    axes = [row[0] for row in rows]
    if entries:
        _draw_entries(axes[0], entries)
    waves = axes[bool(entries) : bool(entries) + n]
    _draw_waves(waves, sound)
    inches = heights[bool(entries)]
    _draw_marks(waves, points, segments, entries, sound.duration_seconds, inches)
    if spectrogram:
        draw_spectrogram(axes[-1], sound)
    axes[-1].set_xlim(0, sound.duration_seconds)
    axes[-1].set_xlabel("seconds", fontsize=LABEL_SIZE)
    for axis in axes:
        axis.tick_params(labelsize=LABEL_SIZE - 1)
    if title:
        figure.suptitle(title, fontsize=LABEL_SIZE + 1, x=0.01, ha="left")
    return figure


def png(figure: Figure, dpi: int = 96) -> bytes:
    """The figure as a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()


def describe(sound: Sound, facts: dict[str, Any], title: str = "") -> str:
    """One line on a sound: name, length, level, and the first facts known about it."""
    peak = sound.peak_dbfs
    level = "silent" if np.isinf(peak) else f"peak {round(peak, 1) + 0.0:.1f} dBFS"
    channels = {1: "mono", 2: "stereo"}.get(sound.n_channels, f"{sound.n_channels} channels")
    parts = [title or sound.name, f"{sound.duration_seconds:.2f} s", f"{sound.sample_rate} Hz"]
    parts += [channels, level] + ["CLIPS"] * bool(sound.clips)
    parts += [f"{name} {value}" for name, value in list(facts.items())[:MOST_FACTS]]
    return " · ".join(part for part in parts if part)


def _draw_waves(axes: Sequence[Axes], sound: Sound) -> None:
    low, high = sound.extremes
    step = max(1, len(low) // COLUMNS)
    starts = np.arange(0, len(low), step)
    lowest = np.minimum.reduceat(low, starts, axis=0) / FULL_SCALE
    highest = np.maximum.reduceat(high, starts, axis=0) / FULL_SCALE
    seconds = starts * (sound.levels[0] / sound.sample_rate)
    for channel, axis in enumerate(axes):
        axis.fill_between(
            seconds, lowest[:, channel], highest[:, channel], color=WAVE_COLOUR, lw=0.5, step="post"
        )
        axis.set_ylim(-1.02, 1.02)
        axis.set_yticks([-1, 0, 1])
    clips = [(start, stop - start) for start, stop in sound.clips]
    axes[0].broken_barh(clips, (0.95, 0.07), color=CLIP_COLOUR, lw=1)


def _draw_marks(
    axes: Sequence[Axes],
    points: Sequence[Mark],
    segments: Sequence[Mark],
    entries: Sequence[Mark],
    seconds: float,
    inches: float,
) -> None:
    for axis in axes:
        for segment in segments:
            colour = colour_of(segment["kind"])
            axis.axvspan(segment["start"], segment["stop"], color=colour, alpha=0.22, lw=1)
        for point in points:
            axis.axvline(point["time"], color=colour_of(point["kind"]), lw=1.2)
        for entry in entries:
            axis.axvline(entry["start"], color=colour_of(entry["kind"]), lw=1, ls=":")
    for row, segment in _in_rows(segments, "start", seconds):
        _label(axes[0], segment["start"], 0.98 - row * ROW_INCHES / inches, segment, "top")
    for row, point in _in_rows(points, "time", seconds):
        _label(axes[-1], point["time"], 0.02 + row * ROW_INCHES / inches, point, "bottom")


def _in_rows(marks: Sequence[Mark], key: str, seconds: float) -> Iterator[tuple[int, Mark]]:
    """Marks with the rows that their labels find room in."""
    ends = [-np.inf] * LABEL_ROWS
    for mark in sorted(marks, key=lambda mark: float(mark[key])):
        free = [row for row, end in enumerate(ends) if end <= mark[key]]
        row = free[0] if free else int(np.argmin(ends))
        ends[row] = mark[key] + (len(mark["label"]) + 1) * CHARACTER_INCHES / WIDTH * seconds
        yield row, mark


def _label(axis: Axes, seconds: float, height: float, mark: Mark, side: str) -> Annotation:
    """A mark's label beside its beginning, as text and never as mathematics."""
    return axis.annotate(
        mark["label"],
        (seconds, height),
        xycoords=("data", "axes fraction"),
        xytext=(2, 0),
        textcoords="offset points",
        va=side,
        fontsize=LABEL_SIZE - 1,
        parse_math=False,
        annotation_clip=True,
    )


def _draw_entries(axis: Axes, entries: Sequence[Mark]) -> None:
    for entry in entries:
        colour = colour_of(entry["kind"])
        block = axis.axvspan(entry["start"], entry["stop"], color=colour, alpha=0.5, lw=0)
        known = [f"{name} {value}" for name, value in list(entry["metadata"].items())[:3]]
        text = " · ".join([entry["label"], *known])
        label = _label(axis, entry["start"], 0.5, entry | {"label": text}, "center")
        label.set_clip_path(block)
        label.set_clip_on(True)
    axis.set_ylim(0, 1)
    axis.set_yticks([])
    axis.spines[:].set_visible(False)
    axis.tick_params(bottom=False)


def draw_spectrogram(axis: Axes, sound: Sound) -> None:
    """Draw the spectrogram of a sound on a logarithmic axis; the same colour is the same level."""
    image = sound.spectrogram(0, sound.duration_seconds, COLUMNS)
    extent = (0, sound.duration_seconds, 0, SPECTROGRAM_ROWS)
    axis.imshow(image, aspect="auto", cmap="magma", vmin=0, vmax=255, extent=extent)
    ticks = frequency_ticks(sound.sample_rate)
    axis.set_yticks([height * SPECTROGRAM_ROWS for _, height in ticks], [text for text, _ in ticks])
