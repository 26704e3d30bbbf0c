"""Prompts: the sound a network continues, and where it came from.

A prompt is cut from a corpus, read from a file, or given as an array at any rate; all become
``[C, samples]`` at the network's sample rate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..audio.arrays import LOUDEST, as_sound
from ..audio.channels import MOST_LOSS_DB, ChannelMeter, to_channels
from ..audio.files import Resampler, load
from ..corpus.store import Corpus
from ..errors import PromptError, warn
from ..units import check_rate, samples_to_seconds, seconds_to_samples


@dataclass(frozen=True)
class Prompt:
    """A piece of sound to be continued.

    Attributes
    ----------
    audio : np.ndarray [shape=(C, samples)]
        float32 at the network's sample rate.
    source : dict
        Where it came from, as JSON types: kept in the recall data of what is generated.
    corpus_sample : int or None
        Its first sample in the corpus, if it came from one.
    """

    audio: np.ndarray
    source: dict[str, Any]
    corpus_sample: int | None = None


def prompt_from_corpus(corpus: Corpus, position_seconds: float, prompt_seconds: float) -> Prompt:
    """Cut ``prompt_seconds`` from a corpus, beginning at ``position_seconds``."""
    start = seconds_to_samples(position_seconds, corpus.sample_rate)
    n = seconds_to_samples(prompt_seconds, corpus.sample_rate)
    if start < 0 or start + n > corpus.signal.shape[1]:
        raise PromptError(
            f"A prompt of {prompt_seconds:g} s at {position_seconds:g} s lies outside the corpus, "
            f"which has {corpus.duration_seconds:.2f} s; choose a position from 0 to "
            f"{max(0.0, corpus.duration_seconds - prompt_seconds):.2f} s or a shorter prompt."
        )
    source = {
        "kind": "corpus",
        "corpus_hash": corpus.hash,
        "position_seconds": float(position_seconds),
        "seconds": float(prompt_seconds),
    }
    return Prompt(np.array(corpus.signal[:, start : start + n]), source, start)


def prompt_from_file(path: str | Path, sample_rate: int, prompt_seconds: float) -> Prompt:
    """Read ``prompt_seconds`` of a sound file, resampled.

    From its beginning on, or from a time that stands behind it as in addresses of media:
    ``"voice.wav#t=2.5"``.
    """
    path, start = split_time(path)
    audio = load(path, sample_rate, start_seconds=start, seconds=prompt_seconds)
    source = {"kind": "file", "path": str(path)}
    return Prompt(audio, source | ({"position_seconds": start} if start else {}))


def split_time(path: str | Path) -> tuple[str, float]:
    """Path of a sound file and the time in seconds that stands behind it as ``#t=2.5``, or 0."""
    text = str(path)
    name, found, time = text.rpartition("#t=")
    if not found or Path(text).exists():
        return text, 0.0
    try:
        start = float(time)
    except ValueError:
        start = -1.0
    if not 0 <= start < float("inf"):
        raise PromptError(f"{text} has no time in seconds behind #t=; write it as name.wav#t=2.5.")
    return name, start


def prompt_from_array(
    y: np.ndarray, y_rate: int, sample_rate: int, loudest: float = LOUDEST
) -> Prompt:
    """Take an array ``[samples]`` or ``[C, samples]`` at ``y_rate`` Hz, resampled.

    Floats are taken as they are, up to a peak of ``loudest``; integers are scaled by their type.
    """
    audio = as_sound(y, "The prompt", PromptError, loudest=loudest)
    y_rate = check_rate(y_rate, "The prompt's rate")
    return Prompt(Resampler(y_rate, sample_rate, len(audio))(audio, last=True), {"kind": "array"})


def spread_positions(corpus: Corpus, n: int, prompt_seconds: float) -> list[float]:
    """``n`` positions in seconds, evenly spread, each prompt inside one file of the corpus."""
    n_prompt = seconds_to_samples(prompt_seconds, corpus.sample_rate)
    rooms = [(f.start, f.stop - n_prompt) for f in corpus.files if f.stop - f.start >= n_prompt]
    if not rooms:
        raise PromptError(
            f"No file of the corpus is as long as the prompt ({prompt_seconds:g} s); "
            "use a shorter prompt."
        )
    lengths = np.array([stop - start + 1 for start, stop in rooms])
    ends = np.cumsum(lengths)
    wanted = ((np.arange(n) + 0.5) / n * ends[-1]).astype(int)
    found = np.searchsorted(ends, wanted, side="right")
    samples = [
        rooms[i][0] + int(w - (ends[i] - lengths[i])) for w, i in zip(wanted, found, strict=True)
    ]
    return [samples_to_seconds(s, corpus.sample_rate) for s in samples]


def positions_within(
    parts: Sequence[tuple[int, int]], sample_rate: int, n: int, prompt_seconds: float
) -> list[float]:
    """``n`` positions in seconds, spread over the parts (in samples) that hold a prompt."""
    rooms = [
        (start / sample_rate, stop / sample_rate - prompt_seconds)
        for start, stop in parts
        if stop - start >= prompt_seconds * sample_rate
    ]
    if not rooms:
        raise PromptError(
            f"No held-out part of the corpus is as long as the prompt ({prompt_seconds:g} s); use "
            "a shorter prompt, or prompts='spread'."
        )
    chosen = np.linspace(0, len(rooms), n, endpoint=False).astype(int)
    counts = np.bincount(chosen, minlength=len(rooms)).tolist()
    return [
        float(position)
        for (start, stop), count in zip(rooms, counts, strict=True)
        for position in np.linspace(start, stop, count).round(3)
    ]


def stack_prompts(prompts: Sequence[Prompt], n_channels: int) -> np.ndarray:
    """``[n, n_channels, samples]``: prompts cut at the front to the shortest, channels matched.

    A mono prompt is doubled for a stereo network; any other is mixed down for a mono one.

    Raises
    ------
    PromptError
        If the channels of a prompt cancel each other in the mix; where they do so in part, it is
        a warning.
    """
    shortest = min(p.audio.shape[1] for p in prompts)
    return np.stack([_mixed(p, n_channels)[:, p.audio.shape[1] - shortest :] for p in prompts])


def _mixed(prompt: Prompt, n_channels: int) -> np.ndarray:
    y = prompt.audio
    if len(y) not in (1, n_channels):
        meter = ChannelMeter(n_channels)
        meter.update(y)
        if math.isinf(meter.loss_db):
            raise PromptError(
                "The channels of the prompt cancel each other: nothing of it is left as mono, "
                "which is what the network takes. Give one of its sides: y[:1]."
            )
        if meter.loss_db > MOST_LOSS_DB:
            warn(
                f"The channels of the prompt cancel each other: as mono it loses "
                f"{meter.loss_db:.0f} dB. One of its sides may be the better prompt: y[:1]."
            )
    return to_channels(y, n_channels)
