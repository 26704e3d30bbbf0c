"""Still pictures for notebooks and reports: sounds, spectrograms, losses, a corpus at a glance.

Every function returns a :class:`Picture`, which a notebook shows, a file keeps and a report
embeds. Nothing goes through pyplot, so nothing stays open. Amplitudes are drawn at fixed gain.
Main names: :func:`waveform`, :func:`spectrograms`, :func:`loss_curves`, :func:`corpus_overview`,
:func:`activity`, :func:`decisions`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from ..arguments import Count, PathArg, Whole, checked
from ..audio.report import in_minutes
from ..checkpoint.run import Run
from ..corpus.store import Corpus
from ..errors import ParameterError
from ..recipes.activity import Activity
from ..training.advice import advise_run
from .files import write_new
from .player.marks import as_points, as_segments, prompt_entries
from .player.sound import open_sound
from .player.still import LABEL_SIZE, describe, draw_sound, draw_spectrogram, png

if TYPE_CHECKING:
    import pandas

WIDTH = 10  # inches, at 96 dots an inch
LOSS_COLOUR, HELD_OUT_COLOUR = "#0072b2", "#d55e00"
SMOOTHED_ROWS = 25  # rows of metrics from which on the loss is also drawn smoothed
MOST_LETTERS = 130  # in a line above a picture
MOST_NAMED_FILES = 12  # more names would lie on top of each other


@dataclass(frozen=True)
class Picture:
    """A figure that shows itself in a notebook.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
        Independent of pyplot.
    title : str
        What it shows, in words; the text of a report's reader who can't see it.
    """

    figure: Figure
    title: str = ""

    def png(self, dpi: int = 96) -> bytes:
        """The picture as a PNG file."""
        return png(self.figure, dpi)

    @checked
    def save(self, path: PathArg, dpi: Annotated[int, Whole(10, 1000)] = 96) -> Path:
        """Write the picture as PNG; an existing file is never replaced.

        Parameters
        ----------
        path : str or Path
            Where to; its folder is made if it doesn't exist.
        dpi : int > 0, default 96
            Dots an inch; the picture is 10 inches wide.

        Returns
        -------
        Path
            Where it is: the path asked for, or that with the next free number.

        Raises
        ------
        ParameterError
            If it can't be written there.
        """
        return write_new(path, self.png(dpi))

    def _repr_png_(self) -> bytes:
        return self.png()


def waveform(
    audio: np.ndarray | str | Path,
    sr: int | None = None,
    points: Iterable[Any] = (),
    segments: Iterable[Any] = (),
    prompt_end_seconds: float | None = None,
    title: str = "",
    spectrogram: bool = True,
) -> Picture:
    """Draw a sound with its marks, and its spectrogram below.

    Parameters
    ----------
    audio : np.ndarray [shape=(T,) or (C, T)] or path
        Samples in [-1, 1], or a sound file.
    sr : int > 0, optional
        Sample rate of an array, in Hz.
    points : iterable
        Times in seconds, ``(time, label)`` or mappings.
    segments : iterable
        ``(start, stop)`` in seconds, ``(start, stop, label)`` or mappings.
    prompt_end_seconds : float, optional
        Border between a prompt and what was generated after it.
    title : str, default ""
        Written above, with length and level; the file's name without one.
    spectrogram : bool, default True
        Whether to draw it.

    Returns
    -------
    Picture
        Both over the same seconds.

    Raises
    ------
    AudioError
        If the file can't be read.
    ParameterError
        If a mark lies outside the sound, or an array comes without its rate.
    """
    sound = open_sound(audio, sr)
    seconds = sound.duration_seconds
    text = describe(sound, {}, title)
    figure = draw_sound(
        sound,
        as_points(points, seconds),
        as_segments(segments, seconds),
        prompt_entries(prompt_end_seconds, seconds),
        text,
        spectrogram,
    )
    return Picture(figure, text)


def spectrograms(
    sounds: Mapping[str, np.ndarray], sr: int, prompt_end_seconds: float | None = None
) -> Picture:
    """Draw the spectrograms of several sounds, one under the other, on the same scale.

    Parameters
    ----------
    sounds : mapping of str to np.ndarray [shape=(T,) or (C, T)]
        Sounds by title.
    sr : int > 0
        Sample rate of all, in Hz.
    prompt_end_seconds : float, optional
        Where their prompts end; marked by a line.

    Returns
    -------
    Picture
        The same colour is the same level in every row.

    Raises
    ------
    ParameterError
        If there are no sounds.
    """
    if not sounds:
        raise ParameterError("There are no sounds to draw; give at least one.")
    opened = {title: open_sound(y, sr) for title, y in sounds.items()}
    figure = Figure(figsize=(WIDTH, 0.6 + 1.35 * len(opened)), layout="constrained")
    rows = figure.subplots(len(opened), 1, sharex=True, squeeze=False)
    longest = max(sound.duration_seconds for sound in opened.values())
    for (axis,), (title, sound) in zip(rows, opened.items(), strict=True):
        draw_spectrogram(axis, sound)
        axis.tick_params(labelsize=LABEL_SIZE - 1)
        axis.set_title(title, fontsize=LABEL_SIZE, loc="left", parse_math=False)
        axis.set_xlim(0, longest)
        axis.set_facecolor("black")
        if prompt_end_seconds is not None:
            axis.axvline(prompt_end_seconds, color="white", lw=1.2, ls="--")
    rows[-1][0].set_xlabel("seconds", fontsize=LABEL_SIZE)
    return Picture(figure, "spectrograms: " + ", ".join(opened))


def loss_curves(metrics: pandas.DataFrame | Run | Mapping[str, Any], title: str = "") -> Picture:
    """Draw how the loss fell, on what is learned from and on what is held out.

    Parameters
    ----------
    metrics : DataFrame, Run or mapping of str to one of these
        Table with ``step``, ``loss`` and perhaps ``held_out_loss``; several by name are drawn
        side by side.
    title : str, default ""
        Title of a single curve; what the losses say in words if it is a run's.

    Returns
    -------
    Picture
        Rows without a number leave gaps.

    Raises
    ------
    ParameterError
        If there is nothing to draw.
    """
    tables = dict(metrics) if isinstance(metrics, Mapping) else {title: metrics}
    if not tables:
        raise ParameterError("There are no metrics to draw; give the run of a training.")
    figure = Figure(figsize=(WIDTH, 2.8), layout="constrained")
    columns = figure.subplots(1, len(tables), squeeze=False)[0]
    for axis, (name, table) in zip(columns, tables.items(), strict=True):
        _draw_loss(axis, table.metrics if isinstance(table, Run) else table)
        if isinstance(table, Run) and not name:
            name = textwrap.fill(str(advise_run(table)), MOST_LETTERS)
        axis.set_title(name, fontsize=LABEL_SIZE + 1, loc="left", parse_math=False)
    columns[0].set_ylabel("loss", fontsize=LABEL_SIZE)
    return Picture(figure, "loss by step" + "".join(f", {name}" for name in tables if name))


def activity(*activities: Activity) -> Picture:
    """Draw what layers did while they played: their voices, from slow ones below to quick ones.

    Parameters
    ----------
    *activities : Activity
        As ``mnb.hooks.read_activity`` gives them, drawn below each other.

    Returns
    -------
    Picture
        Red where a voice is above its own mean, blue where it is below.
    """
    figure = Figure(figsize=(WIDTH, 0.6 + 2.4 * len(activities)), layout="constrained")
    axes = figure.subplots(len(activities), 1, sharex=True, squeeze=False)[:, 0]
    for axis, drawn in zip(axes, activities, strict=True):
        image = _draw_rows(axis, drawn, drawn.voices(), cmap="RdBu_r", vmin=-3, vmax=3)
        axis.set(ylabel="voices", title=drawn.place, yticks=[])
    axes[-1].set_xlabel("seconds behind the prompt")
    figure.colorbar(image, ax=list(axes), label="deviations from the mean", ticks=[-3, 0, 3])
    return Picture(figure, f"activity of {', '.join(drawn.place for drawn in activities)}")


@checked
def decisions(activity: Activity, n: Count = 32) -> Picture:
    """Draw which classes a network wanted, moment by moment, like notes on a roll.

    Parameters
    ----------
    activity : Activity
        What was recorded of logits.
    n : int > 0, default 32
        How many classes, those that it wanted most often; in the order in which they first came.

    Returns
    -------
    Picture
        The darker, the likelier.
    """
    chosen = activity.values.argmax(0).tolist()
    classes = sorted(activity.largest(n), key=chosen.index)
    likely = np.exp(activity.values - activity.values.max(0))
    likely = (likely / likely.sum(0))[classes]
    figure = Figure(figsize=(WIDTH, 4), layout="constrained")
    axis = figure.subplots()
    image = _draw_rows(axis, activity, likely, cmap="Greys", vmin=0, vmax=1)
    axis.set(xlabel="seconds behind the prompt", ylabel="class", title=activity.place)
    axis.set_yticks(np.arange(len(classes)) + 0.5, map(str, classes), fontsize=LABEL_SIZE)
    figure.colorbar(image, label="probability", ticks=[0, 0.5, 1])
    return Picture(figure, f"probabilities of {len(classes)} classes at {activity.place}")


def _draw_rows(axis: Axes, drawn: Activity, rows: np.ndarray, **colours: Any) -> AxesImage:
    """Rows over the seconds of a record, the first one below."""
    begin = drawn.begin_seconds
    end = begin + rows.shape[1] / drawn.times_per_second
    place = (begin, end, 0, len(rows))
    return axis.imshow(
        rows, aspect="auto", interpolation="nearest", origin="lower", extent=place, **colours
    )


def corpus_overview(corpus: Corpus) -> Picture:
    """Draw a whole corpus: its waveform, where each file lies, and its spectrogram.

    Parameters
    ----------
    corpus : Corpus
        Read once from its beginning to its end.

    Returns
    -------
    Picture
        Files are shaded by turns, and named if they are few.
    """
    sound = open_sound(corpus.signal, corpus.sample_rate)
    is_named = len(corpus.files) <= MOST_NAMED_FILES
    files = [
        {
            "start": file.start / corpus.sample_rate,
            "stop": file.stop / corpus.sample_rate,
            "label": file.name if is_named else "",
            "kind": ("segment", "event")[number % 2],
        }
        for number, file in enumerate(corpus.files)
    ]
    noun = "file" if len(files) == 1 else "files"
    title = f"{corpus.name} · {len(files)} {noun} · {in_minutes(corpus.duration_seconds)} min"
    text = describe(sound, {}, title)
    figure = draw_sound(
        sound, segments=as_segments(files, sound.duration_seconds), title=text, spectrogram=True
    )
    return Picture(figure, text)


def _draw_loss(axis: Axes, table: pandas.DataFrame) -> None:
    missing = {"step", "loss"} - set(table.columns)
    if missing:
        columns = ", ".join(map(str, table.columns)) or "no columns"
        raise ParameterError(
            f"The metrics lack {' and '.join(sorted(missing))}; they have {columns}."
        )
    many = len(table) >= SMOOTHED_ROWS
    style = {"alpha": 0.35} if many else {"marker": "o", "ms": 4}
    axis.plot(table.step, table.loss, color=LOSS_COLOUR, lw=1, **style)
    if many:
        smooth = table.loss.rolling(max(5, len(table) // 20), min_periods=1, center=True).mean()
        axis.plot(table.step, smooth, color=LOSS_COLOUR, lw=1.8, label="training")
    else:
        axis.lines[0].set_label("training")
    if "held_out_loss" in table and table.held_out_loss.notna().any():
        held_out = table[["step", "held_out_loss"]].dropna()
        axis.plot(*held_out.to_numpy().T, "o-", color=HELD_OUT_COLOUR, ms=4, label="held out")
    axis.set_xlabel("step", fontsize=LABEL_SIZE)
    axis.tick_params(labelsize=LABEL_SIZE - 1)
    axis.grid(alpha=0.25)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(fontsize=LABEL_SIZE, frameon=False)
