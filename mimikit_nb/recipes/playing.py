"""Voices to play live: what :func:`mimikit_nb.live` lets be heard, usable without Jupyter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..audio.atomic import make_folder
from ..audio.locks import naming
from ..audio.names import readable
from ..audio.write import write
from ..checkpoint import Checkpoint
from ..corpus.store import Corpus
from ..generation.controls import Control
from ..generation.live import LivePlay, LiveSettings
from ..generation.made import free_path
from .generating import PromptLike, stream


def voices_of(
    ck: Checkpoint | str | Path,
    corpus: Corpus | str | Path | None = None,
    prompt: PromptLike | Sequence[PromptLike] = None,
    prompt_seconds: float = 1.0,
    n: int = 1,
    settings: LiveSettings | None = None,
    **options: Any,
) -> LivePlay:
    """Continuations that sound together and can be steered while they do.

    Parameters
    ----------
    ck, corpus, prompt, prompt_seconds, n : optional
        A voice per prompt, ``n`` of each, see :func:`mimikit_nb.stream`.
    settings : LiveSettings, optional
        What they begin with.
    **options
        ``fixtures``, ``device`` and ``engine``, see :func:`mimikit_nb.stream`.

    Returns
    -------
    LivePlay
        Iterating gives blocks ``[C, samples]`` of the mix.

    Raises
    ------
    PromptError
        If a prompt is too short or lies outside the corpus.
    """
    chosen = settings or LiveSettings()

    def make(temperature: Control, top_p: Control, **controls: Any):
        return stream(
            ck,
            corpus,
            prompt,
            prompt_seconds,
            temperature,
            n,
            chosen.seed,
            top_p=top_p,
            **controls,
            **options,
        )

    play = LivePlay(make, chosen)
    for voice, recall in zip(play.voices, play.recall, strict=True):
        voice.name = prompt_in_words(recall["prompt"])
    return play


def keep(play: LivePlay, folder: str | Path, seconds: float, n_unheard: int = 0) -> Path:
    """Write the last seconds of what was played as ``live_001.wav`` and so on, with recall data.

    Parameters
    ----------
    play : LivePlay
    folder : path
        Made if it doesn't exist; nothing in it is ever replaced.
    seconds : float > 0
        At most 60.
    n_unheard : int, default 0
        Samples at the end that nobody has heard yet, and that are left out.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    AudioError
        If the folder can't be made or written to.
    ParameterError
        If nothing was heard yet.
    """
    audio, recall = play.kept(seconds, n_unheard)
    folder = Path(folder)
    make_folder(folder)
    with naming(folder):
        return write(free_path(folder, "live"), audio, play.sample_rate, recall=recall)


def prompt_in_words(source: dict[str, Any]) -> str:
    """Where a prompt comes from, for people."""
    if source["kind"] == "corpus":
        return f"corpus at {source['position_seconds']:.1f} s"
    if source["kind"] == "file":
        return readable(Path(source["path"]).name)
    return {"silence": "silence", "array": "a sound of yours"}.get(source["kind"], source["kind"])
