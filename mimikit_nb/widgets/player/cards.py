"""Listen to sounds in a notebook or a report: one card each, at the sound's own level.

A card holds a short compressed preview that any browser plays, a still picture, and in words
what the meters and the detectors say. Nothing is ever normalised: a silent sound plays silent
and is called silent. Files on disk stay the record; what is embedded is small. Main name:
:func:`listen`.
"""

from __future__ import annotations

import base64
import contextlib
import html
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from ...arguments import Position, Rate, checked
from ...audio.meters import Levels, measure
from ...audio.names import readable
from ...audio.recall import read_recall
from ...config import shown
from ...corpus.store import Corpus
from ...errors import AudioError, ParameterError
from ...evaluation.detectors import REMEDIES, CorpusProfile, detect
from ...generation.ensemble.piece import Ensemble
from ...generation.output import Generated
from ...recipes.judging import corpus_profile
from .marks import prompt_entries
from .sound import open_sound
from .still import draw_sound, png

MOST_BYTES = 300_000  # of one embedded preview: about 45 s of mono at 22050 Hz
MOST_BYTES_TOGETHER = 1_500_000  # of all previews of one call
MOST_SECONDS = 120.0  # of a sound that are read, measured and judged
MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
PICTURE_DPI = 80
NOTHING = "No sounds yet."

STYLE = """<style>
.mnb-sound {margin: 0 0 1.2em; max-width: 820px; font-size: 14px; line-height: 1.5}
.mnb-sound img {display: block; width: 100%; margin: .2em 0; background: white}
.mnb-sound audio {display: block; width: 100%; height: 36px}
.mnb-sound .facts {opacity: .75; margin-left: .6em}
.mnb-sound .flag {background: #cc3311; color: white; border-radius: 3px; padding: 0 .45em;
  margin-left: .5em}
.mnb-sound .fine {color: #117733; margin-left: .6em}
.mnb-sound .strip {display: flex; height: 1.3em; font-size: 11px; line-height: 1.3em}
.mnb-sound .strip span {overflow: hidden; padding-left: 4px; color: #111}
.mnb-sound .note {opacity: .75; font-size: 12px; margin: 0}
</style>"""


@checked
def listen(
    sounds: Any,
    sr: Rate | None = None,
    *,
    prompt_end_seconds: Position | None = None,
    title: str = "",
    corpus: Corpus | None = None,
    picture: bool = True,
    max_bytes: int = MOST_BYTES,
) -> Listening:
    """Show sounds to listen to, each with its level and what is wrong with it.

    Parameters
    ----------
    sounds : Generated, Ensemble, np.ndarray [shape=(T,) or (C, T)], path, or several of these
        What to hear. A mapping gives the sounds their titles.
    sr : int > 0, optional
        Sample rate of arrays, in Hz.
    prompt_end_seconds : float, optional
        Where a prompt ends; what comes behind it is measured and judged. Generated sounds and
        the files they were saved to know.
    title : str, default ""
        Title of the sounds that have none.
    corpus : Corpus, optional
        What the sounds are meant to be like; flags then mean "worse than the corpus".
    picture : bool, default True
        Whether to draw each sound above its player.
    max_bytes : int > 0, default 300000
        Most bytes of an embedded preview; longer sounds are cut, and it is said so.

    Returns
    -------
    Listening
        Shows itself; ``.cards`` tell titles, levels and flags.

    Raises
    ------
    AudioError
        If a file can't be read.
    ParameterError
        If an array comes without its rate, or a sound ends before its prompt does.
    """
    try:
        items = _items(sounds, sr, title, prompt_end_seconds)
    except RecursionError:
        raise ParameterError("The list of sounds holds itself; give the sounds alone.") from None
    if max_bytes < 1000:
        raise ParameterError(f"max_bytes is {max_bytes}; a preview needs at least 1000.")
    share = min(max_bytes, MOST_BYTES_TOGETHER // max(1, len(items)))
    reference = corpus_profile(corpus) if corpus is not None and items else None
    return Listening([_make_card(*item, reference, picture, share) for item in items])


@dataclass(frozen=True)
class SoundCard:
    """One sound to hear, and what is known about it.

    Attributes
    ----------
    title : str
        Its name.
    seconds : float
        Length of the sound, prompt included.
    sample_rate, n_channels : int
        Of the sound; the preview may have fewer.
    prompt_end_seconds : float or None
        Where its prompt ends; levels and flags are those of what follows.
    levels : Levels
        What the meters show.
    flags : frozenset of str
        What is wrong with it; empty for a healthy sound.
    preview : bytes
        Compressed sound at its own level.
    media_type : str
        Of the preview.
    preview_seconds : float
        Length of the preview.
    image : bytes
        PNG of the waveform; empty without one.
    """

    title: str
    seconds: float
    sample_rate: int
    n_channels: int
    prompt_end_seconds: float | None
    levels: Levels
    flags: frozenset[str]
    preview: bytes
    media_type: str
    preview_seconds: float
    image: bytes

    @property
    def facts(self) -> str:
        """Length, format and level, in words."""
        channels = {1: "mono", 2: "stereo"}.get(self.n_channels, f"{self.n_channels} channels")
        parts = [f"{self.seconds:.1f} s", f"{self.sample_rate} Hz", channels]
        if self.prompt_end_seconds:
            parts[0] += f", new from {self.prompt_end_seconds:.1f} s"
        level = self.levels
        if math.isinf(level.peak_dbfs):
            return " · ".join([*parts, "digital silence"])
        loudness = "too quiet to gate" if math.isinf(level.lufs) else f"{level.lufs:.1f} LUFS"
        return " · ".join([*parts, f"peak {round(level.peak_dbfs, 1) + 0.0:.1f} dBFS", loudness])

    def to_html(self) -> str:
        """The card as HTML that needs nothing else."""
        flags = "".join(
            f'<span class="flag" title="{html.escape(REMEDIES[flag])}">{flag}</span>'
            for flag in sorted(self.flags)
        )
        flags = flags or '<span class="fine">no flags</span>'
        name = html.escape(self.title, quote=True)
        view = self._strip()
        if self.image:
            view = f'<img alt="waveform of {name}" src="{data_uri(self.image, "image/png")}">'
        note = ""
        if self.preview_seconds < self.seconds - 0.05:
            heard = f"the first {self.preview_seconds:.0f} s of {self.seconds:.0f} s"
            note = f'<p class="note">Preview: {heard}.</p>'
        return (
            f'<figure class="mnb-sound"><figcaption><b>{name}</b>'
            f'<span class="facts">{html.escape(self.facts)}</span>{flags}</figcaption>{view}'
            f'<audio controls preload="metadata" title="{name}" '
            f'src="{data_uri(self.preview, self.media_type)}"></audio>{note}</figure>'
        )

    def _strip(self) -> str:
        """Bar that says where the prompt ends, for cards without a picture."""
        if not self.prompt_end_seconds:
            return ""
        share = 100 * self.prompt_end_seconds / self.seconds
        return (
            f'<div class="strip"><span style="background:#e69f00;width:{share:.1f}%">prompt</span>'
            f'<span style="background:#009e73;width:{100 - share:.1f}%">generated</span></div>'
        )


@dataclass(frozen=True)
class Listening:
    """Sounds to hear; shows itself in a notebook, and embeds itself in a report.

    Attributes
    ----------
    cards : list of SoundCard
        In the order given.
    """

    cards: list[SoundCard]

    @property
    def flags(self) -> dict[str, frozenset[str]]:
        """Flags by title."""
        return {card.title: card.flags for card in self.cards}

    def __repr__(self) -> str:
        lines = [
            f"{card.title}: {card.facts} · {', '.join(sorted(card.flags)) or 'no flags'}"
            for card in self.cards
        ]
        return "\n".join(lines) or NOTHING

    def _repr_html_(self) -> str:
        return STYLE + ("".join(card.to_html() for card in self.cards) or f"<p>{NOTHING}</p>")


def data_uri(content: bytes, media_type: str) -> str:
    """Bytes as an address that holds them."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def encode_preview(y: np.ndarray, sr: int, max_bytes: int = MOST_BYTES) -> tuple[bytes, float]:
    """Compress the beginning of a sound to MP3, at its own level.

    Parameters
    ----------
    y : np.ndarray [shape=(C, T)]
        The sound. More than two channels are mixed to one.
    sr : int > 0
        In Hz; rates that MP3 lacks are resampled to the next that it has.
    max_bytes : int > 0, default 300000
        Most bytes; as many seconds are kept as fit.

    Returns
    -------
    content : bytes
        An MP3 file.
    seconds : float
        Its length.
    """
    y = np.clip(np.nan_to_num(y.mean(axis=0, keepdims=True) if len(y) > 2 else y), -1, 1)
    rate = min((r for r in MP3_RATES if r >= sr), default=MP3_RATES[-1])
    frames = y.T if rate == sr else soxr.resample(y.T, sr, rate)
    while True:
        buffer = io.BytesIO()
        # libsndfile's 0.2 of 1: LAME's better half, some 50 kbit/s for mono at 22050 Hz
        soundfile.write(buffer, frames, rate, format="MP3", compression_level=0.2)
        content = buffer.getvalue()
        if len(content) <= max_bytes or len(frames) <= rate // 2:
            return content, len(frames) / rate
        frames = frames[: max(rate // 2, int(len(frames) * 0.95 * max_bytes / len(content)))]


def _items(
    sounds: Any, sr: int | None, title: str, prompt_end_seconds: float | None
) -> list[tuple[Any, int | None, str, float | None]]:
    """Each sound with its rate, title and end of prompt, whatever way they were given."""
    if isinstance(sounds, Mapping):
        nested = [_items(s, sr, str(name), prompt_end_seconds) for name, s in sounds.items()]
        return [item for items in nested for item in items]
    if isinstance(sounds, Generated) and sounds.is_stored:
        sounds = sounds.paths
    if isinstance(sounds, Generated):
        name, many = title or "generated", len(sounds.audio) > 1
        return [
            (y, sounds.sample_rate, f"{name} {i}" if many else name, sounds.prompt_end_seconds)
            for i, y in enumerate(sounds.audio, start=1)
        ]
    if isinstance(sounds, Ensemble):
        return [(sounds.audio, sounds.sample_rate, title or "ensemble", None)]
    if isinstance(sounds, str | Path):
        end = _recalled_prompt_end(sounds) if prompt_end_seconds is None else prompt_end_seconds
        return [(sounds, None, title or readable(Path(sounds).name), end)]
    if isinstance(sounds, np.ndarray):
        return [(sounds, sr, title or "sound", prompt_end_seconds)]
    if not isinstance(sounds, list | tuple):
        raise ParameterError(
            f"{shown(sounds)} isn't a sound: give what generate made, an array, a file, or a "
            "list or mapping of these."
        )
    return [item for sound in sounds for item in _items(sound, sr, title, prompt_end_seconds)]


def _recalled_prompt_end(path: str | Path) -> float | None:
    """Where the prompt of a generated file ends; None for other files."""
    with contextlib.suppress(AudioError):
        return read_recall(path).get("prompt_end_seconds")
    return None


def _make_card(
    audio: Any,
    sr: int | None,
    title: str,
    prompt_end_seconds: float | None,
    reference: CorpusProfile | None,
    picture: bool,
    max_bytes: int,
) -> SoundCard:
    sound = open_sound(audio, sr)
    rate = sound.sample_rate
    y = sound.read(0, min(sound.n_samples, round(MOST_SECONDS * rate)))
    new = y[:, round((prompt_end_seconds or 0) * rate) :]
    if not new.shape[1]:
        raise ParameterError(
            f"The prompt of {title!r} ends at {prompt_end_seconds:g} s, but the sound lasts "
            f"{sound.duration_seconds:g} s; it must end before."
        )
    preview, preview_seconds = encode_preview(y, rate, max_bytes)
    return SoundCard(
        title,
        sound.duration_seconds,
        rate,
        sound.n_channels,
        prompt_end_seconds,
        measure(new, rate),
        frozenset(detect(new, rate, reference)),
        preview,
        "audio/mpeg",
        min(preview_seconds, sound.duration_seconds),
        _draw(y, rate, prompt_end_seconds) if picture else b"",
    )


def _draw(y: np.ndarray, sr: int, prompt_end_seconds: float | None) -> bytes:
    sound = open_sound(y, sr)
    entries = prompt_entries(prompt_end_seconds, sound.duration_seconds)
    return png(draw_sound(sound, entries=entries), PICTURE_DPI)
