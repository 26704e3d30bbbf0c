"""Several continuations that sound together and are steered while they do.

Blocks are made one after the other, a moment before they are heard; whatever is set applies from
the next block on. Main names: :class:`LivePlay`, :class:`LiveSettings`.

What the controls mean:

- **re-prompt**: every voice takes what it has just played as its prompt, and goes on from there.
  The network forgets all that lies further back: a voice that is stuck may come free, and one that
  has wandered off begins from where it is now.
- **freeze**: the last moment goes round and round while the networks stand still; released, they go
  on with exactly the sound that would have come next. Short moments become tones.
- **seed**: from here on other random numbers are drawn. With "from the prompts" the same seed
  plays the same again, as long as nothing else is touched.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..config import field
from ..errors import ParameterError
from ..units import seconds_to_samples
from .controls import RecordedSettings
from .sound import Beginning, SoundStream

BLOCK_SECONDS = 0.05
FADE_SECONDS = 0.02  # from one sound to another
KEPT_SECONDS = 60.0  # that can be kept afterwards
MOST_FROZEN_SECONDS = 4.0
MOST_CHANGES = 2000  # that are remembered, the last ones


class LiveSettings(RecordedSettings):
    """What steers all voices while they sound."""

    temperature: float = field(1.0, ge=0, le=2)
    "Spread of the draws: 0 is always the likeliest, 1 as learned, above it gets wilder."
    top_p: float = field(1.0, gt=0, le=1)
    "Draw only among the likeliest values that together have this probability."
    gain_db: float = field(0.0, ge=-40, le=12, unit="dB")
    "Loudness of all voices together, also of what is kept."
    freeze_seconds: float = field(0.5, ge=0.05, le=MOST_FROZEN_SECONDS, unit="s", scale="log")
    "How much goes round while frozen."
    seed: int = field(0, ge=0)
    "Another seed draws other random numbers from now on."


@dataclass
class Voice:
    """One continuation among others.

    Attributes
    ----------
    name : str
        Where its prompt comes from, in words.
    level : float
        Amplitude among the others, 0 to 2.
    is_muted : bool
        Whether it is left out, going on unheard.
    """

    name: str
    level: float = 1.0
    is_muted: bool = False

    @property
    def gain(self) -> float:
        """Amplitude that is heard."""
        return 0.0 if self.is_muted else self.level


MakeStream = Callable[..., SoundStream]


class LivePlay(Iterator[np.ndarray]):
    """Voices that sound together; iterating gives blocks ``[C, samples]`` of their mix.

    All of it may be set from other threads than the one that iterates.

    Parameters
    ----------
    make_stream : callable
        Makes the voices' stream of its temperature and top-p, and of ``recorded`` and ``follow``
        by name: functions of the seconds.
    settings : LiveSettings
    names : sequence of str, optional
        What the voices are called.

    Attributes
    ----------
    settings : LiveSettings
        May be replaced at any time.
    voices : list of Voice
        Their levels may be set at any time.
    is_frozen : bool
        May be set at any time.
    n_samples : int
        Samples made so far.
    sample_rate, n_channels : int
    """

    def __init__(
        self, make_stream: MakeStream, settings: LiveSettings, names: Sequence[str] = ()
    ) -> None:
        self.settings, self.is_frozen = settings, False
        stream = make_stream(
            lambda _: self.settings.temperature,
            lambda _: self.settings.top_p,
            recorded=lambda _: self.settings.recorded,
            follow=lambda _: self.settings.follow,
        )
        self.settings = settings.with_own(stream.own_controls)
        n, self.n_channels = stream.shape
        self.sample_rate, self.recall = stream.sample_rate, stream.recall
        self.voices = [Voice(name) for name in (names or [f"voice {i + 1}" for i in range(n)])]
        self.n_samples, self._seed = 0, settings.seed
        self._first = stream.prompts
        self._going = _Going(stream)
        self._loop: _Loop | None = None
        self._fade = seconds_to_samples(FADE_SECONDS, self.sample_rate)
        self._block = seconds_to_samples(BLOCK_SECONDS, self.sample_rate)
        longest = max(stream.prompts.shape[-1], self._samples(MOST_FROZEN_SECONDS) + self._fade)
        self._played = Tail((n, self.n_channels), longest)
        self._played.append(stream.prompts)
        self._mixed = Tail((self.n_channels,), self._samples(KEPT_SECONDS))
        self._gains = self._wanted_gains()
        self._ready: Beginning | None = None
        self._lock = threading.Lock()
        self._told: dict[str, Any] = {}
        self._changes: deque[dict[str, Any]] = deque(maxlen=MOST_CHANGES)

    def __next__(self) -> np.ndarray:
        self._note()
        if self.settings.seed != self._seed:
            self._seed = self.settings.seed
            self._going.stream.reseed([self._seed + i for i in range(len(self.voices))])
        voices = self._voices_block()
        mix = self._mixed_down(voices)
        with self._lock:
            self._played.append(voices)
            self._mixed.append(mix)
            self.n_samples += mix.shape[-1]
        return mix

    # -- what is asked for -------------------------------------------------------------------------

    def reprompt(self) -> None:
        """Let each voice take what it has just played as its prompt; acts when that is read."""
        with self._lock:
            heard = self._played.last(self._first.shape[-1])
        self._begin_behind(heard, "re-prompt")

    def from_prompts(self) -> None:
        """Let each voice begin again behind its first prompt; acts when that is read."""
        self._begin_behind(self._first, "from the prompts")

    def kept(self, seconds: float, n_unheard: int = 0) -> tuple[np.ndarray, dict[str, Any]]:
        """The last seconds of the mix, and what it takes to make them again.

        Parameters
        ----------
        seconds : float > 0
            At most 60; less is given where there isn't as much yet.
        n_unheard : int, default 0
            Samples at the end that were made but not heard yet, and are left out.

        Returns
        -------
        audio : np.ndarray [shape=(C, samples)]
        recall : dict

        Raises
        ------
        ParameterError
            If nothing was heard yet.
        """
        if not 0 < seconds <= KEPT_SECONDS:
            raise ParameterError(
                f"seconds is {seconds}; the last {KEPT_SECONDS:g} s are there to be kept."
            )
        with self._lock:
            end = self.n_samples
            audio = self._mixed.last(self._samples(seconds) + n_unheard)
            changes = list(self._changes)
        audio = audio[:, : max(0, audio.shape[1] - n_unheard)]
        if not audio.shape[1]:
            raise ParameterError("Nothing was heard yet; press Play first.")
        last = end - n_unheard
        common = ("checkpoint", "network", "io", "corpus_hash", "rights")
        own = ("prompt", "seed", "prompt_end_seconds", "fixtures")
        recall = {
            "kind": "live",
            **{name: self.recall[0][name] for name in common if name in self.recall[0]},
            "voices": [{k: r[k] for k in own if k in r} for r in self.recall],
            "from_sample": last - audio.shape[1],
            "to_sample": last,
            "changes": [change for change in changes if change["sample"] < last],
        }
        return audio, recall

    # -- making a block ----------------------------------------------------------------------------

    def _voices_block(self) -> np.ndarray:
        """The next block of all voices ``[n, C, samples]``, crossfaded where the sound changes."""
        going, loop = self._going, self._loop
        wanted = self._samples(self.settings.freeze_seconds)
        if self.is_frozen and (loop is None or loop.length != wanted):
            before = going.peek(self._fade) if loop is None else loop.read(self._fade)
            held = self._played.last(self._samples(MOST_FROZEN_SECONDS) + self._fade)
            self._loop = _Loop(held if loop is None else loop.held, wanted, self._fade)
            return _crossfaded(before, self._loop.read(self._block))
        if self.is_frozen and loop is not None:
            return loop.read(self._block)
        if loop is not None:
            self._loop = None
            return _crossfaded(loop.read(self._fade), going.read(self._block))
        beginning, self._ready = self._ready, None
        if beginning is None:
            return going.read(self._block)
        before = going.read(self._fade)
        going.restart(beginning)
        return _crossfaded(before, going.read(self._block))

    def _mixed_down(self, voices: np.ndarray) -> np.ndarray:
        """Voices ``[n, C, samples]`` at their levels, which move without a step."""
        before, self._gains = self._gains, self._wanted_gains()
        ramp = np.linspace(0, 1, voices.shape[-1], dtype=np.float32)
        gains = before[:, None] * (1 - ramp) + self._gains[:, None] * ramp
        return np.einsum("ncs,ns->cs", voices, gains.astype(np.float32))

    def _wanted_gains(self) -> np.ndarray:
        gain = 10 ** (self.settings.gain_db / 20)
        return np.array([gain * voice.gain for voice in self.voices], np.float32)

    def _begin_behind(self, heard: np.ndarray, what: str) -> None:
        self._ready = self._going.stream.read(heard)
        self._changes.append({"sample": self.n_samples, "did": what})

    def _note(self) -> None:
        """Remember what was set differently since the last block."""
        settings = {k: v for k, v in self.settings.to_dict().items() if v is not None}
        now: dict[str, Any] = {**settings, "is_frozen": self.is_frozen}
        now |= {f"level_{i + 1}": voice.gain for i, voice in enumerate(self.voices)}
        changed = {k: v for k, v in now.items() if self._told.get(k) != v}
        if changed:
            self._changes.append({"sample": self.n_samples, **changed})
            self._told = now

    def _samples(self, seconds: float) -> int:
        return seconds_to_samples(seconds, self.sample_rate)


class Tail:
    """The last samples of a sound that goes on, in a ring of fixed size.

    Parameters
    ----------
    shape : tuple of int
        Of the sound, without its samples.
    n_samples : int
        How many are remembered.
    """

    def __init__(self, shape: tuple[int, ...], n_samples: int) -> None:
        self._ring = np.zeros((*shape, n_samples), np.float32)
        self._end = self._filled = 0

    def append(self, y: np.ndarray) -> None:
        """Add samples ``[..., n]``."""
        size = self._ring.shape[-1]
        y = y[..., -size:]
        places = (self._end + np.arange(y.shape[-1])) % size
        self._ring[..., places] = y
        self._end = (self._end + y.shape[-1]) % size
        self._filled = min(size, self._filled + y.shape[-1])

    def last(self, n: int) -> np.ndarray:
        """The last ``n`` samples; fewer where there are none."""
        n = min(n, self._filled)
        return self._ring[..., (self._end - n + np.arange(n)) % self._ring.shape[-1]]


class _Going:
    """A stream that can be looked ahead into."""

    def __init__(self, stream: SoundStream) -> None:
        self.stream = stream
        self._waiting = np.zeros((*stream.shape, 0), np.float32)

    def read(self, n: int) -> np.ndarray:
        missing = n - self._waiting.shape[-1]
        if missing > 0:
            self._waiting = np.concatenate([self._waiting, self.stream.take(missing)], -1)
        taken, self._waiting = self._waiting[..., :n], self._waiting[..., n:]
        return taken

    def peek(self, n: int) -> np.ndarray:
        seen = self.read(n)
        self._waiting = np.concatenate([seen, self._waiting], -1)
        return seen

    def restart(self, beginning: Beginning) -> None:
        self._waiting = self._waiting[..., :0]
        self.stream.restart(beginning)


class _Loop:
    """The end of a held sound ``[n, C, samples]``, round and round without a seam."""

    def __init__(self, held: np.ndarray, length: int, fade: int) -> None:
        self.held, self.length, self._place = held, length, 0
        length = min(length, held.shape[-1] - fade)
        body = held[..., -length:].copy()
        body[..., -fade:] = _crossfaded(body[..., -fade:], held[..., -length - fade : -length])
        self._body = body

    def read(self, n: int) -> np.ndarray:
        length = self._body.shape[-1]
        found = self._body[..., (self._place + np.arange(n)) % length]
        self._place = (self._place + n) % length
        return found


def _crossfaded(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """``new``, its beginning faded in while ``old [..., n]`` fades out."""
    n = old.shape[-1]
    ramp = np.linspace(0, 1, n + 2, dtype=np.float32)[1:-1]
    return np.concatenate([old * (1 - ramp) + new[..., :n] * ramp, new[..., n:]], -1)
