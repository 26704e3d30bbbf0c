"""Sound that is heard while it is made: blocks from Python, played by the browser at once.

::

    sound = LiveSound(lambda: stream, stream.sample_rate, n_channels=1)
    sound           # Play, Stop, volume, level, and how much waits to be heard

Blocks are made a fraction of a second before they are heard, so that what steers them acts at
once, and no faster, so that memory stays flat. They are made in a thread; where threads don't
reach the page (Colab), whenever the browser says that it wants more. Sound that is made more
slowly than it is played begins when enough waits, and it is said how fast it is made. Main name:
:class:`LiveSound`.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from ...errors import ParameterError
from ...runtime import is_colab
from ..cells import watch_cells
from ..words import in_plain_words
from .play_clock import PlayClock

HERE = Path(__file__).parent
AHEAD_SECONDS = 0.28  # that wait to be heard: enough for a busy page, and controls act soon
MOST_AHEAD_SECONDS = 0.35  # after gaps
SLOW_AHEAD_SECONDS = 5.0  # where sound is made more slowly than it is played
FAST_ENOUGH = 1.1  # times real time, to play on and on
FAST_AGAIN = 1.5  # times real time, to trust it again
MOST_BYTES_PER_SECOND = 900_000  # Jupyter's server drops messages above 1 MB/s
GONE_SECONDS = 20.0  # without a report from the page
GONE = f"The page has been silent for {GONE_SECONDS:g} s; press Play to go on."
TICK_SECONDS = 0.015
REPORT_SECONDS = 1.0
REQUEST_SECONDS = 0.06  # between the reports that blocks are made on
MOST_AT_ONCE_SECONDS = 0.25  # that answering a report may take
MEMORY_SECONDS = 2.0  # of making that the speed is measured by
EVIDENCE_SECONDS = 0.3  # of making, before it is called slow
ON_DEMAND = "Made on the browser's demand: while a cell runs, there is silence."

Blocks = Iterable[np.ndarray]


def _code() -> str:
    ring = (HERE / "live_ring.js").read_text(encoding="utf-8")
    return f"const RING = {json.dumps(ring)};\n{(HERE / 'live_sound.js').read_text('utf-8')}"


class LiveSound(anywidget.AnyWidget):
    """Plays blocks while they are made.

    Parameters
    ----------
    blocks : callable
        Gives an iterable of blocks ``[C, n]`` (or ``[n]`` for one channel), float, full scale
        at 1, each time Play is pressed. Give the same iterator again to go on where it was.
    sample_rate : int > 0
        In Hz.
    n_channels : int, default 1
        Channels of the blocks; 1 or 2 are heard as such, more as the browser mixes them.
    title : str, default "Live sound"
        Name for screen readers.
    foreground : bool, optional
        Whether blocks are made on the browser's demand instead of in a thread; in Colab if None.
    on_change : callable, optional
        Called when there is something new: another state, or a report of the browser.

    Attributes
    ----------
    state : str
        "stopped", "buffering", "playing", "ended" or "failed"; can be observed.
    volume : float
        How loud it is in the browser, from 0 to 1; blocks stay as they are.
    underruns : int
        How often there was nothing to play since Play was pressed.
    factor : float
        Seconds of sound made in a second; NaN before it is measured.
    message : str
        What the view says beside the state.

    Raises
    ------
    ParameterError
        If the rate times the channels is more than a notebook's server passes on.
    """

    _esm = _code()
    sample_rate = traitlets.Int().tag(sync=True)
    n_channels = traitlets.Int(1).tag(sync=True)
    report_seconds = traitlets.Float(REPORT_SECONDS).tag(sync=True)
    volume = traitlets.Float(1.0, min=0.0, max=1.0).tag(sync=True)
    title = traitlets.Unicode("Live sound").tag(sync=True)
    message = traitlets.Unicode("").tag(sync=True)
    state = traitlets.Unicode("stopped")

    def __init__(
        self,
        blocks: Callable[[], Blocks],
        sample_rate: int,
        n_channels: int = 1,
        *,
        title: str = "Live sound",
        foreground: bool | None = None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        if 4 * sample_rate * n_channels > MOST_BYTES_PER_SECOND:
            raise ParameterError(
                f"{n_channels} channels at {sample_rate} Hz are more than a notebook passes on "
                f"while they sound ({MOST_BYTES_PER_SECOND:,} bytes a second); mix them to fewer."
            )
        self._is_pulled = is_colab() if foreground is None else foreground
        interval = REQUEST_SECONDS if self._is_pulled else REPORT_SECONDS
        super().__init__(
            sample_rate=sample_rate, n_channels=n_channels, title=title, report_seconds=interval
        )
        self._make_blocks, self._clock = blocks, PlayClock(sample_rate)
        self._lock, self._making = threading.RLock(), threading.Lock()
        self._cells = watch_cells()
        self._blocks: Iterator[np.ndarray] = iter(())
        self._run = self._pushed = self.underruns = 0
        self._made_seconds = self._spent_seconds = 0.0
        self._ahead, self._heard_of = AHEAD_SECONDS, 0.0
        self.error: BaseException | None = None
        self._on_change = on_change
        self.observe(lambda _: on_change(), "state")
        self.on_msg(self._on_message)

    # -- what a hand or another cell does ----------------------------------------------------------

    def play(self, press: int = 0) -> None:
        """Begin to make blocks and to play them; the browser may want a hand on Play first."""
        with self._lock:
            self._run += 1
            self._begin()
            self._show("buffering")
            self.send(self._order("begin", press=press, threshold=self._samples(self._ahead)))
            if not self._is_pulled:
                target, arguments = self._keep_making, (self._run,)
                threading.Thread(target=target, args=arguments, daemon=True, name="live").start()

    def stop(self) -> None:
        """Be silent at once; blocks that nobody has heard yet are dropped."""
        with self._lock:
            if self.is_on:
                self._end("stopped")

    @property
    def is_on(self) -> bool:
        """Whether blocks are made and played."""
        return self.state in ("buffering", "playing")

    @property
    def is_foreground(self) -> bool:
        """Whether blocks are made on the browser's demand."""
        return self._is_pulled

    @property
    def buffered_seconds(self) -> float:
        """Sound that was made and not heard yet, in seconds."""
        played = self._clock.played(time.monotonic(), self._pushed)
        return (self._pushed - played) / self.sample_rate

    @property
    def factor(self) -> float:
        """Seconds of sound made in a second; NaN before it is measured."""
        return self._made_seconds / self._spent_seconds if self._spent_seconds else math.nan

    # -- making ------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._clock.begin()
        self._pushed = self.underruns = 0
        self._made_seconds = self._spent_seconds = 0.0
        self._ahead, self._heard_of = AHEAD_SECONDS, time.monotonic()
        self.error, self.message = None, ON_DEMAND if self._is_pulled else ""
        self._blocks = iter(())
        self._is_new = True

    def _keep_making(self, run: int) -> None:
        """The thread: a block whenever one is wanted, until the run is over."""
        while self._is_at(run):
            if self.buffered_seconds < self._ahead:
                self._make(run)
            else:
                time.sleep(TICK_SECONDS)
            now = time.monotonic()  # and while a cell runs, reports may have to wait for its end
            if now - max(self._heard_of, self._cells.idle_since) > GONE_SECONDS:
                self._fail(run, GONE, "stopped")

    def _answer(self, run: int) -> None:
        """On a report: the blocks that are wanted, within a moment."""
        end = time.monotonic() + MOST_AT_ONCE_SECONDS
        while self._is_at(run) and self.buffered_seconds < self._ahead and time.monotonic() < end:
            self._make(run)

    def _make(self, run: int) -> None:
        """Make a block and send it."""
        with self._making:  # a thread that was stopped may still be at its last one
            if not self._is_at(run):
                return
            try:
                if self._is_new:
                    self._blocks, self._is_new = iter(self._make_blocks()), False
                began = time.monotonic()
                block = next(self._blocks, None)
                spent = time.monotonic() - began
                if block is not None:
                    block = self._checked(block)
            except Exception as error:
                self.error = error
                self._fail(run, in_plain_words(error))
                return
        with self._lock:
            if not self._is_at(run):
                return
            if block is None:
                self._blocks = iter(())
                self._ahead = 0.0  # nothing more is wanted
                self.send(self._order("finish"))
                return
            self._measure(block.shape[1] / self.sample_rate, spent)
            self._pushed += block.shape[1]
            self.send(self._order("block"), [block.tobytes()])

    def _checked(self, block: np.ndarray) -> np.ndarray:
        y = np.atleast_2d(np.asarray(block, np.float32))
        if y.ndim != 2 or y.shape[0] != self.n_channels:
            raise ParameterError(
                f"A block has the shape {np.shape(block)}; it must be ({self.n_channels}, samples)."
            )
        return np.nan_to_num(y, posinf=1.0, neginf=-1.0)

    def _measure(self, made: float, spent: float) -> None:
        """Take a block into the speed; what is slow from the beginning waits for more."""
        if self._pushed == 0:
            return  # the first one warms up
        keep = MEMORY_SECONDS / max(MEMORY_SECONDS, self._spent_seconds + spent)
        self._made_seconds = self._made_seconds * keep + made
        self._spent_seconds = self._spent_seconds * keep + spent
        if self._ahead == SLOW_AHEAD_SECONDS:
            if self.factor > FAST_AGAIN:
                self._wait_for(AHEAD_SECONDS)
        elif self.state == "buffering" and self._spent_seconds > EVIDENCE_SECONDS:
            self._recover()

    def _wait_for(self, seconds: float) -> None:
        """Let more sound wait before it is heard."""
        self._ahead = seconds
        self.send(self._order("threshold", threshold=self._samples(seconds)))
        self.message = ON_DEMAND if self._is_pulled else ""
        if seconds == SLOW_AHEAD_SECONDS:
            self.message = (
                f"Slower than real time here: {self.factor:.2f} s of sound a second. It plays when "
                f"{seconds:g} s wait, with gaps between, and controls act that much later."
            )

    # -- what the browser says ---------------------------------------------------------------------

    def _on_message(self, _: Any, message: dict[str, Any], __: Any) -> None:
        kind = message.get("type")
        if kind == "play":
            self.play(int(message.get("press", 0)))
        elif kind == "stop" and message.get("run") in (None, self._run):  # not of one before
            self.stop()
        elif kind == "report":
            self._on_report(message)

    def _on_report(self, report: dict[str, Any]) -> None:
        run = report["run"]
        with self._lock:
            if not self._is_at(run):
                return
            self._heard_of = time.monotonic()
            sounds = bool(report["sounding"])
            self._clock.report(report["played"], report["starts"], sounds, self._heard_of)
            if report["done"]:
                self._show("ended")
                return
            if report["underruns"] > self.underruns:
                self.underruns = report["underruns"]
                self._recover()
            self._show("playing" if sounds else "buffering")
        self._on_change()
        if self._is_pulled:
            self._answer(run)

    def _recover(self) -> None:
        """After a gap, or the threat of one: let more wait."""
        if self._ahead == 0:
            return
        if self.factor < FAST_ENOUGH:
            self._wait_for(SLOW_AHEAD_SECONDS)
        elif self._ahead < MOST_AHEAD_SECONDS:
            self._wait_for(min(MOST_AHEAD_SECONDS, self._ahead + 0.05))

    # -- the state ---------------------------------------------------------------------------------

    def _is_at(self, run: int) -> bool:
        return run == self._run and self.is_on

    def _show(self, state: str) -> None:
        self.state = state

    def _end(self, state: str) -> None:
        self.send({"type": "stop"})
        self._show(state)

    def _fail(self, run: int, message: str, state: str = "failed") -> None:
        with self._lock:
            if self._is_at(run):
                self.message = message
                self._end(state)

    def _order(self, kind: str, **more: Any) -> dict[str, Any]:
        return {"type": kind, "run": self._run, **more}

    def _samples(self, seconds: float) -> int:
        return round(seconds * self.sample_rate)
