"""The waveform player: hear a sound, see where things are in it, and mark places.

``player(audio, sr)`` shows a waveform with an overview, plays it at its own level, and lets one
drag, make, name and delete points and segments, which Python reads and sets at any time. What is
known about the sound (prompt, temperature, event, checkpoint, seed) stands at the place that it
speaks of. In the browser it is an anywidget over peaks.js, see ``widgets/js``; headless it is a
picture. Main names: :func:`player`, :class:`Player`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import anywidget
import ipywidgets
import traitlets
from IPython.display import Image, display
from matplotlib.figure import Figure

from ...arguments import PathArg, Rate, Samples, Whole, checked
from ...errors import MimikitError, ParameterError
from ...runtime import is_colab, is_headless
from .marks import COLOURS, as_entries, as_points, as_segments, colour_of
from .sound import SPECTROGRAM_ROWS, Sound, frequency_ticks, open_sound
from .still import describe, draw_sound, png

WIDGETS = Path(__file__).parents[1]
BUNDLE = WIDGETS / "static" / "waveform.js"
SYNCED = ("points", "segments", "selection", "time", "playing", "loop")


@checked
def player(
    audio: PathArg | Samples,
    sr: Rate | None = None,
    points: Iterable[Any] = (),
    segments: Iterable[Any] = (),
    metadata: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    *,
    title: str = "",
    spectrogram: bool = False,
    height: Annotated[int, Whole(20, 4000)] = 120,
    kinds: Iterable[str] = (),
    headless: bool | None = None,
) -> Player:
    """Show a sound: play it, see it, mark places in it.

    The gain is fixed: what is silent sounds silent, and what clips is marked.

    Parameters
    ----------
    audio : np.ndarray [shape=(T,) or (C, T)] or path
        Samples in [-1, 1], or a sound file.
    sr : int > 0, optional
        Sample rate of an array, in Hz.
    points : iterable
        Times in seconds, ``(time, label)``, or mappings with ``time`` and perhaps ``label``,
        ``kind``, ``editable``, ``metadata``.
    segments : iterable
        ``(start, stop)`` in seconds, ``(start, stop, label)``, or mappings with ``start``,
        ``stop`` and perhaps ``label``, ``kind``, ``editable``, ``metadata``.
    metadata : mapping or sequence of mappings, optional
        What is known about the sound: one mapping for all of it (``prompt_end_seconds`` draws
        the border between prompt and continuation), or several with ``start`` and ``stop``.
    title : str, default ""
        Shown above the waveform; the file's name without one.
    spectrogram : bool, default False
        Whether the spectrogram is shown from the beginning.
    height : int, default 120
        Height of the waveform, in pixels.
    kinds : iterable of str
        Kinds of marks that may be set later, for their colours.
    headless : bool, optional
        Whether to make a picture instead of a widget; found out if None.

    Returns
    -------
    Player
        ``.points``, ``.segments``, ``.selection`` and ``.time`` can be read, set and observed.

    Raises
    ------
    AudioError
        If the file can't be read.
    ParameterError
        If a mark lies outside the sound, or an array comes without its rate.

    Examples
    --------
    >>> player = mnb.player(made.audio[0], made.sample_rate, headless=True)
    >>> round(player.duration_seconds)
    2
    """
    sound = open_sound(audio, sr)
    facts, entries = as_entries(metadata, sound.duration_seconds)
    return Player(
        sound,
        as_points(points, sound.duration_seconds),
        as_segments(segments, sound.duration_seconds),
        facts,
        entries,
        title=title,
        spectrogram=spectrogram,
        height=height,
        kinds=kinds,
        headless=is_headless() if headless is None else headless,
    )


class Player(traitlets.HasTraits):
    """A sound with its marks, and the view onto it; made by :func:`player`.

    Attributes
    ----------
    points, segments : list of dict
        The marks; what is dragged in the browser is here at once, what is set here is drawn.
    selection : tuple of float, or None
        Start and stop of the selected passage, in seconds.
    time : float
        Place of the playhead, in seconds; setting it seeks.
    playing, loop : bool
        Whether it plays, and whether it does so again and again.
    sound : Sound
        What is played.
    title : str
        Written above it.
    facts : dict
        What is known of it.
    widget : ipywidgets.DOMWidget or IPython.display.Image
        What to show.
    """

    points: traitlets.List[Any] = traitlets.List()
    segments: traitlets.List[Any] = traitlets.List()
    selection: Any = traitlets.Tuple(allow_none=True, default_value=None)
    time = traitlets.Float(0.0)
    playing = traitlets.Bool(False)
    loop = traitlets.Bool(False)

    def __init__(
        self,
        sound: Sound,
        points: list[dict[str, Any]],
        segments: list[dict[str, Any]],
        facts: dict[str, Any],
        entries: list[dict[str, Any]],
        *,
        title: str,
        spectrogram: bool,
        height: int,
        headless: bool,
        kinds: Iterable[str] = (),
    ) -> None:
        self.sound = sound
        self.facts, self.entries = facts, entries
        self.title, self.has_spectrogram = title, spectrogram
        super().__init__(points=points, segments=segments)
        self._view = None if headless else _make_view(self, height, kinds)

    def give_history(self, undo: Callable[[], None], redo: Callable[[], None]) -> None:
        """Leave undoing to a view that edits these segments: its history is the only one.

        Segments are then parts of the sound that never overlap, and points can't be made.
        """
        if self._view is not None:
            self._view.does = {"undo": undo, "redo": redo}
            self.show_history(False, False)

    def show_history(self, can_undo: bool, can_redo: bool) -> None:
        """Enable Undo and Redo as the history allows that :meth:`give_history` named."""
        if self._view is not None:
            self._view.history = {"undo": can_undo, "redo": can_redo}

    @property
    def widget(self) -> ipywidgets.DOMWidget | Image:
        """The interactive view, or the picture in a headless run."""
        return self._view if self._view is not None else Image(data=self.picture(), format="png")

    @property
    def value(self) -> dict[str, Any]:
        """All marks and the selection, as plain data."""
        return {"points": self.points, "segments": self.segments, "selection": self.selection}

    @property
    def duration_seconds(self) -> float:
        """Length of the sound, in seconds."""
        return self.sound.duration_seconds

    def play(self, start: float | None = None, stop: float | None = None) -> None:
        """Play from ``start`` (in seconds; by default where the playhead is) up to ``stop``."""
        if self._view is not None:
            self._view.play({"type": "play", "start": start, "stop": stop})

    def pause(self) -> None:
        """Stop playing; the playhead stays where it is."""
        self.playing = False

    def figure(self) -> Figure:
        """Matplotlib figure with the same marks."""
        title = describe(self.sound, self.facts, self.title)
        return draw_sound(
            self.sound, self.points, self.segments, self.entries, title, self.has_spectrogram
        )

    def picture(self) -> bytes:
        """The same as a PNG file."""
        return png(self.figure())

    def _ipython_display_(self) -> None:
        display(self.widget)

    @traitlets.validate("points")
    def _check_points(self, proposal: Any) -> list[dict[str, Any]]:
        return as_points(proposal["value"], self.sound.duration_seconds)

    @traitlets.validate("segments")
    def _check_segments(self, proposal: Any) -> list[dict[str, Any]]:
        return as_segments(proposal["value"], self.sound.duration_seconds)

    @traitlets.validate("selection")
    def _check_selection(self, proposal: Any) -> tuple[float, float] | None:
        if not proposal["value"]:
            return None
        if len(proposal["value"]) != 2:
            raise ParameterError(f"A selection is (start, stop), not {proposal['value']!r}.")
        (segment,) = as_segments([proposal["value"]], self.sound.duration_seconds)
        return segment["start"], segment["stop"]

    @traitlets.validate("time")
    def _check_time(self, proposal: Any) -> float:
        return min(max(float(proposal["value"]), 0.0), self.sound.duration_seconds)


def _make_view(owner: Player, height: int, more_kinds: Iterable[str]) -> WaveformView:
    """Interactive view of a player, its traits linked to the player's."""
    sound = owner.sound
    kinds = {m["kind"] for m in [*owner.points, *owner.segments, *owner.entries]}
    kinds |= {*COLOURS, *more_kinds}
    view = WaveformView(
        sound,
        _info={
            "title": owner.title or sound.name,
            "about": describe(sound, {}, owner.title),
            "duration": sound.duration_seconds,
            "sample_rate": sound.sample_rate,
            "channels": sound.n_channels,
            "samples": sound.n_samples,
            "levels": sound.levels,
            "clips": sound.clips,
            "facts": owner.facts,
            "entries": owner.entries,
            "colours": {kind: colour_of(kind) for kind in sorted(kinds)},
            "spectrogram": owner.has_spectrogram,
            "height": height,
            "url": server_url(sound.path) if sound.path else "",
            "bundle": _bundle()[0],
        },
    )
    for name in SYNCED:
        traitlets.link((owner, name), (view, name), **_transforms(name))
    return view


def _transforms(name: str) -> dict[str, Any]:
    """How a trait's value travels: JSON has lists for tuples."""
    if name != "selection":
        return {}
    return {"transform": (lambda s: list(s) if s else None, lambda s: tuple(s) if s else None)}


class WaveformView(anywidget.AnyWidget):
    """The browser's half of a player: synced marks, and answers to what the browser asks for.

    Neither the bundle nor peaks nor sound are synced traits, so that none of them ends up in a
    saved notebook: the loader asks for each by a message when it needs it.
    """

    _esm = (WIDGETS / "js" / "src" / "loader.js").read_text(encoding="utf-8")
    _info = traitlets.Dict().tag(sync=True)
    points: traitlets.List[Any] = traitlets.List().tag(sync=True)
    segments: traitlets.List[Any] = traitlets.List().tag(sync=True)
    selection: Any = traitlets.List(allow_none=True, default_value=None).tag(sync=True)
    time = traitlets.Float(0.0).tag(sync=True)
    playing = traitlets.Bool(False).tag(sync=True)
    loop = traitlets.Bool(False).tag(sync=True)
    range: traitlets.List[Any] = traitlets.List().tag(sync=True)
    "Start and stop of the passage that is shown, in seconds, for views that follow the zoom."
    history: traitlets.Dict[str, bool] = traitlets.Dict().tag(sync=True)
    "What the history of the view around it allows; empty: the player has one of its own."

    def __init__(self, sound: Sound, **traits: Any) -> None:
        super().__init__(**traits)
        self._sound = sound
        self._answers: dict[str, Callable[..., tuple[dict[str, Any], list[bytes]]]] = {
            "bundle": lambda: ({}, [_bundle()[1]]),
            "waveform": self._answer_waveform,
            "meter": self._answer_meter,
            "spectrogram": self._answer_spectrogram,
            "audio": self._answer_audio,
        }
        self.does: dict[str, Callable[[], None]] = {}
        self._is_asked = False
        self._to_play: dict[str, Any] | None = None
        self.on_msg(self._on_ask)

    def play(self, message: dict[str, Any]) -> None:
        """Have the browser play; a view that wasn't there yet is told again when it is."""
        self.send(message)
        if not self._is_asked:
            self._to_play = message

    def _on_ask(self, _: Any, message: dict[str, Any], __: Any) -> None:
        """Answer a question of the browser, an error in words; or do what it was told to do."""
        if message.get("do") in self.does:
            self.does[message["do"]]()
        answer = self._answers.get(message.get("ask", ""))
        if answer is None:
            return
        try:
            content, buffers = answer(**message.get("with", {}))
        except (MimikitError, OSError, ValueError) as error:
            content, buffers = {"error": str(error)}, []
        self.send({"type": "answer", "id": message["id"], **content}, buffers)
        if message["ask"] == "waveform":  # only a view that listens asks for it
            self._is_asked = True
            if self._to_play is not None:
                self.send(self._to_play)
                self._to_play = None

    def _answer_waveform(self, samples_per_bin: int) -> tuple[dict[str, Any], list[bytes]]:
        return {}, [self._sound.waveform_data(samples_per_bin)]

    def _answer_meter(self) -> tuple[dict[str, Any], list[bytes]]:
        data, step = self._sound.meter()
        return {"step": step}, [data]

    def _answer_spectrogram(
        self, start: float, stop: float, columns: int
    ) -> tuple[dict[str, Any], list[bytes]]:
        image = self._sound.spectrogram(start, stop, columns)
        ticks = frequency_ticks(self._sound.sample_rate)
        return {"rows": SPECTROGRAM_ROWS, "ticks": ticks}, [image.tobytes()]

    def _answer_audio(self, as_is: bool = True) -> tuple[dict[str, Any], list[bytes]]:
        data, mime = self._sound.encode(as_is)
        return {"mime": mime}, [data]


@lru_cache(maxsize=1)
def _bundle() -> tuple[str, bytes]:
    """Digest and text of the player's JavaScript, built with the package."""
    if not BUNDLE.exists():
        raise ParameterError(
            f"The player's JavaScript {BUNDLE.name} has not been built; install the package "
            "with pip (`pip install -e .` in a working copy), which builds it."
        )
    text = BUNDLE.read_bytes()
    return hashlib.sha256(text).hexdigest()[:16], text


def server_url(path: Path) -> str:
    """Address of a file on the Jupyter server that started this kernel; empty if it has none.

    The server's record in Jupyter's runtime folder says which folder it serves, and under which
    base URL. Hidden files and folders are not served, and in Colab nothing is.
    """
    server = {} if is_colab() else _server_record()
    try:
        relative = path.resolve().relative_to(Path(server["root_dir"]).resolve())
    except (KeyError, ValueError):
        return ""
    if any(part.startswith(".") for part in relative.parts):
        return ""
    return f"{server.get('base_url', '/')}files/{quote(relative.as_posix())}"


def _server_record() -> dict[str, Any]:
    """What the Jupyter server that is this process's parent says about itself."""
    from jupyter_core.paths import jupyter_runtime_dir

    record = Path(jupyter_runtime_dir()) / f"jpserver-{os.getppid()}.json"
    try:
        found = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
